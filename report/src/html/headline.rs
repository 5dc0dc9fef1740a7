//! The numbers at the top of the page.

use std::collections::BTreeMap;

use faaslens_schemas::tables::{Response, Share};

use crate::escape::visible;
use crate::input::ReportInput;
use crate::number::{count, fixed, readable};

/// One number with what it is.
pub(super) struct Number {
    pub(super) value: String,
    pub(super) name: &'static str,
    pub(super) note: String,
}

/// Numbers at the top at most.
const NUMBERS: usize = 5;

/// What the reader wants to know first, as far as the tables say it.
pub(super) fn numbers(input: &ReportInput) -> Vec<Number> {
    let first = [amount(input), response(input), shares(input), cold(input), trigger(input).or_else(|| tail(input))];
    // Results of a load generator alone have no call trees: then the load speaks.
    let rest = [rate(input), failures(input)];
    first.into_iter().chain(rest).flatten().take(NUMBERS).collect()
}

/// Shares of all contexts by the wall method, of the categories that a root's duration divides into.
fn overall(input: &ReportInput) -> impl Iterator<Item = &Share> {
    let shares = input.runs.iter().flat_map(|run| &run.shares);
    shares.filter(|share| {
        let inside = matches!(&*share.category, "compute" | "network" | "db" | "cold");
        &*share.method == "wall" && &*share.scope == "overall" && inside
    })
}

/// Contexts of all runs: of each run the greatest count over the categories.
fn contexts(input: &ReportInput) -> i64 {
    let of_run = |shares: &[Share]| {
        let overall = shares.iter().filter(|share| &*share.method == "wall" && &*share.scope == "overall");
        overall.map(|share| share.n + share.left_out).max().unwrap_or(0)
    };
    input.runs.iter().map(|run| of_run(&run.shares)).sum()
}

fn amount(input: &ReportInput) -> Option<Number> {
    let throughput = || input.runs.iter().flat_map(|run| &run.throughput);
    let requests: i64 = throughput().map(|row| row.n).sum();
    let failed: i64 = throughput().map(|row| row.errors).sum();
    let contexts = contexts(input);
    let note = |failed: i64| if failed > 0 { format!("{} failed", count(failed)) } else { String::new() };
    match (contexts, requests) {
        (0, 0) => None,
        (0, requests) => Some(Number { value: count(requests), name: "requests", note: note(failed) }),
        (contexts, 0) => Some(Number { value: count(contexts), name: "contexts", note: String::new() }),
        (contexts, requests) => {
            let note = [format!("{} client requests", count(requests)), note(failed)];
            let note = note.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            Some(Number { value: count(contexts), name: "contexts", note })
        }
    }
}

fn response(input: &ReportInput) -> Option<Number> {
    let medians: Vec<f64> = input.responses.iter().filter_map(|row: &Response| row.median_ms).collect();
    let (least, greatest) = medians.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, g), &v| (l.min(v), g.max(v)));
    match medians.as_slice() {
        [] => root(input),
        [one] => Some(Number {
            value: format!("{} ms", readable(*one)),
            name: "median response time",
            note: "of client requests not marked as failed".to_owned(),
        }),
        several => Some(Number {
            value: format!("{} to {} ms", readable(least), readable(greatest)),
            name: "median response time",
            note: format!("over {} configurations", several.len()),
        }),
    }
}

/// What one request in twenty takes at least, where there are no events to tell of.
fn tail(input: &ReportInput) -> Option<Number> {
    let percentiles = input.responses.iter().filter_map(|row: &Response| row.p95_ms);
    let greatest = percentiles.max_by(f64::total_cmp)?;
    let note = match input.responses.len() {
        1 => "of client requests not marked as failed".to_owned(),
        several => format!("the greatest of {several} configurations"),
    };
    Some(Number { value: format!("{} ms", readable(greatest)), name: "95th percentile of response times", note })
}

/// The greatest rate at which requests succeeded.
fn rate(input: &ReportInput) -> Option<Number> {
    let rows = input.runs.iter().flat_map(|run| &run.throughput);
    let rates = rows.filter_map(|row| row.ok_per_s.filter(|rate| rate.is_finite()));
    let greatest = rates.max_by(f64::total_cmp)?;
    let note = "successful requests per second, the greatest of all runs".to_owned();
    Some(Number { value: format!("{} /s", readable(greatest)), name: "throughput", note })
}

/// How many of the client's requests failed.
fn failures(input: &ReportInput) -> Option<Number> {
    let rows = || input.runs.iter().flat_map(|run| &run.throughput);
    let (n, failed): (i64, i64) = (rows().map(|row| row.n).sum(), rows().map(|row| row.errors).sum());
    (n > 0).then(|| Number {
        value: format!("{} %", readable(failed as f64 / n as f64 * 100.0)),
        name: "failed requests",
        note: format!("{} of {}", count(failed), count(n)),
    })
}

/// Mean time of the root invocation with its tree: the sum over the categories inside it.
fn root(input: &ReportInput) -> Option<Number> {
    let contexts: i64 = overall(input).filter(|share| &*share.category == "compute").map(|share| share.n).sum();
    let sum: f64 = overall(input).map(|share| share.sum_ms).filter(|sum| sum.is_finite()).sum();
    (contexts > 0).then(|| Number {
        value: format!("{} ms", readable(sum / contexts as f64)),
        name: "mean duration of a context's root",
        note: format!("n = {}", count(contexts)),
    })
}

fn shares(input: &ReportInput) -> Option<Number> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for share in overall(input).filter(|share| share.sum_ms.is_finite() && share.sum_ms > 0.0) {
        *sums.entry(&share.category).or_default() += share.sum_ms;
    }
    let total: f64 = sums.values().sum();
    let mut ranked: Vec<(&str, f64)> = sums.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let text = |(name, sum): &(&str, f64)| {
        format!(
            "{} % {}",
            fixed(sum / total * 100.0, 0),
            match *name {
                "db" => "database",
                "cold" => "cold start",
                other => other,
            }
        )
    };
    let first = ranked.first().map(&text)?;
    let rest: Vec<String> = ranked.iter().skip(1).map(text).collect();
    Some(Number { value: first, name: "where the time goes", note: rest.join(", ") })
}

fn cold(input: &ReportInput) -> Option<Number> {
    let rows = || input.runs.iter().flat_map(|run| &run.cold_starts);
    let (n, cold): (i64, i64) = (rows().map(|row| row.n).sum(), rows().map(|row| row.cold_n).sum());
    (n > 0).then(|| Number {
        value: format!("{} %", readable(cold as f64 / n as f64 * 100.0)),
        name: "cold starts",
        note: format!("{} of {} invocations", count(cold), count(n)),
    })
}

fn trigger(input: &ReportInput) -> Option<Number> {
    let boxes = input.runs.iter().flat_map(|run| &run.boxes).filter(|b| &*b.measure == "trigger_delay");
    let mut medians: Vec<(f64, &str)> =
        boxes.filter(|b| b.median_ms.is_finite()).map(|b| (b.median_ms, &*b.provider)).collect();
    medians.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    let (least, greatest) = (medians.first()?, medians.last()?);
    let (value, note) = if medians.len() == 1 {
        (format!("{} ms", readable(least.0)), visible(least.1).into_owned())
    } else {
        (
            format!("{} to {} ms", readable(least.0), readable(greatest.0)),
            format!("from {} to {}", visible(least.1), visible(greatest.1)),
        )
    };
    Some(Number { value, name: "median trigger delay", note })
}
