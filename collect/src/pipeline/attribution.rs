//! Whose statements a platform makes: an execution's records stand between its start and its report.

use super::columns::{BlockColumns, label};
use super::statements::{Names, Statements};

/// What a block tells of whose statements are, beyond those that its own records tell of.
#[derive(Debug, Default)]
pub(super) struct Attributed {
    /// Statements whose execution began in an earlier block.
    pub(super) inherit: Vec<usize>,
    /// Statements whose records begin in a later block.
    pub(super) open: Vec<usize>,
    /// Whose records come first, for the statements that the block before left open.
    pub(super) lead: Option<Lead>,
    /// Function and executor that statements at the start of the next block belong to.
    pub(super) bequest: Bequest,
}

/// Function and executor of the first records of a block.
#[derive(Debug)]
pub(super) struct Lead {
    pub(super) names: Names,
    /// Executions that began in the block before them: an initialisation still belongs to the first of these.
    pub(super) starts: usize,
}

/// Whose execution goes on in the next block.
#[derive(Debug, Default)]
pub(super) enum Bequest {
    /// That of the block before: this one says nothing.
    #[default]
    Inherited,
    /// Nobody's, or it cannot be told.
    Nobody,
    /// That of a function's executor.
    Executor(Names),
}

/// Keys of a function and its executor in the dictionaries of a block's records.
type Speaker = (u32, u32);

/// Finds out whose statements are while a block's records and statements pass by in their order.
pub(super) struct Attribution {
    enabled: bool,
    current: Current,
    /// Statements whose records are still to come.
    waiting: Vec<usize>,
    /// Statements whose execution began before the block.
    inherit: Vec<usize>,
    /// Executor of the first records and executions begun before them, unless a statement ended what came before.
    first: Option<(Speaker, usize)>,
    starts: usize,
    first_is_settled: bool,
    /// The speaker that a statement was given last, and its keys among the statements' labels.
    named: Option<(Speaker, (u32, u32))>,
}

#[derive(Clone, Copy, PartialEq)]
enum Current {
    /// Nothing but what an earlier block left.
    Inherited,
    /// An execution without records yet.
    Unknown,
    /// Records of one executor.
    Known(Speaker),
    /// Records of several executors: lines are out of order.
    Ambiguous,
}

impl Attribution {
    /// Nothing passed by yet; unless it is `enabled`, nothing is found out.
    pub(super) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            current: Current::Inherited,
            waiting: Vec::new(),
            inherit: Vec::new(),
            first: None,
            starts: 0,
            first_is_settled: false,
            named: None,
        }
    }

    /// A record of a speaker passes by.
    pub(super) fn record(&mut self, speaker: Speaker) {
        if !self.enabled {
            return;
        }
        if !self.first_is_settled {
            self.first = Some((speaker, self.starts));
            self.first_is_settled = true;
        }
        self.current = match self.current {
            Current::Inherited | Current::Unknown => Current::Known(speaker),
            Current::Known(known) if known == speaker => self.current,
            _ => Current::Ambiguous,
        };
    }

    /// A statement, the last of `statements`, passes by.
    pub(super) fn statement(&mut self, row: usize, kind: &str, statements: &mut Statements, events: &BlockColumns) {
        if !self.enabled {
            return;
        }
        match kind {
            "start" => self.starts += 1,
            "init_start" | "end" | "report" => self.first_is_settled = true,
            _ => {}
        }
        match kind {
            "init_start" => {
                self.settle(statements, events);
                self.current = Current::Unknown;
                self.waiting.push(row);
            }
            "start" => {
                // An initialisation's statement waits on for the first execution's records.
                let initialising = matches!(self.current, Current::Known(_) | Current::Unknown)
                    && self.waiting.iter().any(|&row| statements.is_initialisation(row));
                if !initialising {
                    self.settle(statements, events);
                    self.current = Current::Unknown;
                }
                self.waiting.push(row);
            }
            "end" | "report" => {
                if self.current == Current::Inherited {
                    self.inherit.push(row);
                } else {
                    self.waiting.push(row);
                    self.settle(statements, events);
                }
            }
            _ => {}
        }
    }

    /// Gives the waiting statements the executor of the records seen since.
    fn settle(&mut self, statements: &mut Statements, events: &BlockColumns) {
        if let Current::Known(speaker) = self.current {
            for &row in &self.waiting {
                let keys = match self.named {
                    Some((named, keys)) if named == speaker => keys,
                    _ => {
                        let (function, executor) = texts_of(speaker, events);
                        statements.keys_of(Some(function), Some(executor))
                    }
                };
                self.named = Some((speaker, keys));
                statements.assign(row, keys);
            }
        }
        self.waiting.clear();
    }

    /// Settles the statements whose records were seen, at the end of the block; the rest stay open.
    pub(super) fn finish(mut self, statements: &mut Statements, events: &BlockColumns) -> Attributed {
        if matches!(self.current, Current::Known(_)) {
            self.settle(statements, events);
        }
        let bequest = match self.current {
            Current::Inherited => Bequest::Inherited,
            Current::Unknown | Current::Ambiguous => Bequest::Nobody,
            Current::Known(speaker) => Bequest::Executor(names_of(speaker, events)),
        };
        let lead = self.first.map(|(speaker, starts)| Lead { names: names_of(speaker, events), starts });
        Attributed { inherit: self.inherit, open: self.waiting, lead, bequest }
    }
}

fn texts_of((function, executor): Speaker, events: &BlockColumns) -> (&str, &str) {
    (events.dictionaries[label::FUNCTION].get(function), events.dictionaries[label::EXECUTOR].get(executor))
}

fn names_of(speaker: Speaker, events: &BlockColumns) -> Names {
    let (function, executor) = texts_of(speaker, events);
    Names { function: function.to_owned(), executor: executor.to_owned() }
}
