//! What of a log may not enter a store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use faaslens_schemas::store::Store;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{ClientRequest, Event, PlatformRecord, Reject};

use crate::binary::collect;
use crate::logs::{self, copy_folder};
use crate::random::Random;
use crate::recorded::{IOT, WEBSERVICE_1, session};

/// Headers that may be kept, by the documentation.
const ALLOWED: [&str; 16] = [
    "user-agent",
    "content-type",
    "content-length",
    "host",
    "x-context",
    "x-pair",
    "x-request-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "function-execution-id",
    "traceparent",
    "x-b3-traceid",
    "x-correlation-id",
    "x-call-id",
    "x-openwhisk-activation-id",
];

/// Every text of the tables that `collect` writes, and of the manifest.
fn all_text(store: &Path, run: &str) -> String {
    fn add<R: Row + std::fmt::Debug>(store: &Path, run: &str, text: &mut String) {
        for row in crate::recorded::rows::<R>(store, run) {
            text.push_str(&format!("{row:?}\n").replace("\\\"", "\""));
        }
    }
    let mut text = fs::read_to_string(store.join("runs").join(format!("{run}.json"))).expect("the manifest");
    add::<Event>(store, run, &mut text);
    add::<ClientRequest>(store, run, &mut text);
    add::<PlatformRecord>(store, run, &mut text);
    add::<Reject>(store, run, &mut text);
    text
}

#[test]
fn no_value_of_a_header_that_is_not_allowed_is_in_the_store() {
    let mut refused = BTreeSet::new();
    let mut allowed = BTreeSet::new();
    for path in logs::log_files(&WEBSERVICE_1.folder()) {
        let log = path.file_name().expect("a name").to_string_lossy().into_owned();
        for line in logs::read(&path).split(|byte| *byte == b'\n') {
            for payload in logs::payloads(&log, line) {
                let headers = payload["event"]["request"]["headers"].as_object();
                for (name, value) in headers.into_iter().flatten() {
                    let set = if ALLOWED.contains(&name.to_lowercase().as_str()) { &mut allowed } else { &mut refused };
                    set.extend(value.as_str().map(str::to_owned));
                }
            }
        }
    }
    // Long enough to be no chance match, and not also the value of an allowed header or the URL itself.
    refused.retain(|value| {
        value.len() >= 12 && !value.starts_with('/') && !allowed.iter().any(|kept| kept.contains(value.as_str()))
    });
    assert!(refused.len() > 400, "{} values", refused.len());
    let text = all_text(WEBSERVICE_1.store(), WEBSERVICE_1.name);
    let words: BTreeSet<&str> = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).collect();
    for value in &refused {
        assert!(!words.contains(value.as_str()), "{value} is in the store");
    }
    for value in refused.iter().filter(|value| value.contains(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))) {
        assert!(!text.contains(value.as_str()), "{value} is in the store");
    }
}

/// `iot` with secrets in its headers, some lines cut so that they become rejects.
fn with_secrets() -> PathBuf {
    let folder = session().join("secrets-logs");
    copy_folder(&IOT.folder(), &folder, &["aws.log.zst", "google.log.zst", "tinyfaas.log.zst"]);
    let mut random = Random::seeded(3);
    for name in ["aws.log", "google.log", "tinyfaas.log"] {
        let text = String::from_utf8(logs::read(&IOT.folder().join(format!("{name}.zst")))).expect("UTF-8");
        let secret = r#""cookie":"storageObj=SECRETcookie; sid=SECRETsid","authorization":"Bearer SECRETbearer","x-functions-key":"SECRETkey","accept":"*/*""#;
        let text =
            text.replace(r#"\"accept\":\"*/*\""#, &secret.replace('"', "\\\"")).replace(r#""accept":"*/*""#, secret);
        assert!(text.contains("SECRETbearer"), "{name}");
        let lines: Vec<&str> = text.split('\n').map(|line| cut_in_headers(line, &mut random)).collect();
        logs::write(&folder.join(name), lines.join("\n").as_bytes());
    }
    folder
}

/// The line, or, once in five times, the line up to somewhere after its secrets began.
fn cut_in_headers<'a>(line: &'a str, random: &mut Random) -> &'a str {
    match line.find("SECRETcookie") {
        Some(at) if random.below(5) == 0 => &line[..at + random.below((line.len() - at).min(160))],
        _ => line,
    }
}

#[test]
fn cookies_and_credentials_of_headers_are_in_no_table_whole_or_cut() {
    let folder = with_secrets();
    let store = session().join("secrets");
    collect(&folder, &store, "r", &[]).exits(1);
    let rejects: Vec<Reject> = crate::recorded::rows(&store, "r");
    assert!(rejects.len() > 20, "{} rejects", rejects.len());
    let text = all_text(&store, "r");
    let leak = text.lines().find(|line| line.contains("SECRET"));
    assert!(leak.is_none(), "{leak:?}");
}

#[test]
fn cookies_are_kept_where_the_user_asks_for_all_headers() {
    let folder = session().join("kept-headers-logs");
    copy_folder(&IOT.folder(), &folder, &["tinyfaas.log.zst"]);
    let text = String::from_utf8(logs::read(&IOT.folder().join("tinyfaas.log.zst"))).expect("UTF-8");
    logs::write(&folder.join("tinyfaas.log"), text.replace(r#""accept":"*/*""#, r#""cookie":"KEPT=1""#).as_bytes());
    let store = session().join("kept-headers");
    collect(&folder, &store, "r", &["--keep-headers"]).exits(0);
    let manifest = Store::open(&store).and_then(|store| store.manifest("r")).expect("the run is there");
    let events: Vec<Event> = Store::open(&store).expect("the store opens").rows(&manifest, None).expect("events");
    assert!(events.iter().any(|event| event.headers.as_deref().is_some_and(|headers| headers.contains("KEPT=1"))));
}
