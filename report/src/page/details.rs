//! Spans of the traces that can be opened.

use std::collections::HashMap;

use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment};

use super::explored::{PartRows, Plan};
use super::frame::Frame;

/// Rows of `spans`, `calls`, `operations` and `segments`, each with the place of its trace.
#[derive(Debug, Default)]
pub(super) struct Details {
    spans: Vec<(usize, Invocation)>,
    calls: Vec<(usize, Call)>,
    operations: Vec<(usize, DbCall)>,
    segments: Vec<(usize, PathSegment)>,
}

impl Details {
    pub(super) fn add(&mut self, plan: &Plan, rows: PartRows) {
        let place = |context: &str| plan.detailed(context);
        self.spans.extend(rows.invocations.into_iter().filter_map(|row| Some((place(&row.context_id)?, row))));
        self.calls.extend(rows.calls.into_iter().filter_map(|row| Some((place(&row.context_id)?, row))));
        self.operations.extend(rows.db_calls.into_iter().filter_map(|row| Some((place(&row.context_id)?, row))));
        self.segments.extend(rows.segments.into_iter().filter_map(|row| Some((place(&row.context_id)?, row))));
    }

    pub(super) fn frames(mut self) -> [Frame; 4] {
        self.spans.sort_by(|(t, a), (u, b)| (t, a.start, &a.invocation_id).cmp(&(u, b.start, &b.invocation_id)));
        self.calls.sort_by(|(t, a), (u, b)| {
            (t, a.start, &a.callee_function, &a.pair_id, &a.callee_id).cmp(&(
                u,
                b.start,
                &b.callee_function,
                &b.pair_id,
                &b.callee_id,
            ))
        });
        self.operations.sort_by(|(t, a), (u, b)| {
            (t, a.start, &a.action, &a.invocation_id).cmp(&(u, b.start, &b.action, &b.invocation_id))
        });
        self.segments.sort_by_key(|(trace, row)| (*trace, row.n));
        let places: HashMap<&str, i64> =
            self.spans.iter().zip(0..).map(|((_, row), place)| (row.invocation_id.as_str(), place)).collect();
        let place = |id: Option<&str>| id.and_then(|id| places.get(id).copied());
        [
            spans(&self.spans, &place),
            calls(&self.calls, &place),
            operations(&self.operations, &place),
            segments(&self.segments, &place),
        ]
    }
}

fn whole(place: usize) -> Option<i64> {
    i64::try_from(place).ok()
}

fn spans(rows: &[(usize, Invocation)], place: &dyn Fn(Option<&str>) -> Option<i64>) -> Frame {
    let ms = |of: fn(&Invocation) -> Option<f64>| rows.iter().map(move |(_, row)| of(row));
    let text = |of: fn(&Invocation) -> Option<&str>| rows.iter().map(move |(_, row)| of(row));
    Frame::new("spans", rows.len())
        .delta("trace", rows.iter().map(|(trace, _)| whole(*trace)))
        .delta("parent", rows.iter().map(|(_, row)| place(row.parent_id.as_deref())))
        .text("pair", text(|row| row.pair_id.as_deref().map(|pair| pair.rsplit('-').next().unwrap_or(pair))))
        .text("function", text(|row| Some(&row.function)))
        .text("provider", text(|row| Some(&row.provider)))
        .text("executor", text(|row| Some(&row.executor)))
        .text("trigger", text(|row| Some(&row.trigger)))
        .text("route", text(|row| row.route.as_deref()))
        .delta("start", rows.iter().map(|(_, row)| Some(row.start.micros())))
        .millis("shift", ms(|row| row.clock_shift_ms))
        .millis("duration", ms(|row| row.duration_ms))
        .millis("compute", ms(|row| row.compute_ms))
        .millis("network", ms(|row| row.network_ms))
        .millis("db", ms(|row| row.db_ms))
        .flag("cold", rows.iter().map(|(_, row)| row.cold))
        .flag("complete", rows.iter().map(|(_, row)| Some(row.complete)))
        .text("issues", text(|row| row.issues.as_deref()))
}

fn calls(rows: &[(usize, Call)], place: &dyn Fn(Option<&str>) -> Option<i64>) -> Frame {
    let ms = |of: fn(&Call) -> Option<f64>| rows.iter().map(move |(_, row)| of(row));
    let text = |of: fn(&Call) -> Option<&str>| rows.iter().map(move |(_, row)| of(row));
    Frame::new("calls", rows.len())
        .delta("trace", rows.iter().map(|(trace, _)| whole(*trace)))
        .delta("caller", rows.iter().map(|(_, row)| place(row.caller_id.as_deref())))
        .delta("callee", rows.iter().map(|(_, row)| place(row.callee_id.as_deref())))
        .text("function", text(|row| Some(&row.callee_function)))
        .text("kind", text(|row| Some(&row.kind)))
        .delta("start", rows.iter().map(|(_, row)| row.start.map(faaslens_schemas::time::Timestamp::micros)))
        .millis("duration", ms(|row| row.duration_ms))
        .millis("network", ms(|row| row.network_ms))
        .millis("request", ms(|row| row.request_ms))
        .millis("response", ms(|row| row.response_ms))
        .millis("publisher", ms(|row| row.publisher_duration_ms))
        .millis("publish", ms(|row| row.publish_latency_ms))
        .millis("trigger", ms(|row| row.trigger_delay_ms))
        .millis("uncertainty", ms(|row| row.uncertainty_ms))
        .flag("from_client", rows.iter().map(|(_, row)| Some(row.from_client)))
}

fn operations(rows: &[(usize, DbCall)], place: &dyn Fn(Option<&str>) -> Option<i64>) -> Frame {
    Frame::new("operations", rows.len())
        .delta("trace", rows.iter().map(|(trace, _)| whole(*trace)))
        .delta("span", rows.iter().map(|(_, row)| place(row.invocation_id.as_deref())))
        .text("function", rows.iter().map(|(_, row)| Some(&*row.function)))
        .text("provider", rows.iter().map(|(_, row)| Some(&*row.provider)))
        .text("action", rows.iter().map(|(_, row)| Some(&*row.action)))
        .delta("start", rows.iter().map(|(_, row)| Some(row.start.micros())))
        .millis("duration", rows.iter().map(|(_, row)| row.duration_ms))
}

fn segments(rows: &[(usize, PathSegment)], place: &dyn Fn(Option<&str>) -> Option<i64>) -> Frame {
    Frame::new("segments", rows.len())
        .delta("trace", rows.iter().map(|(trace, _)| whole(*trace)))
        .text("scope", rows.iter().map(|(_, row)| Some(&*row.scope)))
        .delta("span", rows.iter().map(|(_, row)| place(row.invocation_id.as_deref())))
        .text("function", rows.iter().map(|(_, row)| row.function.as_deref()))
        .text("category", rows.iter().map(|(_, row)| Some(&*row.category)))
        .delta("start", rows.iter().map(|(_, row)| Some(row.start.micros())))
        .millis("duration", rows.iter().map(|(_, row)| Some(row.duration_ms)))
}
