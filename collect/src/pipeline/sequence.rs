//! Putting blocks back in order and giving them a place in the run.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use faaslens_schemas::dictionary::{Dictionary, NONE};
use faaslens_schemas::manifest::{FileEntry, Source};
use faaslens_schemas::store::{NO_CONTEXT, Transaction};
use faaslens_schemas::time::Timestamp;
use rayon::prelude::*;

use super::blocks::FileEnd;
use super::columns::{BlockColumns, label};
use super::executors::{Clocks, Labelled};
use super::existing::Existing;
use super::part::{ClientMoment, ExecutorKey, ExecutorPart, Finished, Part, Placed};
use super::placing::{FileCounts, Placing};
use super::requests::{self, Loads};
use super::scan::Scanned;
use super::small_tables::{SmallTable, SmallTables};
use super::{InputFile, Written, lock, take};
use crate::Result;

/// Blocks that may wait for one part.
const QUEUED: usize = 8;

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
    /// Statements and rejects.
    placing: Placing,
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
            placing: Placing::new(files.len()),
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
            order.placing.place(&mut scanned, self.files, &self.small);
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
        lock(&self.order).placing.keep(platform, rejects, &self.small);
        Ok(())
    }

    /// Ends all tables; `loads` are the load generator's own records.
    pub(super) fn finish(self, ends: Vec<FileEnd>, loads: &Loads<'_>) -> Result<Written> {
        let Self { transaction, files, parts, small, order, .. } = self;
        let mut order = order.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        order.placing.finish(&small);
        let finished = parts
            .into_par_iter()
            .map(|part| part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).finish())
            .collect::<Result<Vec<Finished>>>()?;
        let mut entries: Vec<FileEntry> = Vec::new();
        let mut executors: BTreeMap<ExecutorKey, ExecutorPart> = BTreeMap::new();
        let mut client: Vec<(u32, Vec<ClientMoment>)> = Vec::new();
        let counts = std::mem::take(&mut order.placing.counts);
        let mut sources: Vec<Source> = files.iter().zip(counts).zip(ends).map(source).collect();
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
