//! The views that `faaslens query` sees: every table of a store, and `runs`.
//!
//! The store is loaded into a temporary SQLite database that spills to disk: only the tables and columns whose names
//! occur in the query, only from files that the manifests name, so an unfinished collection is never seen. A view has
//! `run`, the declared columns, and `label_<key>` for every label key of the chosen runs. Instants are RFC 3339 texts
//! in UTC, which sort as instants and which SQLite's date functions take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use faaslens_analyze::stats::Sample;
use faaslens_schemas::arrow::array::{Array, AsArray, RecordBatch};
use faaslens_schemas::arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::{Column, Layout, Table};
use faaslens_schemas::tables::TABLES;
use faaslens_schemas::time::Timestamp;
use rusqlite::functions::{Aggregate, Context as Call, FunctionFlags};
use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

/// Rows of one batch on the way in.
const BATCH_ROWS: usize = 1 << 15;

/// Name of the view over the manifests.
pub(crate) const RUNS: &str = "runs";

/// Declared type of instants.
pub(crate) const TIMESTAMP: &str = "TIMESTAMP";

/// Declared type of truth values.
pub(crate) const BOOLEAN: &str = "BOOLEAN";

/// Names of all views, in the order of the documentation.
pub(crate) fn view_names() -> Vec<&'static str> {
    std::iter::once(RUNS).chain(TABLES.iter().map(|table| table.name)).collect()
}

/// A database with every view whose name occurs in the query.
///
/// # Errors
/// When a file that a manifest names cannot be read, or there is no room for the temporary database.
pub(crate) fn load(store: &Store, manifests: &[Manifest], sql: &str) -> anyhow::Result<Connection> {
    // An empty name is a private database on disk that goes with the connection.
    let database = Connection::open("").context("cannot make a temporary database")?;
    database.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")?;
    define_statistics(&database)?;
    let words = Words::of(sql);
    let keys = label_keys(manifests);
    load_runs(&database, manifests, &keys)?;
    for table in TABLES.iter().filter(|table| words.names(table.name)) {
        load_table(&database, store, manifests, table, &keys, &words)
            .with_context(|| format!("table {}", table.name))?;
    }
    database.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(database)
}

/// Columns of a view.
pub(crate) fn columns(name: &str, manifests: &[Manifest]) -> Vec<String> {
    let labels = label_keys(manifests).into_iter().map(label_column);
    if name == RUNS {
        let own = RUN_TEXTS.iter().map(|(name, _)| *name).chain(RUN_COUNTS.iter().map(|(name, _)| *name));
        return own.map(str::to_owned).chain(labels).collect();
    }
    let Some(table) = faaslens_schemas::tables::by_name(name) else { return Vec::new() };
    let declared = (table.columns)().into_iter().map(|column| column.name.to_owned());
    if table.layout == Layout::Pooled {
        return declared.collect();
    }
    std::iter::once("run".to_owned()).chain(declared).chain(labels).collect()
}

fn label_keys(manifests: &[Manifest]) -> BTreeSet<&str> {
    manifests.iter().flat_map(|manifest| manifest.labels.keys().map(String::as_str)).collect()
}

/// The column of a label.
pub(crate) fn label_column(key: &str) -> String {
    format!("label_{key}")
}

/// A name as SQL takes it, whatever its characters.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The words of a query: what is not among them need not be loaded.
struct Words {
    words: BTreeSet<String>,
    /// Whether a star asks for all columns.
    all: bool,
}

impl Words {
    fn of(sql: &str) -> Self {
        let lower = sql.to_lowercase();
        let compact: String = lower.split_whitespace().collect();
        let words = lower.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_owned).collect();
        Self { words, all: compact.replace("count(*)", "").contains('*') }
    }

    fn names(&self, word: &str) -> bool {
        self.words.contains(word)
    }
}

