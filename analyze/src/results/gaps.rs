//! Where a run's records are known to be incomplete.
//!
//! An invocation without an end makes its results incomplete, yet is no proof of a lost record: a handler that throws
//! logs no end either.

use std::collections::BTreeSet;

use faaslens_schemas::manifest::{Manifest, Source};

use crate::facts::{Facts, Name};

/// Provider name of a missing callee whose provider nothing tells.
const UNKNOWN: &str = "unknown";

/// Provider name of the load generator.
pub(super) const CLIENT: &str = "client";

/// Providers and functions with missing, unended or refused records.
#[derive(Debug)]
pub(super) struct Gaps<'a> {
    facts: &'a Facts,
    /// Providers with refused input, input cut short, or input that could not be pulled whole.
    refused: BTreeSet<&'a str>,
    /// (provider, function) with a missing invocation or a missing caller.
    functions: BTreeSet<(Name, Name)>,
    /// (provider, function) with an invocation that is not complete, be it for want of its own records or of others'.
    incomplete: BTreeSet<(Name, Name)>,
    /// Functions of which a callee is missing that may have run anywhere.
    callees: BTreeSet<Name>,
    /// (provider, function) seen in the run.
    ran: BTreeSet<(Name, Name)>,
    /// Providers of which something unnamed is missing.
    providers: BTreeSet<Name>,
    /// Whether client requests lack an answer or a root invocation.
    client: bool,
}

impl<'a> Gaps<'a> {
    /// The gaps that the facts and the fate of the input show.
    pub(super) fn of(facts: &'a Facts, manifest: &'a Manifest) -> Self {
        let lossy = |source: &&Source| source.rejects() > 0 || source.cut_short.is_some();
        let files = manifest.sources.iter().filter(lossy).map(|source| source.provider.as_str());
        let pulled = manifest.pulled.iter().filter(|pulled| pulled.lossy()).map(|pulled| pulled.provider.as_str());
        let mut gaps = Self {
            facts,
            refused: files.chain(pulled).collect(),
            functions: BTreeSet::new(),
            incomplete: BTreeSet::new(),
            callees: BTreeSet::new(),
            ran: BTreeSet::new(),
            providers: BTreeSet::new(),
            client: false,
        };
        let (mut sent, mut answered, mut roots) = (0, 0, 0);
        for (key, counts) in &facts.seen {
            sent += counts.client_sent;
            answered += counts.client_answered;
            roots += counts.roots_found;
            let missing = counts.calls_made > counts.callees_found;
            let Some(function) = key.function else {
                gaps.providers.extend(missing.then_some(key.provider));
                continue;
            };
            gaps.ran.insert((key.provider, function));
            if missing && facts.names.text(key.provider) == UNKNOWN {
                gaps.callees.insert(function);
            }
            if missing || counts.callers_missing > 0 || counts.halves_missing > 0 {
                gaps.functions.insert((key.provider, function));
            }
        }
        let incomplete = facts.invocations.iter().filter(|fact| !fact.complete);
        gaps.incomplete = incomplete.map(|fact| (fact.provider, fact.function)).collect();
        gaps.client = answered < sent || (!facts.invocations.is_empty() && roots < sent);
        gaps
    }

    /// Whether all invocations of a function on a provider are complete and none of its records is known to be missing.
    pub(super) fn function_complete(&self, provider: Name, function: Name) -> bool {
        !self.incomplete.contains(&(provider, function)) && self.function_lossless(provider, function)
    }

    /// Whether input of a provider is whole, all client requests are answered and found, and no callee is missing that
    /// may have run there; its own lines may still show that others are missing.
    pub(super) fn provider_accounted(&self, provider: Name) -> bool {
        let text = self.facts.names.text(provider);
        let mut functions = self.ran.iter().filter(|(other, _)| *other == provider);
        (text != CLIENT || !self.client)
            && !self.refused(text)
            && !self.providers.contains(&provider)
            && functions.all(|(_, function)| !self.callees.contains(function))
    }

    /// Whether no record of a provider is known to be missing; its functions may still lack callees of other providers.
    pub(super) fn provider_lossless(&self, provider: Name) -> bool {
        let text = self.facts.names.text(provider);
        let requests_complete = text != CLIENT || !self.client;
        let mut functions = self.ran.iter().filter(|(other, _)| *other == provider);
        requests_complete
            && !self.refused(text)
            && !self.providers.contains(&provider)
            && functions.all(|(_, function)| self.function_lossless(provider, *function))
    }

    /// Whether no record of a function on a provider is known to be missing.
    pub(super) fn function_lossless(&self, provider: Name, function: Name) -> bool {
        !self.refused(self.facts.names.text(provider))
            && !self.functions.contains(&(provider, function))
            && !self.callees.contains(&function)
    }

    /// Whether no record of the run is known to be missing.
    pub(super) fn run_lossless(&self) -> bool {
        let found = self.functions.is_empty() && self.providers.is_empty() && !self.client;
        found && self.refused.is_empty()
    }

    /// Whether input of this provider was refused or cut short.
    pub(super) fn refused(&self, provider: &str) -> bool {
        self.refused.contains(provider)
    }
}
