//! `faaslens loadgen PROFILE`: drives a load.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args, ValueEnum};
use faaslens_collect::formats::stamp;
use faaslens_loadgen::engine::{self, Options, Tracing, Trust};
use faaslens_loadgen::manners::{DEFAULT_MAX_RATE, DEFAULT_MAX_REQUESTS, Manners, hosts_of};
use faaslens_loadgen::output::{self, RECORDS, Run, SHARD_RECORDS, SHARD_RUN, Summary};
use faaslens_loadgen::profile::Profile;
use faaslens_loadgen::schedule::{self, Plan};
use faaslens_schemas::store::{check_run_id, run_id_from};
use faaslens_schemas::time::Timestamp;

use super::finish::{RUN_FILE, SUMMARY_FILE, write_outputs, write_summary};
use super::profile::ProfileArguments;
use super::texts::{Notes, summary_text};
use crate::cli::LabelArguments;
use crate::live::Live;
use crate::outcome::{Outcome, wrong_use};
use crate::printer::Printer;
use crate::progress::catch_interruption;

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TracingChoice {
    /// x-context and x-pair, new for each request.
    Request,
    /// One x-context for all requests of a scenario.
    Scenario,
    /// Only where a profile's request has a hook beforeRequest, as in Artillery.
    Hooks,
    /// W3C traceparent.
    W3c,
    /// None.
    None,
}

/// How a load is driven.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    profile: ProfileArguments,
    /// Folder to write to: store/, summary.json, and artillery.log or the JTL file.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
    /// Replace the load that the folder already holds.
    #[arg(long)]
    replace: bool,
    /// Host that requests may go to, with or without port; may be given several times. Asked for on a terminal.
    #[arg(long = "allow-host", value_name = "HOST[:PORT]")]
    hosts: Vec<String>,
    /// Follow redirections to hosts that are not allowed.
    #[arg(long)]
    redirect_anywhere: bool,
    /// Arrivals in any second at most.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_RATE)]
    max_rate: u64,
    /// Requests at most.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_REQUESTS)]
    max_requests: u64,
    /// Stop when a share of the requests, of 0 to 1, has failed.
    #[arg(long, value_name = "SHARE")]
    stop_on_failures: Option<f64>,
    /// Ids that requests carry.
    #[arg(long, value_enum, default_value = "request")]
    trace: TracingChoice,
    /// Threads that send; one for each core when not given.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// When the schedule begins: RFC 3339 (2026-11-22T07:00:00Z), at most a day ahead, so that several processes begin
    /// together; at once when not given.
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// Outputs: store, jtl, console. By default store, and what the profile's own generator writes.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    output: Vec<String>,
    /// Run id in the store; the profile's name when not given.
    #[arg(long = "run", value_name = "ID")]
    id: Option<String>,
    /// Name of the JTL file; the run id when not given. BenchFaaS's names give the run its labels.
    #[arg(long, value_name = "NAME")]
    jtl_name: Option<String>,
    /// Deployment id that the console lines name; the environment's `BEFAAS_DEPLOYMENT_ID` when not given.
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Parts that the store's contexts are spread over.
    #[arg(long, value_name = "N", default_value_t = 1)]
    parts: u32,
    /// Certificates of a further authority (PEM) that HTTPS servers may have; may be given several times.
    #[arg(long = "ca", value_name = "FILE")]
    authorities: Vec<PathBuf>,
    /// Take any certificate.
    #[arg(long)]
    insecure: bool,
    /// Picture with an ambulance that the emergency hooks send; a stand-in of a few bytes when not given.
    #[arg(long, value_name = "FILE")]
    ambulance: Option<PathBuf>,
    /// Picture without an ambulance that the emergency hooks send.
    #[arg(long, value_name = "FILE")]
    no_ambulance: Option<PathBuf>,
    #[command(flatten)]
    labels: LabelArguments,
}

