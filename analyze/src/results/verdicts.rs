//! Why a provider's records are incomplete and how many are missing, judged from what is left of them.
//!
//! **Halves.** A mark is logged as start, end and measure, and the measure is made from the other two after the end. So an
//! end proves that a start and a measure were logged, a measure that a start and an end were; a start proves nothing (a
//! handler that throws logs no more). Each such proof is a chance to miss the other half. Where lines are lost
//! independently with probability p, each chance misses with probability p, whatever was lost besides: missing over
//! chances is an unbiased estimate of p (the argument of Petersen 1896 and Lincoln 1930 for marked animals).
//!
//! **Wholes.** A handler whose call or client's request was logged, and a caller whose callee was logged, are missing
//! wholly (a caller at the provider that other calls of the function come from). Independent losses do that to about p^3 of them (three lines at least). More than that means losses in blocks:
//! a cap on the rate, an outage, a file that ends early. Then halves miss together, and the share lost is
//! `1 - (1 - wholes missing over handlers called) (1 - p)`: unbiased where the callers' own lines are safe (the load
//! generator's), and at least this much where callers lose lines with their callees.
//!
//! **Rate cap.** A cap of K lines a second leaves many seconds with exactly K and none above, and loses nothing elsewhere.
//! Two tests: seconds within 1 % of the greatest count, against a Poisson count with the density of the seconds below
//! (from 70 %); and what is missing in or next to those seconds, against a binomial count with their share of the lines.
//! The verdict is a rate cap where losses come in blocks and either test is at 5 %, or both together at 0.5 % (Fisher's
//! combination). K is the greatest count. A cap that bites into a fraction of a percent of the lines cannot be told
//! from other gaps.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::manifest::Source;

use super::Run;
use crate::facts::{Facts, Name};

/// Nothing is known to be missing.
pub(super) const COMPLETE: &str = "complete";

/// The log keeps so many lines a second and no more.
const RATE_CAPPED: &str = "lossy: rate-capped";

/// The log ends before what it is about.
const TAIL_CUT_OFF: &str = "lossy: tail cut off";

/// Records are missing here and there.
pub(super) const GAPS: &str = "lossy: gaps";

/// Fewest lines a second that are taken for a cap: below, the counts of an idle function repeat by themselves.
const LEAST_CAP: u64 = 20;

/// Lines that a whole handler logs at least: start, end and measure.
const LINES_OF_A_WHOLE: i32 = 3;

/// What is said of one provider.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judgement {
    pub(super) verdict: &'static str,
    /// Share of the records that is missing, by estimate.
    pub(super) lost_pct: Option<f64>,
    /// Lines a second that the log was capped at.
    pub(super) cap_per_s: Option<f64>,
    /// Greatest number of lines in a second.
    pub(super) highest_per_s: Option<i64>,
}

/// What is left of one provider's records, and what they prove to be missing.
#[derive(Debug, Default)]
struct Evidence {
    /// Lines by second.
    lines: BTreeMap<i64, u64>,
    /// Missing pieces by second: halves and wholes.
    missing: BTreeMap<i64, u64>,
    chances: u64,
    halves: u64,
    wholes: u64,
    /// Last second of what is missing wholly, and how many of these are after the last line.
    wholes_at: BTreeMap<i64, u64>,
    /// Handlers called, and those of them that are missing.
    called: u64,
    unanswered: u64,
    /// Calls that functions here made.
    calling: u64,
}

impl Evidence {
    fn miss_whole(&mut self, second: i64, n: u64) {
        if n > 0 {
            self.wholes += n;
            *self.missing.entry(second).or_default() += n;
            *self.wholes_at.entry(second).or_default() += n;
        }
    }

    fn miss_callee(&mut self, second: i64, n: u64) {
        self.unanswered += n;
        self.miss_whole(second, n);
    }

    /// Share of lines lost, where they are lost independently.
    fn halves_lost(&self) -> f64 {
        if self.chances == 0 { 0.0 } else { self.halves as f64 / self.chances as f64 }
    }

    fn in_blocks(&self) -> bool {
        let expected = (self.called + self.calling) as f64 * self.halves_lost().powi(LINES_OF_A_WHOLE);
        poisson_tail(self.wholes, expected) < 1e-4
    }

    fn lost(&self) -> f64 {
        if !self.in_blocks() {
            return self.halves_lost();
        }
        let wholly = if self.called == 0 { 0.0 } else { self.unanswered as f64 / self.called as f64 };
        1.0 - (1.0 - wholly) * (1.0 - self.halves_lost())
    }

