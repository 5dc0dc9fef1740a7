//! What must hold for any bytes; shared by the fuzz targets and the short run among the tests.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use faaslens_collect::formats::artillery_report::{self, PeriodSink};
use faaslens_collect::formats::cloud_logging::CloudLogging;
use faaslens_collect::formats::cloudwatch::CloudWatch;
use faaslens_collect::formats::envelope::{ACTIVATIONS, AZURE_ROWS, CONTAINER, WATCHDOG_LINES};
use faaslens_collect::formats::jtl::Sink;
use faaslens_collect::formats::plain_lines::{ARTILLERY_CONSOLE, AZURE_HOST, OPENWHISK, TINYFAAS, WATCHDOG};
use faaslens_collect::formats::{Dialect, befaas, jtl_csv, jtl_xml, k6, lambda, latency_text, relative_csv, stamp};
use faaslens_collect::pipeline::scan_bytes;
use faaslens_loadgen::Error;
use faaslens_loadgen::manners::{hosts_of, missing_variables};
use faaslens_loadgen::profile::{Settings, compile};
use faaslens_loadgen::schedule::{Schedule, Shard, plan};
use faaslens_schemas::tables::{ClientRequest, PlatformRecord, Reject};
use faaslens_schemas::time::Timestamp;

/// Every dialect a log may be written in.
pub(crate) static DIALECTS: [&dyn Dialect; 11] = [
    &CloudWatch,
    &CloudLogging,
    &AZURE_HOST,
    &WATCHDOG,
    &TINYFAAS,
    &OPENWHISK,
    &ARTILLERY_CONSOLE,
    &CONTAINER,
    &WATCHDOG_LINES,
    &AZURE_ROWS,
    &ACTIVATIONS,
];

/// A record is read within its line, reads the same from its own bytes, and is JSON to another parser too.
pub(crate) fn record(line: &[u8]) {
    let Ok((record, length)) = befaas::parse_bytes(line, true) else { return };
    assert!(length <= line.len(), "{length} of {} bytes", line.len());
    assert!(record.now_ms.is_finite() && record.timestamp_ms >= 0, "{record:?}");
    let own = &line[..length];
    let (again, whole) = befaas::parse_bytes(own, true).expect("a record reads from its own bytes");
    assert_eq!((again, whole), (record.clone(), length));
    let plain = std::str::from_utf8(own).is_ok_and(|text| !text.contains('\\') && !text.contains(char::is_control));
    if plain {
        let value: serde_json::Value = serde_json::from_slice(own).expect("JSON to serde_json");
        assert_eq!(value["now"].as_f64(), Some(record.now_ms));
        assert_eq!(value["fn"]["id"].as_str(), Some(&*record.executor));
    }
}

/// A log's findings lie within it, and cutting it at a line end changes no record.
pub(crate) fn log(dialect: &dyn Dialect, log: &[u8]) {
    let (records, platform, rejects) = scan_bytes(log, dialect, false);
    let markers = log.windows(befaas::MARKER.len()).filter(|window| *window == befaas::MARKER).count();
    assert!(records <= markers, "{records} records of {markers} markers");
    for reject in &rejects {
        assert!(reject.offset >= 0 && reject.length >= 0, "{reject:?}");
        assert!(reject.offset.unsigned_abs() + reject.length.unsigned_abs() <= log.len() as u64, "{reject:?}");
        assert!(reject.excerpt.len() <= 2048, "{reject:?}");
    }
    for record in &platform {
        assert!(record.offset >= 0 && record.offset.unsigned_abs() < log.len() as u64, "{record:?}");
    }
    if let Some(boundary) = dialect.boundary(&log[..log.len() / 2]) {
        let (head, tail) = log.split_at(boundary);
        let cut = scan_bytes(head, dialect, false).0 + scan_bytes(tail, dialect, false).0;
        assert_eq!(cut, records, "records of the log cut at byte {boundary}");
    }
}

/// Platform statements and time stamps read from any text.
pub(crate) fn statement(line: &[u8]) {
    if let Some((_, length)) = stamp::read(line) {
        assert!(length <= line.len());
    }
    if let Ok(text) = std::str::from_utf8(line) {
        drop(lambda::parse(text));
    }
}

/// Takes every piece of a result file.
#[derive(Debug, Default)]
struct Pieces {
    rows: Vec<ClientRequest>,
    rejects: Vec<Reject>,
    periods: Vec<PlatformRecord>,
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

impl PeriodSink for Pieces {
    fn period(&mut self, record: PlatformRecord) -> ControlFlow<()> {
        self.periods.push(record);
        ControlFlow::Continue(())
    }

    fn refused_period(&mut self, reject: Reject) -> ControlFlow<()> {
        self.rejects.push(reject);
        ControlFlow::Continue(())
    }
}

/// Gives its bytes in pieces of a few.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.step = self.step % 7 + 1;
        let n = self.step.min(buffer.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(n);
        buffer[..n].copy_from_slice(now);
        self.bytes = later;
        Ok(n)
    }
}

