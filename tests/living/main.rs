//! Whole-program tests of collecting from living systems: against servers that others wrote where there are any.

mod aws;
mod azure;
mod binary;
mod credentials;
mod cri;
mod fakes;
mod federated;
mod google;
mod log_analytics;
mod python;
mod schedules;
mod server;
mod tables;
