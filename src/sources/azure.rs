//! `faaslens collect azure`: Log Analytics, Application Insights, host log files.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::azure::{self, Azure, Selection};
use faaslens_collect::sources::azure_files::AzureFiles;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = azure::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect azure --workspace 0a1b… --app shop --since 2h --store store --dry-run
  faaslens collect azure --workspace 0a1b… --app shop --since 2h --settle 5m --store store
  faaslens collect azure --application 2c3d… --since 2026-11-22T07:00:00Z --until 2026-11-22T08:00:00Z --store store
  faaslens collect azure webapp_logs.zip --store store --run trial-1

docs/sources/azure.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Host log files instead of the API: zips of `az webapp log download`, folders, or single files.
    #[arg(
        value_name = "FILE",
        required_unless_present_any = ["workspace", "application"],
        conflicts_with_all = ["workspace", "application", "tables", "app", "function", "endpoint"],
    )]
    files: Vec<PathBuf>,
    /// Log Analytics workspace (its id, a GUID); may be given several times.
    #[arg(long, value_name = "ID", conflicts_with = "application")]
    workspace: Vec<String>,
    /// Classic Application Insights resource (its application id); may be given several times.
    #[arg(long, value_name = "ID")]
    application: Vec<String>,
    /// Table; may be given several times. By default `AppTraces`, `AppRequests` and `FunctionAppLogs` of a workspace, traces and
    /// requests of a resource, as far as they are there.
    #[arg(long = "table", value_name = "NAME")]
    tables: Vec<String>,
    /// Apps whose names begin so.
    #[arg(long, value_name = "PREFIX")]
    app: Option<String>,
    /// Functions whose names begin so; the host's own lines, which are of no function, are left out.
    #[arg(long, value_name = "PREFIX")]
    function: Option<String>,
    /// API of another cloud, such as <https://api.loganalytics.us>.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Rows of an answer at most: a window with more is read in halves.
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(2..=500_000))]
    rows: u32,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        if !self.files.is_empty() {
            return Ok(Box::new(AzureFiles::new(self.files.clone())?));
        }
        let selection = Selection {
            workspaces: self.workspace.clone(),
            applications: self.application.clone(),
            tables: self.tables.clone(),
            app: self.app.clone(),
            function: self.function.clone(),
            endpoint: self.endpoint.clone(),
            rows: usize::try_from(self.rows).ok(),
        };
        Ok(Box::new(Azure::new(selection, self.pulling.plain_http())?))
    }
}
