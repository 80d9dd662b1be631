//! Reads a bot's files and keeps account of what was read and what was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::bot::document::Document;
use crate::bot::files::BotFiles;
use crate::bot::problem::{Place, Problem, Problems, did_you_mean};
use crate::bot::rigour::{Rigour, Written};

/// The longest file, in bytes.
pub(super) const MAX_FILE: usize = 1024 * 1024;
/// The longest CSV file, in bytes.
pub(super) const MAX_CSV: usize = 16 * 1024 * 1024;

/// One pass over a bot's folder.
pub(super) struct Reader<'f> {
    files: &'f dyn BotFiles,
    listed: BTreeSet<String>,
    read: BTreeMap<String, Vec<u8>>,
    pub(super) rigour: &'static dyn Rigour,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl<'f> Reader<'f> {
    pub(super) fn open(
        files: &'f dyn BotFiles,
        rigour: &'static dyn Rigour,
    ) -> Result<Self, Problems> {
        Ok(Self {
            listed: files.list()?.into_iter().collect(),
            files,
            rigour,
            read: BTreeMap::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
        })
    }

    /// The listed files, sorted.
    pub(super) fn listed(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().map(String::as_str)
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.listed.contains(path)
    }

    /// Advice when `path` is not in the folder.
    pub(super) fn similar(&self, path: &str) -> Option<String> {
        did_you_mean(path, self.listed())
    }

    /// The text of a listed file; from now on the file has a say in the version.
    pub(super) fn text(&mut self, path: &str, limit: usize) -> Option<String> {
        let content = match self.read.get(path) {
            Some(content) => content,
            None => match self.files.read(path, limit) {
                Ok(content) => self.read.entry(path.to_owned()).or_insert(content),
                Err(problem) => {
                    self.problems.push(problem);
                    return None;
                }
            },
        };
        match std::str::from_utf8(content) {
            Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
            Err(error) => {
                let before = &content[..error.valid_up_to()];
                let newlines = before.iter().filter(|byte| **byte == b'\n').count();
                let line = u64::try_from(newlines)
                    .unwrap_or(u64::MAX)
                    .saturating_add(1);
                let problem = Problem::new(path, "this is not UTF-8 text")
                    .at(Some(Place::line(line)))
                    .hint("save the file as UTF-8");
                self.problems.push(problem);
                None
            }
        }
    }

    /// Reads the text of a TOML file of one kind.
    pub(super) fn toml<'t, T: DeserializeOwned>(
        &mut self,
        path: &'t str,
        text: &'t str,
        kind: Written,
    ) -> Option<(Document<'t>, T)> {
        match Document::parse(path, text) {
            Ok(document) => {
                let value = document.read(self.rigour, kind, &mut self.problems)?;
                Some((document, value))
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// The hash over the sorted paths, lengths and contents of every file that was read.
    pub(super) fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.read {
            for part in [path.as_bytes(), content] {
                hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(part);
            }
        }
        first_16_hex(&hash.finalize())
    }
}

/// The first 16 hexadecimal digits of a text's SHA-256.
pub(crate) fn hash(text: &str) -> String {
    first_16_hex(&Sha256::digest(text))
}

fn first_16_hex(digest: &[u8]) -> String {
    hex(digest.get(..8).unwrap_or(digest))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
