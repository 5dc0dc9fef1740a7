//! What an earlier collection of a run left, to be kept by `--append`.

use faaslens_schemas::manifest::{LOADGEN_FORMAT, Manifest};
use faaslens_schemas::store::Store;
use faaslens_schemas::tables::{ClientRequest, Event, PlatformRecord, Reject};
use xxhash_rust::xxh3::xxh3_64;

use super::InputFile;
use super::columns::BlockColumns;
use super::statements::Statements;
use crate::Result;
use crate::formats::befaas::{self, Kind, Op, Record};
use crate::sources::befaas::LOGS;

/// The tables of a run as they are in the store.
pub(crate) struct Existing {
    /// Records by file, in the order they are stored in.
    pub(super) events: Vec<(usize, BlockColumns)>,
    /// Statements, in the order they are stored in.
    pub(super) platform: Vec<Statements>,
    pub(super) rejects: Vec<Reject>,
    /// The load generator's own records, which no log holds.
    pub(super) requests: Vec<ClientRequest>,
}

impl Existing {
    /// Reads a run. Files that it was collected from and that are not among `inputs` are added to them, unread.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn read(store: &Store, manifest: &Manifest, inputs: &mut Vec<InputFile>) -> Result<Self> {
        let is_load =
            |name: &str| manifest.sources.iter().any(|source| source.format == LOADGEN_FORMAT && source.name == name);
        for source in &manifest.sources {
            if source.format != LOADGEN_FORMAT && !inputs.iter().any(|input| input.name == source.name) {
                let log = LOGS.iter().find(|log| log.dialect.name() == source.format).unwrap_or(&LOGS[0]);
                let provider = source.provider.clone();
                inputs.push(InputFile { path: None, name: source.name.clone(), provider, dialect: log.dialect });
            }
        }
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        let mut events: Vec<(usize, BlockColumns)> = Vec::new();
        for part in 0..=manifest.parts {
            let rows: Vec<Event> = store.rows(manifest, Some(part))?;
            for row in &rows {
                let file = inputs.iter().position(|input| input.name == *row.source).unwrap_or(0);
                if events.last().is_none_or(|(last, columns)| *last != file || columns.len() >= 8192) {
                    let mut columns = BlockColumns::default();
                    columns.reset(manifest.parts);
                    events.push((file, columns));
                }
                if let (Some((_, columns)), Some(record)) = (events.last_mut(), record_of(row)) {
                    let provider = xxh3_64(row.provider.as_bytes());
                    columns.push(&record, provider, row.offset.cast_unsigned());
                }
            }
        }
        let mut requests: Vec<ClientRequest> = store.rows(manifest, None)?;
        requests.retain(|row| is_load(&row.source));
        let platform: Vec<PlatformRecord> = store.rows(manifest, None)?;
        let same_file = |a: &PlatformRecord, b: &PlatformRecord| (&a.provider, &a.source) == (&b.provider, &b.source);
        let platform = platform.chunk_by(same_file).map(Statements::of_records).collect();
        Ok(Self { events, platform, rejects: store.rows(manifest, None)?, requests })
    }
}

/// The record a stored row was made from.
fn record_of(row: &Event) -> Option<Record<&str>> {
    Some(Record {
        timestamp_ms: row.logged_at.micros() / 1000,
        now_ms: row.now_ms,
        deployment_id: row.deployment_id.as_deref(),
        executor: &row.executor,
        function: &row.function,
        introduction: None,
        event: befaas::Event {
            kind: Kind::from_name(&row.kind)?,
            op: row.op.as_deref().and_then(Op::from_name),
            target: row.target.as_deref(),
            context_id: row.context_id.as_deref(),
            pair_id: row.pair_id.as_deref(),
            callee_pair_id: row.callee_pair_id.as_deref(),
            start_ms: row.start_ms,
            duration_ms: row.duration_ms,
            method: row.method.as_deref(),
            url: row.url.as_deref(),
            user_agent: row.user_agent.as_deref(),
            headers: row.headers.as_deref(),
        },
    })
}
