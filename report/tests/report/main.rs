//! Reports made from recorded and hand-made tables.

mod answers;
mod figures;
mod files;
mod hostile;
mod page;
mod sample;
mod tables;
