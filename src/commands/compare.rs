//! `faaslens compare`: which functions, routes and pairs of providers are slower in B than in A.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use faaslens_analyze::compare::{Comparisons, Options, SEED, compare};
use faaslens_report::tables::{Format, render, write};
use faaslens_report::{Answer, ComparisonAnswer, comparison_sheet, render_answer};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Comparison;

use super::table::parse_format;
use crate::cli::{StoreArguments, warn_of_missing_analysis};
use crate::measuring::measures;
use crate::outcome::{Outcome, wrong_use};
use crate::output::OutputFolder;
use crate::printer::Printer;
use crate::rendering::AnswerFigureArguments;
use crate::selection;

const EXAMPLES: &str = "\
Examples:
  faaslens compare webservice-1 webservice-2 --store store
  faaslens compare 'main-*' 'candidate-*' --store store --margin 5% --fail-on regression
  faaslens compare network=lcl,test=overhead network=cld,test=overhead --store store --out out
  faaslens compare date=2026-11-21 date=2026-11-22 --store store --format json

A and B are runs, separated by commas; globs; or label filters (all of which have to hold). The unit of replication is the
run: give several on each side. `faaslens schema comparisons` says what the columns mean.

Exit codes: 0, or 4 with --fail-on regression when a regression is proven.";

/// Compares two sets of runs, strongest evidence of a slowdown first.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Runs before: the reference.
    #[arg(value_name = "A")]
    a: String,
    /// Runs after.
    #[arg(value_name = "B")]
    b: String,
    #[command(flatten)]
    store: StoreArguments,
    /// Difference of a median that does not matter.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    margin: f64,
    /// Standard deviation of a median from run to run where you know it, such as 2%; estimated when not given.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    run_noise: Option<f64>,
    /// End with exit code 4 when this is proven.
    #[arg(long, value_name = "WHAT", value_enum)]
    fail_on: Option<FailOn>,
    /// Format of the table.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = parse_format)]
    format: Format,
    /// Folder to write to as well: tables/ and figures/ (forest plot, distributions).
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    figures: AnswerFigureArguments,
}

/// What makes a comparison fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A measure that is slower by more than the margin, after Holm's correction and with run-to-run noise known.
    Regression,
}

/// Reads `5%` or `0.05` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let value = number.trim().parse::<f64>().map(|number| number / unit);
    value
        .ok()
        .filter(|value| *value > 0.0 && *value < 10.0)
        .ok_or_else(|| format!("expected a percentage above 0, such as 5%, found {text:?}"))
}

impl Arguments {
    /// Compares, prints, writes.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let figures = self.figures.options()?;
        let store = self.store.open()?;
        let manifests = store.manifests()?;
        let (a, b) = (selection::runs(&self.a, &manifests)?, selection::runs(&self.b, &manifests)?);
        if let Some(both) = a.iter().find(|a| b.iter().any(|b| a.run == b.run)) {
            return Err(wrong_use(format!("run {:?} is in A and in B: expected disjoint sets", both.run)));
        }
        warn_of_missing_analysis(&[a.as_slice(), b.as_slice()].concat(), printer);
        let output = self.out.as_ref().map(|out| OutputFolder::prepare(out)).transpose()?;
        let options = Options { margin: self.margin, run_noise: self.run_noise };
        let answer = compare(&measures(&store, &a)?, &measures(&store, &b)?, &options)
            .map_err(|refused| wrong_use(refused.to_string()))?;
        let notes = self.notes(&a, &b, &answer);
        for warning in &answer.warnings {
            printer.warning(&warning.to_string());
        }
        self.print(&answer, printer)?;
        if let Some(output) = output {
            let comparison =
                ComparisonAnswer { rows: &answer.rows, distributions: &answer.distributions, margin: self.margin };
            output.write(&render_answer(&Answer::Comparison(comparison), &notes, &figures)?)?;
        }
        printer.note(&notes.join("\n"));
        let proven = answer.rows.iter().any(|row| row.regression);
        Ok(if proven && self.fail_on == Some(FailOn::Regression) { Outcome::Regressed } else { Outcome::Done })
    }

    fn print(&self, answer: &Comparisons, printer: &Printer) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Csv | Format::Json => render(&Comparison::to_batch(&answer.rows)?, self.format)?,
            brief => write(&comparison_sheet(&answer.rows), brief),
        };
        Ok(printer.text(&text)?)
    }

    /// What was compared and what came out, in a few lines.
    fn notes(&self, a: &[Manifest], b: &[Manifest], answer: &Comparisons) -> Vec<String> {
        let names = |runs: &[Manifest]| {
            let names: Vec<&str> = runs.iter().take(5).map(|manifest| manifest.run.as_str()).collect();
            let more = if runs.len() > 5 { format!(" and {} more", runs.len() - 5) } else { String::new() };
            format!("{}{more}", names.join(", "))
        };
        let count = |verdict: &str| answer.rows.iter().filter(|row| &*row.verdict == verdict).count();
        let regressions = answer.rows.iter().filter(|row| row.regression).count();
        vec![
            format!("A: {}; B: {}", names(a), names(b)),
            format!(
                "{} measures: {} slower ({regressions} proven regressions beyond {:.3} %), {} faster, {} equivalent, {} without \
                 evidence, {} not compared (--format csv says why; seed {SEED})",
                answer.rows.len(),
                count("slower"),
                100.0 * self.margin,
                count("faster"),
                count("equivalent"),
                count("no evidence"),
                count("not compared"),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_with_and_without_sign() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("0.05"), Ok(0.05));
        assert_eq!(percent(" 2.5 %"), Ok(0.025));
        for refused in ["", "0", "-5%", "five", "NaN", "inf", "2000%"] {
            assert!(percent(refused).is_err(), "{refused}");
        }
    }
}
