//! The measures of runs, from the tables of a store.

use anyhow::Context;
use faaslens_analyze::compare::{INPUTS, Measured, Measuring};
use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::store::Store;
use rayon::prelude::*;

/// Rows of one batch.
const BATCH_ROWS: usize = 1 << 14;

/// The measures of runs, in their order.
///
/// # Errors
/// When a table of the store cannot be read.
pub(crate) fn measures(store: &Store, manifests: &[Manifest]) -> anyhow::Result<Vec<Measured>> {
    manifests
        .par_iter()
        .map(|manifest| measures_of(store, manifest).with_context(|| format!("run {:?}", manifest.run)))
        .collect()
}

fn measures_of(store: &Store, manifest: &Manifest) -> anyhow::Result<Measured> {
    let mut measuring = Measuring::new(manifest);
    for (table, columns) in INPUTS {
        for path in store.files(manifest, table, None) {
            for batch in Store::batches(&path, columns, BATCH_ROWS)? {
                let batch = batch.with_context(|| format!("{}: cannot read", path.display()))?;
                measuring.take(table, &batch).with_context(|| path.display().to_string())?;
            }
        }
    }
    Ok(measuring.finish())
}
