//! Whether a run's results can be relied on, and if not, why and what to do.

use std::collections::BTreeMap;

use faaslens_schemas::manifest::State;
use faaslens_schemas::tables::Completeness;

use crate::input::RunTables;
use crate::number::{count, readable};

/// One thing that is missing or unreadable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What was found.
    pub what: String,
    /// What can be done about it.
    pub remedy: &'static str,
}

/// What a run's manifest and completeness counts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Nothing is known to be missing; false also where it was never checked.
    pub complete: bool,
    /// Why not, worst first.
    pub reasons: Vec<Reason>,
}

const COLLECT_AGAIN: &str = "collect the run again";
const FETCH_AGAIN: &str = "fetch the file again from its source";
const STOP_SAMPLING: &str = "turn sampling off (`samplingSettings` in `host.json`) and run the benchmark again";
const SEE_SOURCES: &str = "docs/sources says how each provider loses lines, and how to keep them";
const SEE_REJECTS: &str = "the table `rejects` holds each piece with its source and offset";
const RAISE_LIMIT: &str =
    "fetch the logs again over a longer window, and check the provider's limit on log lines a second";
const LIFT_CAP: &str = "log to a sink without the cap (on Azure a storage account or Application Insights without sampling instead of the \
                        file system), log less, or spread the load; what was dropped is gone";
const FETCH_LONGER: &str = "fetch the logs again over a longer window, after the provider has delivered them all";
const LOOK_AT_FUNCTION: &str = "look for errors and time-outs of the function in `platform_records`";
const LOOK_AT_CLIENT: &str = "look at the errors in `client_requests`";

/// Reads the verdict on a run.
pub fn of(run: &RunTables) -> Verdict {
    let mut reasons = Vec::new();
    if run.manifest.state == State::Unfinished {
        reasons.push(Reason { what: "the collection did not finish".to_owned(), remedy: COLLECT_AGAIN });
    }
    for source in &run.manifest.sources {
        if let Some(why) = &source.cut_short {
            reasons
                .push(Reason { what: format!("{} was not read to its end: {why}", source.name), remedy: FETCH_AGAIN });
        }
    }
    for pulled in &run.manifest.pulled {
        if pulled.sampled > 0 {
            let what = format!(
                "{}: the provider dropped {} by sampling",
                pulled.provider,
                pieces(i64::try_from(pulled.sampled).unwrap_or(i64::MAX), "event", "events")
            );
            reasons.push(Reason { what, remedy: STOP_SAMPLING });
        }
        reasons.extend(pulled.gaps.iter().map(|gap| Reason { what: format!("missing: {gap}"), remedy: SEE_SOURCES }));
    }
    let mut rejected: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, n) in run.manifest.sources.iter().flat_map(|source| &source.rejected) {
        *rejected.entry(reason).or_default() += n;
    }
    for (reason, n) in rejected.into_iter().filter(|(_, n)| *n > 0) {
        let what = format!("{} refused: {reason}", pieces(i64::try_from(n).unwrap_or(i64::MAX), "piece", "pieces"));
        reasons.push(Reason { what, remedy: SEE_REJECTS });
    }
    let totals: Vec<&Completeness> = run.completeness.iter().filter(|row| row.verdict.is_some()).collect();
    for row in totals.iter().filter(|row| row.verdict.as_deref() != Some("complete")) {
        reasons.extend(judged(row));
        reasons.extend(missing(row));
        if reasons.is_empty() {
            reasons.push(Reason { what: format!("{}: records are missing", &*row.provider), remedy: RAISE_LIMIT });
        }
    }
    // Runs of request records alone have nothing to miss, but their analysis has looked.
    let checked = !totals.is_empty() || run.manifest.analysis.is_some();
    Verdict { complete: reasons.is_empty() && checked, reasons }
}

/// What the analysis made of a lossy provider.
fn judged(row: &Completeness) -> Option<Reason> {
    let provider = &*row.provider;
    let verdict = row.verdict.as_deref()?.strip_prefix("lossy: ")?;
    let lost = row.lost_pct.filter(|lost| lost.is_finite()).map(|lost| format!("{} % of its lines", readable(lost)));
    let lost = |bound: &str| lost.as_ref().map_or(String::new(), |lost| format!(", {bound} {lost} lost"));
    let (what, remedy) = match verdict {
        "rate-capped" => {
            let cap = row.cap_per_s.map_or_else(|| "some".to_owned(), readable);
            (format!("the log keeps about {cap} lines a second and no more{}", lost("at least")), LIFT_CAP)
        }
        "tail cut off" => (format!("the log ends early{}", lost("at least")), FETCH_LONGER),
        // Without an estimate the counts that follow say all there is to say.
        _ if row.lost_pct.is_none() => return None,
        _ => (format!("lines are missing here and there{}", lost("about")), RAISE_LIMIT),
    };
    Some(Reason { what: format!("{provider}: {what}"), remedy })
}

fn pieces(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// What a lossy row of the completeness table lacks.
fn missing(row: &Completeness) -> Vec<Reason> {
    let place = match &row.function {
        Some(function) => format!("{} {}", &*row.provider, &**function),
        None => row.provider.to_string(),
    };
    let unanswered = row.client_sent - row.client_answered;
    let rootless = row.client_sent - row.roots_found;
    let callees = row.calls_made - row.callees_found;
    let counts = [
        (callees, "call without its callee", "calls without their callees", RAISE_LIMIT),
        (row.callers_missing, "invocation without its caller", "invocations without their callers", RAISE_LIMIT),
        (rootless, "client request without its invocation", "client requests without their invocations", RAISE_LIMIT),
        (row.unended, "invocation without an end", "invocations without an end", LOOK_AT_FUNCTION),
        (unanswered, "client request without an answer", "client requests without an answer", LOOK_AT_CLIENT),
    ];
    let known = counts.into_iter().filter(|(n, ..)| *n > 0);
    known.map(|(n, one, many, remedy)| Reason { what: format!("{place}: {}", pieces(n, one, many)), remedy }).collect()
}
