//! The profile and what it is compiled with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use faaslens_loadgen::manners::missing_variables;
use faaslens_loadgen::profile::{self, Profile, Settings};
use faaslens_loadgen::schedule::Shard;
use serde_json::Value;

use crate::outcome::wrong_use;
use crate::printer::Printer;

/// What a profile is compiled with.
#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
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
    pub(super) seed: u64,
    /// Share of the schedule that this process drives: number/of.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub(super) shard: Shard,
}

impl ProfileArguments {
    pub(super) fn load(&self, printer: &Printer) -> anyhow::Result<Profile> {
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
