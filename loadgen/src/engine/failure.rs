//! What goes wrong with a request, told by class.

use std::error::Error as _;

use crate::measure::class::Class;

/// Why a request has no usable response.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }
}

/// Of an error of the HTTP connection.
pub(crate) fn of_hyper(error: &hyper::Error) -> Failure {
    let mut message = error.to_string();
    let mut class = if error.is_parse() {
        Class::Protocol
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Class::Closed
    } else if error.is_timeout() {
        Class::ResponseTimeout
    } else {
        Class::Protocol
    };
    let mut cause = error.source();
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            class = match io.kind() {
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => Class::Reset,
                std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::NotConnected => Class::Closed,
                std::io::ErrorKind::TimedOut => Class::ResponseTimeout,
                _ if is_tls(io) => Class::Tls,
                _ => class,
            };
        }
        cause = inner.source();
    }
    Failure { class, message }
}

fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}
