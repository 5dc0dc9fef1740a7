//! What assembly needs to know of the whole run: its executors' clocks.

use std::collections::{BTreeMap, HashMap};

use faaslens_schemas::arrow::array::{Array, RecordBatch};
use faaslens_schemas::arrow::datatypes::Float64Type;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{ClockSegment, Executor, PlatformRecord};
use faaslens_schemas::{Error, Result};

use super::clock::ExecutorClock;
use super::entries::{primitive_of, texts_of};
use super::tree::plus_ms;
use crate::clocks::Shift;

/// Columns of `platform_records` that say which executors were initialised.
pub const INITIALISATION_COLUMNS: &[&str] = &["provider", "function", "executor", "init_ms", "restore_ms"];

/// The load generator's provider.
const CLIENT: &str = "client";

/// The load generator's clock, whose instants come from the table of its requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClientClock {
    /// By how much they may be too early; `None` where the load generator logged nothing.
    uncertainty_ms: Option<f64>,
    /// What alignment adds.
    pub(super) shift: Option<Shift>,
}

impl ClientClock {
    /// By how much an instant, as it stands in the table, may be too early: whole milliseconds come from log stamps.
    pub(super) fn uncertainty_ms(&self, us: i64) -> Option<f64> {
        const TICK_US: i64 = 1000;
        if us % TICK_US == 0 { self.uncertainty_ms.map(|ms| ms.max(1.0)) } else { self.uncertainty_ms }
    }

    /// An instant as aligned.
    pub(super) fn instant_us(&self, us: i64) -> i64 {
        self.shift.map_or(us, |shift| plus_ms(us, shift.at(us)))
    }
}

/// The run around a part; built once a run and shared by all parts.
#[derive(Debug, Clone, Default)]
pub struct RunContext {
    executors: HashMap<(String, String, String), ExecutorClock>,
    providers: BTreeMap<String, Option<String>>,
    client_logged: bool,
    client: ClientClock,
}

impl RunContext {
    /// From the run's executors (of all parts), and whether the run has any client request: where it has none, an
    /// invocation without caller may well have been called by the load generator, and is no anomaly.
    pub fn new(executors: &[Executor], client_logged: bool) -> Self {
        let mut context = Self { client_logged, ..Self::default() };
        let busiest = executors.iter().filter(|row| &*row.provider == CLIENT).max_by_key(|row| row.lines);
        context.client.uncertainty_ms = busiest.map(|row| row.origin_uncertainty_ms);
        for row in executors {
            let key = (row.provider.to_string(), row.function.to_string(), row.executor.clone());
            context.executors.insert(key, ExecutorClock::of(row));
            let provider = &*row.provider;
            let entry = context.providers.entry(row.function.to_string()).or_insert_with(|| Some(provider.to_owned()));
            if entry.as_deref() != Some(provider) {
                *entry = None;
            }
        }
        context
    }

    /// Takes in what platforms say of the initialisation (or restoring) of executors: a batch of `platform_records` with
    /// at least [`INITIALISATION_COLUMNS`]. Executors that the run does not list are left out.
    ///
    /// # Errors
    /// [`Column`](faaslens_schemas::Error::Column) when the batch lacks one of the columns or has it in another type.
    pub fn add_initialisations(&mut self, batch: &RecordBatch) -> Result<()> {
        let label = |column| texts_of(batch, column).map_err(of_platform);
        let (provider, function, executor) = (label("provider")?, label("function")?, label("executor")?);
        let number = |column| primitive_of::<Float64Type>(batch, column).map_err(of_platform);
        let (init_ms, restore_ms) = (number("init_ms")?, number("restore_ms")?);
        for row in (0..batch.num_rows()).filter(|row| init_ms.is_valid(*row) || restore_ms.is_valid(*row)) {
            let texts = (provider.text(row), function.text(row), executor.text(row));
            let (Some(provider), Some(function), Some(executor)) = texts else { continue };
            let key = (provider.to_owned(), function.to_owned(), executor.to_owned());
            if let Some(clock) = self.executors.get_mut(&key) {
                clock.initialised = true;
            }
        }
        Ok(())
    }

    /// With the segments of the clocks that did not run evenly; those of executors that the run does not list are unused.
    #[must_use]
    pub fn with_segments(mut self, segments: &[ClockSegment]) -> Self {
        for row in segments {
            let key = (row.provider.to_string(), row.function.to_string(), row.executor.clone());
            if let Some(clock) = self.executors.get_mut(&key) {
                clock.add(row);
            }
        }
        self
    }

    /// With the clocks of providers shifted; those of providers that are not named stay as they are.
    #[must_use]
    pub fn aligned(mut self, shifts: &BTreeMap<String, Shift>) -> Self {
        #[expect(clippy::iter_over_hash_type, reason = "each clock is set by itself")]
        for ((provider, _, _), clock) in &mut self.executors {
            clock.align(shifts.get(provider).copied());
        }
        self.client.shift = shifts.get(CLIENT).copied();
        self
    }

    /// The load generator's clock.
    pub(super) fn client(&self) -> ClientClock {
        self.client
    }

    /// Whether the load generator's requests are among the run's records.
    pub(super) fn client_logged(&self) -> bool {
        self.client_logged
    }

    /// The clock of an executor; `None` where the run does not list it.
    pub(super) fn clock(&self, provider: &str, function: &str, executor: &str) -> Option<&ExecutorClock> {
        self.executors.get(&(provider.to_owned(), function.to_owned(), executor.to_owned()))
    }

    /// The provider that runs a function, where it is exactly one.
    pub(super) fn provider_of(&self, function: &str) -> Option<&str> {
        self.providers.get(function)?.as_deref()
    }
}

/// The same error, of the table that it concerns here.
fn of_platform(error: Error) -> Error {
    match error {
        Error::Column { path, column, expected, found, .. } => {
            Error::Column { path, table: PlatformRecord::TABLE.name, column, expected, found }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_on_two_providers_has_no_single_provider() {
        let on = |provider: &str, function: &str| Executor {
            provider: provider.into(),
            function: function.into(),
            ..Executor::default()
        };
        let run = RunContext::new(&[on("aws", "cart"), on("aws", "pay"), on("google", "pay"), on("aws", "pay")], true);
        assert_eq!(run.provider_of("cart"), Some("aws"));
        assert_eq!(run.provider_of("pay"), None);
        assert_eq!(run.provider_of("ship"), None);
    }
}
