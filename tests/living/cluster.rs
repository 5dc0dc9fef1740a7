//! A Kubernetes API server, by its documentation: pods, their logs, events, and what kubectl asks for before it asks for those.
//!
//! It falls short: lists hold as many objects as asked for, but at most two, so that there are several pages; selectors know existence,
//! `=` and `in`; nothing changes while it runs, so that nothing can be watched or followed; a refusal has no `Retry-After`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::fakes::{BEGIN_MS, Logged, stamp};
use crate::server::{Answered, Asked, Fake};

/// Objects of a page at most.
const PAGE: usize = 2;
/// The namespace of all pods.
pub(crate) const NAMESPACE: &str = "openfaas-fn";

/// One instance of a container: its lines, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instance {
    /// Nanosecond stamp and text.
    pub(crate) lines: Vec<(String, String)>,
}

/// A container with its last two instances.
#[derive(Debug, Clone, Default)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) restarts: u64,
    pub(crate) previous: Option<Instance>,
    pub(crate) current: Instance,
    /// Whether the kubelet has begun a new file since: only the second half of the lines is served.
    pub(crate) rotated: bool,
}

/// A pod of a function.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) function: String,
    pub(crate) node: String,
    pub(crate) containers: Vec<Container>,
}

/// A cluster that knows one user, by token, name and password, or certificate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster {
    pub(crate) pods: Vec<Pod>,
    pub(crate) token: String,
    /// What its user may not do: `pods/log`, `events`.
    pub(crate) forbidden: Vec<&'static str>,
}

/// Where containers are said to have started: five seconds before the events.
fn started() -> String {
    stamp(BEGIN_MS - 5000).replace(".000000", "")
}

impl Cluster {
    /// A pod for each function of some events. The second has another container beside its own, the third has been restarted
    /// in the middle of its lines.
    pub(crate) fn of(events: &[Logged], token: &str) -> Self {
        let pod = |n: usize| {
            let function = format!("f{n}");
            let own = events.iter().enumerate().filter(|(_, event)| event.stream == function);
            let mut lines: Vec<(String, String)> =
                own.map(|(n, event)| (nanoseconds(event.at_ms, n), event.text.clone())).collect();
            let mut container = Container { name: function.clone(), ..Container::default() };
            if n == 2 {
                let later = lines.split_off(lines.len() / 2);
                container.previous = Some(Instance { lines: std::mem::replace(&mut lines, later) });
                container.restarts = 1;
            }
            let mut containers = vec![container];
            if n == 1 {
                let later = lines.split_off(lines.len() / 2);
                containers.push(Container {
                    name: "proxy".to_owned(),
                    current: Instance { lines: later },
                    ..Container::default()
                });
            }
            containers[0].current = Instance { lines };
            let (name, node) = (format!("{function}-6d4cf56db6-x2x7k"), format!("node-{}", n % 2));
            Pod { name, function, node, containers }
        };
        Self { pods: (0..3).map(pod).collect(), token: token.to_owned(), forbidden: Vec::new() }
    }

    fn known(&self, asked: &Asked) -> bool {
        let given = asked.header("authorization");
        let basic = STANDARD.encode(format!("reader:{}", self.token));
        asked.certified || given == format!("Bearer {}", self.token) || given == format!("Basic {basic}")
    }

