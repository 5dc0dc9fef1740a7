//! Why a request failed, as a closed list.

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Class of a request's outcome.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Class { $($(#[doc = $doc])+ $variant,)+ }

        impl Class {
            /// Every class.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Name in records.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

classes! {
    /// Answered, with a status below 300, and every assertion held.
    Ok = "ok",
    /// Answered with a redirection that was not followed.
    Status3xx = "status_3xx",
    /// Answered with a client error.
    Status4xx = "status_4xx",
    /// Answered with a server error.
    Status5xx = "status_5xx",
    /// The host's name has no address.
    Dns = "dns",
    /// Nobody listens.
    ConnectRefused = "connect_refused",
    /// No connection within the connect timeout.
    ConnectTimeout = "connect_timeout",
    /// No connection for another reason.
    Connect = "connect",
    /// No TLS session: a certificate that is not trusted, no common version.
    Tls = "tls",
    /// The connection was reset.
    Reset = "reset",
    /// The connection was closed before the response was complete.
    Closed = "closed",
    /// No response within the response timeout.
    ResponseTimeout = "response_timeout",
    /// The response had begun but did not end in time.
    BodyTimeout = "body_timeout",
    /// The response's body is longer than allowed.
    BodyTooLarge = "body_too_large",
    /// What came is no HTTP.
    Protocol = "protocol",
    /// A redirection to a host that is not allowed, or the request's own host is not.
    HostNotAllowed = "host_not_allowed",
    /// More redirections than are followed.
    TooManyRedirects = "too_many_redirects",
    /// No URL came out of the template.
    InvalidUrl = "invalid_url",
    /// A value to capture was not in the response.
    Capture = "capture",
    /// An assertion did not hold.
    Assertion = "assertion",
    /// The generator ran out of sockets or ports.
    NoSocket = "no_socket",
    /// The run ended before the response.
    Interrupted = "interrupted",
}

impl Class {
    /// The class of a status.
    pub fn of_status(status: u16) -> Self {
        match status {
            300..400 => Self::Status3xx,
            400..500 => Self::Status4xx,
            500.. => Self::Status5xx,
            _ => Self::Ok,
        }
    }

    /// Whether the request counts as a success: a redirection that is not followed does, as for `JMeter`.
    pub fn success(self) -> bool {
        matches!(self, Self::Ok | Self::Status3xx)
    }

    /// The class under a number, as stored by [`Class::number`].
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }
}
