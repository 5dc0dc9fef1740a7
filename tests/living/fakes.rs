//! Fakes of the providers' APIs, by their documentation: what they ask for, their pages, limits and error shapes.
//!
//! They fall short: no authentication is checked beyond being there, no quota is kept (faults throttle), filters are read as far as
//! faaslens writes them, and pages are small so that there are many.

use std::fmt::Write;

use base64::Engine;
use serde_json::{Value, json};

use crate::server::{Answered, Asked, Fake, mixed};

/// First instant of all events: 2026-11-22T07:00:00Z, in milliseconds.
pub(crate) const BEGIN_MS: i64 = 1_795_330_800_000;
/// Last instant of all windows.
pub(crate) const END_MS: i64 = BEGIN_MS + 3_600_000;
/// Entries of a page.
const PAGE: usize = 23;

/// One event of a fake's log.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) at_ms: i64,
    pub(crate) stream: String,
    pub(crate) text: String,
}

impl Logged {
    /// What no other event has.
    fn id(&self) -> String {
        let text = self.text.bytes().fold(0, |hash, b| mixed(hash ^ u64::from(b)));
        format!("{:016x}", mixed(text ^ mixed(self.at_ms.cast_unsigned())))
    }
}

/// So many events over an hour: records and other lines, several in one millisecond now and then.
pub(crate) fn events(count: u64) -> Vec<Logged> {
    let mut events: Vec<Logged> = (0..count)
        .map(|n| {
            let at_ms = BEGIN_MS + i64::try_from(mixed(n) % 3_600_000 / 50 * 50).expect("a time");
            let executor = mixed(n) % 3;
            let text = if n == 5 {
                format!(
                    r#"BEFAAS{{"timestamp":{at_ms},"now":5.5,"version":"8.24.3","deploymentId":"D","fn":{{"id":"e{executor}","name":"f{executor}"}},"event":{{"contextId":"c1","xPair":"c1-p1","request":{{"method":"GET","originalUrl":"/with-a-secret-header","headers":{{"authorization":"Bearer PLANTED-5ecret","user-agent":"x"}}}}}}}}"#
                )
            } else if n % 4 == 3 {
                format!("line {n} with \"quotes\"\tand tabs")
            } else {
                format!(
                    r#"BEFAAS{{"timestamp":{at_ms},"now":{n}.5,"version":"8.24.3","deploymentId":"D","fn":{{"id":"e{executor}","name":"f{executor}"}},"event":{{"coldstart":true}}}}"#
                )
            };
            Logged { at_ms, stream: format!("f{executor}"), text }
        })
        .collect();
    events.sort_by_key(|event| event.at_ms);
    events
}

pub(crate) fn stamp(at_ms: i64) -> String {
    faaslens_schemas::time::Timestamp::from_millis(at_ms).to_string()
}

/// Events of a page and the token of the next.
type Page<'a> = (Vec<&'a Logged>, Option<String>);

/// The page that a token stands for; `None` for a token of another question. Every third page comes empty first.
fn page<'a>(chosen: &[&'a Logged], question: &str, token: Option<&str>) -> Option<Page<'a>> {
    let own = question.bytes().fold(0, |hash, b| mixed(hash ^ u64::from(b)));
    let (empty, from) = match token {
        None => (false, 0),
        Some(token) => {
            let rest = token.strip_suffix(&format!("-{own:x}"))?;
            (rest.starts_with('e'), rest[1..].parse::<usize>().ok()?)
        }
    };
    let token = |kind: char, at: usize| format!("{kind}{at}-{own:x}");
    if empty {
        return Some((Vec::new(), Some(token('t', from))));
    }
    let until = from.saturating_add(PAGE).min(chosen.len());
    let kind = if (until / PAGE).is_multiple_of(3) { 'e' } else { 't' };
    let next = (until < chosen.len()).then(|| token(kind, until));
    Some((chosen.get(from..until)?.to_vec(), next))
}

