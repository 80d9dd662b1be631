//! The condition of a choice.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::path::Miss;
use super::{EvaluationError, Path, Scope, Template, equal};
use crate::machine::parse_timestamp;

/// When a choice is taken.
#[derive(Debug)]
pub(crate) enum Condition {
    /// When none before it was: `Default`.
    Always,
    /// JSONata's `Condition`.
    Expression(Template),
    /// JSONPath's operators.
    Test(Test),
}

/// A data test of JSONPath.
#[derive(Debug)]
pub(crate) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    /// `IsPresent`, and whether it should be.
    Present(Path, bool),
    /// `IsString` and such, and whether it should be.
    Is(Path, Type, bool),
    Compare {
        variable: Path,
        as_type: Type,
        relation: Relation,
        with: Comparand,
    },
    /// `StringMatches`: the texts between the `*`.
    Matches(Path, Vec<String>),
}

/// A type that operators are named after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Numeric,
    String,
    Timestamp,
}

/// How two values must be to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equals,
    LessThan,
    GreaterThan,
    LessThanEquals,
    GreaterThanEquals,
}

/// What a variable is compared with.
#[derive(Debug)]
pub(crate) enum Comparand {
    Value(Value),
    Path(Path),
}

impl Condition {
    /// Whether the choice at `index` is taken.
    ///
    /// # Errors
    /// What the query language says of a condition that cannot be judged.
    pub(crate) fn holds(&self, index: usize, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        match self {
            Self::Always => Ok(true),
            Self::Expression(Template::Constant(value)) => Ok(value == &Value::Bool(true)),
            Self::Expression(condition) => {
                let location = format!("Choices[{index}]/Condition");
                condition.evaluate_as("boolean", &location, scope, Value::as_bool)
            }
            Self::Test(test) => test.holds(scope),
        }
    }
}

impl Test {
    fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        match self {
            Self::And(tests) => {
                for test in tests {
                    if !test.holds(scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(tests) => {
                for test in tests {
                    if test.holds(scope)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Not(test) => Ok(!test.holds(scope)?),
            Self::Present(path, wanted) => match path.select(scope) {
                Ok(_) => Ok(*wanted),
                Err(Miss::Absent { .. } | Miss::OutOfRange(_)) => Ok(!*wanted),
                Err(Miss::Exhausted) => Err(EvaluationError::too_large()),
            },
            Self::Is(path, of, wanted) => {
                let value = read(path, scope)?;
                Ok(of.includes(&value) == *wanted)
            }
            Self::Compare {
                variable,
                as_type,
                relation,
                with,
            } => {
                let left = read(variable, scope)?;
                let right = match with {
                    Comparand::Value(value) => Cow::Borrowed(value),
                    Comparand::Path(path) => read(path, scope)?,
                };
                Ok(as_type.compare(&left, *relation, &right))
            }
            Self::Matches(path, parts) => {
                let value = read(path, scope)?;
                Ok(value.as_str().is_some_and(|text| matches(text, parts)))
            }
        }
    }
}

fn read<'a>(path: &Path, scope: &Scope<'a>) -> Result<Cow<'a, Value>, EvaluationError> {
    path.select(scope).map_err(|miss| match miss {
        Miss::Exhausted => EvaluationError::too_large(),
        Miss::Absent { .. } | Miss::OutOfRange(_) => EvaluationError::runtime(format!(
            "Invalid path '{}': The choice state's condition path references an invalid value.",
            path.source()
        )),
    })
}

impl Type {
    fn includes(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Numeric => value.is_number(),
            Self::String => value.is_string(),
            Self::Timestamp => value.as_str().and_then(parse_timestamp).is_some(),
        }
    }

    /// Values that are not of the type are in no relation.
    fn compare(self, left: &Value, relation: Relation, right: &Value) -> bool {
        let order = match self {
            Self::Null | Self::Boolean => match (left, right) {
                (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
                _ => None,
            },
            Self::Numeric => match (left, right) {
                (Value::Number(_), Value::Number(_)) if equal(left, right) => Some(Ordering::Equal),
                (Value::Number(left), Value::Number(right)) => left
                    .as_f64()
                    .zip(right.as_f64())
                    .and_then(|(left, right)| left.partial_cmp(&right)),
                _ => None,
            },
            Self::String => match (left, right) {
                // As Java orders them.
                (Value::String(left), Value::String(right)) => {
                    Some(left.encode_utf16().cmp(right.encode_utf16()))
                }
                _ => None,
            },
            Self::Timestamp => {
                let time = |value: &Value| value.as_str().and_then(parse_timestamp);
                time(left)
                    .zip(time(right))
                    .map(|(left, right)| left.cmp(&right))
            }
        };
        order.is_some_and(|order| match relation {
            Relation::Equals => order.is_eq(),
            Relation::LessThan => order.is_lt(),
            Relation::GreaterThan => order.is_gt(),
            Relation::LessThanEquals => order.is_le(),
            Relation::GreaterThanEquals => order.is_ge(),
        })
    }
}

/// The texts between the `*` of a `StringMatches`; `\\*` stands for the character itself.
pub(crate) fn pattern(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = c == '\\' && matches!(chars.peek(), Some('*' | '\\'));
        let literal = if escaped {
            chars.next().unwrap_or(c)
        } else {
            c
        };
        if c == '*' {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(literal);
        }
    }
    parts
}

/// Whether `text` is the parts in order with anything between them; in time linear in both.
fn matches(text: &str, parts: &[String]) -> bool {
    let (first, rest) = match parts {
        [] => return text.is_empty(),
        [only] => return text == only,
        [first, rest @ ..] => (first, rest),
    };
    let Some(mut text) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some((last, between)) = rest.split_last() else {
        return false;
    };
    for part in between {
        match text.split_once(part.as_str()) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last.as_str())
}
