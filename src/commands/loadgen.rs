//! `faaslens loadgen`: drives deployed functions with a load profile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use faaslens_loadgen::engine::{self, Options, Tracing, Trust};
use faaslens_loadgen::manners::{DEFAULT_MAX_RATE, DEFAULT_MAX_REQUESTS, Manners, hosts_of, missing_variables};
use faaslens_loadgen::output::{self, RECORDS, Run, Summary};
use faaslens_loadgen::profile::{self, Profile, READY, Settings};
use faaslens_loadgen::schedule::{self, Plan, Shard};
use faaslens_schemas::store::{check_run_id, run_id_from};
use serde_json::Value;

use crate::cli::LabelArguments;
use crate::live::Live;
use crate::outcome::{Outcome, wrong_use};
use crate::printer::Printer;
use crate::progress::catch_interruption;

const EXAMPLES: &str = "\
Examples:
  faaslens loadgen plan workload.yml
  faaslens loadgen workload.yml --out run -v endpoints.json --allow-host fn.example.org
  faaslens loadgen overhead.jmx --out run -J request.ip=10.0.0.5 -J test.iterations=100 --allow-host 10.0.0.5
  faaslens loadgen benchfaas-overhead --out run -v gateway=http://10.0.0.5:8080 --allow-host 10.0.0.5
  faaslens loadgen workload.yml --out run-1 --shard 1/2 --seed 7 --allow-host fn.example.org

PROFILE is an Artillery YAML file, a JMeter plan, a file in faaslens's own YAML (docs/loadgen.md), or a ready profile
(faaslens loadgen profiles).";

/// Drives deployed functions with a load profile and measures what they answer.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints arrivals by second, requests by scenario and expected totals, without sending anything.
    Plan(PlanArguments),
    /// Writes the outputs of a run whose generator was killed, from the records that reached the disk.
    Finish(FinishArguments),
    /// Lists the ready profiles, or prints one.
    Profiles(ProfilesArguments),
}

#[derive(Debug, Args)]
struct ProfilesArguments {
    /// Ready profile to print.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
struct FinishArguments {
    /// Folder of the run.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Debug, Args)]
struct PlanArguments {
    #[command(flatten)]
    profile: ProfileArguments,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What a profile is compiled with.
#[derive(Debug, Args)]
struct ProfileArguments {
    /// Load profile.
    #[arg(value_name = "PROFILE", required = true)]
    profile: Option<PathBuf>,
    /// Variable `name=value`, a JSON object of variables, or a JSON file with one, such as the endpoints; may be given
    /// several times. Each user draws one value of a list.
    #[arg(long, short = 'v', value_name = "VARIABLE")]
    variables: Vec<String>,
    /// Property of a JMeter plan; may be given several times.
    #[arg(short = 'J', value_name = "NAME=VALUE")]
    properties: Vec<String>,
    /// Target instead of the profile's.
    #[arg(long, value_name = "URL")]
    target: Option<String>,
    /// Send the variables that templates pulled apart by a formatter were meant to be.
    #[arg(long)]
    repair_templates: bool,
    /// Seed of the schedule and of all values drawn.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Share of the schedule that this process drives: number/of.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    shard: Shard,
}

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
struct RunArguments {
    #[command(flatten)]
    profile: ProfileArguments,
    /// Folder to write to: store/, summary.json, and artillery.log or the JTL file.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
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

impl Arguments {
    /// Plans, drives or finishes a load.
    pub(crate) fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        match &self.command {
            Some(Command::Plan(arguments)) => arguments.run(printer),
            Some(Command::Finish(arguments)) => arguments.run(printer),
            Some(Command::Profiles(arguments)) => arguments.run(printer),
            None => self.run.run(printer),
        }
    }
}

impl ProfileArguments {
    fn load(&self, printer: &Printer) -> anyhow::Result<Profile> {
        let mut settings = Settings {
            repair_templates: self.repair_templates,
            target: self.target.clone(),
            environment: std::env::vars().collect(),
            ..Settings::default()
        };
        for text in &self.variables {
            settings.variables.extend(variables(text)?);
        }
        for text in &self.properties {
            let (name, value) =
                text.split_once('=').ok_or_else(|| wrong_use(format!("-J: expected name=value, found {text:?}")))?;
            settings.properties.insert(name.to_owned(), value.to_owned());
        }
        let path = self.profile.as_deref().ok_or_else(|| wrong_use("expected a profile, found none"))?;
        let mut profile = profile::load(path, &settings)?;
        for (name, value) in settings.variables {
            profile.pools.retain(|(other, _)| *other != name);
            match value {
                Value::Array(values) => profile.pools.push((name, values)),
                value => drop(profile.constants.insert(name, value)),
            }
        }
        for warning in &profile.warnings {
            printer.warning(warning);
        }
        let missing = missing_variables(&profile);
        if !missing.is_empty() {
            let missing: Vec<String> = missing.into_iter().collect();
            printer.warning(&format!("no value for {} (-v name=value)", missing.join(", ")));
        }
        Ok(profile)
    }
}

/// `name=value`, a JSON object, or the file of one.
fn variables(text: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let object = |text: &str, place: &str| match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(entries)) => Ok(entries.into_iter().collect()),
        Ok(_) => Err(wrong_use(format!("{place}: expected a JSON object of variables"))),
        Err(error) => Err(wrong_use(format!("{place}: {error}"))),
    };
    if text.trim_start().starts_with('{') {
        return object(text, "-v");
    }
    if let Some((name, value)) = text.split_once('=') {
        return Ok(BTreeMap::from([(name.to_owned(), Value::from(value))]));
    }
    let content = std::fs::read_to_string(text).with_context(|| format!("{text}: cannot read"))?;
    object(&content, text)
}

impl PlanArguments {
    fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let profile = self.profile.load(printer)?;
        let plan = schedule::plan(&profile, self.profile.seed, self.profile.shard)?;
        if self.json {
            printer.json(&plan)?;
        } else {
            printer.text(&plan_text(&profile, &plan, self.profile.seed))?;
        }
        Ok(Outcome::Done)
    }
}

