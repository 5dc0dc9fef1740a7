//! Packets of a Perfetto trace.
//!
//! Field numbers are those of Perfetto's `protos/perfetto/trace` (`trace_packet.proto`, `track_event.proto`,
//! `track_descriptor.proto`, `interned_data.proto`, `debug_annotation.proto`, `clock_snapshot.proto`).

use std::collections::HashMap;
use std::io::{Result, Write};

use super::wire::Message;

/// Every packet is of one sequence, whose strings are interned.
const SEQUENCE: u64 = 1;
/// `SEQ_INCREMENTAL_STATE_CLEARED` and `SEQ_NEEDS_INCREMENTAL_STATE`.
const STATE_CLEARED: u64 = 1;
const NEEDS_STATE: u64 = 2;
/// `BUILTIN_CLOCK_REALTIME` and `BUILTIN_CLOCK_BOOTTIME`, the clock that packets are on.
const REALTIME: u64 = 1;
const BOOTTIME: u64 = 6;

/// `TrackEvent.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Begin = 1,
    End = 2,
    Instant = 3,
    Counter = 4,
}

/// What a slice says beside its name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note<'a> {
    Text(&'a str),
    Number(f64),
    Truth(bool),
}

/// The begin of a slice, or an instant.
#[derive(Debug)]
pub(super) struct Event<'a> {
    pub(super) name: &'a str,
    pub(super) category: &'static str,
    /// Flows that leave from here.
    pub(super) flows: &'a [u64],
    /// Flows that end here.
    pub(super) ended_flows: &'a [u64],
    pub(super) notes: &'a [(&'static str, Note<'a>)],
}

/// A track and what it is below.
#[derive(Debug)]
pub(super) struct Track<'a> {
    pub(super) uuid: u64,
    pub(super) parent: Option<u64>,
    pub(super) name: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A provider, shown as a process of this number.
    Process(u64),
    /// Slices.
    Slices,
    /// A number over time.
    Counter,
}

/// Numbers of strings, each sent once.
#[derive(Debug, Default)]
struct Interned {
    numbers: HashMap<String, u64>,
}

impl Interned {
    /// The string's number; what is new is added to the packet's interned strings.
    fn number(&mut self, text: &str, field: u32, fresh: &mut Message) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.numbers.len() as u64 + 1;
        self.numbers.insert(text.to_owned(), number);
        let mut entry = Message::default();
        fresh.message(field, entry.varint(1, number).text(2, text));
        number
    }
}

/// Writes packets one after another.
#[derive(Debug, Default)]
pub(super) struct Packets {
    categories: Interned,
    names: Interned,
    notes: Interned,
    begun: bool,
    packet: Message,
    framed: Message,
}

impl Packets {
    fn send(&mut self, packet: &Message, out: &mut dyn Write) -> Result<()> {
        self.framed.clear();
        self.framed.message(1, packet);
        out.write_all(self.framed.bytes())
    }

    /// Says that the trace's clock is the wall clock.
    pub(super) fn clock(&mut self, nanoseconds: u64, out: &mut dyn Write) -> Result<()> {
        let mut snapshot = Message::default();
        for clock in [BOOTTIME, REALTIME] {
            snapshot.message(1, Message::default().varint(1, clock).varint(2, nanoseconds));
        }
        let mut packet = Message::default();
        packet.varint(8, nanoseconds).varint(10, SEQUENCE).message(6, &snapshot);
        self.send(&packet, out)
    }

    /// Declares a track.
    pub(super) fn track(&mut self, track: &Track<'_>, out: &mut dyn Write) -> Result<()> {
        let mut descriptor = Message::default();
        descriptor.varint(1, track.uuid);
        if let Some(parent) = track.parent {
            descriptor.varint(5, parent);
        }
        match track.kind {
            Kind::Process(pid) => {
                descriptor.message(3, Message::default().varint(1, pid).text(6, track.name));
            }
            Kind::Slices => {
                descriptor.text(2, track.name);
            }
            Kind::Counter => {
                // UNIT_COUNT.
                descriptor.text(2, track.name).message(8, Message::default().varint(3, 2));
            }
        }
        if let Some(description) = track.description {
            descriptor.text(14, description);
        }
        let mut packet = Message::default();
        packet.varint(10, SEQUENCE).message(60, &descriptor);
        self.send(&packet, out)
    }

    /// A value of a counter.
    pub(super) fn counter(&mut self, track: u64, nanoseconds: u64, value: u64, out: &mut dyn Write) -> Result<()> {
        let mut event = Message::default();
        event.varint(9, Type::Counter as u64).varint(11, track).varint(30, value);
        self.event(nanoseconds, &event, &Message::default(), out)
    }

    /// The end of the slice that is open on a track.
    pub(super) fn end(&mut self, track: u64, nanoseconds: u64, out: &mut dyn Write) -> Result<()> {
        let mut event = Message::default();
        event.varint(9, Type::End as u64).varint(11, track);
        self.event(nanoseconds, &event, &Message::default(), out)
    }

    /// The begin of a slice, or an instant.
    pub(super) fn begin(
        &mut self,
        (track, nanoseconds, kind): (u64, u64, Type),
        described: &Event<'_>,
        out: &mut dyn Write,
    ) -> Result<()> {
        let (mut event, mut fresh) = (Message::default(), Message::default());
        event.varint(9, kind as u64).varint(11, track);
        event.varint(3, self.categories.number(described.category, 1, &mut fresh));
        event.varint(10, self.names.number(described.name, 2, &mut fresh));
        for &flow in described.flows {
            event.fixed64(47, flow);
        }
        for &flow in described.ended_flows {
            event.fixed64(48, flow);
        }
        for (name, note) in described.notes {
            let mut annotation = Message::default();
            annotation.varint(1, self.notes.number(name, 3, &mut fresh));
            match note {
                Note::Text(text) => annotation.text(6, text),
                Note::Number(number) => annotation.double(5, *number),
                Note::Truth(truth) => annotation.varint(2, (*truth).into()),
            };
            event.message(4, &annotation);
        }
        self.event(nanoseconds, &event, &fresh, out)
    }

    fn event(&mut self, nanoseconds: u64, event: &Message, fresh: &Message, out: &mut dyn Write) -> Result<()> {
        let mut packet = std::mem::take(&mut self.packet);
        packet.clear();
        let flags = if std::mem::replace(&mut self.begun, true) { NEEDS_STATE } else { STATE_CLEARED | NEEDS_STATE };
        packet.varint(8, nanoseconds).varint(10, SEQUENCE).varint(13, flags);
        if !fresh.bytes().is_empty() {
            packet.message(12, fresh);
        }
        packet.message(11, event);
        let sent = self.send(&packet, out);
        self.packet = packet;
        sent
    }
}
