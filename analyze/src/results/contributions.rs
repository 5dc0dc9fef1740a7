//! What functions contribute to the critical paths of complete traces, and what the median end-to-end time would be
//! without them.
//!
//! A trace's end-to-end time without a function's part is its own less that part: the critical path is kept, so where
//! another branch would become critical the real fall is smaller. The fall is the difference of two medians over the same
//! traces, those without the function among them: how a typical request would change, not the mean of what is removed.

use std::collections::BTreeMap;

use faaslens_schemas::tables::Contribution;
use rayon::prelude::*;

use super::Run;
use super::groups::Groups;
use crate::facts::{Facts, Name, PathFact, TraceFact, WallShares};
use crate::stats::{Sample, carried_quantile, median_by_selection};

/// A category by its name, and its part of a function's time on the path.
type Category = (&'static str, fn(&WallShares) -> f64);

/// Categories in the order of the rows.
const CATEGORIES: [Category; 5] = [
    ("own", |shares| shares.compute_ms + shares.db_ms),
    ("compute", |shares| shares.compute_ms),
    ("db", |shares| shares.db_ms),
    ("network", |shares| shares.network_ms),
    ("cold", |shares| shares.cold_ms),
];

/// Complete traces of one scope and name.
#[derive(Default)]
struct Scope {
    roots_ms: Vec<f64>,
    /// Client's elapsed times, as far as they are known.
    clients_ms: Vec<f64>,
    left_out: i64,
    functions: Groups<(Name, Name), Vec<Part>>,
}

/// What a function has of one trace.
struct Part {
    /// Place of the trace among the roots.
    root: usize,
    /// Place of the trace among the clients, where it has one.
    client: Option<usize>,
    shares: WallShares,
}

impl Scope {
    fn add(&mut self, trace: &TraceFact, root_ms: f64, parts: &[PathFact]) {
        let client_ms = trace.client_ms.filter(|client_ms| client_ms.is_finite());
        let (root, client) = (self.roots_ms.len(), client_ms.map(|_| self.clients_ms.len()));
        self.roots_ms.push(root_ms);
        self.clients_ms.extend(client_ms);
        for fact in parts {
            self.functions.at((fact.provider, fact.function)).push(Part { root, client, shares: fact.shares });
        }
    }
}

/// One row for each scope, name, provider, function and category with a part in a path; sorted by these, categories in
/// the order own, compute, db, network, cold.
pub(super) fn rows(run: &Run<'_>) -> Vec<Contribution> {
    let facts = run.input.facts;
    let (overall, routes) = scopes(facts);
    let named = routes.into_iter().map(|(route, scope)| (("route", facts.names.text(route)), scope));
    let mut scopes: BTreeMap<(&str, &str), Scope> = named.collect();
    scopes.insert(("overall", "all"), overall);
    let lossless = run.gaps.run_lossless();
    let of_scope = |((scope, name), traces): ((&str, &str), Scope)| {
        let mut rows = scope_rows(facts, traces, lossless);
        for row in &mut rows {
            (row.scope, row.name) = (scope.into(), name.into());
        }
        rows
    };
    scopes.into_iter().flat_map(of_scope).collect()
}

/// All traces, and those with an entry route by route.
fn scopes(facts: &Facts) -> (Scope, Groups<Name, Scope>) {
    let (mut overall, mut routes) = (Scope::default(), Groups::<Name, Scope>::default());
    let mut rest = facts.paths.as_slice();
    for (position, trace) in facts.traces.iter().enumerate() {
        let own = rest.iter().take_while(|fact| fact.trace as usize == position).count();
        let (parts, after) = rest.split_at(own);
        rest = after;
        let root_ms = trace.wall.and(trace.root_ms).filter(|root_ms| trace.complete && root_ms.is_finite());
        let route = trace.entry_route.map(|route| routes.at(route));
        for scope in std::iter::once(&mut overall).chain(route) {
            match root_ms {
                Some(root_ms) => scope.add(trace, root_ms, parts),
                None => scope.left_out += 1,
            }
        }
    }
    (overall, routes)
}

fn scope_rows(facts: &Facts, scope: Scope, lossless: bool) -> Vec<Contribution> {
    let Scope { roots_ms, clients_ms, left_out, functions } = scope;
    let (roots, clients) = (Ends::of(&roots_ms), Ends::of(&clients_ms));
    let total_ms = Sample::of_known(roots_ms.iter().copied()).map_or(0.0, |sample| sample.sum());
    let text = |name: Name| facts.names.text(name);
    let mut functions: Vec<((Name, Name), Vec<Part>)> = functions.into_iter().collect();
    functions.sort_by_key(|((provider, function), _)| (text(*provider), text(*function)));
    let of_function = |((provider, function), parts): &((Name, Name), Vec<Part>)| {
        let of_category = |&(category, part_of): &Category| {
            let with = |part: &&Part| part_of(&part.shares) > 0.0;
            let sample = Sample::of_known(parts.iter().filter(with).map(|part| part_of(&part.shares)))?;
            let sum_ms = sample.sum();
            let on_root = parts.iter().filter(with).map(|part| (part.root, part_of(&part.shares)));
            let on_client = parts.iter().filter(with).filter_map(|part| Some((part.client?, part_of(&part.shares))));
            Some(Contribution {
                provider: text(*provider).into(),
                function: text(*function).into(),
                category: category.into(),
                n: sample.count(),
                traces: roots.n(),
                left_out,
                sum_ms,
                share_pct: (total_ms > 0.0).then(|| 100.0 * sum_ms / total_ms),
                p50_ms: Some(sample.median()),
                p95_ms: carried_quantile(&sample, 0.95),
                p99_ms: carried_quantile(&sample, 0.99),
                root_median_ms: roots.median_ms,
                root_fall_ms: roots.fall_ms(on_root),
                client_n: clients.n(),
                client_median_ms: clients.median_ms,
                client_fall_ms: clients.fall_ms(on_client),
                complete: left_out == 0 && lossless,
                ..Contribution::default()
            })
        };
        CATEGORIES.iter().filter_map(of_category).collect::<Vec<_>>()
    };
    functions.par_iter().flat_map_iter(of_function).collect()
}

/// End-to-end times and their median.
struct Ends<'a> {
    values_ms: &'a [f64],
    median_ms: Option<f64>,
}

impl<'a> Ends<'a> {
    fn of(values_ms: &'a [f64]) -> Self {
        Self { values_ms, median_ms: median_by_selection(&mut values_ms.to_vec()) }
    }

    fn n(&self) -> i64 {
        i64::try_from(self.values_ms.len()).unwrap_or(i64::MAX)
    }

    /// What the median falls by when these parts of these values are taken away.
    fn fall_ms(&self, parts: impl Iterator<Item = (usize, f64)>) -> Option<f64> {
        let mut left_ms = self.values_ms.to_vec();
        for (position, part_ms) in parts {
            left_ms[position] -= part_ms;
        }
        Some(self.median_ms? - median_by_selection(&mut left_ms)?)
    }
}
