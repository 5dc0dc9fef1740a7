//! Bytes to records: one file a format, no I/O, nothing that panics on any input.
