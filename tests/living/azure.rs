//! Azure: the query API against a fake that answers with the rows of recorded host logs, and host log files in zips and
//! folders.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use zip::write::SimpleFileOptions;

use crate::binary::{SESSION, faaslens, text, unpacked};
use crate::fakes::events;
use crate::log_analytics::{LogAnalytics, Row};
use crate::server::{Faults, Server};
use crate::tables::{manifest, tables};

const WINDOW: [&str; 4] = ["--since", "2026-11-22T06:00:00Z", "--until", "2026-11-22T08:00:00Z"];
const RECORDED: &str = "tests/data/runs/webservice-2/azure.log.zst";

/// Entries of a host log: stamp, level, message.
fn entries(log: &str) -> Vec<(String, String, String)> {
    let mut entries: Vec<(String, String, String)> = Vec::new();
    for line in log.lines() {
        let stamped = line.as_bytes().first().is_some_and(u8::is_ascii_digit) && line.as_bytes().get(10) == Some(&b'T');
        match entries.last_mut() {
            Some((_, _, message)) if !stamped => {
                message.push('\n');
                message.push_str(line);
            }
            _ => {
                let (at, rest) = line.split_once(" [").expect("a stamp and a level");
                let (level, message) = rest.split_once("] ").expect("a level and a message");
                entries.push((format!("{at}Z"), level.to_owned(), message.to_owned()));
            }
        }
    }
    entries
}

/// The rows of a recorded run.
pub(crate) fn recorded_rows() -> Vec<Row> {
    let log = std::fs::read_to_string(unpacked(RECORDED, "azure-rows.log")).expect("the log");
    let row = |(at, level, message): (String, String, String)| Row {
        table: "FunctionAppLogs",
        ingested: at.clone(),
        at,
        level,
        message,
        items: 1.0,
        ..Row::default()
    };
    entries(&log).into_iter().map(row).collect()
}

/// Arguments and environment of a collection from a fake.
fn pull(url: &str, store: &Path, run: &str, more: &[&str], code: i32) -> String {
    let fixed = ["collect", "azure", "--workspace", "w", "--rate", "1000", "--retry-pause", "1ms"];
    let mut args = fixed.to_vec();
    args.extend(["--endpoint", url, "--store", text(store), "--run", run]);
    args.extend(WINDOW.iter().chain(more));
    let variables = [
        ("AZURE_AUTHORITY_HOST", url),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_CLIENT_SECRET", "PLANTED-5ecret"),
    ];
    let output = faaslens(&args, &variables, code);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!said.contains("PLANTED"), "{said}");
    said
}

#[test]
fn a_recorded_run_comes_back_from_log_analytics_as_its_file_is_collected_table_by_table() {
    let rows = recorded_rows();
    let count = rows.len() as u64;
    let server = Server::start(Arc::new(LogAnalytics::new(rows, 1_000)), Faults::default());
    let store = SESSION.path().join("azure");
    let file = unpacked(RECORDED, "azure.log");
    faaslens(
        &["collect", "befaas", text(&file), "--provider", "azure", "--store", text(&store), "--run", "file"],
        &[],
        0,
    );
    let expected = tables(&store, "file");
    for (run, rows) in [("asked", "50000"), ("few", "700")] {
        pull(&server.url(), &store, run, &["--rows", rows], 0);
        tables(&store, run).assert_same(&expected);
        assert_eq!(manifest(&store, run).pulled[0].events, count);
    }
    assert!(expected.rows("events") > 2_900 && count == 3_892, "{count}");
}

