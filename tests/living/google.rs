//! Google Cloud: recorded entries through a fake of `entries:list`, which Google's own client library reads too.

use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::binary::{SESSION, faaslens, text, unpacked};
use crate::python::interpreter;
use crate::server::{Answered, Asked, Fake, Faults, Server};
use crate::tables::{manifest, tables};

const RECORDED: &str = "tests/data/runs/webservice-2/google.log.zst";

/// Cloud Logging with recorded entries: filters by bounds of time, orders by time, pages as large as asked for.
///
/// It reads of the filter's language only `timestamp>=` and `timestamp<`, and keeps no quota.
pub(crate) struct Entries(Vec<Value>);

impl Entries {
    /// The entries of a recorded `google.log`.
    pub(crate) fn recorded(recorded: &str, name: &str) -> Self {
        let log = std::fs::read(unpacked(recorded, name)).expect("the log");
        let mut entries: Vec<Value> = serde_json::from_slice(&log).expect("an array of entries");
        entries.sort_by_key(|entry| (time(entry["timestamp"].as_str()), entry["insertId"].to_string()));
        Self(entries)
    }
}

/// A stamp of RFC 3339 in UTC with its fraction in nine digits, so that texts are in order of time.
fn time(stamp: Option<&str>) -> String {
    let stamp = stamp.expect("a stamp").trim_end_matches('Z').trim_end_matches("+00:00").replace(' ', "T");
    let (seconds, fraction) = stamp.split_once('.').unwrap_or((&stamp, ""));
    format!("{seconds}.{fraction:0<9}")
}

