//! The recorded sample as result tables.

use std::path::Path;
use std::sync::Arc;

use faaslens_report::{ReportInput, RunTables};
use faaslens_schemas::arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use faaslens_schemas::arrow::array::{StringDictionaryBuilder, TimestampMicrosecondArray};
use faaslens_schemas::arrow::datatypes::{DataType, Int32Type};
use faaslens_schemas::manifest::{Manifest, Source, State, Window};
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{ClockOffset, ColdStart, Completeness, Contribution, Share, TukeyBox};
use faaslens_schemas::time::Timestamp;

pub(crate) fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Rows of a table from its CSV file.
pub(crate) fn rows<R: Row>() -> Vec<R> {
    let mut reader = csv::Reader::from_path(path(&format!("{}.csv", R::TABLE.name))).expect("sample file");
    let headers = reader.headers().expect("header").clone();
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("record")).collect();
    let schema = R::schema();
    let columns = schema.fields().iter().map(|field| {
        let place = headers.iter().position(|name| name == field.name());
        let texts: Vec<Option<&str>> = records
            .iter()
            .map(|record| place.and_then(|place| record.get(place)).filter(|text| !text.is_empty()))
            .collect();
        array(field.data_type(), &texts)
    });
    let batch = RecordBatch::try_new(R::schema(), columns.collect()).expect("columns fit the table");
    R::from_batch(&batch).expect("rows fit the table")
}

fn array(data_type: &DataType, texts: &[Option<&str>]) -> ArrayRef {
    let parsed = |text: Option<&str>| text.map(|text| text.parse::<f64>().expect("number"));
    let whole = |text: Option<&str>| text.map(|text| text.parse::<i64>().expect("whole number"));
    match data_type {
        DataType::Float64 => Arc::new(texts.iter().copied().map(parsed).collect::<Float64Array>()),
        DataType::Int64 => Arc::new(texts.iter().copied().map(whole).collect::<Int64Array>()),
        DataType::Boolean => Arc::new(texts.iter().map(|text| text.map(|t| t == "true")).collect::<BooleanArray>()),
        DataType::Timestamp(..) => {
            let array: TimestampMicrosecondArray = texts.iter().copied().map(whole).collect();
            Arc::new(array.with_timezone("UTC"))
        }
        DataType::Dictionary(..) => {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            for text in texts {
                builder.append_option(*text);
            }
            Arc::new(builder.finish())
        }
        _ => Arc::new(texts.iter().copied().collect::<StringArray>()),
    }
}

/// A complete, analysed run without results.
pub(crate) fn run(id: &str) -> RunTables {
    let mut manifest = Manifest::new(id, 1);
    manifest.state = State::Complete;
    manifest.window =
        Some(Window { from: "2026-11-22T07:01:54.438Z".to_owned(), to: "2026-11-22T07:03:12.001Z".to_owned() });
    manifest.labels = [("experiment".to_owned(), "webservice".to_owned())].into();
    let source = Source { name: "aws.log".to_owned(), records: 44_169, bytes: 1, ..Source::default() };
    manifest.sources = vec![source];
    let counted = Completeness {
        provider: "aws".into(),
        verdict: Some("complete".into()),
        lines: 44_169,
        ..Completeness::default()
    };
    RunTables { completeness: vec![counted], ..RunTables::new(manifest) }
}

/// One share; hand-made.
pub(crate) fn share(scope: &str, name: &str, category: &str, mean_ms: f64) -> Share {
    Share {
        method: "wall".into(),
        scope: scope.into(),
        name: name.into(),
        category: category.into(),
        n: 100,
        sum_ms: mean_ms * 100.0,
        mean_ms: Some(mean_ms),
        complete: true,
        ..Share::default()
    }
}

fn shares() -> Vec<Share> {
    let bars = [
        ("overall", "all", [4.1, 41.0, 6.2, 3.0, 0.0, 22.0]),
        ("route", "GET /", [2.3, 30.0, 3.4, 2.0, 0.0, 15.0]),
        ("route", "GET /product/:productId", [3.0, 38.5, 5.0, 1.0, 0.0, 18.0]),
        ("route", "POST /checkout", [8.5, 92.0, 14.0, 12.0, 6.5, 25.0]),
    ];
    let categories = ["compute", "network", "db", "cold", "trigger", "client_network"];
    bars.iter()
        .flat_map(|(scope, name, means)| {
            categories.iter().zip(means).map(|(category, mean)| share(scope, name, category, *mean))
        })
        .collect()
}

