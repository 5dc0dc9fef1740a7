//! Google Cloud: entries of functions of both generations, from `entries:list` of Cloud Logging.
//!
//! Identity of an entry: log name, time, insert id. Pages may be empty in mid-stream.

use std::collections::{BTreeMap, HashSet};

use faaslens_schemas::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::credentials::google::Chain;
use crate::credentials::variable;
use crate::formats::cloud_logging::CloudLogging;
use crate::formats::{Dialect, stamp};
use crate::living::http::{Answer, CallError, Quota, Refusal, Reply, Request, broken, check_url, unreadable};
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str = "Google Cloud Logging: functions of both generations in a project, from the API";

/// Requests a second: 60 a minute for a project, which cannot be raised.
const PER_SECOND: f64 = 1.0;
/// Entries of a page at most.
const PAGE: u32 = 1000;

/// Projects with functions.
#[derive(Debug)]
pub struct Google {
    projects: Vec<String>,
    prefix: Option<String>,
    url: String,
    chain: Chain,
}

impl Google {
    /// Functions of some projects whose names begin with `prefix`. The endpoint is Google's, or that of
    /// `CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING`.
    ///
    /// # Errors
    /// [`Error::Usage`] when no project is known or the endpoint is not fit.
    pub fn new(projects: Vec<String>, prefix: Option<String>, plain_http: bool) -> Result<Self> {
        let of_environment = || variable("GOOGLE_CLOUD_PROJECT").or_else(|| variable("CLOUDSDK_CORE_PROJECT"));
        let projects = if projects.is_empty() { of_environment().into_iter().collect() } else { projects };
        let fits =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        if projects.is_empty() || !projects.iter().all(|project| fits(project)) {
            return Err(Error::Usage(format!("google: expected ids of projects (--project), found {projects:?}")));
        }
        if prefix.as_deref().is_some_and(|prefix| !fits(prefix)) {
            return Err(Error::Usage(format!("google: prefix: expected letters, digits, - and _, found {prefix:?}")));
        }
        let url = variable("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING")
            .unwrap_or_else(|| "https://logging.googleapis.com".to_owned());
        check_url(&url, plain_http)?;
        Ok(Self { projects, prefix, url: url.trim_end_matches('/').to_owned(), chain: Chain::default() })
    }

    fn filter(&self, slice: Window) -> String {
        let resources = "(resource.type=\"cloud_function\" OR (resource.type=\"cloud_run_revision\" AND \
                         (log_id(\"run.googleapis.com/stdout\") OR log_id(\"run.googleapis.com/stderr\") OR \
                         log_id(\"run.googleapis.com/requests\"))))";
        let name = self.prefix.as_ref().map_or_else(String::new, |prefix| {
            format!(" AND (resource.labels.function_name:\"{prefix}\" OR resource.labels.service_name:\"{prefix}\")")
        });
        format!("timestamp>=\"{}\" AND timestamp<\"{}\" AND {resources}{name}", slice.from(), slice.until())
    }

