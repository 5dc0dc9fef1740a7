//! Assembly of call trees from events, on logs written by hand with expectations computed by hand.

mod log;

mod completeness;
mod events;
mod path;
mod properties;
mod records;
mod trees;
mod wall;
