//! faaslens: from the logs of a finished benchmark run to tables, figures and answers.
//!
//! This package only composes: [`sources`] and [`collection`] call `faaslens-collect`, [`analysis`] calls
//! `faaslens-analyze`, [`rendering`] calls `faaslens-report`, [`commands::export`] calls `faaslens-export`. [`printer`] is the only writer to the terminal.

mod analysis;
mod catalog;
mod choosing;
mod cli;
mod collection;
mod commands;
mod detect;
mod exploring;
mod figure_plan;
mod filtering;
mod live;
mod measuring;
mod outcome;
mod output;
mod printer;
mod progress;
mod rendering;
mod selection;
mod serving;
mod sources;
mod stream;
mod table_filter;
mod traces;
mod tree;

use std::process::ExitCode;

use clap::Parser;

/// Collecting allocates from all threads at once: this allocator makes it a tenth faster (BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_to_small_pages();
    let cli = cli::Cli::parse();
    let printer = printer::Printer::new(cli.quiet);
    let result = cli.command.run(&printer);
    printer.conclude(result)
}

/// Memory in small pages only: a transparent huge page is cleared whole for the first byte of it that is used, which costs
/// a collection a quarter more memory (BENCHMARKS.md). A kernel that refuses makes it slower, not wrong.
fn keep_to_small_pages() {
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
}
