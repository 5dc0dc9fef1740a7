//! Where bytes come from: one file a provider or generator.

pub mod artillery_report;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod aws_export;
#[cfg(feature = "azure")]
pub mod azure;
#[cfg(feature = "azure")]
pub mod azure_files;
#[cfg(feature = "azure")]
mod azure_tables;
pub mod befaas;
#[cfg(feature = "cri")]
pub mod cri;
#[cfg(feature = "google")]
pub mod google;
pub mod hey;
pub mod jmeter;
pub mod k6;
#[cfg(feature = "k8s")]
pub mod k8s;
pub(crate) mod loads;
#[cfg(any(feature = "aws", feature = "azure"))]
mod local_files;
pub mod oha;
#[cfg(feature = "openfaas")]
pub mod openfaas;
#[cfg(feature = "openwhisk")]
pub mod openwhisk;
mod request_file;
mod result_files;
mod result_run;
#[cfg(feature = "tinyfaas")]
pub mod tinyfaas;
pub mod wrk2;

pub use result_files::{Collected, PerFile};
