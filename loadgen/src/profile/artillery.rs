//! Artillery YAML, as far as `BeFaaS` and its like use it.
//!
//! What Artillery does with a profile was read off its version 2.0.34, and is compared with it in
//! `tests/suite/artillery.rs`. What it knows and this does not is an error that names file, line and key.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::keys::{self, Keys};
use super::node::{self, Kind, Node, Source};
use super::scenarios;
use super::steps::{Compiler, check_weights, headers};
use super::template::Template;
use super::{Http, Limit, Load, Phase, Profile, Settings, Style, folder_of, payload};
use crate::error::Result;

pub(super) fn matches(_: &Path, text: &str) -> bool {
    text.lines().any(|line| line.starts_with("config:") || line.starts_with("\"config\""))
}

pub(super) fn compile(path: &Path, text: &str, settings: &Settings) -> Result<Profile> {
    let (source, root) = node::open(path, text)?;
    let mut keys = Keys::open(&source, "profile", &root)?;
    let mut profile = Profile { format: "artillery", folder: folder_of(path), ..Profile::default() };
    let config = keys.need("config")?;
    read_config(&source, config, &mut profile, settings)?;
    let mut compiler = Compiler::new(&source, settings, profile.folder.clone(), false);
    compiler.http = profile.http.clone();
    if let Some(before) = keys.take("before") {
        let mut keys = Keys::open(&source, "before", before)?;
        keys.read("name", keys::text)?;
        profile.before = compiler.scenario("before", keys.need("flow")?)?;
        keys.finish("flow, name")?;
    }
    let node = keys.need("scenarios")?;
    profile.scenarios = scenarios::read(&mut compiler, node)?;
    let weights: Vec<f64> = profile.scenarios.iter().map(|scenario| scenario.weight).collect();
    check_weights(&source, node.line, &weights)?;
    keys.finish("config, before, scenarios")?;
    let mix: Vec<(usize, f64)> = weights.into_iter().enumerate().collect();
    profile.phases.iter_mut().for_each(|phase| phase.mix.clone_from(&mix));
    profile.sites = compiler.sites;
    profile.warnings.append(&mut compiler.warnings);
    Ok(profile)
}

fn read_config(source: &Source, node: &Node, profile: &mut Profile, settings: &Settings) -> Result<()> {
    let mut keys = Keys::open(source, "config", node)?;
    profile.http.style = Style::Artillery;
    profile.target = keys.read("target", keys::text)?.map(|target| environment(&target, settings));
    let phases = keys.need("phases")?;
    let mut from = Duration::ZERO;
    for (i, node) in keys::list(source, "phases", phases)?.into_iter().enumerate() {
        let phase = phase(source, node, i, from)?;
        from += phase.length.unwrap_or_default();
        profile.phases.push(phase);
    }
    if let Some(node) = keys.take("variables") {
        profile.pools = scenarios::variables(source, node)?;
    }
    if let Some(node) = keys.take("payload") {
        profile.payloads = payload::read(source, node, &profile.folder)?;
    }
    // The known hooks are built in, so the processor's file is not read; hooks it has besides are refused by name.
    keys.read("processor", keys::text)?;
    read_http(&mut keys, profile)?;
    keys.take("environments");
    keys.take("plugins").map_or(Ok(()), |node| match &node.kind {
        Kind::Map(entries) if entries.is_empty() => Ok(()),
        _ => Err(source.error(node.line, "plugins", "plugins are not supported")),
    })?;
    keys.finish("target, phases, variables, payload, processor, defaults, http, timeout, tls")
}

fn read_http(keys: &mut Keys<'_>, profile: &mut Profile) -> Result<()> {
    let source = keys.source;
    let http = &mut profile.http;
    if let Some(timeout) = keys.read("timeout", keys::duration)? {
        http.response_timeout = Some(timeout);
    }
    keys.take("tls");
    if let Some(node) = keys.take("defaults") {
        read_defaults(source, node, http)?;
    }
    if let Some(node) = keys.take("http") {
        let mut keys = Keys::open(source, "http", node)?;
        if let Some(timeout) = keys.read("timeout", keys::duration)? {
            http.response_timeout = Some(timeout);
        }
        if keys.read("pool", keys::whole)?.is_some() {
            http.pooled = true;
        }
        if let Some(node) = keys.take("defaults") {
            read_defaults(source, node, http)?;
        }
        keys.finish("timeout, pool, defaults")?;
    }
    Ok(())
}

