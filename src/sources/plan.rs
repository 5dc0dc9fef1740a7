//! `faaslens collect plan`: several living systems and log files into one run, as a file says.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Parser};
use faaslens_collect::living::run::{Estimate, Federation, LocalLog, Pull, collect, estimate};
use faaslens_collect::sources::{PerFile, befaas};
use faaslens_collect::{Options, Progress};
use faaslens_loadgen::profile::read_yaml;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Collect, LoadArguments, Source};
use crate::outcome::wrong_use;

/// What this source reads.
pub(super) const DESCRIPTION: &str =
    "several living systems and log files at once into one run, as a plan (YAML or TOML) says";

const EXAMPLES: &str = "\
Examples:
  faaslens collect plan shop.yml --store store --dry-run
  faaslens collect plan shop.yml --since 2h --store store --run trial-1

docs/sources/plan.md says what a plan may hold.";

/// Arguments of the source.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The plan: .yml, .yaml or .toml.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Begin of the window of every source, instead of the plan's.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// End of the window of every source, instead of the plan's.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// List what would be read and estimate pages, requests and time; read nothing.
    #[arg(long)]
    dry_run: bool,
    /// Begin anew where an interrupted collection of the run is kept.
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    load: LoadArguments,
}

/// A plan as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    /// Id of the run.
    run: Option<String>,
    /// Labels of the run.
    #[serde(default)]
    labels: BTreeMap<String, Value>,
    /// Options that every source has.
    #[serde(default)]
    defaults: Map<String, Value>,
    /// `BeFaaS`'s configuration of the experiment: function to provider.
    experiment: Option<PathBuf>,
    /// Log files, by provider as `collect befaas --provider` names it.
    #[serde(default)]
    files: BTreeMap<String, Paths>,
    /// Sources, each with its name and options.
    #[serde(default)]
    sources: Vec<Map<String, Value>>,
}

/// One path or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Paths {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

/// A source of a plan, read by the command line's own rules.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_subcommand = true)]
struct Entry {
    #[command(subcommand)]
    source: Source,
}

impl Arguments {
    fn plan(&self) -> anyhow::Result<Plan> {
        let path = &self.file;
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
        let ending = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
        let value: Value = match &*ending {
            "toml" => basic_toml::from_str(&text).map_err(|error| wrong_use(format!("{}: {error}", path.display())))?,
            "yml" | "yaml" => read_yaml(path, &text)?,
            _ => return Err(wrong_use(format!("{}: expected a plan in .yml, .yaml or .toml", path.display()))),
        };
        let plan: Plan =
            serde_json::from_value(value).map_err(|error| wrong_use(format!("{}: {error}", path.display())))?;
        if plan.sources.is_empty() && plan.files.is_empty() {
            return Err(wrong_use(format!("{}: expected sources or files, found neither", path.display())));
        }
        Ok(plan)
    }

    /// A path of the plan: relative to its folder.
    fn place(&self, path: &Path) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    fn pulls(&self, plan: &Plan) -> anyhow::Result<Vec<Pull>> {
        let pull = |(number, entry): (usize, &Map<String, Value>)| {
            let name = entry.get("source").and_then(Value::as_str).unwrap_or_default();
            let place = || format!("{}: source {} ({name})", self.file.display(), number + 1);
            let words = self.words(name, plan, entry).map_err(|reason| wrong_use(format!("{}: {reason}", place())))?;
            let parsed = Entry::try_parse_from(words).map_err(|error| {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                wrong_use(format!("{}: {first}", place()))
            })?;
            let pull = parsed.source.source().pull().with_context(place)?;
            pull.ok_or_else(|| wrong_use(format!("{}: expected a living system, such as aws", place())))
        };
        plan.sources.iter().enumerate().map(pull).collect()
    }