/// A zip with some entries.
fn zipped(name: &str, entries: &[(&str, &[u8])]) -> std::path::PathBuf {
    let path = SESSION.path().join(name);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
    for (name, content) in entries {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(*name, options).expect("an entry");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("a zip");
    path
}

#[test]
fn a_downloaded_zip_and_its_folder_give_what_the_host_log_gives() {
    let file = unpacked(RECORDED, "azure-host.log");
    let log = std::fs::read_to_string(&file).expect("the log");
    let store = SESSION.path().join("azure-files");
    faaslens(
        &["collect", "befaas", text(&file), "--provider", "azure", "--store", text(&store), "--run", "file"],
        &[],
        0,
    );
    // Three host files, cut before an entry; what else a download holds.
    let cuts: Vec<usize> = [log.len() / 3, log.len() / 2]
        .iter()
        .map(|&near| near + log[near..].find("\n2026-").expect("an entry") + 1)
        .collect();
    let pieces = [&log[..cuts[0]], &log[cuts[0]..cuts[1]], &log[cuts[1]..]];
    let host = |n: usize| format!("LogFiles/Application/Functions/Host/2026-11-22T07-0{n}-35Z-1.log");
    let names = [host(1), host(2), host(3)];
    let mut all: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(pieces.map(str::as_bytes)).collect();
    all.push(("LogFiles/kudu/trace/pending.log", b"2026-11-22T07:00:00 not the host's"));
    all.push(("deployments/1/log.log", b"deployed"));
    let zip = zipped("webapp_logs.zip", &all);
    let folder = SESSION.path().join("host-files");
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, piece) in ["1.log", "2.log", "3.log"].iter().zip(pieces) {
        std::fs::write(folder.join(name), piece).expect("written");
    }
    // Downloaded while the second file was being written, and again when all was over: its lines count once.
    let early = zipped("early.zip", &[all[0], (all[1].0, &all[1].1[..all[1].1.len() / 2])]);
    let expected = tables(&store, "file");
    for (run, inputs) in [("zip", &[&zip][..]), ("folder", &[&folder]), ("twice", &[&zip, &early])] {
        let mut args = vec!["collect", "azure", "--store", text(&store), "--run", run];
        args.extend(inputs.iter().map(|path| text(path)));
        let code = i32::from(run == "twice");
        if run == "twice" {
            // The half line at the end of the early download is a line of its own, which cannot be read.
            faaslens(&args, &[], code);
            let manifest = manifest(&store, run);
            assert_eq!(manifest.rejects(), 1, "{:?}", manifest.sources);
            continue;
        }
        faaslens(&args, &[], code);
        tables(&store, run).assert_same(&expected);
    }
}

#[test]
fn a_hostile_zip_writes_nothing_elsewhere_and_is_cut_off_by_name() {
    let line = b"2026-11-22T07:03:35.026 [Information] hello\r\n";
    let bomb = vec![b'\n'; 200 << 20];
    let store = SESSION.path().join("azure-hostile");
    let zip = zipped(
        "hostile.zip",
        &[
            ("../../../../outside/Application/Functions/Host/../../a.log", line),
            ("/Application/Functions/Host/b.log", &bomb),
        ],
    );
    let output = faaslens(&["collect", "azure", text(&zip), "--store", text(&store), "--run", "hostile"], &[], 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("times its packed size"), "{said}");
    assert!(!SESSION.path().join("outside").exists() && !store.join("a.log").exists());
    assert_eq!(manifest(&store, "hostile").sources.iter().map(|source| source.platform).sum::<u64>(), 1);
    let bytes = std::fs::read(&zip).expect("the zip");
    for cut in [bytes.len() / 2, 30, 5] {
        let path = SESSION.path().join("cut.zip");
        std::fs::write(&path, &bytes[..cut]).expect("written");
        faaslens(&["collect", "azure", text(&path), "--store", text(&store), "--run", "cut"], &[], 3);
    }
}

#[test]
fn sampled_rows_flag_the_run() {
    let mut fake = LogAnalytics::of(&events(300));
    fake.rows.iter_mut().step_by(10).for_each(|row| row.items = 4.0);
    let server = Server::start(Arc::new(fake), Faults::default());
    let store = SESSION.path().join("azure-sampled");
    // Each row is counted once, however often windows are cut.
    let said = pull(&server.url(), &store, "r", &["--rows", "40"], 1);
    assert_eq!(manifest(&store, "r").pulled[0].sampled, 90);
    assert!(said.contains("sampled: the provider dropped 90 events"), "{said}");
    let out = SESSION.path().join("azure-sampled-report");
    faaslens(&["report", "--store", text(&store), "--out", text(&out), "--format", "svg"], &[], 1);
    let page = std::fs::read_to_string(out.join("index.html")).expect("the page");
    assert!(page.contains("azure: the provider dropped 90 events by sampling"));
}

#[test]
fn rows_that_are_taken_in_late_are_found_wherever_they_lie() {
    let mut fake = LogAnalytics::of(&events(300));
    // Seen only after every slice was read once, and spread over the whole window.
    fake.rows.iter_mut().step_by(50).for_each(|row| {
        row.hidden_for = 13;
        row.ingested = "2026-11-22T08:02:00.000000Z".to_owned();
    });
    let server = Server::start(Arc::new(fake), Faults::default());
    let store = SESSION.path().join("azure-late");
    let more = ["--rows", "500", "--slice", "10m", "--settle", "30ms", "--table", "AppTraces"];
    pull(&server.url(), &store, "r", &more, 0);
    let pulled = &manifest(&store, "r").pulled[0];
    assert_eq!((pulled.events, pulled.late), (300, 6));
}