/// Loads the columns that the query may name, of all chosen runs, and makes the view.
fn load_table(
    database: &Connection,
    store: &Store,
    manifests: &[Manifest],
    table: &'static Table,
    keys: &BTreeSet<&str>,
    words: &Words,
) -> anyhow::Result<()> {
    let chosen = |column: &Column| words.all || words.names(column.name);
    let declared: Vec<Column> = (table.columns)().into_iter().filter(chosen).collect();
    let data = quoted(&format!("data_{}", table.name));
    let definitions: Vec<String> = std::iter::once("run_key INTEGER".to_owned())
        .chain(declared.iter().map(|column| format!("{} {}", quoted(column.name), declared_type(&column.data_type))))
        .collect();
    database.execute_batch(&format!("CREATE TABLE {data} ({})", definitions.join(", ")))?;
    let places = vec!["?"; definitions.len()].join(", ");
    let insert = format!("INSERT INTO {data} VALUES ({places})");
    if table.layout == Layout::Pooled {
        let path = store.pooled_path(table);
        if path.is_file() {
            load_files(database, &insert, 0, &[path], &declared)?;
        }
    } else {
        for (key, manifest) in (0_i64..).zip(manifests) {
            load_files(database, &insert, key, &store.files(manifest, table, None), &declared)?;
        }
    }
    let own = declared.iter().map(|column| format!("d.{}", quoted(column.name)));
    let name = quoted(table.name);
    let view = if table.layout == Layout::Pooled {
        let own: Vec<String> = if declared.is_empty() { vec!["d.run_key".to_owned()] } else { own.collect() };
        format!("CREATE VIEW {name} AS SELECT {} FROM {data} d", own.join(", "))
    } else {
        let labels = keys.iter().map(|key| format!("r.{}", quoted(&label_column(key))));
        let columns: Vec<String> = std::iter::once("r.run".to_owned()).chain(own).chain(labels).collect();
        format!(
            "CREATE VIEW {name} AS SELECT {} FROM {data} d JOIN {RUNS} r ON r.rowid = d.run_key",
            columns.join(", ")
        )
    };
    Ok(database.execute_batch(&view)?)
}

/// `SQLite`'s name of a column type.
pub(crate) fn declared_type(arrow: &DataType) -> &'static str {
    match arrow {
        DataType::Float64 => "REAL",
        DataType::Int64 => "INTEGER",
        DataType::Boolean => BOOLEAN,
        DataType::Timestamp(..) => TIMESTAMP,
        _ => "TEXT",
    }
}

fn load_files(
    database: &Connection,
    insert: &str,
    run_key: i64,
    files: &[PathBuf],
    declared: &[Column],
) -> anyhow::Result<()> {
    let names: Vec<&str> = declared.iter().map(|column| column.name).collect();
    database.execute_batch("BEGIN")?;
    let mut statement = database.prepare(insert)?;
    for path in files {
        if names.is_empty() {
            for _ in 0..Store::row_count(path)? {
                statement.execute([run_key])?;
            }
            continue;
        }
        for batch in Store::batches(path, &names, BATCH_ROWS)? {
            let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
            load_batch(&mut statement, run_key, &batch, &names, path)?;
        }
    }
    drop(statement);
    Ok(database.execute_batch("COMMIT")?)
}

fn load_batch(
    statement: &mut rusqlite::Statement<'_>,
    run_key: i64,
    batch: &RecordBatch,
    names: &[&str],
    path: &Path,
) -> anyhow::Result<()> {
    let readers = names
        .iter()
        .map(|name| batch.column_by_name(name).and_then(|array| reader(array.as_ref())))
        .collect::<Option<Vec<_>>>()
        .with_context(|| {
            format!("{}: expected columns {}, with their declared types", path.display(), names.join(", "))
        })?;
    for row in 0..batch.num_rows() {
        let key = std::iter::once(ToSqlOutput::Owned(Value::Integer(run_key)));
        statement.execute(params_from_iter(key.chain(readers.iter().map(|read| read(row)))))?;
    }
    Ok(())
}

/// Reads one value by its row.
pub(crate) type Reader<'a> = Box<dyn Fn(usize) -> ToSqlOutput<'a> + 'a>;

/// Reads the values of an array; `None` for a type that no table has.
pub(crate) fn reader(array: &dyn Array) -> Option<Reader<'_>> {
    const NULL: ToSqlOutput<'static> = ToSqlOutput::Owned(Value::Null);
    let some = |value| ToSqlOutput::Owned(value);
    Some(match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            Box::new(move |i| if values.is_null(i) { NULL } else { some(Value::Real(values.value(i))) })
        }
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            Box::new(move |i| if values.is_null(i) { NULL } else { some(Value::Integer(values.value(i))) })
        }
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(move |i| if values.is_null(i) { NULL } else { some(Value::Integer(values.value(i).into())) })
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let values = array.as_primitive::<TimestampMicrosecondType>();
            let text = move |i| Timestamp::from_micros(values.value(i)).to_string();
            Box::new(move |i| if values.is_null(i) { NULL } else { some(Value::Text(text(i))) })
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            let text = move |i| ToSqlOutput::Borrowed(ValueRef::Text(values.value(i).as_bytes()));
            Box::new(move |i| if values.is_null(i) { NULL } else { text(i) })
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_dictionary_opt::<Int32Type>()?;
            let values = dictionary.values().as_string_opt::<i32>()?;
            let text = move |key: usize| ToSqlOutput::Borrowed(ValueRef::Text(values.value(key).as_bytes()));
            Box::new(move |i| dictionary.key(i).map_or(NULL, text))
        }
        _ => return None,
    })
}

