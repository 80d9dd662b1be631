//! A TOML file: its values, and where each of them stands.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::bot::problem::{Place, Problem};
use crate::bot::rigour::{Rigour, Written};

/// A parsed TOML file.
pub(super) struct Document<'t> {
    file: &'t str,
    text: &'t str,
    root: DeTable<'t>,
    value: Value,
}

impl<'t> Document<'t> {
    /// Parses a file's text.
    pub(super) fn parse(file: &'t str, text: &'t str) -> Result<Self, Vec<Problem>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let problem = |error: &toml::de::Error| {
            let place = error.span().map(|span| Place::of(text, span.start));
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            Problem::new(file, format!("this is not valid TOML: {message}")).at(place)
        };
        if errors.is_empty() {
            let root = root.into_inner();
            let value = json_table(&root);
            Ok(Self {
                file,
                text,
                root,
                value,
            })
        } else {
            Err(errors.iter().map(problem).collect())
        }
    }

    /// Checks the file against its published schema, as far as `rigour` asks for it, and reads what can be
    /// read of it.
    ///
    /// Unknown fields are reported and left out, so that one misspelling does not hide what else is
    /// wrong.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        rigour: &dyn Rigour,
        kind: Written,
        problems: &mut Vec<Problem>,
    ) -> Option<T> {
        let mut found = rigour.mistakes(kind, &self.value);
        if found.iter().any(|mistake| mistake.pointer == "/format") {
            // By another format's rules the rest may be right.
            found.retain(|mistake| mistake.pointer == "/format");
        }
        let mut value = self.value.clone();
        let sound = found.is_empty();
        for mistake in found {
            if let Some(field) = &mistake.unknown
                && let Some(Value::Object(table)) = value.pointer_mut(&mistake.pointer)
            {
                table.shift_remove(field);
            }
            let problem = self.problem(&mistake.place(), mistake.what);
            problems.push(problem.perhaps(mistake.hint));
        }
        let read = serde_json::from_value(value).ok();
        if read.is_none() && sound {
            problems.push(Problem::new(self.file, "this does not fit the format"));
        }
        read
    }

    /// A mistake at a JSON pointer, or at the nearest table around it that exists.
    pub(super) fn problem(&self, pointer: &str, what: impl Into<String>) -> Problem {
        Problem::new(self.file, what).at(Some(self.place(pointer)))
    }

    /// The values, as JSON.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    fn place(&self, pointer: &str) -> Place {
        let mut span = 0..0;
        let mut segments = pointer.split('/').skip(1).map(unescape);
        let mut here = segments.next().and_then(|key| entry(&self.root, &key));
        while let Some((at, value)) = here {
            span = at;
            here = segments.next().and_then(|key| match value {
                DeValue::Table(table) => entry(table, &key),
                DeValue::Array(array) => {
                    let item = array.get(key.parse::<usize>().ok()?)?;
                    Some((item.span(), item.get_ref()))
                }
                _ => None,
            });
        }
        Place::of(self.text, span.start)
    }
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

fn entry<'a, 't>(table: &'a DeTable<'t>, key: &str) -> Option<(Range<usize>, &'a DeValue<'t>)> {
    let (key, value) = table
        .iter()
        .find(|(name, _)| name.get_ref().as_ref() == key)?;
    Some((key.span(), value.get_ref()))
}

fn json_table(table: &DeTable<'_>) -> Value {
    let entries = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), json(value)));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Numbers that JSON cannot hold become null, which no schema accepts.
fn json(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Null, |number| Value::Number(number.into())),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or(Value::Null, Value::Number),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(json).collect(),
        DeValue::Table(table) => json_table(table),
    }
}