    /// A source's entry as words of the command line.
    fn words(&self, name: &str, plan: &Plan, entry: &Map<String, Value>) -> Result<Vec<OsString>, String> {
        let mut options = plan.defaults.clone();
        options.extend(entry.clone().into_iter().filter(|(key, _)| key != "source"));
        options.extend(self.since.clone().map(|since| ("since".to_owned(), since.into())));
        options.extend(self.until.clone().map(|until| ("until".to_owned(), until.into())));
        // Where the run goes is said once, for all of them.
        let mut words: Vec<OsString> = vec![name.into(), "--store".into(), ".".into()];
        let mut places = Vec::new();
        for (key, value) in options {
            let values = match value {
                Value::Array(values) => values,
                value => vec![value],
            };
            for value in values {
                let text = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(true) => String::new(),
                    Value::Bool(false) | Value::Null => continue,
                    _ => return Err(format!("{key}: expected a text, a number or a list of them")),
                };
                if ["files", "folders"].contains(&&*key) {
                    places.push(self.place(Path::new(&text)).into_os_string());
                } else if ["store", "run", "label", "append", "parts", "json", "dry_run", "dry-run"].contains(&&*key) {
                    return Err(format!("{key}: it belongs to the whole run, not to a source"));
                } else {
                    words.push(format!("--{}", key.replace('_', "-")).into());
                    words.extend((!text.is_empty()).then(|| text.into()));
                }
            }
        }
        words.extend(self.restart.then(|| "--restart".into()));
        words.push("--".into());
        words.extend(places);
        Ok(words)
    }

    fn files(&self, plan: &Plan) -> anyhow::Result<Vec<LocalLog>> {
        let mut files = Vec::new();
        for (stem, paths) in &plan.files {
            let known = befaas::LOGS.iter().find(|log| log.stem == stem || log.provider == stem).ok_or_else(|| {
                let known: Vec<&str> = befaas::LOGS.iter().map(|log| log.stem).collect();
                wrong_use(format!("{}: files: {stem:?}: expected {}", self.file.display(), known.join(", ")))
            })?;
            let paths = match paths {
                Paths::One(path) => std::slice::from_ref(path),
                Paths::Several(paths) => paths.as_slice(),
            };
            for path in paths {
                let path = self.place(path);
                anyhow::ensure!(path.is_file(), wrong_use(format!("{}: no such file", path.display())));
                files.push(LocalLog { path, provider: known.provider.to_owned(), dialect: known.dialect });
            }
        }
        Ok(files)
    }

    fn experiment(&self, plan: &Plan) -> anyhow::Result<Option<Value>> {
        let Some(path) = &plan.experiment else { return Ok(None) };
        let path = self.place(path);
        let text = std::fs::read(&path).with_context(|| format!("{}: cannot read", path.display()))?;
        let config = serde_json::from_slice(&text)
            .map_err(|error| wrong_use(format!("{}: line {}: {error}", path.display(), error.line())))?;
        Ok(Some(config))
    }
}

/// Providers that functions of an experiment run on, with their numbers of functions.
fn providers(experiment: &Value) -> BTreeMap<&str, u64> {
    let mut providers = BTreeMap::new();
    for function in experiment["program"]["functions"].as_object().into_iter().flat_map(Map::values) {
        if let Some(provider) = function["provider"].as_str() {
            *providers.entry(provider).or_default() += 1;
        }
    }
    providers
}

/// Providers of the experiment that nothing of the plan is of.
fn unread(experiment: Option<&Value>, pulls: &[Pull], files: &[LocalLog]) -> Option<String> {
    let read: BTreeSet<&str> = pulls
        .iter()
        .map(|pull| pull.source.provider())
        .chain(files.iter().map(|file| file.provider.as_str()))
        .collect();
    let missing = providers(experiment?).into_iter().filter(|(provider, _)| !read.contains(provider));
    let named: Vec<String> = missing.map(|(provider, n)| format!("{provider} ({n} functions)")).collect();
    let text = || format!("the experiment also runs on {}, of which the plan reads nothing", named.join(", "));
    (!named.is_empty()).then(text)
}

