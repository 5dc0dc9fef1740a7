//! `faaslens collect aws`: `CloudWatch` Logs.

use std::path::PathBuf;

use clap::Args;
use faaslens_collect::living::Source;
use faaslens_collect::sources::aws;
use faaslens_collect::sources::aws_export::AwsExport;

use super::pulling::{Living, Pulling};

/// What this source reads.
pub(super) const DESCRIPTION: &str = aws::DESCRIPTION;

const EXAMPLES: &str = "\
Examples:
  faaslens collect aws --since 2h --prefix /aws/lambda/shop- --store store --dry-run
  faaslens collect aws --since 2026-11-22T07:00:00Z --until 2026-11-22T08:00:00Z --settle 30s --store store
  aws s3 cp --recursive s3://bucket/exported exported && faaslens collect aws exported --store store --run trial-1

Credentials come from AWS's own chain. docs/sources/aws.md: permissions, costs, what can go wrong.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folders with log groups that were exported to S3 and copied from there, instead of the API.
    #[arg(value_name = "DIR", conflicts_with_all = ["prefix", "region", "profile", "by_stream"])]
    folders: Vec<PathBuf>,
    /// Log groups whose names begin so; may be given several times.
    #[arg(long, value_name = "PREFIX", default_value = "/aws/lambda/")]
    prefix: Vec<String>,
    /// Region; by default that of the environment or the profile.
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Profile of the shared configuration files.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Read stream by stream (`GetLogEvents`, often 10 requests a second), not group by group (`FilterLogEvents`).
    #[arg(long)]
    by_stream: bool,
    #[command(flatten)]
    pulling: Pulling,
}

impl Living for Arguments {
    fn pulling(&self) -> &Pulling {
        &self.pulling
    }

    fn source(&self) -> anyhow::Result<Box<dyn Source>> {
        if !self.folders.is_empty() {
            return Ok(Box::new(AwsExport::new(self.folders.clone())?));
        }
        let (region, profile) = (self.region.as_deref(), self.profile.as_deref());
        let plain_http = self.pulling.plain_http();
        Ok(Box::new(aws::Aws::new(self.prefix.clone(), region, profile, self.by_stream, plain_http)?))
    }
}
