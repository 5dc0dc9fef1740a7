//! The table `client_requests`: what the load generator's console lines say, and its own records where they are given.

use std::collections::HashSet;

use faaslens_schemas::manifest::{FileEntry, LOADGEN_FORMAT, Source};
use faaslens_schemas::store::{NO_CONTEXT, PartRows, Transaction, part_of};
use faaslens_schemas::table::Label;
use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;
use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::InputFile;
use super::client::client_requests;
use super::executors::Clocks;
use super::part::ClientMoment;
use crate::sources::loads::Load;
use crate::{Error, Progress, Result};

/// The records of faaslens's own load generator that belong to a run.
pub(crate) struct Loads<'a> {
    /// What is to be read.
    pub(crate) opened: &'a [Load],
    /// Rows of an earlier collection, to be kept.
    pub(crate) kept: Vec<ClientRequest>,
    /// Asked whether to stop.
    pub(crate) progress: &'a dyn Progress,
}

/// What was written.
pub(super) struct Written {
    pub(super) files: Vec<FileEntry>,
    /// The load generator's outputs, by name.
    pub(super) sources: Vec<Source>,
    /// First sending and last end among the generator's own records.
    pub(super) window: Option<(Timestamp, Timestamp)>,
    /// Requests of console lines that the generator's own records have too, and better.
    pub(super) doubled: u64,
}

/// Writes all parts: of each, `moments` are the lines of the load generator's console.
pub(super) fn write(
    moments: Vec<(u32, Vec<ClientMoment>)>,
    files: &[InputFile],
    clocks: &Clocks,
    loads: &Loads<'_>,
    transaction: &Transaction,
) -> Result<Written> {
    let mut records = Records::new(transaction, moments.len());
    records.take_all(loads)?;
    let Records { parts, pairs, sources, window, .. } = records;
    let written = parts
        .into_par_iter()
        .zip(moments)
        .map(|(mut part, (_, moments))| {
            let mut doubled = 0;
            for request in client_requests(&moments, files, clocks) {
                if pair_identity(&request).is_some_and(|pair| pairs.contains(&pair)) {
                    doubled += 1;
                } else {
                    part.push(request, transaction)?;
                }
            }
            Ok((part.finish(transaction)?, doubled))
        })
        .collect::<Result<Vec<(Option<FileEntry>, u64)>>>()?;
    let doubled = written.iter().map(|(_, doubled)| doubled).sum();
    Ok(Written { files: written.into_iter().filter_map(|(file, _)| file).collect(), sources, window, doubled })
}

/// The generator's own records on their way to the parts.
struct Records<'a> {
    transaction: &'a Transaction,
    parts: Vec<PartRows<ClientRequest>>,
    /// Identities of rows, to know repetitions.
    rows: HashSet<u64>,
    /// Identities of the pairs among them.
    pairs: HashSet<u64>,
    sources: Vec<Source>,
    window: Option<(Timestamp, Timestamp)>,
}

impl<'a> Records<'a> {
    fn new(transaction: &'a Transaction, parts: usize) -> Self {
        Self {
            transaction,
            parts: (0_u32..).take(parts).map(PartRows::new).collect(),
            rows: HashSet::new(),
            pairs: HashSet::new(),
            sources: Vec::new(),
            window: None,
        }
    }

    fn take_all(&mut self, loads: &Loads<'_>) -> Result<()> {
        for row in &loads.kept {
            self.take(row.clone())?;
        }
        for load in loads.opened {
            let source = Label::from(load.name());
            load.each(|rows| {
                if loads.progress.cancelled() {
                    return Err(Error::Interrupted { run: self.transaction.run().to_owned() });
                }
                rows.into_iter().try_for_each(|row| self.take(ClientRequest { source: source.clone(), ..row }))
            })?;
            let bytes = load.bytes();
            self.source(&source).bytes = bytes;
        }
        Ok(())
    }

    fn take(&mut self, row: ClientRequest) -> Result<()> {
        let new = self.rows.insert(row_identity(&row));
        let source = self.source(&row.source);
        if !new {
            source.duplicates += 1;
            return Ok(());
        }
        source.records += 1;
        self.pairs.extend(pair_identity(&row));
        let end = row.sent_at.plus_ms(row.elapsed_ms.unwrap_or(0.0) + row.idle_ms.unwrap_or(0.0));
        let (from, to) = self.window.unwrap_or((row.sent_at, end));
        self.window = Some((from.min(row.sent_at), to.max(end)));
        let parts = u32::try_from(self.parts.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let number = row.context_id.as_ref().map_or(NO_CONTEXT, |context| part_of(context.as_bytes(), parts));
        Ok(self.parts[number as usize].push(row, self.transaction)?)
    }

    /// The account of an output, made where there is none yet.
    fn source(&mut self, name: &str) -> &mut Source {
        let position = self.sources.iter().position(|source| source.name == name).unwrap_or_else(|| {
            self.sources.push(Source {
                name: name.to_owned(),
                format: LOADGEN_FORMAT.to_owned(),
                provider: "client".to_owned(),
                ..Source::default()
            });
            self.sources.len() - 1
        });
        &mut self.sources[position]
    }
}

/// Hash of a request's context and pair, which no other request has; `None` for a row without them.
fn pair_identity(row: &ClientRequest) -> Option<u64> {
    let (context, pair) = row.context_id.as_ref().zip(row.pair_id.as_ref())?;
    Some(xxh3_64(format!("{context}\n{pair}").as_bytes()))
}

/// Hash of a row, wherever it was read.
fn row_identity(row: &ClientRequest) -> u64 {
    let mut hash = Xxh3Default::new();
    let texts = [&row.context_id, &row.pair_id, &row.url, &row.error];
    for text in texts.map(|text| text.as_deref().unwrap_or_default()) {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    for number in [row.sent_at.micros(), row.user.unwrap_or(-1), row.step.unwrap_or(-1)] {
        hash.update(&number.to_le_bytes());
    }
    hash.update(&row.elapsed_ms.unwrap_or(f64::NAN).to_le_bytes());
    hash.update(row.kind.as_bytes());
    hash.digest()
}
