//! Where bytes come from: one file a provider or generator.

pub mod artillery_report;
#[cfg(feature = "aws")]
pub mod aws;
pub mod befaas;
pub mod jmeter;
mod result_files;
mod result_run;

pub use result_files::{Collected, PerFile};
