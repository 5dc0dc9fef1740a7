//! The load generator through the command line.

mod binary;
mod command;
mod endings;
mod shards;
mod terminal;
mod tool;
