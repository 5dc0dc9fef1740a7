//! Pods as the API server describes them, and what of it becomes statements.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::json;
use xxhash_rust::xxh3::xxh3_128;

use super::{K8s, function_of_pod};
use crate::formats::envelope::Line;
use crate::formats::stamp;
use crate::living::http::CallError;
use crate::living::{Api, Failure, Piece, Sink, Window};
use crate::{Error, Result};

/// A pod.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Pod {
    pub(super) metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: BTreeMap<String, String>,
    creation_timestamp: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    last_transition_time: Option<String>,
}

/// What a kubelet says of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    restart_count: u64,
    image: String,
    #[serde(deserialize_with = "or_default")]
    state: State,
    #[serde(deserialize_with = "or_default")]
    last_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Ran>,
    terminated: Option<Ran>,
}

/// When a container's instance ran, and how it ended.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Ran {
    started_at: Option<String>,
    finished_at: Option<String>,
    exit_code: Option<i64>,
    reason: Option<String>,
}

/// Go writes empty lists and objects as null now and then.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// An instant of the API, in microseconds.
pub(super) fn instant(text: Option<&String>) -> Option<i64> {
    text.and_then(|text| stamp::read(text.as_bytes())).map(|(at, _)| at.micros())
}

impl Ran {
    pub(super) fn started_us(&self) -> Option<i64> {
        instant(self.started_at.as_ref())
    }

    pub(super) fn finished_us(&self) -> Option<i64> {
        instant(self.finished_at.as_ref())
    }
}

impl ContainerStatus {
    /// How often it was started again.
    pub(super) fn restarts(&self) -> u64 {
        self.restart_count
    }

    /// The instance that runs, or has run last.
    pub(super) fn current(&self) -> Option<&Ran> {
        self.state.running.as_ref().or(self.state.terminated.as_ref())
    }

    /// The instance before the current one.
    pub(super) fn previous(&self) -> Option<&Ran> {
        self.last_state.terminated.as_ref()
    }

    /// Whether there is any log of it.
    pub(super) fn has_run(&self) -> bool {
        self.current().is_some() || self.previous().is_some()
    }
}

impl Pod {
    /// All its containers: those that prepare it, its own, and those that were added for a look.
    pub(super) fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        let status = &self.status;
        let all = status.init_container_statuses.iter().chain(&status.container_statuses);
        all.chain(&status.ephemeral_container_statuses)
    }

    /// As [`Pod::containers`].
    pub(super) fn into_containers(self) -> impl Iterator<Item = ContainerStatus> {
        let status = self.status;
        let all = status.init_container_statuses.into_iter().chain(status.container_statuses);
        all.chain(status.ephemeral_container_statuses)
    }

    fn created_us(&self) -> Option<i64> {
        instant(self.metadata.creation_timestamp.as_ref())
    }

    /// Whether it may have logged in a window: it was there before its end, and has not ended before its begin.
    pub(super) fn lived_in(&self, window: Window) -> bool {
        let born = self.created_us().is_none_or(|at| at < window.until_us);
        let ended = |status: &ContainerStatus| {
            let ended = status.state.terminated.as_ref().and_then(Ran::finished_us);
            // Stamps have whole seconds.
            status.state.running.is_none() && ended.is_some_and(|at| at + 1_000_000 <= window.from_us)
        };
        let over = self.containers().count() > 0 && self.containers().all(ended);
        born && !over
    }

    /// When a condition became true last.
    fn since(&self, kind: &str) -> Option<&String> {
        let found =
            self.status.conditions.iter().find(|condition| condition.kind == kind && condition.status == "True");
        found.and_then(|condition| condition.last_transition_time.as_ref())
    }

    /// Statements: when it was created, placed, prepared, ready, and when its containers started and ended.
    fn statements(&self) -> Vec<Line<'_>> {
        let function = function_of_pod(self);
        let meta = &self.metadata;
        let node = self.spec.node_name.as_deref();
        let line = |kind: &'static str, at: Option<&String>, text: serde_json::Value| {
            Some(Line {
                at: at?.clone().into(),
                function: Some(function.clone().into()),
                host: Some(meta.name.as_str().into()),
                kind: Some(kind.into()),
                message: text.to_string().into(),
                ..Line::default()
            })
        };
        let created_us = self.created_us();
        let after = |at: Option<&String>| Some((instant(at)? - created_us?) as f64 / 1000.0).filter(|ms| *ms >= 0.0);
        let place = || json!({ "node": node, "namespace": meta.namespace, "uid": meta.uid });
        let mut lines = Vec::from_iter(line("pod_created", meta.creation_timestamp.as_ref(), place()));
        for (kind, condition) in
            [("pod_scheduled", "PodScheduled"), ("pod_initialized", "Initialized"), ("pod_ready", "Ready")]
        {
            let at = self.since(condition);
            let statement = line(kind, at, place());
            lines.extend(statement.map(|line| Line { duration_ms: after(at), ..line }));
        }
        for status in self.containers() {
            let text = |ran: &Ran, restarts: u64| json!({ "node": node, "container": status.name, "image": status.image, "restarts": restarts, "exit_code": ran.exit_code });
            let instances =
                [(status.previous(), status.restart_count.saturating_sub(1)), (status.current(), status.restart_count)];
            for (ran, restarts) in instances.into_iter().filter_map(|(ran, restarts)| Some((ran?, restarts))) {
                lines.extend(line("container_started", ran.started_at.as_ref(), text(ran, restarts)));
                let ended = line("container_ended", ran.finished_at.as_ref(), text(ran, restarts));
                let length_ms = ran.finished_us().zip(ran.started_us()).map(|(to, from)| (to - from) as f64 / 1000.0);
                let reason = ran.reason.clone();
                lines.extend(ended.map(|line| Line { duration_ms: length_ms, status: reason.map(Into::into), ..line }));
            }
        }
        lines
    }
}

