//! OpenWhisk: activations of a namespace with their logs.
//!
//! A window that gives a full page (200) is cut in halves, so that nothing shifts while more is activated. `waitTime` and
//! `initTime` are part of each activation's statement.

use std::collections::BTreeMap;
use std::path::PathBuf;

use faaslens_schemas::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::openfaas::{basic, complaint};
use crate::credentials::{Secret, home, variable};
use crate::formats::Dialect;
use crate::formats::envelope::{ACTIVATIONS, Line};
use crate::living::http::{Quota, Reply, Request, check_url, json_of, query};
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str =
    "Apache OpenWhisk: activations of a namespace with their logs, waiting and initialisation";

/// Requests a second: half of the default limit of 60 a minute is left to the system's users.
const PER_SECOND: f64 = 2.0;
/// Activations of a page at most.
const PAGE: usize = 200;

/// Activations of a namespace.
#[derive(Debug)]
pub struct OpenWhisk {
    host: String,
    auth: Option<Secret>,
    namespace: String,
    action: Option<String>,
}

impl OpenWhisk {
    /// Activations in a namespace (`_`: the user's own), of one action where given. Host and key are those of the
    /// environment (`__OW_API_HOST`, `__OW_API_KEY`) or of `~/.wskprops` (`WSK_CONFIG_FILE`).
    ///
    /// # Errors
    /// [`Error::Usage`] when no host is known or its URL is not fit.
    pub fn new(host: Option<&str>, namespace: &str, action: Option<String>, plain_http: bool) -> Result<Self> {
        let path = variable("WSK_CONFIG_FILE").map(PathBuf::from).or_else(|| home(".wskprops"));
        let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let property = |name: &str| {
            let found = text.lines().find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='));
            found.map(|value| value.trim().to_owned())
        };
        let host = host.map(str::to_owned).or_else(|| variable("__OW_API_HOST")).or_else(|| property("APIHOST"));
        let host = host.ok_or_else(|| {
            Error::Usage("openwhisk: no host: give --apihost or set APIHOST in ~/.wskprops".to_owned())
        })?;
        let host = if host.contains("://") { host } else { format!("https://{host}") };
        check_url(&host, plain_http)?;
        let auth = variable("__OW_API_KEY").or_else(|| property("AUTH")).map(Secret::new);
        Ok(Self { host: host.trim_end_matches('/').to_owned(), auth, namespace: namespace.to_owned(), action })
    }

    fn page(&self, from_ms: i64, upto_ms: i64, skip: usize, api: &Api<'_>) -> Result<Vec<Activation>> {
        let (from, upto, skip, limit) = (from_ms.to_string(), upto_ms.to_string(), skip.to_string(), PAGE.to_string());
        let mut parameters =
            vec![("docs", "true"), ("since", &from), ("upto", &upto), ("limit", &limit), ("skip", &skip)];
        parameters.extend(self.action.as_deref().map(|action| ("name", action)));
        let url = format!("{}/api/v1/namespaces/{}/activations{}", self.host, self.namespace, query(&parameters));
        let quota = Quota { name: "activations", per_second: PER_SECOND };
        let make = || {
            let request = Request::get(&url);
            let key = self.auth.as_ref().and_then(|key| key.reveal().split_once(':'));
            Ok(match key {
                Some((user, password)) => basic(request, user, &Secret::new(password)),
                None => request,
            })
        };
        let mut read = json_of(complaint::<Vec<Activation>>);
        let asked = from_ms..=upto_ms;
        let page = api.call(quota, make, |answer| match read(answer) {
            Reply::Done(page) if !page.iter().all(|activation| asked.contains(&activation.start)) => {
                Reply::Again("a stale answer: it holds activations that were not asked for".to_owned())
            }
            other => other,
        })?;
        Ok(page)
    }

    fn window(&self, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<()> {
        let (from_ms, until_ms) = (slice.from_us.div_euclid(1000), (slice.until_us + 999).div_euclid(1000));
        // Both ends are inclusive.
        let page = self.page(from_ms, until_ms - 1, 0, api)?;
        if page.len() < PAGE {
            return push_all(page, sink);
        }
        let middle = Timestamp::from_millis(from_ms + (until_ms - from_ms) / 2).micros();
        if until_ms - from_ms > 1 {
            self.window(Window { from_us: slice.from_us, until_us: middle }, api, sink)?;
            return self.window(Window { from_us: middle, until_us: slice.until_us }, api, sink);
        }
        // More than a page in one millisecond.
        let mut skip = page.len();
        push_all(page, sink)?;
        loop {
            let page = self.page(from_ms, until_ms - 1, skip, api)?;
            let length = page.len();
            push_all(page, sink)?;
            skip += length;
            if length < PAGE {
                return Ok(());
            }
        }
    }
}

#[derive(Deserialize)]
struct Activation {
    #[serde(rename = "activationId")]
    id: String,
    name: String,
    start: i64,
    #[serde(default)]
    duration: Option<f64>,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    annotations: Vec<Value>,
    #[serde(default)]
    logs: Vec<String>,
}

impl Source for OpenWhisk {
    fn name(&self) -> &'static str {
        "openwhisk"
    }

    fn provider(&self) -> &'static str {
        "openwhisk"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &ACTIVATIONS
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut selection =
            BTreeMap::from([("host".to_owned(), self.host.clone()), ("namespace".to_owned(), self.namespace.clone())]);
        selection.extend(self.action.clone().map(|action| ("action".to_owned(), action)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let name = format!("activations {}", self.namespace);
        Ok(vec![Log { name, key: String::new(), sliced: true, size: Size::default() }])
    }

    fn pull(&self, _log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        Ok(self.window(slice, api, sink)?)
    }
}

fn push_all(activations: Vec<Activation>, sink: &mut Sink<'_>) -> Result<()> {
    for activation in activations {
        let at_us = activation.start.saturating_mul(1000);
        for (number, line) in activation.lines().into_iter().enumerate() {
            let identity = xxh3_128(format!("{} {number}", activation.id).as_bytes());
            sink.push(Piece { stream: &activation.name, at_us, identity, line: &line.text() })?;
        }
    }
    Ok(())
}

impl Activation {
    /// Its statement, its waiting, and its log.
    fn lines(&self) -> Vec<Line<'_>> {
        let annotation = |key: &str| self.annotations.iter().find(|a| a["key"] == key).map(|a| &a["value"]);
        let at = Timestamp::from_millis(self.start).to_string();
        let line = || Line { at: at.clone().into(), function: Some(self.name.as_str().into()), ..Line::default() };
        let id = || Some(self.id.as_str().into());
        let wait_ms = annotation("waitTime").and_then(Value::as_f64);
        let mut lines = vec![Line {
            kind: Some("execution_finished".into()),
            id: id(),
            duration_ms: self.duration,
            init_ms: annotation("initTime").and_then(Value::as_f64),
            memory_mb: annotation("limits").and_then(|limits| limits["memory"].as_f64()),
            status: self.response["status"].as_str().map(Into::into),
            message: wait_ms.map_or_else(String::new, |wait| format!("waitTime: {wait} ms")).into(),
            ..line()
        }];
        let host =
            || annotation("invokerId").or_else(|| annotation("containerId")).and_then(Value::as_str).map(Into::into);
        lines.extend(self.logs.iter().map(|text| Line {
            id: id(),
            host: host(),
            message: text.as_str().into(),
            ..line()
        }));
        lines
    }
}
