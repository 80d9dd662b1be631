//! The key under which an effect happens at most once.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::bot::Tool;
use crate::session::hash64;

/// The intent of calling `tool` with `arguments` in turn group `group`: `<tool>#<group>#<16 hex digits>`.
///
/// The digits hash the business key's arguments, or all of them, in canonical form. Never the model's own
/// call id: a turn that is thought again mints new ones.
#[must_use]
pub fn intent_key(tool: &Tool, arguments: &Value, group: u64) -> String {
    let named: BTreeMap<&str, &Value> = match arguments {
        Value::Object(members) if !tool.business_key.is_empty() => tool
            .business_key
            .iter()
            .filter_map(|name| Some((name.as_str(), members.get(name)?)))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect(),
        _ => BTreeMap::new(),
    };
    let mut canonical = String::new();
    for (name, value) in named {
        write_canonical(&Value::String(name.to_owned()), &mut canonical);
        canonical.push(':');
        write_canonical(value, &mut canonical);
        canonical.push(',');
    }
    format!("{}#{group}#{:016x}", tool.offer.name, hash64(&[&canonical]))
}

/// `value` as JSON with sorted member names and no spaces: the same value is the same text.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

/// What the intents of undoing begin with; the intent of what is undone follows.
pub(crate) const UNDO: &str = "undo~";

/// The key that a provider is given for `intent`.
///
/// A call that may be repeated keeps its first key however often the model tries it: a try that seemed to
/// fail may have happened.
#[must_use]
pub fn provider_key<'a>(tool: &Tool, intent: &'a str) -> &'a str {
    if intent.starts_with(UNDO) {
        return intent;
    }
    let is_try = |again: &str| again.bytes().all(|digit| digit.is_ascii_digit());
    match intent.rsplit_once('~') {
        Some((first, again)) if tool.side_effect.is_repeatable() && is_try(again) => first,
        _ => intent,
    }
}

/// JSON with sorted member names and no spaces.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            out.push('{');
            for (at, (name, member)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(&Value::String(name.clone()), out);
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        // A number that passed through a state machine may have lost the zero after its point.
        Value::Number(number) => match number.as_f64().and_then(whole) {
            Some(whole) if number.is_f64() => out.push_str(&whole.to_string()),
            _ => out.push_str(&number.to_string()),
        },
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// A number without a fraction, as far as both ways to write it say the same.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}
