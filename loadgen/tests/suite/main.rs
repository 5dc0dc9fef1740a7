//! Whole loads against servers of the tests' own.

mod arrivals;
mod artillery;
mod bodies;
mod drive;
mod ids;
mod jmeter;
mod outcomes;
mod protocols;
mod refusals;
mod server;
mod timing;