/// Hand-made.
fn contributions() -> Vec<Contribution> {
    let functions = [("frontend", "aws", "own", 9.5), ("frontend", "aws", "compute", 9.5)];
    let store = [("cartkvstorage", "google", "own", 6.25), ("cartkvstorage", "google", "db", 5.5)];
    let idle = [("email", "azure", "own", 0.0), ("checkout", "aws", "network", 12.5), ("checkout", "aws", "own", 4.0)];
    let row = |(function, provider, category, fall_ms): (&str, &str, &str, f64)| Contribution {
        scope: "overall".into(),
        name: "all".into(),
        provider: provider.into(),
        function: function.into(),
        category: category.into(),
        n: 60,
        traces: 100,
        root_median_ms: Some(54.3),
        root_fall_ms: Some(fall_ms),
        complete: true,
        ..Contribution::default()
    };
    functions.into_iter().chain(store).chain(idle).map(row).collect()
}

/// Hand-made: network time between two pairs of providers.
fn network() -> Vec<TukeyBox> {
    let row = |provider: &str, peer: &str, median_ms: f64| TukeyBox {
        measure: "network".into(),
        provider: provider.into(),
        peer: Some(peer.into()),
        n: 120,
        min_ms: median_ms - 4.0,
        whisker_low_ms: median_ms - 4.0,
        q1_ms: median_ms - 1.5,
        median_ms,
        q3_ms: median_ms + 2.0,
        whisker_high_ms: median_ms + 6.0,
        max_ms: median_ms + 6.0,
        mean_ms: median_ms + 0.5,
        complete: true,
        ..TukeyBox::default()
    };
    vec![row("aws", "azure", 24.0), row("azure", "google", 19.0)]
}

/// Hand-made: a capped log beside another, by second.
fn completeness() -> Vec<Completeness> {
    let row = |provider: &str, second: i64, lines| Completeness {
        provider: provider.into(),
        second: Some(Timestamp::from_millis(1_795_330_900_000 + second * 1000)),
        lines,
        ..Completeness::default()
    };
    let seconds = (0..12).flat_map(|s| [row("aws", s, 40 + s % 5 * 9), row("azure", s, 60)]);
    let total = |provider: &str, cap_per_s| Completeness {
        provider: provider.into(),
        verdict: Some("complete".into()),
        lines: 700,
        cap_per_s,
        ..Completeness::default()
    };
    seconds.chain([total("aws", None), total("azure", Some(60.0))]).collect()
}

/// Hand-made: one pair of clocks that may agree, one that differs.
fn clock_offsets() -> Vec<ClockOffset> {
    let row = |b: &str, minute: i64, low_ms: f64, high_ms: f64| ClockOffset {
        provider_a: "aws".into(),
        provider_b: b.into(),
        at: Timestamp::from_millis(1_795_330_900_000 + minute * 60_000),
        low_ms: Some(low_ms),
        high_ms: Some(high_ms),
        estimate_ms: Some(f64::midpoint(low_ms, high_ms)),
        calls: 120,
        ..ClockOffset::default()
    };
    let pairs =
        (0..5).map(|m| row("azure", m, -9.0 - m as f64, 8.0)).chain((0..5).map(|m| row("google", m, 31.0, 44.0)));
    pairs.collect()
}

/// One run with every table.
pub(crate) fn input() -> ReportInput {
    let cold = |function: &str, n, cold_n| ColdStart {
        provider: "aws".into(),
        function: function.into(),
        n,
        cold_n,
        complete: true,
        ..ColdStart::default()
    };
    let run = RunTables {
        boxes: rows().into_iter().chain(network()).collect(),
        outliers: rows(),
        phases: rows(),
        throughput: rows(),
        chains: rows(),
        shares: shares(),
        contributions: contributions(),
        clock_offsets: clock_offsets(),
        completeness: completeness(),
        cold_starts: vec![cold("frontend", 190, 10), cold("checkout", 50, 2)],
        ..run("webservice-1")
    };
    ReportInput { runs: vec![run], responses: rows(), ..ReportInput::default() }
}

/// The sample cut down so that its drawings can be read as text.
pub(crate) fn small() -> ReportInput {
    let mut input = input();
    let run = &mut input.runs[0];
    run.outliers = run.outliers.iter().step_by(20).cloned().collect();
    run.phases = run.phases.iter().step_by(6).cloned().collect();
    run.chains = run.chains.iter().step_by(9).cloned().collect();
    input
}
