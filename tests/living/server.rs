//! A small HTTP server for fakes of providers, with faults in front of it.
//!
//! Faults follow a seed and the number of the request: throttling as the API words it, 5xx, an answer that breaks off, JSON
//! that is cut, a slow answer, an earlier answer once more (to the same question but for its page, or to any), an expired
//! token. It speaks HTTP/1.1, with `content-length` or, where a fake streams, in chunks; also over TLS, with the keys of
//! `tests/data/kubernetes`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};

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
    /// Whether the client has shown a certificate of the right authority.
    pub(crate) certified: bool,
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
    fn shows_its_end(&self, _asked: &Asked) -> bool {
        true
    }
    /// Whether an answer is streamed: its length is not said beforehand.
    fn streams(&self, _asked: &Asked) -> bool {
        false
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
    scheme: &'static str,
}

impl Server {
    /// Serves a fake on a free port of this machine.
    pub(crate) fn start(fake: Arc<dyn Fake>, faults: Faults) -> Self {
        Self::serving(fake, faults, None)
    }

    /// Serves a fake over TLS; clients may show a certificate.
    pub(crate) fn start_tls(fake: Arc<dyn Fake>) -> Self {
        Self::serving(fake, Faults::default(), Some(crate::tls::config()))
    }

    fn serving(fake: Arc<dyn Fake>, faults: Faults, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (asked, times, stop) = (AtomicU64::new(0), Mutex::default(), AtomicBool::new(false));
        let last = Mutex::default();
        let calm = AtomicBool::new(false);
        let shared = Arc::new(Shared { fake, faults, calm, asked, times, last, stop });
        let own = Arc::clone(&shared);
        let scheme = if tls.is_some() { "https" } else { "http" };
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if own.stop.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, tls) = (Arc::clone(&own), tls.clone());
                // A connection that breaks is what the client has to live with.
                std::thread::spawn(move || drop(accept(connection, &shared, tls)));
            }
        });
        Self { shared, port, scheme }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
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

/// A connection, and what tells whether its client is certified.
struct Connection<S> {
    stream: S,
    certified: fn(&S) -> bool,
}

impl<S: Read> Read for Connection<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.stream.read(buffer)
    }
}

fn accept(tcp: TcpStream, shared: &Shared, tls: Option<Arc<rustls::ServerConfig>>) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    let Some(config) = tls else {
        return serve(Connection { stream: tcp, certified: |_| false }, shared);
    };
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let stream = StreamOwned::new(connection, tcp);
    serve(Connection { stream, certified: |stream| stream.conn.peer_certificates().is_some() }, shared)
}

fn serve<S: Read + Write>(connection: Connection<S>, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    while let Some(mut asked) = read(&mut reader)? {
        let connection = reader.get_mut();
        asked.certified = (connection.certified)(&connection.stream);
        shared.times.lock().expect("the times").push(Instant::now());
        let number = shared.asked.fetch_add(1, Ordering::Relaxed);
        if !answer(&mut connection.stream, shared, &asked, number)? {
            return Ok(());
        }
    }
    Ok(())
}

/// Answers; whether the connection goes on.
fn answer(connection: &mut impl Write, shared: &Shared, asked: &Asked, number: u64) -> std::io::Result<bool> {
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
    if fault == 0 && shared.faults.percent > 0 && !shared.fake.is_beside(asked) {
        let mut last = shared.last.lock().expect("the answers before");
        last.insert(series, (answered.clone(), number));
        last.insert(path, (answered.clone(), number));
    }
    if fault == 5 && shared.fake.shows_its_end(asked) {
        let length = answered.1.len();
        answered.1.truncate(length - length.min(1 + length / 3));
    }
    let (status, body) = answered;
    let id = shared.fake.id_header().map_or_else(String::new, |name| format!("{name}: answer-{id:08}\r\n"));
    let chunked = shared.fake.streams(asked) && status == 200;
    let framing =
        if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {}", body.len()) };
    let head = format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n{id}{framing}\r\n\r\n");
    connection.write_all(head.as_bytes())?;
    let half = body.len() / 2;
    write(connection, &body[..half], chunked)?;
    match fault {
        // The connection is closed when it is dropped.
        6 => return connection.flush().map(|()| false),
        7 => std::thread::sleep(Duration::from_millis(20)),
        _ => {}
    }
    write(connection, &body[half..], chunked)?;
    if chunked {
        connection.write_all(b"0\r\n\r\n")?;
    }
    connection.flush()?;
    Ok(true)
}

fn write(connection: &mut impl Write, bytes: &[u8], chunked: bool) -> std::io::Result<()> {
    if !chunked {
        return connection.write_all(bytes);
    }
    for chunk in bytes.chunks(16_384) {
        write!(connection, "{:x}\r\n", chunk.len())?;
        connection.write_all(chunk)?;
        connection.write_all(b"\r\n")?;
    }
    Ok(())
}

/// A number that looks random (`SplitMix64`).
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Asked>> {
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
        bytes.push(escaped.unwrap_or(if first == b'+' { b' ' } else { first }));
        rest = if escaped.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
