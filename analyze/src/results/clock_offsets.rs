//! Offsets between the clocks of providers.

use faaslens_schemas::tables::ClockOffset;

use super::Run;

/// Five rows for each pair of clocks, the load generator's first, then by name and instant.
pub(super) fn rows(run: &Run<'_>) -> Vec<ClockOffset> {
    run.input.offsets.rows()
}
