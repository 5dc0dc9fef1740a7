//! Tables as text: for the terminal, for other programs and for papers.
//!
//! [`render`] takes any record batch. Unknown values are empty in CSV, `null` in JSON and `n/a` where people
//! read; instants are RFC 3339 with microseconds, UTC; CSV and JSON hold the shortest decimal that reads back as
//! the same number, the other formats round by column.

mod csv;
mod json;
mod latex;
mod markdown;
mod sheet;
pub mod table_one;
mod text;
mod typst;

pub use sheet::{Cell, Heading, Sheet};
pub use table_one::magnitude;

use faaslens_schemas::arrow::array::RecordBatch;

use crate::error::Result;

/// A text format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for the terminal.
    Text,
    /// RFC 4180 with a header line.
    Csv,
    /// An array of objects, one a line.
    Json,
    /// A pipe table.
    Markdown,
    /// A `tabular` with booktabs rules.
    Latex,
    /// A Typst `table`.
    Typst,
}

/// Every format: name on the command line, extension of its files, the format.
pub static FORMATS: &[(&str, &str, Format)] = &[
    ("text", "txt", Format::Text),
    ("csv", "csv", Format::Csv),
    ("json", "json", Format::Json),
    ("markdown", "md", Format::Markdown),
    ("latex", "tex", Format::Latex),
    ("typst", "typ", Format::Typst),
];

impl Format {
    /// The format of that name, or of the files of that extension.
    pub fn by_name(name: &str) -> Option<Self> {
        FORMATS.iter().find(|(known, extension, _)| *known == name || *extension == name).map(|&(.., format)| format)
    }

    /// Extension of its files, without the dot.
    pub fn extension(self) -> &'static str {
        FORMATS.iter().find(|(.., format)| *format == self).map_or("txt", |&(_, extension, _)| extension)
    }
}

/// A record batch as text; without rows, the header alone.
///
/// # Errors
/// When a column's type has no text form, by name.
pub fn render(batch: &RecordBatch, format: Format) -> Result<String> {
    Ok(write(&Sheet::from_batch(batch)?, format))
}

/// A piece of a table too large to hold: `first` writes the header (CSV) or opens the array (JSON), `last` closes it.
///
/// For CSV and JSON the pieces of a table, one after another, are the text of the whole; a table without rows is
/// one piece that is both. The other formats need all rows for their alignment and give each piece as a table of
/// its own.
///
/// # Errors
/// When a column's type has no text form, by name.
pub fn render_piece(batch: &RecordBatch, format: Format, first: bool, last: bool) -> Result<String> {
    let sheet = Sheet::from_batch(batch)?;
    Ok(match format {
        Format::Csv => csv::write(&sheet, first),
        Format::Json => json::write(&sheet, first, last),
        _ => write(&sheet, format),
    })
}

/// A table of cells as CSV, with its header line or without.
pub(crate) fn write_csv(sheet: &Sheet, header: bool) -> String {
    csv::write(sheet, header)
}

/// A table of cells as text.
pub fn write(sheet: &Sheet, format: Format) -> String {
    match format {
        Format::Text => text::write(sheet),
        Format::Csv => csv::write(sheet, true),
        Format::Json => json::write(sheet, true, true),
        Format::Markdown => markdown::write(sheet),
        Format::Latex => latex::write(sheet),
        Format::Typst => typst::write(sheet),
    }
}
