//! OpenFaaS and faasd: the logs of functions from the gateway's `/system/logs`, one JSON object a line.
//!
//! The gateway takes a beginning and no end. The watchdog cuts long lines: a record that does not end in its line goes on in
//! the next ones of its instance.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read};

use base64::Engine;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::credentials::{Secret, variable};
use crate::formats::envelope::{Line, WATCHDOG_LINES};
use crate::formats::{Dialect, stamp};
use crate::living::http::{Answer, Quota, Refusal, Reply, Request, broken, check_url, passing, query};
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str = "OpenFaaS and faasd: logs of functions from the gateway's API";

/// Requests a second: the gateway has no documented limit, the API server behind it has one.
const PER_SECOND: f64 = 5.0;
/// Longest message, and longest record that is put together again.
const MESSAGE_MAX: usize = 1 << 20;

/// Functions of a gateway.
#[derive(Debug)]
pub struct OpenFaas {
    gateway: String,
    user: String,
    password: Option<Secret>,
    namespace: Option<String>,
    prefix: Option<String>,
    instance: Option<String>,
}

impl OpenFaas {
    /// Functions whose names begin with `prefix`, in a namespace, and of these one `instance`, where given. The gateway is `gateway`, or `OPENFAAS_URL`, or
    /// `http://127.0.0.1:8080`; the user `OPENFAAS_USERNAME` (`admin`) with `OPENFAAS_PASSWORD`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the gateway's URL is not fit.
    pub fn new(
        gateway: Option<&str>,
        namespace: Option<String>,
        prefix: Option<String>,
        instance: Option<String>,
        plain_http: bool,
    ) -> Result<Self> {
        let gateway = gateway.map(str::to_owned).or_else(|| variable("OPENFAAS_URL"));
        let gateway = gateway.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
        check_url(&gateway, plain_http)?;
        let user = variable("OPENFAAS_USERNAME").unwrap_or_else(|| "admin".to_owned());
        let password = variable("OPENFAAS_PASSWORD").map(Secret::new);
        Ok(Self { gateway: gateway.trim_end_matches('/').to_owned(), user, password, namespace, prefix, instance })
    }

    fn request(&self, path: &str) -> Request {
        let request = Request::get(format!("{}{path}", self.gateway));
        match &self.password {
            Some(password) => basic(request, &self.user, password),
            None => request,
        }
    }
}

/// A request with a user's name and password.
pub(crate) fn basic(request: Request, user: &str, password: &Secret) -> Request {
    let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.reveal()));
    request.header("authorization", format!("Basic {both}"))
}

/// What became of an answer with another status than 200.
pub(crate) fn complaint<T>(answer: &mut Answer) -> Reply<T> {
    let message = String::from_utf8_lossy(&answer.complaint()).into_owned();
    let refusal = Refusal { status: answer.status, code: String::new(), message };
    if passing(answer.status) { Reply::Again(refusal.to_string()) } else { Reply::Refused(refusal) }
}

#[derive(Deserialize)]
struct Function {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    name: String,
    #[serde(default)]
    instance: String,
    timestamp: String,
    #[serde(default)]
    text: String,
}

impl Source for OpenFaas {
    fn name(&self) -> &'static str {
        "openfaas"
    }

    fn provider(&self) -> &'static str {
        "openfaas"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &WATCHDOG_LINES
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut selection = BTreeMap::from([("gateway".to_owned(), self.gateway.clone())]);
        selection.extend(self.namespace.clone().map(|namespace| ("namespace".to_owned(), namespace)));
        selection.extend(self.prefix.clone().map(|prefix| ("prefix".to_owned(), prefix)));
        selection.extend(self.instance.clone().map(|instance| ("instance".to_owned(), instance)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn discover(&self, _window: Window, api: &Api<'_>) -> Result<Vec<Log>> {
        let quota = Quota { name: "gateway", per_second: PER_SECOND };
        let namespace = self.namespace.as_ref().map(|namespace| query(&[("namespace", namespace)])).unwrap_or_default();
        let functions: Vec<Function> = api.call(
            quota,
            || Ok(self.request(&format!("/system/functions{namespace}"))),
            crate::living::http::json_of(complaint),
        )?;
        let wanted = |function: &Function| self.prefix.as_ref().is_none_or(|prefix| function.name.starts_with(prefix));
        let log = |function: Function| {
            let name = match &self.namespace {
                Some(namespace) => format!("{}.{namespace}", function.name),
                None => function.name.clone(),
            };
            Log { name, key: function.name, sliced: false, size: Size { pages: Some(0), at_most: false } }
        };
        let mut logs: Vec<Log> = functions.into_iter().filter(wanted).map(log).collect();
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logs)
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let since = crate::living::window::whole_second_before(slice.from_us);
        let mut parameters = vec![("name", log.key.as_str()), ("since", &since), ("follow", "false")];
        parameters.extend(self.namespace.as_deref().map(|namespace| ("namespace", namespace)));
        parameters.extend(self.instance.as_deref().map(|instance| ("instance", instance)));
        let path = format!("/system/logs{}", query(&parameters));
        let quota = Quota { name: "gateway", per_second: PER_SECOND };
        let read = api.call(
            quota,
            || Ok(self.request(&path)),
            |answer| {
                if answer.status != 200 {
                    return complaint(answer);
                }
                sink.restart();
                match read_messages(answer, &log.key, sink) {
                    Ok(()) => Reply::Done(()),
                    Err(Stopped::Broken(error)) => broken(&error),
                    Err(Stopped::Failed(error)) => Reply::Failed(error),
                }
            },
        );
        read.map_err(|error| Failure::Final(error.into()))
    }
}