    /// The cap, where there is one.
    fn cap(&self) -> Option<u64> {
        let cap = self.lines.values().copied().max().filter(|greatest| *greatest >= LEAST_CAP)?;
        let near = cap - cap / 100;
        let at_cap = |n: u64| n >= near;
        let seconds = self.lines.values().filter(|n| at_cap(**n)).count() as u64;
        let below = self.lines.values().filter(|n| **n as f64 >= 0.7 * cap as f64 && !at_cap(**n)).count();
        let expected = (below as f64 + 0.5) * (cap - near + 1) as f64 / (near as f64 - 0.7 * cap as f64);
        let flat = if seconds < 2 { 1.0 } else { poisson_tail(seconds - 1, expected) };
        let gathered = self.gathered(at_cap);
        // Fisher 1925: the product of two independent probabilities is at most x with probability x (1 - ln x).
        let product = (flat * gathered).max(f64::MIN_POSITIVE);
        let both = product * (1.0 - product.ln());
        (both < 0.005 || (self.in_blocks() && flat.min(gathered) < 0.05)).then_some(cap)
    }

    /// Probability that so much of what is missing lies in or next to the seconds at the cap.
    fn gathered(&self, at_cap: impl Fn(u64) -> bool) -> f64 {
        let full = |second: i64| self.lines.get(&second).is_some_and(|n| at_cap(*n));
        let near = |second: i64| (-1..=1).any(|step| second.checked_add(step).is_some_and(full));
        let within = |counts: &BTreeMap<i64, u64>| -> u64 {
            counts.iter().filter(|(second, _)| near(**second)).map(|(_, n)| n).sum()
        };
        let (missing, lines): (u64, u64) = (self.missing.values().sum(), self.lines.values().sum());
        if lines == 0 {
            return 1.0;
        }
        binomial_tail(within(&self.missing), missing, within(&self.lines) as f64 / lines as f64)
    }

    /// Whether nearly all that is missing wholly is missing after the last line.
    fn ends_early(&self) -> bool {
        let Some(last) = self.lines.keys().next_back() else { return false };
        let after: u64 = self.wholes_at.range(last + 1..).map(|(_, n)| n).sum();
        after >= 2 && after as f64 >= 0.8 * self.wholes as f64
    }
}

/// Evidence of every provider of a run.
#[derive(Debug)]
pub(super) struct Verdicts<'a> {
    facts: &'a Facts,
    evidence: BTreeMap<&'a str, Evidence>,
}

impl<'a> Verdicts<'a> {
    /// Gathers what a run's facts prove. A missing caller is missing where other calls of the function come from; where
    /// there are none, where most calls of the run come from; where there are none either, at the function's provider.
    /// Where some providers miss halves, only these come into question: who lost whole handlers lost halves with them.
    pub(super) fn of(facts: &'a Facts) -> Self {
        let mut verdicts = Self { facts, evidence: BTreeMap::new() };
        let text = |name: Name| facts.names.text(name);
        for (key, counts) in &facts.seen {
            let own = verdicts.evidence.entry(text(key.provider)).or_default();
            if counts.lines > 0 {
                *own.lines.entry(key.second).or_default() += counts.lines;
            }
            own.chances += counts.halves_expected;
            own.halves += counts.halves_missing;
            if counts.halves_missing > 0 {
                *own.missing.entry(key.second).or_default() += counts.halves_missing;
            }
            own.called += counts.calls_made;
            own.miss_callee(key.second, counts.calls_made.saturating_sub(counts.callees_found));
        }
        let callers = verdicts.callers();
        let calls = verdicts.suspects().map(|(provider, own)| (own.calling, std::cmp::Reverse(provider)));
        let most_calls = calls.max().filter(|(calls, _)| *calls > 0).map(|(_, std::cmp::Reverse(provider))| provider);
        for (key, counts) in &facts.seen {
            if counts.callers_missing > 0 {
                let known = key.function.and_then(|function| callers.get(text(function)).copied());
                let caller = known.or(most_calls).unwrap_or(text(key.provider));
                verdicts.evidence.entry(caller).or_default().miss_whole(key.second, counts.callers_missing);
            }
        }
        verdicts.add_entries();
        verdicts
    }

    /// The providers that may lack whole handlers.
    fn suspects(&self) -> impl Iterator<Item = (&'a str, &Evidence)> {
        let some_miss_halves = self.evidence.values().any(|own| own.halves > 0);
        let all = self.evidence.iter().map(|(provider, own)| (*provider, own));
        all.filter(move |(_, own)| own.halves > 0 || !some_miss_halves)
    }

    /// The suspect that most calls of a function come from; takes in how many calls each provider made.
    fn callers(&mut self) -> BTreeMap<&'a str, &'a str> {
        let text = |name: Name| self.facts.names.text(name);
        for (&(_, provider), &n) in &self.facts.callers {
            self.evidence.entry(text(provider)).or_default().calling += n;
        }
        let suspects: BTreeSet<&str> = self.suspects().map(|(provider, _)| provider).collect();
        let mut most: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
        for (&(function, provider), &n) in &self.facts.callers {
            let (function, provider) = (text(function), text(provider));
            if !suspects.contains(provider) {
                continue;
            }
            let known = most.entry(function).or_default();
            // Of equal numbers the first provider by name.
            if n > known.0 || (n == known.0 && provider < known.1) {
                *known = (n, provider);
            }
        }
        most.into_iter().map(|(function, (_, provider))| (function, provider)).collect()
    }

