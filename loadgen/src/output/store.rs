//! The store: rows of `client_requests`, spread over parts by their context.

use std::path::Path;

use faaslens_schemas::manifest::{LOADGEN_FORMAT, Manifest, Source, Window};
use faaslens_schemas::store::{NO_CONTEXT, PartRows, Store, Transaction, part_of};
use faaslens_schemas::table::{Label, Stage};
use faaslens_schemas::tables::ClientRequest;
use faaslens_schemas::time::Timestamp;

use super::{Output, RECORDS, Run};
use crate::error::Result;
use crate::measure::record::Record;
use crate::profile::Site;

struct StoreOutput {
    transaction: Transaction,
    manifest: Manifest,
    parts: Vec<PartRows<ClientRequest>>,
    phases: Vec<Label>,
    window: Option<(Timestamp, Timestamp)>,
    records: u64,
}

pub(super) fn open(folder: &Path, run: &Run) -> Result<Box<dyn Output>> {
    let store = Store::create(folder.join("store"))?;
    let transaction = store.begin(&run.id, Stage::Collect, run.parts)?;
    let mut manifest = Manifest::new(&run.id, run.parts);
    manifest.labels.clone_from(&run.labels);
    manifest.labels.insert("generator".to_owned(), "faaslens".to_owned());
    let parts = (0..=run.parts).map(PartRows::new).collect();
    let phases = run.phases.iter().map(|phase| phase.as_str().into()).collect();
    Ok(Box::new(StoreOutput { transaction, manifest, parts, phases, window: None, records: 0 }))
}

impl Output for StoreOutput {
    fn take(&mut self, record: &Record, site: &Site) -> Result<()> {
        let (first, last) = self.window.unwrap_or((record.sent, record.end()));
        self.window = Some((first.min(record.sent), last.max(record.end())));
        let phase = self.phases.get(usize::from(record.phase)).cloned();
        let row = row(record, site, phase, self.records);
        self.records += 1;
        let parts = self.manifest.parts;
        let number = row.context_id.as_ref().map_or(NO_CONTEXT, |context| part_of(context.as_bytes(), parts));
        Ok(self.parts[number as usize].push(row, &self.transaction)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Option<Manifest>> {
        for part in self.parts {
            self.manifest.files.extend(part.finish(&self.transaction)?);
        }
        self.manifest.window = self.window.map(|(from, to)| Window { from: from.to_string(), to: to.to_string() });
        self.manifest.sources = vec![Source {
            name: RECORDS.to_owned(),
            format: LOADGEN_FORMAT.to_owned(),
            provider: "client".to_owned(),
            records: self.records,
            ..Source::default()
        }];
        Ok(Some(self.transaction.commit(self.manifest)?))
    }
}

/// A record as a row.
fn row(record: &Record, site: &Site, phase: Option<Label>, number: u64) -> ClientRequest {
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1000.0;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let success = record.class.success();
    let answered = record.first_byte.is_some();
    ClientRequest {
        generator: Label::fixed("faaslens"),
        label: Some(site.label.as_str().into()),
        scheduled_at: record.scheduled,
        sent_at: record.sent,
        elapsed_ms: Some(ms(record.elapsed)),
        latency_ms: record.first_byte.map(ms),
        connect_ms: record.secured.or(record.connected).map(ms),
        idle_ms: Some(ms(record.idle)),
        status: record.status.map(|status| status.to_string().into()),
        success: Some(success),
        bytes_received: answered.then(|| count(record.bytes_received)),
        bytes_sent: Some(count(record.bytes_sent)),
        method: text(&site.method).map(Into::into),
        url: text(&record.url),
        thread: Some(record.thread.as_str().into()),
        threads: Some(record.threads.into()),
        group_threads: Some(record.group_threads.into()),
        context_id: text(&record.context),
        pair_id: text(&record.pair),
        error: (!success).then(|| record.message.clone()),
        kind: Label::fixed(if site.transaction { "transaction" } else { "request" }),
        parent_label: None,
        variables: None,
        scenario: Some(site.scenario.as_str().into()),
        step: Some(site.step.into()),
        phase,
        user: i64::try_from(record.user).ok(),
        corrected_ms: record.corrected.map(ms),
        late_ms: record.late.map(ms),
        resolved_ms: record.resolved.map(ms),
        secured_ms: record.secured.map(ms),
        reused: Some(record.reused),
        retries: Some(record.retries.into()),
        redirects: Some(record.redirects.into()),
        class: Some(Label::fixed(record.class.name())),
        source: Label::fixed(RECORDS),
        offset: count(number),
    }
}
