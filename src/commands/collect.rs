//! `faaslens collect`: from logs to the store.

use clap::Args;
#[cfg(feature = "living")]
use faaslens_collect::living::run::Estimate;
#[cfg(feature = "living")]
use faaslens_report::escape::visible;

use crate::collection::{bytes_of, conclude};
use crate::outcome::Outcome;
use crate::printer::Printer;
use crate::progress::{Bar, catch_interruption};
use crate::sources::Source;

/// Collects logs into a store; a run that is there already is replaced.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    source: Source,
}

impl Arguments {
    /// Collects.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let source = self.source.source();
        let common = self.source.options();
        catch_interruption()?;
        #[cfg(feature = "living")]
        if let Some(estimates) = source.estimates(&())? {
            show(&estimates, printer, common.json)?;
            return Ok(Outcome::Done);
        }
        let options = common.open(source)?;
        let bar = if source.slices() {
            Bar::pieces("slices", 0, printer.quiet())
        } else {
            Bar::bytes("collect", bytes_of(source.inputs()), printer.quiet())
        };
        let results = source.collect(&options, &bar);
        drop(bar);
        let collection = conclude(results?, printer)?;
        if common.json {
            printer.json(&collection.manifests)?;
        }
        Ok(collection.outcome)
    }
}

/// Prints what a collection would ask for.
#[cfg(feature = "living")]
fn show(estimates: &[Estimate], printer: &Printer, json: bool) -> anyhow::Result<()> {
    if json {
        let object = |estimate: &Estimate| {
            serde_json::json!({
                "source": estimate.source,
                "from": estimate.window.from().to_string(),
                "until": estimate.window.until().to_string(),
                "logs": estimate.logs.iter().map(|log| log.name.as_str()).collect::<Vec<_>>(),
                "slices": estimate.slices,
                "calls_at_least": estimate.calls,
                "calls_at_most": estimate.calls_at_most,
                "seconds_at_least": estimate.at_least.as_secs_f64(),
            })
        };
        return printer.json(&estimates.iter().map(object).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for estimate in estimates {
        let names = estimate.logs.iter().map(|log| visible(&log.name) + "\n");
        text.extend(names);
        let most = estimate.calls_at_most.map_or_else(|| "unknown".to_owned(), |calls| calls.to_string());
        text.extend([format!(
            "{} {}: {} logs, {} slices; requests: at least {}, at most {most}; time: at least {:.0} s\n",
            estimate.source,
            estimate.window,
            estimate.logs.len(),
            estimate.slices,
            estimate.calls,
            estimate.at_least.as_secs_f64(),
        )]);
    }
    Ok(printer.text(&text)?)
}
