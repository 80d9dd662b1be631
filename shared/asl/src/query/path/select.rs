//! Follows the steps of a path through a value.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Miss, Step};
use crate::query::{Budget, shown};

/// What `steps` name in `from`; `root` is what filters call `$`.
pub(super) fn select<'a>(
    steps: &[Step],
    from: &'a Value,
    root: &'a Value,
    budget: &Budget,
) -> Result<Cow<'a, Value>, Miss> {
    let single = |step: &&Step| matches!(step, Step::Name(_) | Step::Index(_));
    let straight = steps.iter().take_while(single).count();
    let mut from = Ok(from);
    for at in 0..straight {
        from = from.and_then(|here| one(steps, at, here));
    }
    match &steps[straight..] {
        [] => from.map(Cow::Borrowed),
        [Step::Names(names)] => several(names, from?).map(Cow::Owned).ok_or_else(|| {
            let what = format!("Missing property in path {}", written(steps));
            Miss::Absent { at: straight, what }
        }),
        rest => {
            // What may be many may be none, even where the way there ends.
            let mut found: Vec<_> = from.into_iter().collect();
            for step in rest {
                found = spread(step, &found, root, budget)?;
            }
            let values = found.into_iter().cloned().collect();
            Ok(Cow::Owned(Value::Array(values)))
        }
    }
}

/// The one value that the step `at` leads to.
fn one<'a>(steps: &[Step], at: usize, here: &'a Value) -> Result<&'a Value, Miss> {
    let before = || written(&steps[..at]);
    let what = match (&steps[at], here) {
        (Step::Name(name), Value::Object(fields)) => match fields.get(name) {
            Some(field) => return Ok(field),
            None if at + 1 == steps.len() => {
                format!("No results for path: {}", written(&steps[..=at]))
            }
            None => format!("Missing property in path {}", written(&steps[..=at])),
        },
        (Step::Name(name), _) => format!(
            "Expected to find an object with property ['{name}'] in path {} but found {}",
            before(),
            kind(here)
        ),
        (Step::Index(index), Value::Array(items)) => {
            let item = place(*index, items.len()).map(|at| &items[at]);
            return item.ok_or_else(|| {
                let place = written(&steps[..=at]);
                Miss::OutOfRange(format!("No results for path: {place}"))
            });
        }
        (_, Value::Null) => format!("The path {} is null", before()),
        (step, other) => format!(
            "Filter: {} can only be applied to arrays. Current context is: {}",
            written(std::slice::from_ref(step)).trim_start_matches('$'),
            shown(other)
        ),
    };
    Err(Miss::Absent { at, what })
}

/// The fields called `names`, as an object of their own.
fn several(names: &[String], here: &Value) -> Option<Value> {
    let fields = here.as_object()?;
    let named = |name: &String| Some((name.clone(), fields.get(name)?.clone()));
    let merged: Map<_, _> = names.iter().filter_map(named).collect();
    Some(Value::Object(merged))
}

/// Everything one step leads to from every value of `from`; what is not there is left out.
fn spread<'a>(
    step: &Step,
    from: &[&'a Value],
    root: &Value,
    budget: &Budget,
) -> Result<Vec<&'a Value>, Miss> {
    let mut found = Vec::new();
    for here in from {
        let before = found.len();
        match (step, here) {
            (Step::Name(name), Value::Object(fields)) => found.extend(fields.get(name)),
            (Step::Names(names), Value::Object(fields)) => {
                found.extend(names.iter().filter_map(|name| fields.get(name)));
            }
            (Step::Index(index), Value::Array(items)) => {
                found.extend(place(*index, items.len()).map(|at| &items[at]));
            }
            (Step::Indices(all), Value::Array(items)) => {
                let places = all.iter().filter_map(|index| place(*index, items.len()));
                found.extend(places.map(|at| &items[at]));
            }
            (Step::Slice(from, to), Value::Array(items)) => {
                let (from, to) = (
                    bound(*from, 0, items.len()),
                    bound(*to, items.len(), items.len()),
                );
                found.extend(items.get(from..to).unwrap_or_default());
            }
            (Step::Wildcard, Value::Array(items)) => found.extend(items),
            (Step::Wildcard, Value::Object(fields)) => found.extend(fields.values()),
            (Step::Descend, here) => descend(here, &mut found, budget)?,
            (Step::Filter(filter), Value::Array(items)) => {
                for item in items {
                    budget.visit()?;
                    if filter.takes(item, root, budget)? {
                        found.push(item);
                    }
                }
            }
            (Step::Filter(filter), Value::Object(_)) if filter.takes(here, root, budget)? => {
                found.push(here);
            }
            _ => {}
        }
        for _ in before..found.len().max(before + 1) {
            budget.visit()?;
        }
    }
    Ok(found)
}

/// `value` and everything in it, from above to below.
fn descend<'a>(value: &'a Value, found: &mut Vec<&'a Value>, budget: &Budget) -> Result<(), Miss> {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        budget.visit()?;
        found.push(value);
        match value {
            Value::Array(items) => waiting.extend(items.iter().rev()),
            Value::Object(fields) => waiting.extend(fields.values().rev()),
            _ => {}
        }
    }
    Ok(())
}

/// The place of an index that may count from the end.
fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let at = if index < 0 {
        length.checked_add(index)?
    } else {
        index
    };
    usize::try_from(at).ok().filter(|_| at < length)
}

/// One end of a slice.
fn bound(end: Option<i64>, absent: usize, length: usize) -> usize {
    let Some(end) = end else {
        return absent;
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if end < 0 {
        length.saturating_add(end)
    } else {
        end
    };
    // From zero to the length.
    at.clamp(0, length) as usize
}

/// The steps in Jayway's own spelling.
fn written(steps: &[Step]) -> String {
    let mut text = "$".to_owned();
    for step in steps {
        // Writing to a text cannot fail.
        let _ = match step {
            Step::Name(name) => write!(text, "['{name}']"),
            Step::Names(names) => write!(text, "['{}']", names.join("','")),
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Indices(all) => {
                let all: Vec<_> = all.iter().map(ToString::to_string).collect();
                write!(text, "[{}]", all.join(","))
            }
            Step::Slice(from, to) => {
                let end = |end: &Option<i64>| end.map(|end| end.to_string()).unwrap_or_default();
                write!(text, "[{}:{}]", end(from), end(to))
            }
            Step::Wildcard => write!(text, "[*]"),
            Step::Descend => write!(text, ".."),
            Step::Filter(_) => write!(text, "[?]"),
        };
    }
    text
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
