//! Statements of a file that nobody could be named for.

use std::collections::HashMap;

use super::statements::{Runs, Statements};

/// Statements that wait at most; a fetch begins in mid-execution once a stream.
const WAITING: usize = 4096;

/// Statements without an executor that wait for a repetition with one: it tells whose they are.
#[derive(Default)]
pub(super) struct Unclaimed {
    /// Those that wait, and some that no longer do.
    statements: Statements,
    /// The rows of those that wait, by identity.
    rows: HashMap<u64, usize>,
}

impl Unclaimed {
    /// Lets a statement wait; false where no more can.
    pub(super) fn add(&mut self, identity: u64, statements: &Statements, row: usize) -> bool {
        if self.rows.len() >= WAITING {
            return false;
        }
        if self.statements.len() == 0 || self.statements.len() >= 2 * WAITING {
            self.forget_claimed(statements);
        }
        self.rows.insert(identity, self.statements.len());
        self.statements.copy(statements, row);
        true
    }

    /// Moves the statement of an identity, if it waits, to `claimed`, as one of those whose `repetition` names them.
    pub(super) fn claim(&mut self, identity: u64, (names, repetition): (&Statements, usize), claimed: &mut Statements) {
        let Some(row) = self.rows.remove(&identity) else { return };
        if claimed.len() == 0 {
            *claimed = names.none_yet();
        }
        claimed.copy(&self.statements, row);
        let keys = claimed.keys_of(names.function(repetition), names.executor(repetition));
        claimed.assign(claimed.len() - 1, keys);
    }

    /// Those that still wait, in the order in which they came; none do any longer.
    pub(super) fn take(&mut self) -> (Statements, Runs) {
        let runs = self.waiting().into_iter().map(|(row, _)| row).collect();
        self.rows.clear();
        (std::mem::take(&mut self.statements), runs)
    }

    /// Rows and identities of those that wait, in the order in which they came.
    fn waiting(&self) -> Vec<(usize, u64)> {
        let mut rows: Vec<(usize, u64)> = self.rows.iter().map(|(identity, row)| (*row, *identity)).collect();
        rows.sort_unstable();
        rows
    }

    /// Makes the memory follow those that wait, which are of the same file as `others`.
    fn forget_claimed(&mut self, others: &Statements) {
        let before = std::mem::replace(&mut self.statements, others.none_yet());
        for (row, identity) in self.waiting() {
            self.rows.insert(identity, self.statements.len());
            self.statements.copy(&before, row);
        }
    }
}

#[cfg(test)]
mod tests {
    use faaslens_schemas::tables::PlatformRecord;

    use super::*;

    fn statement(id: usize, executor: Option<&str>) -> Statements {
        let executor = executor.map(Into::into);
        let function = executor.as_ref().map(|_| "f".into());
        let (kind, offset) = ("end".into(), id.cast_signed() as i64);
        let request_id = Some(format!("r{id}"));
        let record = PlatformRecord { kind, request_id, function, executor, offset, ..PlatformRecord::default() };
        Statements::of_records([&record])
    }

    #[test]
    fn a_repetition_tells_whose_the_first_was() {
        let mut unclaimed = Unclaimed::default();
        for id in 0..3 {
            assert!(unclaimed.add(id as u64, &statement(id, None), 0));
        }
        let mut claimed = Statements::default();
        unclaimed.claim(1, (&statement(1, Some("e")), 0), &mut claimed);
        unclaimed.claim(7, (&statement(7, Some("e")), 0), &mut claimed);
        assert_eq!(claimed.len(), 1);
        let record = claimed.record(0);
        assert_eq!((record.request_id.as_deref(), record.offset), (Some("r1"), 1));
        assert_eq!((record.function, record.executor), (Some("f".into()), Some("e".into())));
        let (rest, runs) = unclaimed.take();
        let ids: Vec<_> = runs.0.into_iter().flatten().filter_map(|row| rest.record(row).request_id).collect();
        assert_eq!(ids, ["r0", "r2"]);
    }

    #[test]
    fn memory_follows_those_that_wait() {
        let mut unclaimed = Unclaimed::default();
        let first = statement(0, None);
        assert!(unclaimed.add(u64::MAX, &first, 0));
        for id in 1..3 * WAITING {
            assert!(unclaimed.add(id as u64, &statement(id, None), 0));
            unclaimed.claim(id as u64, (&statement(id, Some("e")), 0), &mut Statements::default());
            assert!(unclaimed.statements.len() <= 2 * WAITING);
        }
        let (rest, runs) = unclaimed.take();
        assert_eq!((runs.rows(), rest.record(runs.0[0].start)), (1, first.record(0)));
        for id in 0..WAITING {
            assert!(unclaimed.add(id as u64, &first, 0));
        }
        assert!(!unclaimed.add(u64::MAX, &first, 0));
    }
}
