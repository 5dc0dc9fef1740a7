//! Start, end and measure entries of one mark become spans.
//!
//! A measure is authoritative: it carries start and duration. It claims the start mark of the same start and the end
//! mark where it ends; what marks are left over are paired with each other. Any of the three may be missing, repeated
//! or out of order.

use super::entries::{Entry, Kind};
use super::issues::{Issue, IssueSet};

/// Two readings of one clock that name the same moment differ by rounding only.
const SAME_MS: f64 = 1e-5;

/// Marks at one moment that are looked through for a free one.
const LOOK_AHEAD: usize = 64;

/// One execution of what a mark names.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each says on its own what of the execution was seen")]
pub(super) struct Span {
    /// Start on the executor's monotonic clock; of its end, where no start is known.
    pub(super) start_ms: f64,
    pub(super) duration_ms: Option<f64>,
    /// When the start mark was logged.
    pub(super) start_logged_us: Option<i64>,
    /// When the first of its entries was logged.
    pub(super) logged_us: i64,
    pub(super) has_start: bool,
    pub(super) has_end: bool,
    /// Whether an end mark was logged.
    end_seen: bool,
    /// Whether a measure was logged.
    measure_seen: bool,
    pub(super) issues: IssueSet,
}

impl Span {
    fn measured(entry: &Entry) -> Self {
        Self {
            start_ms: entry.start_ms,
            duration_ms: Some(entry.duration_ms),
            start_logged_us: None,
            logged_us: entry.logged_us,
            has_start: true,
            has_end: true,
            end_seen: false,
            measure_seen: true,
            issues: IssueSet::default(),
        }
    }

    /// How often an end or a measure of the span proves that another of its entries was logged, and how often that is
    /// missing. A start proves nothing: its handler may have thrown.
    pub(super) fn halves(&self) -> (u32, u32) {
        let proofs = u32::from(self.end_seen) + u32::from(self.measure_seen);
        let without_start = if self.start_logged_us.is_some() { 0 } else { proofs };
        let without_other = u32::from(self.end_seen != self.measure_seen);
        (2 * proofs, without_start + without_other)
    }

    fn claim_end(&mut self, end: &Entry) {
        self.end_seen = true;
        self.logged_us = self.logged_us.min(end.logged_us);
    }

    fn claim_start(&mut self, start: &Entry) {
        self.start_logged_us = Some(start.logged_us);
        self.logged_us = self.logged_us.min(start.logged_us);
    }

    fn check(mut self) -> Self {
        if self.duration_ms.is_some_and(|duration| duration < 0.0) {
            self.duration_ms = None;
            self.issues.add(Issue::NegativeDuration);
        }
        self
    }
}

/// Entries of one mark, sorted by kind, start, duration and log stamp.
pub(super) fn join(entries: &[Entry], spans: &mut Vec<Span>) {
    if let [start, end, measure] = entries
        && (start.kind, end.kind, measure.kind) == (Kind::Start, Kind::End, Kind::Measure)
        && same(start.start_ms, measure.start_ms)
    {
        let mut span = Span::measured(measure);
        span.claim_start(start);
        span.claim_end(end);
        spans.push(span.check());
        return;
    }
    join_any(entries, spans);
}

