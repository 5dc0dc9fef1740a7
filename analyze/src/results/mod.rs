//! Result tables: the facts of a whole run become rows for people and figures (the reduce step).
//!
//! * [`summarise`]: one run's tables, from its [`Facts`], request rows, platform statements and manifest.
//! * [`phases`]: the one table of a run with a row for each invocation, batch by batch.
//! * [`responses`]: response times pooled over the runs of a store, from their [`RequestTally`]s.
//!
//! Rows are sorted by their keys and depend on the values alone: parts and threads change nothing. Unknown is `None`,
//! never 0. A row's `complete` is false when a call, callee, caller or end is missing under it, or when input of its
//! providers was refused or cut short.
//!
//! A new result table is one file here with a function `rows`, and one line in the list under [`RUN_RESULTS`].

mod boxes;
mod chains;
mod clock_offsets;
mod cold_starts;
mod completeness;
mod contributions;
mod durations;
mod gaps;
mod groups;
mod outliers;
mod phases;
mod platform;
mod publishing;
mod requests;
mod responses;
mod series;
mod shares;
mod spread;
mod stationarity;
mod throughput;
mod triggers;
mod verdicts;

use std::sync::OnceLock;

use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::table::{Row, Table};
use faaslens_schemas::tables;

use crate::assembly::FunctionSet;
use crate::clocks::Offsets;
use crate::facts::Facts;
use gaps::Gaps;
pub use phases::phases;
pub use platform::PlatformTally;
pub use requests::RequestTally;
pub use responses::{RowsTaken, responses};
use spread::Spread;
use verdicts::Verdicts;

/// What the result tables of one run are made from.
#[derive(Debug, Clone, Copy)]
pub struct RunInput<'a> {
    /// Merged facts of all parts.
    pub facts: &'a Facts,
    /// Function sets, in the order of [`Options::sets`](crate::assembly::Options::sets).
    pub sets: &'a [FunctionSet],
    /// Offsets between the run's clocks.
    pub offsets: &'a Offsets,
    /// Every request row of the run.
    pub requests: &'a RequestTally,
    /// Every platform statement of the run.
    pub platform: &'a PlatformTally,
    /// Every executor of the run.
    pub executors: &'a [tables::Executor],
    /// The run's manifest: what became of its input.
    pub manifest: &'a Manifest,
}

/// Input of a result table with what several of them need.
#[derive(Debug)]
struct Run<'a> {
    input: RunInput<'a>,
    gaps: Gaps<'a>,
    verdicts: Verdicts<'a>,
    spreads: OnceLock<Vec<Spread<'a>>>,
}

impl<'a> Run<'a> {
    /// The measures that box plots show, made when first asked for.
    fn spreads(&self) -> &[Spread<'a>] {
        self.spreads.get_or_init(|| spread::spreads(self.input.facts, &self.gaps))
    }
}

macro_rules! run_results {
    ($( $module:ident: $row:ident, )+) => {
        /// Result tables of one run, each sorted by its keys; [`phases`] is made by itself.
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct RunResults {
            $(
                #[doc = concat!("Rows of the table `", stringify!($module), "`.")]
                pub $module: Vec<tables::$row>,
            )+
        }

        impl RunResults {
            fn of(run: &Run<'_>) -> Self {
                let mut results = Self::default();
                rayon::scope(|scope| {
                    $(
                        let rows = &mut results.$module;
                        scope.spawn(move |_| *rows = $module::rows(run));
                    )+
                });
                results
            }

            /// Every table with its rows as one record batch, tables without rows included.
            ///
            /// # Errors
            /// When Arrow refuses the columns, which is a defect of the table's declaration.
            pub fn batches(&self) -> faaslens_schemas::Result<Vec<(&'static Table, RecordBatch)>> {
                Ok(vec![ $( (tables::$row::TABLE, tables::$row::to_batch(&self.$module)?), )+ ])
            }
        }

        /// The tables of [`RunResults`], in its order.
        pub static RUN_RESULTS: &[&Table] = &[ $( tables::$row::TABLE, )+ ];
    };
}

run_results! {
    durations: Duration,
    shares: Share,
    contributions: Contribution,
    triggers: Trigger,
    publishing: Publishing,
    cold_starts: ColdStart,
    throughput: Throughput,
    chains: TransactionTime,
    boxes: TukeyBox,
    outliers: Outlier,
    completeness: Completeness,
    stationarity: Stationarity,
    clock_offsets: ClockOffset,
}

/// The result tables of one run. A run without events or without requests gives tables without rows.
pub fn summarise(input: RunInput<'_>) -> RunResults {
    let gaps = Gaps::of(input.facts, input.manifest);
    RunResults::of(&Run { input, gaps, verdicts: Verdicts::of(input.facts), spreads: OnceLock::new() })
}
