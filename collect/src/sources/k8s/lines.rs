//! The lines of one container: the instance that runs, and the one before it.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use faaslens_schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use super::pods::{ContainerStatus, Pod, Ran};
use super::{K8s, complaint};
use crate::formats::envelope::Line;
use crate::formats::stamp;
use crate::living::http::{Answer, CallError, Reply, broken, query};
use crate::living::window::whole_second_before;
use crate::living::{Api, Failure, Piece, Sink, Window};
use crate::sources::openfaas::Stopped;
use crate::{Error, Result};

/// Longest line.
const LINE_MAX: u64 = 16 << 20;
/// Times that a log is read again because its last line does not end.
const UNENDED: u32 = 3;
/// Bytes after which a kubelet begins a new file, by default.
const FILE_BYTES: f64 = 10.0 * 1024.0 * 1024.0;
/// Time over which the pace of lines is measured, in microseconds.
const PACE_US: i64 = 10 * 1_000_000;
/// Silence after its start that every container is believed, in microseconds: starts have whole seconds.
const HUSH_US: i64 = 2 * 1_000_000;
/// Bytes that hold the first stamp of a file.
const PROBE: &str = "40";
/// What to do about lines that the API does not have.
const REMEDY: &str = "copy /var/log/pods from the nodes and read it with `faaslens collect cri`";
/// How the API server begins what it says instead of a log that is gone, with status 200.
const NO_LOG: [&str; 2] = ["unable to retrieve container logs", "failed to try resolving symlinks"];

/// Which container.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) uid: String,
    pub(super) container: String,
    pub(super) function: String,
}