    /// Roots that the client's requests had, and those that are missing at the one provider behind their address.
    fn add_entries(&mut self) {
        let text = |name: Name| self.facts.names.text(name);
        let mut behind: BTreeMap<Name, Option<&str>> = BTreeMap::new();
        for (&(address, provider), n) in &self.facts.entries {
            self.evidence.entry(text(provider)).or_default().called += n;
            let known = behind.entry(address).or_insert(Some(text(provider)));
            if *known != Some(text(provider)) {
                *known = None;
            }
        }
        for (&(address, second), n) in &self.facts.rootless {
            if let Some(provider) = behind.get(&address).copied().flatten() {
                let own = self.evidence.entry(provider).or_default();
                own.called += n;
                own.miss_callee(second, *n);
            }
        }
    }

    /// Whether a record of the provider is known to be missing, the load generator's aside.
    pub(super) fn misses(&self, provider: &str) -> bool {
        self.evidence.get(provider).is_some_and(|own| own.halves > 0 || own.wholes > 0)
    }
}

/// The verdict on a provider, `lossy` being known from elsewhere too.
pub(super) fn judge(run: &Run<'_>, provider: &str, lossy: bool) -> Judgement {
    let sources = || run.input.manifest.sources.iter().filter(|source| source.provider == provider);
    let nothing = Evidence::default();
    let own = run.verdicts.evidence.get(provider).unwrap_or(&nothing);
    let lines: u64 = own.lines.values().sum();
    let highest_per_s = own.lines.values().max().and_then(|n| i64::try_from(*n).ok());
    let complete = Judgement { verdict: COMPLETE, lost_pct: Some(0.0), cap_per_s: None, highest_per_s };
    if !lossy && !run.verdicts.misses(provider) {
        return complete;
    }
    let rejects: u64 = sources().map(Source::rejects).sum();
    let refused = if rejects == 0 { 0.0 } else { rejects as f64 / (lines + rejects) as f64 };
    let lost = own.lost().max(refused);
    let cap = own.cap();
    let verdict = match cap {
        _ if sources().any(|source| source.cut_short.is_some()) => TAIL_CUT_OFF,
        Some(_) => RATE_CAPPED,
        None if own.ends_early() => TAIL_CUT_OFF,
        None => GAPS,
    };
    let cap_per_s = cap.filter(|_| verdict == RATE_CAPPED).map(|cap| cap as f64);
    Judgement { verdict, lost_pct: (lost > 0.0).then_some(100.0 * lost), cap_per_s, ..complete }
}

/// Probability that a Poisson count of this mean is `least` or more; 1 where that is no more than the mean.
fn poisson_tail(least: u64, mean: f64) -> f64 {
    let k = least as f64;
    if k <= mean {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let mut term = (k * mean.ln() - mean - ln_factorial(k)).exp();
    let (mut sum, mut next) = (term, k + 1.0);
    while term > sum * 1e-16 {
        term *= mean / next;
        next += 1.0;
        sum += term;
    }
    sum.min(1.0)
}

/// Probability that a binomial count of `n` with probability `p` is `least` or more; 1 where that is no more than its mean.
fn binomial_tail(least: u64, n: u64, p: f64) -> f64 {
    let (k, n) = (least as f64, n as f64);
    if k <= n * p || p >= 1.0 {
        return 1.0;
    }
    if p <= 0.0 {
        return 0.0;
    }
    let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    let mut term = (choose + k * p.ln() + (n - k) * (-p).ln_1p()).exp();
    let (mut sum, mut at) = (term, k);
    while at < n && term > sum * 1e-16 {
        term *= (n - at) / (at + 1.0) * p / (1.0 - p);
        at += 1.0;
        sum += term;
    }
    sum.min(1.0)
}

/// Logarithm of a factorial: exact products to 20, then Stirling's series.
fn ln_factorial(n: f64) -> f64 {
    if n <= 20.0 {
        let mut product = 1.0;
        let mut factor = 2.0;
        while factor <= n {
            product *= factor;
            factor += 1.0;
        }
        return product.ln();
    }
    let inverse = 1.0 / n;
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + inverse / 12.0 - inverse.powi(3) / 360.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-9 * expected
    }

    #[test]
    fn tails_are_those_of_scipy() {
        // scipy.stats.poisson.sf(k - 1, mean), scipy.stats.binom.sf(k - 1, n, p), SciPy 1.17
        assert!(near(poisson_tail(3, 0.5), 0.014_387_677_966_970_684));
        assert!(near(poisson_tail(60, 20.0), 4.233_284_694_712_925_6e-13));
        assert!(near(binomial_tail(9, 10, 0.5), 0.010_742_187_5));
        assert!(near(binomial_tail(40, 100, 0.25), 0.000_686_592_207_962_994_2));
        assert!(poisson_tail(2, 5.0) >= 1.0 && binomial_tail(0, 10, 0.5) >= 1.0 && poisson_tail(1, 0.0) <= 0.0);
    }
}
