//! Outputs of generator processes that shared a schedule, as one run.

use std::path::{Path, PathBuf};

use super::{Run, Summary};
use crate::error::{Error, Result};

/// Name of the file in which a process that drove a share keeps its records.
pub const SHARD_RECORDS: &str = "shard.records";
/// Name of the file that describes them.
pub const SHARD_RUN: &str = "shard.json";

/// The shares of one schedule, in their order.
#[derive(Debug)]
pub struct Shards {
    shares: Vec<(PathBuf, Run, Summary)>,
}

impl Shards {
    /// Opens the output folders of all shares, given in any order.
    ///
    /// # Errors
    /// When a folder is that of no share, the shares are of different loads, or one is missing or given twice.
    pub fn open(folders: &[PathBuf]) -> Result<Self> {
        let mut shares = folders.iter().map(|folder| open(folder)).collect::<Result<Vec<_>>>()?;
        shares.sort_by_key(|(_, run, _)| run.shard.0);
        let Some((folder, first, _)) = shares.first() else {
            return Err(Error::Usage("expected the folders of all shares, found none".to_owned()));
        };
        for (other, run, _) in &shares {
            if let Some(differs) = difference(first, run) {
                let (folder, other) = (folder.display(), other.display());
                return Err(Error::Usage(format!("{other}: {differs} differs from {folder}: not shares of one load")));
            }
        }
        let of = first.shard.1;
        let found: Vec<u64> = shares.iter().map(|(_, run, _)| run.shard.0).collect();
        if found != (1..=of).collect::<Vec<u64>>() {
            let found: Vec<String> = found.iter().map(|number| format!("{number}/{of}")).collect();
            return Err(Error::Usage(format!("expected each of the {of} shares once, found {}", found.join(", "))));
        }
        Ok(Self { shares })
    }

    /// The description of the whole run, under an id of its own or that of the profile.
    pub fn run(&self, id: String) -> Run {
        let runs = self.shares.iter().map(|(_, run, _)| run);
        let mut whole = self.shares[0].1.clone();
        let named_alike = runs.clone().all(|run| run.jtl == whole.jtl);
        whole.jtl = if named_alike { whole.jtl } else { format!("{id}.csv") };
        whole.planned = runs.clone().map(|run| run.planned).sum();
        for run in runs.rev() {
            whole.labels.extend(run.labels.clone());
        }
        whole.shard = (1, 1);
        Run { id, ..whole }
    }

    /// The files of records, in order of shares.
    pub fn records(&self) -> Vec<PathBuf> {
        self.shares.iter().map(|(folder, ..)| folder.join(SHARD_RECORDS)).collect()
    }

    /// The summaries of the shares, in their order.
    pub fn summaries(self) -> Vec<Summary> {
        self.shares.into_iter().map(|(.., summary)| summary).collect()
    }
}

fn open(folder: &Path) -> Result<(PathBuf, Run, Summary)> {
    let records = folder.join(SHARD_RECORDS);
    if !records.is_file() {
        let message =
            format!("{}: expected the output of loadgen --shard i/n, found no {SHARD_RECORDS}", folder.display());
        return Err(Error::Usage(message));
    }
    Ok((folder.to_owned(), read(&folder.join(SHARD_RUN))?, read(&folder.join("summary.json"))?))
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&text).map_err(|error| Error::io("read", path)(error.into()))
}

/// What two shares of one load must have in common and do not.
fn difference(a: &Run, b: &Run) -> Option<&'static str> {
    let same = [
        (a.profile == b.profile && a.format == b.format, "the profile"),
        (a.seed == b.seed, "the seed"),
        (a.shard.1 == b.shard.1, "the number of shares"),
        (a.sites == b.sites && a.phases == b.phases, "what the profile says"),
        (a.outputs == b.outputs, "the choice of outputs"),
        (a.deployment == b.deployment, "the deployment"),
    ];
    same.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}
