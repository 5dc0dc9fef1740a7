//! Bytes to records: one file a format, no I/O, nothing that panics on any input.

pub mod artillery_report;
pub mod jtl;
pub mod jtl_csv;
pub mod jtl_xml;
mod window;
