//! AWS: `CloudWatch` Logs of Lambda functions, from its API.
//!
//! * `FilterLogEvents` over a log group gives every event its `eventId`. Its `endTime` is inclusive.
//! * `GetLogEvents` over a log stream, as an option: no ids, its `endTime` is exclusive, a stream ends where the token of the
//!   answer is the one that was asked with.
//! * Pages may be empty in mid-stream. No stream is left out by its `lastEventTimestamp`, which may be an hour stale.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::credentials::aws::{Chain, sign};
use crate::credentials::variable;
use crate::formats::Dialect;
use crate::formats::cloudwatch::CloudWatch;
use crate::living::http::{Answer, CallError, Quota, Refusal, Reply, Request, broken, check_url, unreadable};
use crate::living::window::now_us;
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};
use faaslens_schemas::time::Timestamp;

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str =
    "AWS CloudWatch Logs of Lambda functions: log groups by prefix, from the API or from exports to S3";

/// Requests a second: the smallest quota that any account has for `FilterLogEvents`.
const PER_SECOND: f64 = 5.0;
/// Events of a page at most; a page also ends at 1 MB.
const PAGE_EVENTS: u32 = 10_000;
/// Bytes of a page at most, for estimates.
const PAGE_BYTES: u64 = 1 << 20;

/// Log groups of a region.
#[derive(Debug)]
pub struct Aws {
    prefixes: Vec<String>,
    by_stream: bool,
    region: String,
    url: String,
    host: String,
    chain: Chain,
}

impl Aws {
    /// Log groups whose names begin with one of the `prefixes`, in a region, with the credentials of a profile; where they
    /// are `None`, those of the environment. `by_stream` reads stream by stream (`GetLogEvents`).
    ///
    /// The endpoint is that of the region, or `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`, or `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// [`Error::Usage`] when no region is known or the endpoint is not fit.
    pub fn new(
        prefixes: Vec<String>,
        region: Option<&str>,
        profile: Option<&str>,
        by_stream: bool,
        plain_http: bool,
    ) -> Result<Self> {
        let chain = Chain::new(profile);
        let region = region.map(str::to_owned).or_else(|| chain.region()).ok_or_else(|| {
            Error::Usage("aws: no region: give --region, or set AWS_REGION or the profile's region".to_owned())
        })?;
        if !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || region.is_empty() {
            return Err(Error::Usage(format!("aws: region: expected one like eu-central-1, found {region:?}")));
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = variable("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS")
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| format!("https://logs.{region}.{domain}"));
        check_url(&url, plain_http)?;
        let url = format!("{}/", url.trim_end_matches('/'));
        let parsed = reqwest::Url::parse(&url).map_err(|error| Error::Usage(format!("aws: endpoint: {error}")))?;
        let host = parsed.host_str().unwrap_or_default();
        let host = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let prefixes = if prefixes.is_empty() { vec!["/aws/lambda/".to_owned()] } else { prefixes };
        Ok(Self { prefixes, by_stream, region, url, host, chain })
    }

    fn call<T>(
        &self,
        api: &Api<'_>,
        operation: &str,
        body: &Value,
        mut read: impl FnMut(&[u8]) -> Reply<T>,
    ) -> Result<T, CallError> {
        let quota = Quota { name: operation, per_second: PER_SECOND };
        let body = body.to_string().into_bytes();
        let mut expired = false;
        api.call(
            quota,
            || {
                let keys = self.chain.keys()?;
                let request = Request {
                    method: "POST",
                    url: self.url.clone(),
                    headers: vec![
                        ("content-type".to_owned(), "application/x-amz-json-1.1".to_owned()),
                        ("x-amz-target".to_owned(), format!("Logs_20140328.{operation}")),
                    ],
                    body: body.clone(),
                };
                let at = Timestamp::from_micros(now_us());
                Ok(sign(request, &self.host, "/", &keys, (&self.region, "logs"), at))
            },
            |answer| {
                if answer.status == 200 {
                    return match answer.bytes() {
                        Ok(bytes) => read(&bytes),
                        Err(error) => broken(&error),
                    };
                }
                let refusal = refusal(answer);
                if refusal.code.starts_with("ExpiredToken") && !expired {
                    expired = true;
                    self.chain.forget();
                    return Reply::Again(refusal.to_string());
                }
                if passes(&refusal) { Reply::Again(refusal.to_string()) } else { Reply::Refused(refusal) }
            },
        )
    }

