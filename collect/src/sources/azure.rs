//! Azure: rows of a Log Analytics workspace (`AppTraces`, `AppRequests`, `FunctionAppLogs`) or of a classic Application
//! Insights resource (`traces`, `requests`), from the query API.
//!
//! * The API has no pages: a window whose answer is full, partial (`PartialError`, with HTTP 200) or too large is cut in
//!   halves.
//! * Every query names a column after itself, so that an answer to another query is found out.
//! * What was ingested late is asked for by `ingestion_time()`.
//! * Identity of a row: its columns with the time of its ingestion, and its number among equal rows.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use reqwest::blocking::Client;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::azure_tables::{COLUMNS, Scope, Table};
use crate::credentials::azure::Chain;
use crate::formats::envelope::{AZURE_ROWS, Line};
use crate::formats::{Dialect, stamp};
use crate::living::http::{
    Answer, CallError, Quota, Refusal, Reply, Request, Trust, broken, check_url, patient_client, unreadable,
};
use crate::living::{Api, Failure, Log, Piece, Sink, Size, Source, Window};
use crate::{Error, Result};

/// What this source reads, for `faaslens sources`.
pub const DESCRIPTION: &str = "Azure Functions: Log Analytics or Application Insights from the API, or host log files (folders, zips of az webapp \
     log download)";

/// Requests a second: 200 in 30 s are allowed for an identity.
const PER_SECOND: f64 = 6.0;
/// Requests at a time: 5 are allowed for an identity.
const AT_A_TIME: usize = 4;
/// Rows of an answer that are wanted at most. The API gives 500,000; fewer keep the memory small that an answer takes.
const ROWS: usize = 50_000;
/// How long the API may work on a query.
const WAIT: Duration = Duration::from_mins(3);
/// Earliest ingestion, before the end of the window, of rows that a first reading may have missed.
const INGESTION_MARGIN_US: i64 = 10 * 60 * 1_000_000;

/// Tables of workspaces, or of a classic resource.
#[derive(Debug)]
pub struct Azure {
    scope: Scope,
    ids: Vec<String>,
    tables: Vec<&'static Table>,
    /// Whether the user named the tables: then each must be there.
    named: bool,
    app: Option<String>,
    function: Option<String>,
    url: String,
    rows: usize,
    chain: Chain,
    client: Client,
}

/// What of Azure is selected.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Workspaces (their ids); excludes `applications`.
    pub workspaces: Vec<String>,
    /// Classic Application Insights resources (their application ids).
    pub applications: Vec<String>,
    /// Tables; all that there are when empty.
    pub tables: Vec<String>,
    /// Apps whose names begin so.
    pub app: Option<String>,
    /// Functions whose names begin so.
    pub function: Option<String>,
    /// The API, where it is not that of the public cloud.
    pub endpoint: Option<String>,
    /// Rows of an answer at most; 50,000 when `None`.
    pub rows: Option<usize>,
}

impl Azure {
    /// A source of what is selected.
    ///
    /// # Errors
    /// [`Error::Usage`] when ids, names or the endpoint are not fit.
    pub fn new(selection: Selection, plain_http: bool) -> Result<Self> {
        let Selection { workspaces, applications, tables, app, function, endpoint, rows } = selection;
        let (scope, mut ids) = match (workspaces.is_empty(), applications.is_empty()) {
            (false, true) => (Scope::Workspace, workspaces),
            (true, false) => (Scope::Application, applications),
            _ => return Err(Error::Usage("azure: expected either --workspace or --application".to_owned())),
        };
        ids.sort();
        ids.dedup();
        let fits =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if let Some(unfit) = ids.iter().chain(&app).chain(&function).find(|text| !fits(text)) {
            return Err(Error::Usage(format!("azure: expected letters, digits, -, _ and ., found {unfit:?}")));
        }
        let url = endpoint.unwrap_or_else(|| scope.endpoint().to_owned());
        check_url(&url, plain_http)?;
        Ok(Self {
            scope,
            ids,
            named: !tables.is_empty(),
            tables: scope.tables(&tables)?,
            app,
            function,
            rows: rows.unwrap_or(ROWS).max(2),
            chain: Chain::new(scope.audience(&url)),
            url: url.trim_end_matches('/').to_owned(),
            client: patient_client(&Trust::default(), WAIT + Duration::from_secs(20))?,
        })
    }

