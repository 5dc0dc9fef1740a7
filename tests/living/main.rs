//! Whole-program tests of collecting from living systems: against servers that others wrote where there are any.

mod aws;
mod binary;
mod cri;
mod fakes;
mod python;
mod schedules;
mod server;
mod tables;
