//! Record batches on their way to standard output or a file, without holding a large table whole.

use std::io::Write;

use anyhow::Context;
use faaslens_report::tables::{Format, render, render_piece};
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::arrow::compute::concat_batches;
use faaslens_schemas::arrow::datatypes::SchemaRef;

/// Rows that an aligned table for the terminal shows at most.
pub(crate) const TEXT_ROWS: usize = 1000;

/// Writes batches in a format; gives the number of rows left out.
///
/// CSV and JSON go batch by batch; the other formats need all rows at once. Only [`Format::Text`] leaves rows out:
/// those after the first [`TEXT_ROWS`].
///
/// # Errors
/// When a batch cannot be read or the text not be written.
pub(crate) fn write(
    schema: &SchemaRef,
    batches: impl Iterator<Item = anyhow::Result<RecordBatch>>,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    let left_out = match format {
        Format::Csv | Format::Json => {
            write_pieces(schema, batches, format, out)?;
            0
        }
        _ => write_whole(schema, batches, format, out)?,
    };
    out.flush()?;
    Ok(left_out)
}

fn write_pieces(
    schema: &SchemaRef,
    batches: impl Iterator<Item = anyhow::Result<RecordBatch>>,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut first = true;
    let mut waiting: Option<RecordBatch> = None;
    for batch in batches {
        if let Some(earlier) = waiting.replace(batch?) {
            out.write_all(render_piece(&earlier, format, first, false)?.as_bytes())?;
            first = false;
        }
    }
    let last = waiting.unwrap_or_else(|| RecordBatch::new_empty(schema.clone()));
    Ok(out.write_all(render_piece(&last, format, first, true)?.as_bytes())?)
}

fn write_whole(
    schema: &SchemaRef,
    batches: impl Iterator<Item = anyhow::Result<RecordBatch>>,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<usize> {
    let limit = if format == Format::Text { TEXT_ROWS } else { usize::MAX };
    let (mut shown, mut rows, mut left_out) = (Vec::new(), 0, 0);
    for batch in batches {
        let batch = batch?;
        let room = (limit - rows).min(batch.num_rows());
        left_out += batch.num_rows() - room;
        rows += room;
        if room > 0 {
            shown.push(batch.slice(0, room));
        }
    }
    let whole = concat_batches(schema, &shown).context("cannot join the pieces of the table")?;
    out.write_all(render(&whole, format)?.as_bytes())?;
    Ok(left_out)
}

/// What to say of rows left out.
pub(crate) fn left_out_note(left_out: usize) -> String {
    format!("{left_out} more rows are not shown: --format csv, json or markdown gives all")
}
