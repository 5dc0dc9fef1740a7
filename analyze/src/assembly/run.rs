//! What assembly needs to know of the whole run: its executors' clocks.

use std::collections::{BTreeMap, HashMap};

use faaslens_schemas::arrow::array::{Array, RecordBatch};
use faaslens_schemas::arrow::datatypes::Float64Type;
use faaslens_schemas::table::Row;
use faaslens_schemas::tables::{Executor, PlatformRecord};
use faaslens_schemas::{Error, Result};

use super::entries::{primitive_of, texts_of};

/// Columns of `platform_records` that say which executors were initialised.
pub const INITIALISATION_COLUMNS: &[&str] = &["provider", "function", "executor", "init_ms", "restore_ms"];

/// Clock and cold start of one executor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ExecutorClock {
    /// Time origin of its monotonic clock, microseconds since the Unix epoch.
    pub(super) origin_us: i64,
    /// Width of the interval in which the origin lies.
    pub(super) uncertainty_ms: f64,
    /// Whether it logged a cold start.
    pub(super) cold_start_logged: bool,
    /// Start of its first invocation on its monotonic clock.
    pub(super) first_start_ms: Option<f64>,
    /// Whether its platform reports an initialisation (or restoring) of it.
    pub(super) initialised: bool,
}

/// The run around a part; built once a run and shared by all parts.
#[derive(Debug, Clone, Default)]
pub struct RunContext {
    executors: HashMap<(String, String, String), ExecutorClock>,
    providers: BTreeMap<String, Option<String>>,
    client_logged: bool,
}

impl RunContext {
    /// From the run's executors (of all parts), and whether the run has any client request: where it has none, an
    /// invocation without caller may well have been called by the load generator, and is no anomaly.
    pub fn new(executors: &[Executor], client_logged: bool) -> Self {
        let mut context = Self { client_logged, ..Self::default() };
        for row in executors {
            let key = (row.provider.to_string(), row.function.to_string(), row.executor.clone());
            let clock = ExecutorClock {
                origin_us: row.origin.micros(),
                uncertainty_ms: row.origin_uncertainty_ms,
                cold_start_logged: row.cold_start_logged,
                first_start_ms: row.first_start_ms,
                initialised: false,
            };
            context.executors.insert(key, clock);
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

    /// Whether the load generator's requests are among the run's records.
    pub(super) fn client_logged(&self) -> bool {
        self.client_logged
    }

    /// The clock of an executor; `None` where the run does not list it.
    pub(super) fn clock(&self, provider: &str, function: &str, executor: &str) -> Option<ExecutorClock> {
        self.executors.get(&(provider.to_owned(), function.to_owned(), executor.to_owned())).copied()
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
