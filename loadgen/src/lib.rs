//! Load generator of faaslens: drives deployed functions with a load profile and measures what they answer.
//!
//! ```text
//! Artillery YAML ─┐
//! JMeter plan ────┼─▶ profile ─▶ schedule ─▶ engine ─▶ records ─▶ store, JTL, console lines, summary
//! own YAML ───────┘
//! ```
//!
//! * [`profile`]: the one model that every way of writing a profile is compiled to.
//! * [`schedule`]: when virtual users arrive, a function of profile and seed.
//! * [`engine`]: a pacing thread, workers, virtual users, connections.
//! * [`measure`]: records, histograms, and the generator's watch over itself.
//! * [`output`]: what becomes of the records after the run.
//! * [`manners`]: whom to send to, how much, and when to stop.
//!
//! ```
//! use std::path::Path;
//! use faaslens_loadgen::profile::{Settings, compile};
//! use faaslens_loadgen::schedule::{Shard, plan};
//!
//! let text = "phases: [{duration: 10, rate: 5}]\nscenarios: [{flow: [{get: {url: 'http://localhost/'}}]}]\n";
//! let profile = compile(Path::new("profile.yml"), text, &Settings::default())?;
//! assert_eq!(plan(&profile, 1, Shard::default())?.requests, Some(50));
//! # Ok::<(), faaslens_loadgen::Error>(())
//! ```
//!
//! To add a way of writing profiles: one file in `profile/` and its line in [`profile::FORMATS`].
#![warn(missing_docs)]

pub mod engine;
mod error;
mod json_path;
pub mod manners;
pub mod measure;
pub mod output;
mod percent;
pub mod profile;
pub mod random;
pub mod schedule;

pub use error::{Error, Result};
pub use json_path::JsonPath;
