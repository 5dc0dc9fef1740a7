//! How sure one-way times are, once the offsets between all clocks are known.

use std::collections::HashMap;
use std::sync::Arc;

use faaslens_schemas::arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Float64Array, RecordBatch};
use faaslens_schemas::arrow::datatypes::{Float64Type, Int32Type};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::Call;
use faaslens_schemas::{Error, Result};

use crate::clocks::Offsets;
use crate::facts::{Facts, Name};

/// Column that is widened.
const UNCERTAINTY: &str = "uncertainty_ms";

/// Rows of `calls`, as [`assemble`](super::assemble) gives them, with what the offset of the two clocks leaves open added
/// to `uncertainty_ms`; null where nothing bounds the offset.
///
/// # Errors
/// [`Column`](faaslens_schemas::Error::Column) when the batch is none of `calls`.
pub fn widen_one_way_times(calls: &RecordBatch, offsets: &Offsets) -> Result<RecordBatch> {
    let uncertainty =
        column(calls, UNCERTAINTY)?.as_primitive_opt::<Float64Type>().ok_or_else(|| mismatch(UNCERTAINTY))?;
    let callers = Providers::of(calls, "caller_provider")?;
    let callees = Providers::of(calls, "callee_provider")?;
    let widths: Vec<Vec<Option<f64>>> = callers
        .names
        .iter()
        .map(|caller| callees.names.iter().map(|callee| offsets.uncertainty_ms(caller, callee)).collect())
        .collect();
    let widened: Float64Array = (0..calls.num_rows())
        .map(|row| {
            let own = uncertainty.is_valid(row).then(|| uncertainty.value(row))?;
            Some(own + widths[callers.keys.key(row)?][callees.keys.key(row)?]?)
        })
        .collect();
    let place = calls.schema().index_of(UNCERTAINTY).map_err(refused)?;
    let mut columns: Vec<ArrayRef> = calls.columns().to_vec();
    columns[place] = Arc::new(widened);
    RecordBatch::try_new(calls.schema(), columns).map_err(refused)
}

/// A dictionary column of providers.
struct Providers<'a> {
    keys: &'a DictionaryArray<Int32Type>,
    names: Vec<&'a str>,
}

impl<'a> Providers<'a> {
    fn of(calls: &'a RecordBatch, name: &'static str) -> Result<Self> {
        let keys = column(calls, name)?.as_dictionary_opt::<Int32Type>().ok_or_else(|| mismatch(name))?;
        let values = keys.values().as_string_opt::<i32>().ok_or_else(|| mismatch(name))?;
        Ok(Self { keys, names: values.iter().map(Option::unwrap_or_default).collect() })
    }
}

fn column<'a>(calls: &'a RecordBatch, name: &'static str) -> Result<&'a ArrayRef> {
    calls.column_by_name(name).ok_or_else(|| mismatch(name))
}

fn mismatch(column: &'static str) -> Error {
    let path = std::path::PathBuf::new();
    let (expected, found) = ("a column of calls".to_owned(), "another".to_owned());
    Error::Column { path, table: Call::TABLE.name, column, expected, found }
}

fn refused(source: faaslens_schemas::arrow::error::ArrowError) -> Error {
    Error::Arrow { table: Call::TABLE.name, source }
}

impl Facts {
    /// Adds what the offset of the two clocks leaves open to the uncertainty of every trigger delay; `None` where
    /// nothing bounds the offset.
    pub fn widen_one_way_times(&mut self, offsets: &Offsets) {
        let mut widths: HashMap<(Name, Name), Option<f64>> = HashMap::new();
        for fact in &mut self.calls {
            let Some(event) = fact.event.as_deref_mut() else { continue };
            let Some((from, to)) = fact.caller_provider.zip(fact.callee_provider) else { continue };
            let width = *widths
                .entry((from, to))
                .or_insert_with(|| offsets.uncertainty_ms(self.names.text(from), self.names.text(to)));
            event.uncertainty_ms = event.uncertainty_ms.zip(width).map(|(own, width)| own + width);
        }
    }
}
