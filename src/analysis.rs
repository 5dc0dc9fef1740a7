//! Analyses of the runs of a store: parts in parallel (the map step), then result tables (the reduce step).
//!
//! A thread holds one part at a time, so memory follows the largest part and the number of threads; what stays of a
//! part are its slim facts. Results are merged in order of part: the number of threads changes nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use faaslens_analyze::assembly::{
    EVENT_COLUMNS, FunctionSet, INITIALISATION_COLUMNS, Options, PartInput, PartOutput, RunContext, assemble,
};
use faaslens_analyze::facts::Facts;
use faaslens_analyze::results::{PlatformTally, RequestTally, RowsTaken, RunInput, phases, responses, summarise};
use faaslens_schemas::manifest::{Analysis, FileEntry, Manifest};
use faaslens_schemas::store::{NO_CONTEXT, Store, Transaction};
use faaslens_schemas::table::{Row, Stage, Table};
use faaslens_schemas::tables::{
    Call, ClientRequest, DbCall, Event, Executor, Invocation, PathSegment, PhasePoint, PlatformRecord, Response, Trace,
};
use rayon::prelude::*;

use crate::outcome::Interrupted;
use crate::progress::{Bar, interrupted};

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 15;

/// Runs with fewer bytes in the store are analyzed next to each other, larger ones one after another.
const SMALL_RUN_BYTES: u64 = 8 << 20;

/// An analysed run.
#[derive(Debug)]
pub(crate) struct Analyzed {
    /// The manifest with its analysis.
    pub(crate) manifest: Manifest,
    /// The run's requests, for tables that pool runs.
    pub(crate) requests: RequestTally,
}

/// Option of an analysis whose results rest on complete traces only.
const COMPLETE_ONLY: &str = "complete_only";

/// What an analysis is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    options: Options,
    sets: Vec<Vec<String>>,
}

impl Plan {
    /// A plan with sets of functions to sum up as published, empty sets left out; over complete traces only, or over all
    /// invocations and calls.
    pub(crate) fn new(sets: &[Vec<String>], complete_only: bool) -> Self {
        let sets: Vec<Vec<String>> = sets.iter().filter(|set| !set.is_empty()).cloned().collect();
        let functions = sets.iter().cloned().filter_map(FunctionSet::new).collect();
        Self { options: Options { sets: functions, complete_only }, sets }
    }

    /// Whether a run has this analysis already; where nothing special is asked for, any analysis will do.
    pub(crate) fn is_that_of(&self, manifest: &Manifest) -> bool {
        let wanted = self.described();
        manifest.analysis.as_ref().is_some_and(|analysis| wanted.is_empty() || analysis.options == wanted)
    }

    fn described(&self) -> BTreeMap<String, String> {
        let sets: Vec<String> = self.sets.iter().map(|set| set.join("+")).collect();
        let sets = (!sets.is_empty()).then(|| ("functions".to_owned(), sets.join(" ")));
        let complete_only = self.options.complete_only.then(|| (COMPLETE_ONLY.to_owned(), "true".to_owned()));
        sets.into_iter().chain(complete_only).collect()
    }
}

/// Number of parts of all runs, for the progress bar.
pub(crate) fn parts_of(manifests: &[Manifest]) -> u64 {
    manifests.iter().map(|manifest| u64::from(manifest.parts) + 1).sum()
}

/// Analyses runs; the result has their order.
///
/// # Errors
/// When a run cannot be read or written; the analyses before it stay.
pub(crate) fn analyze(store: &Store, manifests: &[Manifest], plan: &Plan, bar: &Bar) -> anyhow::Result<Vec<Analyzed>> {
    let small = |manifest: &Manifest| manifest.files.iter().map(|file| file.bytes).sum::<u64>() < SMALL_RUN_BYTES;
    let one = |manifest: &Manifest| {
        analyze_run(store, manifest, plan, bar).with_context(|| format!("run {:?}", manifest.run))
    };
    if manifests.iter().all(small) {
        return manifests.par_iter().map(one).collect();
    }
    manifests.iter().map(one).collect()
}

