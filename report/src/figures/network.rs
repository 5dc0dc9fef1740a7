//! Network time of synchronous calls by pair of providers.

use super::box_plot::{self, Panel, Plan};
use super::{BROAD, Drawing, Figure, Look, Scope, note};
use crate::input::RunTables;

pub(super) static FIGURE: Figure = Figure {
    name: "network",
    description: "Network time of synchronous calls by pair of providers",
    method: "The caller's duration of a call less the execution duration of its callee: a round trip, so no synchronised clocks are \
             needed. Calls of publishers are left out. The provider of the caller stands first, that of the callee, which also \
             gives the colour, second. Tukey boxes as elsewhere.",
    after: "the network time of BeFaaS, by pair of providers",
    needs: &["boxes", "outliers"],
    table: None,
    scope: Scope::Run,
    draw,
};

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    let (items, refused) = box_plot::items(runs.first()?, "network", |b| b.peer.as_deref().unwrap_or(&b.provider));
    let label = |item: &box_plot::Item| match &item.tukey.peer {
        Some(peer) => format!("{} → {}", &*item.tukey.provider, &**peer),
        None => item.tukey.provider.to_string(),
    };
    let (groups, left_out) = box_plot::group(items, &look.options.order, label);
    let notes = [
        note(refused, "box without usable numbers is left out", "boxes without usable numbers are left out"),
        note(left_out, "pair with the fewest calls is left out", "pairs with the fewest calls are left out"),
    ];
    let plan = Plan { width: BROAD, height: 150.0, axis_title: "Network time (ms)", counted: "calls", legend: true };
    box_plot::draw(look, &plan, vec![Panel { heading: None, groups }], notes.into_iter().flatten().collect())
}
