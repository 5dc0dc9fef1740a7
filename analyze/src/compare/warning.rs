//! What makes a comparison unfair or weak: said, never silently corrected.

use std::collections::BTreeSet;
use std::fmt;

use super::decision::Evidence;
use super::measured::{Load, Measured};
use super::noise::Noise;
use super::pairing::{CONFIGURATION, Paired, moved, values_of};
use super::{Options, Side};

/// Relative difference of the load that is named.
const LOAD_DIFFERENCE: f64 = 0.1;

/// Difference of the share of failed requests that is named.
const FAILED_DIFFERENCE: f64 = 0.01;

/// Names that one warning lists.
const LISTED: usize = 5;

/// One risk, with what can be done about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// The load differs: what is measured, A's value, B's value, unit.
    Load(&'static str, f64, f64, &'static str),
    /// The share of failed requests differs: A's and B's.
    Failed(f64, f64),
    /// Completeness differs or lacks: `provider: verdict` of A and of B.
    Completeness(String, String),
    /// More than one label differs between the sides.
    Labels(String),
    /// A side pools runs of unlike configurations: side, what differs.
    Mixed(Side, String),
    /// Functions that ran on another provider.
    Moved(String),
    /// Measures that one side lacks.
    OneSided(usize, String),
    /// Run-to-run noise is not known for so many measures.
    WithinRun(usize),
    /// Run-to-run noise is taken from the other measures.
    Family(Noise),
    /// All measures shifted by more than the margin, as a logarithm.
    CommonShift(f64),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(what, a, b, unit) => {
                write!(f, "different load: {what} {a:.3}{unit} in A, {b:.3}{unit} in B; waiting times differ with it")
            }
            Self::Failed(a, b) => write!(
                f,
                "failed requests: {:.1} % in A, {:.1} % in B; failures end early or late and are not among the times",
                a * 100.0,
                b * 100.0
            ),
            Self::Completeness(a, b) => {
                write!(f, "incomplete logs: A {a}; B {b}; what is missing may be the slow or the fast part")
            }
            Self::Labels(labels) => {
                write!(f, "A and B differ in several labels, so no difference has a single cause: {labels}")
            }
            Self::Mixed(side, labels) => {
                write!(f, "{side} pools runs of unlike configurations: {labels}; select by label instead")
            }
            Self::Moved(functions) => write!(f, "functions on another provider in B: {functions}"),
            Self::OneSided(count, names) => write!(f, "{count} measures have values on one side only: {names}"),
            Self::WithinRun(count) => write!(
                f,
                "{count} measures have one run on each side and nothing that tells run-to-run noise: their verdicts are on \
                 these runs only; give repetitions (run,run,…), or state the noise (--run-noise)"
            ),
            Self::Family(noise) => write!(
                f,
                "too few runs for their own noise: taken from how {} measures differ in general ({:.1} % beyond their common \
                 shift of {:+.1} %); repetitions would prove more",
                noise.measures,
                100.0 * noise.spread.exp_m1(),
                100.0 * noise.shift.exp_m1()
            ),
            Self::CommonShift(shift) => write!(
                f,
                "all measures shifted by about {:+.1} %: with so few runs a slower machine cannot be told from slower code; \
                 give repetitions",
                100.0 * shift.exp_m1()
            ),
        }
    }
}

/// Warnings that the runs themselves call for.
pub(super) fn of_runs(a: &[Measured], b: &[Measured], pairs: &[Paired<'_>], lonely: &[String]) -> Vec<Warning> {
    let mut warnings = labels(a, b);
    warnings.extend(loads(a, b));
    let gaps = |runs: &[Measured]| -> BTreeSet<String> {
        let named = runs.iter().flat_map(Measured::gaps);
        named.map(|(provider, verdict)| format!("{provider} {verdict}")).collect()
    };
    let (of_a, of_b) = (gaps(a), gaps(b));
    if !of_a.is_empty() || !of_b.is_empty() {
        warnings.push(Warning::Completeness(or_complete(&of_a), or_complete(&of_b)));
    }
    let moved = moved(pairs);
    if !moved.is_empty() {
        warnings.push(Warning::Moved(listed(&moved)));
    }
    if !lonely.is_empty() {
        warnings.push(Warning::OneSided(lonely.len(), listed(lonely)));
    }
    warnings
}

/// Warnings that the sources of run-to-run noise call for.
pub(super) fn of_evidence(evidence: &[Evidence], noise: Option<&Noise>, options: &Options) -> Vec<Warning> {
    let of = |wanted: Evidence| evidence.iter().filter(|evidence| **evidence == wanted).count();
    let mut warnings = Vec::new();
    let within = of(Evidence::WithinRun);
    if within > 0 {
        warnings.push(Warning::WithinRun(within));
    }
    if let Some(noise) = noise.filter(|_| of(Evidence::Family) > 0) {
        warnings.push(Warning::Family(*noise));
        if noise.shift.abs() > options.margin.ln_1p() {
            warnings.push(Warning::CommonShift(noise.shift));
        }
    }
    warnings
}

fn or_complete(gaps: &BTreeSet<String>) -> String {
    if gaps.is_empty() { "complete".to_owned() } else { listed(&gaps.iter().cloned().collect::<Vec<_>>()) }
}

/// The first few names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED { format!("{shown} and {} more", names.len() - LISTED) } else { shown }
}

fn labels(a: &[Measured], b: &[Measured]) -> Vec<Warning> {
    let shown = |values: &BTreeSet<Option<&str>>| {
        values.iter().map(|value| value.unwrap_or("none")).collect::<Vec<_>>().join("+")
    };
    let mut warnings = Vec::new();
    let mut differing = Vec::new();
    for label in CONFIGURATION {
        let (of_a, of_b) = (values_of(a, label), values_of(b, label));
        if of_a == of_b {
            continue;
        }
        differing.push(format!("{label} ({} / {})", shown(&of_a), shown(&of_b)));
        for (side, values) in [(Side::A, &of_a), (Side::B, &of_b)] {
            if values.len() > 1 {
                warnings.push(Warning::Mixed(side, format!("{label} {}", shown(values))));
            }
        }
    }
    if differing.len() > 1 {
        warnings.push(Warning::Labels(differing.join(", ")));
    }
    warnings
}

fn loads(a: &[Measured], b: &[Measured]) -> Vec<Warning> {
    type Quantity = (&'static str, fn(&Load) -> Option<f64>, &'static str);
    const QUANTITIES: [Quantity; 3] = [
        ("requests a second", Load::rate_per_s, ""),
        ("active threads", |load| load.threads.map(|threads| threads as f64), ""),
        ("duration", Load::span_s, " s"),
    ];
    let mean = |runs: &[Measured], of: fn(&Load) -> Option<f64>| {
        let values: Vec<f64> = runs.iter().filter_map(|run| of(&run.load)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let mut warnings = Vec::new();
    for (what, of, unit) in QUANTITIES {
        if let Some((a, b)) = mean(a, of).zip(mean(b, of))
            && (a - b).abs() > LOAD_DIFFERENCE * a.max(b)
        {
            warnings.push(Warning::Load(what, a, b, unit));
        }
    }
    if let Some((a, b)) = mean(a, Load::failed_share).zip(mean(b, Load::failed_share))
        && (a - b).abs() > FAILED_DIFFERENCE
    {
        warnings.push(Warning::Failed(a, b));
    }
    warnings
}
