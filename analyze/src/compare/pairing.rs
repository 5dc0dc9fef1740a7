//! Which series of A and which of B are of the same thing.

use std::collections::{BTreeMap, BTreeSet};

use super::measured::{Key, Measured};
use super::{Measure, Side};

/// Labels that make runs unlike each other when they differ, as opposed to those that only tell repetitions apart.
pub(super) const CONFIGURATION: [&str; 6] = ["experiment", "test", "parameter", "nodes", "hardware", "network"];

/// One measure on both sides, run by run.
#[derive(Debug, Clone)]
pub(super) struct Paired<'a> {
    pub(super) measure: Measure,
    pub(super) name: String,
    pub(super) provider: Option<String>,
    pub(super) a: Vec<&'a [f64]>,
    pub(super) b: Vec<&'a [f64]>,
    pub(super) complete: bool,
}

/// What a run has of one measure.
struct Part<'a> {
    side: Side,
    provider: Option<&'a str>,
    values: &'a [f64],
    complete: bool,
}

/// Measures of one name, from all runs of both sides.
type Named<'a> = BTreeMap<(Measure, String), Vec<Part<'a>>>;

/// Every measure that both sides have, sorted by measure, name and provider, and the names of those that one side lacks.
pub(super) fn pair<'a>(a: &'a [Measured], b: &'a [Measured]) -> (Vec<Paired<'a>>, Vec<String>) {
    let strata = strata(a, b);
    let mut named: Named<'a> = BTreeMap::new();
    for (side, runs) in [(Side::A, a), (Side::B, b)] {
        for run in runs {
            for (key, values) in &run.series {
                let name = in_stratum(&key.name, run, &strata);
                let part = Part { side, provider: key.provider.as_deref(), values, complete: run.complete(key) };
                named.entry((key.measure, name)).or_default().push(part);
            }
        }
    }
    let mut pairs = Vec::new();
    let mut lonely = Vec::new();
    for ((measure, name), parts) in named {
        for (provider, parts) in by_provider(parts) {
            let of = |side: Side| parts.iter().filter(|part| part.side == side).map(|part| part.values).collect();
            let (a, b): (Vec<&[f64]>, Vec<&[f64]>) = (of(Side::A), of(Side::B));
            let complete = parts.iter().all(|part| part.complete);
            if a.is_empty() || b.is_empty() {
                let only = if b.is_empty() { Side::A } else { Side::B };
                let place = provider.map(|provider| format!(" on {provider}")).unwrap_or_default();
                lonely.push(format!("{} of {name}{place} (only in {only})", measure.as_str()));
            } else {
                pairs.push(Paired { measure, name: name.clone(), provider, a, b, complete });
            }
        }
    }
    (pairs, lonely)
}

/// Parts that are compared with each other: all of them where each side has one provider at most, which may have
/// changed (`aws → google`), else those of the same provider.
fn by_provider(parts: Vec<Part<'_>>) -> BTreeMap<Option<String>, Vec<Part<'_>>> {
    let on = |side: Side| -> BTreeSet<&str> {
        parts.iter().filter(|part| part.side == side).filter_map(|part| part.provider).collect()
    };
    let (a, b) = (on(Side::A), on(Side::B));
    if a.len() <= 1 && b.len() <= 1 {
        let provider = match (a.first(), b.first()) {
            (Some(a), Some(b)) if a != b => Some(format!("{a} → {b}")),
            (one, other) => one.or(other).map(|&provider| provider.to_owned()),
        };
        return BTreeMap::from([(provider, parts)]);
    }
    let mut groups: BTreeMap<Option<String>, Vec<Part<'_>>> = BTreeMap::new();
    for part in parts {
        groups.entry(part.provider.map(str::to_owned)).or_default().push(part);
    }
    groups
}

/// Labels that take several values on a side and the same ones on both: what differs in them is compared apart.
fn strata(a: &[Measured], b: &[Measured]) -> Vec<&'static str> {
    let differs = |label: &&str| {
        let (a, b) = (values_of(a, label), values_of(b, label));
        a.len() > 1 && a == b
    };
    CONFIGURATION.into_iter().filter(differs).collect()
}

/// Values that a label takes; `None` for runs without it.
pub(super) fn values_of<'a>(runs: &'a [Measured], label: &str) -> BTreeSet<Option<&'a str>> {
    runs.iter().map(|run| run.labels.get(label).map(String::as_str)).collect()
}

/// A name with what tells its run's stratum: `HTTP Request (hardware=vm.large network=cld)`.
pub(super) fn in_stratum(name: &str, run: &Measured, strata: &[&str]) -> String {
    if strata.is_empty() {
        return name.to_owned();
    }
    let of = |label: &&str| format!("{label}={}", run.labels.get(*label).map_or("n/a", String::as_str));
    format!("{name} ({})", strata.iter().map(of).collect::<Vec<_>>().join(" "))
}

/// Functions whose provider is another one in B: `checkout: aws → google`.
pub(super) fn moved(pairs: &[Paired<'_>]) -> Vec<String> {
    let moved = |pair: &&Paired<'_>| pair.provider.as_ref().is_some_and(|provider| provider.contains(" → "));
    let text = |pair: &Paired<'_>| format!("{}: {}", pair.name, pair.provider.as_deref().unwrap_or_default());
    pairs.iter().filter(moved).map(text).collect()
}

/// A short text of a key, for messages.
pub(super) fn described(key: &Key) -> String {
    match &key.provider {
        Some(provider) => format!("{} of {} on {provider}", key.measure.as_str(), key.name),
        None => format!("{} of {}", key.measure.as_str(), key.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(labels: &[(&str, &str)], provider: Option<&str>) -> Measured {
        let key = Key {
            measure: Measure::ExecutionDuration,
            name: "checkout".to_owned(),
            provider: provider.map(str::to_owned),
        };
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Measured { labels, series: BTreeMap::from([(key, vec![1.0])]), ..Measured::default() }
    }

    fn names(a: &[Measured], b: &[Measured]) -> Vec<(String, Option<String>, usize, usize)> {
        let (pairs, _) = pair(a, b);
        pairs.into_iter().map(|pair| (pair.name, pair.provider, pair.a.len(), pair.b.len())).collect()
    }

    #[test]
    fn a_label_with_the_same_values_on_both_sides_is_compared_value_by_value() {
        let side = || [run(&[("network", "lcl")], None), run(&[("network", "cld")], None)];
        let found = names(&side(), &side());
        let expected = ["checkout (network=cld)", "checkout (network=lcl)"].map(|name| (name.to_owned(), None, 1, 1));
        assert_eq!(found, expected);
        let other = names(&[run(&[("network", "lcl")], None)], &[run(&[("network", "cld")], None)]);
        assert_eq!(other, [("checkout".to_owned(), None, 1, 1)]);
    }

    #[test]
    fn a_function_that_moved_is_compared_across_providers() {
        let found = names(&[run(&[], Some("aws"))], &[run(&[], Some("google"))]);
        assert_eq!(found, [("checkout".to_owned(), Some("aws → google".to_owned()), 1, 1)]);
    }

    #[test]
    fn a_function_on_several_providers_is_compared_provider_by_provider() {
        let both = || [run(&[], Some("aws")), run(&[], Some("google"))];
        let (pairs, lonely) =
            (names(&both(), &[run(&[], Some("aws"))]), pair(&both(), &[run(&[], Some("aws"))]).1.len());
        assert_eq!(pairs, [("checkout".to_owned(), Some("aws".to_owned()), 1, 1)]);
        assert_eq!(lonely, 1);
    }
}
