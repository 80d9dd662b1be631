//! Versions of workflows: each that was ever taken up here, numbered, and never changed.
//!
//! They lie in the data folder as `workflows/<name>/<number>.yaml`, so that they are read while a host runs, and kept
//! by whoever comes first: a file is made under a number that none has, or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use engine::bot::{BotFiles as _, Folder};
use engine::runtime::Time;
use engine::workflow::{Library, Workflow};
use serde::Serialize;

use super::data::make;

#[cfg(test)]
mod tests;

/// The longest file, in bytes; what is longer was no workflow.
const MAX_FILE: usize = 1024 * 1024;

/// The versions in a data folder.
#[derive(Clone, Debug)]
pub struct Versions(PathBuf);

/// A version of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Counts from 1, in the order they came.
    pub number: u32,
    /// What runs are marked with: a hash of the text.
    pub version: String,
    /// When it came.
    pub at: Time,
    /// The file as it was.
    #[serde(skip)]
    pub text: String,
}

impl Versions {
    /// Those in the data folder at `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self(data.to_owned())
    }

    /// The versions of a workflow, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of(&self, workflow: &str) -> io::Result<Vec<Version>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.0.join("workflows").join(workflow)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if let Some(number) = number(&path) {
                found.push(read(number, &path)?);
            }
        }
        found.sort_by_key(|version| version.number);
        Ok(found)
    }

    /// Keeps a text of a workflow, unless it is one of its versions; whether it was new.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, workflow: &str, text: &str) -> io::Result<(Version, bool)> {
        let hash = Workflow::version_of(text);
        let folder = self.0.join("workflows").join(workflow);
        loop {
            let known = self.of(workflow)?;
            let last = known.last().map_or(0, |version| version.number);
            if let Some(found) = known.into_iter().find(|known| known.version == hash) {
                return Ok((found, false));
            }
            make(&self.0)?;
            fs::create_dir_all(&folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            let path = folder.join(format!("{}.yaml", last + 1));
            match file.persist_noclobber(&path) {
                Ok(_) => {
                    File::open(&folder)?.sync_all()?;
                    return Ok((read(last + 1, &path)?, true));
                }
                // Another process was first with this number: look what it kept.
                Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(failed) => return Err(failed.error),
            }
        }
    }

    /// Keeps every workflow of a folder as it was loaded; a file that was edited since is left for the next time.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn keep_all(&self, files: &Folder, library: &Library) -> io::Result<()> {
        for workflow in library.workflows.values() {
            if let Some(text) = text_of(files, workflow) {
                self.keep(&workflow.name, &text)?;
            }
        }
        Ok(())
    }
}

/// The file of a workflow, while it is as it was loaded.
#[must_use]
pub fn text_of(files: &Folder, workflow: &Workflow) -> Option<String> {
    let text = files.read(&workflow.file, MAX_FILE).ok()?;
    let text = String::from_utf8(text).ok()?;
    (Workflow::version_of(&text) == workflow.version).then_some(text)
}

fn read(number: u32, path: &Path) -> io::Result<Version> {
    let text = fs::read_to_string(path)?;
    let at = fs::metadata(path)?.modified()?;
    let at = at.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(Version {
        number,
        version: Workflow::version_of(&text),
        at: Time(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)),
        text,
    })
}

/// `3` of `…/3.yaml`.
fn number(path: &Path) -> Option<u32> {
    let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
    path.file_stem()?.to_str()?.parse().ok().filter(|_| is_yaml)
}
