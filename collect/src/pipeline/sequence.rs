//! Putting blocks back in order and giving them a place in the run.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use faaslens_schemas::dictionary::{Dictionary, NONE};
use faaslens_schemas::manifest::{FileEntry, Source};
use faaslens_schemas::store::{NO_CONTEXT, Transaction};
use faaslens_schemas::table::Label;
use faaslens_schemas::tables::{PlatformRecord, Reject};
use faaslens_schemas::time::Timestamp;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::blocks::FileEnd;
use super::columns::{BlockColumns, label};
use super::executors::{Clocks, Labelled};
use super::existing::Existing;
use super::part::{ClientMoment, ExecutorKey, ExecutorPart, Finished, Part, Placed};
use super::requests::{self, Loads};
use super::scan::{Bequest, Lead, Scanned};
use super::seen::Seen;
use super::small_tables::{SmallTable, SmallTables};
use super::{InputFile, Reasons, Written, lock, take};
use crate::Result;

/// Blocks that may wait for one part.
const QUEUED: usize = 8;
/// Statements without an executor that wait for a repetition with one; a fetch begins in mid-execution once a stream.
const UNCLAIMED: usize = 4096;

/// Takes scanned blocks in any order and writes them in theirs.
pub(super) struct Sequencer<'a> {
    transaction: &'a Transaction,
    files: &'a [InputFile],
    parts: Vec<Mutex<Part>>,
    /// What each part is given; locked apart from the part, so that giving does not wait for encoding.
    queues: Vec<Mutex<VecDeque<Arc<Placed>>>>,
    small: SmallTables,
    order: Mutex<Order>,
    /// Columns of blocks that were written, for their memory.
    spare: Mutex<Vec<BlockColumns>>,
}

/// What depends on the order of blocks.
struct Order {
    next: u64,
    waiting: BTreeMap<u64, Scanned>,
    /// Names of functions and keys of executors; what the run knows them by are the keys here.
    functions: Dictionary,
    executors: Dictionary,
    providers: Vec<String>,
    hosts: HashMap<u32, String>,
    /// Identities of platform statements that have an id of their own.
    seen: Seen,
    /// Statements of the current file that nobody could be named for, by identity: a repetition may tell whose they are.
    unclaimed: HashMap<u64, PlatformRecord>,
    /// Pieces of an earlier collection without an id: how often each may come again before it is new.
    known: HashMap<u64, u32>,
    counts: Vec<FileCounts>,
    /// File of the last block, its lines so far, and whose execution it ended in.
    file: usize,
    lines: i64,
    inherited: Option<(Label, Label)>,
    /// Statements of the block before, from the first on whose records are still to come.
    held: Vec<Held>,
    /// Memory for what identities are hashes of.
    scratch: Vec<u8>,
}

#[derive(Default, Clone)]
struct FileCounts {
    platform: u64,
    duplicates: u64,
    rejected: Reasons,
    cut_short: Option<String>,
}

/// A statement held back until the next block of its file is there.
struct Held {
    record: PlatformRecord,
    /// Whether its records are still to come.
    open: bool,
}

impl<'a> Sequencer<'a> {
    pub(super) fn new(files: &'a [InputFile], parts: u32, transaction: &'a Transaction) -> Self {
        let mut providers: Vec<String> = files.iter().map(|file| file.provider.clone()).collect();
        providers.sort();
        providers.dedup();
        let queues = (0..=parts).map(|_| Mutex::default()).collect();
        // Records are rarely shorter; what is compressed holds more, and its part grows.
        let records = files.iter().map(InputFile::bytes).sum::<u64>() / (640 * u64::from(parts.max(1)));
        let new_part = |number| Part::new(number, files.len(), if number == NO_CONTEXT { 0 } else { records });
        let parts = (0..=parts).map(|number| Mutex::new(new_part(number))).collect();
        let order = Order {
            next: 0,
            waiting: BTreeMap::new(),
            functions: Dictionary::default(),
            executors: Dictionary::default(),
            providers,
            hosts: HashMap::new(),
            seen: Seen::default(),
            unclaimed: HashMap::new(),
            known: HashMap::new(),
            counts: vec![FileCounts::default(); files.len()],
            file: 0,
            lines: 0,
            inherited: None,
            held: Vec::new(),
            scratch: Vec::new(),
        };
        let small = SmallTables { platform: SmallTable::new(), rejects: SmallTable::new() };
        Self { transaction, files, parts, queues, small, order: Mutex::new(order), spare: Mutex::default() }
    }