fn read_defaults(source: &Source, node: &Node, http: &mut Http) -> Result<()> {
    let mut keys = Keys::open(source, "defaults", node)?;
    if let Some(node) = keys.take("headers") {
        http.headers = headers(source, node)?;
    }
    keys.finish("headers")
}

/// A text with `{{ $processEnvironment.NAME }}` in place; anything else stays.
fn environment(text: &str, settings: &Settings) -> String {
    let Ok(template) = Template::parse(text) else { return text.to_owned() };
    if template.names().any(|name| name != "$processEnvironment" && name != "$env") {
        return text.to_owned();
    }
    let mut variables = super::Variables::default();
    let all: Value = settings.environment.iter().map(|(name, value)| (name.clone(), Value::from(&**value))).collect();
    variables.set("$processEnvironment", all.clone());
    variables.set("$env", all);
    template.render(&variables, &mut crate::random::Random::new(0)).into_owned()
}

fn phase(source: &Source, node: &Node, number: usize, from: Duration) -> Result<Phase> {
    let mut keys = Keys::open(source, "phase", node)?;
    let name = keys.read("name", keys::text)?.unwrap_or_else(|| number.to_string());
    let pause = keys.read("pause", keys::duration)?;
    let length = keys.read("duration", keys::duration)?;
    let rate = keys.read("arrivalRate", keys::number)?;
    let ramp_to = keys.read("rampTo", keys::number)?;
    let count = keys.read("arrivalCount", keys::whole)?;
    let limit = keys.read("maxVusers", keys::whole)?;
    let mode = keys.read("mode", keys::text)?;
    keys.finish("name, duration, arrivalRate, rampTo, arrivalCount, pause, maxVusers, mode")?;
    let need = || length.ok_or_else(|| source.error(node.line, "duration", "missing in phase"));
    let (load, length) = match (pause, count, rate, ramp_to) {
        (Some(pause), ..) => (Load::Pause, pause),
        (_, Some(0), ..) => (Load::Pause, need()?),
        (_, Some(count), ..) => (every(need()?, need()?.as_secs_f64() / count as f64), need()?),
        (_, _, Some(rate), Some(to)) => (ramp(rate, to, need()?), need()?),
        (_, _, None, Some(to)) => (ramp(0.0, to, need()?), need()?),
        (_, _, Some(0.0), None) => (Load::Pause, need()?),
        (_, _, Some(rate), None) => match mode.as_deref() {
            None | Some("uniform") => (every(need()?, 1.0 / rate), need()?),
            Some("poisson") => (Load::Ramp { from: rate, to: rate, random: true }, need()?),
            Some(other) => {
                let message = format!("expected uniform or poisson, found {other:?}");
                return Err(source.error(node.line, "mode", message));
            }
        },
        (_, None, None, None) => {
            let message = "expected one of arrivalRate, rampTo, arrivalCount, pause";
            return Err(source.error(node.line, "phase", message));
        }
    };
    let limit = limit.map(|users| Limit { users: usize::try_from(users).unwrap_or(usize::MAX), wait: false });
    Ok(Phase { name, from, length: Some(length), load, limit, mix: Vec::new() })
}

/// As Artillery's timer: the interval in whole microseconds, as many arrivals as whole intervals fit.
fn every(length: Duration, interval_s: f64) -> Load {
    let micros = (interval_s * 1e6).floor().clamp(1.0, 1e15);
    if micros > length.as_secs_f64() * 1e6 {
        return Load::Pause;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1 to 1e15")]
    Load::Every(Duration::from_micros(micros as u64))
}

/// As Artillery's ramp: whole arrivals in each second, from the first rate in the first second to the last rate in the
/// last one, at whole milliseconds.
fn ramp(from: f64, to: f64, length: Duration) -> Load {
    let seconds = length.as_secs().clamp(1, 31_536_000);
    let mut times = Vec::new();
    for second in 0..seconds {
        let rate = if seconds == 1 {
            f64::midpoint(from, to)
        } else {
            (to - from) / (seconds - 1) as f64 * second as f64 + from
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e12 by the reader")]
        let arrivals = (rate.floor() as u64 + u64::from(rate.fract() >= 0.5)).min(1_000_000);
        let step = (1000 / arrivals.max(1)).max(1);
        times.extend((1..=arrivals).map(|n| Duration::from_secs(second) + Duration::from_millis(n * step)));
        if times.len() > MAX_RAMP_ARRIVALS {
            break;
        }
    }
    times.sort_unstable();
    Load::At(Arc::new(times))
}

/// Arrivals of a ramp at most; the total bound of a run is far below.
const MAX_RAMP_ARRIVALS: usize = 10_000_000;
