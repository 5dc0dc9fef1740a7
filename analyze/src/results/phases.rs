//! Time line of a run: invocations by the time since load began.

use std::cmp::Ordering;
use std::sync::Arc;

use faaslens_schemas::arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray,
};
use faaslens_schemas::arrow::datatypes::Int32Type;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::PhasePoint;
use faaslens_schemas::time::Timestamp;
use faaslens_schemas::{Error, Result};

use super::RunInput;
use crate::facts::{Facts, InvocationFact, Name, NameTable};

/// Rows of a batch: bounds the memory of a table that has a row for each invocation.
const CHUNK: usize = 1 << 16;

/// The table `phases`: one row for each invocation that ended, in order of time, in batches of at most 65,536 rows.
///
/// Load begins with the first client request; in a run without requests, with the first invocation. A run without
/// invocations that ended gives no batch.
///
/// # Errors
/// An item is an error when Arrow refuses the columns, which is a defect of the table's declaration.
pub fn phases<'a>(input: &RunInput<'a>) -> impl Iterator<Item = Result<RecordBatch>> + use<'a> {
    let facts = input.facts;
    let first_invocation = || facts.invocations.iter().map(|fact| fact.start).min();
    let load = input.requests.first_sent().or_else(first_invocation).unwrap_or_default();
    let ended = (0..).zip(&facts.invocations).filter(|(_, fact)| fact.duration_ms.is_some());
    let mut order: Vec<(Timestamp, u32)> = ended.map(|(index, fact)| (fact.start, index)).collect();
    let at = move |index: u32| &facts.invocations[index as usize];
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(facts, at(a.1), at(b.1))));
    let mut next = 0;
    std::iter::from_fn(move || {
        let chunk = &order[next..(next + CHUNK).min(order.len())];
        next += chunk.len();
        let rows: Vec<&InvocationFact> = chunk.iter().map(|(_, index)| at(*index)).collect();
        (!rows.is_empty()).then(|| batch(facts, &rows, load))
    })
}

/// Of invocations that start together, by all else that a row shows.
fn compare(facts: &Facts, a: &InvocationFact, b: &InvocationFact) -> Ordering {
    let texts = |fact: &InvocationFact| (facts.names.text(fact.provider), facts.names.text(fact.function));
    let by_value = |a: Option<f64>, b: Option<f64>| a.unwrap_or(-1.0).total_cmp(&b.unwrap_or(-1.0));
    let same = (a.provider, a.function) == (b.provider, b.function);
    let by_name = if same { Ordering::Equal } else { texts(a).cmp(&texts(b)) };
    by_name
        .then_with(|| by_value(a.duration_ms, b.duration_ms))
        .then_with(|| a.cold.cmp(&b.cold))
        .then_with(|| by_value(a.caller_ms, b.caller_ms))
}

/// Rows as the columns of [`PhasePoint`], without a row type in between: there may be millions.
fn batch(facts: &Facts, rows: &[&InvocationFact], load: Timestamp) -> Result<RecordBatch> {
    let since_load = rows.iter().map(|fact| fact.start.ms_since(load) / 1000.0);
    let columns: Vec<ArrayRef> = vec![
        labels(&facts.names, rows.iter().map(|fact| fact.provider))?,
        labels(&facts.names, rows.iter().map(|fact| fact.function))?,
        Arc::new(Float64Array::from_iter_values(since_load)),
        Arc::new(rows.iter().map(|fact| fact.duration_ms).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|fact| fact.cold).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|fact| fact.caller_ms).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(PhasePoint::schema(), columns).map_err(refused)
}

/// Names as a dictionary in the order of their first row, so that it does not depend on their ids.
fn labels(names: &NameTable, column: impl Iterator<Item = Name>) -> Result<ArrayRef> {
    let mut texts: Vec<&str> = Vec::new();
    let mut keys: Vec<Option<i32>> = vec![None; names.len()];
    let key = |name: Name| {
        *keys[name.index()].get_or_insert_with(|| {
            texts.push(names.text(name));
            i32::try_from(texts.len() - 1).unwrap_or(i32::MAX)
        })
    };
    let keys = Int32Array::from_iter_values(column.map(key));
    let values = Arc::new(StringArray::from(texts));
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).map_err(refused)?))
}

fn refused(source: faaslens_schemas::arrow::error::ArrowError) -> Error {
    Error::Arrow { table: PhasePoint::TABLE.name, source }
}
