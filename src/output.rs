//! Files for people: checked before the work begins, whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use faaslens_report::OutputFile;

use crate::outcome::wrong_use;

/// Name of the list of a report's files, so that the next report can remove what it no longer makes.
const LIST: &str = "files.json";

/// A file that appears under its name when it is complete.
#[derive(Debug)]
pub(crate) struct NewFile {
    writer: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    done: bool,
}

impl NewFile {
    /// Begins a file, which proves that its folder can be written to.
    ///
    /// # Errors
    /// When it cannot be created, or there is a folder of this name.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(wrong_use(format!("{}: expected the name of a file", path.display())));
        };
        if path.is_dir() {
            return Err(wrong_use(format!("{}: is a folder, expected the name of a file", path.display())));
        }
        let mut temporary = name.to_owned();
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        let file = File::create(&temporary).with_context(|| format!("{}: cannot create", path.display()))?;
        Ok(Self { writer: BufWriter::new(file), temporary, path: path.to_owned(), done: false })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When it cannot be written to the end.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let failed = || format!("{}: cannot write", self.path.display());
        self.writer.flush().with_context(failed)?;
        fs::rename(&self.temporary, &self.path).with_context(failed)?;
        self.done = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.done {
            // Best effort: the file never had its name.
            drop(fs::remove_file(&self.temporary));
        }
    }
}

/// A folder that a report is written to.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    root: PathBuf,
}

impl OutputFolder {
    /// Makes the folder where it is missing, and proves that it can be written to.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub(crate) fn prepare(root: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("{}: cannot create the folder", root.display()))?;
        drop(NewFile::create(&root.join(LIST))?);
        Ok(Self { root: root.to_owned() })
    }

    /// Writes the files of a report and removes those that an earlier report made and this one does not.
    ///
    /// # Errors
    /// When a file cannot be written; the files before it are complete then.
    pub(crate) fn write(&self, files: &[OutputFile]) -> anyhow::Result<()> {
        let earlier = self.listed();
        let mut paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        paths.sort_unstable();
        for file in files {
            self.write_one(&file.path, &file.bytes)?;
        }
        self.write_one(LIST, &serde_json::to_vec_pretty(&paths)?)?;
        for stale in earlier.iter().filter(|path| paths.binary_search(&path.as_str()).is_err()) {
            if stays_inside(stale) {
                // Best effort: a file that the user removed or opened is no reason to fail.
                drop(fs::remove_file(self.root.join(stale)));
            }
        }
        Ok(())
    }

    fn write_one(&self, relative: &str, bytes: &[u8]) -> anyhow::Result<()> {
        anyhow::ensure!(stays_inside(relative), "{relative:?}: refusing to write outside {}", self.root.display());
        let path = self.root.join(relative);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{}: cannot create the folder", folder.display()))?;
        }
        let mut file = NewFile::create(&path)?;
        file.write_all(bytes).with_context(|| format!("{}: cannot write", path.display()))?;
        file.finish()
    }

    /// Files of an earlier report; none where there was none or its list cannot be read.
    fn listed(&self) -> Vec<String> {
        let text = fs::read(self.root.join(LIST)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

fn stays_inside(relative: &str) -> bool {
    !relative.is_empty() && Path::new(relative).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> OutputFile {
        OutputFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn a_report_removes_what_the_earlier_one_made_and_nothing_else() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let output = OutputFolder::prepare(folder.path()).expect("prepared");
        output.write(&[file("index.html", "1"), file("figures/a.svg", "a")]).expect("first report");
        fs::write(folder.path().join("figures/mine.svg"), "mine").expect("a file of the user");
        output.write(&[file("index.html", "2")]).expect("second report");
        assert!(!folder.path().join("figures/a.svg").exists());
        assert!(folder.path().join("figures/mine.svg").exists());
        assert_eq!(fs::read_to_string(folder.path().join("index.html")).expect("page"), "2");
    }

    #[test]
    fn nothing_is_written_outside_the_folder() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let output = OutputFolder::prepare(&folder.path().join("out")).expect("prepared");
        for path in ["../evil", "/tmp/evil", "", "a/../../evil"] {
            assert!(output.write(&[file(path, "x")]).is_err(), "{path}");
        }
        assert!(!folder.path().join("evil").exists());
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().expect("temporary folder");
        drop(NewFile::create(&folder.path().join("a.csv")).expect("created"));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 0);
    }
}
