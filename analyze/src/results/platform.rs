//! Cold starts as the platforms state them.

use std::collections::{BTreeMap, BTreeSet};

use faaslens_schemas::tables::PlatformRecord;

/// What a platform says of the cold starts of one function.
#[derive(Debug, Clone, Default)]
pub(super) struct Statements {
    /// Reports of an invocation with an initialisation or a restoring.
    reports: i64,
    /// Reports of an initialisation or a restoring by itself.
    init_reports: i64,
    /// Beginnings of an initialisation or a restoring.
    init_starts: i64,
    /// Initialisations and restorings of invocation reports.
    report_ms: Vec<f64>,
    /// Initialisations and restorings reported by themselves.
    init_report_ms: Vec<f64>,
}

/// The platform statements of one run about cold starts.
///
/// A platform may say the same cold start up to three times: when the initialisation begins, when it is over, and in the
/// report of the first invocation. Each kind is counted by itself, and the greatest count stands for the cold starts.
#[derive(Debug, Clone, Default)]
pub struct PlatformTally {
    functions: BTreeMap<(String, String), Statements>,
    /// Providers that say anything of cold starts, also without naming a function.
    providers: BTreeSet<String>,
}

impl PlatformTally {
    /// Takes a statement in. The order of statements has no meaning.
    pub fn add(&mut self, record: &PlatformRecord) {
        let init_ms = record.init_ms.or(record.restore_ms);
        let starts = matches!(&*record.kind, "init_start" | "restore_start");
        if init_ms.is_none() && !starts {
            return;
        }
        if !self.providers.contains(&*record.provider) {
            self.providers.insert(record.provider.to_string());
        }
        let Some(function) = &record.function else { return };
        let key = (record.provider.to_string(), function.to_string());
        self.functions.entry(key).or_default().add(record, init_ms);
    }

    /// Takes the statements of another part of the same run in.
    pub fn merge(&mut self, other: Self) {
        self.providers.extend(other.providers);
        for (key, statements) in other.functions {
            self.functions.entry(key).or_default().join(statements);
        }
    }

    /// Whether the provider says anything of cold starts in this run.
    pub(super) fn speaks(&self, provider: &str) -> bool {
        self.providers.contains(provider)
    }

    /// What is said of each provider and function.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, &str, &Statements)> {
        self.functions.iter().map(|((provider, function), statements)| (&**provider, &**function, statements))
    }
}

impl Statements {
    fn add(&mut self, record: &PlatformRecord, init_ms: Option<f64>) {
        match &*record.kind {
            "init_start" | "restore_start" => self.init_starts += 1,
            "init_report" | "restore_report" => {
                self.init_reports += 1;
                self.init_report_ms.extend(init_ms);
            }
            _ => {
                self.reports += 1;
                self.report_ms.extend(init_ms);
            }
        }
    }

    fn join(&mut self, other: Self) {
        self.reports += other.reports;
        self.init_reports += other.init_reports;
        self.init_starts += other.init_starts;
        self.report_ms.extend(other.report_ms);
        self.init_report_ms.extend(other.init_report_ms);
    }

    /// Cold starts.
    pub(super) fn cold_starts(&self) -> i64 {
        self.reports.max(self.init_reports).max(self.init_starts)
    }

    /// Initialisations: those of invocation reports, else those reported by themselves.
    pub(super) fn init_ms(&self) -> &[f64] {
        if self.report_ms.is_empty() { &self.init_report_ms } else { &self.report_ms }
    }
}
