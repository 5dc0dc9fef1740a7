//! Execution duration of routed requests by function and route.

use super::box_plot::{self, Panel, Plan};
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::input::RunTables;

pub(super) static FIGURE: Figure = Figure {
    name: "route-duration",
    description: "Execution duration by route",
    method: "Duration of every invocation through an HTTP route on its executor's own monotonic clock, with all calls \
             it waits for. Tukey boxes as elsewhere: first to third quartile (Hyndman and Fan type 7) with the median, \
             whiskers to the outermost value within 1.5 IQR of the box, circles beyond.",
    after: "BeFaaS, Fig. 9, by route",
    needs: &["boxes", "outliers"],
    table: None,
    scope: Scope::Run,
    draw,
};

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let (items, refused) = box_plot::items(runs.first()?, "route_duration", |b| &b.provider);
    let label = |item: &box_plot::Item| item.tukey.function.as_deref().unwrap_or("all routes").to_owned();
    let (groups, left_out) = box_plot::group(items, &look.options.order, label);
    let notes = [
        note(refused, "box without usable numbers is left out", "boxes without usable numbers are left out"),
        note(left_out, "route with the fewest requests is left out", "routes with the fewest requests are left out"),
    ];
    let plan = Plan {
        width: BROAD,
        height: 150.0,
        axis_title: "Execution duration (ms)",
        counted: "invocations",
        legend: true,
    };
    box_plot::draw(look, &plan, vec![Panel { heading: None, groups }], notes.into_iter().flatten().collect())
}
