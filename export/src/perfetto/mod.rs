//! Perfetto's `TrackEvent` protobuf: a process a provider, a track an executor, another below it for each overlapping branch.
//!
//! Slices are invocations and, within them, their calls and database operations; flows lead from a call to its callee and
//! from a publisher to what it triggered; counters show how many invocations run, by provider and by function. Times are
//! wall-clock, on the clocks of the store. All traces are seen twice: the tracks of an executor depend on all of its
//! invocations, of which 40 bytes a slice stay in memory, and every distinct name.

mod lanes;
mod packets;
mod slices;
mod wire;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{Result, Write};

use self::lanes::{Interval, assign};
use self::packets::{Event, Kind, Note, Packets, Track, Type};
use self::slices::{CLIENT, Slice, Slices, What, slices};
use crate::otlp::UNDATED;
use crate::rows::{Scene, name_of};
use crate::{Exporter, Format, LeftOut};

pub(crate) static FORMAT: Format = Format {
    name: "perfetto",
    description: "Perfetto's TrackEvent protobuf: for ui.perfetto.dev and trace_processor",
    extension: "pftrace",
    text: false,
    surveys: true,
    exporter: || Box::new(Perfetto::default()),
};

/// Run, provider, function, executor.
type Key = (String, String, String, String);

#[derive(Debug, Default)]
struct Perfetto {
    owners: BTreeMap<Key, u32>,
    /// Every slice, in the order of the traces; empty once lanes are known.
    intervals: Vec<Interval>,
    /// Track of every slice, likewise.
    tracks: Vec<u64>,
    packets: Packets,
    /// Slices written.
    written: usize,
    flows: u64,
    undated: u64,
}

impl Exporter for Perfetto {
    fn survey(&mut self, scene: &Scene<'_>) {
        let found = slices(scene.rows);
        self.undated += found.undated;
        let first = self.intervals.len();
        for slice in &found.all {
            let owner = self.owner(scene.run, slice);
            self.intervals.push(Interval {
                owner,
                within: slice.within.and_then(|place| u32::try_from(first + place).ok()),
                start: slice.start,
                end: slice.end.unwrap_or(slice.start),
                running: matches!(slice.what, What::Invocation(_)) && slice.end.is_some(),
            });
        }
    }

    fn begin(&mut self, out: &mut dyn Write) -> Result<()> {
        let intervals = std::mem::take(&mut self.intervals);
        let Some(first) = intervals.iter().map(|interval| interval.start).min() else { return Ok(()) };
        self.packets.clock(nanoseconds(first), out)?;
        let lanes = assign(&intervals);
        let mut widths = vec![0_u32; self.owners.len()];
        for (interval, lane) in intervals.iter().zip(&lanes) {
            let width = &mut widths[interval.owner as usize];
            *width = (*width).max(lane + 1);
        }
        let places = self.declare(&intervals, &widths, out)?;
        self.tracks = intervals
            .iter()
            .zip(&lanes)
            .map(|(interval, lane)| places.executors[interval.owner as usize] + u64::from(*lane))
            .collect();
        for (track, owners) in places.counters {
            self.count(track, &intervals, &owners, out)?;
        }
        Ok(())
    }

    fn write(&mut self, scene: &Scene<'_>, out: &mut dyn Write) -> Result<()> {
        let found = slices(scene.rows);
        let first = self.written;
        self.written += found.all.len();
        let drawn = Drawn::new(&found, &self.tracks[first..self.written], self.flows);
        self.flows += found.edges.len() as u64;
        for place in 0..found.all.len() {
            if found.all[place].within.is_none() {
                drawn.family(place, scene, &mut self.packets, out)?;
            }
        }
        Ok(())
    }

    fn left_out(&self) -> Vec<LeftOut> {
        vec![LeftOut { count: self.undated, what: UNDATED }]
    }
}

/// An executor: its first slice, its name, its place among the owners.
type Lanes<'a> = (i64, &'a str, u32);
/// Executors by function.
type Functions<'a> = BTreeMap<&'a str, Vec<Lanes<'a>>>;

/// Where tracks lie.
struct Places {
    /// Number of each owner's first track; those of its other lanes follow.
    executors: Vec<u64>,
    /// Counters with the owners that they count.
    counters: Vec<(u64, Vec<u32>)>,
}

impl Perfetto {
    fn owner(&mut self, run: &str, slice: &Slice<'_>) -> u32 {
        let (provider, function, executor) = slice.owner;
        let key = (run.to_owned(), provider.to_owned(), function.to_owned(), executor.to_owned());
        let next = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        *self.owners.entry(key).or_insert(next)
    }

