//! Whole-program tests of collecting from living systems: against servers that others wrote where there are any.

mod aws;
mod azure;
mod binary;
mod cluster;
mod credentials;
mod cri;
mod fakes;
mod federated;
mod gateways;
mod google;
mod k8s;
mod log_analytics;
mod node;
mod python;
mod schedules;
mod server;
mod tables;
mod throughput;
mod tls;
