//! Slows one function down in a copy of a run's logs, so that the logs stay consistent: its handler takes longer, and so does
//! every call that waits for it, up to the client; whatever its callers do afterwards happens later.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::logs;

/// An invocation: executor, context, pair.
type Invocation = (String, String, String);

/// Delays put into an invocation: after which moment of its executor's clock, and how long, in ms.
type Delays = BTreeMap<Invocation, Vec<(f64, f64)>>;

/// Writes a copy of a run folder in which each execution of `function` takes `share` longer (0.1: a tenth).
pub(crate) fn slow_down(from: &Path, to: &Path, function: &str, share: f64) {
    logs::copy_folder(from, to, &[]);
    let files = logs::log_files(from);
    let delays = delays(&files, function, share);
    let client: BTreeMap<&str, f64> = delays
        .iter()
        .map(|((_, _, pair), delays)| (pair.as_str(), delays.iter().map(|(_, delay)| delay).sum()))
        .collect();
    for file in &files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let text = logs::read(file);
        let lines = text.split_inclusive(|byte| *byte == b'\n').map(|line| edited(&name, line, &delays, &client));
        logs::write(&to.join(&name), &lines.collect::<Vec<_>>().concat());
    }
}

/// The delays of every invocation that is `function` or waits for one.
fn delays(files: &[std::path::PathBuf], function: &str, share: f64) -> Delays {
    let mut delays = Delays::new();
    // Which invocation called a pair, and when the call ended.
    let mut callers: BTreeMap<String, (Invocation, f64)> = BTreeMap::new();
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for record in logs::read(file).split(|byte| *byte == b'\n').flat_map(|line| logs::payloads(&name, line)) {
            let perf = &record["event"]["perf"];
            let (mark, start) = (perf["mark"].as_str().unwrap_or_default(), perf["startTime"].as_f64());
            if let (Some(pair), Some(start)) = (mark.strip_prefix("end:rpcOut:").and_then(callee_pair), start) {
                callers.insert(pair, (invocation(&record), start));
            }
            let slowed = record["fn"]["name"] == function && mark == "measure:rpcIn";
            if let (true, Some(start), Some(duration)) = (slowed, start, perf["duration"].as_f64()) {
                delays.entry(invocation(&record)).or_default().push((start + duration, duration * share));
            }
        }
    }
    let mut open: Vec<(String, f64)> = delays
        .iter()
        .flat_map(|((_, _, pair), delays)| delays.iter().map(|(_, delay)| (pair.clone(), *delay)))
        .collect();
    while let Some((pair, delay)) = open.pop() {
        if let Some((caller, end)) = callers.get(&pair) {
            delays.entry(caller.clone()).or_default().push((*end, delay));
            open.push((caller.2.clone(), delay));
        }
    }
    delays
}

/// The pair of `FUNCTION:CONTEXT-RANDOM`.
fn callee_pair(target: &str) -> Option<String> {
    target.split_once(':').map(|(_, pair)| pair.to_owned())
}

fn invocation(record: &Value) -> Invocation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&record["fn"]["id"]), text(&record["event"]["contextId"]), text(&record["event"]["xPair"]))
}

fn edited(log: &str, line: &[u8], delays: &Delays, client: &BTreeMap<&str, f64>) -> Vec<u8> {
    let records = logs::payloads(log, line);
    let [record] = records.as_slice() else { return line.to_vec() };
    let event = &record["event"];
    if event["type"] == "after" {
        let delay = client.get(event["xPair"].as_str().unwrap_or_default()).copied().unwrap_or(0.0);
        return logged_later(line, delay);
    }
    let Some(delays) = delays.get(&invocation(record)) else { return line.to_vec() };
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let (start, duration) = (number(&event["perf"]["startTime"]), number(&event["perf"]["duration"]));
    if start == 0.0 {
        return line.to_vec();
    }
    // A microsecond for what the sum of start and duration loses.
    let by =
        |moment: f64| delays.iter().filter(|(after, _)| moment + 1e-3 >= *after).map(|(_, delay)| delay).sum::<f64>();
    let (early, late) = (by(start), by(start + duration));
    let line = replaced(line, "startTime", |_| (start + early).to_string());
    let line = replaced(&line, "duration", |_| (duration + late - early).to_string());
    logged_later(&line, late)
}

/// The line logged later by a delay; the wall clock shows whole milliseconds and stays behind the monotonic one.
fn logged_later(line: &[u8], delay: f64) -> Vec<u8> {
    let line = replaced(line, "now", |now| (now + delay).to_string());
    let at = line.windows(6).position(|window| window == b"BEFAAS").unwrap_or(0);
    let (before, record) = line.split_at(at);
    [before, &replaced(record, "timestamp", |stamp| format!("{:.0}", stamp + delay.floor()))].concat()
}

/// The line with the first number after a key replaced; quotes may be escaped.
fn replaced(line: &[u8], key: &str, by: impl Fn(f64) -> String) -> Vec<u8> {
    let quoted = format!("{key}\\\":");
    let plain = format!("{key}\":");
    let find = |needle: &str| {
        let found = line.windows(needle.len()).position(|window| window == needle.as_bytes());
        found.map(|at| at + needle.len())
    };
    let Some(begin) = find(&quoted).or_else(|| find(&plain)) else { return line.to_vec() };
    let length = line[begin..].iter().take_while(|byte| byte.is_ascii_digit() || b".e+-".contains(byte)).count();
    let number = std::str::from_utf8(&line[begin..begin + length]).ok().and_then(|text| text.parse().ok());
    let Some(number) = number else { return line.to_vec() };
    [&line[..begin], by(number).as_bytes(), &line[begin + length..]].concat()
}
