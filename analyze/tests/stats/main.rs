//! Statistics against SciPy, numpy and published worked examples, and what holds for any values.

mod changes;
mod estimates;
mod golden;
mod settling;
mod two_groups;