impl Collect for Arguments {
    fn inputs(&self) -> &[PathBuf] {
        &[]
    }

    fn loads(&self) -> &[PathBuf] {
        &self.load.loads
    }

    fn slices(&self) -> bool {
        true
    }

    fn estimates(&self, progress: &dyn Progress) -> anyhow::Result<Option<Vec<Estimate>>> {
        if !self.dry_run {
            return Ok(None);
        }
        let plan = self.plan()?;
        Ok(Some(estimate(&self.pulls(&plan)?, progress)?))
    }

    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile> {
        let plan = self.plan()?;
        let mut options = options.clone();
        options.run = options.run.or_else(|| plan.run.clone());
        for (key, value) in &plan.labels {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (key, text) = crate::cli::parse_label(&format!("{key}={text}")).map_err(wrong_use)?;
            options.labels.entry(key).or_insert(text);
        }
        let federation =
            Federation { pulls: self.pulls(&plan)?, files: self.files(&plan)?, config: self.experiment(&plan)? };
        let unread = unread(federation.config.as_ref(), &federation.pulls, &federation.files);
        let mut collected = collect(&options, &federation, progress);
        if let Ok(collected) = &mut collected {
            let hints: Vec<String> = collected.hint.take().into_iter().chain(unread).collect();
            collected.hint = (!hints.is_empty()).then(|| hints.join("; "));
        }
        Ok(vec![(self.file.clone(), collected)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(name: &str, text: &str) -> (tempfile::TempDir, Arguments) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("written");
        let load = LoadArguments { loads: Vec::new() };
        (folder, Arguments { file, since: None, until: None, dry_run: false, restart: false, load })
    }

    #[test]
    fn a_plan_is_the_same_in_yaml_and_in_toml() {
        let yaml = "defaults: {since: 2h}\nsources:\n  - {source: tinyfaas, function: shop, workers: 2}\n";
        let toml = "[defaults]\nsince = '2h'\n[[sources]]\nsource = 'tinyfaas'\nfunction = 'shop'\nworkers = 2\n";
        let said = [("p.yml", yaml), ("p.toml", toml)].map(|(name, text)| {
            let (_folder, arguments) = arguments(name, text);
            let plan = arguments.plan().expect("a plan");
            arguments.words("tinyfaas", &plan, &plan.sources[0]).expect("words")
        });
        assert_eq!(said[0], said[1]);
        assert!(said[0].contains(&"--workers".into()), "{said:?}");
    }

    #[test]
    fn what_is_wrong_with_a_source_is_named_with_its_place() {
        for (entry, expected) in [
            ("{source: nobody}", "source 1 (nobody)"),
            ("{source: tinyfaas, colour: blue}", "--colour"),
            ("{source: tinyfaas, since: 2h, store: elsewhere}", "store"),
            ("{source: tinyfaas, manager: {a: b}}", "manager"),
            ("{source: jmeter, files: [x.csv]}", "living system"),
        ] {
            let (_folder, arguments) = arguments("p.yml", &format!("sources:\n  - {entry}\n"));
            let plan = arguments.plan().expect("a plan");
            let error = format!("{:#}", arguments.pulls(&plan).expect_err("refused"));
            assert!(error.contains(expected), "{entry}: {error}");
        }
    }

    #[test]
    fn providers_that_nothing_is_read_of_are_named() {
        let config = serde_json::json!({"program": {"functions": {"a": {"provider": "aws"}, "b": {"provider": "google"}, "c": {"provider": "google"}}}});
        let file = |provider: &str| LocalLog {
            path: PathBuf::new(),
            provider: provider.to_owned(),
            dialect: befaas::LOGS[0].dialect,
        };
        let said = unread(Some(&config), &[], &[file("aws")]).expect("one is missing");
        assert!(said.contains("google (2 functions)"), "{said}");
        assert_eq!(unread(Some(&config), &[], &[file("aws"), file("google")]), None);
    }
}