    pub(super) fn run_id(&self) -> &str {
        self.transaction.run()
    }

    pub(super) fn parts(&self) -> u32 {
        u32::try_from(self.parts.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes a block. Returns the parts that got rows and the buffers that are free again.
    pub(super) fn accept(&self, scanned: Scanned) -> (Vec<usize>, Vec<Vec<u8>>) {
        let mut order = lock(&self.order);
        order.waiting.insert(scanned.sequence, scanned);
        let mut ready = Vec::new();
        let mut buffers = Vec::new();
        while let Some(mut scanned) = {
            let next = order.next;
            order.waiting.remove(&next)
        } {
            order.next += 1;
            buffers.push(std::mem::take(&mut scanned.buffer));
            order.place_small_tables(&mut scanned, self.files, &self.small);
            ready.extend(self.place_events(&mut order, scanned));
        }
        ready.sort_unstable();
        ready.dedup();
        (ready, buffers)
    }

    fn place_events(&self, order: &mut Order, scanned: Scanned) -> Vec<usize> {
        let Scanned { events, file, hosts, .. } = scanned;
        self.place_columns(order, file, events, hosts)
    }

    fn place_columns(
        &self,
        order: &mut Order,
        file: usize,
        columns: BlockColumns,
        hosts: Vec<(u32, String)>,
    ) -> Vec<usize> {
        let functions = order.functions.intern_all(&columns.dictionaries[label::FUNCTION]);
        let executors = order.executors.intern_all(&columns.dictionaries[label::EXECUTOR]);
        for (executor, host) in hosts {
            order.hosts.entry(executors[executor as usize]).or_insert(host);
        }
        let provider = order.provider_key(&self.files[file].provider);
        let placed = Arc::new(Placed { columns, functions, executors, file, provider });
        let mut ready = Vec::new();
        for (number, columns) in placed.columns.parts.iter().enumerate() {
            if columns.len() > 0 {
                lock(&self.queues[number]).push_back(Arc::clone(&placed));
                ready.push(number);
            }
        }
        self.spare(placed);
        ready
    }

    /// Encodes what a part was given. A part that another thread has at hand is left to it, unless so many
    /// blocks wait that memory would not be bounded.
    pub(super) fn drain(&self, part: usize) -> Result<()> {
        let queue = &self.queues[part];
        loop {
            let waiting = lock(queue).len();
            let Some(mut state) = take(&self.parts[part], waiting >= QUEUED) else { return Ok(()) };
            loop {
                let next = lock(queue).pop_front();
                let Some(placed) = next else { break };
                state.take(&placed, &self.files[placed.file], self.transaction)?;
                self.spare(placed);
            }
            drop(state);
            // What came after the queue was found empty was left to this thread.
            if lock(queue).is_empty() {
                return Ok(());
            }
        }
    }

    /// Empty columns for a block, with the memory of an earlier one where there is one.
    pub(super) fn columns(&self) -> BlockColumns {
        let mut columns = lock(&self.spare).pop().unwrap_or_default();
        columns.reset(self.parts());
        columns
    }

    /// Keeps the columns of a block for their memory, after the last part took its rows.
    fn spare(&self, placed: Arc<Placed>) {
        if let Some(placed) = Arc::into_inner(placed) {
            lock(&self.spare).push(placed.columns);
        }
    }

    /// Whether a batch of a small table is full.
    pub(super) fn small_tables_wait(&self) -> bool {
        self.small.platform.has_batches() || self.small.rejects.has_batches()
    }

    /// Encodes the full batches of the small tables.
    pub(super) fn drain_small_tables(&self) -> Result<()> {
        self.small.platform.drain(self.transaction)?;
        self.small.rejects.drain(self.transaction)
    }

    /// Puts the rows of an earlier collection first.
    pub(super) fn take_existing(&self, existing: Existing) -> Result<()> {
        let Existing { events, platform, rejects, .. } = existing;
        for (file, columns) in events {
            let placed = self.place_columns(&mut lock(&self.order), file, columns, Vec::new());
            for part in placed {
                self.drain(part)?;
            }
        }
        let mut order = lock(&self.order);
        for record in platform {
            let identity = platform_identity(&record, &mut order.scratch);
            if is_said_once(&record) {
                order.seen.insert(identity);
            } else {
                *order.known.entry(identity).or_default() += 1;
            }
            self.small.platform.push(record);
        }
        for reject in rejects {
            *order.known.entry(reject_identity(&reject)).or_default() += 1;
            self.small.rejects.push(reject);
        }
        Ok(())
    }

    /// Ends all tables; `loads` are the load generator's own records.
    pub(super) fn finish(self, ends: Vec<FileEnd>, loads: &Loads<'_>) -> Result<Written> {
        let Self { transaction, files, parts, small, order, .. } = self;
        let mut order = order.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        order.release(None, &small);
        order.release_unclaimed(&small);
        let finished = parts
            .into_par_iter()
            .map(|part| part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish())
            .collect::<Result<Vec<Finished>>>()?;
        let mut entries: Vec<FileEntry> = Vec::new();
        let mut executors: BTreeMap<ExecutorKey, ExecutorPart> = BTreeMap::new();
        let mut client: Vec<(u32, Vec<ClientMoment>)> = Vec::new();
        let mut sources: Vec<Source> =
            files.iter().zip(std::mem::take(&mut order.counts)).zip(ends).map(source).collect();
        for (number, part) in (0_u32..).zip(finished) {
            entries.extend(part.entry);
            for (key, found) in part.executors {
                executors.entry(key).and_modify(|known| known.merge(&found)).or_insert(found);
            }
            for ((source, kept), duplicates) in sources.iter_mut().zip(part.kept).zip(part.duplicates) {
                source.records += kept;
                source.duplicates += duplicates;
            }
            client.push((number, part.client));
        }
        let clocks: Clocks = executors.par_iter().map(|(&key, part)| (key, part.fit())).collect();
        let requests = requests::write(client, files, &clocks, loads, transaction)?;
        entries.extend(requests.files);
        sources.extend(requests.sources);
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        let (platform, rejects) =
            rayon::join(|| small.platform.finish(transaction), || small.rejects.finish(transaction));
        entries.extend(platform?);
        entries.extend(rejects?);
        let logged = executors.values().map(|executor| {
            (Timestamp::from_millis(executor.first_logged_ms), Timestamp::from_millis(executor.last_logged_ms))
        });
        let window = logged.chain(requests.window).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let Order { functions, executors: keys, providers, hosts, .. } = &order;
        let labelled = Labelled { functions, executors: keys, providers, hosts };
        entries.extend(transaction.write_rows(NO_CONTEXT, &labelled.executors(&executors, &clocks))?);
        entries.extend(transaction.write_rows(NO_CONTEXT, &labelled.segments(&clocks))?);
        Ok(Written { sources, files: entries, window, doubled: requests.doubled })
    }
}

impl Order {
    fn provider_key(&self, provider: &str) -> u32 {
        let found = self.providers.iter().position(|known| *known == provider);
        found.and_then(|key| u32::try_from(key).ok()).unwrap_or(NONE)
    }

    /// Platform statements and rejects of a block, with what only the order of blocks tells.
    fn place_small_tables(&mut self, scanned: &mut Scanned, files: &[InputFile], small: &SmallTables) {
        let lead = scanned.lead.as_ref().filter(|_| scanned.file == self.file);
        self.release(lead, small);
        if scanned.file != self.file {
            self.release_unclaimed(small);
            (self.file, self.lines, self.inherited) = (scanned.file, 0, None);
        }
        let source = Label::from(&*files[scanned.file].name);
        if let Some((function, executor)) = &self.inherited {
            for &index in &scanned.inherit {
                scanned.platform[index].function = Some(function.clone());
                scanned.platform[index].executor = Some(executor.clone());
            }
        }
        match std::mem::replace(&mut scanned.bequest, Bequest::Inherited) {
            Bequest::Inherited => {}
            Bequest::Nobody => self.inherited = None,
            Bequest::Executor(function, executor) => self.inherited = Some((function, executor)),
        }
        let mut statements = std::mem::take(&mut scanned.platform);
        for record in &mut statements {
            record.source = source.clone();
        }
        // From the first one on whose records are still to come, order makes all wait.
        let first_open = scanned.open.first().copied().unwrap_or(statements.len());
        let from = if self.held.is_empty() { first_open } else { 0 };
        let later = statements.split_off(from);
        statements.retain(|record| self.is_to_be_written(record, small));
        small.platform.extend(statements);
        let is_open = |index: usize| scanned.open.binary_search(&index).is_ok();
        self.held.extend(later.into_iter().zip(from..).map(|(record, index)| Held { record, open: is_open(index) }));
        for mut reject in std::mem::take(&mut scanned.rejects) {
            reject.source = source.clone();
            reject.line = reject.line.map(|line| self.lines + line + 1);
            if self.is_new(reject_identity(&reject)) {
                *self.counts[scanned.file].rejected.entry(reject.reason.to_string()).or_default() += 1;
                small.rejects.push(reject);
            } else {
                self.counts[scanned.file].duplicates += 1;
            }
        }
        self.lines += scanned.lines;
        if let Some(reason) = scanned.cut_short {
            self.counts[scanned.file].cut_short = Some(reason.to_owned());
        }
    }

    /// Writes the statements held back, the open ones with the function and executor whose records come next.
    fn release(&mut self, lead: Option<&Lead>, small: &SmallTables) {
        for Held { mut record, open } in std::mem::take(&mut self.held) {
            let starts = usize::from(is_initialisation(&record));
            if let Some(lead) = lead.filter(|lead| open && lead.starts <= starts) {
                record.function = Some(lead.function.clone());
                record.executor = Some(lead.executor.clone());
            }
            self.place_statement(record, small);
        }
    }

    /// Writes a statement of the current file, or counts it as a repetition.
    fn place_statement(&mut self, record: PlatformRecord, small: &SmallTables) {
        if self.is_to_be_written(&record, small) {
            small.platform.push(record);
        }
    }

    /// Counts a statement of the current file. False for a repetition, and for one that waits to be claimed by one.
    fn is_to_be_written(&mut self, record: &PlatformRecord, small: &SmallTables) -> bool {
        let identity = platform_identity(record, &mut self.scratch);
        let said_once = is_said_once(record);
        let new = if said_once { self.seen.insert(identity) } else { self.is_new(identity) };
        let counts = &mut self.counts[self.file];
        if !new {
            counts.duplicates += 1;
            if record.executor.is_some()
                && let Some(first) = self.unclaimed.remove(&identity)
            {
                let (function, executor) = (record.function.clone(), record.executor.clone());
                small.platform.push(PlatformRecord { function, executor, ..first });
            }
            return false;
        }
        counts.platform += 1;
        let waits = said_once && record.executor.is_none() && self.unclaimed.len() < UNCLAIMED;
        if waits {
            self.unclaimed.insert(identity, record.clone());
        }
        !waits
    }

    /// Writes the statements that no repetition claimed.
    fn release_unclaimed(&mut self, small: &SmallTables) {
        let mut rest: Vec<PlatformRecord> = std::mem::take(&mut self.unclaimed).into_values().collect();
        rest.sort_by_key(|record| record.offset);
        for record in rest {
            small.platform.push(record);
        }
    }

    /// Whether a piece without an id is more than what an earlier collection knew.
    fn is_new(&mut self, identity: u64) -> bool {
        match self.known.get_mut(&identity) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }
}

/// Whether a second statement of the same words can only be a repetition: it names its execution, or the executor that
/// it initialises. Other lines may be logged twice in truth.
fn is_said_once(record: &PlatformRecord) -> bool {
    record.request_id.is_some() || (is_initialisation(record) && record.executor.is_some())
}

fn is_initialisation(record: &PlatformRecord) -> bool {
    &*record.kind == "init_start"
}

/// Hash of what a statement says, wherever it stands; `scratch` is written over.
fn platform_identity(record: &PlatformRecord, scratch: &mut Vec<u8>) -> u64 {
    // Two executors may be initialised in the same millisecond.
    let executor = is_initialisation(record).then_some(record.executor.as_deref()).flatten();
    let texts = [
        Some(&*record.provider),
        Some(&*record.kind),
        record.request_id.as_deref(),
        record.status.as_deref(),
        record.text.as_deref(),
        executor,
    ];
    scratch.clear();
    for text in texts {
        // The length tells where a text ends; no text has the length of an absent one.
        scratch.extend_from_slice(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        scratch.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    scratch.extend_from_slice(&record.at.map_or(i64::MIN, Timestamp::micros).to_le_bytes());
    scratch.extend_from_slice(&record.duration_ms.unwrap_or(f64::NAN).to_le_bytes());
    xxh3_64(scratch)
}

fn reject_identity(reject: &Reject) -> u64 {
    let text = format!("{}|{}|{}|{}|{}", reject.source, reject.reason, reject.length, reject.detail, reject.excerpt);
    xxh3_64(text.as_bytes())
}

fn source(((file, counts), end): ((&InputFile, FileCounts), FileEnd)) -> Source {
    Source {
        name: file.name.clone(),
        format: file.dialect.name().to_owned(),
        provider: file.provider.clone(),
        bytes: end.bytes,
        records: 0,
        platform: counts.platform,
        duplicates: counts.duplicates,
        rejected: counts.rejected,
        cut_short: end.cut_short.or(counts.cut_short),
    }
}
