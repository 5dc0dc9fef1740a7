//! A short fuzz run with a fixed seed: recorded input, mutated, through every format parser.

use crate::checks;
use crate::logs;
use crate::mutation::mutate;
use crate::random::Random;
use crate::recorded::{IOT, SMART_FACTORY, WEBSERVICE_1, project};

/// Bytes of a log that one round mutates and scans.
const PIECE: usize = 16 << 10;

/// Pieces of a log from all over it.
fn pieces<'a>(log: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let start = |random: &mut Random| random.below(log.len().saturating_sub(PIECE) + 1);
    (0..40).map(|_| start(random)).map(|at| &log[at..(at + PIECE).min(log.len())]).collect()
}

#[test]
fn mutated_pieces_of_logs_break_no_rule_of_any_dialect() {
    let mut random = Random::seeded(5);
    for run in [&WEBSERVICE_1, &SMART_FACTORY, &IOT] {
        for path in logs::log_files(&run.folder()) {
            let log = logs::read(&path);
            for piece in pieces(&log, &mut random) {
                let mutated = mutate(piece.to_vec(), 12, &mut random);
                for dialect in checks::DIALECTS {
                    checks::log(dialect, piece);
                    checks::log(dialect, &mutated);
                }
            }
        }
    }
}

#[test]
fn mutated_lines_break_no_rule_of_records_and_statements() {
    let mut random = Random::seeded(6);
    for path in logs::log_files(&WEBSERVICE_1.folder()) {
        let log = logs::read(&path);
        for line in log.split(|byte| *byte == b'\n').step_by(5) {
            checks::statement(line);
            checks::statement(&mutate(line.to_vec(), 2, &mut random));
            let marker = line.windows(7).position(|window| window == b"BEFAAS{");
            if let Some(at) = marker {
                checks::record(&line[at + 6..]);
                for _ in 0..3 {
                    checks::record(&mutate(line[at + 6..].to_vec(), 2, &mut random));
                }
            }
        }
    }
}

#[test]
fn mutated_result_files_break_no_rule() {
    let mut random = Random::seeded(7);
    let bundle = logs::read(&project("tests/data/jmeter/results.bundle.zst"));
    for piece in bundle.split(|byte| *byte == b'#').filter(|piece| piece.len() > 200).step_by(6) {
        let start = piece.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let file = &piece[start..piece.len().min(start + PIECE)];
        checks::result_csv(file);
        for _ in 0..10 {
            checks::result_csv(&mutate(file.to_vec(), 6, &mut random));
        }
    }
}

/// Two samples, one inside the other, in the shape JMeter writes them.
const XML: &[u8] = br#"<?xml version="1.0" encoding="UTF-8"?>
<testResults version="1.2">
<httpSample t="41" it="0" lt="40" ct="3" ts="1795333155965" s="true" lb="chain &amp; &quot;more&quot;" rc="200" rm="OK" tn="g 1-1" dt="text" by="202" sby="93525" ng="1" na="1">
  <httpSample t="20" it="0" lt="20" ct="3" ts="1795333155966" s="false" lb="first" rc="429" rm="Too Many" tn="g 1-1" dt="text" by="202" sby="5" ng="1" na="1">
    <assertionResult><name>a</name><failure>true</failure><error>false</error><failureMessage>line 1
line 2</failureMessage></assertionResult>
    <java.net.URL>http://user:secret@127.0.0.1:8080/function/a</java.net.URL>
  </httpSample>
</httpSample>
<sample t="5" it="1" ts="1795333156000" s="true" lb="Transaction Controller" rc="200" rm="Number of samples in transaction : 1, number of failing samples : 0" tn="g 1-1" by="0" ng="1" na="1"/>
</testResults>
"#;

/// The shape of Artillery's report.
const REPORT: &[u8] = br#"{"aggregate":{"counters":{"http.requests":3,"http.codes.200":3},"rates":{"http.request_rate":1},"firstMetricAt":1795333155965,
"lastMetricAt":1795333156965,"period":1795333150000,"summaries":{"http.response_time":{"min":1,"max":4,"count":3,"p50":2,"median":2}},"histograms":{}},
"intermediate":[{"counters":{"http.requests":3},"rates":{},"firstMetricAt":1795333155965,"lastMetricAt":1795333156965,"period":"1795333150000",
"summaries":{"http.response_time":{"min":1,"max":4,"count":3}},"histograms":{}}]}"#;

#[test]
fn mutated_xml_and_reports_break_no_rule() {
    let mut random = Random::seeded(8);
    checks::result_xml(XML);
    checks::report(REPORT);
    for _ in 0..3000 {
        checks::result_xml(&mutate(XML.to_vec(), 4, &mut random));
        checks::report(&mutate(REPORT.to_vec(), 4, &mut random));
    }
}

#[test]
fn mutated_files_of_load_generators_break_no_rule() {
    let mut random = Random::seeded(9);
    for name in ["k6.json", "k6.csv", "hey-0.1.4.csv", "oha.csv", "wrk-4.1.0.txt"] {
        let file = std::fs::read(project(&format!("collect/tests/data/load/{name}"))).expect("the file");
        let file = &file[..file.len().min(PIECE / 4)];
        checks::load_file(file);
        for _ in 0..500 {
            checks::load_file(&mutate(file.to_vec(), 4, &mut random));
        }
    }
}
