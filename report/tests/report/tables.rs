//! Tables as text.

use std::sync::Arc;

use faaslens_report::tables::{FORMATS, Format, Sheet, render, render_piece, table_one, write};
use faaslens_schemas::arrow::array::{
    BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use proptest::prelude::*;

use crate::sample;

fn batch() -> RecordBatch {
    let at = TimestampMicrosecondArray::from(vec![Some(1_795_330_914_438_001), None]).with_timezone("UTC");
    RecordBatch::try_from_iter_with_nullable([
        ("name", Arc::new(StringArray::from(vec![Some("a|b,\"c\""), None])) as _, true),
        ("n", Arc::new(Int64Array::from(vec![Some(63_861), None])) as _, true),
        ("median_ms", Arc::new(Float64Array::from(vec![Some(0.1 + 0.2), None])) as _, true),
        ("cold", Arc::new(BooleanArray::from(vec![Some(true), None])) as _, true),
        ("at", Arc::new(at) as _, true),
    ])
    .expect("batch")
}

#[test]
fn csv_is_exact_and_leaves_unknown_values_empty() {
    assert_eq!(
        render(&batch(), Format::Csv).expect("csv"),
        "name,n,median_ms,cold,at\n\"a|b,\"\"c\"\"\",63861,0.30000000000000004,true,2026-11-22T07:01:54.438001Z\n,,,,\n"
    );
}

#[test]
fn json_is_exact_and_has_null_for_unknown_values() {
    let text = render(&batch(), Format::Json).expect("json");
    let value: serde_json::Value = serde_json::from_str(&text).expect("valid JSON");
    assert_eq!(value[0]["median_ms"].as_f64(), Some(0.1 + 0.2));
    assert_eq!(value[0]["n"].as_i64(), Some(63_861));
    assert_eq!(value[0]["at"], "2026-11-22T07:01:54.438001Z");
    assert!(value[1].as_object().expect("object").values().all(serde_json::Value::is_null));
}

#[test]
fn markdown_is_aligned_rounded_and_escaped() {
    assert_eq!(
        render(&batch(), Format::Markdown).expect("markdown"),
        "| name     |     n | median\\_ms | cold | at                          |\n\
         | :------- | ----: | ---------: | :--- | :-------------------------- |\n\
         | a\\|b,\"c\" | 63861 |      0.300 | yes  | 2026-11-22T07:01:54.438001Z |\n\
         | n/a      |   n/a |        n/a | n/a  | n/a                         |\n"
    );
}

#[test]
fn an_interval_stands_in_the_cell_of_its_estimate() {
    let floats = |values: [Option<f64>; 2]| Arc::new(Float64Array::from(values.to_vec())) as _;
    let columns: [(&str, _, bool); 6] = [
        ("median_ms", floats([Some(12.34), Some(5.0)]), true),
        ("median_low_ms", floats([Some(12.06), None]), true),
        ("median_high_ms", floats([Some(12.61), None]), true),
        ("interval", Arc::new(StringArray::from(vec![Some("order statistics"), None])) as _, true),
        ("whisker_low_ms", floats([Some(1.0), Some(2.0)]), true),
        ("whisker_high_ms", floats([Some(3.0), Some(4.0)]), true),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("batch");
    let sheet = Sheet::from_batch(&batch).expect("sheet").with_intervals();
    let names: Vec<&str> = sheet.headings.iter().map(|heading| heading.name.as_str()).collect();
    assert_eq!(names, ["median_ms", "interval", "whisker_low_ms", "whisker_high_ms"]);
    assert_eq!(sheet.rounded()[0][0], "12.34 [12.06, 12.61]");
    assert_eq!(sheet.rounded()[1][..2], ["5.00", "n/a"]);
}

#[test]
fn latex_has_booktabs_rules_and_escaped_cells() {
    let text = render(&batch(), Format::Latex).expect("latex");
    assert!(text.contains("\\begin{tabular}{lrrll}\n\\toprule\nname & n & median\\_ms & cold & at \\\\\n\\midrule\n"));
    assert!(text.contains("a\\textbar{}b,\\textquotedbl{}c\\textquotedbl{} & 63861 & 0.300 & yes & "));
    assert!(text.ends_with("\\bottomrule\n\\end{tabular}\n"));
}

#[test]
fn a_table_without_rows_keeps_its_header() {
    let empty = batch().slice(0, 0);
    assert_eq!(render(&empty, Format::Csv).expect("csv"), "name,n,median_ms,cold,at\n");
    assert_eq!(render(&empty, Format::Json).expect("json"), "[\n]\n");
    for &(name, _, format) in FORMATS {
        assert!(render(&empty, format).is_ok(), "{name}");
        assert_eq!(Format::by_name(name), Some(format));
    }
}

#[test]
fn table_1_equals_the_independent_one() {
    let text = write(&table_one::sheet(&sample::rows()), Format::Csv);
    let mut found: Vec<Vec<String>> =
        text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let expected = std::fs::read_to_string(sample::path("table1_like.csv")).expect("expected table");
    let mut expected: Vec<Vec<String>> = expected
        .lines()
        .skip(1)
        .map(|line| {
            // test,param,nodes,dev,size,lcl,cld,bad,typ,opt: a missing parameter is `null`, hardware is dev.size.
            let cells: Vec<&str> = line.split(',').collect();
            let parameter = if cells[1] == "null" { "" } else { cells[1] };
            let hardware = format!("{}.{}", cells[3], cells[4]);
            [cells[0], parameter, cells[2], &hardware].iter().chain(&cells[5..]).map(|c| (*c).to_owned()).collect()
        })
        .collect();
    found.sort();
    expected.sort();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

proptest! {
    #[test]
    fn pieces_make_the_whole(cut in 0usize..=4, json: bool) {
        let format = if json { Format::Json } else { Format::Csv };
        let whole = faaslens_schemas::arrow::compute::concat_batches(&batch().schema(), [&batch(), &batch()]).expect("batch");
        let pieces = [whole.slice(0, cut), whole.slice(cut, 4 - cut)];
        prop_assume!(!json || cut > 0);
        let first = render_piece(&pieces[0], format, true, false).expect("piece");
        let last = render_piece(&pieces[1], format, false, true).expect("piece");
        prop_assert_eq!(first + &last, render(&whole, format).expect("whole"));
    }
}
