//! tinyFaaS: all lines of the manager's `/logs`.
//!
//! The current manager names function, handler and time in each line; the old one gives bare lines. It takes no window
//! and gives no pages. A line of more than 64 KiB makes its request fail: then each function is asked for alone.

use std::collections::BTreeMap;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::openfaas::complaint;
use crate::Result;
use crate::formats::plain_lines::TINYFAAS;
use crate::formats::{Dialect, stamp};
use crate::living::http::{Answer, CallError, Quota, Reply, Request, broken, check_url, query};
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str = "tinyFaaS: logs of all functions from the manager's API, its current and its old form";

/// Requests a second: a manager is a small program on a small machine.
const PER_SECOND: f64 = 2.0;
/// Failures with status 500 after which a long line is taken for their cause.
const TRIES: u32 = 3;
const QUOTA: Quota<'_> = Quota { name: "manager", per_second: PER_SECOND };

/// A manager.
#[derive(Debug)]
pub struct TinyFaas {
    manager: String,
    function: Option<String>,
}

impl TinyFaas {
    /// All functions of a manager, or one.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] when the manager's URL is not fit.
    pub fn new(manager: &str, function: Option<String>, plain_http: bool) -> Result<Self> {
        check_url(manager, plain_http)?;
        Ok(Self { manager: manager.trim_end_matches('/').to_owned(), function })
    }

    fn logs(&self, function: Option<&str>, api: &Api<'_>) -> Result<Vec<u8>, CallError> {
        let parameters = function.map(|function| query(&[("name", function)])).unwrap_or_default();
        let mut failures = 0;
        api.call(
            QUOTA,
            || Ok(Request::get(format!("{}/logs{parameters}", self.manager))),
            |answer| {
                if answer.status == 200 {
                    return answer.bytes().map_or_else(|error| broken(&error), Reply::Done);
                }
                failures += u32::from(answer.status == 500);
                let refuse = answer.status == 500 && failures >= TRIES;
                match complaint(answer) {
                    Reply::Again(reason) if refuse => refused(answer, reason),
                    reply => reply,
                }
            },
        )
    }

    fn functions(&self, api: &Api<'_>) -> Result<Vec<String>, CallError> {
        let list = || Ok(Request::get(format!("{}/list", self.manager)));
        let names: Value = api.call(QUOTA, list, json_or_lines)?;
        let name = |value: &Value| value.as_str().or_else(|| value["name"].as_str()).map(str::to_owned);
        let mut names: Vec<String> = names.as_array().into_iter().flatten().filter_map(name).collect();
        names.sort();
        Ok(names)
    }
}

fn refused<T>(answer: &Answer, message: String) -> Reply<T> {
    Reply::Refused(crate::living::http::Refusal { status: answer.status, code: String::new(), message })
}

/// The names of functions: a JSON array, or a name a line.
fn json_or_lines(answer: &mut Answer) -> Reply<Value> {
    if answer.status != 200 {
        return complaint(answer);
    }
    match answer.bytes() {
        Ok(bytes) => Reply::Done(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&bytes);
            text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect()
        })),
        Err(error) => broken(&error),
    }
}

impl Source for TinyFaas {
    fn name(&self) -> &'static str {
        "tinyfaas"
    }

    fn provider(&self) -> &'static str {
        "tinyfaas"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &TINYFAAS
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let mut selection = BTreeMap::from([("manager".to_owned(), self.manager.clone())]);
        selection.extend(self.function.clone().map(|function| ("function".to_owned(), function)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn discover(&self, _window: Window, _api: &Api<'_>) -> Result<Vec<Log>> {
        let key = self.function.clone().unwrap_or_default();
        let name = self.function.clone().unwrap_or_else(|| "tinyfaas".to_owned());
        Ok(vec![Log { name, key, sliced: false, size: Size { pages: Some(0), at_most: false } }])
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let one = (!log.key.is_empty()).then_some(log.key.as_str());
        match self.logs(one, api) {
            Ok(text) => return Ok(push_all(&text, slice, sink)?),
            Err(CallError::Refused(refusal)) if refusal.status == 500 => {}
            Err(error) => return Err(Failure::Final(error.into())),
        }
        let functions = match one {
            Some(function) => vec![function.to_owned()],
            None => self.functions(api).map_err(crate::Error::from)?,
        };
        for function in functions {
            match self.logs(Some(&function), api) {
                Ok(text) => push_all(&text, slice, sink)?,
                Err(CallError::Refused(refusal)) if refusal.status == 500 => sink.gap(format!(
                    "function {function}: its log cannot be read ({refusal}): it has a line of more than 64 KiB"
                )),
                Err(error) => return Err(Failure::Final(error.into())),
            }
        }
        Ok(())
    }
}

fn push_all(text: &[u8], slice: Window, sink: &mut Sink<'_>) -> Result<()> {
    // A bare line says nothing of its time; it belongs to the handler of the line before, and is one of many alike.
    for (number, line) in text.split(|&b| b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let named = named(line);
        let (stream, at_us) = named.unwrap_or(("", slice.from_us));
        let identity = if named.is_some() { xxh3_128(line) } else { xxh3_128(&[line, &number.to_le_bytes()].concat()) };
        sink.push(Piece { stream, at_us, identity, line })?;
    }
    Ok(())
}

/// Function and handler, and time, of a line of the current manager.
fn named(line: &[u8]) -> Option<(&str, i64)> {
    let head = std::str::from_utf8(&line[..line.len().min(300)])
        .or_else(|error| std::str::from_utf8(&line[..error.valid_up_to()]))
        .ok()?;
    let mut words = head.splitn(4, ' ');
    let (function, handler, time) = (words.next()?, words.next()?, words.next()?);
    let fits = function.starts_with("function=") && handler.starts_with("handler=");
    let at = stamp::read(time.as_bytes()).filter(|_| fits)?.0;
    Some((&head[..function.len() + 1 + handler.len()], at.micros()))
}
