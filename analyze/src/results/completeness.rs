//! What was seen and what is missing: by provider, function and second, and in total by provider.

use std::collections::BTreeMap;

use faaslens_schemas::manifest::Source;
use faaslens_schemas::tables::Completeness;
use faaslens_schemas::time::Timestamp;

use super::Run;
use crate::facts::{SeenCounts, SeenKey};

/// Verdict on a provider of which nothing is known to be missing.
const COMPLETE: &str = "complete";

/// Verdict on a provider with missing or refused records.
const LOSSY: &str = "lossy";

/// For each provider its total, which has neither function nor second but a verdict, then its rows by function and second.
/// Repeated and rejected pieces are known by input file only, so they stand in the total.
pub(super) fn rows(run: &Run<'_>) -> Vec<Completeness> {
    let facts = run.input.facts;
    let mut totals: BTreeMap<&str, SeenCounts> = BTreeMap::new();
    let mut rows = Vec::with_capacity(facts.seen.len());
    for (key, counts) in &facts.seen {
        totals.entry(facts.names.text(key.provider)).or_default().add(counts);
        rows.push(second_row(run, key, counts));
    }
    for source in &run.input.manifest.sources {
        totals.entry(&source.provider).or_default();
    }
    rows.extend(totals.iter().map(|(provider, counts)| total_row(run, provider, counts)));
    rows.sort_by(|a, b| {
        let key = |row: &Completeness| (row.verdict.is_none(), row.function.is_some(), row.second);
        (&a.provider, key(a), &a.function).cmp(&(&b.provider, key(b), &b.function))
    });
    rows
}

fn second_row(run: &Run<'_>, key: &SeenKey, counts: &SeenCounts) -> Completeness {
    let names = &run.input.facts.names;
    Completeness {
        function: key.function.map(|function| names.text(function).into()),
        second: Some(Timestamp::from_millis(key.second.saturating_mul(1000))),
        ..counted(names.text(key.provider), counts)
    }
}

fn total_row(run: &Run<'_>, provider: &str, counts: &SeenCounts) -> Completeness {
    let sources = || run.input.manifest.sources.iter().filter(|source| source.provider == provider);
    let seen = run.input.facts.names.find(provider);
    let complete = seen.map_or(!run.gaps.refused(provider), |name| run.gaps.provider_lossless(name));
    Completeness {
        duplicates: Some(sources().map(|source| signed(source.duplicates)).sum()),
        rejects: Some(sources().map(Source::rejects).map(signed).sum()),
        verdict: Some(if complete { COMPLETE } else { LOSSY }.into()),
        ..counted(provider, counts)
    }
}

fn counted(provider: &str, counts: &SeenCounts) -> Completeness {
    Completeness {
        provider: provider.into(),
        lines: signed(counts.lines),
        client_sent: signed(counts.client_sent),
        client_answered: signed(counts.client_answered),
        roots_found: signed(counts.roots_found),
        calls_made: signed(counts.calls_made),
        callees_found: signed(counts.callees_found),
        callers_missing: signed(counts.callers_missing),
        unended: signed(counts.unended),
        ..Completeness::default()
    }
}

/// A count as tables hold it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
