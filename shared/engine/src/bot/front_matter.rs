//! The YAML block at the head of a `SKILL.md`.
//!
//! Front matter is names and texts, so every scalar is read as text (`version: 1.0` stays `1.0`).

use crate::bot::problem::Place;
use crate::yaml::{self, Entry, Fault, Node, Yaml};

/// The longest front matter, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Splits a file into its front matter and its body.
pub(super) fn split(text: &str) -> Result<(&str, &str), Fault> {
    let top = Place::line(1);
    let begin = |what: &str| {
        (
            what.to_owned(),
            top,
            "begin the file with `---`, then `name:` and `description:`, then `---`",
        )
    };
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    if first.trim_end() != "---" {
        return Err(begin("there is no front matter"));
    }
    let mut end = first.len();
    for line in text[end..].split_inclusive('\n') {
        if line.trim_end() == "---" {
            let head = &text[first.len()..end];
            if head.len() > MAX_BYTES {
                let what = format!("the front matter is longer than {} KiB", MAX_BYTES / 1024);
                return Err((what, top, "move text into the body"));
            }
            return Ok((head, &text[end + line.len()..]));
        }
        end += line.len();
    }
    Err(begin("the front matter has no end"))
}

/// Reads front matter, which starts in the file's second line.
pub(super) fn parse(head: &str) -> Result<Vec<Entry>, Fault> {
    match yaml::parse(head, 2)? {
        Some(Node {
            value: Yaml::Table(entries),
            ..
        }) => Ok(entries),
        _ => Err((
            "the front matter is not a list of `key: value` lines".to_owned(),
            Place::line(2),
            "write `name:` and `description:` on lines of their own",
        )),
    }
}