/// Why the lines of an answer were not read to the end.
pub(crate) enum Stopped {
    /// The connection broke, or the last line is none.
    Broken(std::io::Error),
    /// The sink failed.
    Failed(Error),
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn read_messages(answer: &mut Answer, function: &str, sink: &mut Sink<'_>) -> Result<(), Stopped> {
    let mut reader = BufReader::with_capacity(1 << 16, answer);
    let mut line = Vec::new();
    let mut open: HashMap<String, Message> = HashMap::new();
    loop {
        line.clear();
        let limit = (MESSAGE_MAX * 4) as u64;
        if (&mut reader).take(limit).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let mut message: Message = serde_json::from_slice(&line)
            .map_err(|error| std::io::Error::other(format!("a line is no message (column {})", error.column())))?;
        if message.name != function {
            return Err(std::io::Error::other("a line is of another function").into());
        }
        if let Some(begun) = open.remove(&message.instance) {
            let more = without_prefix(&message.text);
            message = Message { text: begun.text + more, ..begun };
        }
        if ends(&message.text) || message.text.len() > MESSAGE_MAX {
            push(&message, function, sink)?;
        } else {
            open.insert(message.instance.clone(), message);
        }
    }
    let mut rest: Vec<Message> = open.into_values().collect();
    rest.sort_by(|a, b| a.instance.cmp(&b.instance));
    for message in rest {
        push(&message, function, sink)?;
    }
    Ok(())
}

fn push(message: &Message, function: &str, sink: &mut Sink<'_>) -> Result<()> {
    let Message { instance, timestamp, text, .. } = message;
    let at_us = stamp::read(timestamp.as_bytes()).map_or(i64::MIN, |(at, _)| at.micros());
    let line = Line {
        at: timestamp.into(),
        function: Some(function.into()),
        host: (!instance.is_empty()).then(|| instance.into()),
        message: text.trim_end().into(),
        ..Line::default()
    };
    let line = line.text();
    sink.push(Piece { stream: instance, at_us, identity: xxh3_128(&line), line: &line })
}

/// What the watchdog puts before a line of the function: `2026/11/22 07:01:55 stdout: `.
fn without_prefix(text: &str) -> &str {
    ["stdout: ", "stderr: "]
        .iter()
        .find_map(|mark| {
            text.get(..40.min(text.len())).and_then(|head| head.find(mark)).map(|at| &text[at + mark.len()..])
        })
        .unwrap_or(text)
}

/// Whether a record that begins in a text also ends in it.
fn ends(text: &str) -> bool {
    let Some(at) = text.rfind("BEFAAS{") else { return true };
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    for byte in &text.as_bytes()[at + 6..] {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_with_its_last_brace() {
        assert!(ends("hello {"));
        assert!(ends(r#"2026/11/22 stdout: BEFAAS{"a":{"b":"}\"{"}} rest"#));
        assert!(!ends(r#"BEFAAS{"a":{"b":"}}"#));
    }

    #[test]
    fn the_watchdogs_prefix_is_taken_off() {
        assert_eq!(without_prefix("2026/11/22 07:01:55 stdout: rest stdout: x"), "rest stdout: x");
        assert_eq!(without_prefix("rest"), "rest");
    }
}