    /// Asks a question over a window and reads the first table of the answer, which is the question's own and whole.
    fn ask<T>(
        &self,
        log: &Place<'_>,
        window: Window,
        question: &str,
        api: &Api<'_>,
        mut read: impl FnMut(&Rows<'_>) -> Reply<T>,
    ) -> Result<Asked<T>, CallError> {
        let quota = Quota { name: "query", per_second: PER_SECOND };
        let asked = RefCell::new(String::new());
        let mut expired = false;
        api.call_with(
            &self.client,
            quota,
            || {
                let name = format!("asked_{:016x}", nonce());
                let text = format!("{question}\n| extend {name}=1");
                let body = json!({ "query": text, "timespan": format!("{}/{}", window.from(), window.until()) });
                *asked.borrow_mut() = name;
                let url = format!("{}/v1/{}/{}/query", self.url, self.scope.path(), log.id);
                let token = self.chain.token()?;
                let request = Request::post(url, body.to_string().into_bytes());
                let request = request.header("authorization", format!("Bearer {}", token.reveal()));
                Ok(request.header("prefer", format!("wait={}", WAIT.as_secs())))
            },
            |answer| {
                if answer.status == 200 {
                    return match answer.bytes() {
                        Ok(bytes) => whole(&bytes, &asked.borrow(), &mut read),
                        Err(error) => broken(&error),
                    };
                }
                let refusal = refusal(answer);
                if is_about_token(&refusal) && !expired {
                    expired = true;
                    self.chain.forget();
                    return Reply::Again(refusal.to_string());
                }
                if refusal.message.contains("resolve table") && !refusal.message.contains(log.table.name) {
                    return Reply::Again("a stale answer: it refuses another table".to_owned());
                }
                if is_too_much(&refusal) {
                    return Reply::Done(Asked::TooMuch(refusal.to_string()));
                }
                if refusal.passes() { Reply::Again(refusal.to_string()) } else { Reply::Refused(refusal) }
            },
        )
    }

    fn question(&self, table: &Table, condition: &str) -> String {
        table.question(condition, self.app.as_deref(), self.function.as_deref())
    }

    /// Rows of a table in the window; `None` where there is no such table.
    fn count(&self, log: &Place<'_>, window: Window, api: &Api<'_>) -> Result<Option<u64>> {
        let within = log.table.within(window);
        let question = format!("{}\n| summarize Rows=count()", self.question(log.table, &within));
        let asked = self.ask(log, window, &question, api, |rows| {
            let row = rows.rows.first().map(|row| serde_json::from_str::<Vec<Value>>(row.get()));
            match row {
                Some(Ok(row)) => Reply::Done(row.first().and_then(Value::as_u64)),
                Some(Err(error)) => unreadable(&error),
                None => Reply::Again("the answer holds no count".to_owned()),
            }
        });
        match asked {
            Ok(Asked::Whole(count)) => Ok(Some(count.unwrap_or(0))),
            // It can be read piece by piece all the same.
            Ok(Asked::TooMuch(_)) => Ok(Some(0)),
            Err(CallError::Refused(refusal)) if !self.named && refusal.message.contains(log.table.name) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the rows of a window that fulfil a condition, in halves where they are too many.
    fn window(
        &self,
        log: &Place<'_>,
        window: Window,
        ingested: Option<&str>,
        api: &Api<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let mut condition = log.table.within(window);
        if let Some(ingested) = ingested {
            condition = format!("{condition} and {ingested}");
        }
        let columns = log.table.columns;
        let question = format!("{}\n| project {columns}\n| limit {}", self.question(log.table, &condition), self.rows);
        let asked = self.ask(log, window, &question, api, |rows| {
            if rows.rows.len() >= self.rows {
                return Reply::Done(Asked::TooMuch(format!("{} rows or more", self.rows)));
            }
            if !rows.columns.iter().map(|column| &*column.name).take(COLUMNS.len()).eq(COLUMNS.iter().copied()) {
                return Reply::Again("an answer with other columns".to_owned());
            }
            take(log.table, &rows.rows, sink)
        });
        let reason = match asked.map_err(|error| Failure::Final(error.into()))? {
            Asked::Whole(Asked::Whole(())) => return Ok(()),
            Asked::Whole(Asked::TooMuch(reason)) | Asked::TooMuch(reason) => reason,
        };
        let Some((first, second)) = window.halves() else {
            return Err(Failure::Final(Error::Refused(format!("a window that cannot be cut any more: {reason}"))));
        };
        self.window(log, first, ingested, api, sink)?;
        self.window(log, second, ingested, api, sink)
    }

    fn place<'a>(&self, log: &'a Log) -> Result<Place<'a>> {
        let mut words = log.key.split('\n');
        let (id, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let per_second = words.next().and_then(|rate| rate.parse().ok()).unwrap_or(0.0);
        let table = self.tables.iter().copied().find(|table| table.name == name);
        let table = table.ok_or_else(|| Error::Usage(format!("azure: no table {name:?} is selected")))?;
        Ok(Place { id, table, per_second })
    }
}

/// A table of a workspace or a resource.
struct Place<'a> {
    id: &'a str,
    table: &'static Table,
    /// Rows of the table for each second of the whole window.
    per_second: f64,
}

/// What an answer is.
enum Asked<T> {
    Whole(T),
    /// The window holds more than an answer does.
    TooMuch(String),
}

#[derive(Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    tables: Vec<Rows<'a>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Rows<'a> {
    #[serde(borrow)]
    columns: Vec<Column<'a>>,
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Reads an answer that is whole and the answer to the question that named the column `asked`.
fn whole<T>(bytes: &[u8], asked: &str, read: &mut impl FnMut(&Rows<'_>) -> Reply<T>) -> Reply<Asked<T>> {
    let answered: Answered<'_> = match serde_json::from_slice(bytes) {
        Ok(answered) => answered,
        Err(error) => return unreadable(&error),
    };
    if let Some(error) = answered.error {
        let refusal = refusal_of(&error, 200);
        return if refusal.code == "PartialError" {
            Reply::Done(Asked::TooMuch(refusal.to_string()))
        } else {
            Reply::Again(refusal.to_string())
        };
    }
    let Some(rows) = answered.tables.first() else { return Reply::Again("an answer without a table".to_owned()) };
    if rows.columns.last().is_none_or(|column| column.name != asked) {
        return Reply::Again("a stale answer: it belongs to another question".to_owned());
    }
    // A failure that the engine noticed late stands as an object where a row should be.
    if let Some(row) = rows.rows.iter().find(|row| !row.get().starts_with('[')) {
        return Reply::Done(Asked::TooMuch(crate::redact::excerpt(row.get().as_bytes(), 300).into_owned()));
    }
    match read(rows) {
        Reply::Done(value) => Reply::Done(Asked::Whole(value)),
        Reply::Again(reason) => Reply::Again(reason),
        Reply::Refused(refusal) => Reply::Refused(refusal),
        Reply::Failed(error) => Reply::Failed(error),
    }
}

/// The columns of a row, in the order of [`COLUMNS`].
#[derive(Deserialize)]
struct Row<'a>(
    #[serde(borrow)] Cow<'a, str>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<Cow<'a, str>>,
    Option<f64>,
    Option<f64>,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
);

