//! Jaeger's JSON: what its user interface downloads, and takes under "Upload".
//!
//! After `internal/uimodel/model.go` of Jaeger: ids as hexadecimal, times and durations in whole microseconds, one process a
//! service and executor. Nothing stays in memory but one trace.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use serde_json::{Value as Json, json};

use crate::otlp::UNDATED;
use crate::rows::{Scene, micros};
use crate::spans::{Kind, Span, Value, spans, trace_id};
use crate::{Exporter, Format, LeftOut};

pub(crate) static FORMAT: Format = Format {
    name: "jaeger",
    description: "Jaeger's JSON: for the upload of Jaeger's and Grafana's pages",
    extension: "json",
    text: true,
    surveys: false,
    exporter: || Box::new(Jaeger::default()),
};

#[derive(Debug, Default)]
struct Jaeger {
    traces: u64,
    undated: u64,
}

impl Exporter for Jaeger {
    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        out.write_all(b"{\"data\":[")
    }

    fn write(&mut self, scene: &Scene<'_>, out: &mut dyn Write) -> Result<()> {
        let (spans, undated) = spans(scene);
        self.undated += undated;
        if spans.is_empty() {
            return Ok(());
        }
        out.write_all(if self.traces == 0 { b"\n" } else { b",\n" })?;
        self.traces += 1;
        Ok(serde_json::to_writer(out, &trace(scene, &spans))?)
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<()> {
        out.write_all(b"\n],\"total\":0,\"limit\":0,\"offset\":0,\"errors\":null}\n")
    }

    fn left_out(&self) -> Vec<LeftOut> {
        vec![LeftOut { count: self.undated, what: UNDATED }]
    }
}

fn trace(scene: &Scene<'_>, spans: &[Span]) -> Json {
    let id = format!("{:032x}", trace_id(scene.run, &scene.rows.trace.context_id));
    let mut processes: BTreeMap<_, String> = BTreeMap::new();
    for span in spans {
        let number = processes.len() + 1;
        processes.entry((&span.service, &span.provider, &span.executor)).or_insert_with(|| format!("p{number}"));
    }
    let encoded: Vec<Json> = spans
        .iter()
        .map(|span| encode(span, &id, &processes[&(&span.service, &span.provider, &span.executor)]))
        .collect();
    let described: BTreeMap<&str, Json> = processes
        .iter()
        .map(|((service, provider, executor), name)| {
            let named = [("cloud.provider", provider), ("faas.instance", executor)];
            let known = named.into_iter().filter_map(|(key, value)| Some((key, Value::Text(value.as_ref()?.clone()))));
            let tags: Vec<Json> = known.map(|(key, value)| tag(key, &value)).collect();
            (name.as_str(), json!({ "serviceName": service, "tags": tags }))
        })
        .collect();
    json!({ "traceID": id, "spans": encoded, "processes": described, "warnings": null })
}

fn encode(span: &Span, trace: &str, process: &str) -> Json {
    let kind = match span.kind {
        Kind::Client => "client",
        Kind::Server => "server",
        Kind::Consumer => "consumer",
    };
    let relation = if span.kind == Kind::Consumer { "FOLLOWS_FROM" } else { "CHILD_OF" };
    let references: Vec<Json> = span
        .parent
        .iter()
        .map(|parent| json!({ "refType": relation, "traceID": trace, "spanID": format!("{parent:016x}") }))
        .collect();
    let mut tags = vec![tag("span.kind", &Value::Text(kind.to_owned()))];
    tags.extend(span.attributes.iter().map(|(key, value)| tag(key, value)));
    let warnings = span.duration_ms.is_none().then_some(["no end was logged: the duration is unknown, not 0"]);
    json!({
        "traceID": trace,
        "spanID": format!("{:016x}", span.id),
        "operationName": span.name,
        "references": references,
        "startTime": span.start.micros().max(0),
        "duration": micros(span.duration_ms.unwrap_or(0.0)),
        "tags": tags,
        "logs": [],
        "processID": process,
        "warnings": warnings,
    })
}

fn tag(key: &str, value: &Value) -> Json {
    match value {
        Value::Text(text) => json!({ "key": key, "type": "string", "value": text }),
        Value::Number(number) => json!({ "key": key, "type": "float64", "value": number }),
        Value::Truth(truth) => json!({ "key": key, "type": "bool", "value": truth }),
    }
}
