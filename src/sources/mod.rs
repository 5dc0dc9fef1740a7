//! What `faaslens collect` can read: one file a source with its arguments.
//!
//! A new source is one file here with `DESCRIPTION` and an `Arguments` that is a [`Collect`], and one line under
//! [`SOURCES`].

mod artillery;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "azure")]
mod azure;
mod befaas;
#[cfg(feature = "cri")]
mod cri;
#[cfg(feature = "google")]
mod google;
mod hey;
mod jmeter;
mod k6;
#[cfg(feature = "k8s")]
mod k8s;
mod oha;
#[cfg(feature = "openfaas")]
mod openfaas;
#[cfg(feature = "openwhisk")]
mod openwhisk;
#[cfg(feature = "living")]
mod plan;
#[cfg(feature = "living")]
mod pulling;
#[cfg(feature = "tinyfaas")]
mod tinyfaas;
mod wrk2;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use faaslens_collect::formats::stamp;
#[cfg(feature = "living")]
use faaslens_collect::living::run::{Estimate, Pull};
use faaslens_collect::sources::PerFile;
use faaslens_collect::{Options, Progress};
use faaslens_schemas::store::Store;
use faaslens_schemas::time::Timestamp;

use crate::cli::LabelArguments;

/// A source of the command line.
pub(crate) trait Collect {
    /// Files and folders to read, for the progress bar.
    fn inputs(&self) -> &[PathBuf];

    /// Whether headers are kept that may hold secrets.
    fn keep_headers(&self) -> bool {
        false
    }

    /// Output folders of `faaslens loadgen` that belong to the run.
    fn loads(&self) -> &[PathBuf] {
        &[]
    }

    /// Whether progress is one of slices, not of the bytes of the inputs.
    fn slices(&self) -> bool {
        false
    }

    /// What would be read, where the user asks for that alone.
    #[cfg(feature = "living")]
    fn estimates(&self, _progress: &dyn Progress) -> anyhow::Result<Option<Vec<Estimate>>> {
        Ok(None)
    }

    /// What would be pulled from a living system, to become part of a larger run; `None` for any other source.
    #[cfg(feature = "living")]
    fn pull(&self) -> anyhow::Result<Option<Pull>> {
        Ok(None)
    }

    /// Collects every input into the store of `options`. What goes wrong with one of several inputs stands in its
    /// place of the result; an error ends the whole command.
    fn collect(&self, options: &Options, progress: &dyn Progress) -> anyhow::Result<PerFile>;
}

/// What `faaslens sources` shows of a source.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// What it reads.
    pub(crate) description: &'static str,
}

macro_rules! sources {
    ($($(#[$when:meta])? $variant:ident: $module:ident),+ $(,)?) => {
        /// A source with its arguments.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Source {
            $(
                $(#[$when])?
                #[command(name = stringify!($module), about = $module::DESCRIPTION, long_about = None)]
                $variant(WithOptions<$module::Arguments>),
            )+
        }

        impl Source {
            /// The source's own arguments.
            pub(crate) fn source(&self) -> &dyn Collect {
                match self { $( $(#[$when])? Self::$variant(all) => &all.source, )+ }
            }

            /// The options that every source takes.
            pub(crate) fn options(&self) -> &CommonArguments {
                match self { $( $(#[$when])? Self::$variant(all) => &all.common, )+ }
            }
        }

        /// Every source, in the order of the documentation.
        pub(crate) static SOURCES: &[Listed] = &[
            $( $(#[$when])? Listed { name: stringify!($module), description: $module::DESCRIPTION }, )+
        ];
    };
}

sources! {
    Befaas: befaas,
    Jmeter: jmeter,
    Artillery: artillery,
    K6: k6,
    Oha: oha,
    Hey: hey,
    Wrk2: wrk2,
    #[cfg(feature = "aws")]
    Aws: aws,
    #[cfg(feature = "azure")]
    Azure: azure,
    #[cfg(feature = "google")]
    Google: google,
    #[cfg(feature = "k8s")]
    K8s: k8s,
    #[cfg(feature = "cri")]
    Cri: cri,
    #[cfg(feature = "openfaas")]
    Openfaas: openfaas,
    #[cfg(feature = "tinyfaas")]
    Tinyfaas: tinyfaas,
    #[cfg(feature = "openwhisk")]
    Openwhisk: openwhisk,
    #[cfg(feature = "living")]
    Plan: plan,
}

/// Arguments of a source, and those of every source.
#[derive(Debug, Args)]
pub(crate) struct WithOptions<A: Args> {
    #[command(flatten)]
    source: A,
    #[command(flatten)]
    common: CommonArguments,
}

/// The load that a run's functions were driven with.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// Output folder of faaslens loadgen whose requests belong to the run; may be given several times.
    #[arg(long = "loadgen", value_name = "DIR")]
    pub(crate) loads: Vec<PathBuf>,
}

/// Options of every source.
#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    /// Store to collect into; made where it is missing.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Id of the run; taken from the input's name when not given. An existing run of this id is replaced.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    #[command(flatten)]
    labels: LabelArguments,
    /// Add what is new to an existing run instead of replacing it.
    #[arg(long)]
    append: bool,
    /// Parts that contexts are spread over, 1 to 4096: more parts need less memory to analyze. By default it follows from
    /// the size of the input.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    parts: Option<u32>,
    /// Print what was collected as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads an instant of the command line.
fn instant(text: &str) -> Result<Timestamp, String> {
    let read = stamp::read(text.as_bytes()).filter(|(_, length)| *length == text.len());
    read.map(|(at, _)| at).ok_or_else(|| format!("expected a time like 2026-11-22T07:00:00.123456Z, found {text:?}"))
}

impl CommonArguments {
    /// Opens the store and gives the options of the collection.
    pub(crate) fn open(&self, source: &dyn Collect) -> anyhow::Result<Options> {
        Ok(Options {
            store: Store::create(&self.store)?,
            run: self.run.clone(),
            labels: self.labels.by_key(),
            keep_headers: source.keep_headers(),
            append: self.append,
            parts: self.parts,
            loads: source.loads().to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_source_has_a_unique_name_and_a_description() {
        let names: BTreeSet<&str> = SOURCES.iter().map(|source| source.name).collect();
        assert_eq!(names.len(), SOURCES.len());
        assert!(SOURCES.iter().all(|source| source.description.len() > 20));
    }
}
