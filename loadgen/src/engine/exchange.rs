//! One request and its response, over a connection that is kept, opened or opened again.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::ext::ReasonPhrase;
use tokio::time::timeout;

use super::connect::{Connection, Origin, RequestBody, Sender, Stages, open};
use super::failure::{Failure, of_hyper};
use super::message::Message;
use super::shared::Shared;
use super::timed::Meter;
use crate::measure::class::Class;
use crate::profile::Http;

/// A response and when its parts came.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The phrase beside the status, where the server has one of its own.
    pub(crate) phrase: Option<ReasonPhrase>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// What is known of a request, whether it succeeds or not.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) stages: Stages,
    pub(crate) first_byte: Option<Instant>,
    /// When the response was complete; `None` where it never was.
    pub(crate) ended: Option<Instant>,
    pub(crate) status: Option<u16>,
    pub(crate) reused: bool,
    pub(crate) retries: u8,
    pub(crate) redirects: u8,
    /// The URL at the end, where that is the one recorded, as `JMeter` does.
    pub(crate) redirected_to: Option<String>,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
}

/// Connections of one virtual user, or of a worker where users share them.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    connections: Vec<Connection>,
}

/// Connections kept at most.
const MAX_KEPT: usize = 4096;

impl Kept {
    fn take(&mut self, origin: &Rc<Origin>) -> Option<Connection> {
        while let Some(at) = self.connections.iter().rposition(|connection| connection.origin == *origin) {
            let connection = self.connections.swap_remove(at);
            if connection.is_open() {
                return Some(connection);
            }
        }
        None
    }

    fn put(&mut self, connection: Connection) {
        if self.connections.len() < MAX_KEPT {
            self.connections.push(connection);
        }
    }
}

/// Sends a message and reads the whole response.
pub(crate) async fn exchange(
    shared: &Arc<Shared>,
    kept: &std::cell::RefCell<Kept>,
    http: &Http,
    message: &Message,
    keep_body: bool,
    traffic: &mut Traffic,
) -> Result<Answer, Failure> {
    let origin = message.target.origin()?;
    let followed = traffic.redirects > 0 && shared.manners.redirect_anywhere;
    if !followed && !shared.manners.allows(&origin.host, origin.port) {
        let host = format!("{}:{} is not among the hosts allowed", origin.host, origin.port);
        return Err(Failure::new(Class::HostNotAllowed, host));
    }
    let found = if http.keep_alive { kept.borrow_mut().take(origin) } else { None };
    traffic.reused = found.is_some();
    traffic.ended = None;
    let mut connection = match found {
        Some(connection) => connection,
        None => open(shared, origin, http, &mut traffic.stages).await?,
    };
    let request = message.to_request(http.http2);
    let (answer, reusable) = match send(&mut connection, request, http).await {
        Ok(response) => read(&connection, response, http, keep_body, traffic).await?,
        // A server may close a kept connection at any time: what was not sent is sent again on a new one.
        Err(Unsent { message: Some(request), .. }) if connection.used => {
            traffic.retries += 1;
            traffic.reused = false;
            // On the heap, as it is rare, and futures are moved whole.
            let again = Box::pin(async {
                let mut connection = open(shared, origin, http, &mut traffic.stages).await?;
                match send(&mut connection, *request, http).await {
                    Ok(response) => Ok((read(&connection, response, http, keep_body, traffic).await?, connection)),
                    Err(unsent) => Err(failed(&connection.meter, unsent, traffic)),
                }
            });
            let (answer, opened) = again.await?;
            connection = opened;
            answer
        }
        Err(unsent) => return Err(failed(&connection.meter, unsent, traffic)),
    };
    if reusable && http.keep_alive {
        connection.used = true;
        if connection.ready().await.is_ok() {
            kept.borrow_mut().put(connection);
        }
    }
    Ok(answer)
}

fn failed(meter: &Rc<Meter>, unsent: Unsent, traffic: &mut Traffic) -> Failure {
    traffic.bytes_received += meter.bytes_in();
    traffic.bytes_sent += meter.bytes_out();
    unsent.failure
}

/// A request that was not answered, and the request itself where nothing of it was sent.
struct Unsent {
    failure: Failure,
    message: Option<Box<http::Request<RequestBody>>>,
}

async fn send(
    connection: &mut Connection,
    request: http::Request<RequestBody>,
    http: &Http,
) -> Result<http::Response<Incoming>, Unsent> {
    connection.meter.reset();
    let sent = async {
        match &mut connection.sender {
            Sender::One(sender) => sender.try_send_request(request).await,
            Sender::Two(sender) => sender.try_send_request(request).await,
        }
    };
    let limit = http.response_timeout.unwrap_or(FOREVER);
    let result = timeout(limit, sent).await.map_err(|_elapsed| {
        let message = format!("no response within {} ms", limit.as_millis());
        Unsent { failure: Failure::new(Class::ResponseTimeout, message), message: None }
    })?;
    result.map_err(|mut error| {
        let message = error.take_message().map(Box::new);
        Unsent { failure: of_hyper(error.error()), message }
    })
}

/// Reads a response to its end; gives whether the connection may carry another request.
async fn read(
    connection: &Connection,
    response: http::Response<Incoming>,
    http: &Http,
    keep_body: bool,
    traffic: &mut Traffic,
) -> Result<(Answer, bool), Failure> {
    let (mut head, body) = response.into_parts();
    traffic.status = Some(head.status.as_u16());
    if traffic.first_byte.is_none() {
        traffic.first_byte = connection.meter.first_byte();
    }
    let closing = head.headers.get("connection").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
    let drained = drain(body, http, keep_body).await;
    let ended = Instant::now();
    traffic.bytes_received += connection.meter.bytes_in();
    traffic.bytes_sent += connection.meter.bytes_out();
    let body = drained?;
    traffic.ended = Some(ended);
    let phrase = head.extensions.remove::<ReasonPhrase>();
    Ok((Answer { status: head.status.as_u16(), phrase, headers: head.headers, body }, !closing))
}

async fn drain(body: Incoming, http: &Http, keep_body: bool) -> Result<Vec<u8>, Failure> {
    let limit = http.total_timeout.unwrap_or(FOREVER);
    timeout(limit, pieces(body, http, keep_body)).await.unwrap_or_else(|_elapsed| Err(endless(limit)))
}

/// Stands for no limit: a year.
const FOREVER: Duration = Duration::from_hours(8_760);

fn endless(limit: Duration) -> Failure {
    let limit = limit.as_millis();
    Failure::new(Class::BodyTimeout, format!("the body did not end within {limit} ms"))
}

async fn pieces(mut body: Incoming, http: &Http, keep_body: bool) -> Result<Vec<u8>, Failure> {
    let mut kept = Vec::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let Ok(piece): Result<Bytes, _> = frame.map_err(|error| of_hyper(&error))?.into_data() else { continue };
        length += piece.len() as u64;
        if length > http.max_body {
            let message = format!("the body is longer than {} bytes", http.max_body);
            return Err(Failure::new(Class::BodyTooLarge, message));
        }
        if keep_body {
            kept.extend_from_slice(&piece);
        }
    }
    Ok(kept)
}