    fn page(
        &self,
        body: &Value,
        reading: &mut Reading,
        api: &Api<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<String>, Failure> {
        let body_text = body.to_string().into_bytes();
        let quota = Quota { name: "entries:list", per_second: PER_SECOND };
        let mut expired = false;
        let page = api.call(
            quota,
            || {
                let token = self.chain.token()?;
                let request = Request::post(format!("{}/v2/entries:list", self.url), body_text.clone());
                Ok(request.header("authorization", format!("Bearer {}", token.reveal())))
            },
            |answer| {
                if answer.status == 200 {
                    return match answer.bytes() {
                        Ok(bytes) => self.take(&bytes, reading, sink),
                        Err(error) => broken(&error),
                    };
                }
                let refusal = refusal(answer);
                if refusal.status == 401 && !expired {
                    expired = true;
                    self.chain.forget();
                    return Reply::Again(refusal.to_string());
                }
                if refusal.passes() { Reply::Again(refusal.to_string()) } else { Reply::Refused(refusal) }
            },
        );
        page.map_err(|error| match error {
            CallError::Refused(refusal)
                if !body["pageToken"].is_null() && refusal.message.to_ascii_lowercase().contains("token") =>
            {
                Failure::Restart(refusal.to_string())
            }
            error => Failure::Final(error.into()),
        })
    }

    fn take(&self, bytes: &[u8], reading: &mut Reading, sink: &mut Sink<'_>) -> Reply<Option<String>> {
        let page: Page<'_> = match serde_json::from_slice(bytes) {
            Ok(page) => page,
            Err(error) => return unreadable(&error),
        };
        let mut entries = Vec::with_capacity(page.entries.len());
        let mut newest_us = reading.newest_us;
        for raw in &page.entries {
            let entry: Entry<'_> = match serde_json::from_str(raw.get()) {
                Ok(entry) => entry,
                Err(error) => return unreadable(&error),
            };
            let at_us = stamp::read(entry.timestamp.as_bytes()).map_or(i64::MIN, |(at, _): (Timestamp, _)| at.micros());
            // Entries come in order of time, within the filter's bounds.
            if !reading.slice.holds(at_us) || at_us < newest_us {
                return Reply::Again("a stale answer: it holds entries that were not asked for".to_owned());
            }
            newest_us = at_us;
            entries.push((raw, at_us, entry));
        }
        reading.newest_us = newest_us;
        for (raw, at_us, entry) in entries {
            let identity = xxh3_128(format!("{}\0{}\0{}", entry.log_name, entry.timestamp, entry.insert_id).as_bytes());
            // Prefixes are no operator of the filter's language: the names are looked at here.
            if self
                .prefix
                .as_ref()
                .is_some_and(|prefix| !entry.resource.names().any(|name| name.starts_with(prefix.as_str())))
            {
                continue;
            }
            if let Err(error) = sink.push(Piece { stream: "", at_us, identity, line: raw.get().as_bytes() }) {
                return Reply::Failed(error);
            }
        }
        Reply::Done(page.next_page_token.filter(|token| !token.is_empty()))
    }
}

/// How far a reading of a slice has come.
struct Reading {
    slice: Window,
    /// Time of the last entry, in microseconds.
    newest_us: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    /// Absent in an empty page.
    #[serde(borrow, default)]
    entries: Vec<&'a RawValue>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(borrow, default)]
    log_name: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    timestamp: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    insert_id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    resource: Resource,
}

#[derive(Default, Deserialize)]
struct Resource {
    #[serde(default)]
    labels: BTreeMap<String, Value>,
}

impl Resource {
    fn names(&self) -> impl Iterator<Item = &str> {
        ["function_name", "service_name"].iter().filter_map(|key| self.labels.get(*key)?.as_str())
    }
}

impl Source for Google {
    fn name(&self) -> &'static str {
        "google"
    }

    fn provider(&self) -> &'static str {
        "google"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &CloudLogging
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut selection = BTreeMap::from([("project".to_owned(), self.projects.join(","))]);
        selection.extend(self.prefix.clone().map(|prefix| ("prefix".to_owned(), prefix)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn workers(&self) -> usize {
        2
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let mut projects = self.projects.clone();
        projects.sort();
        projects.dedup();
        let log = |project: String| Log {
            name: format!("projects/{project}"),
            key: project,
            sliced: true,
            size: Size::default(),
        };
        Ok(projects.into_iter().map(log).collect())
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut body = json!({
            "resourceNames": [format!("projects/{}", log.key)],
            "filter": self.filter(slice),
            "orderBy": "timestamp asc",
            "pageSize": PAGE,
        });
        let mut tokens = HashSet::new();
        let mut reading = Reading { slice, newest_us: i64::MIN };
        while let Some(token) = self.page(&body, &mut reading, api, sink)? {
            if !tokens.insert(xxh3_128(token.as_bytes())) {
                return Err(Failure::Restart("a page token came twice".to_owned()));
            }
            body["pageToken"] = token.into();
        }
        Ok(())
    }
}

/// What an error's body says: `{"error": {"status": …, "message": …}}`.
fn refusal(answer: &mut Answer) -> Refusal {
    let body = answer.complaint();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = &json["error"];
    let message = error["message"].as_str().map_or_else(|| String::from_utf8_lossy(&body).into_owned(), str::to_owned);
    Refusal { status: answer.status, code: error["status"].as_str().unwrap_or_default().to_owned(), message }
}
