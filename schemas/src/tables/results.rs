//! Result tables, for people and figures. Quantiles are Hyndman & Fan type 7 throughout (METHODS, section 8).

use crate::table::{Label, table};
use crate::time::Timestamp;

table! {
    /// Execution duration by function and provider. Median, quartiles and percentiles of `invocations.duration_ms`.
    Duration = "durations", Analyze, PerRun {
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// How it was invoked: `rpc`, `http`, `msg`.
        trigger: Label,
        /// Invocations with a duration.
        n: i64,
        /// Invocations that never ended.
        errors: i64,
        /// Median.
        median_ms: Option<f64>,
        /// Lower end of the median's 95 % interval; null where n cannot carry one.
        median_low_ms: Option<f64>,
        /// Upper end of the median's 95 % interval.
        median_high_ms: Option<f64>,
        /// How the interval was computed: `within-run block bootstrap`, or `order statistics` for fewer than 30 values.
        interval: Option<Label>,
        /// First quartile.
        q1_ms: Option<f64>,
        /// Third quartile.
        q3_ms: Option<f64>,
        /// `q3_ms - q1_ms`.
        iqr_ms: Option<f64>,
        /// 95th percentile; null with fewer than 59 values, which cannot carry it.
        p95_ms: Option<f64>,
        /// 99th percentile; null with fewer than 299 values, which cannot carry it.
        p99_ms: Option<f64>,
        /// Arithmetic mean.
        mean_ms: Option<f64>,
        /// Shortest.
        min_ms: Option<f64>,
        /// Longest.
        max_ms: Option<f64>,
        /// Lower whisker: least value within 1.5 IQR of the box.
        whisker_low_ms: Option<f64>,
        /// Upper whisker: greatest value within 1.5 IQR of the box.
        whisker_high_ms: Option<f64>,
        /// Cold starts among them.
        cold_n: i64,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// Compute, network and database time by entry route, by function set and overall; one row a category.
    Share = "shares", Analyze, PerRun {
        /// `wall` (elapsed time of the root, divided exactly) or `befaas` (as published).
        method: Label,
        /// `overall`, `route` (entry route), `set` (chosen functions, as in the published figure).
        scope: Label,
        /// `all`, the entry route, or the function set joined by `+`.
        name: Label,
        /// `compute`, `network`, `db`, `cold`, `trigger`, `client_network`.
        category: Label,
        /// Contexts.
        n: i64,
        /// Contexts left out as incomplete.
        left_out: i64,
        /// Sum over the contexts.
        sum_ms: f64,
        /// Arithmetic mean.
        mean_ms: Option<f64>,
        /// Median.
        median_ms: Option<f64>,
        /// Lower end of the median's 95 % interval; null where n cannot carry one.
        median_low_ms: Option<f64>,
        /// Upper end of the median's 95 % interval.
        median_high_ms: Option<f64>,
        /// How the interval was computed: `within-run block bootstrap`, or `order statistics` for fewer than 30 values.
        interval: Option<Label>,
        /// First quartile.
        q1_ms: Option<f64>,
        /// Third quartile.
        q3_ms: Option<f64>,
        /// 95th percentile; null with fewer than 59 values, which cannot carry it.
        p95_ms: Option<f64>,
        /// Share of the sum of `compute`, `network`, `db` and `cold` of this row's method, scope and name; null for `trigger` and
        /// `client_network`, which lie outside the root's duration.
        share_pct: Option<f64>,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// Trigger delay of event pipelines by publisher's provider and triggered function.
    Trigger = "triggers", Analyze, PerRun {
        /// Provider of the publisher.
        provider: Label,
        /// Triggered function.
        function: Label,
        /// Events with a trigger delay.
        n: i64,
        /// Median trigger delay, in full.
        median_ms: Option<f64>,
        /// Lower end of the median's 95 % interval; null where n cannot carry one.
        median_low_ms: Option<f64>,
        /// Upper end of the median's 95 % interval.
        median_high_ms: Option<f64>,
        /// How the interval was computed: `within-run block bootstrap`, or `order statistics` for fewer than 30 values.
        interval: Option<Label>,
        /// First quartile.
        q1_ms: Option<f64>,
        /// Third quartile.
        q3_ms: Option<f64>,
        /// Longest.
        max_ms: Option<f64>,
        /// Arithmetic mean.
        mean_ms: Option<f64>,
        /// Delays of 1 s or more: those that the published method wraps.
        over_1s: i64,
        /// Median of the delays as published: log stamps, sub-second part only.
        published_median_ms: Option<f64>,
        /// Mean of the delays as published.
        published_mean_ms: Option<f64>,
        /// Median execution duration of the publisher.
        publisher_median_ms: Option<f64>,
        /// Greatest uncertainty among them, either way: `calls.uncertainty_ms`; null where that of any is unknown.
        uncertainty_ms: Option<f64>,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// Publish latency by pair of providers, for calls of publishers.
    Publishing = "publishing", Analyze, PerRun {
        /// Provider of the caller.
        caller_provider: Label,
        /// Provider of the publisher.
        publisher_provider: Label,
        /// Whether the load generator's own calls are meant (`client`) or those of functions (`function`).
        caller: Label,
        /// Calls.
        n: i64,
        /// Median of the caller's call less the publisher's execution duration.
        median_ms: Option<f64>,
        /// Lower end of the median's 95 % interval; null where n cannot carry one.
        median_low_ms: Option<f64>,
        /// Upper end of the median's 95 % interval.
        median_high_ms: Option<f64>,
        /// How the interval was computed: `within-run block bootstrap`, or `order statistics` for fewer than 30 values.
        interval: Option<Label>,
        /// First quartile.
        q1_ms: Option<f64>,
        /// Third quartile.
        q3_ms: Option<f64>,
        /// Longest.
        max_ms: Option<f64>,
        /// Median execution duration of the publisher.
        publisher_median_ms: Option<f64>,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// Cold starts by function and provider: how many and at what cost.
    ColdStart = "cold_starts", Analyze, PerRun {
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// Invocations.
        n: i64,
        /// Invocations that were an executor's first.
        cold_n: i64,
        /// `cold_n / n`.
        cold_pct: Option<f64>,
        /// Executors that logged a cold start.
        logged: i64,
        /// Executors that logged a cold start and never an invocation.
        never_invoked: i64,
        /// Cold starts that the platform itself reports (`Init Duration`, `Restore Duration`…); null where the platform reports none at all.
        platform: Option<i64>,
        /// Difference between the two counts; null where the platform reports none at all.
        disagree: Option<i64>,
        /// Median caller-visible time of the warm invocations.
        warm_median_ms: Option<f64>,
        /// Median caller-visible time of the cold ones.
        cold_median_ms: Option<f64>,
        /// Median cost: a cold invocation's caller-visible time less the median of the warm ones.
        cost_median_ms: Option<f64>,
        /// Lower end of the 95 % interval of `cost_median_ms`, recovered from those of both medians; null where one of them carries none.
        cost_median_low_ms: Option<f64>,
        /// Upper end of the 95 % interval of `cost_median_ms`.
        cost_median_high_ms: Option<f64>,
        /// How the less certain of both medians' intervals was computed: `order statistics` or `within-run block bootstrap`.
        interval: Option<Label>,
        /// Greatest cost.
        cost_max_ms: Option<f64>,
        /// Median initialisation as the platform reports it.
        init_median_ms: Option<f64>,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// Time line of a run: one invocation with its time since the start of load.
    PhasePoint = "phases", Analyze, PerRun {
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// Start of the invocation since the first client request.
        since_load_s: f64,
        /// Execution duration.
        duration_ms: f64,
        /// Whether it was a cold start.
        cold: Option<bool>,
        /// Caller-visible duration: of the call, else of the client's request.
        caller_ms: Option<f64>,
    }
}

table! {
    /// Response time by test, parameter, nodes, hardware, network and label, pooled over repetitions (Table I of BenchFaaS).
    Response = "responses", Analyze, Pooled {
        /// Test plan.
        test: Option<Label>,
        /// Parameter of the plan.
        parameter: Option<Label>,
        /// Nodes.
        nodes: Option<i64>,
        /// Hardware: `pm.metal`, `vm.large`.
        hardware: Option<Label>,
        /// Network scenario: `lcl`, `cld`, `bad`, `typ`, `opt`.
        network: Option<Label>,
        /// Sampler label.
        label: Option<Label>,
        /// Rows taken: `successes` (every row not marked as failed: `BeFaaS` logs mark none) or `all`.
        rows: Label,
        /// Runs pooled.
        runs: i64,
        /// Rows under the statistics.
        n: i64,
        /// Failed rows.
        errors: i64,
        /// Median response time.
        median_ms: Option<f64>,
        /// Lower end of the median's 95 % interval; null where n cannot carry one.
        median_low_ms: Option<f64>,
        /// Upper end of the median's 95 % interval.
        median_high_ms: Option<f64>,
        /// How the interval was computed: `hierarchical bootstrap` over runs; of one run `within-run block bootstrap`, or `order statistics` for
        /// fewer than 30 values.
        interval: Option<Label>,
        /// First quartile.
        q1_ms: Option<f64>,
        /// Third quartile.
        q3_ms: Option<f64>,
        /// `q3_ms - q1_ms`.
        iqr_ms: Option<f64>,
        /// 95th percentile; null with fewer than 59 values, which cannot carry it.
        p95_ms: Option<f64>,
        /// Median of the runs' medians.
        median_of_medians_ms: Option<f64>,
        /// Least of the runs' medians.
        least_median_ms: Option<f64>,
        /// Greatest of the runs' medians.
        greatest_median_ms: Option<f64>,
    }
}

table! {
    /// Throughput of a run: successes / (last end - first start). Transactions are left out.
    Throughput = "throughput", Analyze, PerRun {
        /// Test plan.
        test: Option<Label>,
        /// Parameter of the plan.
        parameter: Option<Label>,
        /// Nodes.
        nodes: Option<i64>,
        /// Hardware.
        hardware: Option<Label>,
        /// Network scenario.
        network: Option<Label>,
        /// Greatest number of active threads seen.
        threads: Option<i64>,
        /// Requests.
        n: i64,
        /// Failed requests.
        errors: i64,
        /// Last end less first start.
        span_s: Option<f64>,
        /// Successful requests a second.
        ok_per_s: Option<f64>,
    }
}

table! {
    /// Elapsed time of one chain of functions, for strip plots.
    TransactionTime = "chains", Analyze, PerRun {
        /// Test plan.
        test: Option<Label>,
        /// Parameter: the chain's length.
        parameter: Option<Label>,
        /// Hardware.
        hardware: Option<Label>,
        /// Network scenario.
        network: Option<Label>,
        /// `client`: transactions of a chain driven by the client; `server`: the only request of one driven by the functions.
        chaining: Label,
        /// Start.
        start: Timestamp,
        /// Elapsed time.
        elapsed_ms: f64,
        /// Whether it succeeded.
        success: Option<bool>,
    }
}

table! {
    /// Offset between the clocks of two providers at an instant, from all synchronous calls between them, and between each of
    /// them and others. Between two instants, a straight line between their bounds holds.
    ClockOffset = "clock_offsets", Analyze, PerRun {
        /// The provider whose clock is the measure; `client` for the load generator.
        provider_a: Label,
        /// The provider whose clock is compared.
        provider_b: Label,
        /// Instant: begin and end of the run, and three in between.
        at: Timestamp,
        /// Least offset to be added to `provider_b`'s clock to get `provider_a`'s; null where no calls connect them.
        low_ms: Option<f64>,
        /// Greatest offset.
        high_ms: Option<f64>,
        /// `high_ms - low_ms`.
        width_ms: Option<f64>,
        /// Estimate: the midpoint, or where `--request-share` puts it. Right only if that is the share of the request in the
        /// round trip: off by up to half of `width_ms` otherwise.
        estimate_ms: Option<f64>,
        /// What this analysis added to `provider_b`'s clock less what it added to `provider_a`'s; null where it shifted neither.
        shift_ms: Option<f64>,
        /// Least drift of the offset that the calls between the two allow; null without such calls.
        drift_low_ppm: Option<f64>,
        /// Greatest drift of the offset.
        drift_high_ppm: Option<f64>,
        /// Synchronous calls between the two, in either direction.
        calls: i64,
        /// Shortest network time of these calls, a round trip.
        round_trip_ms: Option<f64>,
        /// Width of the two's own bounds at the moment of that call: no more than `round_trip_ms` and the uncertainty of the two
        /// origins. Bounds widen from there by the drift that the calls allow.
        round_trip_width_ms: Option<f64>,
        /// A third provider whose calls made the bounds narrower than the two's own, or the only bounds there are.
        through: Option<Label>,
        /// By how much the calls between the two contradict each other; the bounds are widened by it. Null where they agree.
        contradiction_ms: Option<f64>,
    }
}

table! {
    /// What was seen and what is missing, by provider, function and second.
    Completeness = "completeness", Analyze, PerRun {
        /// Provider.
        provider: Label,
        /// Function; null for counts that belong to none.
        function: Option<Label>,
        /// The second counted, on the log clock; null for counts without a time.
        second: Option<Timestamp>,
        /// Distinct instrumentation records.
        lines: i64,
        /// Repeated records left out; null where duplicates are not known by second.
        duplicates: Option<i64>,
        /// Rejected pieces; null where rejects are not known by second.
        rejects: Option<i64>,
        /// Client requests sent.
        client_sent: i64,
        /// Client requests answered.
        client_answered: i64,
        /// Client requests whose root invocation was found.
        roots_found: i64,
        /// Calls made.
        calls_made: i64,
        /// Callees found.
        callees_found: i64,
        /// Invocations whose caller is missing.
        callers_missing: i64,
        /// Invocations without an end.
        unended: i64,
        /// Times that the end or the measure of a mark proves that its start, its end or its measure was logged too.
        halves_expected: i64,
        /// Those of them in which that is missing.
        halves_missing: i64,
        /// Greatest number of distinct instrumentation records in a second; null on rows by second.
        highest_per_s: Option<i64>,
        /// `complete`, `lossy: rate-capped` (the log keeps `cap_per_s` lines and no more), `lossy: tail cut off` (the log ends
        /// before what it is about), `lossy: gaps`; null on rows by second.
        verdict: Option<Label>,
        /// Share of the records that is lost, estimated from what is left; unbiased for gaps, at least this much for a cap or a
        /// tail. Null on rows by second and where nothing tells.
        lost_pct: Option<f64>,
        /// Estimated rate cap of the log, lines a second; null for any other verdict.
        cap_per_s: Option<f64>,
    }
}

table! {
    /// Tukey box of a measure: what a box plot draws. Whiskers end at the outermost value within 1.5 IQR of the box.
    TukeyBox = "boxes", Analyze, PerRun {
        /// `execution_duration`, `route_duration` (execution duration by route), `publish_latency`, `publisher_duration`,
        /// `trigger_delay`, `trigger_delay_published` (the log stamps' difference below 1 s), `network` (network time of a synchronous call of no publisher).
        measure: Label,
        /// Provider: of the function, the caller or the publisher.
        provider: Label,
        /// Provider of the other side, for measures between two.
        peer: Option<Label>,
        /// Function, with its route for `route_duration` (`frontend GET /cart`); null for measures that pool functions.
        function: Option<Label>,
        /// Values.
        n: i64,
        /// Least value.
        min_ms: f64,
        /// Lower whisker.
        whisker_low_ms: f64,
        /// First quartile.
        q1_ms: f64,
        /// Median.
        median_ms: f64,
        /// Third quartile.
        q3_ms: f64,
        /// Upper whisker.
        whisker_high_ms: f64,
        /// Greatest value.
        max_ms: f64,
        /// Arithmetic mean.
        mean_ms: f64,
        /// Whether the data under it is complete.
        complete: bool,
    }
}

table! {
    /// A value outside the whiskers of its box; keys as in `boxes`.
    Outlier = "outliers", Analyze, PerRun {
        /// As in `boxes`.
        measure: Label,
        /// As in `boxes`.
        provider: Label,
        /// As in `boxes`.
        peer: Option<Label>,
        /// As in `boxes`.
        function: Option<Label>,
        /// The value.
        value_ms: f64,
    }
}

table! {
    /// Whether execution durations had settled, by function and by entry route with at least 50 of them: reported, never applied.
    /// Durations beyond the whiskers of their box count as the whisker here: a late outlier is no change of level.
    Stationarity = "stationarity", Analyze, PerRun {
        /// `function`, or `route` (duration of the root by entry route).
        scope: Label,
        /// Provider.
        provider: Label,
        /// Function or entry route.
        name: Label,
        /// Durations.
        n: i64,
        /// Durations at the start that are better left out of a mean (MSER-5, White 1997); null where the least error lies
        /// in the second half: too short to say.
        warm_up_n: Option<i64>,
        /// Time from the first start to the first after the warm-up.
        warm_up_s: Option<f64>,
        /// Median of all.
        median_ms: f64,
        /// Median without the warm-up.
        settled_median_ms: Option<f64>,
        /// Statistic of Kwiatkowski, Phillips, Schmidt & Shin (1992) for a constant level, without the warm-up; null where all are equal.
        kpss: Option<f64>,
        /// Its p-value, between the tabulated 0.01 and 0.1.
        kpss_p: Option<f64>,
        /// `stationary`, `stationary after warm-up`, `moving` (p at most 0.05), `not settled` (no end of the warm-up found);
        /// null where there is nothing to test.
        verdict: Option<Label>,
    }
}
