//! What becomes of the records once the load is over: store, JTL, console lines, summary.
//!
//! Records are read once, in the order in which they were written (those of several generators side by side, in order of
//! sending), and given to every output ([`OUTPUTS`]).

mod console;
mod jtl;
mod merged;
mod shards;
mod store;
pub mod summary;

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::Manifest;
use faaslens_schemas::time::Timestamp;

use crate::error::{Error, Result};
use crate::measure::record::Record;
use crate::measure::tally::Tally;
use crate::profile::Site;
use merged::Merged;

pub use shards::{SHARD_RECORDS, SHARD_RUN, Shards};
pub use summary::Summary;

/// Name of the file that records stream to while the load runs.
pub const RECORDS: &str = "records.part";

/// What outputs know of the run.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Run {
    /// Run id in the store.
    pub id: String,
    /// Name of the profile.
    pub profile: String,
    /// Labels of the run.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Places of requests in the profile.
    pub sites: Vec<Site>,
    /// Phases by number.
    pub phases: Vec<String>,
    /// Deployment that the console lines name.
    pub deployment: String,
    /// Parts of the store.
    pub parts: u32,
    /// Name of the JTL file.
    pub jtl: String,
    /// Outputs to write, by name.
    pub outputs: Vec<String>,
    /// Way of writing of the profile.
    pub format: String,
    /// Seed of the schedule.
    pub seed: u64,
    /// Share of the schedule: number, of how many.
    pub shard: (u64, u64),
    /// Arrivals planned.
    pub planned: u64,
}

/// Takes records, one after the other.
trait Output {
    /// Takes a record.
    fn take(&mut self, record: &Record, site: &Site) -> Result<()>;
    /// Ends the output; gives the run's manifest where it has one.
    fn finish(self: Box<Self>) -> Result<Option<Manifest>>;
}

/// A way of writing records.
#[derive(Debug)]
pub struct Kind {
    /// Name.
    pub name: &'static str,
    /// What it writes.
    pub description: &'static str,
    open: fn(&Path, &Run) -> Result<Box<dyn Output>>,
}

/// Every way of writing records.
pub static OUTPUTS: &[Kind] = &[
    Kind { name: "store", description: "DIR/store: the tables of faaslens, ready for analyze", open: store::open },
    Kind { name: "jtl", description: "DIR/NAME.csv: JMeter's result file, 17 columns", open: jtl::open },
    Kind { name: "console", description: "DIR/artillery.log: the lines of BeFaaS's logger", open: console::open },
];

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// Records.
    pub records: u64,
    /// Whether every file of records ended after a whole one; it does not after a kill.
    pub whole: bool,
    /// The run in the store.
    pub manifest: Option<Manifest>,
    /// Everything measured, as the records say it.
    pub tally: Tally,
    /// First sending and last end.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// Writes what a run describes to `folder`, from files of records: that of one generator, or one of each that shared the
/// schedule. The order of `records` decides where times are equal.
///
/// # Errors
/// When an output is not known, or a file cannot be read or written.
pub fn write(folder: &Path, run: &Run, records: &[PathBuf]) -> Result<Written> {
    let mut outputs = run
        .outputs
        .iter()
        .map(|name| {
            let kind = OUTPUTS.iter().find(|kind| kind.name == name).ok_or_else(|| unknown(name))?;
            (kind.open)(folder, run)
        })
        .collect::<Result<Vec<_>>>()?;
    let nowhere =
        Site { scenario: String::new(), step: 0, label: String::new(), method: String::new(), transaction: false };
    let mut merged = Merged::open(records)?;
    let mut written = Written { records: 0, whole: true, manifest: None, tally: Tally::default(), window: None };
    while let Some(record) = merged.next()? {
        let site = run.sites.get(usize::from(record.site)).unwrap_or(&nowhere);
        for output in &mut outputs {
            output.take(&record, site)?;
        }
        written.add(&record, site);
    }
    written.whole = merged.cut().is_empty();
    for output in outputs {
        written.manifest = output.finish()?.or(written.manifest);
    }
    Ok(written)
}

impl Written {
    fn add(&mut self, record: &Record, site: &Site) {
        self.records += 1;
        self.tally.add(record, site.transaction);
        let (from, to) = self.window.unwrap_or((record.sent, record.end()));
        self.window = Some((from.min(record.sent), to.max(record.end())));
    }
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = OUTPUTS.iter().map(|kind| kind.name).collect();
    Error::Usage(format!("expected an output ({}), found {name:?}", known.join(", ")))
}

/// A file that is written from the start.
fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    Ok(BufWriter::with_capacity(1 << 17, file))
}
