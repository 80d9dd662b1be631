//! `?(…)`: which items of a list a path takes.

use std::borrow::Cow;

use serde_json::Value;

use super::select::select;
use super::{Miss, Step};
use crate::query::{Budget, equal};

mod parse;

/// A condition on one item.
#[derive(Debug)]
pub(crate) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Operand),
    Compare(Operand, Operator, Operand),
}

/// What is compared.
#[derive(Debug)]
pub(crate) enum Operand {
    /// `@…`, within the item.
    Here(Vec<Step>),
    /// `$…`, within what the path started at.
    Root(Vec<Step>),
    Literal(Value),
}

/// How it is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
    Contains,
    Size,
    Empty,
}

impl Filter {
    /// Whether `item` is taken.
    ///
    /// # Errors
    /// [`Miss::Exhausted`] only.
    pub(super) fn takes(&self, item: &Value, root: &Value, budget: &Budget) -> Result<bool, Miss> {
        match self {
            Self::Any(filters) => {
                for filter in filters {
                    if filter.takes(item, root, budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::All(filters) => {
                for filter in filters {
                    if !filter.takes(item, root, budget)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Not(filter) => Ok(!filter.takes(item, root, budget)?),
            Self::Exists(operand) => Ok(operand.read(item, root, budget)?.is_some()),
            Self::Compare(left, operator, right) => {
                let (left, right) = (
                    left.read(item, root, budget)?,
                    right.read(item, root, budget)?,
                );
                Ok(holds(left.as_deref(), *operator, right.as_deref()))
            }
        }
    }
}

impl Operand {
    fn read<'a>(
        &'a self,
        item: &'a Value,
        root: &'a Value,
        budget: &Budget,
    ) -> Result<Option<Cow<'a, Value>>, Miss> {
        let found = match self {
            Self::Here(steps) => select(steps, item, root, budget),
            Self::Root(steps) => select(steps, root, root, budget),
            Self::Literal(value) => return Ok(Some(Cow::Borrowed(value))),
        };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Miss::Exhausted) => Err(Miss::Exhausted),
            Err(Miss::Absent { .. } | Miss::OutOfRange(_)) => Ok(None),
        }
    }
}

/// Values of different types are only ever unequal.
fn holds(left: Option<&Value>, operator: Operator, right: Option<&Value>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return matches!(operator, Operator::NotEqual | Operator::NotIn);
    };
    let order = || match (left, right) {
        (Value::Number(l), Value::Number(r)) => l.as_f64()?.partial_cmp(&r.as_f64()?),
        (Value::String(l), Value::String(r)) => Some(l.cmp(r)),
        _ => None,
    };
    let within = |item: &Value, list: &Value| match (item, list) {
        (item, Value::Array(items)) => items.iter().any(|other| equal(item, other)),
        (Value::String(part), Value::String(text)) => text.contains(part.as_str()),
        _ => false,
    };
    match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::Less => order().is_some_and(|order| order.is_lt()),
        Operator::AtMost => order().is_some_and(|order| order.is_le()),
        Operator::Greater => order().is_some_and(|order| order.is_gt()),
        Operator::AtLeast => order().is_some_and(|order| order.is_ge()),
        Operator::In => within(left, right),
        Operator::NotIn => !within(left, right),
        Operator::Contains => within(right, left),
        Operator::Size => length(left).is_some() && length(left) == right.as_u64(),
        Operator::Empty => length(left).map(|length| length == 0) == right.as_bool(),
    }
}

fn length(value: &Value) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        _ => return None,
    };
    u64::try_from(length).ok()
}