fn join_any(entries: &[Entry], spans: &mut Vec<Span>) {
    let first = spans.len();
    let mut duplicates = IssueSet::default();
    let mut starts = Marks::of(entries, Kind::Start, &mut duplicates);
    let mut ends = Marks::of(entries, Kind::End, &mut duplicates);
    let measures = Marks::of(entries, Kind::Measure, &mut duplicates);
    let mut shared = Vec::new();
    for (position, measure) in measures.entries.iter().enumerate() {
        let mut span = Span::measured(measure);
        match starts.claim(measure.start_ms) {
            Some(start) => span.claim_start(&start),
            None if position > 0 && same(measures.entries[position - 1].start_ms, measure.start_ms) => {
                shared.push(spans.len());
            }
            None => {}
        }
        if let Some(end) = ends.claim(measure.start_ms + measure.duration_ms) {
            span.claim_end(&end);
        }
        spans.push(span.check());
    }
    claim_shared(&mut starts, &shared, spans);
    pair_marks(&starts, &ends, spans);
    if let Some(span) = spans.get_mut(first) {
        span.issues.join(duplicates);
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME_MS
}

/// Marks or measures of one kind in order of time.
struct Marks {
    entries: Vec<Entry>,
    used: Vec<bool>,
}

impl Marks {
    fn of(entries: &[Entry], kind: Kind, duplicates: &mut IssueSet) -> Self {
        let mut entries: Vec<Entry> = entries.iter().filter(|entry| entry.kind == kind).copied().collect();
        let before = entries.len();
        let times = |entry: &Entry| (entry.start_ms.to_bits(), entry.duration_ms.to_bits());
        entries.dedup_by_key(|entry| times(entry));
        if entries.len() < before {
            duplicates.add(Issue::DuplicateRecord);
        }
        let used = vec![false; entries.len()];
        Self { entries, used }
    }

    /// The first mark at that moment that nothing has claimed.
    fn claim(&mut self, at_ms: f64) -> Option<Entry> {
        let from = self.entries.partition_point(|entry| entry.start_ms < at_ms - SAME_MS);
        let near = self.entries[from..].iter().take(LOOK_AHEAD);
        let near = near.take_while(|entry| entry.start_ms <= at_ms + SAME_MS).count();
        let free = (from..from + near).find(|position| !self.used[*position])?;
        self.used[free] = true;
        Some(self.entries[free])
    }

    fn unused(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate().filter(|(position, _)| !self.used[*position])
    }
}

/// Measures of parallel operations under one mark all start at the latest start mark: each of them but the first
/// stands for an earlier start mark that no measure names.
fn claim_shared(starts: &mut Marks, shared: &[usize], spans: &mut [Span]) {
    let mut open: Vec<usize> = Vec::new();
    let mut waiting =
        starts.unused().map(|(position, entry)| (position, entry.start_ms)).collect::<Vec<_>>().into_iter();
    let mut next = waiting.next();
    for &span in shared {
        while let Some((position, start_ms)) = next.filter(|(_, start_ms)| *start_ms < spans[span].start_ms) {
            debug_assert!(start_ms.is_finite());
            open.push(position);
            next = waiting.next();
        }
        spans[span].issues.add(Issue::ParallelMark);
        if let Some(position) = open.pop() {
            starts.used[position] = true;
            spans[span].claim_start(&starts.entries[position]);
        }
    }
}

/// Pairs what no measure names: each end with the latest open start before it.
fn pair_marks(starts: &Marks, ends: &Marks, spans: &mut Vec<Span>) {
    let mut open: Vec<Entry> = Vec::new();
    let mut waiting = starts.unused().map(|(_, start)| *start).peekable();
    for (_, end) in ends.unused() {
        while let Some(start) = waiting.next_if(|start| start.start_ms <= end.start_ms) {
            open.push(start);
        }
        spans.push(open.pop().map_or_else(|| end_only(end), |start| paired(&start, end)));
    }
    spans.extend(open.iter().copied().chain(waiting).map(|start| start_only(&start)));
}

fn paired(start: &Entry, end: &Entry) -> Span {
    let mut span = start_only(start);
    span.duration_ms = Some(end.start_ms - start.start_ms);
    span.claim_end(end);
    span.has_end = true;
    span
}

fn start_only(start: &Entry) -> Span {
    Span {
        start_ms: start.start_ms,
        duration_ms: None,
        start_logged_us: Some(start.logged_us),
        logged_us: start.logged_us,
        has_start: true,
        has_end: false,
        end_seen: false,
        measure_seen: false,
        issues: IssueSet::default(),
    }
}

fn end_only(end: &Entry) -> Span {
    Span { has_start: false, has_end: true, end_seen: true, start_logged_us: None, ..start_only(end) }
}

#[cfg(test)]
mod tests {
    use super::super::entries::{NO_PAIR, Op};
    use super::*;

    fn entry(kind: Kind, start_ms: f64, duration_ms: f64) -> Entry {
        Entry {
            context: 0,
            pair: NO_PAIR,
            site: 0,
            callee_pair: NO_PAIR,
            label: None,
            op: Op::Db,
            kind,
            start_ms,
            duration_ms,
            logged_us: 0,
        }
    }

    fn spans_of(starts: &[f64], ends: &[f64], measures: &[(f64, f64)]) -> Vec<(f64, Option<f64>, String)> {
        let mut entries: Vec<Entry> = starts.iter().map(|at| entry(Kind::Start, *at, 0.0)).collect();
        entries.extend(ends.iter().map(|at| entry(Kind::End, *at, 0.0)));
        entries.extend(measures.iter().map(|(at, ms)| entry(Kind::Measure, *at, *ms)));
        let mut spans = Vec::new();
        join(&entries, &mut spans);
        spans.sort_by(|a, b| {
            a.start_ms.total_cmp(&b.start_ms).then(a.duration_ms.partial_cmp(&b.duration_ms).expect("no NaN"))
        });
        spans.into_iter().map(|span| (span.start_ms, span.duration_ms, span.issues.text())).collect()
    }

    fn plain(start_ms: f64, duration_ms: Option<f64>) -> (f64, Option<f64>, String) {
        (start_ms, duration_ms, String::new())
    }

    #[test]
    fn a_measure_alone_is_a_whole_span() {
        assert_eq!(spans_of(&[], &[], &[(5.0, 2.0)]), [plain(5.0, Some(2.0))]);
        assert_eq!(spans_of(&[5.0], &[], &[(5.0, 2.0)]), [plain(5.0, Some(2.0))]);
        assert_eq!(spans_of(&[], &[7.0], &[(5.0, 2.0)]), [plain(5.0, Some(2.0))]);
    }

    #[test]
    fn each_end_and_each_measure_is_a_proof_of_two_other_entries() {
        let halves = |starts: &[f64], ends: &[f64], measures: &[(f64, f64)]| {
            let mut entries: Vec<Entry> = starts.iter().map(|at| entry(Kind::Start, *at, 0.0)).collect();
            entries.extend(ends.iter().map(|at| entry(Kind::End, *at, 0.0)));
            entries.extend(measures.iter().map(|(at, ms)| entry(Kind::Measure, *at, *ms)));
            let mut spans = Vec::new();
            join(&entries, &mut spans);
            spans.iter().map(Span::halves).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        assert_eq!(halves(&[5.0], &[7.0], &[(5.0, 2.0)]), (4, 0));
        assert_eq!(halves(&[], &[7.0], &[(5.0, 2.0)]), (4, 2));
        assert_eq!(halves(&[5.0], &[], &[(5.0, 2.0)]), (2, 1));
        assert_eq!(halves(&[5.0], &[7.0], &[]), (2, 1));
        assert_eq!(halves(&[], &[], &[(5.0, 2.0)]), (2, 2));
        assert_eq!(halves(&[], &[7.0], &[]), (2, 2));
        assert_eq!(halves(&[5.0], &[], &[]), (0, 0));
        assert_eq!(halves(&[1.0, 2.0], &[5.0, 6.0], &[(2.0, 3.0), (2.0, 4.0)]), (8, 0));
    }

    #[test]
    fn marks_without_a_measure_pair_up() {
        assert_eq!(spans_of(&[5.0], &[7.5], &[]), [plain(5.0, Some(2.5))]);
        assert_eq!(spans_of(&[1.0, 5.0], &[2.0, 7.0], &[]), [plain(1.0, Some(1.0)), plain(5.0, Some(2.0))]);
    }

    #[test]
    fn a_lost_end_leaves_the_next_operation_alone() {
        assert_eq!(spans_of(&[1.0, 5.0], &[7.0], &[]), [plain(1.0, None), plain(5.0, Some(2.0))]);
        assert_eq!(spans_of(&[1.0, 5.0], &[7.0], &[(5.0, 2.0)]), [plain(1.0, None), plain(5.0, Some(2.0))]);
    }

    #[test]
    fn parallel_operations_keep_their_measured_durations() {
        // Started at 1 and 2, ended at 5 and 6: each measure reads the latest start mark, 2.
        let shared = (2.0, Some(4.0), "parallel operations under one mark".to_owned());
        assert_eq!(spans_of(&[1.0, 2.0], &[5.0, 6.0], &[(2.0, 3.0), (2.0, 4.0)]), [plain(2.0, Some(3.0)), shared]);
    }

    #[test]
    fn a_repeated_record_counts_once() {
        let once = (5.0, Some(2.0), "duplicate record".to_owned());
        assert_eq!(spans_of(&[5.0, 5.0], &[7.0, 7.0], &[(5.0, 2.0), (5.0, 2.0)]), [once]);
    }

    #[test]
    fn a_negative_duration_is_unknown_and_named() {
        assert_eq!(spans_of(&[], &[], &[(5.0, -1.0)]), [(5.0, None, "negative duration".to_owned())]);
    }
}
