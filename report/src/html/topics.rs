//! The sections of the page: which figures and tables stand together, and what explains them.
//!
//! A new section is one line in [`TOPICS`]. A figure or table that no section names stands under "More".

/// One section.
#[derive(Debug)]
pub(super) struct Topic {
    /// Anchor.
    pub(super) id: &'static str,
    /// Heading.
    pub(super) title: &'static str,
    /// Figures by name.
    pub(super) figures: &'static [&'static str],
    /// Tables by name; those that stand beside a figure need not be named.
    pub(super) tables: &'static [&'static str],
    /// Element that the scripts draw into.
    pub(super) live: Option<&'static str>,
    /// How what stands here is computed, beyond what the captions of its figures say.
    pub(super) method: &'static str,
}

/// The sections, in order.
pub(super) static TOPICS: &[Topic] = &[
    Topic {
        id: "durations",
        title: "Execution durations",
        figures: &["execution-duration", "route-duration"],
        tables: &["durations", "stationarity"],
        live: None,
        method: "Durations are read off each executor's own monotonic clock. Medians have 95 % intervals: of a moving-block bootstrap \
                 within the run, of order statistics below 30 values, none below 6. A 95th percentile needs 59 values, a 99th 299. Warm-up \
                 (MSER-5) and stationarity (KPSS) are reported, never applied.",
    },
    Topic {
        id: "time",
        title: "Where the time goes",
        figures: &["time-shares", "what-if"],
        tables: &["shares", "contributions"],
        live: None,
        method: "The wall division walks back from the end of the root: the call or database operation that returned last before an instant \
                 is on the critical path. Each instant counts once, so compute, network, database and cold start add up to the root's \
                 duration. The method befaas is the published one, in which parallel calls count several times. Contributions say what the \
                 median end-to-end time would fall by if a function took no time.",
    },
    Topic {
        id: "cold",
        title: "Cold starts",
        figures: &["cold-phases"],
        tables: &["cold_starts"],
        live: None,
        method: "Cold is an executor's first invocation after its cold start. Its cost is its caller-visible time less the median of the \
                 warm ones. What the platform itself reports is counted beside it, with the difference.",
    },
    Topic {
        id: "triggers",
        title: "Triggers",
        figures: &["triggers"],
        tables: &["triggers"],
        live: None,
        method: "A trigger delay is the start of the triggered function less the start of its publisher, in full, with the uncertainty of the \
                 two clocks. The published figure keeps only the part below one second of the log stamps' difference and is given beside it.",
    },
    Topic {
        id: "network",
        title: "Network between providers",
        figures: &["network", "publish-network"],
        tables: &["network", "publishing"],
        live: None,
        method: "Network time of a call is its duration at the caller less the execution duration of the callee: a round trip, for which no \
                 clocks have to agree.",
    },
    Topic {
        id: "completeness",
        title: "Completeness by second",
        figures: &["completeness"],
        tables: &["completeness"],
        live: Some("seconds-view"),
        method: "Distinct log records by provider and second of the log clock, against what the records say must have been there: callees of \
                 calls, callers of invocations, ends of starts. A provider is complete, or lossy with the reason: rate-capped, tail cut off, \
                 gaps. Drag on the chart to look at some seconds only.",
    },
    Topic {
        id: "clocks",
        title: "Clocks",
        figures: &["clock-offsets"],
        tables: &["clock_offsets", "clock_segments", "executors"],
        live: Some("clocks-view"),
        method: "Every synchronous call bounds the offset between the clocks of two providers, for the callee runs inside it. Shown is what has \
                 to be added to one clock to get the other, between its least and its greatest possible value over the run; the dashed line is \
                 the estimate. An executor's time origin is the greatest difference of log stamp and monotonic reading of its lines; where the \
                 wall clock stepped or slewed it is fitted piece by piece.",
    },
    Topic {
        id: "load",
        title: "Load and response times",
        figures: &["throughput", "chains"],
        tables: &["table-1", "responses", "throughput"],
        live: None,
        method: "Response times are over successful requests, the failed ones counted beside them; medians over several runs have the interval \
                 of a hierarchical bootstrap whose unit is the run. Throughput is successes over the time from the first start to the last end.",
    },
];

/// The section of a figure or a table of that name.
pub(super) fn of(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|topic| topic.figures.contains(&name) || topic.tables.contains(&name))
}
