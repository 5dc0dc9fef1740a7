//! Writing the run of one result file: batches of bounded size, counts by reason, what is new only when appending.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use faaslens_schemas::manifest::{Manifest, Source, State, Window};
use faaslens_schemas::store::{NO_CONTEXT, Store, TableFile, Transaction};
use faaslens_schemas::table::{Row, Stage};
use faaslens_schemas::tables::{ClientRequest, PlatformRecord, Reject};
use faaslens_schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::result_files::RunFile;
use crate::error::{Error, Result};
use crate::formats::artillery_report::PeriodSink;
use crate::formats::jtl::Sink;
use crate::{Options, Progress};

/// Rows of a batch at most.
const BATCH_ROWS: usize = 1 << 14;

/// Bytes of text in a batch at most: rows may be long.
const BATCH_BYTES: usize = 16 << 20;

/// Batches' bytes after which a row group is ended.
const GROUP_BYTES: usize = 128 << 20;

/// Rows of one table that are waiting to be written.
struct Batch<R> {
    file: Option<TableFile>,
    rows: Vec<R>,
    bytes: usize,
    group_bytes: usize,
}

impl<R: Row> Batch<R> {
    fn new() -> Self {
        Self { file: None, rows: Vec::new(), bytes: 0, group_bytes: 0 }
    }

    fn push(&mut self, transaction: &Transaction, row: R, bytes: usize) -> Result<()> {
        self.rows.push(row);
        self.bytes += bytes;
        if self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES { self.write(transaction) } else { Ok(()) }
    }

    fn write(&mut self, transaction: &Transaction) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(transaction.file(R::TABLE, NO_CONTEXT)?),
        };
        file.write_rows(&self.rows)?;
        self.group_bytes += self.bytes;
        if self.group_bytes >= GROUP_BYTES {
            file.flush()?;
            self.group_bytes = 0;
        }
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }

    fn finish(mut self, transaction: &Transaction, manifest: &mut Manifest) -> Result<()> {
        self.write(transaction)?;
        if let Some(file) = self.file {
            manifest.files.push(file.finish()?);
        }
        Ok(())
    }
}

/// The run of one result file while it is being read.
pub(super) struct ResultRun<'a> {
    file: &'a RunFile,
    generator: &'static str,
    progress: &'a dyn Progress,
    transaction: Transaction,
    manifest: Manifest,
    requests: Batch<ClientRequest>,
    platform: Batch<PlatformRecord>,
    rejects: Batch<Reject>,
    /// How often each request is in the store already and was not met again yet.
    stored: HashMap<u128, u32>,
    read: Source,
    window: Option<(Timestamp, Timestamp)>,
    failure: Option<Error>,
}

impl<'a> ResultRun<'a> {
    /// Begins to write the run of `file`, with the rows it already has when appending.
    ///
    /// # Errors
    /// When the store cannot be written, or what is appended to was not read from files of this generator.
    pub(super) fn begin(
        options: &Options,
        file: &'a RunFile,
        generator: &'static str,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let parts = options.parts.unwrap_or(1);
        let transaction = options.store.begin(&file.run, Stage::Collect, parts)?;
        let mut run = Self {
            file,
            generator,
            progress,
            transaction,
            manifest: Manifest::new(&file.run, parts),
            requests: Batch::new(),
            platform: Batch::new(),
            rejects: Batch::new(),
            stored: HashMap::new(),
            read: Source { name: file.name.clone(), provider: "client".to_owned(), ..Source::default() },
            window: None,
            failure: None,
        };
        if options.append {
            run.keep_stored(&options.store)?;
        }
        Ok(run)
    }

    /// Writes again what the store has of the run, and remembers its requests. What else this very file gave
    /// (rejects, periods) comes from reading it anew.
    fn keep_stored(&mut self, store: &Store) -> Result<()> {
        let old = store.manifest(&self.file.run)?;
        if old.state == State::Unfinished {
            return Ok(());
        }
        if let Some(other) = old.sources.iter().find(|source| !source.format.starts_with(self.generator)) {
            let (run, generator, format) = (&old.run, self.generator, &other.format);
            return Err(Error::Usage(format!(
                "run {run:?}: expected one of {generator} files to append to, found one of {format:?}"
            )));
        }
        let name = self.file.name.clone();
        each_stored(store, &old, &mut |row: ClientRequest| {
            *self.stored.entry(identity(&row)).or_default() += 1;
            self.write_request(row)
        })?;
        each_stored(store, &old, &mut |row: PlatformRecord| {
            if *row.source == *name { Ok(()) } else { self.write_period(row) }
        })?;
        each_stored(store, &old, &mut |row: Reject| {
            if *row.source == *name { Ok(()) } else { self.write_reject(row) }
        })?;
        self.manifest.labels = old.labels;
        self.manifest.sources = old.sources;
        Ok(())
    }

