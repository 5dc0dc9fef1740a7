//! Kubernetes and K3s: logs of pods from the API server, with what it says of the pods themselves.
//!
//! * A log is one container of one pod; the API serves its newest file (10 MiB by default) and that of the instance before the
//!   last restart. What is known to be rotated away is named: the nodes have it, and `cri` reads it.
//! * `sinceTime` is kept to whole seconds by servers: a second before the window is asked for, and lines are told apart by their
//!   stamps, which have nanoseconds.
//! * One more log of each namespace holds statements on its pods (created, scheduled, ready, started, ended) and its events.

mod events;
mod lines;
mod pods;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cri::{dialect_of, function_of};
use crate::credentials::kubernetes::Cluster;
use crate::formats::Dialect;
use crate::living::http::{Answer, CallError, Quota, Refusal, Reply, Request, check_url, json_of, passing, query};
use crate::living::{Api, Failure, Log, Sink, Size, Source, Window};
use crate::{Error, Result};
use pods::Pod;

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str =
    "Kubernetes and K3s: logs of pods, their placement and starts, and events, from the API server";

/// Requests a second: a fifth of what kubectl allows itself.
const PER_SECOND: f64 = 10.0;
/// Objects of a page.
const PAGE: &str = "500";
/// Times that a list is begun anew because its token expired.
const LISTS: u32 = 5;
/// Labels by which the pods of functions are found: OpenFaaS's and Knative's.
const FUNCTION_LABELS: [&str; 2] = ["faas_function", "serving.knative.dev/service"];

/// Which pods are read.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Namespace; that of the context, or `default`, when `None`.
    pub namespace: Option<String>,
    /// Pods of all namespaces.
    pub all_namespaces: bool,
    /// Label selector; pods of functions (OpenFaaS, Knative) when `None`, all pods when empty.
    pub selector: Option<String>,
    /// Functions (OpenFaaS, Knative); all when empty.
    pub functions: Vec<String>,
    /// Only containers of that name; all when `None`.
    pub container: Option<String>,
}

/// Pods of a cluster.
#[derive(Debug)]
pub struct K8s {
    cluster: Cluster,
    provider: String,
    /// `None`: all.
    namespace: Option<String>,
    /// Label selectors whose pods are read.
    selectors: Vec<String>,
    container: Option<String>,
}

/// What a log is: a container, or the statements on a namespace.
#[derive(Debug, Serialize, Deserialize)]
enum Key {
    Container { namespace: String, pod: String, uid: String, container: String, function: String },
    Statements { namespace: String },
}

