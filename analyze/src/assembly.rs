//! One part's events become invocations, calls, database operations and traces.