    fn groups(&self, api: &Api<'_>) -> Result<BTreeMap<String, u64>> {
        let mut groups = BTreeMap::new();
        for prefix in &self.prefixes {
            let mut token: Option<String> = None;
            loop {
                let mut body = json!({ "logGroupNamePrefix": prefix, "limit": 50 });
                if let Some(token) = &token {
                    body["nextToken"] = token.as_str().into();
                }
                let page: Groups = self.call(api, "DescribeLogGroups", &body, json)?;
                for group in page.log_groups {
                    groups.insert(group.name, group.stored_bytes.unwrap_or(0));
                }
                match page.next_token {
                    Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                    _ => break,
                }
            }
        }
        Ok(groups)
    }

    fn streams(&self, api: &Api<'_>, group: &str) -> Result<Vec<String>> {
        let mut streams = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut body = json!({ "logGroupName": group, "limit": 50 });
            if let Some(token) = &token {
                body["nextToken"] = token.as_str().into();
            }
            let page: Streams = self.call(api, "DescribeLogStreams", &body, json)?;
            streams.extend(page.log_streams.into_iter().map(|stream| stream.name));
            match page.next_token {
                Some(next) if token.as_ref() != Some(&next) => token = Some(next),
                _ => break,
            }
        }
        streams.sort();
        streams.dedup();
        Ok(streams)
    }

    /// A page of either operation: its events go to the sink; the token of the next page.
    fn page(
        &self,
        api: &Api<'_>,
        operation: &str,
        body: &Value,
        stream: Option<&str>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<String>, Failure> {
        let first = body.get("nextToken").is_none();
        let mut line = Vec::new();
        let page = self.call(api, operation, body, |bytes| {
            // Checked whole before anything of it is taken.
            let page: Page<'_> = match serde_json::from_slice(bytes) {
                Ok(page) => page,
                Err(error) => return unreadable(&error),
            };
            if stream.is_none() && !page.events.iter().all(|event| within(body, event.timestamp)) {
                return Reply::Again("a stale answer: it holds events that were not asked for".to_owned());
            }
            for event in &page.events {
                event.write(&mut line);
                let identity = event.id.as_ref().map_or_else(|| xxh3_128(&line), |id| xxh3_128(id.as_bytes()));
                let stream = stream.or(event.log_stream_name.as_deref()).unwrap_or_default();
                let at_us = event.timestamp.saturating_mul(1000);
                if let Err(error) = sink.push(Piece { stream, at_us, identity, line: &line }) {
                    return Reply::Failed(error);
                }
            }
            Reply::Done(page.next_token.or(page.next_forward_token).map(std::borrow::Cow::into_owned))
        });
        page.map_err(|error| match error {
            CallError::Refused(refusal) if !first && is_about_token(&refusal) => Failure::Restart(refusal.to_string()),
            error => Failure::Final(error.into()),
        })
    }

    fn pull_group(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut body = json!({
            "logGroupName": log.key,
            "startTime": slice.from_us.div_euclid(1000),
            // Inclusive here; the sink leaves out what is beyond the slice.
            "endTime": (slice.until_us - 1).div_euclid(1000),
            "limit": PAGE_EVENTS,
        });
        let mut tokens = std::collections::HashSet::new();
        while let Some(token) = self.page(api, "FilterLogEvents", &body, None, sink)? {
            if !tokens.insert(xxh3_128(token.as_bytes())) {
                return Err(Failure::Restart("a page token came twice".to_owned()));
            }
            body["nextToken"] = token.into();
        }
        Ok(())
    }

    fn pull_stream(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let (group, stream) = log.key.split_once('\n').unwrap_or((&log.key, ""));
        let mut body = json!({
            "logGroupName": group,
            "logStreamName": stream,
            "startTime": slice.from_us.div_euclid(1000),
            // Exclusive here.
            "endTime": (slice.until_us + 999).div_euclid(1000),
            "startFromHead": true,
            "limit": PAGE_EVENTS,
        });
        let mut last: Option<String> = None;
        loop {
            let next = self.page(api, "GetLogEvents", &body, Some(stream), sink)?;
            match next {
                Some(next) if last.as_ref() != Some(&next) => {
                    body["nextToken"] = next.as_str().into();
                    last = Some(next);
                }
                _ => return Ok(()),
            }
        }
    }
}

