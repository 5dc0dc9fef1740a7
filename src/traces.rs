//! The traces of a run, one after another, in the memory of one batch a table.
//!
//! Within a part, every table that has contexts is in order of context, so the rows of a trace are found by reading all of
//! them side by side.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::path::PathBuf;

use anyhow::Context;
use faaslens_export::TraceRows;
use faaslens_schemas::filter::Filter;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment, Trace};

use crate::outcome::Interrupted;
use crate::progress::{Bar, interrupted};

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 13;

/// A row of a context.
trait OfContext: Row {
    fn context(&self) -> &str;
}

macro_rules! of_context {
    ($($row:ty),+) => {
        $( impl OfContext for $row {
            fn context(&self) -> &str {
                &self.context_id
            }
        } )+
    };
}

of_context!(Trace, Invocation, Call, DbCall, PathSegment);

/// The rows of a table of one part, in order of context.
struct Ordered<R> {
    files: std::vec::IntoIter<PathBuf>,
    batches: Option<Box<dyn Iterator<Item = anyhow::Result<Vec<R>>>>>,
    waiting: VecDeque<R>,
}

impl<R: OfContext> Ordered<R> {
    fn new(store: &Store, manifest: &Manifest, part: u32) -> Self {
        let files = store.files(manifest, R::TABLE, Some(part)).into_iter();
        Self { files, batches: None, waiting: VecDeque::new() }
    }

    /// The next row, if it is there; reads on where none is waiting.
    fn peek(&mut self) -> anyhow::Result<Option<&R>> {
        while self.waiting.is_empty() {
            if let Some(rows) = self.batches.as_mut().and_then(Iterator::next) {
                self.waiting.extend(rows?);
                continue;
            }
            let Some(path) = self.files.next() else { return Ok(None) };
            let shown = path.display().to_string();
            let batches = Store::batches(&path, &[], BATCH_ROWS)?;
            self.batches = Some(Box::new(batches.map(move |batch| {
                let batch = batch.with_context(|| format!("{shown}: cannot read"))?;
                R::from_batch(&batch).with_context(|| shown.clone())
            })));
        }
        Ok(self.waiting.front())
    }

    fn next(&mut self) -> anyhow::Result<Option<R>> {
        self.peek()?;
        Ok(self.waiting.pop_front())
    }

    /// The rows of a context.
    ///
    /// # Errors
    /// When rows of an earlier context are left: they are of no trace, or out of order.
    fn of(&mut self, context: &str) -> anyhow::Result<Vec<R>> {
        let mut rows = Vec::new();
        while let Some(row) = self.peek()? {
            match row.context().cmp(context) {
                Ordering::Equal => rows.extend(self.waiting.pop_front()),
                Ordering::Greater => break,
                Ordering::Less => return Err(stray(row)),
            }
        }
        Ok(rows)
    }

    /// Proves that no row is left after the last trace.
    fn ended(&mut self) -> anyhow::Result<()> {
        self.peek()?.map_or(Ok(()), |row| Err(stray(row)))
    }
}

fn stray<R: OfContext>(row: &R) -> anyhow::Error {
    let (table, context) = (R::TABLE.name, row.context());
    anyhow::anyhow!("table {table}: rows of context {context:?} belong to no trace; analyze the run again")
}

/// Gives every trace of a run that passes the filter, in order of part and context; `bar` advances by parts.
///
/// # Errors
/// When the store cannot be read, `take` fails, or the user interrupts.
pub(crate) fn each(
    store: &Store,
    manifest: &Manifest,
    filter: &Filter,
    bar: &Bar,
    mut take: impl FnMut(&TraceRows) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for part in 1..=manifest.parts {
        let mut traces = Ordered::<Trace>::new(store, manifest, part);
        let mut invocations = Ordered::<Invocation>::new(store, manifest, part);
        let mut calls = Ordered::<Call>::new(store, manifest, part);
        let mut db_calls = Ordered::<DbCall>::new(store, manifest, part);
        let mut critical_path = Ordered::<PathSegment>::new(store, manifest, part);
        while let Some(trace) = traces.next()? {
            if interrupted() {
                return Err(Interrupted { run: manifest.run.clone() }.into());
            }
            let context = trace.context_id.clone();
            let rows = TraceRows {
                trace,
                invocations: invocations.of(&context)?,
                calls: calls.of(&context)?,
                db_calls: db_calls.of(&context)?,
                critical_path: critical_path.of(&context)?,
            };
            if filter.keeps(&rows.trace, &rows.invocations) {
                take(&rows)?;
            }
        }
        invocations.ended()?;
        calls.ended()?;
        db_calls.ended()?;
        critical_path.ended()?;
        bar.advance_by(1);
    }
    Ok(())
}