fn analyze_run(store: &Store, manifest: &Manifest, plan: &Plan, bar: &Bar) -> anyhow::Result<Analyzed> {
    let transaction = store.begin(&manifest.run, Stage::Analyze, manifest.parts)?;
    let executors: Vec<Executor> = store.rows(manifest, None)?;
    let client_logged = manifest.files.iter().any(|file| file.table == ClientRequest::TABLE.name && file.rows > 0);
    let mut context = RunContext::new(&executors, client_logged);
    each_initialisation(store, manifest, &mut context)?;
    let map = Map { store, manifest, transaction: &transaction, context, options: &plan.options };
    let parts = (NO_CONTEXT..=manifest.parts).into_par_iter().map(|part| -> anyhow::Result<Mapped> {
        let mapped = map.part(part)?;
        bar.advance_by(1);
        Ok(mapped)
    });
    let mut run = Mapped::empty(manifest);
    let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
    run.facts.reserve(parts.iter().map(|mapped| &mapped.facts));
    for mapped in parts {
        run.merge(mapped);
    }
    let input = RunInput {
        facts: &run.facts,
        sets: &plan.options.sets,
        requests: &run.requests,
        platform: &run.platform,
        executors: &executors,
        manifest,
    };
    let mut files = run.files;
    for (table, batch) in summarise(input).batches()? {
        files.extend(write_batch(&transaction, table, NO_CONTEXT, &batch)?);
    }
    files.extend(write_phases(&transaction, &input)?);
    if interrupted() {
        return Err(Interrupted { run: manifest.run.clone() }.into());
    }
    let analysis = Analysis { tool_version: env!("CARGO_PKG_VERSION").to_owned(), options: plan.described(), files };
    let manifest = transaction.commit(Manifest { analysis: Some(analysis), ..manifest.clone() })?;
    Ok(Analyzed { manifest, requests: run.requests })
}

fn write_batch(
    transaction: &Transaction,
    table: &'static Table,
    part: u32,
    batch: &faaslens_schemas::arrow::array::RecordBatch,
) -> anyhow::Result<Option<FileEntry>> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let mut file = transaction.file(table, part)?;
    file.write(batch)?;
    Ok(Some(file.finish()?))
}

fn write_phases(transaction: &Transaction, input: &RunInput<'_>) -> anyhow::Result<Option<FileEntry>> {
    let mut chunks = phases(input).peekable();
    if chunks.peek().is_none() {
        return Ok(None);
    }
    let mut file = transaction.file(PhasePoint::TABLE, NO_CONTEXT)?;
    for chunk in chunks {
        file.write(&chunk?)?;
    }
    Ok(Some(file.finish()?))
}

/// The map step of one run.
struct Map<'a> {
    store: &'a Store,
    manifest: &'a Manifest,
    transaction: &'a Transaction,
    context: RunContext,
    options: &'a Options,
}

/// What stays of a part, or of several.
struct Mapped {
    facts: Facts,
    requests: RequestTally,
    platform: PlatformTally,
    files: Vec<FileEntry>,
}

impl Mapped {
    fn empty(manifest: &Manifest) -> Self {
        Self {
            facts: Facts::default(),
            requests: RequestTally::new(&manifest.labels),
            platform: PlatformTally::default(),
            files: Vec::new(),
        }
    }

    fn merge(&mut self, other: Self) {
        self.facts.merge(other.facts);
        self.requests.merge(other.requests);
        self.platform.merge(other.platform);
        self.files.extend(other.files);
    }
}

