//! A small HTTP server for fakes of providers, with faults in front of it.
//!
//! Faults follow a seed and the number of the request: throttling as the API words it, 5xx, an answer that breaks off, JSON
//! that is cut, a slow answer, an earlier answer once more (to the same question but for its page, or to any), an expired
//! token. It speaks HTTP/1.1 with `content-length` only.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A request as a fake sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}

/// An answer: status and body.
pub(crate) type Answered = (u16, Vec<u8>);

/// A provider's API.
pub(crate) trait Fake: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, asked: &Asked) -> Answered;
    /// How it says that there were too many requests.
    fn throttled(&self) -> Answered {
        (429, b"too many requests".to_vec())
    }
    /// What pages belong together: requests that differ in their page token alone.
    fn series(&self, asked: &Asked) -> String {
        let mut body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if let Some(body) = body.as_object_mut() {
            body.retain(|name, _| !name.ends_with("Token"));
        }
        format!("{} {:?} {body}", asked.path, asked.query)
    }
    /// The header with an id that no other answer has, where the API has one.
    fn id_header(&self) -> Option<&'static str> {
        None
    }
    /// Whether a text that is cut at its end shows it: JSON does, lines do not.
    fn shows_its_end(&self) -> bool {
        true
    }
    /// How an API without pages answers with a part of what was asked for; `None` where it does not.
    fn partial(&self, _asked: &Asked) -> Option<Answered> {
        None
    }
    /// Whether a request is one beside the API, for a token: no fault befalls it.
    fn is_beside(&self, _asked: &Asked) -> bool {
        false
    }
    /// How it refuses the page token of a request; `None` where the request has none.
    fn expired(&self, _asked: &Asked) -> Option<Answered> {
        None
    }
}

/// Which faults a server makes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) seed: u64,
    /// Share of requests with a fault, in percent.
    pub(crate) percent: u64,
    /// Time that every answer takes.
    pub(crate) delay: Duration,
}

struct Shared {
    fake: Arc<dyn Fake>,
    faults: Faults,
    /// Whether there are no more faults.
    calm: AtomicBool,
    asked: AtomicU64,
    times: Mutex<Vec<Instant>>,
    /// The last answer, by series and by path.
    last: Mutex<HashMap<String, (Answered, u64)>>,
    stop: AtomicBool,
}

/// A running server; it stops when it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    port: u16,
}

impl Server {
    /// Serves a fake on a free port of this machine.
    pub(crate) fn start(fake: Arc<dyn Fake>, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (asked, times, stop) = (AtomicU64::new(0), Mutex::default(), AtomicBool::new(false));
        let last = Mutex::default();
        let calm = AtomicBool::new(false);
        let shared = Arc::new(Shared { fake, faults, calm, asked, times, last, stop });
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if own.stop.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&own);
                // A connection that breaks is what the client has to live with.
                std::thread::spawn(move || drop(serve(&connection, &shared)));
            }
        });
        Self { shared, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes no more faults.
    pub(crate) fn calm_down(&self) {
        self.shared.calm.store(true, Ordering::Relaxed);
    }

    /// When each request came.
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.shared.times.lock().expect("the times").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

fn serve(connection: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(asked) = read(&mut reader)? {
        shared.times.lock().expect("the times").push(Instant::now());
        let number = shared.asked.fetch_add(1, Ordering::Relaxed);
        if !answer(connection, shared, &asked, number)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers; whether the connection goes on.
fn answer(mut connection: &TcpStream, shared: &Shared, asked: &Asked, number: u64) -> std::io::Result<bool> {
    std::thread::sleep(shared.faults.delay);
    let random = mixed(shared.faults.seed.wrapping_mul(0x1_0001).wrapping_add(number));
    let befalls =
        random % 100 < shared.faults.percent && !shared.fake.is_beside(asked) && !shared.calm.load(Ordering::Relaxed);
    let fault = if befalls { 1 + random / 100 % 8 } else { 0 };
    // What an answer is kept under: its own series of pages, or whatever has the same path.
    let (series, path) = (shared.fake.series(asked), asked.path.clone());
    let kept = |key: &str| shared.last.lock().expect("the answers before").get(key).cloned();
    let fresh = |answered: Answered| (answered, number);
    let (mut answered, id) = match fault {
        1 => fresh(shared.fake.throttled()),
        2 => fresh((503, b"{}".to_vec())),
        3 => kept(if (random / 800).is_multiple_of(2) { &series } else { &path })
            .unwrap_or_else(|| fresh(shared.fake.answer(asked))),
        4 => fresh(shared.fake.expired(asked).unwrap_or_else(|| shared.fake.answer(asked))),
        8 => fresh(shared.fake.partial(asked).unwrap_or_else(|| shared.fake.answer(asked))),
        _ => fresh(shared.fake.answer(asked)),
    };
    if fault == 0 && !shared.fake.is_beside(asked) {
        let mut last = shared.last.lock().expect("the answers before");
        last.insert(series, (answered.clone(), number));
        last.insert(path, (answered.clone(), number));
    }
    if fault == 5 && shared.fake.shows_its_end() {
        let length = answered.1.len();
        answered.1.truncate(length - length.min(1 + length / 3));
    }
    let (status, body) = answered;
    let id = shared.fake.id_header().map_or_else(String::new, |name| format!("{name}: answer-{id:08}\r\n"));
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{id}content-length: {length}\r\n\r\n");
    connection.write_all(head.as_bytes())?;
    let half = body.len() / 2;
    connection.write_all(&body[..half])?;
    match fault {
        6 => {
            connection.shutdown(std::net::Shutdown::Both)?;
            return Ok(false);
        }
        7 => std::thread::sleep(Duration::from_millis(20)),
        _ => {}
    }
    connection.write_all(&body[half..])?;
    Ok(true)
}

/// A number that looks random (`SplitMix64`).
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn read(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut asked = Asked { method, path: path.to_owned(), query: pairs(query), ..Asked::default() };
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.split_once(':') {
            Some((name, value)) => asked.headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut asked.body)?;
    Ok(Some(asked))
}

/// Names and values of a query or a form, decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
    query.split('&').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        let escaped = hex.filter(|_| first == b'%');
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
