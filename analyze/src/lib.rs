//! Analysis of faaslens: call trees, division of time, cold starts, triggers, statistics.
