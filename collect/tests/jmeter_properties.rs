//! What holds for any bytes that are read as a result file.

use std::io::Read;
use std::ops::ControlFlow;

use faaslens_collect::formats::jtl::{Outcome, Sink, Unfit};
use faaslens_collect::formats::{jtl_csv, jtl_xml};
use faaslens_schemas::tables::{ClientRequest, Reject};
use proptest::prelude::*;

#[derive(Debug, Default, PartialEq)]
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

/// Gives its bytes in pieces of the given sizes.
struct Dribble<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).min(self.bytes.len()).min(buffer.len());
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        Ok(size)
    }
}

type Reading = (Pieces, Result<Outcome, Unfit>);

fn read_csv(reader: impl Read) -> Reading {
    let mut pieces = Pieces::default();
    let outcome = jtl_csv::read(reader, "f", &mut pieces);
    (pieces, outcome)
}

fn read_xml(reader: impl Read) -> Reading {
    let mut pieces = Pieces::default();
    let outcome = jtl_xml::read(reader, "f", &mut pieces);
    (pieces, outcome)
}

fn dribble<'a>(bytes: &'a [u8], sizes: &'a [usize]) -> Dribble<'a> {
    Dribble { bytes, sizes: sizes.iter().cycle() }
}

/// Pieces of result files, whole and broken.
fn csv_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "1795334168241,30,a,true\n",
        "timeStamp,elapsed,label,success\n",
        "1795334168241,30,\"a,\n\"\"b\",false\r\n",
        "1795334168241,30,\"open",
        "1795334168241,3",
        "\n\n",
        ",,,\n",
        "\u{feff}",
        "x\"y,2,3,maybe\n",
    ]);
    let piece = piece.prop_map(|text| text.as_bytes().to_vec());
    let pieces = prop::collection::vec(prop_oneof![3 => piece, 1 => prop::collection::vec(any::<u8>(), 0..9)], 0..12);
    pieces.prop_map(|pieces| [b"timeStamp,elapsed,label,success\n".to_vec(), pieces.concat()].concat())
}

fn xml_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "<testResults version=\"1.2\">",
        "<httpSample t=\"1\" ts=\"1795334168241\" s=\"true\" lb=\"a&lt;&#x41;\">",
        "</httpSample>",
        "<sample t=\"1\" ts=\"1795334168241\" dt=\"\" lb=\"T\">",
        "</sample>",
        "<java.net.URL>http://u:p@h/</java.net.URL>",
        "<failureMessage>x<![CDATA[&<]]></failureMessage>",
        "<!-- > -->",
        "<!DOCTYPE a [<!ENTITY b \"c\">]>",
        "</testResults>",
        "stray",
        "<httpSample t=\"1\" lb=\"cut",
        "<a b=c>",
    ]);
    let piece = piece.prop_map(|text| text.as_bytes().to_vec());
    let pieces = prop::collection::vec(prop_oneof![4 => piece, 1 => prop::collection::vec(any::<u8>(), 0..6)], 0..14);
    pieces.prop_map(|pieces| pieces.concat())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(read_csv(bytes.as_slice()));
        drop(read_xml(bytes.as_slice()));
    }

    #[test]
    fn the_size_of_the_reads_changes_nothing(
        csv in csv_text(), xml in xml_text(), sizes in prop::collection::vec(1_usize..7, 1..5)
    ) {
        prop_assert_eq!(read_csv(csv.as_slice()), read_csv(dribble(&csv, &sizes)));
        prop_assert_eq!(read_xml(xml.as_slice()), read_xml(dribble(&xml, &sizes)));
    }

    #[test]
    fn pieces_of_a_csv_file_stand_in_order_and_do_not_overlap(csv in csv_text()) {
        let (pieces, outcome) = read_csv(csv.as_slice());
        let outcome = outcome.expect("it has a header");
        prop_assert_eq!(outcome.bytes, csv.len() as u64);
        let mut ends: Vec<(i64, i64)> = pieces.rejects.iter().map(|r| (r.offset, r.offset + r.length)).collect();
        ends.extend(pieces.rows.iter().map(|row| (row.offset, row.offset + 1)));
        ends.sort_unstable();
        prop_assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        prop_assert!(ends.last().is_none_or(|(_, end)| *end <= i64::try_from(csv.len()).expect("small")));
    }

    #[test]
    fn quoted_fields_are_read_as_they_were(
        labels in prop::collection::vec("[a-z ,;\"\n\té]{1,12}", 1..6), elapsed in 0_u32..100_000, separator in 0_usize..3
    ) {
        let separator = [",", ";", "\t"][separator];
        let mut text = ["timeStamp", "label", "elapsed"].join(separator) + "\n";
        for label in &labels {
            let elapsed = elapsed.to_string();
            text += &(["1795334168241", &quoted(label), &elapsed].join(separator) + "\r\n");
        }
        let (pieces, _) = read_csv(text.as_bytes());
        prop_assert_eq!(pieces.rejects, vec![]);
        let read: Vec<String> = pieces.rows.iter().filter_map(|row| row.label.as_deref().map(str::to_owned)).collect();
        prop_assert_eq!(read, labels);
        prop_assert!(pieces.rows.iter().all(|row| row.elapsed_ms == Some(f64::from(elapsed))));
    }
}

