//! A trace as spans, for the formats that know spans: Jaeger's and OpenTelemetry's.
//!
//! A synchronous call is a span at the caller (kind client) with the callee's invocation below it (kind server); a
//! database operation is a client span too. An event has no span of its own: the triggered invocation (kind consumer)
//! follows from its publisher's. The load generator's request is the outermost span, of the service `client`.

use faaslens_schemas::tables::{Call, DbCall, Invocation};
use faaslens_schemas::time::Timestamp;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::rows::{Links, Scene, name_of};

/// Role of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The caller's side of a call, or a database operation.
    Client,
    /// An invocation that was called.
    Server,
    /// An invocation that an event triggered.
    Consumer,
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) id: u64,
    /// Span that it is part of; of a consumer, the one it follows from.
    pub(crate) parent: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Function, or `client` for the load generator.
    pub(crate) service: String,
    pub(crate) provider: Option<String>,
    pub(crate) executor: Option<String>,
    pub(crate) start: Timestamp,
    /// `None` where it never ended.
    pub(crate) duration_ms: Option<f64>,
    /// In a fixed order; those that are unknown are left out.
    pub(crate) attributes: Vec<(&'static str, Value)>,
}

/// Id of a trace: the XXH3 hash of its run and context, 128 bits.
pub(crate) fn trace_id(run: &str, context: &str) -> u128 {
    xxh3_128([run.as_bytes(), context.as_bytes()].join(&0).as_slice()).max(1)
}

/// Id of a span: the XXH3 hash of what it stands for, 64 bits, never 0.
fn span_id(parts: &[&str]) -> u64 {
    xxh3_64(parts.join("\0").as_bytes()).max(1)
}

/// The spans of a trace, and the number of calls that nothing dates: calls at the client first, then invocations in the
/// order of the store, each followed by its calls and database operations.
pub(crate) fn spans(scene: &Scene<'_>) -> (Vec<Span>, u64) {
    let maker = Maker { scene, links: Links::new(scene.rows) };
    let rows = scene.rows;
    let mut spans = Vec::with_capacity(rows.invocations.len() + rows.calls.len() + rows.db_calls.len());
    spans.extend(rows.invocations.iter().map(|row| maker.invocation(row)));
    let mut undated = 0;
    for (i, call) in rows.calls.iter().enumerate().filter(|(_, call)| &*call.kind == "sync") {
        match call.start {
            Some(start) => spans.push(maker.call(i, call, start)),
            None => undated += 1,
        }
    }
    spans.extend(rows.db_calls.iter().enumerate().map(|(i, row)| maker.db_call(i, row)));
    spans.sort_by_key(|span| (span.start, span.kind != Kind::Client, span.id));
    (spans, undated)
}

struct Maker<'a> {
    scene: &'a Scene<'a>,
    links: Links<'a>,
}

