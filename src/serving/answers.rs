//! What is answered at each address.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use faaslens_report::page::{Explored, PartRows, Plan, Room, compressed};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::tables::Trace;
use tokio::task::spawn_blocking;

use super::{Site, rows};
use crate::exploring::explored;

type Asked = Query<HashMap<String, String>>;

const HTML: &str = "text/html; charset=utf-8";
const FRAMES: &str = "application/octet-stream";

/// Types of the files of a report, by extension.
const TYPES: [(&str, &str); 5] = [
    ("csv", "text/csv; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("md", "text/plain; charset=utf-8"),
    ("tex", "text/plain; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
];

/// An answer that is no success.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is nothing of that name.
    Missing(&'static str),
    /// The store could not be read.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Missing(what) => (StatusCode::NOT_FOUND, format!("no such {what}")).into_response(),
            Self::Failed(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
        }
    }
}

type Answer = Result<Response, Refusal>;

/// The page.
pub(super) async fn page(State(site): State<Arc<Site>>) -> Answer {
    let page = site.files.get("index.html").ok_or(Refusal::Missing("page"))?;
    Ok(typed(HTML, page.clone()))
}

/// A table or a figure of the report.
pub(super) async fn file(State(site): State<Arc<Site>>, Path((_, path)): Path<(String, String)>) -> Answer {
    let content = site.files.get(&path).ok_or(Refusal::Missing("file"))?;
    let known = TYPES.iter().find(|(extension, _)| path.rsplit('.').next() == Some(extension));
    Ok(typed(known.map_or(FRAMES, |(_, kind)| kind), content.clone()))
}

/// What the page explores of a run, all of its traces.
pub(super) async fn explore(State(site): State<Arc<Site>>, Query(asked): Asked) -> Answer {
    let place = place_of(&site, &asked)?;
    let frames = blocking(move || site.explored(place)).await?;
    Ok(packed(frames))
}

/// The spans of one trace.
pub(super) async fn trace(State(site): State<Arc<Site>>, Query(asked): Asked) -> Answer {
    let place = place_of(&site, &asked)?;
    let context = asked.get("context").cloned().ok_or(Refusal::Missing("trace"))?;
    let frames = blocking(move || one_trace(&site, &site.manifests[place], &context)).await?;
    Ok(packed(frames.ok_or(Refusal::Missing("trace"))?))
}

/// A table of the store as CSV.
pub(super) async fn table(State(site): State<Arc<Site>>, Query(asked): Asked) -> Answer {
    let place = place_of(&site, &asked)?;
    let wanted = asked.get("name").ok_or(Refusal::Missing("table"))?;
    let table = faaslens_schemas::tables::by_name(wanted).ok_or(Refusal::Missing("table"))?;
    let name = format!("attachment; filename=\"{}-{}.csv\"", site.manifests[place].run, table.name);
    let mut response = Body::new(rows::csv(site, place, table)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TYPES[0].1));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

impl Site {
    /// What the page explores of a run, compressed; encoded when first asked for.
    pub(crate) fn explored(&self, place: usize) -> anyhow::Result<Vec<u8>> {
        if let Some(frames) = self.explored[place].get() {
            return Ok(frames.clone());
        }
        let frames = compressed(&explored(&self.store, &self.manifests[place], Room::SERVED)?);
        Ok(self.explored[place].get_or_init(|| frames).clone())
    }
}

fn one_trace(site: &Site, manifest: &Manifest, context: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let store = &site.store;
    let Some(trace) = store.rows_of_context::<Trace>(manifest, context)?.pop() else { return Ok(None) };
    let mut explored = Explored::new(Plan::of_one(trace));
    explored.add(PartRows {
        invocations: store.rows_of_context(manifest, context)?,
        calls: store.rows_of_context(manifest, context)?,
        db_calls: store.rows_of_context(manifest, context)?,
        segments: store.rows_of_context(manifest, context)?,
    });
    Ok(Some(compressed(&explored.encode())))
}

fn place_of(site: &Site, asked: &HashMap<String, String>) -> Result<usize, Refusal> {
    let run = asked.get("run").ok_or(Refusal::Missing("run"))?;
    site.manifests.iter().position(|manifest| manifest.run == *run).ok_or(Refusal::Missing("run"))
}

/// Does what reads the store beside the server's own thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    spawn_blocking(work).await.context("reading the store was cut short")?
}

fn typed(kind: &'static str, content: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, kind)], content).into_response()
}

fn packed(frames: Vec<u8>) -> Response {
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, FRAMES), (CONTENT_ENCODING, "gzip")];
    (headers, frames).into_response()
}
