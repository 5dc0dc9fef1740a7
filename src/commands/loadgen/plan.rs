//! `faaslens loadgen plan`: what a profile will do, without doing it.

use std::fmt::Write as _;

use clap::Args;
use faaslens_loadgen::profile::Profile;
use faaslens_loadgen::schedule::{self, Plan};

use super::profile::ProfileArguments;
use crate::outcome::Outcome;
use crate::printer::Printer;

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    profile: ProfileArguments,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl PlanArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let profile = self.profile.load(printer)?;
        let plan = schedule::plan(&profile, self.profile.seed, self.profile.shard)?;
        if self.json {
            printer.json(&plan)?;
        } else {
            printer.text(&plan_text(&profile, &plan, self.profile.seed))?;
        }
        Ok(Outcome::Done)
    }
}

fn plan_text(profile: &Profile, plan: &Plan, seed: u64) -> String {
    let known = |n: Option<u64>| n.map_or_else(|| "n/a".to_owned(), |n| n.to_string());
    let mut text = format!("profile {} ({}), seed {seed}\n\n", profile.name, profile.format);
    text.push_str("phase                           from s     length s   arrivals\n");
    for phase in &plan.phases {
        let length = phase.length_s.map_or_else(|| "n/a".to_owned(), |s| format!("{s:.1}"));
        let unit = if phase.kind == "threads" { " threads" } else { "" };
        writeln!(text, "{:<28} {:>9.1} {length:>12} {:>10}{unit}", phase.name, phase.from_s, phase.arrivals)
            .unwrap_or_default();
    }
    text.push_str("\nscenario                      arrivals  requests each   requests\n");
    for scenario in &plan.scenarios {
        let (each, all) = (known(scenario.requests_each), known(scenario.requests));
        writeln!(text, "{:<28} {:>9} {each:>14} {all:>10}", scenario.name, scenario.arrivals).unwrap_or_default();
    }
    text.push_str("\nsecond  arrivals\n");
    for (second, arrivals) in plan.by_second.iter().enumerate() {
        writeln!(text, "{second:>6} {arrivals:>9}").unwrap_or_default();
    }
    writeln!(text, "\n{} arrivals, {} requests, {:.1} s", plan.arrivals, known(plan.requests), plan.length_s)
        .unwrap_or_default();
    text
}
