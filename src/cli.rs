//! The command line: every command, option and example.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use faaslens_schemas::manifest::{Manifest, State};
use faaslens_schemas::store::Store;

use crate::commands;
use crate::outcome::Outcome;
use crate::printer::Printer;

const EXAMPLES: &str = "\
Examples:
  faaslens report logs/webservice/2026-11-22_07-01-51 --out out
  faaslens collect befaas logs/webservice/2026-11-22_07-01-51 --store store --label repetition=1
  faaslens analyze --store store
  faaslens table durations --store store --format latex
  faaslens compare 'main-*' 'candidate-*' --store store --margin 5% --fail-on regression
  faaslens query \"SELECT run, COUNT(*) AS n FROM traces GROUP BY run\" --store store

Exit codes:
  0    done
  1    done, but some input was refused or lossy (named on standard error)
  2    wrong use: the command line asks for something that does not exist
  3    failed
  4    compare --fail-on: a regression is proven
  130  interrupted";

/// Where the time of a serverless benchmark run went: from the logs of a finished run to tables, figures and answers.
#[derive(Debug, Parser)]
#[command(name = "faaslens", version, after_help = EXAMPLES, max_term_width = 110)]
pub(crate) struct Cli {
    /// No progress and no summary on standard error; warnings and errors stay.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

macro_rules! commands {
    ($($variant:ident: $module:ident),+ $(,)?) => {
        /// Every command: its module in `commands` has its arguments and what it does.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $( $variant(Box<commands::$module::Arguments>), )+
        }

        impl Command {
            /// Does what the command line asks for.
            pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
                match self {
                    $( Self::$variant(arguments) => arguments.run(printer), )+
                }
            }
        }
    };
}

commands! {
    Report: report,
    Collect: collect,
    Analyze: analyze,
    Table: table,
    Query: query,
    Compare: compare,
    Trend: trend,
    Inspect: inspect,
    Export: export,
    Serve: serve,
    Runs: runs,
    Sources: sources,
    Schema: schema,
    Loadgen: loadgen,
}

/// The store that a command reads.
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    /// Store to read: the folder that `collect --store` or `report --out` (its folder `store`) made.
    #[arg(long, value_name = "DIR")]
    pub(crate) store: PathBuf,
}

impl StoreArguments {
    /// Opens the store.
    pub(crate) fn open(&self) -> anyhow::Result<Store> {
        Ok(Store::open(&self.store)?)
    }
}

/// The store and the runs that a command reads.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    /// Run to read, as `faaslens runs` names it; may be given several times. All complete runs when not given.
    #[arg(long = "run", value_name = "ID")]
    pub(crate) runs: Vec<String>,
}

impl RunArguments {
    /// Opens the store and finds the runs; warns of chosen runs that are unfinished.
    pub(crate) fn select(&self, printer: &Printer) -> anyhow::Result<(Store, Vec<Manifest>)> {
        let store = self.store.open()?;
        let chosen = store.select(&self.runs)?;
        for manifest in chosen.iter().filter(|manifest| manifest.state == State::Unfinished) {
            printer.warning(&format!("run {:?} is unfinished: collect it again", manifest.run));
        }
        let chosen = chosen.into_iter().filter(|manifest| manifest.state == State::Complete).collect();
        Ok((store, chosen))
    }
}

/// Warns of runs whose analysis is missing, so that an empty table is not taken for an answer.
pub(crate) fn warn_of_missing_analysis(manifests: &[Manifest], printer: &Printer) {
    let missing: Vec<&str> =
        manifests.iter().filter(|manifest| manifest.analysis.is_none()).map(|manifest| manifest.run.as_str()).collect();
    if !missing.is_empty() {
        printer.warning(&format!("not analyzed yet, run faaslens analyze: {}", missing.join(", ")));
    }
}

/// Labels of a run, as `key=value`.
#[derive(Debug, Args)]
pub(crate) struct LabelArguments {
    /// Label of the run, such as `repetition=1`; may be given several times. Wins over one from a file name.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_label)]
    pub(crate) labels: Vec<(String, String)>,
}

impl LabelArguments {
    /// The labels by key; the last of several under one key counts.
    pub(crate) fn by_key(&self) -> BTreeMap<String, String> {
        self.labels.iter().cloned().collect()
    }
}

/// Reads `key=value`; a key is made of letters, digits and `_`, so that it can be a column `label_<key>`.
pub(crate) fn parse_label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("expected key=value, found {text:?}"))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.is_empty() || !key.chars().all(fits) {
        return Err(format!("expected a key of A-Z a-z 0-9 _, found {key:?}"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_option_is_documented() {
        let command = Cli::command();
        command.clone().debug_assert();
        let mut open: Vec<&clap::Command> = vec![&command];
        while let Some(command) = open.pop() {
            assert!(command.get_about().is_some(), "command {} has no description", command.get_name());
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {} has no help", command.get_name(), argument.get_id());
            }
            open.extend(command.get_subcommands());
        }
    }

    #[test]
    fn labels_are_key_and_value() {
        assert_eq!(parse_label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(parse_label("a="), Ok(("a".to_owned(), String::new())));
        for refused in ["a", "=b", "a b=c", "a-b=c"] {
            assert!(parse_label(refused).is_err(), "{refused}");
        }
    }
}
