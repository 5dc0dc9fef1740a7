//! What kind of logs a path holds, for `faaslens report LOGS`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use faaslens_collect::sources::befaas::is_log_folder;

/// Deepest folder searched.
const DEPTH_MAX: usize = 6;

/// Name endings of JMeter's result files, also with `.gz` or `.zst` behind.
const JTL_ENDINGS: &[&str] = &[".jtl", ".csv", ".xml"];

/// Inputs by source.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Logs {
    /// BeFaaS log folders, each a run.
    pub(crate) befaas: Vec<PathBuf>,
    /// JMeter result files, each a run.
    pub(crate) jmeter: Vec<PathBuf>,
}

/// Finds the runs in files and folders; sorted, each once.
///
/// # Errors
/// When a path is missing, cannot be listed, or holds nothing that could be a run.
pub(crate) fn find(paths: &[PathBuf]) -> anyhow::Result<Logs> {
    let mut logs = Logs::default();
    for path in paths {
        let before = logs.befaas.len() + logs.jmeter.len();
        search(path, 0, &mut logs)?;
        if logs.befaas.len() + logs.jmeter.len() == before {
            anyhow::bail!(
                "{}: found no logs; expected a BeFaaS log folder (with aws.log, google.log, azure.log, tinyfaas.log, \
                 openfaas.log, openwhisk.log or artillery.log), JMeter results (*.jtl, *.csv, *.xml), or a folder of \
                 them; other inputs are read by faaslens collect",
                path.display()
            );
        }
    }
    for found in [&mut logs.befaas, &mut logs.jmeter] {
        found.sort();
        found.dedup();
    }
    Ok(logs)
}

fn search(path: &Path, depth: usize, logs: &mut Logs) -> anyhow::Result<()> {
    let failed = || format!("{}: cannot read", path.display());
    let file = std::fs::metadata(path).with_context(failed)?;
    if !file.is_dir() {
        if is_result_file(path) {
            logs.jmeter.push(path.to_owned());
        }
        return Ok(());
    }
    if is_log_folder(path) {
        logs.befaas.push(path.to_owned());
        return Ok(());
    }
    if depth == DEPTH_MAX {
        return Ok(());
    }
    for entry in std::fs::read_dir(path).with_context(failed)? {
        let entry = entry.with_context(failed)?.path();
        let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            search(&entry, depth + 1, logs)?;
        }
    }
    Ok(())
}

fn is_result_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    JTL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn log_folders_and_result_files_are_told_apart_at_any_depth() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let root = folder.path();
        fs::create_dir_all(root.join("logs/webservice/one")).expect("folders");
        fs::create_dir_all(root.join("logs/jtl")).expect("folders");
        fs::write(root.join("logs/webservice/one/aws.log.zst"), "").expect("a log");
        fs::write(root.join("logs/webservice/one/notes.csv"), "").expect("a file beside the log");
        fs::write(root.join("logs/jtl/a.csv.gz"), "").expect("a result file");
        fs::write(root.join("logs/jtl/readme.txt"), "").expect("another file");
        let found = find(&[root.join("logs"), root.join("logs/jtl/a.csv.gz")]).expect("found");
        let expected =
            Logs { befaas: vec![root.join("logs/webservice/one")], jmeter: vec![root.join("logs/jtl/a.csv.gz")] };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_without_logs_is_an_error_that_names_what_was_expected() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let error = find(&[folder.path().to_owned()]).expect_err("nothing there").to_string();
        assert!(error.contains("aws.log") && error.contains("*.jtl"), "{error}");
    }
}
