//! Slim columns of a run.
