//! `faaslens serve`: whom it answers, and the page it serves.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::{EXAMPLE, check};

/// A server over the store of the example; it ends with the test.
struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    host: String,
    /// First part of every path.
    token: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("the server can be ended");
    }
}

fn serve() -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faaslens"))
        .args(["serve", "--store"])
        .arg(EXAMPLE.join("store"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut line).expect("an address");
    let address = line.trim().strip_prefix("http://").expect("an address").trim_end_matches('/');
    let (host, token) = address.split_once('/').expect("a token");
    Server { child, host: host.to_owned(), token: token.to_owned() }
}

impl Server {
    /// Status and head of the answer, and its body, to a request that no client library has tidied.
    fn ask(&self, method: &str, path: &str, headers: &[&str]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).expect("connected");
        let host = format!("Host: {}", self.host);
        let named = headers.iter().any(|header| header.starts_with("Host:"));
        let lines = headers.iter().copied().chain((!named).then_some(host.as_str())).chain(["Connection: close"]);
        let request = format!("{method} {path} HTTP/1.1\r\n{}\r\n\r\n", lines.collect::<Vec<_>>().join("\r\n"));
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head, answer.split_off(end + 4))
    }

    fn status(&self, path: &str, headers: &[&str]) -> u16 {
        self.ask("GET", path, headers).0
    }
}

#[test]
fn only_the_reader_with_the_token_is_answered() {
    let server = serve();
    let page = format!("/{}/", server.token);
    let (status, head, body) = server.ask("GET", &page, &[]);
    assert_eq!(status, 200);
    assert!(body.starts_with(b"<!DOCTYPE html>"));
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(head.contains(header), "{header}");
    }
    for wrong in [
        "/",
        "/x/",
        &format!("/{}0/", server.token),
        &format!("/{}/", "0".repeat(32)),
        &format!("/{}/", &server.token[1..]),
    ] {
        assert_eq!(server.status(wrong, &[]), 404, "{wrong}");
    }
    assert_eq!(server.status(&page, &["Host: evil.example"]), 421);
    let port = server.host.rsplit(':').next().expect("a port");
    assert_eq!(server.status(&page, &[&format!("Host: evil.example:{port}")]), 421);
    assert_eq!(server.status(&page, &["Origin: http://evil.example"]), 403);
    assert_eq!(server.status(&page, &["Sec-Fetch-Site: cross-site"]), 403);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(server.ask(method, &page, &["Content-Length: 0"]).0, 405, "{method}");
    }
}

#[test]
fn no_path_leads_out_of_what_is_served() {
    let server = serve();
    let at = |path: &str| server.status(&format!("/{}/{path}", server.token), &[]);
    for path in [
        "../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "tables/../../../etc/passwd",
        "%00",
        "files.json",
        "api/table?run=../../etc&name=traces",
        "api/table?run=befaas-webservice&name=../runs",
        "api/trace?run=..&context=x",
        "api/explore?run=%2e%2e",
        "api/trace?run=befaas-webservice&context=../../x",
        "api/trace",
        "api/nothing",
    ] {
        assert_eq!(at(path), 404, "{path}");
    }
    assert_eq!(at("tables/befaas-webservice/durations.csv"), 200);
}

#[test]
fn tables_of_the_store_are_there_to_download() {
    let server = serve();
    let path = format!("/{}/api/table?run=befaas-webservice&name=traces", server.token);
    let (status, head, body) = server.ask("GET", &path, &[]);
    assert_eq!(status, 200);
    assert!(head.contains("attachment; filename=\"befaas-webservice-traces.csv\""), "{head}");
    // 973 contexts, as examples/befaas-webservice/README.md says, and the header.
    // Lines that end with \r\n are those of the chunked transfer.
    let text = String::from_utf8_lossy(&body);
    assert_eq!(text.matches('\n').count() - text.matches("\r\n").count(), 974);
}

#[test]
fn the_served_page_has_every_view_and_reads_traces_from_the_store() {
    let server = serve();
    let page = format!("http://{}/{}/", server.host, server.token);
    for name in ["views", "mouse", "address"] {
        check(name, &page);
    }
}
