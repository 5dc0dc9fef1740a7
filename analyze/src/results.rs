//! Facts of all parts become result tables.
