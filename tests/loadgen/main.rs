//! The load generator through the command line.

mod binary;
mod command;
mod end_to_end;
mod endings;
mod histograms;
mod shards;
mod terminal;
mod tool;
