//! What the intrinsic functions do.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::{Argument, pieces};
use crate::failure::MAX_PAYLOAD;
use crate::query::convert::number;
use crate::query::functions::{digest, seeded};
use crate::query::{Scope, equal};
use crate::uuid::uuid;

/// AWS's limit on the items of `States.ArrayRange`.
const MAX_RANGE: i64 = 1_000;
/// AWS's limit on the characters that are encoded, decoded or hashed.
const MAX_TEXT: usize = 10_000;

macro_rules! functions {
    ($($name:ident $text:literal $least:literal $most:expr;)*) => {
        /// A function that AWS knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function { $($name),* }

        impl Function {
            const ALL: &[(Self, &str, usize, usize)] = &[
                $((Self::$name, $text, $least, $most)),*
            ];
        }
    };
}

functions! {
    Array "States.Array" 0 usize::MAX;
    ArrayContains "States.ArrayContains" 2 2;
    ArrayGetItem "States.ArrayGetItem" 2 2;
    ArrayLength "States.ArrayLength" 1 1;
    ArrayPartition "States.ArrayPartition" 2 2;
    ArrayRange "States.ArrayRange" 3 3;
    ArrayUnique "States.ArrayUnique" 1 1;
    Base64Decode "States.Base64Decode" 1 1;
    Base64Encode "States.Base64Encode" 1 1;
    Format "States.Format" 1 usize::MAX;
    Hash "States.Hash" 2 2;
    JsonMerge "States.JsonMerge" 3 3;
    JsonToString "States.JsonToString" 1 1;
    MathAdd "States.MathAdd" 2 2;
    MathRandom "States.MathRandom" 2 3;
    StringSplit "States.StringSplit" 2 2;
    StringToJson "States.StringToJson" 1 1;
    Uuid "States.UUID" 0 0;
}

type Answer = Result<Value, String>;

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, known, ..)| *known == name)
            .map(|(function, ..)| *function)
    }

    /// Every function's name.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|(_, name, ..)| *name)
    }

    /// Whether the function can take so many arguments.
    pub(super) fn check(self, arguments: &[Argument]) -> Result<(), String> {
        let given = arguments.len();
        let mut all = Self::ALL.iter();
        if let Some((_, name, least, most)) = all.find(|(function, ..)| *function == self)
            && !(*least..=*most).contains(&given)
        {
            let wanted = match (least, most) {
                (least, most) if least == most => least.to_string(),
                (least, &usize::MAX) => format!("at least {least}"),
                (least, most) => format!("{least} to {most}"),
            };
            return Err(format!("{name} takes {wanted} arguments, not {given}"));
        }
        match arguments {
            [Argument::Pieces(cut), values @ ..] if cut.len() != values.len() + 1 => Err(format!(
                "States.Format has {} times {{}} for {} values",
                cut.len() - 1,
                values.len()
            )),
            _ => Ok(()),
        }
    }

    /// Calls the function. `cut` is the first argument of `States.Format` where it is a literal.
    ///
    /// # Errors
    /// Why it cannot take the arguments.
    pub(super) fn call(
        self,
        given: &[Cow<'_, Value>],
        cut: Option<&[String]>,
        scope: &Scope<'_>,
    ) -> Answer {
        match self {
            Self::Array => Ok(Value::Array(
                given.iter().map(|item| Value::clone(item)).collect(),
            )),
            Self::ArrayContains => {
                let found = array(given, 0)?.iter().any(|item| equal(item, &given[1]));
                Ok(Value::Bool(found))
            }
            Self::ArrayGetItem => {
                let (items, index) = (array(given, 0)?, integer(given, 1)?);
                let item = usize::try_from(index).ok().and_then(|at| items.get(at));
                let refused = || format!("There is no item {index} in an array of {}", items.len());
                item.cloned().ok_or_else(refused)
            }
            Self::ArrayLength => Ok(Value::from(array(given, 0)?.len())),
            Self::ArrayPartition => {
                let size = usize::try_from(integer(given, 1)?).unwrap_or(0);
                if size == 0 {
                    return Err("The size of the parts must be positive".to_owned());
                }
                let parts = array(given, 0)?.chunks(size);
                Ok(Value::Array(
                    parts.map(|part| Value::Array(part.to_vec())).collect(),
                ))
            }
            Self::ArrayRange => range(integer(given, 0)?, integer(given, 1)?, integer(given, 2)?),
            Self::ArrayUnique => Ok(unique(array(given, 0)?)),
            Self::Base64Encode => Ok(Value::String(BASE64_STANDARD.encode(short(given, 0)?))),
            Self::Base64Decode => {
                let bytes = BASE64_STANDARD.decode(short(given, 0)?);
                let bytes = bytes.map_err(|error| format!("The text is not Base64: {error}"))?;
                String::from_utf8(bytes)
                    .map(Value::String)
                    .map_err(|_| "What the Base64 stands for is not text".to_owned())
            }
            Self::Format => match cut {
                Some(cut) => format(cut, &given[1..]),
                None => format(&pieces(text(given, 0)?), &given[1..]),
            },
            Self::Hash => hash(given),
            Self::JsonMerge => merge(given),
            Self::JsonToString => Ok(Value::String(given[0].to_string())),
            Self::MathAdd => {
                let sum = integer(given, 0)?.checked_add(integer(given, 1)?);
                sum.map(Value::from)
                    .ok_or_else(|| "The sum is too large".to_owned())
            }
            Self::MathRandom => random(given, scope),
            Self::StringSplit => split(text(given, 0)?, text(given, 1)?),
            Self::StringToJson => match text(given, 0)?.trim() {
                "" => Ok(Value::Null),
                json => serde_json::from_str(json)
                    .map_err(|error| format!("The text is not JSON: {error}")),
            },
            Self::Uuid => Ok(Value::String(uuid(&**scope.entropy))),
        }
    }
}

