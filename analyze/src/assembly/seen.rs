//! Completeness: what was seen and what is missing, by provider, function and second of the log clock.

use std::collections::{BTreeMap, HashMap};

use foldhash::quality::RandomState;

use super::emit::Words;
use super::entries::Part;
use super::issues::Issue;
use super::links::is_publisher;
use super::run::RunContext;
use super::tree::Tree;
use crate::facts::{Facts, Name, SeenCounts, SeenKey};

/// Counts under construction.
#[derive(Debug)]
pub(super) struct Seen {
    counts: HashMap<SeenKey, SeenCounts, RandomState>,
    callers: HashMap<(Name, Name), u64, RandomState>,
    entries: BTreeMap<(Name, Name), u64>,
    rootless: BTreeMap<(Name, i64), u64>,
    client: Name,
    unknown: Name,
}

impl Seen {
    /// With the lines of a part; the load generator's belong to no function.
    pub(super) fn of_lines(part: &Part<'_>, words: Words) -> Self {
        let mut seen = Self {
            counts: HashMap::default(),
            callers: HashMap::default(),
            entries: BTreeMap::new(),
            rootless: BTreeMap::new(),
            client: words.client,
            unknown: words.unknown,
        };
        #[expect(clippy::iter_over_hash_type, reason = "the counts are added up: their order does not matter")]
        for (&(site, second), n) in &part.lines {
            let site = &part.sites[site as usize];
            let function = Some(site.function).filter(|_| site.provider != words.client);
            seen.at(site.provider, function, second).lines += n;
        }
        seen
    }

    /// Adds a request of the load generator, of any context or none.
    pub(super) fn add_client(&mut self, sent_us: i64, answered: bool) {
        let counts = self.at(self.client, None, second(sent_us));
        counts.client_sent += 1;
        counts.client_answered += u64::from(answered);
    }

    /// Adds what a context's tree shows.
    pub(super) fn add_tree(&mut self, tree: &Tree<'_>, part: &mut Part<'_>, run: &RunContext) {
        for client in &tree.clients {
            let address = part.names.intern(address_of(client.url));
            if let Some(callee) = client.callee {
                self.at(self.client, None, second(client.sent_us)).roots_found += 1;
                let provider = part.sites[tree.invocations[callee].site as usize].provider;
                *self.entries.entry((address, provider)).or_default() += 1;
            } else {
                *self.rootless.entry((address, second(client.sent_us))).or_default() += 1;
            }
        }
        for (publisher, event) in &tree.events {
            let site = |position: usize| &part.sites[tree.invocations[position].site as usize];
            *self.callers.entry((site(*event).function, site(*publisher).provider)).or_default() += 1;
        }
        for halves in &tree.halves {
            let site = &part.sites[halves.site as usize];
            let counts = self.at(site.provider, Some(site.function), halves.second);
            counts.halves_expected += u64::from(halves.expected);
            counts.halves_missing += u64::from(halves.missing);
        }
        for invocation in &tree.invocations {
            if invocation.issues.is_empty() {
                continue;
            }
            let site = &part.sites[invocation.site as usize];
            let counts = self.at(site.provider, Some(site.function), second(invocation.logged_us));
            counts.callers_missing += u64::from(invocation.issues.has(Issue::CallerMissing));
            counts.unended += u64::from(invocation.issues.has(Issue::NoEnd));
        }
        let missed = tree.operations.iter().any(|operation| operation.is_call && operation.callee.is_none());
        let running = if missed { running(tree, part) } else { HashMap::default() };
        for call in tree.operations.iter().filter(|operation| operation.is_call) {
            let found = call.callee.map(|callee| part.sites[tree.invocations[callee].site as usize]);
            let (provider, function) = match found {
                Some(site) => (site.provider, Some(site.function)),
                None => self.missing(call.label, running.get(&call.callee_pair).copied(), part, run),
            };
            if let Some(function) = function {
                *self.callers.entry((function, part.sites[call.site as usize].provider)).or_default() += 1;
            }
            let counts = self.at(provider, function, second(call.logged_us));
            counts.calls_made += 1;
            counts.callees_found += u64::from(found.is_some());
        }
    }

    /// Provider and function of a missing callee: the one provider that runs the function; for a publisher, which
    /// callers name alike everywhere, the provider of what it triggered.
    fn missing(
        &self,
        label: Option<Name>,
        triggered: Option<Name>,
        part: &mut Part<'_>,
        run: &RunContext,
    ) -> (Name, Option<Name>) {
        let Some(label) = label else { return (self.unknown, None) };
        let text = part.names.text(label);
        let provider = if is_publisher(text) {
            triggered
        } else {
            run.provider_of(text).map(|provider| part.names.intern(provider))
        };
        (provider.unwrap_or(self.unknown), Some(label))
    }

    /// Puts the counts where results find them.
    pub(super) fn finish(self, facts: &mut Facts) {
        facts.seen = self.counts.into_iter().collect();
        facts.callers = self.callers.into_iter().collect();
        facts.entries = self.entries;
        facts.rootless = self.rootless;
    }

    fn at(&mut self, provider: Name, function: Option<Name>, second: i64) -> &mut SeenCounts {
        self.counts.entry(SeenKey { provider, function, second }).or_default()
    }
}

/// Providers of what ran, by pair; of the first to start where several did.
fn running(tree: &Tree<'_>, part: &Part<'_>) -> HashMap<u32, Name, RandomState> {
    let mut running = HashMap::default();
    for invocation in &tree.invocations {
        running.entry(invocation.pair).or_insert(part.sites[invocation.site as usize].provider);
    }
    running
}

/// Origin and first two segments of the path of a URL: what tells the functions behind it apart, as a rule.
fn address_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let slashes = url[host..].match_indices('/').map(|(at, _)| host + at);
    let end = slashes.skip(2).chain(url.find(['?', '#'])).min();
    end.map_or(url, |end| &url[..end])
}

fn second(us: i64) -> i64 {
    us.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_two_segments() {
        assert_eq!(address_of("http://127.0.0.1:21001/dev/frontend/cart?x=1"), "http://127.0.0.1:21001/dev/frontend");
        assert_eq!(address_of("http://h/getVideos?a=/b/c/d"), "http://h/getVideos");
        assert_eq!(address_of("/a/b/c"), "/a/b");
        assert_eq!(address_of(""), "");
    }
}