impl K8s {
    /// Statements on the pods of a namespace that lived in a window, and its events.
    pub(super) fn statements(
        &self,
        namespace: &str,
        window: Window,
        api: &Api<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let pods = self.pods(Some(namespace), api).map_err(Error::from)?;
        for pod in pods.iter().filter(|pod| pod.lived_in(window)) {
            for line in pod.statements() {
                push(&pod.metadata.name, &line, window, sink)?;
            }
        }
        match self.events(namespace, api) {
            Ok(lines) => {
                for line in lines {
                    let at_us = stamp::read(line.at.as_bytes()).map_or(i64::MIN, |(at, _)| at.micros());
                    // A pod belongs to the run wherever it was placed before; an event only where it happened.
                    if window.holds(at_us) {
                        push("events", &line, window, sink)?;
                    }
                }
                Ok(())
            }
            Err(CallError::Refused(refusal)) if matches!(refusal.status, 403 | 404) => {
                sink.gap(format!("events cannot be read: {refusal}"));
                Ok(())
            }
            Err(error) => Err(Failure::Final(error.into())),
        }
    }
}

/// A statement that may have been before the window, where it holds on: it keeps its own instant.
fn push(stream: &str, line: &Line<'_>, window: Window, sink: &mut Sink<'_>) -> Result<()> {
    let at_us = stamp::read(line.at.as_bytes()).map_or(window.from_us, |(at, _)| at.micros());
    let at_us = at_us.max(window.from_us);
    let text = line.text();
    sink.push(Piece { stream, at_us, identity: xxh3_128(&text), line: &text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "shop-6d4cf56db6-x2x7k", "namespace": "openfaas-fn", "uid": "u", "labels": {"faas_function": "shop"}, "creationTimestamp": "2026-11-22T07:00:00Z"},
            "spec": {"nodeName": "node-1"},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T07:00:07Z"},
                    {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-22T07:00:01Z"},
                    {"type": "Initialized", "status": "False", "lastTransitionTime": null},
                ],
                "initContainerStatuses": null,
                "containerStatuses": [{
                    "name": "shop", "restartCount": 1, "image": "shop:1",
                    "state": {"running": {"startedAt": "2026-11-22T07:05:00Z"}},
                    "lastState": {"terminated": {"startedAt": "2026-11-22T07:00:02Z", "finishedAt": "2026-11-22T07:04:59Z", "exitCode": 137, "reason": "OOMKilled"}},
                }],
            },
        }))
        .expect("a pod")
    }

    #[test]
    fn a_pod_says_where_it_is_and_how_long_it_took_to_be_ready() {
        let pod = pod();
        let said: Vec<(String, String, Option<f64>)> = pod
            .statements()
            .into_iter()
            .map(|line| (line.kind.unwrap_or_default().into_owned(), line.at.into_owned(), line.duration_ms))
            .collect();
        let expected = [
            ("pod_created", "2026-11-22T07:00:00Z", None),
            ("pod_scheduled", "2026-11-22T07:00:01Z", Some(1000.0)),
            ("pod_ready", "2026-11-22T07:00:07Z", Some(7000.0)),
            ("container_started", "2026-11-22T07:00:02Z", None),
            ("container_ended", "2026-11-22T07:04:59Z", Some(297_000.0)),
            ("container_started", "2026-11-22T07:05:00Z", None),
        ];
        assert_eq!(said, expected.map(|(kind, at, ms)| (kind.to_owned(), at.to_owned(), ms)));
        assert!(pod.statements().iter().all(|line| line.message.contains(r#""node":"node-1""#)));
        assert!(pod.statements().iter().all(|line| line.function.as_deref() == Some("shop")));
    }

    #[test]
    fn pods_that_ended_before_a_window_or_came_after_it_are_left_out() {
        let mut pod = pod();
        let at = |minute: i64| 1_795_330_800_000_000 + minute * 60_000_000;
        let window = |from, until| Window { from_us: at(from), until_us: at(until) };
        assert!(pod.lived_in(window(10, 20)) && pod.lived_in(window(-5, 1)) && !pod.lived_in(window(-5, 0)));
        let status = &mut pod.status.container_statuses[0];
        status.state = State { running: None, terminated: status.last_state.terminated.clone() };
        assert!(pod.lived_in(window(4, 20)) && !pod.lived_in(window(5, 20)));
    }
}
