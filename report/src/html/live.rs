//! What the scripts of the page read: its setup and blocks of frames.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Completeness;
use faaslens_schemas::time::Timestamp;
use serde_json::json;

use crate::input::{ReportInput, RunTables};
use crate::page::{Frame, encode, packed};

/// A block of frames.
pub(super) struct Block {
    pub(super) id: String,
    pub(super) text: String,
}

/// What the scripts have to know, as JSON that can stand in a script element.
pub(super) fn setup(input: &ReportInput) -> String {
    let run = |run: &RunTables| {
        let explored = input.served || !run.explored.is_empty();
        json!({"id": run.id(), "labels": run.manifest.labels, "explored": explored})
    };
    let runs: Vec<_> = input.runs.iter().map(run).collect();
    let setup = json!({"version": env!("CARGO_PKG_VERSION"), "served": input.served, "runs": runs});
    setup.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The frames of every run.
pub(super) fn blocks(input: &ReportInput) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (place, run) in input.runs.iter().enumerate() {
        if !input.served && !run.explored.is_empty() {
            blocks.push(Block { id: format!("frames-{place}"), text: packed(&run.explored) });
        }
        let tables = encode(&[seconds(&run.completeness), offsets(run)]);
        blocks.push(Block { id: format!("tables-{place}"), text: packed(&tables) });
    }
    blocks
}

/// Counts by provider and second, summed over functions.
fn seconds(rows: &[Completeness]) -> Frame {
    let mut sums: BTreeMap<(Timestamp, &str), [i64; 4]> = BTreeMap::new();
    for row in rows {
        let Some(second) = row.second else { continue };
        let sum = sums.entry((second, &*row.provider)).or_default();
        let missing = (row.calls_made - row.callees_found).max(0) + row.callers_missing;
        for (sum, value) in sum.iter_mut().zip([row.lines, row.client_sent, row.calls_made, missing]) {
            *sum += value;
        }
    }
    let column = |place: usize| sums.values().map(move |sum| Some(sum[place]));
    Frame::new("seconds", sums.len())
        .delta("second", sums.keys().map(|(second, _)| Some(second.micros())))
        .text("provider", sums.keys().map(|(_, provider)| Some(*provider)))
        .int("lines", column(0))
        .int("client_sent", column(1))
        .int("calls_made", column(2))
        .int("missing", column(3))
}

/// Bounds of the offsets between clocks.
fn offsets(run: &RunTables) -> Frame {
    let rows = &run.clock_offsets;
    Frame::new("offsets", rows.len())
        .text("a", rows.iter().map(|row| Some(&*row.provider_a)))
        .text("b", rows.iter().map(|row| Some(&*row.provider_b)))
        .delta("at", rows.iter().map(|row| Some(row.at.micros())))
        .millis("low", rows.iter().map(|row| row.low_ms))
        .millis("high", rows.iter().map(|row| row.high_ms))
        .millis("estimate", rows.iter().map(|row| row.estimate_ms))
}