    fn write_request(&mut self, row: ClientRequest) -> Result<()> {
        let end = row.sent_at.plus_ms(row.elapsed_ms.unwrap_or(0.0) + row.idle_ms.unwrap_or(0.0));
        self.widen(row.sent_at, end);
        let texts = [row.url.as_ref(), row.error.as_ref(), row.variables.as_ref()];
        let labels = [&row.label, &row.status, &row.thread, &row.parent_label].map(|label| label.as_deref());
        let plain: usize = texts.into_iter().flatten().map(String::len).sum();
        let bytes = plain + labels.into_iter().flatten().map(str::len).sum::<usize>();
        self.requests.push(&self.transaction, row, bytes)
    }

    fn write_period(&mut self, row: PlatformRecord) -> Result<()> {
        let bytes = row.text.as_ref().map_or(0, String::len);
        self.platform.push(&self.transaction, row, bytes)
    }

    fn write_reject(&mut self, row: Reject) -> Result<()> {
        let bytes = row.excerpt.len() + row.detail.len();
        self.rejects.push(&self.transaction, row, bytes)
    }

    /// Widens the run's window to hold both instants.
    pub(super) fn widen(&mut self, from: Timestamp, to: Timestamp) {
        let (first, last) = self.window.unwrap_or((from, to));
        self.window = Some((first.min(from), last.max(to)));
    }

    /// Whether the row is one that the store already had.
    fn repeats(&mut self, row: &ClientRequest) -> bool {
        if self.stored.is_empty() {
            return false;
        }
        let left = self.stored.get_mut(&identity(row)).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// Goes on reading, unless writing failed or the user stops.
    fn flow(&mut self, written: Result<()>) -> ControlFlow<()> {
        match written {
            Ok(()) if self.progress.cancelled() => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failure = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Ends the run: what was read of the file, how, and with which labels (the user's win).
    ///
    /// # Errors
    /// What went wrong while writing, or [`Error::Interrupted`].
    pub(super) fn finish(
        mut self,
        reading: Reading,
        labels: BTreeMap<String, String>,
        options: &Options,
    ) -> Result<Manifest> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        if self.progress.cancelled() {
            return Err(Error::Interrupted { run: self.file.run.clone() });
        }
        let Reading { format, bytes, cut_short } = reading;
        format.clone_into(&mut self.read.format);
        self.read.bytes = bytes;
        self.read.cut_short = cut_short;
        merge_source(&mut self.manifest.sources, self.read);
        self.manifest.labels.extend(labels);
        self.manifest.labels.extend([("generator".to_owned(), self.generator.to_owned())]);
        self.manifest.labels.extend(options.labels.clone());
        self.manifest.window = self.window.map(|(from, to)| Window { from: from.to_string(), to: to.to_string() });
        self.requests.finish(&self.transaction, &mut self.manifest)?;
        self.platform.finish(&self.transaction, &mut self.manifest)?;
        self.rejects.finish(&self.transaction, &mut self.manifest)?;
        Ok(self.transaction.commit(self.manifest)?)
    }
}

/// How a file was read.
pub(super) struct Reading {
    pub(super) format: &'static str,
    pub(super) bytes: u64,
    pub(super) cut_short: Option<String>,
}

impl Sink for ResultRun<'_> {
    fn row(&mut self, row: ClientRequest) -> ControlFlow<()> {
        if self.repeats(&row) {
            self.read.duplicates += 1;
            return self.flow(Ok(()));
        }
        self.read.records += 1;
        let written = self.write_request(row);
        self.flow(written)
    }

    fn reject(&mut self, reject: Reject) -> ControlFlow<()> {
        *self.read.rejected.entry(reject.reason.to_string()).or_default() += 1;
        let written = self.write_reject(reject);
        self.flow(written)
    }
}

impl PeriodSink for ResultRun<'_> {
    fn period(&mut self, record: PlatformRecord) -> ControlFlow<()> {
        self.read.platform += 1;
        let written = self.write_period(record);
        self.flow(written)
    }

    fn refused_period(&mut self, reject: Reject) -> ControlFlow<()> {
        self.reject(reject)
    }
}

/// Puts the counts of a file that was read beside those of the others. A file read before has grown: what it gave then is
/// no duplicate.
fn merge_source(sources: &mut Vec<Source>, mut read: Source) {
    if let Some(before) = sources.iter().position(|source| source.name == read.name) {
        let before = sources.swap_remove(before).records.min(read.duplicates);
        read.records += before;
        read.duplicates -= before;
    }
    sources.push(read);
    sources.sort_by(|a, b| a.name.cmp(&b.name));
}

/// Calls `take` with every row that the store has of a run, in order.
fn each_stored<R: Row>(store: &Store, run: &Manifest, take: &mut impl FnMut(R) -> Result<()>) -> Result<()> {
    for path in store.files(run, R::TABLE, None) {
        for batch in Store::batches(&path, &[], BATCH_ROWS)? {
            let batch = batch.map_err(|source| faaslens_schemas::Error::Arrow { table: R::TABLE.name, source })?;
            for row in R::from_batch(&batch)? {
                take(row)?;
            }
        }
    }
    Ok(())
}

/// A digest of all that a request says, but not of where it stands.
fn identity(row: &ClientRequest) -> u128 {
    let content = ClientRequest { source: "".into(), offset: 0, ..row.clone() };
    xxh3_128(format!("{content:?}").as_bytes())
}