impl Source for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn provider(&self) -> &'static str {
        "aws"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &CloudWatch
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut selection = BTreeMap::from([
            ("prefix".to_owned(), self.prefixes.join(",")),
            ("region".to_owned(), self.region.clone()),
        ]);
        if self.by_stream {
            selection.insert("by".to_owned(), "stream".to_owned());
        }
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn discover(&self, _window: Window, api: &Api<'_>) -> Result<Vec<Log>> {
        let mut logs = Vec::new();
        for (group, bytes) in self.groups(api)? {
            let size = Size { pages: Some(bytes.div_ceil(PAGE_BYTES)), at_most: true };
            if self.by_stream {
                for stream in self.streams(api, &group)? {
                    let (name, key) = (format!("{group} {stream}"), format!("{group}\n{stream}"));
                    logs.push(Log { name, key, sliced: false, size: Size::default() });
                }
            } else {
                logs.push(Log { name: group.clone(), key: group, sliced: true, size });
            }
        }
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logs)
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if self.by_stream { self.pull_stream(log, slice, api, sink) } else { self.pull_group(log, slice, api, sink) }
    }
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Reply<T> {
    serde_json::from_slice(bytes).map_or_else(|error| unreadable(&error), Reply::Done)
}

/// Whether an event lies where `FilterLogEvents` was asked to look.
fn within(body: &Value, at_ms: i64) -> bool {
    let bound = |name: &str| body[name].as_i64();
    bound("startTime").is_none_or(|from| from <= at_ms) && bound("endTime").is_none_or(|to| at_ms <= to)
}

/// What an error's body says: `{"__type": "…#Code", "message": …}`.
fn refusal(answer: &mut Answer) -> Refusal {
    let body = answer.complaint();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let code = json["__type"].as_str().unwrap_or_default();
    let message = json["message"].as_str().or_else(|| json["Message"].as_str());
    Refusal {
        status: answer.status,
        code: code.rsplit('#').next().unwrap_or(code).to_owned(),
        message: message.map_or_else(|| String::from_utf8_lossy(&body).into_owned(), str::to_owned),
    }
}

/// Whether a refusal passes: AWS throttles with 400 and a code.
fn passes(refusal: &Refusal) -> bool {
    const CODES: [&str; 6] =
        ["Throttl", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "InternalFailure", "InternalServer"];
    refusal.passes() || CODES.iter().any(|code| refusal.code.contains(code))
}

fn is_about_token(refusal: &Refusal) -> bool {
    refusal.code == "InvalidParameterException" && refusal.message.to_ascii_lowercase().contains("token")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    log_groups: Vec<Group>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    #[serde(rename = "logGroupName")]
    name: String,
    stored_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Streams {
    log_streams: Vec<Stream>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(rename = "logStreamName")]
    name: String,
}

/// A page of either operation. A page without `events` is damaged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(borrow)]
    events: Vec<Event<'a>>,
    #[serde(borrow)]
    next_token: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    next_forward_token: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    timestamp: i64,
    ingestion_time: Option<i64>,
    /// As it came: no need to take it apart here.
    #[serde(borrow)]
    message: &'a RawValue,
    #[serde(borrow, rename = "eventId")]
    id: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    log_stream_name: Option<std::borrow::Cow<'a, str>>,
}

impl Event<'_> {
    /// The event as a line of `aws.log`.
    fn write(&self, line: &mut Vec<u8>) {
        line.clear();
        line.extend_from_slice(b"{\"timestamp\":");
        line.extend_from_slice(self.timestamp.to_string().as_bytes());
        line.extend_from_slice(b",\"message\":");
        line.extend_from_slice(self.message.get().as_bytes());
        if let Some(ingested) = self.ingestion_time {
            line.extend_from_slice(b",\"ingestionTime\":");
            line.extend_from_slice(ingested.to_string().as_bytes());
        }
        line.push(b'}');
    }
}