impl RunArguments {
    pub(super) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let profile = Arc::new(self.profile.load(printer)?);
        let plan = schedule::plan(&profile, self.profile.seed, self.profile.shard)?;
        let out = self.out.as_deref().ok_or_else(|| wrong_use("expected --out DIR, found none"))?;
        let run = self.describe(&profile, &plan)?;
        let manners = self.manners(&profile, printer)?;
        manners.check(&plan)?;
        let options = self.options(printer)?;
        prepare(out, &run, self.replace)?;
        catch_interruption()?;
        printer.note(&format!(
            "{}: {} arrivals planned over {:.0} s, seed {}",
            profile.name, plan.arrivals, plan.length_s, options.seed
        ));
        let mut live = Live::new(Arc::clone(&profile), plan.length_s, printer);
        let records = out.join(RECORDS);
        let finished = engine::run(&profile, options, manners, &records, &mut live)?;
        drop(live);
        let summary = Summary::new(&run, &finished);
        write_summary(out, &summary)?;
        let (outcome, _) = write_outputs(out, &run, |_| None, printer)?;
        printer.text(&summary_text(&summary))?;
        for limit in &summary.generator_limits {
            printer.warning(&format!("the generator was the limit: {limit}"));
        }
        Ok(match &summary.stopped_by {
            Some(reason) => {
                printer.warning(&format!("stopped before the end: {reason}"));
                Outcome::Lossy
            }
            None if summary.generator_limits.is_empty() => outcome,
            None => Outcome::Lossy,
        })
    }

    fn describe(&self, profile: &Profile, plan: &Plan) -> anyhow::Result<Run> {
        let shard = self.profile.shard;
        let suffix = if shard.of > 1 { format!("-{}of{}", shard.number, shard.of) } else { String::new() };
        let id = self.id.clone().unwrap_or_else(|| run_id_from(&format!("{}{suffix}", profile.name)));
        check_run_id(&id)?;
        let jtl = self.jtl_name.clone().unwrap_or_else(|| format!("{id}.csv"));
        if jtl.contains(['/', '\\']) || jtl.starts_with('.') {
            return Err(wrong_use(format!("--jtl-name: expected the name of a file, found {jtl:?}")));
        }
        let mut labels = BTreeMap::new();
        if let Some(stem) = self.jtl_name.as_deref().map(|name| name.strip_suffix(".csv").unwrap_or(name)) {
            labels.extend(faaslens_collect::labels::from_stem(stem).labels);
        }
        labels.extend(self.labels.by_key());
        let outputs = if self.output.is_empty() {
            let own = match profile.format {
                "artillery" => Some("console"),
                "jmeter" => Some("jtl"),
                _ => None,
            };
            ["store"].into_iter().chain(own).map(str::to_owned).collect()
        } else {
            self.output.clone()
        };
        let known: Vec<&str> = output::OUTPUTS.iter().map(|kind| kind.name).collect();
        if let Some(unknown) = outputs.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(wrong_use(format!("--output: expected some of {}, found {unknown:?}", known.join(", "))));
        }
        let deployment = std::env::var("BEFAAS_DEPLOYMENT_ID").ok();
        Ok(Run {
            id,
            profile: profile.name.clone(),
            labels,
            sites: profile.sites.clone(),
            phases: profile.phases.iter().map(|phase| phase.name.clone()).collect(),
            deployment: self.deployment.clone().or(deployment).unwrap_or_else(|| "unknownDeploymentId".to_owned()),
            parts: self.parts.clamp(1, 1024),
            jtl,
            outputs,
            format: profile.format.to_owned(),
            seed: self.profile.seed,
            shard: (shard.number, shard.of),
            planned: plan.arrivals,
        })
    }

    fn options(&self, printer: &Printer) -> anyhow::Result<Options> {
        let mut options = Options {
            seed: self.profile.seed,
            shard: self.profile.shard,
            start_at: self.start_at.as_deref().map(ahead).transpose()?,
            workers: self.workers,
            tracing: match self.trace {
                TracingChoice::Request => Tracing::Request,
                TracingChoice::Scenario => Tracing::Scenario,
                TracingChoice::Hooks => Tracing::Hooks,
                TracingChoice::W3c => Tracing::W3c,
                TracingChoice::None => Tracing::None,
            },
            trust: Trust { authorities: self.authorities.clone(), anybody: self.insecure },
            environment: std::env::vars().collect(),
            log: Arc::new(Notes::new(printer.quiet())),
            ..Options::default()
        };
        for (path, picture) in [&self.ambulance, &self.no_ambulance].into_iter().zip(&mut options.pictures) {
            if let Some(path) = path {
                picture.2 = std::fs::read(path).with_context(|| format!("{}: cannot read", path.display()))?.into();
            }
        }
        Ok(options)
    }

    fn manners(&self, profile: &Profile, printer: &Printer) -> anyhow::Result<Manners> {
        if let Some(share) = self.stop_on_failures
            && !(0.0..=1.0).contains(&share)
        {
            return Err(wrong_use(format!("--stop-on-failures: expected 0 to 1, found {share}")));
        }
        let named = hosts_of(profile);
        let hosts: BTreeSet<String> =
            if self.hosts.is_empty() { confirm(&named, printer)? } else { self.hosts.iter().cloned().collect() };
        let manners = Manners {
            hosts,
            max_rate: self.max_rate,
            max_requests: self.max_requests,
            stop_on_failures: self.stop_on_failures,
            redirect_anywhere: self.redirect_anywhere,
        };
        let refused = manners.refused(&named);
        if !refused.is_empty() && refused.len() == named.len() {
            let (found, hosts) = (self.hosts.join(", "), refused.join(", "));
            return Err(wrong_use(format!(
                "--allow-host: expected a host that the profile names ({hosts}), found {found}"
            )));
        }
        for host in refused {
            printer.warning(&format!("{host} is not among the hosts allowed: its requests will not be sent"));
        }
        Ok(manners)
    }
}

