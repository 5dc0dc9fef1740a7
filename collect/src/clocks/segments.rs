//! A fitted clock: where the time origin lies while the monotonic clock runs.

use faaslens_schemas::time::Timestamp;

/// What sets a segment apart from the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing comes before it.
    First,
    /// The wall clock runs on without a jump, at another rate.
    Rate,
    /// The wall clock is ahead of where it was: it was set forward, or the machine was suspended and its monotonic clock
    /// stood still. An executor's own lines look the same in both cases.
    Ahead,
    /// The wall clock was set back.
    Back,
    /// It jumped somewhere in here: both neighbours' origins are possible.
    Between,
}

impl Change {
    /// As in the column `clock_segments.change`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Rate => "rate",
            Self::Ahead => "ahead",
            Self::Back => "back",
            Self::Between => "between",
        }
    }

    fn is_jump(self) -> bool {
        matches!(self, Self::Ahead | Self::Back | Self::Between)
    }
}

/// No machine is suspended for less: a smaller jump ahead is a correction of the wall clock.
const SUSPENSION_MS: f64 = 10.0;

/// A stretch of the monotonic clock over which the wall clock ran evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Begin on the monotonic clock; the first segment also holds before it.
    pub from_ms: f64,
    /// End on the monotonic clock; the last segment also holds after it.
    pub until_ms: f64,
    /// Time origin at `from_ms`, nanoseconds since the Unix epoch: a lower bound.
    pub origin_ns: i64,
    /// How much faster the wall clock runs than the monotonic one; 0 where the lines show no difference.
    pub drift_ppm: f64,
    /// Half the width of the interval of drifts that the lines allow; `None` where no drift was fitted.
    pub drift_uncertainty_ppm: Option<f64>,
    /// The origin lies in `[origin, origin + this]`, at 99.9 %.
    pub uncertainty_ms: f64,
    /// Lines under it.
    pub lines: u64,
    /// What sets it apart from the one before it.
    pub change: Change,
}

impl Segment {
    /// The wall clock at a monotonic reading.
    #[expect(clippy::cast_possible_truncation, reason = "saturates where a hostile log leaves the range")]
    fn wall(&self, at_ms: f64) -> Timestamp {
        let moved_ms = at_ms + self.drift_ppm * 1e-6 * (at_ms - self.from_ms);
        let us = self.origin_ns as f64 / 1e3 % 1.0 + moved_ms * 1e3;
        Timestamp::from_micros((self.origin_ns / 1000).saturating_add(us.round() as i64))
    }
}

/// The clock of one executor.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// In order of time, at least one.
    pub(super) segments: Vec<Segment>,
    /// Lines whose wall clock stood apart from all others of their time, left out as damaged.
    pub(super) strays: u64,
    /// Whether there were enough lines to notice a jump.
    pub(super) noticeable: bool,
}

impl Clock {
    /// The clock of an executor without a usable reading: as if it began with its first line, to an unknown precision.
    pub fn unread(first_logged_ms: i64) -> Self {
        let segment = Segment {
            from_ms: 0.0,
            until_ms: 0.0,
            origin_ns: first_logged_ms.saturating_mul(1_000_000),
            drift_ppm: 0.0,
            drift_uncertainty_ppm: None,
            uncertainty_ms: f64::INFINITY,
            lines: 0,
            change: Change::First,
        };
        Self { segments: vec![segment], strays: 0, noticeable: false }
    }

    /// Whether it has one origin, the same all the time.
    pub fn is_even(&self) -> bool {
        self.segments.len() == 1 && self.segments[0].drift_ppm == 0.0
    }

    /// Its segments, in order of time; at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Lines left out because their wall clock stood apart from all others of their time by more than 2 ms.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// Time origin at the begin of the first segment, rounded down to a microsecond.
    pub fn origin(&self) -> Timestamp {
        Timestamp::from_micros(self.segments[0].origin_ns.div_euclid(1000))
    }

    /// Greatest uncertainty of any segment.
    pub fn uncertainty_ms(&self) -> f64 {
        self.segments.iter().map(|segment| segment.uncertainty_ms).fold(0.0, f64::max)
    }

    /// Whether the wall clock jumped, or the monotonic one stood still; `None` with too few lines to notice.
    pub fn stepped(&self) -> Option<bool> {
        let stepped = self.segments.iter().any(|segment| segment.change.is_jump());
        (stepped || self.noticeable).then_some(stepped)
    }

    /// `steady`: one origin; `slewed`: the wall clock ran faster or slower for a while, without a jump; `suspended`: it
    /// only ever jumped ahead, by 10 ms or more, as after a suspension; `stepped`: it jumped otherwise; `unknown`: too few
    /// lines.
    pub fn behaviour(&self) -> &'static str {
        let is = |segment: &Segment, change| segment.change == change;
        let corrected = self.segments.iter().any(|segment| is(segment, Change::Back))
            || self.jumps_ms().any(|jump_ms| jump_ms.abs() < SUSPENSION_MS);
        if corrected {
            "stepped"
        } else if self.segments.iter().any(|segment| is(segment, Change::Ahead)) {
            "suspended"
        } else if !self.is_even() {
            "slewed"
        } else if self.noticeable {
            "steady"
        } else {
            "unknown"
        }
    }

    /// How far the origin jumped, at each jump.
    fn jumps_ms(&self) -> impl Iterator<Item = f64> {
        let settled = self.segments.iter().filter(|segment| segment.change != Change::Between);
        let next = settled.clone().skip(1);
        settled.zip(next).filter(|(_, next)| next.change.is_jump()).map(|(before, next)| {
            let moved_ms = before.drift_ppm * 1e-6 * (next.from_ms - before.from_ms);
            next.origin_ns.saturating_sub(before.origin_ns) as f64 / 1e6 - moved_ms
        })
    }

    /// The wall clock at a monotonic reading.
    pub fn wall(&self, at_ms: f64) -> Timestamp {
        let after = self.segments.partition_point(|segment| segment.from_ms <= at_ms);
        self.segments[after.saturating_sub(1)].wall(at_ms)
    }
}