/// Gives rows to the sink, in an order that does not depend on that of the answer.
fn take(table: &Table, rows: &[&RawValue], sink: &mut Sink<'_>) -> Reply<Asked<()>> {
    let mut sorted: Vec<(i64, u128, Row<'_>)> = Vec::with_capacity(rows.len());
    for raw in rows {
        let row: Row<'_> = match serde_json::from_str(raw.get()) {
            Ok(row) => row,
            Err(error) => return unreadable(&error),
        };
        let Some((at, _)) = stamp::read(row.0.as_bytes()) else {
            return Reply::Again("a row without a time".to_owned());
        };
        // All columns but the last, which names the question.
        let text = raw.get().trim_end_matches(']').rsplit_once(',').map_or(raw.get(), |(text, _)| text);
        sorted.push((at.micros(), xxh3_128(text.as_bytes()), row));
    }
    sorted.sort_by_key(|(at, hash, _)| (*at, *hash));
    let mut equal: HashMap<u128, u64> = HashMap::new();
    for (at_us, hash, row) in sorted {
        let number = equal.entry(hash).or_default();
        let identity = xxh3_128(format!("{hash:032x} {number}").as_bytes());
        *number += 1;
        if let Some(items) = row.9.filter(|items| *items > 1.0)
            && sink.wants(at_us, identity)
        {
            // A whole number, far below 2^53.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "above 1, and saturating")]
            sink.sampled(items as u64 - 1);
        }
        let stream = row.5.as_deref().unwrap_or_default().to_owned();
        let line = line(table, row).text();
        if let Err(error) = sink.push(Piece { stream: &stream, at_us, identity, line: &line }) {
            return Reply::Failed(error);
        }
    }
    Reply::Done(Asked::Whole(()))
}

/// A row as a line: its level stands before the message, as in host logs.
fn line<'a>(table: &Table, row: Row<'a>) -> Line<'a> {
    let Row(at, message, level, function, id, host, trace, status, duration_ms, _, _, _) = row;
    let some = |text: Option<Cow<'a, str>>| text.filter(|text| !text.is_empty());
    let message = message.unwrap_or_default();
    let message = match some(level) {
        Some(level) => Cow::Owned(format!("[{level}] {message}")),
        None => message,
    };
    Line {
        at,
        function: some(function),
        host: some(host),
        id: some(id),
        trace: some(trace),
        kind: table.kind.map(Cow::Borrowed),
        status: some(status),
        duration_ms,
        message,
        ..Line::default()
    }
}

