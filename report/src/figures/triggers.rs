//! Publisher duration and trigger delay by provider (`BeFaaS`, Fig. 15).

use super::box_plot::{self, Panel, Plan};
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::input::RunTables;

pub(super) static FIGURE: Figure = Figure {
    name: "triggers",
    description: "Publisher duration and trigger delay by provider",
    method: "Left: execution duration of the publisher. Right: start of the triggered function less the start of the \
             publisher's handler, in full; the published figure shows its part below one second. A delay between two \
             executors is as good as their clocks agree: the table gives its uncertainty.",
    after: "BeFaaS, Fig. 15",
    needs: &["boxes", "outliers"],
    table: Some("triggers"),
    scope: Scope::Run,
    draw,
};

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let run = runs.first()?;
    let (measure, heading) = if look.options.as_published {
        ("trigger_delay_published", "Trigger delay (as published)")
    } else {
        ("trigger_delay", "Trigger delay")
    };
    let mut notes = wrapped_note(run);
    let mut panels = Vec::new();
    for (measure, heading) in [("publisher_duration", "Publisher duration"), (measure, heading)] {
        let (items, refused) = box_plot::items(run, measure, |b| &b.provider);
        let label = |item: &box_plot::Item| match &item.tukey.function {
            Some(function) => format!("{}: {}", &*item.tukey.provider, &**function),
            None => item.tukey.provider.to_string(),
        };
        let (groups, left_out) = box_plot::group(items, &look.options.order, label);
        notes.extend(note(
            refused,
            "box without usable numbers is left out",
            "boxes without usable numbers are left out",
        ));
        notes.extend(note(
            left_out,
            "group with the fewest events is left out",
            "groups with the fewest events are left out",
        ));
        panels.push(Panel { heading: Some(heading), groups });
    }
    let plan = Plan { width: BROAD, height: 150.0, axis_title: "Duration (ms)", counted: "values", legend: false };
    box_plot::draw(look, &plan, panels, notes)
}

/// How many delays the published method would wrap.
fn wrapped_note(run: &RunTables) -> Vec<String> {
    let wrapped: i64 = run.triggers.iter().map(|row| row.over_1s).sum();
    let n: i64 = run.triggers.iter().map(|row| row.n).sum();
    match wrapped {
        0 => Vec::new(),
        _ => vec![format!(
            "{wrapped} of {n} delays last 1 s or more; the published method shows only their part below 1 s."
        )],
    }
}
