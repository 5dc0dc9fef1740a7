//! faaslens's own YAML: flows as in Artillery, and more ways to say when users come.
//!
//! `docs/loadgen.md` describes every key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::file::read_file;
use super::keys::{self, Keys};
use super::node::{self, Kind, Node, Source};
use super::scenarios;
use super::steps::{Compiler, check_weights, headers};
use super::{Http, Limit, Load, Phase, Profile, Scenario, Settings, folder_of, payload};
use crate::error::Result;

pub(super) fn matches(_: &Path, text: &str) -> bool {
    text.lines().any(|line| line.starts_with("phases:"))
}

pub(super) fn compile(path: &Path, text: &str, settings: &Settings) -> Result<Profile> {
    let (source, root) = node::open(path, text)?;
    let mut keys = Keys::open(&source, "profile", &root)?;
    let mut profile = Profile { format: "faaslens", folder: folder_of(path), ..Profile::default() };
    profile.name = keys.read("name", keys::text)?.unwrap_or_default();
    keys.read("description", keys::text)?;
    profile.target = keys.read("target", keys::text)?;
    if let Some(node) = keys.take("variables") {
        profile.pools = scenarios::variables(&source, node)?;
    }
    if let Some(node) = keys.take("payload") {
        profile.payloads = payload::read(&source, node, &profile.folder)?;
    }
    if let Some(node) = keys.take("http") {
        profile.http = http(&source, node)?;
    }
    let mut compiler = Compiler::new(&source, settings, profile.folder.clone(), true);
    compiler.http = profile.http.clone();
    if let Some(before) = keys.take("before") {
        profile.before = compiler.scenario("before", before)?;
    }
    profile.scenarios = scenarios::read(&mut compiler, keys.need("scenarios")?)?;
    let phases = keys.need("phases")?;
    keys.finish("name, description, target, variables, payload, http, before, phases, scenarios")?;
    let mut reader =
        Phases { source: &source, scenarios: &profile.scenarios, folder: &profile.folder, end: Some(Duration::ZERO) };
    let mut read = Vec::new();
    for (i, node) in keys::list(&source, "phases", phases)?.into_iter().enumerate() {
        reader.phase(node, i, &mut read)?;
    }
    profile.phases = read;
    profile.sites = compiler.sites;
    profile.warnings.append(&mut compiler.warnings);
    Ok(profile)
}

fn http(source: &Source, node: &Node) -> Result<Http> {
    let mut keys = Keys::open(source, "http", node)?;
    let mut http = Http::default();
    if let Some(timeout) = keys.read("timeout", keys::duration)? {
        (http.response_timeout, http.total_timeout) = (Some(timeout), Some(timeout));
    }
    http.connect_timeout = keys.read("connectTimeout", keys::duration)?.or(http.connect_timeout);
    http.total_timeout = keys.read("totalTimeout", keys::duration)?.or(http.total_timeout);
    http.keep_alive = keys.read("keepAlive", keys::truth)?.unwrap_or(true);
    http.max_body = keys.read("maxBody", keys::whole)?.unwrap_or(http.max_body);
    if let Some(node) = keys.take("connections") {
        http.pooled = one_of(source, "connections", node, &["user", "shared"])? == "shared";
    }
    if let Some(node) = keys.take("version") {
        http.http2 = one_of(source, "version", node, &["1.1", "2"])? == "2";
    }
    if let Some(node) = keys.take("headers") {
        http.headers = headers(source, node)?;
    }
    keys.finish("timeout, connectTimeout, totalTimeout, keepAlive, maxBody, connections, version, headers")?;
    Ok(http)
}

