//! The parts of Arrow that faaslens uses, under the names of the `arrow` crate.
//!
//! The umbrella crate would add every compute kernel (arithmetic, casts, comparisons, sorting) to the build, which
//! takes longer than all of faaslens; nothing here needs them.

/// Arrays and their builders.
pub mod array {
    pub use arrow_array::builder::*;
    pub use arrow_array::cast::AsArray;
    pub use arrow_array::*;
    pub use arrow_buffer::BooleanBufferBuilder;
}

/// Buffers below arrays.
pub mod buffer {
    pub use arrow_buffer::*;
}

/// Whole batches: joining and filtering.
pub mod compute {
    pub use arrow_select::concat::concat_batches;
    pub use arrow_select::filter::filter_record_batch;
}

/// Types of columns.
pub mod datatypes {
    pub use arrow_array::types::*;
    pub use arrow_schema::*;
}

/// Errors.
pub mod error {
    pub use arrow_schema::ArrowError;
}
