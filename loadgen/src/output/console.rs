//! The lines that `BeFaaS`'s logger prints on Artillery's console: one before each request, one after each response.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::time::Timestamp;
use serde_json::json;

use super::{Output, Run, create};
use crate::error::{Error, Result};
use crate::measure::record::Record;
use crate::profile::Site;

/// Lines held back so that they come in order of time; requests that take longer than so many others stand late.
const HELD_BACK: usize = 20_000;

struct Console {
    path: PathBuf,
    file: BufWriter<File>,
    deployment: String,
    /// Monotonic clocks count from here.
    origin: Option<Timestamp>,
    lines: BinaryHeap<Reverse<(Timestamp, u64, String)>>,
    number: u64,
}

pub(super) fn open(folder: &Path, run: &Run) -> Result<Box<dyn Output>> {
    let path = folder.join("artillery.log");
    let file = create(&path)?;
    let deployment = run.deployment.clone();
    Ok(Box::new(Console { path, file, deployment, origin: None, lines: BinaryHeap::new(), number: 0 }))
}

impl Console {
    fn hold(&mut self, at: Timestamp, kind: &str, record: &Record) -> Result<()> {
        let origin = *self.origin.get_or_insert(at.plus_ms(-60_000.0));
        let line = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "deploymentId": self.deployment,
            "timestamp": at.micros().div_euclid(1000),
            "now": at.ms_since(origin),
            "fn": {"id": "", "name": "artillery"},
            "event": {"url": record.url, "contextId": record.context, "xPair": record.pair, "type": kind},
        });
        self.number += 1;
        self.lines.push(Reverse((at, self.number, format!("BEFAAS{line}"))));
        if self.lines.len() > HELD_BACK { self.release() } else { Ok(()) }
    }

    fn release(&mut self) -> Result<()> {
        let Some(Reverse((_, _, line))) = self.lines.pop() else { return Ok(()) };
        writeln!(self.file, "{line}").map_err(Error::io("write", &self.path))
    }
}

impl Output for Console {
    fn take(&mut self, record: &Record, site: &Site) -> Result<()> {
        if site.transaction || record.context.is_empty() {
            return Ok(());
        }
        self.hold(record.sent, "before", record)?;
        if record.status.is_some() { self.hold(record.end(), "after", record) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<Option<Manifest>> {
        while !self.lines.is_empty() {
            self.release()?;
        }
        self.file.flush().map_err(Error::io("write", &self.path))?;
        Ok(None)
    }
}