fn refused(at: usize, wanted: &str, value: &Value) -> String {
    let value: String = value.to_string().chars().take(100).collect();
    format!("Argument {} must be {wanted} but was: {value}", at + 1)
}

fn array<'a>(given: &'a [Cow<'_, Value>], at: usize) -> Result<&'a [Value], String> {
    match &*given[at] {
        Value::Array(items) => Ok(items),
        other => Err(refused(at, "an array", other)),
    }
}

fn text<'a>(given: &'a [Cow<'_, Value>], at: usize) -> Result<&'a str, String> {
    given[at]
        .as_str()
        .ok_or_else(|| refused(at, "a string", &given[at]))
}

/// A text that is not longer than AWS takes.
fn short<'a>(given: &'a [Cow<'_, Value>], at: usize) -> Result<&'a str, String> {
    let text = text(given, at)?;
    if text.chars().count() > MAX_TEXT {
        return Err(format!(
            "Argument {} is longer than {MAX_TEXT} characters",
            at + 1
        ));
    }
    Ok(text)
}

/// A number, rounded as AWS does: halves go up.
fn integer(given: &[Cow<'_, Value>], at: usize) -> Result<i64, String> {
    let value = &*given[at];
    if let Some(integer) = value.as_i64() {
        return Ok(integer);
    }
    let rounded = value.as_f64().map(|float| (float + 0.5).floor());
    let fits = rounded.filter(|float| float.abs() < 9e15);
    // In range, so the cast is exact.
    fits.map(|float| float as i64)
        .ok_or_else(|| refused(at, "a number", value))
}

fn range(first: i64, last: i64, step: i64) -> Answer {
    if step == 0 {
        return Err("The step must not be zero".to_owned());
    }
    let span = i128::from(last) - i128::from(first);
    let count = span / i128::from(step) + 1;
    if span.signum() * i128::from(step).signum() < 0 {
        return Ok(Value::Array(Vec::new()));
    }
    if count > i128::from(MAX_RANGE) {
        return Err(format!(
            "The array would have {count} items; {MAX_RANGE} are the most"
        ));
    }
    let item = |n: i128| i64::try_from(i128::from(first) + n * i128::from(step));
    // Between the first and the last, so all of them fit.
    Ok(Value::Array(
        (0..count)
            .filter_map(|n| item(n).ok())
            .map(Value::from)
            .collect(),
    ))
}

fn unique(items: &[Value]) -> Value {
    let mut seen = std::collections::HashSet::new();
    let first = |item: &&Value| seen.insert(canonical(item));
    Value::Array(items.iter().filter(first).cloned().collect())
}

/// One text for all values that are equal.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(n) => n
            .as_f64()
            .and_then(number)
            .map_or_else(|| n.to_string(), |n| n.to_string()),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let fields: std::collections::BTreeMap<_, _> = fields.iter().collect();
            let fields = fields.into_iter();
            let fields: Vec<_> = fields
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        scalar => scalar.to_string(),
    }
}

fn format(cut: &[String], values: &[Cow<'_, Value>]) -> Answer {
    if cut.len() != values.len() + 1 {
        let places = cut.len() - 1;
        return Err(format!(
            "The text has {places} times {{}} for {} values",
            values.len()
        ));
    }
    let mut text = cut[0].clone();
    for (value, piece) in values.iter().zip(&cut[1..]) {
        show(value, &mut text);
        text.push_str(piece);
        if text.len() > 2 * MAX_PAYLOAD {
            return Err("The text is too long".to_owned());
        }
    }
    Ok(Value::String(text))
}

/// A value as Java shows it, which AWS runs on.
fn show(value: &Value, text: &mut String) {
    match value {
        Value::String(inner) => text.push_str(inner),
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                show(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (at, (name, field)) in fields.iter().enumerate() {
                text.push_str(if at > 0 { ", " } else { "" });
                text.push_str(name);
                text.push('=');
                show(field, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn hash(given: &[Cow<'_, Value>]) -> Answer {
    let data = match &*given[0] {
        Value::String(_) => Cow::Borrowed(short(given, 0)?),
        other => Cow::Owned(other.to_string()),
    };
    let algorithm = text(given, 1)?;
    digest(algorithm, data.as_bytes())
        .map(Value::String)
        .ok_or_else(|| {
            format!(
                "There is no algorithm '{algorithm}'; use MD5, SHA-1, SHA-256, SHA-384 or SHA-512"
            )
        })
}

fn merge(given: &[Cow<'_, Value>]) -> Answer {
    let object = |at: usize| -> Result<&Map<String, Value>, String> {
        given[at]
            .as_object()
            .ok_or_else(|| refused(at, "an object", &given[at]))
    };
    let mut merged = object(0)?.clone();
    match &*given[2] {
        Value::Bool(false) => {}
        Value::Bool(true) => {
            return Err(
                "Deep merging is not supported; the third argument must be false".to_owned(),
            );
        }
        other => return Err(refused(2, "a boolean", other)),
    }
    let more = object(1)?.iter();
    merged.extend(more.map(|(name, value)| (name.clone(), value.clone())));
    Ok(Value::Object(merged))
}

/// A whole number from the first to below the second.
fn random(given: &[Cow<'_, Value>], scope: &Scope<'_>) -> Answer {
    let (from, to) = (integer(given, 0)?, integer(given, 1)?);
    let span = i128::from(to) - i128::from(from);
    let Ok(span @ 1..) = u64::try_from(span) else {
        return Err("The second number must be larger than the first".to_owned());
    };
    let bits = match given.get(2) {
        Some(_) => seeded(integer(given, 2)?),
        None => scope.entropy.next_u64(),
    };
    // Less than the span, so the sum does not pass `to`.
    Ok(Value::from(from.wrapping_add_unsigned(bits % span)))
}

/// The parts of `text` between any of the characters of `by`, without the empty ones.
fn split(text: &str, by: &str) -> Answer {
    let by: std::collections::HashSet<_> = by.chars().collect();
    let parts = text
        .split(|c| by.contains(&c))
        .filter(|part| !part.is_empty());
    Ok(Value::Array(parts.map(Value::from).collect()))
}
