//! Collections and what is said of them.

use std::path::{Path, PathBuf};

use faaslens_collect::sources::{Collected, PerFile};
use faaslens_schemas::manifest::{Manifest, Pulled, Source};

use crate::outcome::Outcome;
use crate::printer::Printer;

/// More runs than this are summed up instead of listed.
const LISTED_RUNS: usize = 12;

/// Deepest folder that sizes are summed up in.
const DEPTH_MAX: usize = 8;

/// The runs that came out of a collection.
#[derive(Debug)]
pub(crate) struct Collection {
    /// Manifests, in the order of the inputs.
    pub(crate) manifests: Vec<Manifest>,
    /// Whether some input was refused or lossy.
    pub(crate) outcome: Outcome,
}

/// Says what became of every input.
///
/// # Errors
/// When the user interrupted, or nothing at all could be collected.
pub(crate) fn conclude(results: PerFile, printer: &Printer) -> anyhow::Result<Collection> {
    let mut collected = Vec::new();
    let mut failed: Vec<anyhow::Error> = Vec::new();
    for (_, result) in results {
        match result {
            Ok(run) => collected.push(run),
            Err(error @ (faaslens_collect::Error::Interrupted { .. } | faaslens_collect::Error::Paused)) => {
                return Err(error.into());
            }
            Err(error) => failed.push(error.into()),
        }
    }
    // Where there is nothing else to tell of, the last error ends the command.
    let last = if collected.is_empty() { failed.pop() } else { None };
    for error in &failed {
        printer.error(error);
    }
    if let Some(last) = last {
        return Err(last);
    }
    summarise(&collected, printer);
    let lossy = !failed.is_empty() || collected.iter().any(|run| run.manifest.lossy());
    let outcome = if lossy { Outcome::Lossy } else { Outcome::Done };
    Ok(Collection { manifests: collected.into_iter().map(|run| run.manifest).collect(), outcome })
}

fn summarise(collected: &[Collected], printer: &Printer) {
    let listed = collected.len() <= LISTED_RUNS;
    for run in collected {
        if listed {
            printer.note(&summary(&run.manifest));
        }
        if let Some(hint) = &run.hint {
            printer.note(&format!("hint: {}: {hint}", run.manifest.run));
        }
        for pulled in &run.manifest.pulled {
            if pulled.sampled > 0 {
                let Pulled { source, sampled, events, .. } = pulled;
                printer.warning(&format!(
                    "{}: {source}: sampled: the provider dropped {sampled} events beside the {events} that it kept",
                    run.manifest.run
                ));
            }
            for gap in &pulled.gaps {
                printer.warning(&format!("{}: missing: {gap}", run.manifest.run));
            }
        }
        for source in &run.manifest.sources {
            if let Some(loss) = loss(source) {
                printer.warning(&format!("{}: {loss}", run.manifest.run));
            }
        }
    }
    if !listed {
        let records: u64 = collected.iter().flat_map(|run| &run.manifest.sources).map(|source| source.records).sum();
        printer.note(&format!("{} runs, {records} records", collected.len()));
    }
}

/// One line about a run.
fn summary(manifest: &Manifest) -> String {
    let sum = |of: fn(&Source) -> u64| manifest.sources.iter().map(of).sum::<u64>();
    let window =
        manifest.window.as_ref().map(|window| format!(", {} to {}", window.from, window.to)).unwrap_or_default();
    format!(
        "run {}: {} records, {} platform lines, {} duplicates, {} rejected from {} files{window}",
        manifest.run,
        sum(|source| source.records),
        sum(|source| source.platform),
        sum(|source| source.duplicates),
        manifest.rejects(),
        manifest.sources.len(),
    )
}

/// What of a source was refused or not read; `None` for one that was read whole.
fn loss(source: &Source) -> Option<String> {
    let reasons: Vec<String> = source.rejected.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    let cut = source.cut_short.as_ref().map(|reason| format!("reading ended early: {reason}"));
    let said: Vec<String> =
        (!reasons.is_empty()).then(|| format!("refused {}", reasons.join(", "))).into_iter().chain(cut).collect();
    (!said.is_empty()).then(|| format!("{}: {} (see the table rejects)", source.name, said.join("; ")))
}

/// Bytes of files and of everything below folders; what cannot be read counts as nothing.
pub(crate) fn bytes_of(paths: &[PathBuf]) -> u64 {
    paths.iter().map(|path| bytes_below(path, 0)).sum()
}

fn bytes_below(path: &Path, depth: usize) -> u64 {
    let Ok(file) = std::fs::metadata(path) else { return 0 };
    if !file.is_dir() {
        return file.len();
    }
    let entries = (depth < DEPTH_MAX).then(|| std::fs::read_dir(path).ok()).flatten();
    entries.into_iter().flatten().flatten().map(|entry| bytes_below(&entry.path(), depth + 1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_read_whole_has_no_loss_and_a_refused_piece_is_named() {
        let mut source = Source { name: "aws.log".to_owned(), ..Source::default() };
        assert_eq!(loss(&source), None);
        source.rejected.insert("truncated".to_owned(), 3);
        assert_eq!(loss(&source).as_deref(), Some("aws.log: refused 3 truncated (see the table rejects)"));
        source.cut_short = Some("unexpected end".to_owned());
        assert!(loss(&source).is_some_and(|loss| loss.contains("reading ended early: unexpected end")));
    }
}
