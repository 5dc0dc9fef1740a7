//! Whole-program tests on recorded runs: numbers against independent ones (`golden_*`), damaged and hostile
//! input (`robust_*`), and what must not change a result (`property_*`).
//!
//! Input and expected numbers are in `tests/data`, made by `scripts/golden`; nothing expected comes from faaslens.

mod binary;
#[path = "../../fuzz/checks.rs"]
mod checks;
mod comparison;
mod golden;
mod logs;
mod mutation;
mod random;
mod recorded;
mod slowdown;

mod clocks_executors;
mod clocks_providers;
mod critical_path;
mod golden_counts;
mod golden_jmeter;
mod golden_reference;
mod golden_trees;
mod property_invariants;
mod property_redaction;
mod robust_corrupt;
mod robust_formats;
mod robust_inputs;
mod robust_kill;
mod robust_profiles;
mod robust_store;
mod robust_variants;
mod thinned;
