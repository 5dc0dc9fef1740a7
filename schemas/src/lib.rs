//! The contract of faaslens: what every crate reads and writes.
//!
//! * [`table`]: how a table is declared: one row type, its columns with units, its Arrow schema.
//! * [`tables`]: every table of a store, and the registry [`tables::TABLES`].
//! * [`time`]: wall-clock instants ([`time::Timestamp`], microseconds since the Unix epoch).
//! * [`manifest`]: what is known of one collected run: sources, counts, labels, files.
//! * [`store`]: a folder of hive-partitioned Parquet files and manifests; atomic replacement of a run.
//! * [`arrow`]: the parts of Arrow that faaslens uses.
//! * [`dictionary`]: texts that repeat, as small numbers.
//! * [`filter`]: which traces are meant, for exports and pages.
//! * [`docs`]: the generated table documentation and JSON Schemas.
//!
//! Data flow: `faaslens-collect` writes the tables of [`table::Stage::Collect`], `faaslens-analyze` turns
//! them into those of [`table::Stage::Analyze`], `faaslens-report` reads both. None of them knows another.
//!
//! A new table is one `table!` declaration in [`tables`] and one line in [`tables::TABLES`].
//!
//! ```
//! use faaslens_schemas::{table::Row, tables::DbCall};
//! let schema = DbCall::schema();
//! assert_eq!(schema.field(0).name(), "context_id");
//! ```
#![warn(missing_docs)]

pub mod arrow;
pub mod dictionary;
pub mod docs;
pub mod error;
pub mod filter;
pub mod manifest;
pub mod store;
pub mod table;
pub mod tables;
pub mod time;

pub use error::{Error, Result};
