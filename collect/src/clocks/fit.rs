//! From a sketch of an executor's lines to its clock.
//!
//! Bins whose bounds lie under one constant have one origin: nearly every executor. The others are divided into
//! segments, each under a constant or under a sloping line, by optimal partitioning (B. Jackson et al., "An algorithm for
//! optimal partitioning of data on an interval", 2005), with a price for each segment and each slope.

use super::envelope::{Line, Plausible, Point, level, steepened};
use super::segments::{Change, Clock, Segment};
use super::sketch::{Bin, ClockSketch};

/// What one more segment has to be worth, as a difference of log-likelihoods: about 1 in 10^11.
const SEGMENT_PRICE: f64 = 25.0;

/// What a slope has to be worth.
const SLOPE_PRICE: f64 = 15.0;

/// Bins under a slope, at least.
const SLOPE_BINS: usize = 4;

/// A line further above all others of its time than this, milliseconds, is damaged.
const STRAY_MS: f64 = 2.0;

/// Lines at phases of their own without which a jump would go unnoticed.
const NOTICEABLE: f64 = 8.0;

/// `ln(1/alpha)` for intervals at 99.9 %.
const SURE: f64 = 6.907_755_278_982_137;

/// The same for a line with a slope: quantile of the gamma distribution of shape 2.
const SURE_OF_LINE: f64 = 9.233_413_476_451_586;

/// The origin is rounded down to a microsecond, and the two clocks are read one after the other: at least as much again.
const RESOLUTION_MS: f64 = 0.002;

/// A wall clock reading is floored to this.
const TICK_MS: f64 = 1.0;

/// Where phases are spread less than this share of what random ones would be, they are not random.
const SPREAD_SHARE: f64 = 0.6;

/// The clock that an executor's lines show; `None` where no line has a usable reading.
pub fn fit(sketch: &ClockSketch) -> Option<Clock> {
    let bins = sketch.bins();
    let zero_ns = bins.iter().map(|bin| bin.best.origin_ns).min()?;
    let mut points = Vec::with_capacity(bins.len());
    let mut strays = 0;
    for place in 0..bins.len() {
        let (point, stray) = point(bins, place, zero_ns);
        points.push(point);
        strays += u64::from(stray);
    }
    let phases: f64 = points.iter().map(|point| point.phases).sum();
    let fitter = Fitter { bins, points, zero_ns };
    let segments = match fitter.steady() {
        Some(steady) => vec![steady],
        None => fitter.segments(),
    };
    Some(Clock { segments, strays, noticeable: phases >= NOTICEABLE })
}

/// The bound of a bin, and whether its best one was passed over: it stands alone above the second of its bin and the
/// best of both neighbours.
fn point(bins: &[Bin], place: usize, zero_ns: i64) -> (Point, bool) {
    let bin = &bins[place];
    let above = |other_ns: i64| ms_between(bin.best.origin_ns, other_ns) > STRAY_MS;
    let neighbours = [place.checked_sub(1).and_then(|before| bins.get(before)), bins.get(place + 1)];
    let around: u64 = [bin].into_iter().chain(neighbours.into_iter().flatten()).map(|bin| u64::from(bin.lines)).sum();
    let alone = bin.second().is_some_and(|second| above(second.origin_ns))
        && neighbours.iter().flatten().all(|other| above(other.best.origin_ns) && other.second().is_some())
        && around as f64 >= NOTICEABLE;
    let best = bin.second().filter(|_| alone).unwrap_or(bin.best);
    let bound_ms = ms_between(best.origin_ns, zero_ns);
    (Point { at_ms: best.at_ms, bound_ms, phases: bin.phases() }, alone)
}

fn ms_between(later_ns: i64, earlier_ns: i64) -> f64 {
    later_ns.saturating_sub(earlier_ns) as f64 / 1e6
}

/// Bins of an executor while their clock is fitted.
struct Fitter<'a> {
    bins: &'a [Bin],
    points: Vec<Point>,
    /// Instant that the points' bounds count from.
    zero_ns: i64,
}

/// Bins `from..until` under one line.
#[derive(Clone, Copy)]
struct Piece {
    from: usize,
    until: usize,
    line: Line,
    sloped: bool,
}