/// A CSV result file reads the same whatever the sizes of reads, and its rows lie within it in order.
pub(crate) fn result_csv(file: &[u8]) {
    let (mut whole, mut trickled) = (Pieces::default(), Pieces::default());
    let at_once = jtl_csv::read(file, "file", &mut whole);
    let in_pieces = jtl_csv::read(Trickle { bytes: file, step: 0 }, "file", &mut trickled);
    assert_eq!(at_once, in_pieces);
    assert_same(&whole, &trickled);
    assert!(whole.rows.is_sorted_by_key(|row| row.offset));
}

/// An XML result file reads the same whatever the sizes of reads.
pub(crate) fn result_xml(file: &[u8]) {
    let (mut whole, mut trickled) = (Pieces::default(), Pieces::default());
    let at_once = jtl_xml::read(file, "file", &mut whole);
    let in_pieces = jtl_xml::read(Trickle { bytes: file, step: 0 }, "file", &mut trickled);
    assert_eq!(at_once, in_pieces);
    assert_same(&whole, &trickled);
}

/// A JSON report reads the same whatever the sizes of reads.
pub(crate) fn report(file: &[u8]) {
    let (mut whole, mut trickled) = (Pieces::default(), Pieces::default());
    let at_once = artillery_report::read(file, "file", &mut whole);
    let in_pieces = artillery_report::read(Trickle { bytes: file, step: 0 }, "file", &mut trickled);
    assert_eq!(at_once.is_ok(), in_pieces.is_ok());
    assert_same(&whole, &trickled);
}

/// A file of k6, hey or oha reads the same whatever the sizes of reads; one of wrk2 has numbers only.
pub(crate) fn load_file(file: &[u8]) {
    let at = Timestamp::from_micros(0);
    for format in 0..3 {
        let (mut whole, mut trickled) = (Pieces::default(), Pieces::default());
        let read = |reader: &mut dyn Read, pieces: &mut Pieces| match format {
            0 => k6::read(reader, file.first().copied(), "file", pieces),
            1 => relative_csv::read_hey(reader, "file", at, pieces),
            _ => relative_csv::read_oha(reader, "file", at, pieces),
        };
        let at_once = read(&mut &*file, &mut whole);
        let in_pieces = read(&mut Trickle { bytes: file, step: 0 }, &mut trickled);
        assert_eq!(at_once, in_pieces);
        assert_same(&whole, &trickled);
    }
    if let Ok(summary) = latency_text::parse(&String::from_utf8_lossy(file), Some(0.001)) {
        assert!(summary.latency_ms.values().all(|ms| ms.is_finite() && *ms >= 0.0), "{summary:?}");
        let mut pieces = Pieces::default();
        assert!(summary.give("file", None, &mut pieces).is_continue());
        assert_eq!(pieces.periods.len(), 1);
    }
}

/// Asserts that two readings gave the same pieces; compared as printed, since NaN is not equal to itself.
fn assert_same(whole: &Pieces, trickled: &Pieces) {
    let texts = |pieces: &Pieces| {
        let Pieces { rows, rejects, periods } = pieces;
        let rows = rows.iter().map(|row| format!("{row:?}"));
        let rejects = rejects.iter().map(|reject| format!("{reject:?}"));
        rows.chain(rejects).chain(periods.iter().map(|period| format!("{period:?}"))).collect::<Vec<_>>()
    };
    let (whole, trickled) = (texts(whole), texts(trickled));
    if let Some((a, b)) = whole.iter().zip(&trickled).find(|(a, b)| a != b) {
        panic!("read at once  {a}\nread in pieces {b}");
    }
    assert_eq!(whole.len(), trickled.len());
}

/// Arrivals of a profile that are looked at.
const ARRIVALS: usize = 500;

/// A load profile compiles to a schedule in order of time, or is refused by file, line and key.
pub(crate) fn profile(name: &str, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let path = Path::new("no-such-folder").join(name);
    let profile = match compile(&path, text, &Settings::default()) {
        Ok(profile) => profile,
        Err(Error::Profile { path: named, line, key, message }) => {
            let lines = text.lines().count() + 1;
            assert_eq!(named, path);
            assert!((1..=lines).contains(&line), "line {line} of {lines}: {key}: {message}");
            assert!(!key.is_empty() && !message.is_empty(), "{line}: {key:?}: {message:?}");
            return;
        }
        Err(other) => panic!("not by file, line and key: {other}"),
    };
    let arrivals: Vec<_> = Schedule::new(&profile, 1, Shard::default()).take(ARRIVALS).collect();
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
    for (arrival, number) in arrivals.iter().zip(0_u64..) {
        assert_eq!(arrival.number, number);
        assert!(arrival.phase < profile.phases.len() && arrival.scenario < profile.scenarios.len());
    }
    if arrivals.len() < ARRIVALS
        && let Ok(plan) = plan(&profile, 1, Shard::default())
    {
        assert_eq!(plan.arrivals, arrivals.len() as u64);
        assert_eq!(plan.by_second.iter().sum::<u64>(), plan.arrivals);
    }
    drop((hosts_of(&profile), missing_variables(&profile)));
}
