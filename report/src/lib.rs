//! Reports of faaslens: tables, publication figures and the page.
//!
//! Result tables go in, files come out as bytes; nothing is read or written here, and the same input gives the same
//! bytes.
//!
//! * [`render()`]: everything at once: `tables/`, `figures/` and `index.html`.
//! * [`render_figure`]: the files of one figure, for a paper.
//! * [`render_answer`]: the files of a comparison or a history.
//! * [`figures`]: one file a figure and the registry [`figures::FIGURES`]; drawn in points as SVG, with a bundled
//!   font, and converted to PNG and PDF.
//! * [`tables`]: any record batch as text, CSV, JSON, Markdown, LaTeX or Typst.
//! * [`page`]: what the page explores, chosen by strata and encoded.
//! * [`verdict`]: whether a run's results can be relied on.
//!
//! All text in the tables is untrusted: [`escape`] stands before every output.
//!
//! ```
//! use faaslens_report::{Options, ReportInput, RunTables, render};
//! use faaslens_schemas::manifest::Manifest;
//!
//! let runs = vec![RunTables::new(Manifest::new("run-1", 1))];
//! let files = render(&ReportInput { runs, ..ReportInput::default() }, &Options::default())?;
//! assert_eq!(files[0].path, "index.html");
//! # Ok::<(), faaslens_report::Error>(())
//! ```
#![warn(missing_docs)]

mod answers;
mod canvas;
mod error;
pub mod escape;
pub mod figures;
mod html;
mod input;
mod number;
mod options;
pub mod page;
mod render;
mod results;
pub mod tables;
pub mod verdict;

pub use answers::{Answer, ComparisonAnswer, comparison_sheet, render_answer, trend_sheet};
pub use error::{Error, Result};
pub use input::{Compared, OutputFile, ReportInput, RunTables};
pub use options::{ImageFormat, Length, Options, Order, Palette, RowChoice, Scale};
pub use render::{render, render_figure};
