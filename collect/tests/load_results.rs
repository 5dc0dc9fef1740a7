//! Result files of k6, oha and hey: what their rows become.

use std::ops::ControlFlow;

use faaslens_collect::formats::jtl::{Outcome, Sink, Unfit};
use faaslens_collect::formats::{k6, relative_csv};
use faaslens_schemas::tables::{ClientRequest, Reject};
use faaslens_schemas::time::Timestamp;

const HEY: &str = include_str!("data/load/hey-0.1.4.csv");
const OHA: &str = include_str!("data/load/oha.csv");
const K6_JSON: &str = include_str!("data/load/k6.json");
const K6_CSV: &str = include_str!("data/load/k6.csv");
/// 2026-11-22T07:00:00Z.
const BEGAN: Timestamp = Timestamp::from_micros(1_795_330_800_000_000);

#[derive(Default)]
struct Pieces {
    rows: Vec<ClientRequest>,
    rejects: Vec<Reject>,
}

impl Sink for Pieces {
    fn row(&mut self, row: ClientRequest) -> ControlFlow<()> {
        self.rows.push(row);
        ControlFlow::Continue(())
    }

    fn reject(&mut self, reject: Reject) -> ControlFlow<()> {
        self.rejects.push(reject);
        ControlFlow::Continue(())
    }
}

fn read(reader: impl FnOnce(&mut Pieces) -> Result<Outcome, Unfit>) -> (Pieces, Outcome) {
    let mut pieces = Pieces::default();
    let outcome = reader(&mut pieces).expect("the format");
    (pieces, outcome)
}

fn read_k6(text: &str) -> (Pieces, Outcome) {
    read(|pieces| k6::read(text.as_bytes(), text.bytes().next(), "f", pieces))
}

#[test]
fn every_row_of_a_real_file_of_hey_is_a_request_from_the_given_start() {
    let (pieces, outcome) = read(|pieces| relative_csv::read_hey(HEY.as_bytes(), "f", BEGAN, pieces));
    assert_eq!((pieces.rejects.len(), outcome.bytes, outcome.format), (0, HEY.len() as u64, "hey csv"));
    let lines: Vec<Vec<f64>> =
        HEY.lines().skip(1).map(|line| line.split(',').map(|text| text.parse().expect("a number")).collect()).collect();
    assert_eq!((pieces.rows.len(), lines.len()), (200, 200));
    for (row, line) in pieces.rows.iter().zip(&lines) {
        let near = |ms: Option<f64>, seconds: f64| (ms.expect("a time") - seconds * 1000.0).abs() < 1e-6;
        assert!(near(row.elapsed_ms, line[0]) && near(row.latency_ms, line[0] - line[5]), "{row:?}");
        assert!(near(Some(row.sent_at.ms_since(BEGAN)), line[7]), "{row:?}");
        assert_eq!(row.reused, Some(line[1] == 0.0));
        assert_eq!(row.status.as_deref(), Some(&*format!("{}", line[6])));
        assert_eq!((row.success, row.bytes_received), (None, None));
    }
}

#[test]
fn rows_of_oha_have_nanoseconds_and_what_is_no_number_is_a_reject() {
    let (pieces, _) = read(|pieces| relative_csv::read_oha(OHA.as_bytes(), "f", BEGAN, pieces));
    let [first, second] = &pieces.rows[..] else { panic!("{} rows", pieces.rows.len()) };
    assert_eq!(first.sent_at.to_string(), "2026-11-22T07:00:00.002212Z");
    assert_eq!(
        (first.elapsed_ms, first.latency_ms, first.connect_ms),
        (Some(2.626_127), Some(2.619_327), Some(1.148_565))
    );
    assert_eq!((first.reused, first.variables.as_deref()), (Some(false), Some(r#"{"body_bytes":11}"#)));
    assert_eq!((second.reused, second.connect_ms, second.status.as_deref()), (Some(true), None, Some("503")));
    let [reject] = &pieces.rejects[..] else { panic!("{} rejects", pieces.rejects.len()) };
    assert_eq!((&*reject.reason, &*reject.detail), ("bad value", r#"request-start: expected seconds, found "x""#));
    assert_eq!(reject.line, Some(4));
}

#[test]
fn the_points_of_a_request_of_k6_become_one_row_from_json_as_from_csv() {
    let (json, json_outcome) = read_k6(K6_JSON);
    let (csv, csv_outcome) = read_k6(K6_CSV);
    let placed = |row: &ClientRequest| ClientRequest { offset: 0, ..row.clone() };
    assert_eq!(json.rows.iter().map(placed).collect::<Vec<_>>(), csv.rows.iter().map(placed).collect::<Vec<_>>());
    let [cart, checkout] = &json.rows[..] else { panic!("{} rows", json.rows.len()) };
    // It ended at 07:00:00.250 and took 25.5 ms.
    assert_eq!(cart.sent_at.to_string(), "2026-11-22T07:00:00.224500Z");
    assert_eq!((cart.elapsed_ms, cart.latency_ms, cart.connect_ms), (Some(25.5), Some(20.5), Some(1.25)));
    assert_eq!((cart.label.as_deref(), cart.status.as_deref(), cart.success), (Some("cart"), Some("200"), Some(true)));
    assert_eq!((cart.url.as_deref(), cart.secured_ms), (Some("http://127.0.0.1:8080/cart?n=1"), None));
    assert_eq!(cart.variables.as_deref(), Some(r#"{"proto":"HTTP/1.1"}"#));
    assert_eq!((checkout.elapsed_ms, checkout.success, checkout.method.as_deref()), (None, Some(false), Some("POST")));
    assert_eq!(checkout.status.as_deref(), Some("dial: connection refused"));
    let reasons = |pieces: &Pieces| pieces.rejects.iter().map(|reject| reject.reason.to_string()).collect::<Vec<_>>();
    assert_eq!((reasons(&json), reasons(&csv)), (vec!["truncated json".to_owned()], vec!["truncated row".to_owned()]));
    let notes = ["1 points of other metrics than requests left out"];
    assert_eq!(
        (json_outcome.notes, csv_outcome.notes),
        (notes.map(str::to_owned).to_vec(), notes.map(str::to_owned).to_vec())
    );
}

#[test]
fn stamps_of_whole_seconds_are_named() {
    let text = K6_CSV.replace("1795330800250000", "1795330800");
    let (pieces, outcome) = read_k6(&text);
    assert_eq!(pieces.rows[0].sent_at.to_string(), "2026-11-22T06:59:59.974500Z");
    assert!(outcome.notes.iter().any(|note| note.contains("whole seconds")), "{:?}", outcome.notes);
}

#[test]
fn files_of_another_generator_are_refused_by_what_they_begin_with() {
    let mut pieces = Pieces::default();
    let refused = relative_csv::read_hey(OHA.as_bytes(), "f", BEGAN, &mut pieces).expect_err("refused");
    assert!(refused.found.contains("request-start"), "{refused:?}");
    assert!(relative_csv::read_oha(HEY.as_bytes(), "f", BEGAN, &mut pieces).is_err());
    for other in [HEY, "{\"a\":1}\n", "[1]", "x"] {
        assert!(k6::read(other.as_bytes(), other.bytes().next(), "f", &mut pieces).is_err(), "{other:?}");
    }
    assert!(pieces.rows.is_empty() && pieces.rejects.is_empty());
    assert!(k6::read(&b""[..], None, "f", &mut pieces).is_ok());
}