impl Map<'_> {
    fn part(&self, part: u32) -> anyhow::Result<Mapped> {
        if interrupted() {
            return Err(Interrupted { run: self.manifest.run.clone() }.into());
        }
        let mut mapped = Mapped::empty(self.manifest);
        each_piece(self.store, self.manifest, Some(part), |rows: Vec<PlatformRecord>| {
            for row in &rows {
                mapped.platform.add(row);
            }
            Ok(())
        })?;
        let mut client_requests = Vec::new();
        each_piece(self.store, self.manifest, Some(part), |rows: Vec<ClientRequest>| {
            for row in &rows {
                mapped.requests.add(row);
            }
            if part == NO_CONTEXT {
                // Requests without a context have nothing to do with each other: any number of them in little memory.
                let piece = PartInput { events: Vec::new(), client_requests: rows };
                mapped.facts.merge(assemble(&piece, &self.context, self.options)?.facts);
            } else {
                client_requests.extend(rows);
            }
            Ok(())
        })?;
        let events = self.events(part)?;
        let output = assemble(&PartInput { events, client_requests }, &self.context, self.options)?;
        mapped.files = self.write(part, &output)?;
        mapped.facts.merge(output.facts);
        Ok(mapped)
    }

    fn events(&self, part: u32) -> anyhow::Result<Vec<faaslens_schemas::arrow::array::RecordBatch>> {
        let mut events = Vec::new();
        for path in self.store.files(self.manifest, Event::TABLE, Some(part)) {
            for batch in Store::batches(&path, EVENT_COLUMNS, BATCH_ROWS)? {
                events.push(batch.with_context(|| format!("{}: cannot read", path.display()))?);
            }
        }
        Ok(events)
    }

    fn write(&self, part: u32, output: &PartOutput) -> anyhow::Result<Vec<FileEntry>> {
        let tables = [
            (Invocation::TABLE, &output.invocations),
            (Call::TABLE, &output.calls),
            (DbCall::TABLE, &output.db_calls),
            (Trace::TABLE, &output.traces),
            (PathSegment::TABLE, &output.critical_path),
        ];
        let mut files = Vec::new();
        for (table, batch) in tables {
            files.extend(write_batch(self.transaction, table, part, batch)?);
        }
        Ok(files)
    }
}

/// Gives the rows of a table of a run, one part or all, piece by piece.
fn each_piece<R: Row>(
    store: &Store,
    manifest: &Manifest,
    part: Option<u32>,
    mut take: impl FnMut(Vec<R>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for path in store.files(manifest, R::TABLE, part) {
        for batch in Store::batches(&path, &[], BATCH_ROWS)? {
            let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
            take(R::from_batch(&batch).with_context(|| path.display().to_string())?)?;
        }
    }
    Ok(())
}

/// Tells a run's context what its platforms say of the initialisation of executors.
fn each_initialisation(store: &Store, manifest: &Manifest, context: &mut RunContext) -> anyhow::Result<()> {
    for path in store.files(manifest, PlatformRecord::TABLE, None) {
        for batch in Store::batches(&path, INITIALISATION_COLUMNS, BATCH_ROWS)? {
            let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
            context.add_initialisations(&batch).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// The requests of a run, from the store.
fn tally(store: &Store, manifest: &Manifest) -> anyhow::Result<RequestTally> {
    let mut requests = RequestTally::new(&manifest.labels);
    each_piece(store, manifest, None, |rows: Vec<ClientRequest>| {
        for row in &rows {
            requests.add(row);
        }
        Ok(())
    })?;
    Ok(requests)
}

/// Response times pooled over runs; what `known` has of their requests is not read again.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn pooled_responses(
    store: &Store,
    manifests: &[Manifest],
    known: &[Analyzed],
    rows: RowsTaken,
) -> anyhow::Result<Vec<Response>> {
    let find = |manifest: &Manifest| known.iter().find(|analyzed| analyzed.manifest.run == manifest.run);
    let unknown: Vec<&Manifest> = manifests.iter().filter(|manifest| find(manifest).is_none()).collect();
    let read = unknown.par_iter().map(|manifest| tally(store, manifest)).collect::<anyhow::Result<Vec<_>>>()?;
    let chosen = manifests.iter().filter_map(find).map(|analyzed| &analyzed.requests);
    let tallies: Vec<&RequestTally> = chosen.chain(&read).collect();
    Ok(responses(&tallies, rows))
}
