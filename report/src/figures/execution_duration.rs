//! Execution duration by function and provider (`BeFaaS`, Fig. 9).

use super::box_plot::{self, Panel, Plan};
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::input::RunTables;

pub(super) static FIGURE: Figure = Figure {
    name: "execution-duration",
    description: "Execution duration by function and provider",
    method: "Duration of every invocation on its executor's own monotonic clock, from the start to the end of the \
             function's handler. Boxes span the first to the third quartile (Hyndman and Fan type 7) with the median, \
             whiskers end at the outermost value within 1.5 IQR of the box, circles are the values beyond.",
    after: "BeFaaS, Fig. 9",
    needs: &["boxes", "outliers"],
    table: Some("durations"),
    scope: Scope::Run,
    draw,
};

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let (items, refused) = box_plot::items(runs.first()?, "execution_duration", |b| &b.provider);
    let label = |item: &box_plot::Item| item.tukey.function.as_deref().unwrap_or("all functions").to_owned();
    let (groups, left_out) = box_plot::group(items, &look.options.order, label);
    let notes = [
        note(refused, "box without usable numbers is left out", "boxes without usable numbers are left out"),
        note(
            left_out,
            "function with the fewest invocations is left out",
            "functions with the fewest invocations are left out",
        ),
    ];
    let plan = Plan {
        width: BROAD,
        height: 170.0,
        axis_title: "Execution duration (ms)",
        counted: "invocations",
        legend: true,
    };
    box_plot::draw(look, &plan, vec![Panel { heading: None, groups }], notes.into_iter().flatten().collect())
}
