//! Analyses of the runs of a store: parts in parallel (the map step), then result tables (the reduce step).
//!
//! A thread holds one part at a time, so memory follows the largest part and the number of threads; what stays of a
//! part are its slim facts. Results are merged in order of part: the number of threads changes nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use faaslens_analyze::assembly::{
    EVENT_COLUMNS, FunctionSet, INITIALISATION_COLUMNS, Options, PartInput, PartOutput, RunContext, assemble,
    widen_one_way_times,
};
use faaslens_analyze::clocks::{Choice, Offsets};
use faaslens_analyze::facts::Facts;
use faaslens_analyze::results::{PlatformTally, RequestTally, RowsTaken, RunInput, phases, responses, summarise};
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::manifest::{Analysis, FileEntry, Manifest};
use faaslens_schemas::store::{NO_CONTEXT, Store, Transaction};
use faaslens_schemas::table::{Row, Stage, Table};
use faaslens_schemas::tables::{
    Call, ClientRequest, ClockSegment, DbCall, Event, Executor, Invocation, PathSegment, PhasePoint, PlatformRecord,
    Response, Trace,
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
    /// What a reader has to know of the run's clocks.
    pub(crate) clock_warnings: Vec<String>,
}

/// Option of an analysis whose results rest on complete traces only.
const COMPLETE_ONLY: &str = "complete_only";

/// What an analysis is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    options: Options,
    sets: Vec<Vec<String>>,
    clocks: Choice,
}

impl Plan {
    /// A plan with sets of functions to sum up as published, empty sets left out; over complete traces only, or over all
    /// invocations and calls; with a way to align clocks.
    pub(crate) fn new(sets: &[Vec<String>], complete_only: bool, clocks: Choice) -> Self {
        let sets: Vec<Vec<String>> = sets.iter().filter(|set| !set.is_empty()).cloned().collect();
        let functions = sets.iter().cloned().filter_map(FunctionSet::new).collect();
        Self { options: Options { sets: functions, complete_only }, sets, clocks }
    }

    /// Whether a run has this analysis already; where nothing special is asked for, any analysis will do.
    pub(crate) fn is_that_of(&self, manifest: &Manifest) -> bool {
        let wanted = self.described();
        manifest.analysis.as_ref().is_some_and(|analysis| wanted.is_empty() || analysis.options == wanted)
    }

    /// The options that differ from the defaults.
    fn described(&self) -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        if !self.sets.is_empty() {
            let sets: Vec<String> = self.sets.iter().map(|set| set.join("+")).collect();
            options.insert("functions".to_owned(), sets.join(" "));
        }
        if self.options.complete_only {
            options.insert(COMPLETE_ONLY.to_owned(), "true".to_owned());
        }
        let usual = Choice::default();
        if self.clocks.align != usual.align {
            options.insert("align-clocks".to_owned(), self.clocks.align.to_string());
        }
        if self.clocks.request_share.to_bits() != usual.request_share.to_bits() {
            options.insert("request-share".to_owned(), self.clocks.request_share.to_string());
        }
        if self.clocks.max_drift_ppm.to_bits() != usual.max_drift_ppm.to_bits() {
            options.insert("max-drift-ppm".to_owned(), self.clocks.max_drift_ppm.to_string());
        }
        options
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
    let segments: Vec<ClockSegment> = store.rows(manifest, None)?;
    let mut context = RunContext::new(&executors, client_logged).with_segments(&segments);
    each_initialisation(store, manifest, &mut context)?;
    let mut map = Map { store, manifest, transaction: &transaction, context, options: &plan.options };
    let mut run = map.all(bar)?;
    let offsets = Offsets::of(&run.facts, &plan.clocks);
    let shifts = offsets.shifts();
    if !shifts.is_empty() {
        // Who called whom, what was cold and what was critical may look different on aligned clocks: assemble again.
        drop(run);
        map.context = map.context.aligned(&shifts);
        bar.lengthen(u64::from(manifest.parts) + 1);
        run = map.all(bar)?;
    }
    run.facts.widen_one_way_times(&offsets);
    run.files = map.widen_calls(run.files, &offsets)?;
    let input = RunInput {
        facts: &run.facts,
        sets: &plan.options.sets,
        offsets: &offsets,
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
    Ok(Analyzed { manifest, requests: run.requests, clock_warnings: offsets.warnings() })
}

fn write_batch(
    transaction: &Transaction,
    table: &'static Table,
    part: u32,
    batch: &RecordBatch,
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
    /// Every part, in parallel; nothing depends on their order.
    fn all(&self, bar: &Bar) -> anyhow::Result<Mapped> {
        let parts = (NO_CONTEXT..=self.manifest.parts).into_par_iter().map(|part| -> anyhow::Result<Mapped> {
            let mapped = self.part(part)?;
            bar.advance_by(1);
            Ok(mapped)
        });
        let mut run = Mapped::empty(self.manifest);
        let parts = parts.collect::<anyhow::Result<Vec<_>>>()?;
        run.facts.reserve(&parts.iter().map(|mapped| &mapped.facts));
        for mapped in parts {
            run.merge(mapped);
        }
        Ok(run)
    }

    /// Writes `calls` again, with what the offsets between clocks leave open added to the uncertainty of one-way times:
    /// it is known when all parts are, and all calls do not fit in memory.
    fn widen_calls(&self, files: Vec<FileEntry>, offsets: &Offsets) -> anyhow::Result<Vec<FileEntry>> {
        let (calls, mut files): (Vec<FileEntry>, _) =
            files.into_iter().partition(|file| file.table == Call::TABLE.name);
        let widened = calls.into_par_iter().map(|file| -> anyhow::Result<FileEntry> {
            let path = self.transaction.staged(Call::TABLE, file.part);
            let mut batches = Vec::new();
            for batch in Store::batches(&path, &[], BATCH_ROWS)? {
                let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
                batches.push(widen_one_way_times(&batch, offsets)?);
            }
            let mut file = self.transaction.file(Call::TABLE, file.part)?;
            batches.iter().try_for_each(|batch| file.write(batch))?;
            Ok(file.finish()?)
        });
        files.extend(widened.collect::<anyhow::Result<Vec<_>>>()?);
        Ok(files)
    }

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

    fn events(&self, part: u32) -> anyhow::Result<Vec<RecordBatch>> {
        let mut events = Vec::new();
        for path in self.store.files(self.manifest, Event::TABLE, Some(part)) {
            for batch in Store::keyed_batches(&path, EVENT_COLUMNS, BATCH_ROWS)? {
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
