//! Folded stacks: one line a call path and category, with its time in whole microseconds, for inferno, `flamegraph.pl`
//! and speedscope.
//!
//! `folded` follows critical paths: every instant of a root's duration counts once, so the lines add up to the durations of
//! the roots. `folded-all` takes every invocation, parallel branches and triggered functions too: compute and database time
//! of invocations (wall division), network time of calls, trigger delays of events. Distinct paths stay in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Result, Write};

use faaslens_schemas::tables::{Call, PathSegment};

use crate::rows::{Links, Scene};
use crate::{Exporter, Format, LeftOut};

pub(crate) static CRITICAL: Format = Format {
    name: "folded",
    description: "call paths by category along critical paths, adding up to the roots' durations: for inferno, speedscope",
    extension: "folded",
    text: true,
    surveys: false,
    exporter: || Box::new(Folded::new(along_critical_path)),
};

pub(crate) static ALL: Format = Format {
    name: "folded-all",
    description: "call paths by category of all invocations, parallel and triggered ones too: for inferno, speedscope",
    extension: "folded",
    text: true,
    surveys: false,
    exporter: || Box::new(Folded::new(over_all_invocations)),
};

/// Adds a trace's time to the stacks.
type Fold = fn(&Scene<'_>, &mut Stacks);

struct Folded {
    fold: Fold,
    stacks: Stacks,
}

impl Folded {
    fn new(fold: Fold) -> Self {
        Self { fold, stacks: Stacks::default() }
    }
}

impl Exporter for Folded {
    fn write(&mut self, scene: &Scene<'_>, _out: &mut dyn Write) -> Result<()> {
        (self.fold)(scene, &mut self.stacks);
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> Result<()> {
        for (path, nanoseconds) in &self.stacks.times {
            // Nothing of less than half a microsecond is drawn anyway.
            let micros = nanoseconds.saturating_add(500) / 1000;
            if micros > 0 {
                writeln!(out, "{path} {micros}")?;
            }
        }
        Ok(())
    }

    fn left_out(&self) -> Vec<LeftOut> {
        vec![
            LeftOut { count: self.stacks.pathless, what: "traces without a critical path" },
            LeftOut { count: self.stacks.negative, what: "times below 0, where clocks contradict each other" },
        ]
    }
}

/// Time by path.
#[derive(Debug, Default)]
struct Stacks {
    /// Nanoseconds: whole numbers add up to the same sum in any order.
    times: BTreeMap<String, u64>,
    pathless: u64,
    negative: u64,
}

impl Stacks {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive; saturates")]
    fn add(&mut self, path: &[String], category: &str, ms: Option<f64>) {
        match ms {
            Some(ms) if ms > 0.0 && ms.is_finite() => {
                let mut line: String = path.iter().fold(String::new(), |line, name| line + &frame(name) + ";");
                line.push_str(&frame(category));
                let time = self.times.entry(line).or_default();
                *time = time.saturating_add((ms * 1e6).round() as u64);
            }
            Some(ms) if ms < 0.0 => self.negative += 1,
            _ => {}
        }
    }
}

/// A name as a frame: what would end the frame or the line is written out.
fn frame(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for character in name.chars() {
        if character == ';' || character.is_control() {
            write!(out, "\\u{{{:04X}}}", u32::from(character)).unwrap_or_default();
        } else {
            out.push(character);
        }
    }
    out
}

fn along_critical_path(scene: &Scene<'_>, stacks: &mut Stacks) {
    let links = Links::new(scene.rows);
    let mut segments = scene.rows.critical_path.iter().filter(|segment| &*segment.scope == "root").peekable();
    if segments.peek().is_none() {
        stacks.pathless += 1;
    }
    for segment in segments {
        let found = segment.invocation_id.as_deref().map(|id| links.path(id)).filter(|path| !path.is_empty());
        let path = found.unwrap_or_else(|| path_of_missing(scene, &links, segment));
        stacks.add(&path, &segment.category, Some(segment.duration_ms));
    }
}

/// The path of a callee without a row: below the invocation that called a function of this name and found nobody.
fn path_of_missing(scene: &Scene<'_>, links: &Links<'_>, segment: &PathSegment) -> Vec<String> {
    let lost = |call: &&Call| call.callee_id.is_none() && Some(&call.callee_function) == segment.function.as_ref();
    let caller = scene.rows.calls.iter().find(lost).and_then(|call| call.caller_id.as_deref());
    let mut path = caller.map(|id| links.path(id)).unwrap_or_default();
    path.extend(segment.function.as_deref().map(str::to_owned));
    path
}

fn over_all_invocations(scene: &Scene<'_>, stacks: &mut Stacks) {
    let links = Links::new(scene.rows);
    for row in &scene.rows.invocations {
        let path = links.path(&row.invocation_id);
        stacks.add(&path, "compute", row.compute_ms);
        stacks.add(&path, "db", row.db_ms);
    }
    for call in scene.rows.calls.iter().filter(|call| !call.from_client) {
        let mut path = call.callee_id.as_deref().map(|id| links.path(id)).unwrap_or_default();
        if path.is_empty() {
            path = call.caller_id.as_deref().map(|id| links.path(id)).unwrap_or_default();
            path.push(call.callee_function.to_string());
        }
        stacks.add(&path, "network", call.network_ms);
        stacks.add(&path, "trigger", call.trigger_delay_ms);
    }
}
