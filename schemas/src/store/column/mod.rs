//! Columns of one row group, encoded here where that pays.
//!
//! The Parquet library looks every value of a dictionary column up by its text and copies every other value several
//! times; in a collection, where a block of log comes with dictionaries of its own, that was a quarter of all work
//! (BENCHMARKS.md). [`labels`] encodes texts that repeat from their keys, [`plain`] numbers and other texts; [`chunk`]
//! makes pages of them. Page headers, metadata and their place in the file stay the library's.

mod chunk;
mod hybrid;
pub(super) mod labels;
pub(super) mod plain;
