//! Tables that a command answers with: printed, written beside figures, never kept in a store.

use crate::table::{Label, table};
use crate::time::Timestamp;

table! {
    /// One measure of two sets of runs, A (before) and B (after), strongest evidence of a slowdown first.
    Comparison = "comparisons", Answer, Pooled {
        /// What was measured: `execution duration` of a function; `root` and `client` time of an entry route; `compute`, `network`,
        /// `db` and `cold` of an entry route (wall division); `network time` and `trigger delay` between two providers;
        /// `response time` of a request label (successful requests).
        measure: Label,
        /// Function, entry route, pair of providers (`aws → google`) or request label.
        name: Label,
        /// Provider of a function, `A → B` where it differs; null for what has no single provider.
        provider: Option<Label>,
        /// `slower`, `faster` (of B, after Holm's correction), `equivalent` (the decisive interval lies within the margin), `no
        /// evidence`, `not compared` (see `note`).
        verdict: Label,
        /// Whether it is a proven regression: slower, the whole decisive interval beyond the margin, and run-to-run noise known
        /// (`evidence` is not `within-run`).
        regression: bool,
        /// Runs of A with values.
        runs_a: i64,
        /// Runs of B with values.
        runs_b: i64,
        /// Values of A.
        n_a: i64,
        /// Values of B.
        n_b: i64,
        /// Median of A, all runs pooled.
        median_a_ms: Option<f64>,
        /// Median of B, likewise.
        median_b_ms: Option<f64>,
        /// `median_b_ms / median_a_ms` (whole ms are spread within their millisecond first); null where a median is 0 or negative.
        ratio: Option<f64>,
        /// 95 % interval of the ratio as these runs have it: lower end.
        ratio_low: Option<f64>,
        /// Upper end.
        ratio_high: Option<f64>,
        /// How the interval was made: `within-run block bootstrap`, `hierarchical bootstrap` (several runs on both sides) or `order
        /// statistics` (fewer than 30 values).
        interval: Option<Label>,
        /// 95 % interval of the ratio that the next runs would show, run-to-run noise included: lower end. It decides.
        decisive_low: Option<f64>,
        /// Upper end.
        decisive_high: Option<f64>,
        /// Where run-to-run noise is known from: `runs` (repetitions), `stated` (`--run-noise`), `family` (one run on each side: the
        /// other measures of the same two runs), `within-run` (not known: the decisive interval lacks it).
        evidence: Option<Label>,
        /// Two-sided probability of a ratio as far from 1, were there no difference; run-to-run noise included as in the decisive interval.
        p: Option<f64>,
        /// `p` after Holm's correction over all rows that have one.
        p_holm: Option<f64>,
        /// The least slowdown that this comparison would have called slower with 80 % probability, Holm's strictest step taken.
        detectable_pct: Option<f64>,
        /// Hodges-Lehmann shift of B against A over all values; of more than 4,000 on a side over as many quantiles.
        shift_ms: Option<f64>,
        /// Vargha and Delaney's A12: the share of pairs in which the value of B is greater, ties half.
        a12: Option<f64>,
        /// Cliff's delta, `2 a12 - 1`.
        cliffs_delta: Option<f64>,
        /// Mann-Whitney p of the values as if they were independent: of these values only, decides nothing.
        mann_whitney_p: Option<f64>,
        /// Kolmogorov-Smirnov distance between the two distributions.
        ks: Option<f64>,
        /// Its p, as if the values were independent: decides nothing.
        ks_p: Option<f64>,
        /// Whether the runs under it are complete.
        complete: bool,
        /// What the reader must know of this row: why it was not compared, that values are whole ms.
        note: Option<Label>,
    }
}

table! {
    /// One point of the distribution of a compared measure: the curves of the figure `ecdf`.
    Distribution = "distributions", Answer, Pooled {
        /// As in `comparisons`.
        measure: Label,
        /// As in `comparisons`.
        name: Label,
        /// As in `comparisons`.
        provider: Option<Label>,
        /// `A` or `B`.
        side: Label,
        /// Share of the values that are at most `value_ms`.
        share: f64,
        /// The value.
        value_ms: f64,
    }
}

table! {
    /// One measure at one point of a history: a run by date, or all runs of one label value.
    Trend = "trends", Answer, Pooled {
        /// As in `comparisons`.
        measure: Label,
        /// As in `comparisons`.
        name: Label,
        /// Provider of a function; null for what has no single provider.
        provider: Option<Label>,
        /// Place in the history, from 1.
        position: i64,
        /// Label value, or the run by date.
        point: Label,
        /// First log stamp or request of the point's runs; null where unknown.
        at: Option<Timestamp>,
        /// Runs with values.
        runs: i64,
        /// Values.
        n: i64,
        /// Median, all runs of the point pooled.
        median_ms: Option<f64>,
        /// 95 % interval of the median: lower end.
        low_ms: Option<f64>,
        /// Upper end.
        high_ms: Option<f64>,
        /// How the interval was made: `within-run block bootstrap` or `hierarchical bootstrap`.
        interval: Option<Label>,
        /// Whether a new level begins at this point (E-divisive on the medians of the runs, p at most 0.01).
        change: bool,
        /// Permutation p of the change that begins here; null where none does.
        change_p: Option<f64>,
        /// Whether the runs under it are complete.
        complete: bool,
    }
}
