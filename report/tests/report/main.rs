//! Reports made from recorded and hand-made tables.

mod figures;
mod files;
mod hostile;
mod page;
mod sample;
mod tables;
