//! OpenTelemetry protocol as JSON lines: one line a trace, each a message `TracesData`.
//!
//! After the OTLP specification, "JSON Protobuf Encoding" (ids as hexadecimal, 64-bit integers as strings, enumerations as
//! integers, names in lower camel case) and "OpenTelemetry Protocol File Exporter" (one message a line). Attributes follow
//! the semantic conventions for functions and databases where they have a name, `faaslens.*` otherwise. Nothing stays in memory.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use serde_json::{Value as Json, json};

use crate::rows::Scene;
use crate::spans::{Kind, Span, Value, spans, trace_id};
use crate::{Exporter, Format, LeftOut};

pub(crate) static FORMAT: Format = Format {
    name: "otlp",
    description: "OpenTelemetry protocol, JSON lines: for collectors, Jaeger, Tempo",
    extension: "jsonl",
    text: true,
    surveys: false,
    exporter: || Box::new(Otlp::default()),
};

#[derive(Debug, Default)]
struct Otlp {
    undated: u64,
}

impl Exporter for Otlp {
    fn write(&mut self, scene: &Scene<'_>, out: &mut dyn Write) -> Result<()> {
        let (spans, undated) = spans(scene);
        self.undated += undated;
        if spans.is_empty() {
            return Ok(());
        }
        serde_json::to_writer(&mut *out, &message(scene, &spans))?;
        out.write_all(b"\n")
    }

    fn left_out(&self) -> Vec<LeftOut> {
        vec![LeftOut { count: self.undated, what: UNDATED }]
    }
}

/// What is said of calls without a start.
pub(crate) const UNDATED: &str = "calls of which no record says when they began";

/// A resource: service, provider, executor.
type Resource<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

fn message(scene: &Scene<'_>, spans: &[Span]) -> Json {
    let trace = format!("{:032x}", trace_id(scene.run, &scene.rows.trace.context_id));
    let mut resources: BTreeMap<Resource<'_>, Vec<Json>> = BTreeMap::new();
    for span in spans {
        let resource = (span.service.as_str(), span.provider.as_deref(), span.executor.as_deref());
        resources.entry(resource).or_default().push(encode(span, &trace));
    }
    let resources: Vec<Json> = resources
        .into_iter()
        .map(|((service, provider, executor), spans)| {
            let named = [("service.name", Some(service)), ("cloud.provider", provider), ("faas.instance", executor)];
            let known = named.into_iter().filter_map(|(key, value)| Some((key, Value::Text(value?.to_owned()))));
            json!({
                "resource": { "attributes": known.map(|(key, value)| attribute(key, &value)).collect::<Vec<_>>() },
                "scopeSpans": [{ "scope": { "name": "faaslens", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
            })
        })
        .collect();
    json!({ "resourceSpans": resources })
}

fn encode(span: &Span, trace: &str) -> Json {
    let start = i128::from(span.start.micros()).max(0) * 1000;
    let mut encoded = json!({
        "traceId": trace,
        "spanId": format!("{:016x}", span.id),
        "name": span.name,
        // SPAN_KIND_SERVER, _CLIENT and _CONSUMER of trace.proto.
        "kind": match span.kind { Kind::Server => 2, Kind::Client => 3, Kind::Consumer => 5 },
        "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + nanoseconds(span.duration_ms.unwrap_or(0.0))).to_string(),
        "attributes": span.attributes.iter().map(|(key, value)| attribute(key, value)).collect::<Vec<_>>(),
    });
    if let (Some(parent), Some(fields)) = (span.parent, encoded.as_object_mut()) {
        fields.insert("parentSpanId".to_owned(), format!("{parent:016x}").into());
    }
    encoded
}

#[expect(clippy::cast_possible_truncation, reason = "saturating float-to-int cast is what is wanted")]
fn nanoseconds(ms: f64) -> i128 {
    ((ms * 1e6).round() as i64).max(0).into()
}

fn attribute(key: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::Truth(truth) => json!({ "boolValue": truth }),
    };
    json!({ "key": key, "value": value })
}
