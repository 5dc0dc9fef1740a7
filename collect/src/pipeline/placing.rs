//! What the order of blocks decides of statements and rejects: whose they are, and which of them are repetitions.

use std::collections::HashMap;

use faaslens_schemas::tables::Reject;
use xxhash_rust::xxh3::xxh3_64;

use super::attribution::{Attributed, Bequest, Lead};
use super::scan::Scanned;
use super::seen::Seen;
use super::small_tables::SmallTables;
use super::statements::{Names, Runs, Statements};
use super::unclaimed::Unclaimed;
use super::{InputFile, Reasons};

/// What is known of the statements and rejects of the blocks so far.
pub(super) struct Placing {
    /// Counts by file.
    pub(super) counts: Vec<FileCounts>,
    /// Identities of platform statements that have an id of their own.
    seen: Seen,
    /// Statements of the current file that nobody could be named for.
    unclaimed: Unclaimed,
    /// Pieces of an earlier collection without an id: how often each may come again before it is new.
    known: HashMap<u64, u32>,
    /// File of the last block, its lines so far, and whose execution it ended in.
    file: usize,
    lines: i64,
    inherited: Option<Names>,
    /// The statements of the block before, where it left some open: order makes all wait.
    held: Option<Held>,
}

#[derive(Default, Clone)]
pub(super) struct FileCounts {
    pub(super) platform: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: Reasons,
    pub(super) cut_short: Option<String>,
}

/// Statements held back until the next block of their file is there.
struct Held {
    statements: Statements,
    /// Those whose records are still to come.
    open: Vec<usize>,
}

impl Placing {
    /// Nothing is known yet of so many files.
    pub(super) fn new(files: usize) -> Self {
        Self {
            counts: vec![FileCounts::default(); files],
            seen: Seen::default(),
            unclaimed: Unclaimed::default(),
            known: HashMap::new(),
            file: 0,
            lines: 0,
            inherited: None,
            held: None,
        }
    }

    /// Gives the small tables the rows of an earlier collection.
    pub(super) fn keep(&mut self, platform: Vec<Statements>, rejects: Vec<Reject>, small: &SmallTables) {
        for statements in platform {
            for row in 0..statements.len() {
                let identity = statements.identity(row);
                if statements.is_said_once(row) {
                    self.seen.insert(identity);
                } else {
                    *self.known.entry(identity).or_default() += 1;
                }
            }
            small.platform.fill(|batch| batch.push_all(statements));
        }
        for reject in rejects {
            *self.known.entry(reject_identity(&reject)).or_default() += 1;
            small.rejects.fill(|batch| batch.push(reject));
        }
    }

    /// Gives the small tables the statements and rejects of the next block, and what had to wait for it.
    pub(super) fn place(&mut self, scanned: &mut Scanned, files: &[InputFile], small: &SmallTables) {
        let Attributed { inherit, open, lead, bequest } = std::mem::take(&mut scanned.attributed);
        self.release(lead.filter(|_| scanned.file == self.file), small);
        if scanned.file != self.file {
            self.release_unclaimed(small);
            (self.file, self.lines, self.inherited) = (scanned.file, 0, None);
        }
        let mut statements = std::mem::take(&mut scanned.statements);
        if let Some(names) = &self.inherited {
            assign(&mut statements, inherit, names);
        }
        match bequest {
            Bequest::Inherited => {}
            Bequest::Nobody => self.inherited = None,
            Bequest::Executor(names) => self.inherited = Some(names),
        }
        if open.is_empty() {
            self.write(statements, small);
        } else {
            self.held = Some(Held { statements, open });
        }
        for reject in std::mem::take(&mut scanned.rejects) {
            self.place_reject(reject, &files[self.file].name, small);
        }
        self.lines += scanned.lines;
        if let Some(reason) = scanned.cut_short {
            self.counts[self.file].cut_short = Some(reason.to_owned());
        }
    }

    /// Gives the small tables what still waits, after the last block.
    pub(super) fn finish(&mut self, small: &SmallTables) {
        self.release(None, small);
        self.release_unclaimed(small);
    }

    fn place_reject(&mut self, mut reject: Reject, source: &str, small: &SmallTables) {
        reject.source = source.into();
        reject.line = reject.line.map(|line| self.lines + line + 1);
        let new = self.is_new(reject_identity(&reject));
        let counts = &mut self.counts[self.file];
        if new {
            *counts.rejected.entry(reject.reason.to_string()).or_default() += 1;
            small.rejects.fill(|batch| batch.push(reject));
        } else {
            counts.duplicates += 1;
        }
    }

    /// Writes the statements held back, the open ones with the function and executor whose records come next.
    fn release(&mut self, lead: Option<Lead>, small: &SmallTables) {
        let Some(Held { mut statements, open }) = self.held.take() else { return };
        if let Some(Lead { names, starts }) = lead {
            let own = open.into_iter().filter(|&row| starts <= usize::from(statements.is_initialisation(row)));
            let own: Vec<usize> = own.collect();
            assign(&mut statements, own, &names);
        }
        self.write(statements, small);
    }

    /// Writes statements of the current file but for repetitions and those that wait to be claimed by one.
    fn write(&mut self, statements: Statements, small: &SmallTables) {
        let mut runs = Runs::default();
        let mut claimed = Statements::default();
        for row in 0..statements.len() {
            if self.is_to_be_written(&statements, row, &mut claimed) {
                runs.push(row);
            }
        }
        if claimed.len() > 0 {
            small.platform.fill(|batch| batch.push_all(claimed));
        }
        if runs.rows() > 0 {
            small.platform.fill(|batch| batch.push(statements, runs));
        }
    }

    /// Counts a statement. False for a repetition, which may have claimed another one, and for one that waits for that.
    fn is_to_be_written(&mut self, statements: &Statements, row: usize, claimed: &mut Statements) -> bool {
        let identity = statements.identity(row);
        let said_once = statements.is_said_once(row);
        let new = if said_once { self.seen.insert(identity) } else { self.is_new(identity) };
        let counts = &mut self.counts[self.file];
        let has_executor = statements.executor(row).is_some();
        if new {
            counts.platform += 1;
            return !said_once || has_executor || !self.unclaimed.add(identity, statements, row);
        }
        counts.duplicates += 1;
        if has_executor {
            self.unclaimed.claim(identity, (statements, row), claimed);
        }
        false
    }

    /// Writes the statements that no repetition claimed.
    fn release_unclaimed(&mut self, small: &SmallTables) {
        let (rest, runs) = self.unclaimed.take();
        if runs.rows() > 0 {
            small.platform.fill(|batch| batch.push(rest, runs));
        }
    }

    /// Whether a piece without an id is more than what an earlier collection knew.
    fn is_new(&mut self, identity: u64) -> bool {
        match self.known.get_mut(&identity) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }
}

/// Says of some statements that they are of a function's executor.
fn assign(statements: &mut Statements, rows: Vec<usize>, names: &Names) {
    let keys = statements.keys_of(Some(&names.function), Some(&names.executor));
    for row in rows {
        statements.assign(row, keys);
    }
}

fn reject_identity(reject: &Reject) -> u64 {
    let text = format!("{}|{}|{}|{}|{}", reject.source, reject.reason, reject.length, reject.detail, reject.excerpt);
    xxh3_64(text.as_bytes())
}
