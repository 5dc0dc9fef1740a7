//! What can be wrong with an invocation or a trace, by name.

/// An anomaly. Each is counted in [`Facts::issues`](crate::facts::Facts::issues) and named in the column `issues`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Issue {
    /// Nothing in the logs called it, though it ran under a caller's pair ID.
    CallerMissing,
    /// An outgoing call, or the client's request, has no invocation under its pair ID.
    CalleeMissing,
    /// A publisher ran, but no event's handler under its pair ID.
    EventMissing,
    /// Operations or a request were logged under a pair, but no handler.
    HandlerMissing,
    /// The handler started and never ended.
    NoEnd,
    /// The handler ended, its start was not logged.
    NoStart,
    /// A call or database operation started and never ended.
    OperationWithoutEnd,
    /// A call or database operation ended, its start was not logged.
    OperationWithoutStart,
    /// An end before its start.
    NegativeDuration,
    /// A performance entry without a usable time.
    NoTime,
    /// Invocations that call each other in a circle, so that none is the first.
    Loop,
    /// More than one invocation of the context has no caller.
    SeveralRoots,
    /// No invocation of the context can be its root.
    NoRoot,
    /// The executor is not among the run's executors: its time origin is a guess.
    UnknownExecutor,
    /// The caller sent no pair ID: nothing is lost, but the invocation cannot be tied to its caller.
    NoCallerId,
    /// More than one invocation answers one call or event.
    SeveralForPair,
    /// A callee that ran longer than its caller's call: its division is scaled down to the call.
    CalleeLonger,
    /// The same executor, mark and start again; counted once.
    DuplicateRecord,
    /// Parallel operations under one mark: the measured start of all but the last is too late.
    ParallelMark,
    /// Its executor's wall clock jumped, or its monotonic clock stood still, while it ran: instants and one-way times are
    /// less sure, and a duration leaves out the time of a suspension.
    ClockStepped,
}

/// Every issue in order of declaration, with its text and whether it makes an invocation or trace incomplete.
const ISSUES: [(Issue, &str, bool); 20] = [
    (Issue::CallerMissing, "caller missing", true),
    (Issue::CalleeMissing, "callee missing", true),
    (Issue::EventMissing, "event missing", true),
    (Issue::HandlerMissing, "handler missing", true),
    (Issue::NoEnd, "no end", true),
    (Issue::NoStart, "no start", true),
    (Issue::OperationWithoutEnd, "operation without end", true),
    (Issue::OperationWithoutStart, "operation without start", true),
    (Issue::NegativeDuration, "negative duration", true),
    (Issue::NoTime, "entry without time", true),
    (Issue::Loop, "loop", true),
    (Issue::SeveralRoots, "several roots", true),
    (Issue::NoRoot, "no root", true),
    (Issue::UnknownExecutor, "unknown executor", true),
    (Issue::NoCallerId, "no caller id", false),
    (Issue::SeveralForPair, "several for one pair", false),
    (Issue::CalleeLonger, "callee longer than call", false),
    (Issue::DuplicateRecord, "duplicate record", false),
    (Issue::ParallelMark, "parallel operations under one mark", false),
    (Issue::ClockStepped, "clock stepped", false),
];

impl Issue {
    /// As in the columns `issues`.
    pub fn as_str(self) -> &'static str {
        ISSUES[self as usize].1
    }

    /// Whether something is missing because of it: the invocation or trace is not complete.
    pub fn breaks(self) -> bool {
        ISSUES[self as usize].2
    }

    /// Every issue, in the order in which a list of issues names them.
    pub fn all() -> impl Iterator<Item = Self> {
        ISSUES.into_iter().map(|(issue, _, _)| issue)
    }
}

/// A set of issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct IssueSet(u32);

impl IssueSet {
    pub(super) fn add(&mut self, issue: Issue) {
        self.0 |= 1 << issue as u8;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn has(self, issue: Issue) -> bool {
        self.0 & (1 << issue as u8) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether none of them makes the bearer incomplete.
    pub(super) fn is_complete(self) -> bool {
        self.is_empty() || !self.iter().any(Issue::breaks)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Issue> {
        Issue::all().filter(move |issue| self.has(*issue))
    }

    /// The texts, `;`-separated, in order of declaration.
    pub(super) fn text(self) -> String {
        self.iter().map(Issue::as_str).collect::<Vec<_>>().join(";")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_stand_in_the_order_of_their_declaration() {
        assert!(ISSUES.iter().enumerate().all(|(position, (issue, _, _))| *issue as usize == position));
    }

    #[test]
    fn a_set_names_its_issues_and_says_whether_it_breaks() {
        let mut set = IssueSet::default();
        assert!(set.is_empty() && set.is_complete());
        set.add(Issue::DuplicateRecord);
        assert!(set.is_complete());
        set.add(Issue::NoEnd);
        assert!(!set.is_complete());
        assert_eq!(set.text(), "no end;duplicate record");
    }
}