fn one_of(source: &Source, key: &str, node: &Node, choices: &[&'static str]) -> Result<&'static str> {
    let text = keys::text(source, key, node)?;
    choices.iter().find(|choice| **choice == text).copied().ok_or_else(|| {
        source.error(node.line, key, format!("expected one of {}, found {}", choices.join(", "), node.found()))
    })
}

/// Reads phases; each begins where the one before ends, unless it says when.
struct Phases<'a> {
    source: &'a Source,
    scenarios: &'a [Scenario],
    folder: &'a Path,
    /// End of the phase before; `None` where only the target knows.
    end: Option<Duration>,
}

const WAYS: &str = "one of rate, steps, burst, replay, users, pause";

impl Phases<'_> {
    fn phase(&mut self, node: &Node, number: usize, phases: &mut Vec<Phase>) -> Result<()> {
        let source = self.source;
        let mut keys = Keys::open(source, "phase", node)?;
        let name = keys.read("name", keys::text)?.unwrap_or_else(|| number.to_string());
        let start = keys.read("start", keys::duration)?;
        let from = start.or(self.end).ok_or_else(|| {
            source.error(node.line, "phase", "the phase before has no duration: expected a start, found none")
        })?;
        let length = keys.read("duration", keys::duration)?;
        let limit = self.limit(&mut keys)?;
        let mix = self.mix(&mut keys, node)?;
        let need = || length.ok_or_else(|| source.error(node.line, "duration", "missing in phase"));
        let mut add = |name: String, from: Duration, length: Option<Duration>, load: Load| {
            phases.push(Phase { name, from, length, load, limit, mix: mix.clone() });
        };
        let end = if let Some(pause) = keys.read("pause", keys::duration)? {
            add(name, from, Some(pause), Load::Pause);
            Some(from + pause)
        } else if let Some(rate) = keys.read("rate", keys::number)? {
            let to = keys.read("to", keys::number)?.unwrap_or(rate);
            let random = poisson(source, &mut keys)?;
            add(name, from, Some(need()?), Load::Ramp { from: rate, to, random });
            Some(from + need()?)
        } else if let Some(node) = keys.take("steps") {
            let steps = steps(source, node)?;
            let random = poisson(source, &mut keys)?;
            let mut at = from;
            for (i, (rate, each)) in steps.into_iter().enumerate() {
                add(format!("{name} {}", i + 1), at, Some(each), Load::Ramp { from: rate, to: rate, random });
                at += each;
            }
            Some(at)
        } else if let Some(node) = keys.take("burst") {
            add(name, from, Some(need()?), bursts(source, node, need()?)?);
            Some(from + need()?)
        } else if let Some(node) = keys.take("replay") {
            let times = self.replay(node)?;
            let length = length.unwrap_or_else(|| times.last().copied().unwrap_or_default());
            let times = times.into_iter().take_while(|time| *time <= length).collect();
            add(name, from, Some(length), Load::At(Arc::new(times)));
            Some(from + length)
        } else if let Some(users) = keys.read("users", keys::whole)? {
            let load = threads(source, node, &mut keys, users, length)?;
            add(name, from, length, load);
            length.map(|length| from + length)
        } else {
            return Err(source.error(node.line, "phase", format!("expected {WAYS}")));
        };
        keys.finish(&format!("name, start, duration, mix, maxUsers, whenFull and {WAYS}"))?;
        self.end = match (self.end, end) {
            (Some(before), Some(end)) => Some(before.max(end)),
            (_, None) => None,
            (None, end) => end,
        };
        Ok(())
    }

    fn limit(&self, keys: &mut Keys<'_>) -> Result<Option<Limit>> {
        let users = keys.read("maxUsers", keys::whole)?;
        let wait = match keys.take("whenFull") {
            Some(node) => one_of(self.source, "whenFull", node, &["wait", "drop"])? == "wait",
            None => false,
        };
        Ok(users.map(|users| Limit { users: usize::try_from(users).unwrap_or(usize::MAX).max(1), wait }))
    }

    fn mix(&self, keys: &mut Keys<'_>, phase: &Node) -> Result<Vec<(usize, f64)>> {
        let Some(node) = keys.take("mix") else {
            let weights: Vec<f64> = self.scenarios.iter().map(|scenario| scenario.weight).collect();
            check_weights(self.source, phase.line, &weights)?;
            return Ok(weights.into_iter().enumerate().collect());
        };
        let mut mix = Vec::new();
        for (name, node) in keys::entries(self.source, "mix", node)? {
            let Some(at) = self.scenarios.iter().position(|scenario| scenario.name == name) else {
                let known: Vec<&str> = self.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
                let message = format!("expected a scenario ({}), found {name:?}", known.join(", "));
                return Err(self.source.error(node.line, "mix", message));
            };
            mix.push((at, keys::number(self.source, name, node)?));
        }
        check_weights(self.source, node.line, &mix.iter().map(|(_, weight)| *weight).collect::<Vec<_>>())?;
        Ok(mix)
    }

    /// Arrival times of a file: one number of seconds a line, or a CSV with a column `timeStamp` (ms) or `time_s`.
    fn replay(&self, node: &Node) -> Result<Vec<Duration>> {
        let source = self.source;
        let mut keys = Keys::open(source, "replay", node)?;
        let file = keys.need("file")?;
        let path = self.folder.join(keys::text(source, "file", file)?);
        let factor = keys.read("factor", keys::number)?.unwrap_or(1.0);
        keys.finish("file, factor")?;
        if factor <= 0.0 {
            return Err(source.error(node.line, "factor", "expected a number above 0, found 0"));
        }
        let refuse = |why: String| source.error(file.line, "file", format!("{}: {why}", path.display()));
        let text = read_file(&path).map_err(|error| refuse(error.to_string()))?;
        let text = String::from_utf8(text).map_err(|_other| refuse("expected UTF-8, found other bytes".to_owned()))?;
        let seconds = recorded_times(&text).map_err(refuse)?;
        let first = seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let mut times: Vec<Duration> = Vec::with_capacity(seconds.len());
        for second in seconds {
            let at = (second - first) / factor;
            if !(at.is_finite() && at < 31_536_000.0) {
                return Err(refuse(format!("expected times within a year of each other, found {second}")));
            }
            times.push(Duration::from_secs_f64(at));
        }
        times.sort_unstable();
        Ok(times)
    }
}