    fn list(&self, asked: &Asked, kind: &str, items: &[Value]) -> Answered {
        if self.forbidden.contains(&kind.to_lowercase().as_str()) {
            let name = kind.to_lowercase();
            return status(
                403,
                "Forbidden",
                &format!(r#"{name} is forbidden: User "reader" cannot list resource "{name}""#),
            );
        }
        let from = match asked.parameter("continue") {
            None => 0,
            Some(token) => match token.strip_prefix("after-").and_then(|number| number.parse().ok()) {
                Some(from) => from,
                None => return status(400, "BadRequest", "continue key is not valid"),
            },
        };
        let wanted = asked.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let limited = if wanted == usize::MAX { wanted } else { wanted.min(PAGE) };
        let until = from + limited.min(items.len().saturating_sub(from));
        let mut meta = json!({"resourceVersion": "1000"});
        if until < items.len() {
            meta["continue"] = format!("after-{until}").into();
            meta["remainingItemCount"] = (items.len() - until).into();
        }
        let page = json!({"kind": format!("{}List", kind.trim_end_matches('s')), "apiVersion": "v1", "metadata": meta, "items": items[from.min(until)..until]});
        ok(&page)
    }

    fn log(&self, asked: &Asked, name: &str) -> Answered {
        if self.forbidden.contains(&"pods/log") {
            let text = format!(r#"pods "{name}" is forbidden: User "reader" cannot get resource "pods/log""#);
            return status(403, "Forbidden", &text);
        }
        let Some(pod) = self.pods.iter().find(|pod| pod.name == name) else { return not_found(name) };
        let names: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
        let container = match (asked.parameter("container"), &pod.containers[..]) {
            (None | Some(""), [only]) => only,
            (None | Some(""), _) => {
                let text =
                    format!("a container name must be specified for pod {name}, choose one of: [{}]", names.join(" "));
                return status(400, "BadRequest", &text);
            }
            (Some(wanted), all) => match all.iter().find(|container| container.name == wanted) {
                Some(container) => container,
                None => return status(400, "BadRequest", &format!("container {wanted} is not valid for pod {name}")),
            },
        };
        if asked.parameter("sinceTime").is_some() && asked.parameter("sinceSeconds").is_some() {
            return status(422, "Invalid", "only one of sinceTime or sinceSeconds may be provided");
        }
        let instance = match (asked.parameter("previous"), &container.previous) {
            (Some("true"), Some(previous)) => previous,
            (Some("true"), None) => {
                let text = format!(r#"previous terminated container "{}" in pod "{name}" not found"#, container.name);
                return status(400, "BadRequest", &text);
            }
            _ => &container.current,
        };
        (200, served(container, instance, asked))
    }
}

/// The bytes of a log, as a kubelet gives them.
fn served(container: &Container, instance: &Instance, asked: &Asked) -> Vec<u8> {
    let since = asked.parameter("sinceTime").unwrap_or_default().trim_end_matches('Z').to_owned();
    let from = if container.rotated { instance.lines.len() / 2 } else { 0 };
    let mut lines: Vec<&(String, String)> =
        instance.lines[from..].iter().filter(|(at, _)| at.as_str() >= since.as_str()).collect();
    if let Some(tail) = asked.parameter("tailLines").and_then(|tail| tail.parse::<usize>().ok()) {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = String::new();
    for (at, line) in lines {
        if asked.parameter("timestamps") == Some("true") {
            text.extend([at.as_str(), " "]);
        }
        text.extend([line.as_str(), "\n"]);
    }
    // In the middle of a line, and of a character.
    let limit = asked.parameter("limitBytes").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let mut bytes = text.into_bytes();
    bytes.truncate(limit);
    bytes
}

fn nanoseconds(at_ms: i64, n: usize) -> String {
    format!("{}{:03}Z", stamp(at_ms).trim_end_matches('Z'), n % 1000)
}

fn ok(value: &Value) -> Answered {
    (200, value.to_string().into_bytes())
}

fn status(code: u16, reason: &str, message: &str) -> Answered {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code});
    (code, status.to_string().into_bytes())
}

fn not_found(name: &str) -> Answered {
    let message = format!(r#"pods "{name}" not found"#);
    let details = json!({"name": name, "kind": "pods"});
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "NotFound", "details": details, "code": 404});
    (404, status.to_string().into_bytes())
}

impl Pod {
    fn object(&self) -> Value {
        let at = started();
        let statuses: Vec<Value> = self
            .containers
            .iter()
            .map(|container| {
                let last = container.previous.as_ref().map(|_| {
                    let ended = stamp(BEGIN_MS + 1_800_000).replace(".000000", "");
                    json!({"terminated": {"startedAt": at, "finishedAt": ended, "exitCode": 137, "reason": "OOMKilled", "containerID": "containerd://0"}})
                });
                json!({
                    "name": container.name, "ready": true, "started": true, "restartCount": container.restarts, "image": "shop:1",
                    "imageID": "shop@sha256:0", "containerID": "containerd://1", "state": {"running": {"startedAt": at}},
                    "lastState": last.unwrap_or_else(|| json!({})),
                })
            })
            .collect();
        let condition = |kind: &str, seconds: i64| {
            let at = stamp(BEGIN_MS - 8000 + seconds * 1000).replace(".000000", "");
            json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": at})
        };
        let containers: Vec<Value> =
            self.containers.iter().map(|container| json!({"name": container.name, "image": "shop:1"})).collect();
        json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {
                "name": self.name, "namespace": NAMESPACE, "uid": format!("uid-{}", self.function), "resourceVersion": "7",
                "creationTimestamp": stamp(BEGIN_MS - 8000).replace(".000000", ""), "labels": {"faas_function": self.function},
            },
            "spec": {"nodeName": self.node, "containers": containers},
            "status": {
                "phase": "Running", "podIP": "10.0.0.7", "startTime": at, "containerStatuses": statuses,
                "conditions": [condition("Initialized", 1), condition("Ready", 6), condition("PodScheduled", 0)],
            },
        })
    }

    fn event(&self) -> Value {
        let at = stamp(BEGIN_MS + 60_000).replace(".000000", "");
        json!({
            "metadata": {"name": format!("{}.17", self.name), "namespace": NAMESPACE}, "type": "Warning", "reason": "Unhealthy", "count": 3,
            "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": self.name}, "message": "Readiness probe failed",
            "firstTimestamp": at, "lastTimestamp": at, "eventTime": null, "source": {"component": "kubelet", "host": self.node},
        })
    }

    fn fits(&self, selector: &str) -> bool {
        let Some(rest) = selector.strip_prefix("faas_function") else { return selector.is_empty() };
        let wanted = rest.trim().trim_start_matches(['=', '!']).trim_start_matches("in").trim();
        let named = |name: &str| name.trim() == self.function;
        wanted.is_empty() || wanted.trim_matches(['(', ')', ' ']).split(',').any(named)
    }
}

