//! Opening connections, each stage timed.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::failure::{Failure, of_hyper};
use super::shared::Shared;
use super::timed::{Meter, Timed, Transport};
use crate::measure::class::Class;
use crate::profile::Http;

/// The body of every request: bytes that are there.
pub(crate) type RequestBody = Full<Bytes>;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

impl Origin {
    /// Of a URL.
    pub(crate) fn of(uri: &http::Uri) -> Result<Self, Failure> {
        let refuse = |why: &str| Failure::new(Class::InvalidUrl, format!("{why}: {uri}"));
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refuse("expected http or https")),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| refuse("expected a host"))?;
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port, tls })
    }
}

/// When the stages of connecting were done.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Stages {
    pub(crate) resolved: Option<Instant>,
    pub(crate) connected: Option<Instant>,
    pub(crate) secured: Option<Instant>,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) origin: Rc<Origin>,
    pub(crate) sender: Sender,
    pub(crate) meter: Rc<Meter>,
    /// Whether an earlier request used it.
    pub(crate) used: bool,
}

/// The two protocols.
#[derive(Debug)]
pub(crate) enum Sender {
    One(http1::SendRequest<RequestBody>),
    Two(http2::SendRequest<RequestBody>),
}

impl Connection {
    /// Whether it may carry another request.
    pub(crate) fn is_open(&self) -> bool {
        match &self.sender {
            Sender::One(sender) => !sender.is_closed(),
            Sender::Two(sender) => !sender.is_closed(),
        }
    }

    /// Waits until it can take a request.
    pub(crate) async fn ready(&mut self) -> Result<(), hyper::Error> {
        match &mut self.sender {
            Sender::One(sender) => sender.ready().await,
            Sender::Two(sender) => sender.ready().await,
        }
    }
}

/// Counts an open socket for as long as it lives.
struct OpenSocket(Arc<Shared>);

impl OpenSocket {
    fn new(shared: &Arc<Shared>) -> Self {
        let open = shared.sockets.fetch_add(1, Ordering::Relaxed) + 1;
        shared.sockets_most.fetch_max(open, Ordering::Relaxed);
        shared.sockets_opened.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Spawns on the worker's own thread.
#[derive(Debug, Clone, Copy)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        spawn_local(async move {
            future.await;
        });
    }
}

/// Opens a connection.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    origin: &Rc<Origin>,
    http: &Http,
    stages: &mut Stages,
) -> Result<Connection, Failure> {
    // On the heap, for requests over kept connections need no room for it.
    let work = Box::pin(connect(shared, origin, http, stages));
    match http.connect_timeout {
        Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Failure::new(Class::ConnectTimeout, format!("not connected within {} ms", limit.as_millis())))
        }),
        None => work.await,
    }
}

async fn connect(
    shared: &Arc<Shared>,
    origin: &Rc<Origin>,
    http: &Http,
    stages: &mut Stages,
) -> Result<Connection, Failure> {
    let addresses = resolve(origin).await?;
    stages.resolved = Some(Instant::now());
    let stream = first_that_answers(&addresses).await?;
    stages.connected = Some(Instant::now());
    let socket = OpenSocket::new(shared);
    // Only delays small writes; nothing is lost where it is refused.
    drop(stream.set_nodelay(true));
    let transport = if origin.tls {
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|error| Failure::new(Class::Tls, format!("{}: {error}", origin.host)))?;
        let connector = tokio_rustls::TlsConnector::from(shared.tls(http.http2));
        let stream =
            connector.connect(name, stream).await.map_err(|error| Failure::new(Class::Tls, error.to_string()))?;
        stages.secured = Some(Instant::now());
        Transport::Tls(Box::new(stream))
    } else {
        Transport::Plain(stream)
    };
    let meter = Rc::new(Meter::default());
    let io = TokioIo::new(Timed::new(transport, Rc::clone(&meter)));
    let sender = if http.http2 { two(io, socket).await? } else { one(io, socket).await? };
    Ok(Connection { origin: Rc::clone(origin), sender, meter, used: false })
}

async fn one(io: TokioIo<Timed>, socket: OpenSocket) -> Result<Sender, Failure> {
    let (sender, connection) = http1::handshake(io).await.map_err(|error| of_hyper(&error))?;
    spawn_local(async move {
        // What goes wrong here is told to the request that waits for it.
        drop(connection.await);
        drop(socket);
    });
    Ok(Sender::One(sender))
}

async fn two(io: TokioIo<Timed>, socket: OpenSocket) -> Result<Sender, Failure> {
    let (sender, connection) = http2::handshake(LocalExecutor, io).await.map_err(|error| of_hyper(&error))?;
    spawn_local(async move {
        // As above.
        drop(connection.await);
        drop(socket);
    });
    Ok(Sender::Two(sender))
}

async fn resolve(origin: &Origin) -> Result<Vec<SocketAddr>, Failure> {
    if let Ok(address) = origin.host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, origin.port)]);
    }
    let failure = |why: String| Failure::new(Class::Dns, format!("{}: {why}", origin.host));
    let found = tokio::net::lookup_host((&*origin.host, origin.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| failure(error.to_string()))?.collect();
    if addresses.is_empty() { Err(failure("no address".to_owned())) } else { Ok(addresses) }
}

/// Time that each address but the last gets where a name has several.
const NEXT_ADDRESS: Duration = Duration::from_secs(3);

async fn first_that_answers(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut last = None;
    for (i, address) in addresses.iter().enumerate() {
        let attempt = TcpStream::connect(address);
        let result = if i + 1 < addresses.len() {
            tokio::time::timeout(NEXT_ADDRESS, attempt)
                .await
                .unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut)))
        } else {
            attempt.await
        };
        match result {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some((address, error)),
        }
    }
    let Some((address, error)) = last else { return Err(Failure::new(Class::Dns, "no address".to_owned())) };
    let class = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Class::ConnectRefused,
        std::io::ErrorKind::TimedOut => Class::ConnectTimeout,
        std::io::ErrorKind::ConnectionReset => Class::Reset,
        std::io::ErrorKind::AddrNotAvailable | std::io::ErrorKind::AddrInUse => Class::NoSocket,
        // EMFILE and ENFILE have no kind of their own.
        _ if matches!(error.raw_os_error(), Some(23 | 24)) => Class::NoSocket,
        _ => Class::Connect,
    };
    Err(Failure::new(class, format!("{address}: {error}")))
}
