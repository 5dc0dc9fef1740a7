//! What the page's own scripts need: the runs it explores, encoded, and the scripts themselves.
//!
//! `explored` chooses and encodes what can be explored of a run; the scripts in `assets/page/` draw it. A page of
//! one file carries the frames itself, a served page asks for them.

mod details;
mod explored;
mod frame;
mod profile;
mod shell;
mod strata;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

pub use explored::{Explored, PartRows, Plan, Room};
pub(crate) use frame::{Frame, encode};
pub use shell::policy;
pub(crate) use shell::{script, style};

/// Frames as text for a block of the page: base64 of gzip.
pub(crate) fn packed(frames: &[u8]) -> String {
    STANDARD.encode(compressed(frames))
}

/// Frames as gzip; without a time stamp, so that the same frames give the same bytes.
pub fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    // Writing to a Vec cannot fail.
    let written = encoder.write_all(frames).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}