fn plan_text(profile: &Profile, plan: &Plan, seed: u64) -> String {
    let known = |n: Option<u64>| n.map_or_else(|| "n/a".to_owned(), |n| n.to_string());
    let mut text = format!("profile {} ({}), seed {seed}\n\n", profile.name, profile.format);
    text.push_str("phase                           from s     length s   arrivals\n");
    for phase in &plan.phases {
        let length = phase.length_s.map_or_else(|| "n/a".to_owned(), |s| format!("{s:.1}"));
        let unit = if phase.kind == "threads" { " threads" } else { "" };
        writeln!(text, "{:<28} {:>9.1} {length:>12} {:>10}{unit}", phase.name, phase.from_s, phase.arrivals)
            .unwrap_or_default();
    }
    text.push_str("\nscenario                      arrivals  requests each   requests\n");
    for scenario in &plan.scenarios {
        let (each, all) = (known(scenario.requests_each), known(scenario.requests));
        writeln!(text, "{:<28} {:>9} {each:>14} {all:>10}", scenario.name, scenario.arrivals).unwrap_or_default();
    }
    text.push_str("\nsecond  arrivals\n");
    for (second, arrivals) in plan.by_second.iter().enumerate() {
        writeln!(text, "{second:>6} {arrivals:>9}").unwrap_or_default();
    }
    writeln!(text, "\n{} arrivals, {} requests, {:.1} s", plan.arrivals, known(plan.requests), plan.length_s)
        .unwrap_or_default();
    text
}

impl ProfilesArguments {
    fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let Some(name) = &self.name else {
            let lines = READY.iter().map(|(name, text)| {
                let description = text.lines().find_map(|line| line.strip_prefix("description: ")).unwrap_or_default();
                format!("{name:<24} {description}\n")
            });
            printer.text(&lines.collect::<String>())?;
            return Ok(Outcome::Done);
        };
        let known: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
        let found = READY.iter().find(|(ready, _)| ready == name);
        let (_, text) = found
            .ok_or_else(|| wrong_use(format!("expected a ready profile ({}), found {name:?}", known.join(", "))))?;
        printer.text(text)?;
        Ok(Outcome::Done)
    }
}

/// Name of the file that says how a killed run is finished.
const RUN_FILE: &str = "run.json";

impl FinishArguments {
    fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let path = self.folder.join(RUN_FILE);
        let text = std::fs::read(&path).with_context(|| format!("{}: nothing to finish", path.display()))?;
        let run: Run = serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        write_outputs(&self.folder, &run, printer)
    }
}

/// Writes the outputs, and removes what they were made of.
fn write_outputs(folder: &Path, run: &Run, printer: &Printer) -> anyhow::Result<Outcome> {
    let written = output::write(folder, run)?;
    for name in [RECORDS, RUN_FILE] {
        std::fs::remove_file(folder.join(name)).with_context(|| format!("{name}: cannot remove"))?;
    }
    printer.note(&format!("{} records in {} ({})", written.records, folder.display(), run.outputs.join(", ")));
    if !written.whole {
        printer.warning("the last record was cut off: the generator was killed while it wrote");
    }
    Ok(if written.whole { Outcome::Done } else { Outcome::Lossy })
}