/// A time to come.
fn ahead(text: &str) -> anyhow::Result<Timestamp> {
    let refuse = |found: &str| wrong_use(format!("--start-at: expected a time within a day from now, found {found}"));
    let at = stamp::read(text.as_bytes()).filter(|(_, length)| *length == text.len());
    let (at, _) =
        at.ok_or_else(|| wrong_use(format!("--start-at: expected a time like 2026-11-22T07:00:00Z, found {text:?}")))?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
    let seconds = at.ms_since(now) / 1000.0;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err(refuse(&format!("one that is {seconds:.1} s from now")));
    }
    Ok(at)
}

/// Makes the folder, and refuses one that holds the records of a run that was not finished or, unless it is to be replaced,
/// of one that was.
fn prepare(out: &Path, run: &Run, replace: bool) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create", out.display()))?;
    if out.join(RECORDS).exists() && out.join(RUN_FILE).exists() {
        let out = out.display();
        return Err(wrong_use(format!("{out} has records of a killed run: faaslens loadgen finish {out}")));
    }
    if !replace && [SUMMARY_FILE, SHARD_RECORDS].iter().any(|file| out.join(file).exists()) {
        return Err(wrong_use(format!(
            "{} has the records of an earlier load: another --out, or --replace",
            out.display()
        )));
    }
    // What an earlier load left would be taken for this one's if this one is killed.
    for stale in [SUMMARY_FILE, SHARD_RECORDS, SHARD_RUN] {
        match std::fs::remove_file(out.join(stale)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{stale}: cannot remove"));
            }
            _ => {}
        }
    }
    let path = out.join(RUN_FILE);
    std::fs::write(&path, serde_json::to_vec_pretty(run)?).with_context(|| format!("{}: cannot write", path.display()))
}

/// Asks on a terminal whether the hosts that a profile names may be sent to.
fn confirm(named: &BTreeSet<String>, printer: &Printer) -> anyhow::Result<BTreeSet<String>> {
    let list: Vec<&str> = named.iter().map(String::as_str).collect();
    let options: Vec<String> = named.iter().map(|host| format!("--allow-host {host}")).collect();
    let refuse = || {
        let options = if options.is_empty() { "--allow-host HOST".to_owned() } else { options.join(" ") };
        wrong_use(format!("expected the hosts that may be sent to: {options}"))
    };
    if named.is_empty() || !std::io::stdin().is_terminal() {
        return Err(refuse());
    }
    printer.warning(&format!("this sends requests to {}: continue? [y/N]", list.join(", ")));
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(named.clone()) } else { Err(refuse()) }
}