    /// Declares every track: run by run, provider by provider, executors of a function in order of their first slice.
    fn declare(&mut self, intervals: &[Interval], widths: &[u32], out: &mut dyn Write) -> Result<Places> {
        let mut firsts = vec![i64::MAX; widths.len()];
        for interval in intervals {
            let first = &mut firsts[interval.owner as usize];
            *first = (*first).min(interval.start);
        }
        let owners: Vec<(Key, u32)> = self.owners.iter().map(|(key, &owner)| (key.clone(), owner)).collect();
        let mut processes: BTreeMap<(&str, &str), Functions<'_>> = BTreeMap::new();
        for ((run, provider, function, executor), owner) in &owners {
            let functions = processes.entry((run, provider)).or_default();
            functions.entry(function).or_default().push((firsts[*owner as usize], executor, *owner));
        }
        let one_run = processes.keys().all(|(run, _)| Some(run) == processes.keys().next().map(|(run, _)| run));
        let mut places = Places { executors: vec![0; widths.len()], counters: Vec::new() };
        let mut next = 1;
        for (pid, ((run, provider), functions)) in (1..).zip(&mut processes) {
            let name = if one_run { (*provider).to_owned() } else { format!("{provider} ({run})") };
            let process = next;
            let kind = Kind::Process(pid);
            self.packets.track(&Track { uuid: process, parent: None, name: &name, description: None, kind }, out)?;
            next += 1;
            let mut declarer = Declarer { packets: &mut self.packets, process, next: &mut next, places: &mut places };
            if *provider != CLIENT.0 {
                declarer.counters(functions, out)?;
            }
            for (function, executors) in functions {
                executors.sort_unstable();
                declarer.executors(function, executors, widths, out)?;
            }
        }
        Ok(places)
    }

    /// Writes how many invocations of some owners run, wherever the number changes.
    fn count(&mut self, track: u64, intervals: &[Interval], owners: &[u32], out: &mut dyn Write) -> Result<()> {
        let mut counted = vec![false; self.owners.len()];
        for owner in owners {
            counted[*owner as usize] = true;
        }
        let running = intervals.iter().filter(|interval| interval.running && counted[interval.owner as usize]);
        let mut changes: Vec<(i64, i64)> =
            running.flat_map(|interval| [(interval.start, 1), (interval.end, -1)]).collect();
        changes.sort_unstable();
        let mut running: i64 = 0;
        for at in changes.chunk_by(|a, b| a.0 == b.0) {
            let change: i64 = at.iter().map(|(_, change)| change).sum();
            running += change;
            if let (true, Some((at, _))) = (change != 0, at.first()) {
                self.packets.counter(track, nanoseconds(*at), u64::try_from(running).unwrap_or(0), out)?;
            }
        }
        Ok(())
    }
}

/// Declares the tracks of one provider.
struct Declarer<'a> {
    packets: &'a mut Packets,
    process: u64,
    next: &'a mut u64,
    places: &'a mut Places,
}

impl Declarer<'_> {
    fn counters(&mut self, functions: &Functions<'_>, out: &mut dyn Write) -> Result<()> {
        let of = |executors: &Vec<Lanes<'_>>| executors.iter().map(|(.., owner)| *owner).collect::<Vec<_>>();
        let all = functions.values().flat_map(of).collect();
        let mut counters = vec![("running invocations".to_owned(), all)];
        counters.extend(functions.iter().map(|(name, executors)| (format!("running: {name}"), of(executors))));
        for (name, owners) in counters {
            let (uuid, parent) = (*self.next, Some(self.process));
            self.packets.track(&Track { uuid, parent, name: &name, description: None, kind: Kind::Counter }, out)?;
            self.places.counters.push((uuid, owners));
            *self.next += 1;
        }
        Ok(())
    }

    fn executors(
        &mut self,
        function: &str,
        executors: &[Lanes<'_>],
        widths: &[u32],
        out: &mut dyn Write,
    ) -> Result<()> {
        for (number, (_, executor, owner)) in (1..).zip(executors) {
            let first = *self.next;
            self.places.executors[*owner as usize] = first;
            let name = if executor.is_empty() { function.to_owned() } else { format!("{function} #{number}") };
            let described = format!("executor {executor}");
            let description = (!executor.is_empty()).then_some(described.as_str());
            let (kind, parent) = (Kind::Slices, Some(self.process));
            self.packets.track(&Track { uuid: first, parent, name: &name, description, kind }, out)?;
            for lane in 1..u64::from(widths[*owner as usize]) {
                let name = format!("{name}, branch {}", lane + 1);
                let (uuid, parent) = (first + lane, Some(first));
                self.packets.track(&Track { uuid, parent, name: &name, description: None, kind }, out)?;
            }
            *self.next = first + u64::from(widths[*owner as usize].max(1));
        }
        Ok(())
    }
}

