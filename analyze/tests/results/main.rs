//! Result tables: from hand-made facts with hand-made numbers, and from recorded load-generator results with numbers
//! computed by pandas.

mod cold_starts;
mod completeness;
mod contributions;
mod events;
mod fixture;
mod intervals;
mod jmeter;
mod order;
mod registry;
mod time;