impl Fitter<'_> {
    /// One constant over all bins, where no slope and no jump is worth its price.
    fn steady(&self) -> Option<Segment> {
        let flat = level(&self.points)?;
        let misfit = flat.misfit(&self.points);
        let sloped = steepened(&self.points).map_or(misfit, |line| line.misfit(&self.points));
        // The expected misfit is 1 a bin; by chance it exceeds this less often than once in 10^5.
        let expected = self.points.len() as f64;
        let chance = expected + 4.0 * expected.sqrt() + 8.0;
        if misfit - sloped > SLOPE_PRICE || misfit > chance {
            return None;
        }
        Some(self.segment(&Piece { from: 0, until: self.points.len(), line: flat, sloped: false }, Change::First))
    }

    /// The segments of a clock that is not steady.
    fn segments(&self) -> Vec<Segment> {
        let pieces = self.partition();
        let mut segments: Vec<Segment> = Vec::with_capacity(2 * pieces.len());
        for (place, piece) in pieces.iter().enumerate() {
            let Some(before) = place.checked_sub(1).map(|place| &pieces[place]) else {
                segments.push(self.segment(piece, Change::First));
                continue;
            };
            let (from_ms, until_ms, jump_ms) = self.border(before, piece);
            let mut next = self.segment(piece, Change::Rate);
            let last = segments.last_mut().expect("a first segment is there");
            let noise_ms = last.uncertainty_ms + next.uncertainty_ms;
            last.until_ms = from_ms;
            move_begin(&mut next, until_ms);
            if jump_ms.abs() > noise_ms {
                let between = between(last, &next, jump_ms);
                segments.extend((until_ms > from_ms).then_some(between));
                next.change = if jump_ms > 0.0 { Change::Ahead } else { Change::Back };
            } else {
                move_begin(&mut next, from_ms);
            }
            segments.push(next);
        }
        segments
    }

    /// The division of the bins into pieces with the least sum of misfits and prices.
    fn partition(&self) -> Vec<Piece> {
        let n = self.points.len();
        let mut least: Vec<(f64, Option<Piece>)> = vec![(0.0, None)];
        for until in 1..=n {
            let mut best = (f64::INFINITY, None);
            for (from, (before, _)) in least.iter().enumerate() {
                let Some((misfit, piece)) = self.piece(from, until) else { continue };
                let sum = before + misfit + SEGMENT_PRICE;
                if sum < best.0 {
                    best = (sum, Some(piece));
                }
            }
            least.push(best);
        }
        let mut pieces = Vec::new();
        let mut at = n;
        while let Some(piece) = least[at].1 {
            pieces.push(piece);
            at = piece.from;
        }
        pieces.reverse();
        pieces
    }

    /// The better of a constant and a slope over some bins, with its misfit.
    fn piece(&self, from: usize, until: usize) -> Option<(f64, Piece)> {
        let points = &self.points[from..until];
        let flat = level(points)?;
        let misfit = flat.misfit(points);
        let steep = steepened(points).filter(|_| points.len() >= SLOPE_BINS);
        let steep = steep.map(|line| (line.misfit(points) + SLOPE_PRICE, line)).filter(|(with, _)| *with < misfit);
        Some(match steep {
            Some((misfit, line)) => (misfit, Piece { from, until, line, sloped: true }),
            None => (misfit, Piece { from, until, line: flat, sloped: false }),
        })
    }

    /// Between which readings one piece gave way to the next, and by how much the origin jumped there. A bin shows the
    /// greater of the origins in it, so after a jump ahead the earlier piece's bins have earlier lines only, and the
    /// other way round.
    fn border(&self, before: &Piece, after: &Piece) -> (f64, f64, f64) {
        let (last, first) = (before.until - 1, after.from);
        let (end_ms, begin_ms) = (self.bins[last].last_ms, self.bins[first].first_ms);
        let jump_at = |at_ms: f64| after.line.at(at_ms) - before.line.at(at_ms);
        let jump_ms = jump_at(f64::midpoint(end_ms, begin_ms));
        let (from_ms, until_ms) =
            if jump_ms > 0.0 { (end_ms, self.points[first].at_ms) } else { (self.points[last].at_ms, begin_ms) };
        (from_ms, until_ms.max(from_ms), jump_ms)
    }

    fn segment(&self, piece: &Piece, change: Change) -> Segment {
        let bins = &self.bins[piece.from..piece.until];
        let points = &self.points[piece.from..piece.until];
        let (from_ms, until_ms) = (bins[0].first_ms, bins[bins.len() - 1].last_ms);
        let flat = (piece.line.value_ms, self.flat_uncertainty(piece));
        let plausible = Plausible::around(&piece.line, points, SURE_OF_LINE).filter(|_| piece.sloped);
        let (value_ms, uncertainty_ms) = plausible.map_or(flat, |plausible| {
            // Lowered until no plausible line is below it at either end; then the highest is this much above it.
            let ends = [points[0].at_ms, points[points.len() - 1].at_ms];
            let below = ends.map(|at_ms| piece.line.at(at_ms) - plausible.values(at_ms).0);
            let lowered_ms = below[0].max(below[1]).max(0.0);
            let above = ends.map(|at_ms| plausible.values(at_ms).1 - piece.line.at(at_ms));
            (piece.line.at(from_ms) - lowered_ms, lowered_ms + above[0].max(above[1]) + RESOLUTION_MS)
        });
        Segment {
            from_ms,
            until_ms,
            origin_ns: self.zero_ns.saturating_add(to_ns(value_ms)),
            drift_ppm: piece.line.slope * 1e6,
            drift_uncertainty_ppm: plausible.map(|plausible| (plausible.slopes.1 - plausible.slopes.0) * 0.5e6),
            uncertainty_ms,
            lines: bins.iter().map(|bin| u64::from(bin.lines)).sum(),
            change,
        }
    }

    /// How far a constant origin may lie above its greatest bound: `ln(1/alpha)/n` with n lines at phases of their own,
    /// never more than a tick. The bins at the ends may hold lines of other segments and count only where alone.
    fn flat_uncertainty(&self, piece: &Piece) -> f64 {
        let whole = piece.from == 0 && piece.until == self.points.len();
        let inner = if whole || piece.until - piece.from < 3 {
            piece.from..piece.until
        } else {
            piece.from + 1..piece.until - 1
        };
        let phases: f64 = self.points[inner.clone()].iter().map(|point| point.phases).sum();
        let random_ms = (SURE / phases).min(TICK_MS);
        random_ms.max(self.unspread(piece, inner)) + RESOLUTION_MS
    }

    /// What the phases leave open where they are not random, as those of a timer: a tick less their spread. The bounds of
    /// lines with every phase spread over a tick; the median bin is taken because lines held up spread further.
    fn unspread(&self, piece: &Piece, bins: std::ops::Range<usize>) -> f64 {
        let mut shares: Vec<(f64, f64)> = bins
            .filter(|place| self.points[*place].phases >= 2.0)
            .map(|place| {
                let spread_ms = ms_between(self.zero_ns, self.bins[place].least_ns) + piece.line.value_ms;
                let phases = self.points[place].phases;
                (spread_ms * (phases + 1.0) / phases, spread_ms)
            })
            .collect();
        shares.sort_by(|a, b| a.0.total_cmp(&b.0));
        match shares.get(shares.len() / 2) {
            Some((share, spread_ms)) if *share < SPREAD_SHARE => (TICK_MS - spread_ms).max(0.0),
            _ => 0.0,
        }
    }
}

/// The stretch in which a jump happened.
fn between(before: &Segment, after: &Segment, jump_ms: f64) -> Segment {
    let lower = if jump_ms > 0.0 { origin_at(before, before.until_ms) } else { after.origin_ns };
    Segment {
        from_ms: before.until_ms,
        until_ms: after.from_ms,
        origin_ns: lower,
        drift_ppm: 0.0,
        drift_uncertainty_ppm: None,
        uncertainty_ms: jump_ms.abs() + before.uncertainty_ms + after.uncertainty_ms,
        lines: 0,
        change: Change::Between,
    }
}

fn origin_at(segment: &Segment, at_ms: f64) -> i64 {
    segment.origin_ns.saturating_add(to_ns(segment.drift_ppm * 1e-6 * (at_ms - segment.from_ms)))
}

/// Lets a segment begin elsewhere, on the same line.
fn move_begin(segment: &mut Segment, from_ms: f64) {
    segment.origin_ns = origin_at(segment, from_ms);
    segment.from_ms = from_ms;
}

#[expect(clippy::cast_possible_truncation, reason = "saturates where a hostile log leaves the range")]
fn to_ns(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}