/// `CloudWatch` Logs: one group for each stream name; `DescribeLogGroups` and `FilterLogEvents` with an inclusive end.
pub(crate) struct CloudWatch(pub(crate) Vec<Logged>);

impl Fake for CloudWatch {
    fn id_header(&self) -> Option<&'static str> {
        Some("x-amzn-RequestId")
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if asked.header("authorization").is_empty() {
            return (400, br#"{"__type":"MissingAuthenticationTokenException"}"#.to_vec());
        }
        let answer = if asked.header("x-amz-target").ends_with("DescribeLogGroups") {
            let group = |n: u8| json!({"logGroupName": format!("/aws/lambda/f{n}"), "storedBytes": 0});
            json!({"logGroups": ([0, 1, 2].map(group))})
        } else {
            let (from, to) = (body["startTime"].as_i64().expect("a start"), body["endTime"].as_i64().expect("an end"));
            let group = body["logGroupName"].as_str().expect("a group");
            let fits = |e: &&Logged| group.ends_with(&e.stream) && (from..=to).contains(&e.at_ms);
            let chosen: Vec<&Logged> = self.0.iter().filter(fits).collect();
            let Some((events, next)) = page(&chosen, &format!("{group} {from} {to}"), body["nextToken"].as_str())
            else {
                return self.expired(asked).expect("a request with a token");
            };
            let event = |e: &Logged| json!({"logStreamName": "s", "timestamp": e.at_ms, "message": e.text, "ingestionTime": e.at_ms, "eventId": format!("{} {}", e.at_ms, e.text)});
            json!({"events": events.into_iter().map(event).collect::<Vec<_>>(), "nextToken": next})
        };
        (200, answer.to_string().into_bytes())
    }

