//! Network time of synchronous calls by pair of providers.

use super::{Drawing, Figure, Look, Scope, box_plot};
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
    box_plot::draw_pairs(runs.first()?, look, "network", "Network time (ms)")
}
