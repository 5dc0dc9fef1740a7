//! `faaslens loadgen`: drives deployed functions with a load profile.

mod drive;
mod finish;
mod merge;
mod plan;
mod profile;
mod ready;
mod texts;

use clap::{Args, Subcommand};

use self::drive::RunArguments;
use self::finish::FinishArguments;
use self::merge::MergeArguments;
use self::plan::PlanArguments;
use self::ready::ProfilesArguments;
use crate::outcome::Outcome;
use crate::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  faaslens loadgen plan workload.yml
  faaslens loadgen workload.yml --out run -v endpoints.json --allow-host fn.example.org
  faaslens loadgen overhead.jmx --out run -J request.ip=10.0.0.5 -J test.iterations=100 --allow-host 10.0.0.5
  faaslens loadgen benchfaas-overhead --out run -v gateway=http://10.0.0.5:8080 --allow-host 10.0.0.5
  faaslens loadgen workload.yml --out run-1 --shard 1/2 --seed 7 --allow-host fn.example.org
  faaslens loadgen merge run-1 run-2 --out run

PROFILE is an Artillery YAML file, a JMeter plan, a file in faaslens's own YAML (docs/loadgen.md), or a ready profile
(faaslens loadgen profiles).";

/// Drives deployed functions with a load profile and measures what they answer.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints arrivals by second, requests by scenario and expected totals, without sending anything.
    Plan(PlanArguments),
    /// Writes the outputs of a run whose generator was killed, from the records that reached the disk.
    Finish(FinishArguments),
    /// Makes one run of what the processes that shared a schedule (--shard) wrote.
    Merge(MergeArguments),
    /// Lists the ready profiles, or prints one.
    Profiles(ProfilesArguments),
}

impl Arguments {
    /// Plans, drives or finishes a load.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        match &self.command {
            Some(Command::Plan(arguments)) => arguments.run(printer),
            Some(Command::Finish(arguments)) => arguments.run(printer),
            Some(Command::Merge(arguments)) => arguments.run(printer),
            Some(Command::Profiles(arguments)) => arguments.run(printer),
            None => self.run.run(printer),
        }
    }
}