impl Source for Azure {
    fn name(&self) -> &'static str {
        "azure"
    }

    fn provider(&self) -> &'static str {
        "azure"
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &AZURE_ROWS
    }

    fn selection(&self) -> BTreeMap<String, String> {
        let tables: Vec<&str> = self.tables.iter().map(|table| table.name).collect();
        let mut selection = BTreeMap::from([
            (self.scope.name().to_owned(), self.ids.join(",")),
            ("tables".to_owned(), tables.join(",")),
        ]);
        selection.extend(self.app.clone().map(|app| ("app".to_owned(), app)));
        selection.extend(self.function.clone().map(|function| ("function".to_owned(), function)));
        selection
    }

    fn per_second(&self) -> f64 {
        PER_SECOND
    }

    fn workers(&self) -> usize {
        AT_A_TIME
    }

    fn discover(&self, window: Window, api: &Api<'_>) -> Result<Vec<Log>> {
        let mut logs = Vec::new();
        for id in &self.ids {
            for &table in &self.tables {
                let Some(rows) = self.count(&Place { id, table, per_second: 0.0 }, window, api)? else { continue };
                let per_second = rows as f64 * 1e6 / (window.until_us - window.from_us) as f64;
                logs.push(Log {
                    name: format!("{id}/{}", table.name),
                    key: format!("{id}\n{}\n{per_second}", table.name),
                    sliced: true,
                    size: Size { pages: Some(rows / self.rows as u64), at_most: false },
                });
            }
        }
        if logs.is_empty() {
            let names: Vec<&str> = self.tables.iter().map(|table| table.name).collect();
            let ids = self.ids.join(", ");
            return Err(Error::Usage(format!("azure: {ids}: none of the tables {} is there", names.join(", "))));
        }
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(logs)
    }

    fn pull(&self, log: &Log, slice: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let place = self.place(log)?;
        // Pieces of half of what an answer may hold, were rows spread evenly.
        let seconds = self.rows as f64 / 2.0 / place.per_second.max(1e-9);
        #[expect(clippy::cast_possible_truncation, reason = "saturating")]
        for piece in slice.slices((seconds * 1e6) as i64) {
            self.window(&place, piece, None, api, sink)?;
        }
        Ok(())
    }

    fn tells_ingestion(&self) -> bool {
        true
    }

    fn pull_ingested(&self, log: &Log, window: Window, api: &Api<'_>, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let since = faaslens_schemas::time::Timestamp::from_micros(window.until_us - INGESTION_MARGIN_US);
        let condition = format!("ingestion_time() >= datetime({since})");
        self.window(&self.place(log)?, window, Some(&condition), api, sink)
    }
}

/// What an error's body says: `{"error": {"code": …, "message": …, "innererror": {"code": …, "message": …}}}`.
fn refusal(answer: &mut Answer) -> Refusal {
    let body = answer.complaint();
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    if json["error"].is_object() {
        return refusal_of(&json["error"], answer.status);
    }
    let message = String::from_utf8_lossy(&body).into_owned();
    Refusal { status: answer.status, code: String::new(), message }
}

fn refusal_of(error: &Value, status: u16) -> Refusal {
    let mut messages = Vec::new();
    let mut inner = error;
    // Errors are nested a few deep; the innermost says what it is.
    for _ in 0..6 {
        let (code, message) = (inner["code"].as_str().unwrap_or_default(), inner["message"].as_str());
        messages.extend(message.map(|message| format!("{code}: {message}")));
        inner = &inner["innererror"];
    }
    Refusal { status, code: error["code"].as_str().unwrap_or_default().to_owned(), message: messages.join("; ") }
}

fn is_about_token(refusal: &Refusal) -> bool {
    refusal.status == 401 || refusal.code.contains("AuthenticationToken") || refusal.code.contains("TokenExpired")
}

/// Whether a smaller window may do: the answer would have been too large, or too long in coming.
fn is_too_much(refusal: &Refusal) -> bool {
    let said = |what: &str| refusal.code.contains(what) || refusal.message.contains(what);
    refusal.status == 413
        || (refusal.status == 504 && said("Timeout"))
        || ["ResponsePayloadTooLarge", "E_QUERY_RESULT_SET_TOO_LARGE", "E_RUNAWAY_QUERY"].iter().any(|code| said(code))
}

/// A number that no other question has.
fn nonce() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
