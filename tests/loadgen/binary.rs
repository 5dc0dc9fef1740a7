//! Running the binary, and a server for it to send to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A server that answers everything with 200, `/status/N` with N, `/slow/N` after N ms; until the test ends.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) port: u16,
    paths: Arc<Mutex<Vec<String>>>,
}

impl Served {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let served = Self { port, paths: Arc::default() };
        let paths = Arc::clone(&served.paths);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let paths = Arc::clone(&paths);
                std::thread::spawn(move || answer(&stream, &paths));
            }
        });
        served
    }

    /// Paths of the requests that were answered so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.paths.lock().expect("no panic while it was locked").clone()
    }

    /// Waits until so many requests have been answered.
    pub(crate) fn wait_for(&self, requests: usize) {
        let since = Instant::now();
        while self.paths().len() < requests {
            assert!(since.elapsed() < Duration::from_secs(20), "{} of {requests} requests came", self.paths().len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn answer(stream: &TcpStream, paths: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let mut first = String::new();
        if !reader.read_line(&mut first).is_ok_and(|read| read > 0) {
            return;
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) && !line.trim().is_empty() {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        drop(reader.read_exact(&mut body));
        let number = |name: &str| path.rsplit_once(name).and_then(|(_, n)| n.parse::<u64>().ok());
        std::thread::sleep(Duration::from_millis(number("/slow/").unwrap_or(0)));
        let status = number("/status/").unwrap_or(200);
        paths.lock().expect("no panic while it was locked").push(path.clone());
        let mut stream = stream;
        if stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok").as_bytes()).is_err() {
            return;
        }
    }
}

pub(crate) fn faaslens(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_faaslens")).args(arguments).current_dir(folder).output().expect("faaslens")
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What a query answers: rows of texts, without the names of columns.
pub(crate) fn ask(sql: &str, store: &str, folder: &Path) -> Vec<Vec<String>> {
    let output = faaslens(&["query", sql, "--store", store, "--format", "csv"], folder);
    assert!(output.status.success(), "{sql}: {}", text(&output));
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// One number that a query answers.
pub(crate) fn count(sql: &str, store: &str, folder: &Path) -> u64 {
    let rows = ask(sql, store, folder);
    rows[0][0].parse().unwrap_or_else(|_| panic!("{sql}: expected a number, found {rows:?}"))
}

/// The binary, started and left alone.
pub(crate) fn start(arguments: &[&str], folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_faaslens"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("faaslens")
}

/// A profile of one request for each arrival, in `folder`.
pub(crate) fn write_profile(folder: &Path, phases: &str, path: &str, served: &Served) {
    let text = format!(
        "target: http://127.0.0.1:{}\nphases: [{phases}]\nscenarios: [{{name: s, flow: [{{get: {{url: '{path}'}}}}]}}]\n",
        served.port
    );
    std::fs::write(folder.join("p.yml"), text).expect("a profile");
}

/// The summary of a load.
pub(crate) fn summary(folder: &Path) -> serde_json::Value {
    let text = std::fs::read(folder.join("summary.json")).expect("summary.json");
    serde_json::from_slice(&text).expect("JSON")
}
