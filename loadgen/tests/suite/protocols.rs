//! TLS and HTTP/2, against Node's own servers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use faaslens_loadgen::engine::{Options, Tracing, Trust};
use serde_json::Value;

use super::drive::{Driven, compile, drive, manners};

/// A Node server, until it is dropped.
struct Node {
    child: Child,
    lines: BufReader<ChildStdout>,
    secure: u16,
    plain: u16,
}

impl Node {
    fn start(folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/secure.js");
        let mut child = Command::new("node")
            .arg(script)
            .args(["leaf.pem", "leaf.key"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let mut ports = String::new();
        lines.read_line(&mut ports).expect("ports");
        let (secure, plain) = ports.trim().split_once(' ').expect("two ports");
        let port = |text: &str| text.parse().expect("a port");
        Self { child, lines, secure: port(secure), plain: port(plain) }
    }

    /// The next request that it saw.
    fn seen(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a request");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/tools/debian");
    let program = Command::new(script).args(["openssl", "openssl"]).output().expect("scripts/tools/debian");
    let program = PathBuf::from(String::from_utf8_lossy(&program.stdout).trim());
    let output = Command::new(program).args(arguments.split(' ')).current_dir(folder).output().expect("openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// An authority (`ca.pem`) and the certificate of a server for this machine (`leaf.pem`, `leaf.key`).
fn certificates(folder: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(folder, &format!("req -x509 {key} -keyout ca.key -out ca.pem -days 3650 -subj /CN=authority"));
    openssl(folder, &format!("req {key} -keyout leaf.key -out leaf.csr -subj /CN=localhost"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("a file");
    openssl(
        folder,
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out leaf.pem -days 3650 -extfile names",
    );
}

/// Two requests of one user.
fn two(url: &str, version: &str, trust: Trust) -> Driven {
    let text = format!(
        "http: {{version: {version}}}\nphases: [{{users: 1, rounds: 1}}]\nscenarios:\n  - flow:\n      - post: \
         {{url: '{url}/one?a=1', json: {{b: 2}}, capture: {{json: $.version, as: v}}, headers: {{X-Own: yes}}}}\n      \
         - get: {{url: '{url}/two/{{{{ v }}}}'}}\n"
    );
    let profile = compile("p.yml".as_ref(), &text, "", &[]);
    let options = Options { trust, tracing: Tracing::Request, ..Options::default() };
    drive(profile, options, manners())
}

fn classes(driven: &Driven) -> Vec<&str> {
    driven.rows.iter().filter_map(|row| row.class.as_deref()).collect()
}

#[test]
fn tls_and_both_versions_of_http_are_spoken_as_node_speaks_them() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let mut node = Node::start(folder.path());
    let (secure, plain) = (format!("https://localhost:{}", node.secure), format!("http://127.0.0.1:{}", node.plain));
    let ours = Trust { authorities: vec![folder.path().join("ca.pem")], anybody: false };
    let cases = [
        (&secure, "1.1", "1.1", ours.clone(), true),
        (&secure, "2", "2.0", ours.clone(), true),
        (&secure, "2", "2.0", Trust { anybody: true, ..Trust::default() }, true),
        (&plain, "2", "2.0", Trust::default(), false),
    ];
    for (url, version, spoken, trust, tls) in cases {
        let driven = two(url, version, trust);
        assert_eq!(classes(&driven), ["ok", "ok"], "{url} {version}: {:?}", driven.rows);
        let (first, second) = (node.seen(), node.seen());
        assert_eq!((&first["version"], &second["version"]), (&Value::from(spoken), &Value::from(spoken)));
        assert_eq!((first["method"].as_str(), first["path"].as_str()), (Some("POST"), Some("/one?a=1")));
        assert_eq!(first["body"], "{\"b\":2}");
        assert_eq!(first["headers"]["x-own"], "yes");
        assert_eq!(second["path"], format!("/two/{spoken}"), "captured of the first response");
        for (row, seen) in driven.rows.iter().zip([&first, &second]) {
            assert_eq!(row.context_id.as_deref(), seen["headers"]["x-context"].as_str());
            assert_eq!(row.status.as_deref(), Some("200"));
            assert!(row.bytes_received > Some(0) && row.bytes_sent > Some(0));
        }
        // One connection carries both; what was done for it is measured in order.
        let stages = &driven.rows[0];
        assert_eq!((stages.reused, driven.rows[1].reused), (Some(false), Some(true)));
        assert_eq!(stages.secured_ms.is_some(), tls);
        assert!(stages.resolved_ms <= stages.connect_ms && stages.connect_ms <= stages.latency_ms, "{stages:?}");
        assert_eq!(driven.finished.sockets_opened, 1);
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_a_failure_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let node = Node::start(folder.path());
    let ours = Trust { authorities: vec![folder.path().join("ca.pem")], anybody: false };
    let cases = [
        (format!("https://localhost:{}", node.secure), Trust::default()),
        // Nobody speaks TLS there.
        (format!("https://localhost:{}", node.plain), ours.clone()),
    ];
    for (url, trust) in cases {
        let driven = two(&url, "1.1", trust);
        assert_eq!(classes(&driven), ["tls"], "{url}");
        assert!(driven.rows[0].error.as_deref().is_some_and(|error| !error.is_empty()));
        assert_eq!((driven.rows[0].secured_ms, driven.rows[0].latency_ms), (None, None));
        assert!(!driven.rows[0].left(), "no function can have seen it");
    }
    let nowhere = Trust { authorities: vec![folder.path().join("no-such.pem")], anybody: false };
    let profile = compile(
        "p.yml".as_ref(),
        "phases: [{users: 1, rounds: 1}]\nscenarios: [{flow: [{get: {url: 'https://localhost/'}}]}]\n",
        "",
        &[],
    );
    let options = Options { trust: nowhere, ..Options::default() };
    let records = folder.path().join("records");
    let refused =
        faaslens_loadgen::engine::run(&profile.into(), options, manners(), &records, &mut super::drive::Blind);
    assert!(refused.expect_err("no such file").to_string().contains("no-such.pem"));
}
