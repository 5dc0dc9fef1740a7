//! The instrumentation record of BeFaaS: the marker `BEFAAS` and one JSON object.
//!
//! [`parse`] reads one record in one pass and borrows what it returns. A record may stand plain in a line or inside
//! a JSON string, where every quote is `\"`; the first bytes tell which. It ends with its closing brace: what follows
//! in the line is the caller's. Key order does not matter, unknown keys are skipped, numbers are exact.
//!
//! A record is refused with a [`Refusal`] that says at which byte and why: never a panic, whatever the bytes.

mod canonical;
mod event;
mod json;
mod kind;
mod number;
mod search;

pub use canonical::Reader;
pub use event::{Event, Record, parse, parse_bytes};
pub use json::Refusal;
pub use kind::{Kind, Op};
pub use search::{count_lines, find_marker};

/// What every record begins with; the brace belongs to its JSON.
pub const MARKER: &[u8] = b"BEFAAS{";
/// Bytes of the marker before the JSON.
pub const TAG_LENGTH: usize = MARKER.len() - 1;
