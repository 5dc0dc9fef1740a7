//! `faaslens query`: SQL over the tables of a store.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use faaslens_collect::formats::stamp;
use faaslens_report::tables::Format as TextFormat;
use faaslens_schemas::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use faaslens_schemas::manifest::Manifest;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::catalog;
use crate::cli::RunArguments;
use crate::outcome::{Outcome, wrong_use};
use crate::output::NewFile;
use crate::printer::Printer;
use crate::stream;

/// Rows of one batch on the way out.
const BATCH_ROWS: usize = 1 << 14;

const EXAMPLES: &str = "\
Views: every table of `faaslens schema`, with a column run and the run's labels as label_<key>, and runs.

Examples:
  faaslens query --store store \"SELECT function, MEDIAN(duration_ms) AS ms, COUNT(*) AS n FROM invocations GROUP BY function ORDER BY ms DESC\"
  faaslens query --store store \"SELECT t.context_id, t.client_ms FROM traces t WHERE t.client_ms > 1000\" --format csv
  faaslens query --store store \"SELECT label_network, COUNT(*) AS n FROM client_requests WHERE NOT success GROUP BY label_network\"
  faaslens query --store store \"SELECT * FROM calls\" --format parquet --out calls.parquet";

/// Answers a question in SQL over all tables of a store.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The query, in the SQL dialect of SQLite, with `MEDIAN`, `QUANTILE_CONT` and `STDDEV`.
    #[arg(value_name = "SQL")]
    sql: String,
    #[command(flatten)]
    runs: RunArguments,
    /// Format of the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// File to write instead of standard output; needed for parquet.
    #[arg(long, value_name = "FILE", required_if_eq("format", "parquet"))]
    out: Option<PathBuf>,
}

/// Format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns for the terminal.
    Text,
    /// RFC 4180 with a header line.
    Csv,
    /// An array of objects.
    Json,
    /// A pipe table.
    Markdown,
    /// A LaTeX table with booktabs rules.
    Latex,
    /// A Typst table.
    Typst,
    /// A Parquet file.
    Parquet,
}

impl Format {
    /// The text format; `None` for Parquet.
    fn text(self) -> Option<TextFormat> {
        Some(match self {
            Self::Text => TextFormat::Text,
            Self::Csv => TextFormat::Csv,
            Self::Json => TextFormat::Json,
            Self::Markdown => TextFormat::Markdown,
            Self::Latex => TextFormat::Latex,
            Self::Typst => TextFormat::Typst,
            Self::Parquet => return None,
        })
    }
}

impl Arguments {
    /// Answers the query.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let (store, manifests) = self.runs.select(printer)?;
        let mut file = self.out.as_deref().map(NewFile::create).transpose()?;
        let database = catalog::load(&store, &manifests, &self.sql)?;
        let answer = answer(&database, &self.sql).map_err(|error| explain(error, &self.sql, &manifests))?;
        match (self.format.text(), &mut file) {
            (None, Some(file)) => write_parquet(&answer, file)?,
            (None, None) => return Err(wrong_use("--format parquet needs --out FILE")),
            (Some(format), Some(file)) => {
                write_text(&answer, format, file)?;
            }
            (Some(format), None) => {
                let left_out = write_text(&answer, format, &mut printer.results())?;
                if left_out > 0 {
                    printer.note(&stream::left_out_note(left_out));
                }
            }
        }
        file.map_or(Ok(()), NewFile::finish)?;
        Ok(Outcome::Done)
    }
}

fn write_parquet(answer: &RecordBatch, out: &mut NewFile) -> anyhow::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let written = ArrowWriter::try_new(out, answer.schema(), Some(properties))
        .and_then(|mut writer| writer.write(answer).and_then(|()| writer.close()));
    written.context("cannot write the answer").map(drop)
}

fn write_text(answer: &RecordBatch, format: TextFormat, out: &mut dyn Write) -> anyhow::Result<usize> {
    let pieces = (0..answer.num_rows())
        .step_by(BATCH_ROWS)
        .map(|start| Ok(answer.slice(start, BATCH_ROWS.min(answer.num_rows() - start))));
    stream::write(&answer.schema(), pieces, format, out)
}

