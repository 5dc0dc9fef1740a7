//! Bytes to records: one file a format, no I/O, nothing that panics on any input.

pub mod artillery_report;
pub mod befaas;
pub mod cloud_logging;
pub mod cloudwatch;
mod dialect;
pub mod envelope;
pub mod jtl;
pub mod jtl_csv;
pub mod jtl_xml;
pub mod k6;
pub mod lambda;
pub mod latency_text;
pub mod plain_lines;
pub mod relative_csv;
mod rows_csv;
pub mod stamp;
mod window;

pub(crate) use dialect::TEXT;
pub use dialect::{Dialect, Findings, Gap, Statement};
