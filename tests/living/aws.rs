//! AWS, against moto's `CloudWatch` Logs: a second implementation of the API.

use std::path::Path;

use crate::binary::{SESSION, faaslens, text, unpacked};
use crate::python::Server;
use crate::tables::{manifest, tables};

const WINDOW: [&str; 4] = ["--since", "2026-11-22T06:00:00Z", "--until", "2026-11-22T08:00:00Z"];

#[test]
fn recorded_runs_come_back_from_moto_as_their_files_are_collected_table_by_table() {
    let logs = [
        ("examples/befaas-webservice/aws.log.zst", "aws-1.log"),
        ("tests/data/runs/streaming/aws.log.zst", "aws-2.log"),
        ("tests/data/runs/smartFactory/aws.log.zst", "aws-3.log"),
        ("tests/data/runs/iot/aws.log.zst", "aws-4.log"),
    ]
    .map(|(recorded, name)| unpacked(recorded, name));
    let logs: Vec<&str> = logs.iter().map(|path| text(path)).collect();
    let mut args = vec!["eu-central-1", "/aws/lambda/"];
    args.extend(&logs);
    let server = Server::start("moto", "cloudwatch.py", &args);
    let store = SESSION.path().join("aws");
    let variables = [
        ("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.url()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "PLANTED-SECRET"),
    ];
    let mut from_files = vec!["collect", "befaas", "--provider", "aws", "--store", text(&store), "--run", "files"];
    from_files.extend(&logs);
    faaslens(&from_files, &[], 0);
    let expected = tables(&store, "files");
    for (run, more) in [("groups", &[][..]), ("streams", &["--by-stream"][..])] {
        let mut pull = vec!["collect", "aws", "--store", text(&store), "--run", run, "--rate", "2000"];
        pull.extend(WINDOW.iter().chain(more));
        let output = faaslens(&pull, &variables, 0);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("PLANTED-SECRET"));
        tables(&store, run).assert_same(&expected);
        let pulled = &manifest(&store, run).pulled[0];
        assert_eq!(Some(pulled.events), server.said["events"].as_u64());
        assert_eq!(pulled.from, "2026-11-22T06:00:00.000000Z");
    }
    assert!(expected.rows("events") > 40_000 && server.said["groups"].as_u64() > Some(10));
}

/// Writes the events of a recorded log as an export to S3 does: a folder for each stream, packed pieces of text.
fn export(log: &Path, folder: &Path) -> usize {
    let log = std::fs::read_to_string(log).expect("the log");
    let mut streams: Vec<Vec<String>> = Vec::new();
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("an event");
        let (at_ms, message) =
            (event["timestamp"].as_i64().expect("a time"), event["message"].as_str().expect("a text"));
        let at = faaslens_schemas::time::Timestamp::from_millis(at_ms).to_string();
        if streams.is_empty() || message.starts_with("INIT_START") {
            streams.push(Vec::new());
        }
        let at = format!("{}Z", at.strip_suffix("000Z").expect("whole milliseconds"));
        streams.last_mut().expect("a stream").push(format!("{at} {message}\n"));
    }
    for (number, events) in streams.iter().enumerate() {
        let stream = folder.join(format!("task-1/2026-11-22-[$LATEST]{number:06}"));
        std::fs::create_dir_all(&stream).expect("a folder");
        for (piece, events) in events.chunks(400).enumerate() {
            std::fs::write(stream.join(format!("{piece:06}")), events.concat()).expect("written");
        }
    }
    std::fs::write(folder.join("aws-logs-write-test"), "Permission Check Successful").expect("written");
    let packed = std::process::Command::new("gzip").arg("-r").arg(folder.join("task-1")).status();
    assert!(packed.expect("gzip starts").success());
    streams.len()
}

#[test]
fn an_export_to_s3_gives_what_the_log_gives() {
    let log = unpacked("tests/data/runs/webservice-2/aws.log.zst", "exported.log");
    let folder = SESSION.path().join("exported");
    let streams = export(&log, &folder);
    let store = SESSION.path().join("aws-export");
    faaslens(&["collect", "befaas", text(&log), "--provider", "aws", "--store", text(&store), "--run", "file"], &[], 0);
    faaslens(&["collect", "aws", text(&folder), "--store", text(&store), "--run", "export"], &[], 0);
    tables(&store, "export").assert_same(&tables(&store, "file"));
    let pulled = &manifest(&store, "export").pulled[0];
    assert_eq!((pulled.logs, pulled.until.as_str()), (streams as u64, "9999-12-31T00:00:00.000000Z"));
}
