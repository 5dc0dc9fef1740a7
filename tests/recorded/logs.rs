//! A reader of recorded logs for the tests: plain, slow, and sharing nothing with the collectors.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The uncompressed bytes of a file.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("the file can be read");
    if path.extension().is_none_or(|extension| extension != "zst") {
        return bytes;
    }
    let mut decoder = zstd::Decoder::new(Cursor::new(bytes)).expect("a zstd file");
    decoder.window_log_max(27).expect("a window of 128 MiB");
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).expect("a whole zstd file");
    content
}

/// Writes a file, compressed where its name ends in `.zst`.
pub(crate) fn write(path: &Path, content: &[u8]) {
    let bytes = if path.extension().is_some_and(|extension| extension == "zst") {
        zstd::encode_all(content, 1).expect("zstd")
    } else {
        content.to_vec()
    };
    std::fs::write(path, bytes).expect("the file can be written");
}

/// The log files of a run folder, sorted by name.
pub(crate) fn log_files(folder: &Path) -> Vec<PathBuf> {
    let is_log = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains(".log"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a run folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(is_log)
        .collect();
    files.sort();
    files
}

/// Copies a folder's files, those of its name's list excepted.
pub(crate) fn copy_folder(from: &Path, to: &Path, without: &[&str]) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_file() && !without.contains(&name.as_str()) {
            std::fs::copy(&path, to.join(&name)).expect("the file can be copied");
        }
    }
}

/// The instrumentation records in one line of a log file, as far as they can be read.
///
/// `log` is the file's name: `CloudWatch` lines are JSON objects with the text in `message`, Google entries have it in a
/// line of their own, any other line is the text itself.
pub(crate) fn payloads(log: &str, line: &[u8]) -> Vec<Value> {
    let message: Option<Vec<u8>> = if log.starts_with("aws") {
        serde_json::from_slice::<Value>(line)
            .ok()
            .and_then(|event| Some(event["message"].as_str()?.as_bytes().to_vec()))
    } else if log.starts_with("google") {
        let text =
            line.trim_ascii().strip_prefix(b"\"textPayload\": ").map(|text| text.strip_suffix(b",").unwrap_or(text));
        text.and_then(|text| serde_json::from_slice::<String>(text).ok()).map(String::into_bytes)
    } else {
        Some(line.to_vec())
    };
    let Some(message) = message else { return Vec::new() };
    let mut found = Vec::new();
    let mut rest = message.as_slice();
    while let Some(at) = rest.windows(7).position(|window| window == b"BEFAAS{") {
        rest = &rest[at + 6..];
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        if let Some(Ok(value)) = values.next() {
            rest = &rest[values.byte_offset()..];
            found.push(value);
        }
    }
    found
}

/// A record's identity: who logged it, when, and what.
pub(crate) fn identity(record: &Value) -> String {
    let event = &record["event"];
    let number = |value: &Value| value.as_f64().map_or(String::new(), |number| number.to_string());
    format!(
        "{}|{}|{}|{}|{}|{}",
        record["fn"]["id"].as_str().unwrap_or_default(),
        record["fn"]["name"].as_str().unwrap_or_default(),
        number(&record["timestamp"]),
        number(&record["now"]),
        event["contextId"].as_str().unwrap_or_default(),
        number(&event["perf"]["startTime"]),
    )
}
