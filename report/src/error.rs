//! What can go wrong while a report is made.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A figure was asked for that does not exist.
    #[error("unknown figure {name:?}, expected one of: {known}")]
    UnknownFigure {
        /// What was asked for.
        name: String,
        /// Every figure, separated by commas.
        known: String,
    },
    /// A width or size that no figure can have.
    #[error("{option}: {found} is out of range, expected {expected}")]
    OutOfRange {
        /// The option.
        option: &'static str,
        /// What was given.
        found: String,
        /// What is possible.
        expected: &'static str,
    },
    /// A text that is not a length.
    #[error("length {found:?}: expected a number and in, mm or pt, such as 3.5in")]
    Length {
        /// What was given.
        found: String,
    },
    /// A text that is no order.
    #[error("order {found:?}: expected name, median or names separated by commas")]
    Order {
        /// What was given.
        found: String,
    },
    /// A figure that was asked for has nothing to draw.
    #[error("figure {figure}: {path} has nothing to draw{condition}")]
    Nothing {
        /// The figure.
        figure: &'static str,
        /// Path of its files.
        path: String,
        /// The choice of rows that left nothing, if there was one.
        condition: String,
    },
    /// A column of a type that has no text form.
    #[error("column {column:?} cannot be written as text")]
    ColumnType {
        /// The column.
        column: String,
        /// Why.
        source: faaslens_schemas::arrow::error::ArrowError,
    },
    /// A row type and its table do not fit, which is a defect.
    #[error(transparent)]
    Schema(#[from] faaslens_schemas::Error),
    /// The drawn SVG could not be read back for PNG or PDF.
    #[error("figure {figure}: the drawing cannot be converted: {reason}")]
    Convert {
        /// The figure.
        figure: String,
        /// Why.
        reason: String,
    },
    /// The page's template failed.
    #[error("the page cannot be written")]
    Page(#[from] askama::Error),
}
