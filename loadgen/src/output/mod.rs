//! What becomes of the records once the load is over: store, JTL, console lines, summary.
//!
//! Records are read once, in the order in which they were written, and given to every output ([`OUTPUTS`]).

mod console;
mod jtl;
mod store;
pub mod summary;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};

use faaslens_schemas::manifest::Manifest;

use crate::error::{Error, Result};
use crate::measure::record::Record;
use crate::measure::spill;
use crate::profile::Site;

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
    /// Whether the file of records ended after a whole one; it does not after a kill.
    pub whole: bool,
    /// The run in the store.
    pub manifest: Option<Manifest>,
}

/// Writes what a run describes from the records in `folder`.
///
/// # Errors
/// When an output is not known, or a file cannot be read or written.
pub fn write(folder: &Path, run: &Run) -> Result<Written> {
    let path = folder.join(RECORDS);
    let mut outputs = run
        .outputs
        .iter()
        .map(|name| {
            let kind = OUTPUTS.iter().find(|kind| kind.name == name).ok_or_else(|| unknown(name))?;
            (kind.open)(folder, run)
        })
        .collect::<Result<Vec<_>>>()?;
    let file = File::open(&path).map_err(Error::io("read", &path))?;
    let mut records = 0;
    let nowhere =
        Site { scenario: String::new(), step: 0, label: String::new(), method: String::new(), transaction: false };
    let whole = spill::read(BufReader::with_capacity(1 << 18, file), |record| -> Result<(), Failed> {
        records += 1;
        let site = run.sites.get(usize::from(record.site)).unwrap_or(&nowhere);
        for output in &mut outputs {
            output.take(&record, site)?;
        }
        Ok(())
    })
    .map_err(|failed| failed.at(path))?;
    let mut manifest = None;
    for output in outputs {
        manifest = output.finish()?.or(manifest);
    }
    Ok(Written { records, whole, manifest })
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = OUTPUTS.iter().map(|kind| kind.name).collect();
    Error::Usage(format!("expected an output ({}), found {name:?}", known.join(", ")))
}

/// An error of reading records or of an output.
enum Failed {
    Reading(std::io::Error),
    Writing(Error),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Reading(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Writing(error)
    }
}

impl Failed {
    fn at(self, path: PathBuf) -> Error {
        match self {
            Self::Reading(source) => Error::Io { action: "read", path, source },
            Self::Writing(error) => error,
        }
    }
}

/// A file that is written from the start.
fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    Ok(BufWriter::with_capacity(1 << 17, file))
}