/// Runs a query that only reads.
fn answer(database: &Connection, sql: &str) -> anyhow::Result<RecordBatch> {
    let mut statement = database.prepare(sql)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(wrong_use("query: expected a SELECT, found a statement that changes something"));
    }
    let mut columns: Vec<Answered> = statement.columns().map(|column| Answered::new(&column)).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for (i, column) in columns.iter_mut().enumerate() {
            column.values.push(row.get(i)?);
        }
    }
    let arrays: Vec<(String, ArrayRef, bool)> =
        columns.into_iter().map(|column| (column.name.clone(), column.into_array(), true)).collect();
    Ok(RecordBatch::try_from_iter_with_nullable(arrays)?)
}

/// One column of an answer.
struct Answered {
    name: String,
    /// Type of the table's column that it shows unchanged.
    declared: Option<String>,
    values: Vec<Value>,
}

impl Answered {
    fn new(column: &rusqlite::Column<'_>) -> Self {
        let declared = column.decl_type().map(str::to_owned);
        Self { name: column.name().to_owned(), declared, values: Vec::new() }
    }

    /// Typed by the declared type, else by the values: whole numbers, numbers, texts.
    fn into_array(self) -> ArrayRef {
        let any = |is: fn(&Value) -> bool| self.values.iter().any(is);
        let texts = any(|value| matches!(value, Value::Text(_) | Value::Blob(_)));
        match self.declared.as_deref() {
            Some(catalog::BOOLEAN) => {
                let truth = |value: &Value| matches!(value, Value::Integer(n) if *n != 0);
                let known = |value: &Value| (*value != Value::Null).then(|| truth(value));
                Arc::new(self.values.iter().map(known).collect::<BooleanArray>())
            }
            Some(catalog::TIMESTAMP) => {
                let micros = self.values.iter().map(|value| match value {
                    Value::Text(text) => stamp::read(text.as_bytes()).map(|(at, _)| at.micros()),
                    _ => None,
                });
                Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            declared if texts || declared == Some("TEXT") => {
                Arc::new(self.values.into_iter().map(text).collect::<StringArray>())
            }
            declared if any(|value| matches!(value, Value::Real(_))) || declared == Some("REAL") => {
                let number = |value: &Value| match value {
                    Value::Real(number) => Some(*number),
                    Value::Integer(number) => Some(*number as f64),
                    _ => None,
                };
                Arc::new(self.values.iter().map(number).collect::<Float64Array>())
            }
            _ => {
                let number = |value: &Value| if let Value::Integer(number) = value { Some(*number) } else { None };
                Arc::new(self.values.iter().map(number).collect::<Int64Array>())
            }
        }
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// What is wrong with a query, with the names that it could have used.
fn explain(error: anyhow::Error, sql: &str, manifests: &[Manifest]) -> anyhow::Error {
    let text = match error.downcast_ref::<rusqlite::Error>() {
        Some(rusqlite::Error::SqlInputError { msg, .. }) => msg.clone(),
        Some(rusqlite::Error::MultipleStatement) => "expected one statement".to_owned(),
        Some(rusqlite::Error::SqliteFailure(failure, text)) if failure.code == rusqlite::ErrorCode::Unknown => {
            text.clone().unwrap_or_else(|| failure.to_string())
        }
        _ => return error,
    };
    let lower = sql.to_lowercase();
    let mut known = vec![format!("query: {text}")];
    if text.starts_with("no such table") {
        known.push(format!("the tables are {}", catalog::view_names().join(", ")));
    }
    if text.starts_with("no such column") {
        let mentioned = catalog::view_names().into_iter().filter(|name| lower.contains(name));
        known.extend(mentioned.map(|name| format!("{name} has {}", catalog::columns(name, manifests).join(", "))));
    }
    wrong_use(known.join("; "))
}