/// What kubectl asks for to know what there is.
fn discovery(path: &str) -> Option<Answered> {
    let resource = |name: &str, kind: &str| json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list"]});
    match path {
        "/version" => Some(ok(&json!({"major": "1", "minor": "32", "gitVersion": "v1.32.4+k3s1"}))),
        "/api" => Some(ok(&json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))),
        "/apis" => Some(ok(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": []}))),
        "/api/v1" => Some(ok(&json!({
            "kind": "APIResourceList", "groupVersion": "v1",
            "resources": [resource("pods", "Pod"), resource("pods/log", "Pod"), resource("events", "Event")],
        }))),
        _ => None,
    }
}

impl Fake for Cluster {
    fn answer(&self, asked: &Asked) -> Answered {
        if !self.known(asked) {
            return status(401, "Unauthorized", "Unauthorized");
        }
        if let Some(answered) = discovery(&asked.path) {
            return answered;
        }
        let selector = asked.parameter("labelSelector").unwrap_or_default();
        let in_namespace = asked.path.strip_prefix("/api/v1/namespaces/").and_then(|rest| rest.split_once('/'));
        let (namespace, rest) = in_namespace.unwrap_or((NAMESPACE, asked.path.trim_start_matches("/api/v1/")));
        let here = || self.pods.iter().filter(|_| namespace == NAMESPACE);
        match rest.split('/').collect::<Vec<_>>()[..] {
            ["pods"] => {
                self.list(asked, "Pods", &here().filter(|pod| pod.fits(selector)).map(Pod::object).collect::<Vec<_>>())
            }
            ["events"] => self.list(asked, "Events", &here().map(Pod::event).collect::<Vec<_>>()),
            ["pods", name] => {
                here().find(|pod| pod.name == name).map_or_else(|| not_found(name), |pod| ok(&pod.object()))
            }
            ["pods", name, "log"] if namespace == NAMESPACE => self.log(asked, name),
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        }
    }

    fn throttled(&self) -> Answered {
        status(429, "TooManyRequests", "Too many requests, please try again later.")
    }

    fn series(&self, asked: &Asked) -> String {
        let query: Vec<_> = asked.query.iter().filter(|(name, _)| name != "continue").collect();
        format!("{} {query:?}", asked.path)
    }

    fn id_header(&self) -> Option<&'static str> {
        Some("audit-id")
    }

    fn shows_its_end(&self, asked: &Asked) -> bool {
        !self.streams(asked)
    }

    fn streams(&self, asked: &Asked) -> bool {
        asked.path.ends_with("/log")
    }

    fn expired(&self, asked: &Asked) -> Option<Answered> {
        asked.parameter("continue")?;
        Some(status(410, "Expired", "The provided continue parameter is too old to display a consistent list result."))
    }
}
