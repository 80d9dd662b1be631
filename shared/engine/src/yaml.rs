//! YAML with the place of every key and value, for files that people write.
//!
//! Anchors and aliases, which can make a small text describe a huge one, are refused, and so is a key that is
//! there twice.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

use crate::bot::Place;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Yaml,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yaml {
    Scalar { text: String, plain: bool },
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// A mistake: what, where, and what to do.
pub(crate) type Fault = (String, Place, &'static str);

/// Reads the one document of `text`, whose first line is line `first` of its file; nothing when it is empty.
pub(crate) fn parse(text: &str, first: usize) -> Result<Option<Node>, Fault> {
    let place = |line: usize, column: usize| Place {
        line: u32::try_from(line + first - 1).unwrap_or(u32::MAX),
        column: u32::try_from(column + 1).unwrap_or(u32::MAX),
    };
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.map_err(|error| {
            let marker = error.marker();
            (
                format!("this is not valid YAML: {}", error.info()),
                place(marker.line(), marker.col()),
                "put text that holds a colon in quotes",
            )
        })?;
        let here = place(span.start.line(), span.start.col());
        let done = match event {
            Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(_, 1.., _)
            | Event::MappingStart(_, 1.., _)
            | Event::Alias(_) => {
                let what = "anchors and aliases are not allowed here".to_owned();
                return Err((what, here, "write the text out"));
            }
            Event::Scalar(text, style, ..) => Some(Node {
                place: here,
                value: Yaml::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                },
            }),
            Event::SequenceStart(..) => {
                stack.push(Open::List(here, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                stack.push(Open::Table(here, Vec::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop().map(Open::close),
            Event::DocumentStart(..) if root.is_some() => {
                let what = "there is a second document".to_owned();
                return Err((what, here, "remove the line `---` and what follows"));
            }
            _ => None,
        };
        if stack.len() > MAX_DEPTH {
            return Err(("this is nested too deeply".to_owned(), here, "flatten it"));
        }
        if let Some(node) = done {
            match stack.last_mut() {
                Some(open) => open.add(node)?,
                None => root = Some(node),
            }
        }
    }
    Ok(root)
}

/// A list or table whose end has not been seen.
enum Open {
    List(Place, Vec<Node>),
    Table(Place, Vec<Entry>, Option<(String, Place)>),
}

impl Open {
    fn add(&mut self, node: Node) -> Result<(), Fault> {
        let (entries, waiting) = match self {
            Self::List(_, items) => {
                items.push(node);
                return Ok(());
            }
            Self::Table(_, entries, waiting) => (entries, waiting),
        };
        if let Some((key, place)) = waiting.take() {
            entries.push(Entry {
                key,
                place,
                value: node,
            });
            return Ok(());
        }
        let place = node.place;
        let Yaml::Scalar { text, .. } = node.value else {
            return Err(("a key must be text".to_owned(), place, "write `key: value`"));
        };
        if entries.iter().any(|entry| entry.key == text) {
            let what = format!("`{text}` is there twice");
            return Err((what, place, "remove one of them"));
        }
        *waiting = Some((text, place));
        Ok(())
    }

    fn close(self) -> Node {
        match self {
            Self::List(place, items) => Node {
                place,
                value: Yaml::List(items),
            },
            Self::Table(place, entries, _) => Node {
                place,
                value: Yaml::Table(entries),
            },
        }
    }
}

impl Node {
    /// The value as JSON; a plain scalar by YAML 1.2's core schema.
    pub(crate) fn json(&self) -> Value {
        match &self.value {
            Yaml::Scalar { text, plain } => scalar(text, *plain),
            Yaml::List(items) => items.iter().map(Self::json).collect(),
            Yaml::Table(entries) => {
                let entries = entries.iter().map(|e| (e.key.clone(), e.value.json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::List(_) => "a list",
            Yaml::Table(_) => "a table",
            Yaml::Scalar { text, plain } => match scalar(text, *plain) {
                Value::Null => "nothing",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "text",
            },
        }
    }
}

fn scalar(text: &str, plain: bool) -> Value {
    let number = |number: f64| Number::from_f64(number).map(Value::Number);
    match text {
        _ if !plain => Value::String(text.to_owned()),
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            let numeric = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && digits.ends_with(|c: char| c.is_ascii_digit() || c == '.');
            let parsed = numeric
                .then(|| {
                    let whole = text.strip_prefix('+').unwrap_or(text).parse::<i64>();
                    let fraction = || text.parse::<f64>().ok().and_then(number);
                    whole.ok().map(Value::from).or_else(fraction)
                })
                .flatten();
            parsed.unwrap_or_else(|| Value::String(text.to_owned()))
        }
    }
}
