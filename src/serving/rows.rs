//! A table of the store as CSV, piece by piece: the memory of a few batches whatever its length.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::anyhow;
use axum::body::{Bytes, HttpBody};
use faaslens_report::tables::{Format, render, render_piece};
use faaslens_schemas::arrow::array::RecordBatch;
use faaslens_schemas::store::Store;
use faaslens_schemas::table::Table;
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use super::Site;

/// Rows of one piece.
const PIECE_ROWS: usize = 1 << 12;
/// Pieces that wait for the reader at most.
const PIECES: usize = 4;

type Piece = anyhow::Result<Bytes>;

/// The pieces of a table of a run.
#[derive(Debug)]
pub(super) struct Pieces(Receiver<Piece>);

/// A table of a run as CSV with one header.
pub(super) fn csv(site: Arc<Site>, place: usize, table: &'static Table) -> Pieces {
    let (sender, receiver) = channel(PIECES);
    drop(spawn_blocking(move || {
        if let Err(error) = send(&site, place, table, &sender) {
            // A reader who went away needs no reason.
            drop(sender.blocking_send(Err(error)));
        }
    }));
    Pieces(receiver)
}

fn send(site: &Site, place: usize, table: &'static Table, sender: &Sender<Piece>) -> anyhow::Result<()> {
    let give =
        |text: String| sender.blocking_send(Ok(text.into())).map_err(|gone| anyhow!("the reader went away: {gone}"));
    let mut first = true;
    for path in site.store.files(&site.manifests[place], table, None) {
        for batch in Store::batches(&path, &[], PIECE_ROWS)? {
            give(render_piece(&batch?, Format::Csv, first, false)?)?;
            first = false;
        }
    }
    if first {
        give(render(&RecordBatch::new_empty(table.schema()), Format::Csv)?)?;
    }
    Ok(())
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, anyhow::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
