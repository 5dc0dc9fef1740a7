//! A fake of Azure's log query API (`/v1/workspaces/{id}/query`, `/v1/apps/{id}/query`), by its documentation, with the token
//! endpoint of a service principal beside it.
//!
//! It answers too many rows with a part of them and `PartialError` (HTTP 200), asks for a bearer token, and knows the time at
//! which each row was taken in. It falls short: of the query language it reads only the table, bounds of time and ingestion,
//! `summarize Rows=count()`, `limit` and the last `extend`; it computes the columns that faaslens asks for without reading
//! `project`; it keeps no quota (faults throttle). The questions themselves are checked with Microsoft's own parser
//! (`azure.rs`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::fakes::Logged;
use crate::server::{Answered, Asked, Fake};

/// Rows of an answer at most; the real API has 500,000.
const ROWS: usize = 90;
/// What the token endpoint gives.
pub(crate) const TOKEN: &str = "PLANTED-5ecret-token";

/// A row of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) table: &'static str,
    /// RFC 3339, with a fraction of seven digits or less.
    pub(crate) at: String,
    pub(crate) message: String,
    pub(crate) level: String,
    pub(crate) function: Option<String>,
    pub(crate) host: Option<String>,
    /// Events that it stands for.
    pub(crate) items: f64,
    /// When it was taken in, RFC 3339.
    pub(crate) ingested: String,
    /// Questions after which it can be seen.
    pub(crate) hidden_for: usize,
}

/// The API.
pub(crate) struct LogAnalytics {
    pub(crate) rows: Vec<Row>,
    /// Rows of an answer at most.
    pub(crate) limit: usize,
    /// Questions so far.
    pub(crate) asked: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl LogAnalytics {
    pub(crate) fn new(rows: Vec<Row>, limit: usize) -> Self {
        Self { rows, limit, asked: Mutex::default(), count: AtomicUsize::new(0) }
    }

    /// Traces of some events.
    pub(crate) fn of(events: &[Logged]) -> Self {
        let row = |event: &Logged| {
            let at = faaslens_schemas::time::Timestamp::from_millis(event.at_ms).to_string();
            Row {
                table: "AppTraces",
                ingested: at.clone(),
                at,
                message: event.text.clone(),
                level: "Information".to_owned(),
                host: Some(format!("{}-instance", event.stream)),
                items: 1.0,
                ..Row::default()
            }
        };
        Self::new(events.iter().map(row).collect(), ROWS)
    }

    /// The answer to a question, with at most `limit` rows.
    fn table(&self, question: &str, limit: usize) -> Answered {
        let table = question.lines().next().unwrap_or_default();
        if !["AppTraces", "AppRequests", "FunctionAppLogs", "traces", "requests"].contains(&table)
            || (table == "FunctionAppLogs" && !self.rows.iter().any(|row| row.table == table))
        {
            let inner = json!({"code": "SemanticError", "message": format!("Failed to resolve table or column expression named '{table}'")});
            let error = json!({"code": "BadArgumentError", "message": "The request had some invalid properties", "innererror": inner});
            return (400, json!({ "error": error }).to_string().into_bytes());
        }
        let bound = |mark: &str| {
            let (_, rest) = question.split_once(mark)?;
            rest.split_once("datetime(")?.1.split(')').next().map(str::to_owned)
        };
        let (from, until) = (bound(">= ").expect("a begin"), bound("< ").expect("an end"));
        let ingested = bound("ingestion_time() >= ").unwrap_or_default();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let fits = |row: &&Row| {
            row.table == table
                && row.hidden_for <= number
                && (from.as_str()..until.as_str()).contains(&row.at.as_str())
                && row.ingested >= ingested
        };
        let chosen: Vec<&Row> = self.rows.iter().filter(fits).collect();
        let own = question.rsplit("| extend ").next().and_then(|rest| rest.split('=').next()).expect("a name");
        let wanted = question.rsplit("| limit ").next().and_then(|rest| rest.lines().next()?.trim().parse().ok());
        let (names, rows): (Vec<&str>, Vec<Value>) = if question.contains("| summarize Rows=count()") {
            (vec!["Rows"], vec![json!([chosen.len(), 1])])
        } else {
            let names = "At Message Level Function Id Host Trace Status DurationMs Items Ingested";
            let shown = chosen.len().min(limit).min(wanted.unwrap_or(usize::MAX));
            (names.split(' ').collect(), chosen[..shown].iter().map(|row| cells(row)).collect())
        };
        let columns: Vec<Value> =
            names.iter().chain([&own]).map(|name| json!({"name": name, "type": "string"})).collect();
        let whole = question.contains("summarize") || wanted.unwrap_or(usize::MAX).min(chosen.len()) <= limit;
        let mut answer = json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]});
        if !whole {
            answer["error"] = json!({
                "code": "PartialError", "message": "There were some errors when processing your query.",
                "details": [{"code": "EngineError", "message": "Something went wrong processing your query on the server.",
                    "innererror": {"code": "-2133196797", "message": "The results of this query exceed the set limit of records",
                        "severity": 2, "severityName": "Error"}}],
            });
        }
        (200, answer.to_string().into_bytes())
    }

    fn question(asked: &Asked) -> Option<String> {
        let body: Value = serde_json::from_slice(&asked.body).ok()?;
        body["query"].as_str().map(str::to_owned)
    }
}

/// A row as faaslens asks for it.
fn cells(row: &Row) -> Value {
    let invocation = row.function.as_ref().map(|function| format!("{function}-invocation"));
    json!([
        row.at,
        row.message,
        row.level,
        row.function,
        invocation,
        row.host,
        null,
        "",
        null,
        row.items,
        row.ingested,
        1
    ])
}

impl Fake for LogAnalytics {
    fn is_beside(&self, asked: &Asked) -> bool {
        asked.path.ends_with("/oauth2/v2.0/token")
    }

    fn series(&self, asked: &Asked) -> String {
        asked.path.clone()
    }

    fn answer(&self, asked: &Asked) -> Answered {
        if self.is_beside(asked) {
            let form = String::from_utf8_lossy(&asked.body).into_owned();
            assert!(
                form.contains("scope=https%3A%2F%2Fapi.loganalytics.io%2F.default")
                    || form.contains("api.applicationinsights.io"),
                "{form}"
            );
            return (200, json!({"access_token": TOKEN, "expires_in": 3599}).to_string().into_bytes());
        }
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return (401, br#"{"error":{"code":"AuthenticationFailed","message":"no token"}}"#.to_vec());
        }
        let Some(question) = Self::question(asked).filter(|_| asked.path.ends_with("/query")) else {
            return (404, br#"{"error":{"code":"PathNotFoundError","message":"no such path"}}"#.to_vec());
        };
        self.asked.lock().expect("the questions").push(question.clone());
        self.table(&question, self.limit)
    }

    fn throttled(&self) -> Answered {
        (
            429,
            br#"{"error":{"code":"ThrottledError","message":"Rate limit is reached, retry after 1 seconds."}}"#
                .to_vec(),
        )
    }

    fn partial(&self, asked: &Asked) -> Option<Answered> {
        let question = Self::question(asked)?;
        (!question.contains("summarize")).then(|| self.table(&question, 3))
    }
}