/// The slices of a trace on their tracks.
struct Drawn<'a> {
    found: &'a Slices<'a>,
    tracks: &'a [u64],
    flows: Vec<Vec<u64>>,
    ended_flows: Vec<Vec<u64>>,
    /// Slices by the one that they are part of, that one included, outer ones first.
    families: Vec<Vec<usize>>,
}

impl<'a> Drawn<'a> {
    fn new(found: &'a Slices<'a>, tracks: &'a [u64], flows_before: u64) -> Self {
        let count = found.all.len();
        let (mut flows, mut ended_flows) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        for (flow, (caller, callee)) in (flows_before + 1..).zip(&found.edges) {
            flows[*caller].push(flow);
            ended_flows[*callee].push(flow);
        }
        let mut families = vec![Vec::new(); count];
        for (place, slice) in found.all.iter().enumerate() {
            families[slice.within.unwrap_or(place)].push(place);
        }
        Self { found, tracks, flows, ended_flows, families }
    }

    /// Writes a slice and those that are part of it, track by track, so that begins and ends of equal times are in order.
    fn family(&self, place: usize, scene: &Scene<'_>, packets: &mut Packets, out: &mut dyn Write) -> Result<()> {
        let mut members = self.families[place].clone();
        members.sort_by_key(|&member| {
            let slice = &self.found.all[member];
            (self.tracks[member], slice.start, member != place, Reverse(slice.end), member)
        });
        let mut open: Vec<(u64, i64)> = Vec::new();
        for member in members {
            let (slice, track) = (&self.found.all[member], self.tracks[member]);
            while let Some(&(other, end)) = open.last() {
                if other == track && end > slice.start {
                    break;
                }
                packets.end(other, nanoseconds(end), out)?;
                open.pop();
            }
            self.begin(member, scene, packets, out)?;
            open.extend(slice.end.map(|end| (track, end)));
        }
        while let Some((track, end)) = open.pop() {
            packets.end(track, nanoseconds(end), out)?;
        }
        Ok(())
    }

    fn begin(&self, place: usize, scene: &Scene<'_>, packets: &mut Packets, out: &mut dyn Write) -> Result<()> {
        let slice = &self.found.all[place];
        let (name, category) = named(&slice.what);
        let mut notes = notes(&slice.what);
        notes.insert(0, ("context_id", Some(Note::Text(&scene.rows.trace.context_id))));
        notes.push(("unfinished", slice.end.is_none().then_some(Note::Truth(true))));
        let notes: Vec<(&'static str, Note<'_>)> =
            notes.into_iter().filter_map(|(key, note)| Some((key, note?))).collect();
        let event = Event {
            name: &name,
            category,
            flows: &self.flows[place],
            ended_flows: &self.ended_flows[place],
            notes: &notes,
        };
        let kind = if slice.end.is_some() { Type::Begin } else { Type::Instant };
        packets.begin((self.tracks[place], nanoseconds(slice.start), kind), &event, out)
    }
}

/// Name and category of a slice.
fn named(what: &What<'_>) -> (String, &'static str) {
    match what {
        What::Invocation(row) if row.cold == Some(true) => (name_of(row), "cold invocation"),
        What::Invocation(row) => (name_of(row), "invocation"),
        What::Call(call) => (format!("call {}", &*call.callee_function), "call"),
        What::Db(row) => (format!("db {}", &*row.action), "db"),
    }
}

/// What a slice says; what is unknown stays out.
fn notes<'a>(what: &What<'a>) -> Vec<(&'static str, Option<Note<'a>>)> {
    let number = |value: Option<f64>| value.filter(|value| value.is_finite()).map(Note::Number);
    match what {
        What::Invocation(row) => vec![
            ("invocation_id", Some(Note::Text(&row.invocation_id))),
            ("cold", row.cold.map(Note::Truth)),
            ("compute_ms", number(row.compute_ms)),
            ("network_ms", number(row.network_ms)),
            ("db_ms", number(row.db_ms)),
            ("issues", row.issues.as_deref().map(Note::Text)),
        ],
        What::Call(call) => vec![
            ("pair_id", Some(Note::Text(&call.pair_id))),
            ("network_ms", number(call.network_ms)),
            ("request_ms", number(call.request_ms)),
            ("uncertainty_ms", number(call.uncertainty_ms)),
            ("callee_missing", call.callee_id.is_none().then_some(Note::Truth(true))),
        ],
        What::Db(_) => Vec::new(),
    }
}

fn nanoseconds(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1000)
}
