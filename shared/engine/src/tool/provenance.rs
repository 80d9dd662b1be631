//! Where the arguments of a call come from: from people we serve and files we trust, or from the world outside.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::bot::{Bot, Tool, ToolKind};
use crate::model::{ChatMessage, ToolCall};
use crate::tool::SideEffectPolicy;
use crate::turn::{REMINDED, WANTED};

/// Words shorter than this say nothing of where a text comes from.
const SHORTEST_WORD: usize = 4;

/// Whether a call the model wants made needs a person's yes because of where its arguments come from: it cannot
/// be undone, as what a workflow does that it starts, and they derive from what nobody here vouches for.
#[must_use]
pub fn must_ask(bot: &Bot, call: &ToolCall, conversation: &[ChatMessage]) -> bool {
    bot.tools.get(&call.name).is_some_and(|tool| {
        let is_final = tool.side_effect == SideEffectPolicy::Irreversible
            || matches!(tool.kind, ToolKind::Workflow { .. });
        is_final && derives_from_untrusted(tool, &call.arguments, bot, conversation)
    })
}

/// Whether `arguments` of `tool` hold something that tools brought in from outside and that nobody we trust has
/// said: not the contact, not the bot's folder and not its tables.
///
/// Numbers, addresses and identifiers must be vouched for as soon as anything from outside is in sight, since
/// they may be made up from it. Words count when they occur outside and nowhere else. What the tool's own
/// schema lists to choose from, and truth values, come from the folder.
#[must_use]
pub fn derives_from_untrusted(
    tool: &Tool,
    arguments: &Value,
    bot: &Bot,
    conversation: &[ChatMessage],
) -> bool {
    let mut outside = Words::default();
    let mut trusted = Words::default();
    for message in conversation {
        match message {
            // A reminder's words are the model's own, and a goal's are a workflow's: either may have taken them from outside.
            ChatMessage::User { text } => {
                for line in text.lines() {
                    match line.starts_with(REMINDED) || line.starts_with(WANTED) {
                        true => outside.learn(line),
                        false => trusted.learn(line),
                    }
                }
            }
            ChatMessage::Tool {
                content, untrusted, ..
            } => {
                if *untrusted {
                    outside.learn(content);
                } else {
                    trusted.learn(content);
                }
            }
            // What the model wrote may repeat either.
            ChatMessage::Assistant { .. } => {}
        }
    }
    if outside.is_empty() {
        return false;
    }
    trusted.learn(&bot.soul.text);
    trusted.learn(bot.rules.as_deref().unwrap_or_default());
    for skill in bot.skills.values() {
        trusted.learn(&skill.description);
        trusted.learn(&skill.body);
    }
    trusted.learn(&tool.offer.description);
    trusted.learn(&tool.offer.parameters.to_string());
    let mut derived = false;
    leaves(arguments, &mut |text| {
        derived |= !vouched(text, &outside, &trusted);
    });
    derived
}

/// Calls `look` with every text and number in `value`, names of members included.
fn leaves(value: &Value, look: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => look(text),
        Value::Number(number) => look(&number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, look)),
        Value::Object(members) => {
            for (name, member) in members {
                look(name);
                leaves(member, look);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn vouched(text: &str, outside: &Words, trusted: &Words) -> bool {
    words(text).all(|word| {
        trusted.has(&word)
            || if is_plain(&word) {
                word.chars().count() < SHORTEST_WORD || !outside.has(&word)
            } else {
                false
            }
    })
}

/// Whether a word names nothing in particular: no digit, no sign of an address or a path.
fn is_plain(word: &str) -> bool {
    word.chars()
        .all(|c| c.is_alphabetic() || c == '\'' || c == '-')
}

/// The words of a text, in lower case, without the punctuation around them.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>'
            )
    };
    text.split(ends)
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, '.' | ':' | '!' | '?' | '\'' | '`' | '*' | '…'))
        })
        .filter(|word| !word.is_empty())
        .map(canonical)
}

/// A number is the same number however it is written.
fn canonical(word: &str) -> String {
    let bare = word.trim_start_matches(['$', '€', '£', '#', '+']);
    match bare.parse::<f64>() {
        Ok(number) if number.is_finite() && bare.len() < 16 && !bare.starts_with('0') => {
            number.to_string()
        }
        _ => bare.to_lowercase(),
    }
}

#[derive(Default)]
struct Words(BTreeSet<String>);

impl Words {
    fn learn(&mut self, text: &str) {
        self.0.extend(words(text));
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
