//! Filters of traces, applied to the rows of a table.
//!
//! Where the table has the columns, rows are chosen by them: `--function` on `invocations` keeps the invocations of the
//! function. Where it has a context instead, the rows of the traces that pass are kept. What a table can be filtered by in
//! neither way is refused.

use std::collections::HashSet;

use faaslens_schemas::arrow::array::{
    Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, TimestampMicrosecondArray,
};
use faaslens_schemas::arrow::buffer::BooleanBuffer;
use faaslens_schemas::arrow::compute::filter_record_batch;
use faaslens_schemas::arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use faaslens_schemas::filter::{Filter, Starts};
use faaslens_schemas::table::Table;
use faaslens_schemas::time::Timestamp;

use crate::outcome::wrong_use;

const PROVIDERS: &[&str] =
    &["provider", "caller_provider", "callee_provider", "publisher_provider", "provider_a", "provider_b"];
const FUNCTIONS: &[&str] = &["function", "caller_function", "callee_function"];
const ROUTES: &[&str] = &["route", "entry_route"];
const COLD: &[&str] = &["cold", "callee_cold"];
const COMPLETE: &[&str] = &["complete"];
const TIMES: &[&str] = &["start", "at", "sent_at", "logged_at", "second"];
const CONTEXT: &str = "context_id";

/// The part of a filter that the columns of a table can answer, and the rest.
#[derive(Debug)]
pub(crate) struct TableFilter {
    by_column: Filter,
    /// What only whole traces can answer.
    pub(crate) by_trace: Filter,
}

impl TableFilter {
    /// Divides a filter for a table.
    ///
    /// # Errors
    /// When the table has neither the columns nor a context.
    pub(crate) fn new(filter: &Filter, table: &Table) -> anyhow::Result<Self> {
        let columns = (table.columns)();
        let has = |names: &[&str]| columns.iter().any(|column| names.contains(&column.name));
        let (mut by_column, mut by_trace) = (filter.clone(), Filter::default());
        if !has(PROVIDERS) {
            by_trace.providers = std::mem::take(&mut by_column.providers);
        }
        if !has(FUNCTIONS) {
            by_trace.functions = std::mem::take(&mut by_column.functions);
        }
        if !has(ROUTES) {
            by_trace.routes = std::mem::take(&mut by_column.routes);
        }
        if !has(COLD) {
            by_trace.starts = by_column.starts.take();
        }
        if !has(COMPLETE) {
            by_trace.complete_only = std::mem::take(&mut by_column.complete_only);
        }
        if !has(TIMES) {
            (by_trace.from, by_trace.to) = (by_column.from.take(), by_column.to.take());
        }
        if !by_trace.keeps_all() && !has(&[CONTEXT]) {
            return Err(wrong_use(format!(
                "table {} has no column for {}",
                table.name,
                described(&by_trace).join(", ")
            )));
        }
        Ok(Self { by_column, by_trace })
    }

    /// The rows of a batch that pass; `contexts` are those of the traces that pass, where that matters.
    ///
    /// # Errors
    /// When Arrow refuses, which is a defect.
    pub(crate) fn apply(&self, batch: &RecordBatch, contexts: Option<&HashSet<String>>) -> anyhow::Result<RecordBatch> {
        let filter = &self.by_column;
        let mut kept = Mask::new(batch);
        kept.names(PROVIDERS, &filter.providers);
        kept.names(FUNCTIONS, &filter.functions);
        kept.names(ROUTES, &filter.routes);
        if let Some(starts) = filter.starts {
            kept.truth(COLD, starts == Starts::Cold);
        }
        if filter.complete_only {
            kept.truth(COMPLETE, true);
        }
        if filter.from.is_some() || filter.to.is_some() {
            kept.times(filter);
        }
        if let Some(contexts) = contexts {
            kept.texts(&[CONTEXT], |context| contexts.contains(context));
        }
        Ok(filter_record_batch(batch, &kept.finish())?)
    }
}

/// The options that a filter comes from.
fn described(filter: &Filter) -> Vec<&'static str> {
    let options = [
        (!filter.providers.is_empty(), "--provider"),
        (!filter.functions.is_empty(), "--function"),
        (!filter.routes.is_empty(), "--route"),
        (filter.starts.is_some(), "--starts"),
        (filter.complete_only, "--complete-only"),
        (filter.from.is_some(), "--from"),
        (filter.to.is_some(), "--to"),
    ];
    options.into_iter().filter_map(|(given, option)| given.then_some(option)).collect()
}

/// The rows of a batch that still pass.
struct Mask<'a> {
    batch: &'a RecordBatch,
    kept: Vec<bool>,
}

impl<'a> Mask<'a> {
    fn new(batch: &'a RecordBatch) -> Self {
        Self { batch, kept: vec![true; batch.num_rows()] }
    }

    /// Keeps rows of which any of the columns that there are fits.
    fn any(&mut self, columns: &[&str], fits: impl Fn(&dyn Array, usize) -> bool) {
        let arrays: Vec<_> = columns.iter().filter_map(|name| self.batch.column_by_name(name)).collect();
        for (row, kept) in self.kept.iter_mut().enumerate() {
            *kept = *kept && arrays.iter().any(|array| array.is_valid(row) && fits(array.as_ref(), row));
        }
    }

    fn names(&mut self, columns: &[&str], wanted: &[String]) {
        if !wanted.is_empty() {
            self.texts(columns, |text| wanted.iter().any(|wanted| wanted == text));
        }
    }

    fn texts(&mut self, columns: &[&str], fits: impl Fn(&str) -> bool) {
        self.any(columns, |array, row| text(array, row).is_some_and(&fits));
    }

    fn truth(&mut self, columns: &[&str], wanted: bool) {
        self.any(columns, |array, row| array.as_boolean_opt().is_some_and(|values| values.value(row) == wanted));
    }

    fn times(&mut self, filter: &Filter) {
        let within = |values: &TimestampMicrosecondArray, row| filter.within(Timestamp::from_micros(values.value(row)));
        // The first column of the list that the table has: a table may have more instants than one.
        let first = TIMES.iter().find(|name| self.batch.column_by_name(name).is_some());
        if let Some(name) = first {
            self.any(&[name], |array, row| {
                array.as_primitive_opt::<TimestampMicrosecondType>().is_some_and(|values| within(values, row))
            });
        }
    }

    fn finish(self) -> BooleanArray {
        let mut bits = BooleanBufferBuilder::new(self.kept.len());
        bits.append_slice(&self.kept);
        let bits: BooleanBuffer = bits.finish();
        BooleanArray::new(bits, None)
    }
}

fn text(array: &dyn Array, row: usize) -> Option<&str> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Some(texts.value(row));
    }
    let dictionary = array.as_dictionary_opt::<Int32Type>()?;
    Some(dictionary.values().as_string_opt::<i32>()?.value(dictionary.key(row)?))
}
