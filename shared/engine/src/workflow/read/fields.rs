//! Tables of a workflow file, read field by field.

use std::time::Duration;

use crate::bot::problem::{did_you_mean, listed};
use crate::bot::{Place, Problem};
use crate::workflow::expression::Expression;
use crate::workflow::template::Template;
use crate::yaml::{Entry, Node, Yaml};

/// The file that is read and what is wrong with it.
pub(super) struct Source<'f> {
    pub(super) file: &'f str,
    pub(super) problems: Vec<Problem>,
}

/// A table of the file.
#[derive(Clone)]
pub(super) struct Fields<'n> {
    pub(super) place: Place,
    /// What it is, in words.
    pub(super) what: String,
    pub(super) entries: &'n [Entry],
}

impl<'f> Source<'f> {
    pub(super) fn new(file: &'f str) -> Self {
        Self {
            file,
            problems: Vec::new(),
        }
    }

    pub(super) fn wrong(&mut self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        let problem = Problem::new(self.file, what).at(Some(place));
        self.problems.push(problem.hint(hint));
    }

    /// `node` as a table; `what` says what it should be.
    pub(super) fn table<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        if let Yaml::Table(entries) = &node.value {
            return Some(Fields {
                place: node.place,
                what: what.to_owned(),
                entries,
            });
        }
        let problem = format!("{what} must be a table, not {}", node.kind());
        self.wrong(
            node.place,
            problem,
            "write `key: value` lines under it, indented",
        );
        None
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Yaml::List(items) = &node.value {
            return Some(items);
        }
        let problem = format!("{what} must be a list, not {}", node.kind());
        self.wrong(node.place, problem, "write lines that begin with `- `");
        None
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let Yaml::Scalar { text, .. } = &node.value
            && !text.trim().is_empty()
        {
            return Some(text);
        }
        self.wrong(
            node.place,
            format!("{what} must be text, not {}", node.kind()),
            "write a text",
        );
        None
    }

    pub(super) fn choice<T: Clone>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let written = self.text(node, what)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == written) {
            return Some(value.clone());
        }
        let names = || choices.iter().map(|(name, _)| *name);
        let problem = format!("{what} must be one of {}", listed(names()));
        let hint = did_you_mean(written, names());
        self.wrong(
            node.place,
            problem,
            hint.unwrap_or_else(|| format!("`{written}` is none of them")),
        );
        None
    }

    pub(super) fn whole(&mut self, node: &Node, what: &str, least: u32, most: u32) -> Option<u32> {
        let number = node
            .json()
            .as_u64()
            .and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                let problem = format!("{what} must be a whole number from {least} to {most}");
                self.wrong(node.place, problem, format!("write one, such as `{least}`"));
                None
            }
        }
    }

    pub(super) fn duration(&mut self, node: &Node, what: &str, most: Duration) -> Option<Duration> {
        let written = match &node.value {
            Yaml::Scalar { text, .. } => text.as_str(),
            _ => "",
        };
        match duration(written) {
            Some(duration) if duration <= most && !duration.is_zero() => Some(duration),
            Some(_) => {
                let most = in_words(most);
                self.wrong(
                    node.place,
                    format!("{what} must be longer than nothing, and at most {most}"),
                    "change it",
                );
                None
            }
            None => {
                let problem = format!("{what} must be a length of time");
                self.wrong(
                    node.place,
                    problem,
                    "write one such as `30s`, `5m`, `2h` or `1d`",
                );
                None
            }
        }
    }

    pub(super) fn template(&mut self, node: &Node) -> Template {
        Template::read(node).unwrap_or_else(|place| {
            self.wrong(
                place,
                "an expression has no end",
                "end it with `}`; write `$${` for a plain `${`",
            );
            Template::Constant(serde_json::Value::Null)
        })
    }

    /// A text in which expressions may stand.
    pub(super) fn text_template(&mut self, node: &Node, what: &str) -> Option<Template> {
        self.text(node, what)?;
        Some(self.template(node))
    }

    /// An expression, with or without `${ }` around it.
    pub(super) fn expression(&mut self, node: &Node, what: &str) -> Option<Expression> {
        let written = match node.json() {
            serde_json::Value::Bool(value) => {
                return Some(Expression::new(&value.to_string(), node.place));
            }
            _ => self.text(node, what)?,
        };
        let bare = written
            .trim()
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'));
        Some(Expression::new(bare.unwrap_or(written), node.place))
    }

    /// The fields of a table as templates, such as a call's arguments.
    pub(super) fn templates(&mut self, node: Option<&Node>, what: &str) -> Vec<(String, Template)> {
        let Some(table) = node.and_then(|node| self.table(node, what)) else {
            return Vec::new();
        };
        let entries = table.entries.iter();
        entries
            .map(|entry| (entry.key.clone(), self.template(&entry.value)))
            .collect()
    }

    /// One text, or a list of them.
    pub(super) fn names(&mut self, node: Option<&Node>, what: &str) -> Vec<(String, Place)> {
        let Some(node) = node else {
            return Vec::new();
        };
        let items = match &node.value {
            Yaml::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut names = Vec::new();
        for item in items {
            if let Some(text) = self.text(item, what) {
                names.push((text.to_owned(), item.place));
            }
        }
        names
    }
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, field: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == field);
        entry.map(|entry| &entry.value)
    }

    /// Where a field's name stands.
    pub(super) fn place_of(&self, field: &str) -> Place {
        let entry = self.entries.iter().find(|entry| entry.key == field);
        entry.map_or(self.place, |entry| entry.place)
    }

    /// Reports every field that is none of `known`.
    pub(super) fn allow(&self, source: &mut Source<'_>, known: &[&str]) {
        for entry in self
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()))
        {
            let hint = did_you_mean(&entry.key, known.iter().copied());
            let hint = hint.unwrap_or_else(|| {
                format!("the fields here are {}", listed(known.iter().copied()))
            });
            source.wrong(
                entry.place,
                format!("unknown field `{}` in {}", entry.key, self.what),
                hint,
            );
        }
    }

    /// A field that must be there.
    pub(super) fn need(
        &self,
        source: &mut Source<'_>,
        field: &str,
        hint: &str,
    ) -> Option<&'n Node> {
        let found = self.get(field);
        if found.is_none() {
            source.wrong(
                self.place,
                format!("`{field}` is missing in {}", self.what),
                hint,
            );
        }
        found
    }

    pub(super) fn text(&self, source: &mut Source<'_>, field: &str) -> Option<String> {
        let node = self.get(field)?;
        source.text(node, &format!("`{field}`")).map(str::to_owned)
    }

    pub(super) fn flag(&self, source: &mut Source<'_>, field: &str) -> Option<bool> {
        let node = self.get(field)?;
        let flag = node.json().as_bool();
        if flag.is_none() {
            let what = format!("`{field}` must be true or false, not {}", node.kind());
            source.wrong(node.place, what, "write `true` or `false`");
        }
        flag
    }

    pub(super) fn whole(
        &self,
        source: &mut Source<'_>,
        field: &str,
        least: u32,
        most: u32,
    ) -> Option<u32> {
        source.whole(self.get(field)?, &format!("`{field}`"), least, most)
    }

    pub(super) fn duration(
        &self,
        source: &mut Source<'_>,
        field: &str,
        most: Duration,
    ) -> Option<Duration> {
        source.duration(self.get(field)?, &format!("`{field}`"), most)
    }

    pub(super) fn table(&self, source: &mut Source<'_>, field: &str) -> Option<Fields<'n>> {
        source.table(self.get(field)?, &format!("`{field}`"))
    }
}

/// `1h30m`, `90s`, `2d`.
pub(in crate::workflow) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: u64 = rest[..digits].parse().ok()?;
        let mut tail = rest[digits..].chars();
        let unit = match tail.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        rest = tail.as_str().trim_start();
    }
    Some(Duration::from_secs(seconds))
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 86_400 == 0 => format!("{} days", seconds / 86_400),
        seconds if seconds % 3600 == 0 => format!("{} hours", seconds / 3600),
        seconds => format!("{seconds} seconds"),
    }
}