#[test]
fn rows_behind_a_broken_quote_are_found_again() {
    let text = "timeStamp,elapsed,label\n1795334168241,1,\"cut\n1795334168242,2,b\n1795334168243,3,\"c\"\n";
    let (pieces, _) = read_csv(text.as_bytes());
    let elapsed: Vec<Option<f64>> = pieces.rows.iter().map(|row| row.elapsed_ms).collect();
    assert_eq!(elapsed, [Some(2.0), Some(3.0)]);
    assert_eq!((&*pieces.rejects[0].reason, pieces.rejects[0].length), ("broken quote", 21));
}

#[test]
fn a_second_header_gives_the_columns_from_there_on() {
    let text = "timeStamp,elapsed,label\n1795334168241,1,a\nlabel,timeStamp,elapsed,x\nb,1795334168242,2,y\n";
    let (pieces, outcome) = read_csv(text.as_bytes());
    assert_eq!(pieces.rejects, vec![]);
    assert_eq!(pieces.rows[1].label, Some("b".into()));
    assert_eq!(pieces.rows[1].variables.as_deref(), Some(r#"{"x":"y"}"#));
    assert_eq!(outcome.expect("read").notes, ["further header lines skipped: 1 (several runs were appended)"]);
}

#[test]
fn lines_before_the_header_are_rejects() {
    let text = "Picked up JAVA_TOOL_OPTIONS\ntimeStamp,elapsed\n1795334168241,1\n";
    let (pieces, _) = read_csv(text.as_bytes());
    assert_eq!((pieces.rows.len(), pieces.rejects.len()), (1, 1));
    assert_eq!((pieces.rejects[0].offset, pieces.rejects[0].line), (0, Some(1)));
}

#[test]
fn a_label_that_is_the_name_of_a_column_is_no_header() {
    let text = "timeStamp,elapsed,label\n1795334168241,1,timeStamp\n";
    assert_eq!(read_csv(text.as_bytes()).0.rows.len(), 1);
}

#[test]
fn an_xml_file_that_ends_early_keeps_its_samples_and_names_the_open_one() {
    let text = "<testResults><httpSample t=\"1\" ts=\"1795334168241\"/>\n<sample t=\"2\" ts=\"1795334168241\">\n\
                <httpSample t=\"3\" ts=\"1795334168241\"/>";
    let (pieces, outcome) = read_xml(text.as_bytes());
    assert_eq!(pieces.rows.iter().map(|row| row.elapsed_ms).collect::<Vec<_>>(), [Some(1.0), Some(3.0)]);
    assert_eq!((&*pieces.rejects[0].reason, pieces.rejects[0].line), ("truncated element", Some(2)));
    assert_eq!(outcome.expect("read").cut_short.as_deref(), Some("no </testResults>: JMeter was stopped"));
}

#[test]
fn a_tag_cut_by_an_appended_run_loses_only_itself() {
    let text = "<testResults><httpSample t=\"1\" ts=\"17953<?xml version=\"1.0\"?><testResults>\
                <httpSample t=\"2\" ts=\"1795334168241\" lb=\"a &amp; b\" myvar=\"7\" hn=\"h\"><method>GET</method></httpSample></testResults>";
    let (pieces, outcome) = read_xml(text.as_bytes());
    assert_eq!((pieces.rows.len(), pieces.rejects.len()), (1, 1));
    assert_eq!(pieces.rejects[0].reason, "broken tag".into());
    let row = &pieces.rows[0];
    assert_eq!((row.label.clone(), row.method.clone()), (Some("a & b".into()), Some("GET".into())));
    assert_eq!(row.variables.as_deref(), Some(r#"{"Hostname":"h","myvar":"7"}"#));
    assert_eq!(outcome.expect("read").cut_short, None);
}

#[test]
fn entities_do_not_expand_and_a_declaration_is_refused() {
    let text = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;\">]><testResults>\
                <httpSample t=\"1\" ts=\"1795334168241\" lb=\"&b;\"/></testResults>";
    let (pieces, _) = read_xml(text.as_bytes());
    assert_eq!(pieces.rows[0].label, Some("&b;".into()));
    assert_eq!(pieces.rejects[0].reason, "document type".into());
}

#[test]
fn samples_nested_too_deep_are_refused_one_by_one() {
    let open = "<sample t=\"1\" ts=\"1795334168241\">".repeat(70);
    let text = format!("<testResults>{open}{}</testResults>", "</sample>".repeat(70));
    let (pieces, _) = read_xml(text.as_bytes());
    assert_eq!((pieces.rows.len(), pieces.rejects.len()), (64, 6));
}

#[test]
fn bodies_of_any_length_are_skipped() {
    let body = "x".repeat(3 << 20);
    let text = format!(
        "<testResults><httpSample t=\"1\" ts=\"1795334168241\"><responseData class=\"java.lang.String\">{body}</responseData>\
         </httpSample></testResults>"
    );
    let (pieces, outcome) = read_xml(text.as_bytes());
    assert_eq!((pieces.rows.len(), pieces.rejects.len()), (1, 0));
    assert_eq!(outcome.expect("read").bytes, text.len() as u64);
}

#[test]
fn rows_without_a_header_are_told_apart_by_their_columns() {
    let begin = "1795334168241,30,a,200,OK,tg 1-1,text,true,";
    for (rest, sent, url, idle_ms, variables) in [
        ("150,1,2,26", None, None, None, None),
        (",150,133,1,2,26,7,20", Some(133), None, Some(7.0), None),
        (",150,1,2,http://h/f,26,7,20", None, Some("http://h/f"), Some(7.0), None),
        (",150,133,1,2,http://h/f,26,7,20", Some(133), Some("http://h/f"), Some(7.0), None),
        (",150,133,1,2,http://h/f,26,7,20,x", Some(133), Some("http://h/f"), Some(7.0), Some(r#"{"column_18":"x"}"#)),
    ] {
        let (pieces, _) = read_csv(format!("{begin}{rest}\n").as_bytes());
        let row = pieces.rows.first().expect("a row");
        assert_eq!((row.bytes_received, row.bytes_sent, row.url.as_deref()), (Some(150), sent, url), "{rest}");
        assert_eq!((row.latency_ms, row.idle_ms, row.threads), (Some(26.0), idle_ms, Some(2)), "{rest}");
        assert_eq!(row.variables.as_deref(), variables, "{rest}");
    }
}

#[test]
fn an_unknown_value_is_null_and_never_0() {
    let text = "timeStamp,elapsed,Latency,success,bytes,label\n1795334168241,,,,,\n";
    let row = read_csv(text.as_bytes()).0.rows.remove(0);
    assert_eq!((row.elapsed_ms, row.latency_ms, row.success, row.bytes_received), (None, None, None, None));
    assert_eq!((row.label, row.status, row.error, row.threads), (None, None, None, None));
}

#[test]
fn a_time_stamp_in_another_column_still_finds_the_rows_behind_a_broken_quote() {
    let text = "elapsed,label,timeStamp\n1,\"cut,1795334168241\n2,b,1795334168242\n3,c,1795334168243\n";
    let (pieces, _) = read_csv(text.as_bytes());
    assert_eq!(pieces.rows.iter().map(|row| row.elapsed_ms).collect::<Vec<_>>(), [Some(2.0), Some(3.0)]);
    assert_eq!(pieces.rejects.len(), 1);
}