/// `MEDIAN(x)`, `QUANTILE_CONT(x, p)` and `STDDEV(x)`: the same quantile as everywhere (Hyndman & Fan type 7), and the
/// sample standard deviation. Null where there is no value, or too few.
fn define_statistics(database: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    database.create_aggregate_function(
        "median",
        1,
        flags,
        Statistic(|values, _| Some(Sample::of_known(values)?.median())),
    )?;
    for name in ["quantile_cont", "quantile"] {
        let quantile: Formula = |values, p| {
            let p = p.filter(|p| (0.0..=1.0).contains(p))?;
            Some(Sample::of_known(values)?.quantile(p))
        };
        database.create_aggregate_function(name, 2, flags, Statistic(quantile))?;
    }
    database.create_aggregate_function("stddev", 1, flags, Statistic(|values, _| standard_deviation(&values)))
}

fn standard_deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

type Formula = fn(Vec<f64>, Option<f64>) -> Option<f64>;

/// A statistic of the known values of a group, with the function's second argument.
struct Statistic(Formula);

impl Aggregate<(Vec<f64>, Option<f64>), Option<f64>> for Statistic {
    fn init(&self, _call: &mut Call<'_>) -> rusqlite::Result<(Vec<f64>, Option<f64>)> {
        Ok((Vec::new(), None))
    }

    fn step(&self, call: &mut Call<'_>, (values, second): &mut (Vec<f64>, Option<f64>)) -> rusqlite::Result<()> {
        values.extend(call.get::<Option<f64>>(0)?.filter(|value| value.is_finite()));
        if call.len() > 1 {
            *second = call.get(1)?;
        }
        Ok(())
    }

    fn finalize(&self, _call: &mut Call<'_>, state: Option<(Vec<f64>, Option<f64>)>) -> rusqlite::Result<Option<f64>> {
        Ok(state.and_then(|(values, second)| self.0(values, second)))
    }
}

type Of<T> = fn(&Manifest) -> T;

/// Text columns of the view `runs`.
const RUN_TEXTS: &[(&str, Of<Option<String>>)] = &[
    ("run", |manifest| Some(manifest.run.clone())),
    ("deployment_id", |manifest| manifest.deployment_id.clone()),
    ("window_from", |manifest| manifest.window.as_ref().map(|window| window.from.clone())),
    ("window_to", |manifest| manifest.window.as_ref().map(|window| window.to.clone())),
];

/// Counts of the view `runs`.
const RUN_COUNTS: &[(&str, Of<u64>)] = &[
    ("parts", |manifest| u64::from(manifest.parts)),
    ("sources", |manifest| manifest.sources.len() as u64),
    ("bytes", |manifest| manifest.sources.iter().map(|source| source.bytes).sum()),
    ("records", |manifest| manifest.sources.iter().map(|source| source.records).sum()),
    ("platform", |manifest| manifest.sources.iter().map(|source| source.platform).sum()),
    ("duplicates", |manifest| manifest.sources.iter().map(|source| source.duplicates).sum()),
    ("rejects", Manifest::rejects),
];

/// The manifests; the row id of a run is its place among them.
fn load_runs(database: &Connection, manifests: &[Manifest], keys: &BTreeSet<&str>) -> anyhow::Result<()> {
    let texts = RUN_TEXTS.iter().map(|(name, _)| format!("{name} TEXT"));
    let counts = RUN_COUNTS.iter().map(|(name, _)| format!("{name} INTEGER"));
    let labels = keys.iter().map(|key| format!("{} TEXT", quoted(&label_column(key))));
    let definitions: Vec<String> = texts.chain(counts).chain(labels).collect();
    database.execute_batch(&format!("CREATE TABLE {RUNS} ({})", definitions.join(", ")))?;
    let names: Vec<String> = columns(RUNS, manifests).iter().map(|name| quoted(name)).collect();
    let places = vec!["?"; names.len() + 1].join(", ");
    let mut insert =
        database.prepare(&format!("INSERT INTO {RUNS} (rowid, {}) VALUES ({places})", names.join(", ")))?;
    for (key, manifest) in (0_i64..).zip(manifests) {
        let texts = RUN_TEXTS.iter().map(|(_, of)| Value::from(of(manifest)));
        let counts = RUN_COUNTS.iter().map(|(_, of)| Value::from(i64::try_from(of(manifest)).ok()));
        let labels = keys.iter().map(|key| Value::from(manifest.labels.get(*key).cloned()));
        insert
            .execute(params_from_iter(std::iter::once(Value::Integer(key)).chain(texts).chain(counts).chain(labels)))?;
    }
    Ok(())
}
