//! What was seen and what is missing: by provider, function and second, and in total by provider.

use std::collections::BTreeMap;

use faaslens_schemas::manifest::Source;
use faaslens_schemas::tables::Completeness;
use faaslens_schemas::time::Timestamp;

use super::Run;
use super::verdicts::judge;
use crate::facts::{SeenCounts, SeenKey};

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
    let accounted = seen.map_or(!run.gaps.refused(provider), |name| run.gaps.provider_accounted(name));
    let judgement = judge(run, provider, !accounted);
    Completeness {
        duplicates: Some(sources().map(|source| signed(source.duplicates)).sum()),
        rejects: Some(sources().map(Source::rejects).map(signed).sum()),
        highest_per_s: judgement.highest_per_s,
        verdict: Some(judgement.verdict.into()),
        lost_pct: judgement.lost_pct,
        cap_per_s: judgement.cap_per_s,
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
        halves_expected: signed(counts.halves_expected),
        halves_missing: signed(counts.halves_missing),
        ..Completeness::default()
    }
}

/// A count as tables hold it.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
