//! AWS, against moto's `CloudWatch` Logs: a second implementation of the API.

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