fn recorded_times(text: &str) -> Result<Vec<f64>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let head = lines.peek().map_or("", |(_, line)| *line);
    let columns: Vec<&str> = head.split(',').map(str::trim).collect();
    let column = [("timeStamp", 0.001), ("time_s", 1.0)]
        .into_iter()
        .find_map(|(name, unit)| columns.iter().position(|column| *column == name).map(|at| (at, unit)));
    let (column, unit) = match column {
        Some(found) => {
            lines.next();
            found
        }
        None => (0, 1.0),
    };
    let time = |(i, line): (usize, &str)| {
        let field = line.split(',').nth(column).unwrap_or_default().trim();
        let value = field.parse::<f64>().ok().filter(|value| value.is_finite());
        value.map(|value| value * unit).ok_or_else(|| format!("line {}: expected a number, found {field:?}", i + 1))
    };
    lines.map(time).collect()
}

fn poisson(source: &Source, keys: &mut Keys<'_>) -> Result<bool> {
    match keys.take("arrivals") {
        Some(node) => Ok(one_of(source, "arrivals", node, &["even", "poisson"])? == "poisson"),
        None => Ok(false),
    }
}

/// A list of rates and how long each lasts, or from, to, by and each.
fn steps(source: &Source, node: &Node) -> Result<Vec<(f64, Duration)>> {
    const MOST: usize = 10_000;
    if let Kind::List(items) = &node.kind {
        let mut steps = Vec::new();
        for item in items {
            let mut keys = Keys::open(source, "steps", item)?;
            let rate = keys::number(source, "rate", keys.need("rate")?)?;
            let length = keys::duration(source, "duration", keys.need("duration")?)?;
            keys.finish("rate, duration")?;
            steps.push((rate, length));
        }
        return Ok(steps);
    }
    let mut keys = Keys::open(source, "steps", node)?;
    let from = keys::number(source, "from", keys.need("from")?)?;
    let to = keys::number(source, "to", keys.need("to")?)?;
    let by = keys::number(source, "by", keys.need("by")?)?;
    let each = keys::duration(source, "each", keys.need("each")?)?;
    keys.finish("from, to, by, each")?;
    if by <= 0.0 || (to - from).abs() / by > MOST as f64 {
        return Err(source.error(node.line, "by", format!("expected a step above 0 and at most {MOST} steps")));
    }
    let sign = if to < from { -by } else { by };
    let mut rates = vec![from];
    while (rates[rates.len() - 1] + sign - to) * sign <= 1e-9 {
        rates.push(rates[rates.len() - 1] + sign);
    }
    Ok(rates.into_iter().map(|rate| (rate, each)).collect())
}

fn bursts(source: &Source, node: &Node, length: Duration) -> Result<Load> {
    let mut keys = Keys::open(source, "burst", node)?;
    let users = keys::whole(source, "users", keys.need("users")?)?;
    let every = keys::duration(source, "every", keys.need("every")?)?;
    keys.finish("users, every")?;
    let bursts = if every.is_zero() { f64::INFINITY } else { length.as_secs_f64() / every.as_secs_f64() };
    if bursts * users.max(1) as f64 > 10_000_000.0 {
        return Err(source.error(node.line, "burst", "expected at most 10,000,000 users in all"));
    }
    let mut times = Vec::new();
    let mut at = Duration::ZERO;
    while at < length {
        times.extend((0..users).map(|_| at));
        at += every;
    }
    Ok(Load::At(Arc::new(times)))
}

fn threads(source: &Source, node: &Node, keys: &mut Keys<'_>, users: u64, length: Option<Duration>) -> Result<Load> {
    let ramp = keys.read("ramp", keys::duration)?.unwrap_or_default();
    let rounds = keys.read("rounds", keys::whole)?;
    let pacing = keys.read("pacing", keys::duration)?.filter(|pacing| !pacing.is_zero());
    if rounds.is_none() && length.is_none() {
        return Err(source.error(node.line, "phase", "expected rounds or a duration for users that go round"));
    }
    let threads = u32::try_from(users).ok().filter(|users| *users <= 1_000_000);
    let threads = threads.ok_or_else(|| source.error(node.line, "users", "expected at most 1,000,000 users"))?;
    Ok(Load::Threads { threads, ramp, rounds, pacing })
}