/// Lines that a profile logs, on standard error unless quiet.
#[derive(Debug)]
struct Notes {
    quiet: bool,
    lines: Mutex<u64>,
}

/// Lines of a profile that are shown.
const LOG_LINES: u64 = 20;

impl engine::Log for Notes {
    fn line(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        *lines += 1;
        if *lines <= LOG_LINES {
            let printer = Printer::new(self.quiet);
            printer.note(&format!("log: {text}"));
            if *lines == LOG_LINES {
                printer.note("log: further lines are left out");
            }
        }
    }
}

impl RunArguments {
    fn run(&self, printer: &Printer) -> anyhow::Result<Outcome> {
        let profile = Arc::new(self.profile.load(printer)?);
        let plan = schedule::plan(&profile, self.profile.seed, self.profile.shard)?;
        let out = self.out.as_deref().ok_or_else(|| wrong_use("expected --out DIR, found none"))?;
        let run = self.describe(&profile)?;
        let manners = self.manners(&profile, printer)?;
        manners.check(&plan)?;
        let options = self.options(printer)?;
        prepare(out, &run)?;
        catch_interruption()?;
        printer.note(&format!(
            "{}: {} arrivals planned over {:.0} s, seed {}",
            profile.name, plan.arrivals, plan.length_s, options.seed
        ));
        let mut live = Live::new(Arc::clone(&profile), plan.length_s, printer);
        let records = out.join(RECORDS);
        let finished = engine::run(&profile, options.clone(), manners, &records, &mut live)?;
        drop(live);
        let summary = Summary::new(&profile, &options, &plan, &finished);
        let text = serde_json::to_vec_pretty(&summary)?;
        std::fs::write(out.join("summary.json"), text).context("summary.json: cannot write")?;
        let outcome = write_outputs(out, &run, printer)?;
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

    fn describe(&self, profile: &Profile) -> anyhow::Result<Run> {
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
        })
    }

    fn options(&self, printer: &Printer) -> anyhow::Result<Options> {
        let mut options = Options {
            seed: self.profile.seed,
            shard: self.profile.shard,
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
            log: Arc::new(Notes { quiet: printer.quiet(), lines: Mutex::new(0) }),
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
        Ok(Manners {
            hosts,
            max_rate: self.max_rate,
            max_requests: self.max_requests,
            stop_on_failures: self.stop_on_failures,
            redirect_anywhere: self.redirect_anywhere,
        })
    }
}

/// Makes the folder, and refuses one that holds the records of a run that was not finished.
fn prepare(out: &Path, run: &Run) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot create", out.display()))?;
    if out.join(RECORDS).exists() && out.join(RUN_FILE).exists() {
        let out = out.display();
        return Err(wrong_use(format!("{out} has records of a killed run: faaslens loadgen finish {out}")));
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

fn summary_text(summary: &Summary) -> String {
    let mut text = format!(
        "{} requests in {:.1} s ({:.1}/s), {} failed; {} arrivals, {} dropped, {} overdue, {} abandoned\n",
        summary.requests,
        summary.length_s,
        summary.requests_per_s,
        summary.failed,
        summary.arrivals,
        summary.dropped,
        summary.overdue,
        summary.abandoned
    );
    let classes: Vec<String> = summary.classes.iter().map(|(class, n)| format!("{class} {n}")).collect();
    writeln!(text, "outcomes: {}\n", if classes.is_empty() { "none".to_owned() } else { classes.join(", ") })
        .unwrap_or_default();
    text.push_str("ms                     n       p50       p90       p95       p99     p99.9       max\n");
    let rows = [
        ("response", &summary.response_ms),
        ("corrected", &summary.corrected_ms),
        ("first byte", &summary.first_byte_ms),
        ("own lateness", &summary.late_ms),
    ];
    for (name, d) in rows {
        let cell = |value: Option<f64>| value.map_or_else(|| "n/a".to_owned(), |value| format!("{value:.3}"));
        write!(text, "{name:<14} {:>9}", d.n).unwrap_or_default();
        for value in [d.p50, d.p90, d.p95, d.p99, d.p99_9, d.max] {
            write!(text, " {:>9}", cell(value)).unwrap_or_default();
        }
        text.push('\n');
    }
    text
}