    fn throttled(&self) -> Answered {
        (400, br#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_vec())
    }

    fn expired(&self, asked: &Asked) -> Option<Answered> {
        let body: Value = serde_json::from_slice(&asked.body).ok()?;
        body["nextToken"].as_str()?;
        Some((
            400,
            br#"{"__type":"InvalidParameterException","message":"The specified nextToken is invalid."}"#.to_vec(),
        ))
    }
}

/// Cloud Logging's `entries:list`.
pub(crate) struct CloudLogging(pub(crate) Vec<Logged>);

impl Fake for CloudLogging {
    fn answer(&self, asked: &Asked) -> Answered {
        if !asked.header("authorization").starts_with("Bearer ") || asked.path != "/v2/entries:list" {
            return (401, br#"{"error":{"code":401,"status":"UNAUTHENTICATED","message":"no token"}}"#.to_vec());
        }
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let filter = body["filter"].as_str().expect("a filter");
        let bound = |mark: &str| filter.split_once(mark).map(|(_, rest)| rest[..27].to_owned()).expect("a bound");
        let (from, until) = (bound("timestamp>=\""), bound("timestamp<\""));
        let fits = |e: &&Logged| (from.as_str()..until.as_str()).contains(&stamp(e.at_ms).as_str());
        let chosen: Vec<&Logged> = self.0.iter().filter(fits).collect();
        let Some((events, next)) = page(&chosen, filter, body["pageToken"].as_str()) else {
            return self.expired(asked).expect("a request with a token");
        };
        let entry = |e: &Logged| {
            json!({
                "logName": "projects/p/logs/run.googleapis.com%2Fstdout", "insertId": e.id(),
                "timestamp": stamp(e.at_ms), "textPayload": e.text,
                "resource": {"type": "cloud_run_revision", "labels": {"service_name": e.stream}},
            })
        };
        let mut answer = json!({"nextPageToken": next.unwrap_or_default()});
        if !events.is_empty() {
            answer["entries"] = events.into_iter().map(entry).collect();
        }
        (200, serde_json::to_vec_pretty(&answer).expect("JSON"))
    }

    fn throttled(&self) -> Answered {
        (429, br#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"Quota exceeded"}}"#.to_vec())
    }

    fn expired(&self, asked: &Asked) -> Option<Answered> {
        let body: Value = serde_json::from_slice(&asked.body).ok()?;
        body["pageToken"].as_str()?;
        Some((400, br#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"page_token is invalid"}}"#.to_vec()))
    }
}

/// The password of the gateway's user.
pub(crate) const PASSWORD: &str = "PLANTED-5ecret";

/// The gateway of OpenFaaS: functions, and their logs as one JSON object a line, from a whole second on; two instances of each.
///
/// It falls short: no `tail`, no `follow`, one namespace. No client of OpenFaaS, nor one of tinyFaaS for the managers below,
/// is to be had from a package registry, so nobody else's program reads these.
pub(crate) struct Gateway(pub(crate) Vec<Logged>);

impl Fake for Gateway {
    fn shows_its_end(&self, _asked: &Asked) -> bool {
        false
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let known = base64::engine::general_purpose::STANDARD.encode(format!("admin:{PASSWORD}"));
        if asked.header("authorization") != format!("Basic {known}") {
            return (401, b"invalid credentials".to_vec());
        }
        if asked.path == "/system/functions" {
            return (200, json!([{"name": "f0"}, {"name": "f1"}, {"name": "f2"}]).to_string().into_bytes());
        }
        let name = asked.parameter("name").expect("a name");
        let since = asked.parameter("since").expect("a begin");
        let mut text = String::new();
        let instance_of = |n: usize| format!("{name}-pod{}", n % 2);
        let wanted = asked.parameter("instance");
        let fits = |(n, e): &(usize, &Logged)| {
            e.stream == name
                && stamp(e.at_ms).as_str() >= since
                && wanted.is_none_or(|wanted| instance_of(*n) == wanted)
        };
        for (n, event) in self.0.iter().enumerate().filter(fits) {
            // The watchdog cuts long lines.
            let (first, rest) =
                event.text.split_at(if event.text.starts_with("BEFAAS") { 60 } else { event.text.len() });
            for piece in [first, rest].iter().filter(|piece| !piece.is_empty()) {
                let text_of = format!("2026/11/22 07:00:00 stdout: {piece}");
                let line = json!({"name": name, "namespace": "fn", "instance": instance_of(n), "timestamp": stamp(event.at_ms), "text": text_of});
                writeln!(text, "{line}").expect("written");
            }
        }
        (200, text.into_bytes())
    }
}

/// tinyFaaS's manager: all lines, function by function, a blank line after each. It falls short: no `name`, and nothing but
/// logs.
pub(crate) struct Manager(pub(crate) Vec<Logged>);

impl Fake for Manager {
    fn shows_its_end(&self, _asked: &Asked) -> bool {
        false
    }

    fn answer(&self, _asked: &Asked) -> Answered {
        let mut text = String::new();
        for function in ["f0", "f1", "f2"] {
            for e in self.0.iter().filter(|e| e.stream == function) {
                writeln!(text, "function={function} handler={function}h {} {}", stamp(e.at_ms), e.text)
                    .expect("written");
            }
            text.push('\n');
        }
        (200, text.into_bytes())
    }
}

/// The manager as it was before it named functions: bare lines, function by function.
pub(crate) struct OldManager(pub(crate) Vec<Logged>);

impl Fake for OldManager {
    fn shows_its_end(&self, _asked: &Asked) -> bool {
        false
    }

    fn answer(&self, _asked: &Asked) -> Answered {
        let mut text = String::new();
        for function in ["f0", "f1", "f2"] {
            for e in self.0.iter().filter(|e| e.stream == function) {
                writeln!(text, "{}", e.text).expect("written");
            }
            text.push('\n');
        }
        (200, text.into_bytes())
    }
}

/// A manager with a line of more than 64 KiB in one function's log, which its reader cannot take.
pub(crate) struct LongLine(pub(crate) Manager, pub(crate) &'static str);

impl Fake for LongLine {
    fn answer(&self, asked: &Asked) -> Answered {
        match (&*asked.path, asked.parameter("name")) {
            ("/list", _) => (200, b"f2\nf0\nf1\n".to_vec()),
            (_, Some(name)) if name != self.1 => {
                let own = self.0.0.iter().filter(|e| e.stream == name).cloned().collect();
                Manager(own).answer(asked)
            }
            _ => (500, b"bufio.Scanner: token too long".to_vec()),
        }
    }
}

/// The key of OpenWhisk's namespace.
pub(crate) const KEY: &str = "user:PLANTED-5ecret";

/// OpenWhisk's activations: newest first, 30 or up to 200 of them, both ends inclusive; one log line each.
///
/// Its wording, limits and fields are those of the controller's source; its own JavaScript client reads it in a test. It
/// falls short: one namespace, activations in lists only (no `/activations/ID`), no `count`, no actions in packages.
pub(crate) struct Activations(pub(crate) Vec<Logged>);

impl Activations {
    const MOST: usize = 200;

    fn one(event: &Logged, whole: bool) -> Value {
        let mut activation = json!({
            "activationId": event.id(), "annotations": [{"key": "waitTime", "value": 3}, {"key": "initTime", "value": 40}],
            "duration": 12, "end": event.at_ms + 12, "name": event.stream, "namespace": "guest", "publish": false,
            "start": event.at_ms, "version": "0.0.1",
        });
        if whole {
            activation["logs"] = json!([format!("{} stdout: {}", stamp(event.at_ms), event.text)]);
            activation["response"] = json!({"result": {}, "status": "success", "statusCode": 0, "success": true});
            activation["subject"] = json!("guest");
        } else {
            activation["statusCode"] = json!(0);
        }
        activation
    }

    fn error(status: u16, message: &str) -> Answered {
        (status, json!({"code": "a1b2c3", "error": message}).to_string().into_bytes())
    }
}

impl Fake for Activations {
    fn id_header(&self) -> Option<&'static str> {
        Some("X-Request-ID")
    }

    fn answer(&self, asked: &Asked) -> Answered {
        let key = base64::engine::general_purpose::STANDARD.encode(KEY);
        if asked.header("authorization") != format!("Basic {key}") {
            return Self::error(401, "The supplied authentication is invalid.");
        }
        if asked.path != "/api/v1/namespaces/_/activations" {
            return Self::error(404, "The requested resource does not exist.");
        }
        let number = |name: &str| asked.parameter(name).and_then(|text| text.parse::<i64>().ok());
        let count = |name: &str, without: usize| number(name).map_or(Ok(without), usize::try_from);
        let limit = match count("limit", 30) {
            Ok(0) => Self::MOST,
            Ok(limit) if limit <= Self::MOST => limit,
            _ => {
                let value = asked.parameter("limit").unwrap_or_default();
                let message =
                    format!("The value '{value}' is not in the range of 0 to {} for activations.", Self::MOST);
                return Self::error(400, &message);
            }
        };
        let (since, upto) = (number("since").unwrap_or(0), number("upto").unwrap_or(i64::MAX));
        let whole = asked.parameter("docs") == Some("true");
        let fits = |e: &&Logged| {
            (since..=upto).contains(&e.at_ms) && asked.parameter("name").is_none_or(|name| name == e.stream)
        };
        let chosen = self.0.iter().rev().filter(fits).skip(count("skip", 0).unwrap_or(0)).take(limit);
        let page: Value = chosen.map(|event| Self::one(event, whole)).collect();
        (200, page.to_string().into_bytes())
    }

    fn throttled(&self) -> Answered {
        Self::error(429, "Too many requests in the last minute (count: 61, allowed: 60).")
    }
}
