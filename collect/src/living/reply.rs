//! What came of a request: an answer, something that may pass, a refusal, a failure.

use crate::Error;

/// What came of one try.
#[derive(Debug)]
pub enum Reply<T> {
    /// The answer.
    Done(T),
    /// It may be another thing next time: throttled, broken off, 5xx.
    Again(String),
    /// The server refuses: a code of its own, if it names one, and what it says.
    Refused(Refusal),
    /// Nothing that another request would change.
    Failed(Error),
}

/// A refusal that asking again does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The API's own code.
    pub code: String,
    /// What the API says.
    pub message: String,
}

impl Refusal {
    /// Whether it may be another one next time: by its status, or because its body broke off.
    pub fn passes(&self) -> bool {
        let json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        passing(self.status) || (self.message.trim_start().starts_with('{') && !json(&self.message))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, code, message } = self;
        write!(f, "{status} {code}: {}", crate::redact::excerpt(message.as_bytes(), 300))
    }
}

/// Why a call did not succeed.
#[derive(Debug)]
pub enum CallError {
    /// The API refused it.
    Refused(Refusal),
    /// Anything else.
    Other(Error),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => Self::Refused(refusal.to_string()),
            CallError::Other(error) => error,
        }
    }
}

/// Whether a status may be another one next time: 408, 429 and 5xx.
pub fn passing(status: u16) -> bool {
    status == 408 || status == 429 || status >= 500
}