impl K8s {
    /// Gives the lines of a container. One that was restarted meanwhile is read from the beginning: otherwise an instance between
    /// the two that the API serves could be missed.
    pub(super) fn container(
        &self,
        place: &Place,
        slice: Window,
        api: &Api<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let pod = |api| self.pod(&place.namespace, &place.pod, &place.uid, api).map_err(Error::from);
        let status_of = |pod: Option<Pod>| -> Option<ContainerStatus> {
            pod.and_then(|pod| pod.into_containers().find(|status| status.name == place.container))
        };
        let Some(status) = status_of(pod(api)?) else {
            sink.gap("the pod went away before it was read: its lines are gone".to_owned());
            return Ok(());
        };
        let before = status.previous().and_then(Ran::started_us);
        if status.restarts() > 1 && before.is_none_or(|at| at > slice.from_us) {
            let restarts = status.restarts();
            sink.gap(format!("restarted {restarts} times, and the API has the last two instances only: {REMEDY}"));
        }
        let ended_before =
            status.previous().and_then(Ran::finished_us).is_some_and(|at| at + 1_000_000 <= slice.from_us);
        if (status.restarts() > 0 || status.previous().is_some()) && !ended_before {
            self.instance(place, true, status.previous(), slice, api, sink)?;
        }
        self.instance(place, false, status.current(), slice, api, sink)?;
        match status_of(pod(api)?) {
            Some(after) if after.restarts() != status.restarts() => {
                Err(Failure::Restart("the container was restarted while it was read".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn path(place: &Place, previous: bool, more: (&str, &str)) -> String {
        let mut parameters = vec![("container", place.container.as_str()), ("timestamps", "true"), more];
        parameters.extend(previous.then_some(("previous", "true")));
        format!("/api/v1/namespaces/{}/pods/{}/log{}", place.namespace, place.pod, query(&parameters))
    }

    /// Gives the lines of one instance of a container.
    fn instance(
        &self,
        place: &Place,
        previous: bool,
        ran: Option<&Ran>,
        slice: Window,
        api: &Api<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let mut reader = Reader::new(place, slice.from_us);
        // A log that broke off is asked for again from the last line that came.
        let begin = Cell::new(slice.from_us);
        let path = || Self::path(place, previous, ("sinceTime", &whole_second_before(begin.get())));
        let asked = self.ask(path, api, &mut |answer| {
            let read = match answer.status {
                200 => reader.read(answer, sink),
                _ => return complaint(answer),
            };
            begin.set(reader.begin_us);
            match read {
                Ok(()) => Reply::Done(()),
                Err(Stopped::Broken(error)) => broken(&error),
                Err(Stopped::Failed(error)) => Reply::Failed(error),
            }
        });
        match asked {
            Ok(()) => {}
            Err(CallError::Refused(refusal)) if refusal.status == 400 && previous => return Ok(()),
            Err(CallError::Refused(refusal))
                if refusal.status == 400 && refusal.message.contains("waiting to start") =>
            {
                return Ok(());
            }
            Err(CallError::Refused(refusal)) if refusal.status == 404 => {
                sink.gap("the pod went away while it was read: lines may be missing".to_owned());
                return Ok(());
            }
            Err(error) => return Err(Failure::Final(error.into())),
        }
        let Some(started_us) = ran.and_then(Ran::started_us) else { return Ok(()) };
        let asked_from_start = started_us >= slice.from_us;
        let mut first_us = reader.first_us;
        if !asked_from_start && first_us.is_some_and(|at| at > slice.from_us + HUSH_US) {
            first_us = self.first_stamp(place, previous, api)?.or(first_us);
        }
        if let Some(first_us) = first_us.filter(|at| *at > slice.from_us)
            && reader.pace.fills(first_us - started_us)
        {
            let (first, silence) = (Timestamp::from_micros(first_us), (first_us - started_us) / 1_000_000);
            sink.gap(format!(
                "the API's file begins at {first}, {silence} s after the container: unless that was silent so long, earlier \
                 lines were rotated away: {REMEDY}"
            ));
        }
        Ok(())
    }

    /// The first stamp of the file that the API serves.
    fn first_stamp(&self, place: &Place, previous: bool, api: &Api<'_>) -> Result<Option<i64>> {
        let path = Self::path(place, previous, ("limitBytes", PROBE));
        let asked = self.ask(|| path.clone(), api, &mut |answer| match answer.status {
            200 => answer.bytes().map_or_else(|error| broken(&error), Reply::Done),
            _ => complaint(answer),
        });
        match asked {
            Ok(bytes) => Ok(stamp::read(&bytes).map(|(at, _)| at.micros())),
            Err(CallError::Refused(refusal)) if matches!(refusal.status, 400 | 404) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads the lines of an instance, from as many answers as it takes.
struct Reader<'a> {
    place: &'a Place,
    /// From where on lines are missing still.
    begin_us: i64,
    first_us: Option<i64>,
    pace: Pace,
    unended: u32,
}

impl<'a> Reader<'a> {
    fn new(place: &'a Place, begin_us: i64) -> Self {
        Self { place, begin_us, first_us: None, pace: Pace::default(), unended: 0 }
    }

    fn read(&mut self, answer: &mut Answer, sink: &mut Sink<'_>) -> Result<(), Stopped> {
        let mut reader = BufReader::with_capacity(1 << 16, answer);
        let (mut line, mut alike) = (Vec::new(), Alike::default());
        loop {
            line.clear();
            if (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') && (line.len() as u64) < LINE_MAX {
                self.unended += 1;
                if self.unended < UNENDED {
                    return Err(io::Error::other("the last line does not end").into());
                }
                sink.gap("the last line does not end".to_owned());
            }
            self.line(line.trim_ascii_end(), &mut alike, sink)?;
        }
    }

    fn line(&mut self, line: &[u8], alike: &mut Alike, sink: &mut Sink<'_>) -> Result<()> {
        let pod = &self.place.pod;
        let stamped = stamp::read(line).filter(|(_, length)| matches!(line.get(*length), Some(b' ') | None));
        let Some((at, length)) = stamped else {
            if NO_LOG.iter().any(|text| line.starts_with(text.as_bytes())) {
                sink.gap(format!("{}: {REMEDY}", crate::redact::excerpt(line, 200)));
                return Ok(());
            }
            // Not of the kubelet: it becomes a reject, in its place.
            return sink.push(Piece { stream: pod, at_us: self.begin_us, identity: xxh3_128(line), line });
        };
        let at_us = at.micros();
        self.first_us = Some(self.first_us.map_or(at_us, |first| first.min(at_us)));
        self.begin_us = self.begin_us.max(at_us);
        self.pace.add(at_us, line.len());
        let number = alike.number(&line[..length], line);
        let text = line.get(length + 1..).unwrap_or_default();
        let message = String::from_utf8_lossy(text);
        let whole = Line {
            at: String::from_utf8_lossy(&line[..length]),
            function: Some(self.place.function.as_str().into()),
            host: Some(pod.as_str().into()),
            message,
            ..Line::default()
        };
        let identity = xxh3_128(line).wrapping_add(u128::from(number));
        sink.push(Piece { stream: pod, at_us, identity, line: &whole.text() })
    }
}

/// The greatest pace of some lines.
#[derive(Debug, Default)]
struct Pace {
    period: i64,
    bytes: u64,
    most_bytes: u64,
}

impl Pace {
    fn add(&mut self, at_us: i64, bytes: usize) {
        let period = at_us.div_euclid(PACE_US);
        if period != self.period {
            (self.period, self.bytes) = (period, 0);
        }
        self.bytes += bytes as u64;
        self.most_bytes = self.most_bytes.max(self.bytes);
    }

    /// Whether a file that begins so late after its container's start may have lost its beginning: at this pace, half a file could
    /// have been written before.
    fn fills(&self, silence_us: i64) -> bool {
        silence_us > HUSH_US && self.most_bytes as f64 / PACE_US as f64 * silence_us as f64 > FILE_BYTES / 2.0
    }
}

/// Lines of one stamp that are alike, of one answer: each has its number.
#[derive(Default)]
struct Alike {
    stamp: Vec<u8>,
    seen: HashMap<u128, u32>,
}

impl Alike {
    fn number(&mut self, stamp: &[u8], line: &[u8]) -> u32 {
        if self.stamp != stamp {
            stamp.clone_into(&mut self.stamp);
            self.seen.clear();
        }
        let count = self.seen.entry(xxh3_128(line)).or_default();
        *count += 1;
        *count - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_begin_is_a_rotation_when_lines_came_fast_enough_to_fill_a_file_before() {
        let second = 1_000_000;
        // (bytes a second for 20 s, seconds without a line after the start, whether a file may have been filled then)
        for (bytes, silence, fills) in
            [(1_000_000, 2, false), (1_000_000, 6, true), (1000, 600, false), (1000, 6000, true), (0, 100_000, false)]
        {
            let mut pace = Pace::default();
            for at in (0..20).chain(4000..4001) {
                pace.add(at * second, bytes);
            }
            assert_eq!(pace.fills(silence * second), fills, "{bytes} {silence}");
        }
    }

    #[test]
    fn lines_of_one_stamp_that_are_alike_are_told_apart() {
        let mut alike = Alike::default();
        let numbers: Vec<u32> = [(b"1", b"1 a"), (b"1", b"1 b"), (b"1", b"1 a"), (b"2", b"2 a"), (b"1", b"1 a")]
            .map(|(stamp, line)| alike.number(stamp, line))
            .into();
        assert_eq!(numbers, [0, 0, 1, 0, 0]);
    }
}
