//! One HTTP client for all providers: TLS, rates, repetitions, bounds.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use xxhash_rust::xxh3::xxh3_128;

use super::pace::{Bucket, Patience};
pub use super::reply::{CallError, Refusal, Reply, passing};
use crate::{Error, Progress, Result};

/// Longest silence of a server in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest answer that is read at once.
const BODY_MAX: u64 = 256 << 20;
/// Memory that is taken beforehand for an answer whose length is said.
const ROOM_MAX: u64 = 16 << 20;
/// Longest sleep before the user's wish to stop is asked for.
const NAP: Duration = Duration::from_millis(50);
/// Time after which a server that never answered is given up: its name or address is wrong.
const NEVER_ANSWERED: Duration = Duration::from_secs(20);
/// Headers with an id that no other answer has: AWS, OpenWhisk, Kubernetes, OpenFaaS.
const ANSWER_IDS: [&str; 4] = ["x-amzn-requestid", "x-request-id", "audit-id", "x-call-id"];
/// Shortest text that is taken for such an id.
const ID_LENGTH: usize = 6;
/// Bytes of an error's body that are looked at.
const ERROR_BODY: u64 = 16 << 10;

/// Whom to trust, and as whom to speak, beside the system's certificates.
#[derive(Default)]
pub struct Trust {
    /// Certificates (PEM) that are trusted instead of the system's.
    pub authorities: Option<Vec<u8>>,
    /// Own certificate and key (PEM).
    pub identity: Option<Vec<u8>>,
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

/// A client that trusts the system's certificates, or those given.
///
/// # Errors
/// When a certificate cannot be read.
pub fn client(trust: &Trust) -> Result<Client> {
    patient_client(trust, SILENCE)
}

/// A client like [`client`], for a server that may be silent for longer than half a minute.
///
/// # Errors
/// As [`client`].
pub fn patient_client(trust: &Trust, silence: Duration) -> Result<Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // Another part of the program may have installed the same before.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
    let unfit = |error: reqwest::Error| Error::Usage(format!("tls: {}", error.without_url()));
    let mut builder = Client::builder()
        .user_agent(concat!("faaslens/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(silence)
        .tcp_nodelay(true);
    if let Some(pem) = &trust.authorities {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(unfit)?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(pem) = &trust.identity {
        builder = builder.identity(reqwest::Identity::from_pem(pem).map_err(unfit)?);
    }
    builder.build().map_err(unfit)
}

/// A request about to be sent. Headers are never shown: they may hold credentials.
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Body of a `POST`.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Request {
    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `POST` of JSON.
    pub fn post(url: impl Into<String>, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { method: "POST", url: url.into(), headers, body }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// An answer whose head has come.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    body: Response,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Answer {
    /// The whole body, at most 256 MiB of it.
    ///
    /// # Errors
    /// When the connection breaks, the server falls silent, or the body is longer.
    pub fn bytes(&mut self) -> io::Result<Vec<u8>> {
        // A length that is said is no promise: no more is taken for it than a page may have.
        let said = self.body.content_length().unwrap_or(0).min(ROOM_MAX);
        let mut bytes = Vec::with_capacity(usize::try_from(said).unwrap_or(0) + 1);
        (&mut self.body).take(BODY_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BODY_MAX {
            return Err(io::Error::other("the answer is longer than 256 MiB"));
        }
        Ok(bytes)
    }

    /// What an error's body says, cut to 16 KiB; what cannot be read of it is left out.
    pub fn complaint(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        drop((&mut self.body).take(ERROR_BODY).read_to_end(&mut bytes));
        bytes
    }

    /// The id that the server gave the answer alone.
    fn id(&self) -> Option<u128> {
        let id = ANSWER_IDS.iter().find_map(|name| self.body.headers().get(*name))?;
        (id.len() >= ID_LENGTH).then(|| xxh3_128(id.as_bytes()))
    }

    /// Whether a cache says that it kept the answer for a while.
    fn is_kept(&self) -> bool {
        let age = self.body.headers().get("age").and_then(|age| age.to_str().ok()?.trim().parse::<u64>().ok());
        age.is_some_and(|seconds| seconds > 0)
    }

    fn retry_after(&self) -> Option<Duration> {
        let value = self.body.headers().get("retry-after")?.to_str().ok()?;
        value.trim().parse::<f64>().ok().filter(|s| (0.0..3600.0).contains(s)).map(Duration::from_secs_f64)
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

/// How often an API may be asked.
#[derive(Debug, Clone, Copy)]
pub struct Quota<'a> {
    /// What shares the rate.
    pub name: &'a str,
    /// Requests a second when the user says nothing.
    pub per_second: f64,
}

/// What sources send their requests through.
pub struct Api<'a> {
    client: Client,
    patience: Patience,
    rate: Option<f64>,
    plain_http: bool,
    buckets: Mutex<HashMap<String, Arc<Bucket>>>,
    calls: AtomicU64,
    /// Ids of the answers so far.
    ids: Mutex<HashSet<u128>>,
    /// Whether any answer came so far.
    answered: AtomicBool,
    progress: &'a dyn Progress,
}

impl std::fmt::Debug for Api<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl<'a> Api<'a> {
    /// An API with a `rate` for every quota instead of its own, and plain HTTP to other machines where `plain_http`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(patience: Patience, rate: Option<f64>, plain_http: bool, progress: &'a dyn Progress) -> Result<Self> {
        let client = client(&Trust::default())?;
        let buckets = Mutex::default();
        Ok(Self {
            client,
            patience,
            rate,
            plain_http,
            buckets,
            calls: AtomicU64::new(0),
            ids: Mutex::default(),
            answered: AtomicBool::new(false),
            progress,
        })
    }

    /// Requests sent so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether the user wants to stop.
    pub fn cancelled(&self) -> bool {
        self.progress.cancelled()
    }

    /// Sends what `make` makes until `read` is content with the answer: see [`Api::call_with`].
    ///
    /// # Errors
    /// As [`Api::call_with`].
    pub fn call<T>(
        &self,
        quota: Quota<'_>,
        make: impl FnMut() -> Result<Request>,
        read: impl FnMut(&mut Answer) -> Reply<T>,
    ) -> Result<T, CallError> {
        self.call_with(&self.client, quota, make, read)
    }

    /// Sends what `make` makes with a client of the source's own, at most as often as the quota allows, until `read` is
    /// content with the answer, refuses for good, or the time for repetitions is over.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the API's refusal; otherwise what `make` failed with, a final word about what stood in
    /// the way, or [`Error::Paused`].
    pub fn call_with<T>(
        &self,
        client: &Client,
        quota: Quota<'_>,
        mut make: impl FnMut() -> Result<Request>,
        mut read: impl FnMut(&mut Answer) -> Reply<T>,
    ) -> Result<T, CallError> {
        let bucket = self.bucket(quota);
        let began = Instant::now();
        let mut failures = 0;
        loop {
            self.sleep(Duration::ZERO)?;
            while let Some(wait) = bucket.take() {
                self.sleep(wait)?;
            }
            let request = make().map_err(CallError::Other)?;
            let host = self.check(&request).map_err(CallError::Other)?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let (reason, asked) = match send(client, &request) {
                Ok(mut answer) => {
                    self.answered.store(true, Ordering::Relaxed);
                    let asked = answer.retry_after();
                    let reply = if self.is_stale(&answer) {
                        Reply::Again("a stale answer: it was given before".to_owned())
                    } else {
                        read(&mut answer)
                    };
                    match reply {
                        Reply::Done(value) => return Ok(value),
                        Reply::Refused(refusal) => return Err(CallError::Refused(refusal)),
                        Reply::Failed(error) => return Err(CallError::Other(error)),
                        Reply::Again(reason) => (reason, asked),
                    }
                }
                Err(error) if is_untrusted(&error) => {
                    let reason =
                        format!("{host}: {}; an authority of your own is trusted with SSL_CERT_FILE", describe(&error));
                    return Err(CallError::Other(Error::Refused(reason)));
                }
                Err(error) => (describe(&error), None),
            };
            failures += 1;
            let wait = self.patience.wait(failures).max(asked.unwrap_or_default());
            let answered = self.answered.load(Ordering::Relaxed);
            let total = if answered { self.patience.total } else { self.patience.total.min(NEVER_ANSWERED) };
            if began.elapsed() + wait > total {
                return Err(CallError::Other(Error::GaveUp { host, failures, total, reason }));
            }
            self.sleep(wait)?;
        }
    }

    /// Whether an answer was given before, to this request or another.
    fn is_stale(&self, answer: &Answer) -> bool {
        let new = |id| self.ids.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(id);
        answer.is_kept() || answer.id().is_some_and(|id| !new(id))
    }

    fn bucket(&self, quota: Quota<'_>) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let new = || Arc::new(Bucket::new(self.rate.unwrap_or(quota.per_second)));
        Arc::clone(buckets.entry(quota.name.to_owned()).or_insert_with(new))
    }

    /// Sleeps, unless the user wants to stop.
    pub(crate) fn sleep(&self, mut time: Duration) -> Result<(), CallError> {
        loop {
            if self.progress.cancelled() {
                return Err(CallError::Other(Error::Paused));
            }
            if time.is_zero() {
                return Ok(());
            }
            let nap = time.min(NAP);
            std::thread::sleep(nap);
            time -= nap;
        }
    }

    /// Refuses what would carry credentials in the clear; gives the host, for messages.
    fn check(&self, request: &Request) -> Result<String> {
        check_url(&request.url, self.plain_http)
    }
}

/// Refuses an URL that would carry credentials in the clear or has some in itself; gives its host.
///
/// # Errors
/// [`Error::Usage`].
pub fn check_url(url: &str, plain_http: bool) -> Result<String> {
    let unfit = |reason: &str| Error::Usage(format!("endpoint: {reason}"));
    let parsed = Url::parse(url).map_err(|error| unfit(&format!("{error}, expected one like https://host")))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(unfit("it holds credentials, which belong in the provider's own chain"));
    }
    let host = parsed.host_str().unwrap_or_default().to_owned();
    let name = host.trim_matches(['[', ']']);
    let loopback = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match parsed.scheme() {
        "https" => Ok(host),
        "http" if loopback || plain_http => Ok(host),
        "http" => Err(unfit(&format!(
            "plain http to {host} would show credentials and logs to the network: use https, or --plain-http"
        ))),
        other => Err(unfit(&format!("expected https, found {other}"))),
    }
}

fn send(client: &Client, request: &Request) -> reqwest::Result<Answer> {
    let builder = match request.method {
        "POST" => client.post(&request.url).body(request.body.clone()),
        _ => client.get(&request.url),
    };
    let mut headers = HeaderMap::new();
    headers.insert(reqwest::header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_str(value);
        if let (Ok(name), Ok(mut value)) = (name, value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
    }
    let body = builder.headers(headers).send()?;
    Ok(Answer { status: body.status().as_u16(), body })
}

/// Whether a server's certificate is not trusted: asking again changes nothing.
fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.to_string().contains("certificate") {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What went wrong on the way, without the URL.
fn describe(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "no answer in time".to_owned() } else { "no connection".to_owned() };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    crate::redact::excerpt(text.as_bytes(), 300).into_owned()
}

/// What a body that broke off is: something to ask for again.
pub fn broken<T>(error: &io::Error) -> Reply<T> {
    let cause = error.get_ref().map_or_else(|| error.to_string(), ToString::to_string);
    Reply::Again(format!("the answer broke off: {}", crate::redact::excerpt(cause.as_bytes(), 200)))
}

/// Reads an answer of status 200 as JSON; any other is for `complaint`.
pub fn json_of<T: serde::de::DeserializeOwned>(
    complaint: impl Fn(&mut Answer) -> Reply<T>,
) -> impl FnMut(&mut Answer) -> Reply<T> {
    move |answer| {
        if answer.status != 200 {
            return complaint(answer);
        }
        match answer.bytes() {
            Ok(bytes) => serde_json::from_slice(&bytes).map_or_else(|error| unreadable(&error), Reply::Done),
            Err(error) => broken(&error),
        }
    }
}

/// Names and values as the query of an URL, with its question mark.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0').to_ascii_uppercase();
        let escaped = |b: u8| if plain(b) { vec![char::from(b)] } else { vec!['%', digit(b >> 4), digit(b & 15)] };
        text.bytes().flat_map(escaped).collect()
    };
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    format!("?{}", pairs.join("&"))
}

/// What an answer that is no whole JSON is: something to ask for again.
pub fn unreadable<T>(error: &serde_json::Error) -> Reply<T> {
    Reply::Again(format!(
        "unreadable answer: line {} column {}: {:?} error",
        error.line(),
        error.column(),
        error.classify()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_go_in_the_clear_beyond_this_machine() {
        assert!(check_url("https://logs.us-east-1.amazonaws.com/", false).is_ok());
        for loopback in ["http://127.0.0.1:4566/", "http://localhost:8080", "http://[::1]:1/"] {
            assert!(check_url(loopback, false).is_ok(), "{loopback}");
        }
        for refused in
            ["http://192.168.1.7:8080/", "http://example.org/", "http://localhost.example.org", "ftp://127.0.0.1/", "x"]
        {
            assert!(check_url(refused, false).is_err(), "{refused}");
        }
        assert!(check_url("http://192.168.1.7:8080/", true).is_ok());
    }

    #[test]
    fn an_url_with_credentials_is_refused_without_repeating_them() {
        let error = check_url("https://admin:PLANTED@gateway/", true).expect_err("refused");
        assert!(!error.to_string().contains("PLANTED"), "{error}");
    }

    #[test]
    fn values_of_a_query_are_escaped() {
        assert_eq!(query(&[("a", "b c&d"), ("t", "é+")]), "?a=b%20c%26d&t=%C3%A9%2B");
    }

    #[test]
    fn requests_do_not_show_their_headers() {
        let request = Request::get("https://x/").header("authorization", "PLANTED");
        assert!(!format!("{request:?}").contains("PLANTED"));
    }
}