impl Fake for Entries {
    fn answer(&self, asked: &Asked) -> Answered {
        if !asked.header("authorization").starts_with("Bearer ") || asked.path != "/v2/entries:list" {
            return (401, br#"{"error":{"code":401,"status":"UNAUTHENTICATED","message":"no token"}}"#.to_vec());
        }
        let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
        let filter = body["filter"].as_str().expect("a filter");
        let bound = |mark: &str| time(filter.split_once(mark).and_then(|(_, rest)| rest.split('"').next()));
        let (from, until) = (bound("timestamp>=\""), bound("timestamp<\""));
        let size = usize::try_from(body["pageSize"].as_u64().unwrap_or(50).min(1000)).expect("a size");
        let at: usize = body["pageToken"].as_str().map_or(0, |token| token.parse().expect("a token"));
        let fits =
            |entry: &&Value| (from.as_str()..until.as_str()).contains(&time(entry["timestamp"].as_str()).as_str());
        let chosen: Vec<&Value> = self.0.iter().filter(fits).skip(at).take(size + 1).collect();
        let mut answer = json!({"entries": &chosen[..chosen.len().min(size)]});
        if chosen.len() > size {
            answer["nextPageToken"] = (at + size).to_string().into();
        }
        (200, answer.to_string().into_bytes())
    }
}

#[test]
fn recorded_entries_come_back_as_their_file_is_collected_and_as_googles_own_client_reads_them() {
    let server = Server::start(Arc::new(Entries::recorded(RECORDED, "google-entries.log")), Faults::default());
    let file = unpacked(RECORDED, "google.log");
    let store = SESSION.path().join("google");
    let from_file =
        ["collect", "befaas", text(&file), "--provider", "google", "--store", text(&store), "--run", "file"];
    faaslens(&from_file, &[], 0);
    let pull = ["collect", "google", "--project", "p", "--store", text(&store), "--run", "api", "--rate", "1000"];
    let window = ["--since", "2026-11-22T06:00:00Z", "--until", "2026-11-22T08:00:00Z"];
    let url = server.url();
    let variables =
        [("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", url.as_str()), ("CLOUDSDK_AUTH_ACCESS_TOKEN", "PLANTED")];
    faaslens(&[&pull[..], &window].concat(), &variables, 0);
    tables(&store, "api").assert_same(&tables(&store, "file"));
    let events = manifest(&store, "api").pulled[0].events;
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/living/google_peer.py");
    let output = Command::new(interpreter("google")).arg(script).arg(&url).args([window[1], window[3]]).output();
    let output = output.expect("python starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let peer: Value = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(peer["entries"].as_u64(), Some(events));
    assert_eq!(peer["distinct"].as_u64(), Some(events));
    assert!(peer["ordered"].as_bool() == Some(true) && events > 7_000, "{peer}");
}

/// Entries of both generations of functions, as `gcloud logging read --format json` prints them: the newest first.
fn both_generations() -> Value {
    let entry = |second: u32, log: &str, resource: Value, rest: Value| {
        let mut entry = json!({
            "insertId": format!("id{second}"), "logName": format!("projects/p/logs/{log}"), "resource": resource,
            "timestamp": format!("2026-11-22T07:00:{second:02}.5Z"), "receiveTimestamp": "2026-11-22T07:01:00Z",
        });
        entry.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        entry
    };
    let first = json!({"type": "cloud_function", "labels": {"function_name": "cart", "project_id": "p", "region": "europe-west3"}});
    let second =
        json!({"type": "cloud_run_revision", "labels": {"service_name": "shop", "revision_name": "shop-00001"}});
    let text = |n: u32, function: &str| {
        format!(
            r#"BEFAAS{{"timestamp":179533080{n}500,"now":{n}.5,"version":"8.24.3","deploymentId":"D","fn":{{"id":"e-{function}","name":"{function}"}},"event":{{"coldstart":true}}}}"#
        )
    };
    let (old, out, requests) = (
        "cloudfunctions.googleapis.com%2Fcloud-functions",
        "run.googleapis.com%2Fstdout",
        "run.googleapis.com%2Frequests",
    );
    let execution = json!({"execution_id": "x1", "instance_id": "i1"});
    json!([
        entry(
            6,
            requests,
            second.clone(),
            json!({"httpRequest": {"status": 200, "latency": "0.0213s", "requestMethod": "GET", "requestUrl": "https://shop-x.run.app/?key=s3cret"}, "trace": "projects/p/traces/t1", "labels": {"instanceId": "i2"}})
        ),
        entry(
            5,
            out,
            second.clone(),
            json!({"jsonPayload": {"message": "a line of JSON", "level": "info"}, "labels": {"instanceId": "i2", "execution_id": "x2"}})
        ),
        entry(
            4,
            out,
            second,
            json!({"textPayload": text(4, "shop"), "trace": "projects/p/traces/t1", "labels": {"instanceId": "i2"}})
        ),
        entry(
            3,
            old,
            first.clone(),
            json!({"textPayload": "Function execution took 12 ms, finished with status code: 200", "labels": execution})
        ),
        entry(2, old, first.clone(), json!({"textPayload": text(2, "cart"), "labels": execution})),
        entry(1, old, first, json!({"textPayload": "Function execution started", "labels": execution})),
    ])
}

#[test]
fn both_generations_of_functions_are_read_from_the_api_as_from_the_file_that_gcloud_prints() {
    let entries = both_generations();
    let file = SESSION.path().join("gcloud.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&entries).expect("JSON")).expect("written");
    let store = SESSION.path().join("google-generations");
    let from_file =
        ["collect", "befaas", text(&file), "--provider", "google", "--store", text(&store), "--run", "file"];
    faaslens(&from_file, &[], 0);
    let mut ascending = entries.as_array().expect("an array").clone();
    ascending.reverse();
    let server = Server::start(Arc::new(Entries(ascending)), Faults::default());
    let url = server.url();
    let variables =
        [("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", url.as_str()), ("CLOUDSDK_AUTH_ACCESS_TOKEN", "PLANTED")];
    let pull = ["collect", "google", "--project", "p", "--store", text(&store), "--run", "api", "--rate", "1000"];
    let window = ["--since", "2026-11-22T07:00:00Z", "--until", "2026-11-22T08:00:00Z"];
    faaslens(&[&pull[..], &window].concat(), &variables, 0);
    tables(&store, "api").assert_same(&tables(&store, "file"));
    let question = "SELECT kind, function, host, request_id, duration_ms, status, text FROM platform_records WHERE run = 'api' ORDER BY at";
    let printed = faaslens(&["query", question, "--store", text(&store), "--format", "csv"], &[], 0);
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    let rows: Vec<&str> = printed.lines().skip(1).collect();
    assert_eq!(
        rows,
        [
            "execution_started,cart,i1,x1,,,",
            "execution_finished,cart,i1,x1,12,200,",
            "text,shop,i2,,,,a line of JSON",
            "execution_finished,shop,i2,projects/p/traces/t1,21.3,200,",
        ],
        "{printed}"
    );
}