#[test]
fn a_table_that_is_named_and_not_there_is_refused_by_name() {
    let server = Server::start(Arc::new(LogAnalytics::of(&events(10))), Faults::default());
    let store = SESSION.path().join("azure-missing");
    let said = pull(&server.url(), &store, "r", &["--table", "FunctionAppLogs"], 3);
    assert!(said.contains("FunctionAppLogs"), "{said}");
}

#[test]
fn azures_own_client_library_reads_the_same_from_the_fake() {
    let fake = Arc::new(LogAnalytics::of(&events(300)));
    let server = Server::start(Arc::clone(&fake) as Arc<dyn crate::server::Fake>, Faults::default());
    let store = SESSION.path().join("azure-peer");
    pull(&server.url(), &store, "r", &["--table", "AppTraces", "--slice", "2h"], 0);
    let questions: Vec<String> = fake.asked.lock().expect("the questions").clone();
    // The first counts, the second asks for all, which is too much for the fake; the last ones are small.
    let chosen = [&questions[0], &questions[1], questions.last().expect("a question")];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/living/azure_peer.py");
    let mut peer = std::process::Command::new(crate::python::interpreter("azure"));
    let output = peer.arg(script).arg(server.url()).arg(crate::log_analytics::TOKEN).args(chosen).output();
    let output = output.expect("python starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<serde_json::Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let shown = || format!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(answers.len(), 3, "{}", shown());
    let status = |n: usize| answers[n]["status"].as_str().unwrap_or_default().to_owned();
    assert!(
        status(0).ends_with("SUCCESS") && status(1).ends_with("PARTIAL") && status(2).ends_with("SUCCESS"),
        "{said}"
    );
    assert_eq!(answers[1]["columns"].as_array().map(Vec::len), Some(12), "{said}");
    assert_eq!(answers[1]["rows"], 90, "{said}");
}

#[test]
fn microsofts_own_parser_understands_every_question() {
    let rows = [("AppTraces", "w"), ("FunctionAppLogs", "w"), ("traces", "a")].map(|(table, _)| Row {
        table,
        at: "2026-11-22T07:00:00.5Z".to_owned(),
        ingested: "2026-11-22T07:01:00Z".to_owned(),
        message: "hello".to_owned(),
        items: 1.0,
        ..Row::default()
    });
    let fake = Arc::new(LogAnalytics::new(rows.to_vec(), 100));
    let server = Server::start(Arc::clone(&fake) as Arc<dyn crate::server::Fake>, Faults::default());
    let store = SESSION.path().join("azure-kusto");
    let more = ["--app", "shop", "--function", "cart", "--settle", "1ms", "--slice", "2h"];
    pull(&server.url(), &store, "w", &more, 0);
    let variables = [
        ("AZURE_AUTHORITY_HOST", server.url()),
        ("AZURE_TENANT_ID", "t".to_owned()),
        ("AZURE_CLIENT_ID", "c".to_owned()),
        ("AZURE_CLIENT_SECRET", "PLANTED-5ecret".to_owned()),
    ];
    let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let url = server.url();
    let args = ["collect", "azure", "--application", "a", "--endpoint", &url, "--store", text(&store), "--run", "a"];
    faaslens(&[&args[..], &WINDOW, &more].concat(), &variables, 0);
    let mut questions = fake.asked.lock().expect("the questions").clone();
    questions.sort();
    let mut node = crate::node::script("kusto", "kusto.cjs")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("node starts");
    let asked = serde_json::to_vec(&questions).expect("JSON");
    node.stdin.take().expect("its input").write_all(&asked).expect("written");
    let said = String::from_utf8(node.wait_with_output().expect("node ends").stdout).expect("text");
    let answers: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), questions.len(), "{said}");
    let mut whole = 0;
    for (question, answer) in questions.iter().zip(&answers) {
        assert_eq!(answer["diagnostics"], serde_json::json!([]), "{question}");
        whole += usize::from(answer["columns"].as_array().is_some_and(|columns| columns.len() == 12));
    }
    // Two tables of each scope that hold rows, read once and asked again for late ones.
    assert!(whole >= 6 && questions.iter().any(|question| question.contains("ingestion_time() >= ")), "{said}");
}
