//! Network time of publishing by pair of providers (`BeFaaS`, Fig. 14).

use super::{Drawing, Figure, Look, Scope, box_plot};
use crate::input::RunTables;

pub(super) static FIGURE: Figure = Figure {
    name: "publish-network",
    description: "Network time of publishing by pair of providers",
    method: "The caller's duration of the call to the publisher less the publisher's own execution duration: a round \
             trip, so no synchronised clocks are needed. The provider of the caller stands first, that of the \
             publisher, which also gives the colour, second. Tukey boxes as elsewhere.",
    after: "BeFaaS, Fig. 14",
    needs: &["boxes", "outliers"],
    table: Some("publishing"),
    scope: Scope::Run,
    draw,
};

fn draw(runs: &[&RunTables], look: &Look) -> Option<Drawing> {
    box_plot::draw_pairs(runs.first()?, look, "publish_latency", "Publish latency (ms)")
}