impl Maker<'_> {
    fn of_invocation(&self, id: &str) -> u64 {
        span_id(&[self.scene.run, "invocation", id])
    }

    fn of_call(&self, place: usize) -> u64 {
        span_id(&[self.scene.run, "call", &self.scene.rows.trace.context_id, &place.to_string()])
    }

    fn invocation(&self, row: &Invocation) -> Span {
        let call = self.links.call_of(&row.invocation_id).map(|place| (place, &self.scene.rows.calls[place]));
        let spanned = call.filter(|(_, call)| &*call.kind == "sync" && call.start.is_some());
        let parent = match spanned {
            Some((place, _)) => Some(self.of_call(place)),
            None => row.parent_id.as_deref().map(|id| self.of_invocation(id)),
        };
        let mut attributes = Attributes::default();
        let trigger = match &*row.trigger {
            "msg" => "pubsub",
            "http" => "http",
            _ => "other",
        };
        attributes.text("faas.trigger", Some(trigger));
        attributes.text("faas.invocation_id", Some(&row.invocation_id));
        attributes.truth("faas.coldstart", row.cold);
        attributes.text("http.route", row.route.as_deref());
        attributes.common(self.scene);
        attributes.truth("faaslens.complete", Some(row.complete));
        attributes.text("faaslens.issues", row.issues.as_deref());
        attributes.number("faaslens.compute_ms", row.compute_ms);
        attributes.number("faaslens.network_ms", row.network_ms);
        attributes.number("faaslens.db_ms", row.db_ms);
        attributes.number("faaslens.clock_shift_ms", row.clock_shift_ms);
        attributes.number("faaslens.trigger_delay_ms", call.and_then(|(_, call)| call.trigger_delay_ms));
        attributes.number("faaslens.uncertainty_ms", call.and_then(|(_, call)| call.uncertainty_ms));
        Span {
            id: self.of_invocation(&row.invocation_id),
            parent,
            kind: if &*row.trigger == "msg" { Kind::Consumer } else { Kind::Server },
            name: name_of(row),
            service: row.function.to_string(),
            provider: Some(row.provider.to_string()),
            executor: Some(row.executor.to_string()),
            start: row.start,
            duration_ms: row.duration_ms,
            attributes: attributes.finish(row.duration_ms),
        }
    }

    fn call(&self, place: usize, call: &Call, start: Timestamp) -> Span {
        let caller = self.links.place(call.caller_id.as_deref()).map(|i| &self.scene.rows.invocations[i]);
        let mut attributes = Attributes::default();
        attributes.text("faas.invoked_name", Some(&call.callee_function));
        attributes.text("faas.invoked_provider", call.callee_provider.as_deref());
        attributes.common(self.scene);
        attributes.text("faaslens.pair_id", Some(&call.pair_id));
        attributes.number("faaslens.network_ms", call.network_ms);
        attributes.number("faaslens.request_ms", call.request_ms);
        attributes.number("faaslens.response_ms", call.response_ms);
        attributes.number("faaslens.uncertainty_ms", call.uncertainty_ms);
        attributes.truth("faaslens.callee_missing", call.callee_id.is_none().then_some(true));
        Span {
            id: self.of_call(place),
            parent: call.caller_id.as_deref().map(|id| self.of_invocation(id)),
            kind: Kind::Client,
            name: format!("call {}", &*call.callee_function),
            service: call.caller_function.as_deref().unwrap_or("unknown").to_owned(),
            provider: call.caller_provider.as_deref().filter(|_| !call.from_client).map(str::to_owned),
            executor: caller.map(|row| row.executor.to_string()),
            start,
            duration_ms: call.duration_ms,
            attributes: attributes.finish(call.duration_ms),
        }
    }

    fn db_call(&self, place: usize, row: &DbCall) -> Span {
        let caller = self.links.place(row.invocation_id.as_deref()).map(|i| &self.scene.rows.invocations[i]);
        let mut attributes = Attributes::default();
        attributes.text("db.operation.name", Some(&row.action));
        attributes.common(self.scene);
        Span {
            id: span_id(&[self.scene.run, "db", &self.scene.rows.trace.context_id, &place.to_string()]),
            parent: row.invocation_id.as_deref().map(|id| self.of_invocation(id)),
            kind: Kind::Client,
            name: format!("db {}", &*row.action),
            service: row.function.to_string(),
            provider: Some(row.provider.to_string()),
            executor: caller.map(|caller| caller.executor.to_string()),
            start: row.start,
            duration_ms: row.duration_ms,
            attributes: attributes.finish(row.duration_ms),
        }
    }
}

#[derive(Debug, Default)]
struct Attributes(Vec<(&'static str, Value)>);

impl Attributes {
    fn text(&mut self, key: &'static str, value: Option<&str>) {
        self.0.extend(value.map(|value| (key, Value::Text(value.to_owned()))));
    }

    fn number(&mut self, key: &'static str, value: Option<f64>) {
        self.0.extend(value.filter(|value| value.is_finite()).map(|value| (key, Value::Number(value))));
    }

    fn truth(&mut self, key: &'static str, value: Option<bool>) {
        self.0.extend(value.map(|value| (key, Value::Truth(value))));
    }

    fn common(&mut self, scene: &Scene<'_>) {
        self.text("faaslens.run", Some(scene.run));
        self.text("faaslens.context_id", Some(&scene.rows.trace.context_id));
    }

    /// Marks what never ended: its length is written as 0, for the formats have no other way.
    fn finish(mut self, duration_ms: Option<f64>) -> Vec<(&'static str, Value)> {
        self.truth("faaslens.unfinished", duration_ms.is_none().then_some(true));
        self.0
    }
}
