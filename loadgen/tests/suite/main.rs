//! Whole loads against servers of the tests' own.

mod artillery;
mod drive;
mod jmeter;
mod outcomes;
mod server;
mod timing;