impl K8s {
    /// Pods that are selected, in the cluster of a `context` of a kubeconfig `file`, or of the standard chain. `provider` is that of
    /// the records.
    ///
    /// # Errors
    /// [`Error::Credentials`] when no cluster is known; [`Error::Usage`] when its URL or the selection is not fit.
    pub fn new(
        file: Option<&Path>,
        context: Option<&str>,
        selection: Selection,
        provider: &str,
        plain_http: bool,
    ) -> Result<Self> {
        let Selection { namespace, all_namespaces, selector, functions, container } = selection;
        let cluster = Cluster::find(file, context)?;
        check_url(&cluster.server, plain_http)?;
        for (option, name) in
            namespace.iter().map(|n| ("namespace", n)).chain(functions.iter().map(|n| ("function", n)))
        {
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
                return Err(Error::Usage(format!("k8s: {option}: expected letters, digits and -, found {name:?}")));
            }
        }
        let of_functions = |label: &&str| match &functions[..] {
            [] => (*label).to_owned(),
            some => format!("{label} in ({})", some.join(",")),
        };
        let selectors = selector.map_or_else(|| FUNCTION_LABELS.iter().map(of_functions).collect(), |one| vec![one]);
        let own = || cluster.namespace.clone().unwrap_or_else(|| "default".to_owned());
        let namespace = (!all_namespaces).then(|| namespace.unwrap_or_else(own));
        Ok(Self { cluster, provider: provider.to_owned(), namespace, selectors, container })
    }

    /// Asks for a path of the API, as the user is known now; once more where the cluster does not know the user any more.
    fn ask<T>(
        &self,
        path: impl Fn() -> String,
        api: &Api<'_>,
        read: &mut dyn FnMut(&mut Answer) -> Reply<T>,
    ) -> Result<T, CallError> {
        let quota = Quota { name: "api server", per_second: PER_SECOND };
        let url = || format!("{}{}", self.cluster.server, path());
        let mut renewed = false;
        loop {
            let access = self.cluster.access().map_err(CallError::Other)?;
            let asked = api.call_with(&access.client, quota, || Ok(access.sign(Request::get(url()))), &mut *read);
            match asked {
                Err(CallError::Refused(refusal)) if refusal.status == 401 && !renewed => {
                    renewed = true;
                    self.cluster.forget();
                }
                other => return other,
            }
        }
    }

    /// All objects of a list, page by page; begun anew where the token of a page has expired.
    fn list<T: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        namespace: Option<&str>,
        selector: &str,
        api: &Api<'_>,
    ) -> Result<Vec<T>, CallError> {
        let place = namespace.map_or_else(String::new, |namespace| format!("/namespaces/{namespace}"));
        let mut begun = 1;
        'list: loop {
            let mut items = Vec::new();
            let mut token = String::new();
            loop {
                let mut parameters = vec![("limit", PAGE)];
                parameters.extend((!selector.is_empty()).then_some(("labelSelector", selector)));
                parameters.extend((!token.is_empty()).then_some(("continue", token.as_str())));
                let path = format!("/api/v1{place}/{kind}{}", query(&parameters));
                let page: Page<T> = match self.ask(|| path.clone(), api, &mut json_of(complaint)) {
                    Err(CallError::Refused(refusal)) if refusal.status == 410 && begun < LISTS => {
                        begun += 1;
                        continue 'list;
                    }
                    page => page?,
                };
                items.extend(page.items.into_iter().flatten());
                match page.metadata.next.filter(|next| !next.is_empty()) {
                    // A page that came twice: the walk does not end by itself.
                    Some(next) if next == token && begun < LISTS => {
                        begun += 1;
                        continue 'list;
                    }
                    Some(next) => token = next,
                    None => return Ok(items),
                }
            }
        }
    }

    /// The pods that are selected, each once, sorted.
    fn pods(&self, namespace: Option<&str>, api: &Api<'_>) -> Result<Vec<Pod>, CallError> {
        let mut pods: BTreeMap<(String, String, String), Pod> = BTreeMap::new();
        for selector in &self.selectors {
            for pod in self.list::<Pod>("pods", namespace, selector, api)? {
                let meta = &pod.metadata;
                pods.insert((meta.namespace.clone(), meta.name.clone(), meta.uid.clone()), pod);
            }
        }
        Ok(pods.into_values().collect())
    }

    /// A pod as it is now; `None` where it is gone.
    fn pod(&self, namespace: &str, name: &str, uid: &str, api: &Api<'_>) -> Result<Option<Pod>, CallError> {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        match self.ask(|| path.clone(), api, &mut json_of::<Pod>(complaint)) {
            Ok(pod) if pod.metadata.uid == uid => Ok(Some(pod)),
            Ok(_) => Ok(None),
            Err(CallError::Refused(refusal)) if refusal.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A page of a list. Its items are null where there are none.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// What the API server's refusals say: an object `Status` with reason and message.
fn complaint<T>(answer: &mut Answer) -> Reply<T> {
    let body = answer.complaint();
    let status: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = status["message"].as_str().map_or_else(|| String::from_utf8_lossy(&body).into_owned(), str::to_owned);
    let code = status["reason"].as_str().unwrap_or_default().to_owned();
    let refusal = Refusal { status: answer.status, code, message };
    if passing(answer.status) { Reply::Again(refusal.to_string()) } else { Reply::Refused(refusal) }
}

/// The function that a pod belongs to: by its label, or by its name.
fn function_of_pod(pod: &Pod) -> String {
    let labelled = FUNCTION_LABELS.iter().find_map(|label| pod.metadata.labels.get(*label));
    labelled.map_or_else(|| function_of(&pod.metadata.name).to_owned(), Clone::clone)
}

impl Source for K8s {
    fn name(&self) -> &'static str {
        "k8s"
    }

    fn provider(&self) -> &str {
        &self.provider
    }

    fn dialect(&self) -> &'static dyn Dialect {
        dialect_of(&self.provider)
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let namespace = self.namespace.clone().unwrap_or_else(|| "*".to_owned());
        let mut selection = BTreeMap::from([
            ("server".to_owned(), self.cluster.server.clone()),
            ("namespace".to_owned(), namespace),
            ("selector".to_owned(), self.selectors.join(" | ")),
        ]);
        selection.extend(self.container.clone().map(|container| ("container".to_owned(), container)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn discover(&self, window: Window, api: &Api<'_>) -> Result<Vec<Log>> {
        let mut logs = Vec::new();
        let mut namespaces: Vec<String> = self.namespace.clone().into_iter().collect();
        for pod in self.pods(self.namespace.as_deref(), api)? {
            if !pod.lived_in(window) {
                continue;
            }
            let meta = &pod.metadata;
            let (namespace, name, uid) = (&meta.namespace, &meta.name, &meta.uid);
            if !namespaces.contains(namespace) {
                namespaces.push(namespace.clone());
            }
            for status in pod.containers().filter(|status| status.has_run()) {
                if self.container.as_ref().is_some_and(|wanted| *wanted != status.name) {
                    continue;
                }
                let key = Key::Container {
                    namespace: namespace.clone(),
                    pod: name.clone(),
                    uid: uid.clone(),
                    container: status.name.clone(),
                    function: function_of_pod(&pod),
                };
                // The pod before and after, and the instance before.
                let pages = Some(2 + u64::from(status.restarts() > 0));
                let size = Size { pages, at_most: false };
                logs.push(log(format!("{namespace}/{name}/{} {uid}", status.name), &key, size));
            }
        }
        for namespace in namespaces {
            let key = Key::Statements { namespace: namespace.clone() };
            // Each list has a page at least.
            let size = Size { pages: Some(self.selectors.len() as u64), at_most: false };
            logs.push(log(format!("{namespace} pods and events"), &key, size));
        }
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logs)
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let unfit = |error: serde_json::Error| Error::Usage(format!("{}: {error}", log.name));
        match serde_json::from_str(&log.key).map_err(unfit)? {
            Key::Statements { namespace } => self.statements(&namespace, slice, api, sink),
            Key::Container { namespace, pod, uid, container, function } => {
                let place = lines::Place { namespace, pod, uid, container, function };
                self.container(&place, slice, api, sink)
            }
        }
    }
}

fn log(name: String, key: &Key, size: Size) -> Log {
    Log { name, key: serde_json::to_string(key).unwrap_or_default(), sliced: false, size }
}
