//! A server that records what reaches it and answers by path.
//!
//! | path | answer |
//! |---|---|
//! | `…/status/N` | status N |
//! | `…/redirect/…` | 302 to `/final` |
//! | `…/circle` | 302 to itself |
//! | `…/token` | JSON with a token and a list, and a cookie |
//! | `…/slow/N` | after N ms |
//! | `…/endless` | a body that never ends |
//! | `…/flood` | one that never ends and comes as fast as it can |
//! | `…/large/N` | a body of N bytes |
//! | `…/reset` | closes the connection with a reset |
//! | `…/close` | closes the connection without an answer |
//! | `…/silent` | no answer |
//! | `…/garbage` | no HTTP |
//! | anything else | 200 with `{"ok":true}` |

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One request as it reached the server.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When its first line was read.
    pub(crate) begun: Instant,
    /// When its last byte was read.
    pub(crate) at: Instant,
    /// From then until its answer was written.
    pub(crate) served: Duration,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// The server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicU64,
    open: AtomicI64,
    stop: AtomicBool,
    /// No request is answered before this, once it is set.
    stalled: Mutex<Option<Instant>>,
}

impl State {
    /// Keeps a request, in the order in which requests came; gives its place.
    fn note(&self, seen: Seen) -> usize {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(seen);
        all.len() - 1
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.stop.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let state = Arc::clone(&accepting);
                state.connections.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    state.open.fetch_add(1, Ordering::Relaxed);
                    serve(&state, stream);
                    state.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { port, state }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> i64 {
        self.state.open.load(Ordering::Relaxed)
    }

    /// Answers nothing for a while.
    pub(crate) fn stall(&self, time: Duration) {
        *self.state.stalled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve(state: &State, stream: TcpStream) {
    drop(stream.set_nodelay(true));
    let Ok(writing) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read(&mut reader) {
        let stalled = *state.stalled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = stalled {
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
        }
        let close = seen.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let (at, place) = (seen.at, state.note(seen.clone()));
        let going = answer(&writing, &seen, close);
        state.seen.lock().unwrap_or_else(PoisonError::into_inner)[place].served = at.elapsed();
        if !going || close {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let begun = Instant::now();
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let value = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let body = if value("transfer-encoding") == Some("chunked") {
        chunked(reader)?
    } else {
        let mut body = vec![0; value("content-length").and_then(|n| n.parse().ok()).unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        body
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Seen { begun, at: Instant::now(), served: Duration::ZERO, method, path, headers, body })
}

fn chunked(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut piece = vec![0; usize::from_str_radix(line.trim(), 16).ok()? + 2];
        reader.read_exact(&mut piece).ok()?;
        if piece.len() == 2 {
            return Some(body);
        }
        body.extend_from_slice(&piece[..piece.len() - 2]);
    }
}

/// Answers; false where the connection is to be closed.
fn answer(mut stream: &TcpStream, seen: &Seen, close: bool) -> bool {
    let path = seen.path.split('?').next().unwrap_or_default();
    let number = |name: &str| {
        path.split_once(&format!("/{name}/")).and_then(|(_, rest)| rest.split('/').next()?.parse::<u64>().ok())
    };
    if path.ends_with("/silent") {
        std::thread::sleep(Duration::from_secs(3));
        return false;
    }
    if path.ends_with("/close") {
        return false;
    }
    if path.ends_with("/reset") {
        // Unread bytes at the moment of closing make the kernel send a reset.
        return false;
    }
    if path.ends_with("/garbage") {
        drop(stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"));
        return false;
    }
    if path.ends_with("/endless") {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"));
        while stream.write_all(b"1\r\nx\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        return false;
    }
    if path.ends_with("/flood") {
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"));
        let piece = [b"10000\r\n".to_vec(), vec![b'x'; 1 << 16], b"\r\n".to_vec()].concat();
        while stream.write_all(&piece).is_ok() {}
        return false;
    }
    if let Some(ms) = number("slow") {
        std::thread::sleep(Duration::from_millis(ms));
    }
    let location = match path {
        path if path.contains("/redirect/") => "/final",
        path if path.ends_with("/circle") => path,
        _ => "",
    };
    let status = number("status").unwrap_or(if location.is_empty() { 200 } else { 302 });
    let mut extra = String::new();
    if !location.is_empty() {
        extra.extend(["location: ", location, "\r\n"]);
    }
    let mut body = "{\"ok\":true}".to_owned();
    if path.ends_with("/token") {
        "{\"token\":\"tok-1\",\"list\":[{\"id\":7},{\"id\":7}],\"object\":{\"deep\":[1,2]}}".clone_into(&mut body);
        extra.push_str("set-cookie: session=s1; Path=/\r\nx-served: yes\r\n");
    }
    if let Some(bytes) = number("large") {
        body = "x".repeat(usize::try_from(bytes).unwrap_or(0));
    }
    let connection = if close { "connection: close\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n{extra}{connection}content-length: {}\r\n\r\n",
        body.len()
    );
    let body = if seen.method == "HEAD" { "" } else { &body };
    stream.write_all(format!("{head}{body}").as_bytes()).is_ok()
}
