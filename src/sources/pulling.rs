//! What every source of a living system takes, and how it is collected.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::living::pace::Patience;
use faaslens_collect::living::run::{Estimate, Federation, Pull, Settings, collect, estimate};
use faaslens_collect::living::window::duration;
use faaslens_collect::sources::PerFile;
use faaslens_collect::{Options, Progress};

use super::{Collect, LoadArguments};
use crate::outcome::wrong_use;

/// Begin of the window of files.
const BEGINNING: &str = "1970-01-01T00:00:00Z";

/// Options of every source of a living system.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Pulling {
    /// Begin of the window: RFC 3339 (2026-11-22T07:00:00Z), or a duration before now (90s, 30m, 2h, 1d).
    /// Needed for all but files, which are read whole without it.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// End of the window, which does not belong to it; now when not given.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Read the tail again until nothing new comes for so long.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    settle: Duration,
    /// Length of the slices that an interrupted collection goes on from; a 24th of the window, 10m to 6h, when not given.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    slice: Option<Duration>,
    /// Requests a second at most, for each API; the provider's documented limit when not given.
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Logs read at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    workers: Option<u16>,
    /// Pause before a failed request is sent again; doubled each time, up to 20 s.
    #[arg(long, value_name = "DURATION", default_value = "200ms", value_parser = parse_duration)]
    retry_pause: Duration,
    /// Time without a success after which a request is given up.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    retry_for: Duration,
    /// Read every slice until a reading gives all that any reading of it gave, which is at least twice: for servers behind
    /// caches that cannot be trusted.
    #[arg(long)]
    verify: bool,
    /// Deployment id: records of other deployments are refused.
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// List what would be read and estimate pages, requests and time; read nothing.
    #[arg(long)]
    dry_run: bool,
    /// Begin anew where an interrupted collection of the run is kept.
    #[arg(long)]
    restart: bool,
    /// Allow plain HTTP to other machines: credentials and logs can be read on the way.
    #[arg(long)]
    plain_http: bool,
    #[command(flatten)]
    load: LoadArguments,
}

impl Pulling {
    /// Whether plain HTTP to other machines is allowed.
    pub(super) fn plain_http(&self) -> bool {
        self.plain_http
    }

    fn pull(&self, source: Box<dyn Source>) -> anyhow::Result<Pull> {
        let since = match &self.since {
            Some(since) => since.clone(),
            None if source.at_rest() => BEGINNING.to_owned(),
            None => return Err(wrong_use("--since is needed: a time like 2026-11-22T07:00:00Z or a duration like 2h")),
        };
        let settings = Settings {
            since,
            until: self.until.clone(),
            slice: self.slice,
            settle: self.settle,
            rate: self.rate,
            workers: self.workers.map(usize::from),
            patience: Patience { first: self.retry_pause, total: self.retry_for, ..Patience::default() },
            plain_http: self.plain_http,
            restart: self.restart,
            verify: self.verify,
            deployment_id: self.deployment.clone(),
        };
        Ok(Pull { source, settings })
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| format!("expected a duration like 90s, 30m, 2h, found {text:?}"))
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| format!("expected a number above 0, found {text:?}"))
}

/// A source of a living system, made from its arguments.
pub(crate) trait Living {
    /// The options that all have.
    fn pulling(&self) -> &Pulling;

    /// The source.
    fn source(&self) -> anyhow::Result<Box<dyn Source>>;
}

impl<L: Living> Collect for L {
    fn inputs(&self) -> &[PathBuf] {
        &[]
    }

    fn loads(&self) -> &[PathBuf] {
        &self.pulling().load.loads
    }

    fn slices(&self) -> bool {
        true
    }

    fn estimates(&self, progress: &dyn Progress) -> anyhow::Result<Option<Vec<Estimate>>> {
        if !self.pulling().dry_run {
            return Ok(None);
        }
        let pull = self.pulling().pull(self.source()?)?;
        Ok(Some(estimate(&[pull], progress)?))
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        let pull = self.pulling().pull(self.source()?)?;
        let name = PathBuf::from(pull.source.name());
        let federation = Federation { pulls: vec![pull], ..Federation::default() };
        Ok(vec![(name, collect(options, &federation, progress))])
    }

    fn pull(&self) -> anyhow::Result<Option<Pull>> {
        Ok(Some(self.pulling().pull(self.source()?)?))
    }
}
