//! What the page explores of a run, from the tables of a store.

use anyhow::Context;
use faaslens_report::page::{Explored, PartRows, Plan, Room};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::{Label, Row};
use faaslens_schemas::tables::{ClientRequest, Trace};

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 13;

/// Chooses within the room and encodes what the page explores of a run.
///
/// # Errors
/// When a table of the store cannot be read.
pub(crate) fn explored(store: &Store, manifest: &Manifest, room: Room) -> anyhow::Result<Vec<u8>> {
    let traces: Vec<Trace> = store.rows(manifest, None)?;
    if traces.is_empty() {
        return Ok(Explored::new(Plan::new(requests(store, manifest)?, room)).encode());
    }
    let mut explored = Explored::new(Plan::new(traces, room));
    for part in 1..=manifest.parts {
        let spans = explored.plan().wants_spans();
        let rows = PartRows {
            invocations: store.rows(manifest, Some(part))?,
            segments: store.rows(manifest, Some(part))?,
            calls: if spans { store.rows(manifest, Some(part))? } else { Vec::new() },
            db_calls: if spans { store.rows(manifest, Some(part))? } else { Vec::new() },
        };
        explored.add(rows);
    }
    Ok(explored.encode())
}

/// Requests of a run without traces, as traces of which only the client's time is known.
fn requests(store: &Store, manifest: &Manifest) -> anyhow::Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for path in store.files(manifest, ClientRequest::TABLE, None) {
        for batch in Store::batches(&path, &[], BATCH_ROWS)? {
            let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
            let rows = ClientRequest::from_batch(&batch).with_context(|| path.display().to_string())?;
            for row in rows.into_iter().filter(|row| &*row.kind == "request") {
                traces.push(Trace {
                    context_id: format!("request {}", traces.len() + 1),
                    entry_route: row.label,
                    start: row.sent_at,
                    client_ms: row.elapsed_ms,
                    complete: row.success != Some(false),
                    issues: row.error.map(Label::from),
                    ..Trace::default()
                });
            }
        }
    }
    Ok(traces)
}
