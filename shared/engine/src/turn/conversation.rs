//! The conversation as the brain sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::bot::{Bot, Tool};
use crate::goal::{self, Goal};
use crate::model::{ChatMessage, ToolCall};
use crate::session::Origin;
use crate::transcript::{Decision, PlannedCall, Taken, ToolResult, Truth, Turn, TurnRecord};

/// Earlier turns, oldest first.
pub(super) fn of_turns(
    turns: &[Turn],
    results: &BTreeMap<String, ToolResult>,
    bot: &Bot,
) -> Vec<ChatMessage> {
    let mut conversation = Vec::new();
    for turn in turns {
        conversation.extend(of_rounds(&turn.rounds, results, bot));
        if let Some(text) = turn.reply() {
            conversation.push(ChatMessage::Assistant {
                text: spoken(&turn.last().decision, text),
                calls: Vec::new(),
            });
        }
    }
    conversation
}

/// A reply as the brain sees it later: it must not take a person's words for its own.
fn spoken(decision: &Decision, text: &str) -> String {
    match decision {
        Decision::Reply { by: Some(name), .. } => {
            format!("[{name}, a person of our team, wrote:] {text}")
        }
        _ => text.to_owned(),
    }
}

/// What the contact wrote, or what else came in, as one message.
pub(super) fn of_messages(messages: &[Taken]) -> Option<ChatMessage> {
    let fresh: Vec<Cow<'_, str>> = messages
        .iter()
        .filter(|taken| !taken.repeat)
        .filter_map(heard)
        .collect();
    (!fresh.is_empty()).then(|| ChatMessage::User {
        text: fresh.join("\n"),
    })
}

/// What the brain knows an answer of approvers by; no contact's words keep it.
const ANSWERED: &str = "[approval]";

/// What the brain knows news of an effect by that nobody had seen; no contact's words keep it.
const KNOWN: &str = "[outcome]";

/// What the brain knows by what it meant to say later; no contact's words keep it.
pub(crate) const REMINDED: &str = "[reminder]";

/// What the brain knows by what a workflow wants of the conversation; no contact's words keep it.
pub(crate) const WANTED: &str = "[goal]";

/// What the marks are in a contact's words.
const UNMARKED: [(&str, &str); 4] = [
    (ANSWERED, "(approval)"),
    (KNOWN, "(outcome)"),
    (REMINDED, "(reminder)"),
    (WANTED, "(goal)"),
];

/// Adds, before all else, what says which goals are open where that was said too long ago to be remembered.
pub(super) fn keep_in_sight(conversation: &mut Vec<ChatMessage>, goals: &[Goal]) {
    let said: Vec<String> = goals
        .iter()
        .filter(|goal| goal.is_open())
        .map(|goal| format!("{WANTED} {}", goal::letter(goal)))
        .filter(|letter| {
            let here = |message: &ChatMessage| matches!(message, ChatMessage::User { text } if text.lines().any(|line| line == letter));
            !conversation.iter().any(here)
        })
        .collect();
    if !said.is_empty() {
        let text = said.join("\n");
        conversation.insert(0, ChatMessage::User { text });
    }
}

/// A message as the brain hears it. What did not come from the contact is not to be taken for their words.
fn heard(taken: &Taken) -> Option<Cow<'_, str>> {
    match &taken.origin {
        Origin::Contact => {
            let mut text = Cow::Borrowed(taken.text.as_str());
            for (mark, plain) in UNMARKED {
                if text.contains(mark) {
                    text = Cow::Owned(text.replace(mark, plain));
                }
            }
            Some(text)
        }
        Origin::Approval { .. } => Some(Cow::Owned(format!("{ANSWERED} {}", taken.text))),
        Origin::Outcome { .. } => Some(Cow::Owned(format!("{KNOWN} {}", taken.text))),
        Origin::Reminder { .. } => Some(Cow::Owned(format!("{REMINDED} {}", taken.text))),
        Origin::Goal { .. } => Some(Cow::Owned(format!("{WANTED} {}", taken.text))),
        Origin::Person { .. } | Origin::Notice => None,
    }
}

/// Rounds with the messages they took and the tool calls they made, with what these came to.
pub(super) fn of_rounds(
    rounds: &[Arc<TurnRecord>],
    results: &BTreeMap<String, ToolResult>,
    bot: &Bot,
) -> Vec<ChatMessage> {
    let mut conversation = Vec::new();
    for round in rounds {
        conversation.extend(of_messages(&round.messages));
        let Decision::Tools { text, calls, .. } = &round.decision else {
            continue;
        };
        conversation.push(ChatMessage::Assistant {
            text: text.clone(),
            calls: calls.iter().map(as_made).collect(),
        });
        for call in calls {
            let content = content(results.get(&call.intent));
            conversation.push(ChatMessage::Tool {
                call: call.id.clone(),
                name: call.tool.clone(),
                content: shortened(content.to_string(), bot.limits.tool_result_chars),
                untrusted: bot.tools.get(&call.tool).is_none_or(Tool::is_untrusted),
            });
        }
    }
    conversation
}

/// What a call came to, with what became known of it later.
fn content(result: Option<&ToolResult>) -> Value {
    let Some(result) = result else {
        return json!({ "not_made": "the contact wrote again before" });
    };
    match result.settled.as_ref().map(|settled| &settled.truth) {
        None => result.content.clone(),
        Some(Truth::Happened { result }) => {
            json!({ "settled": "a person found out that this happened", "result": result })
        }
        Some(Truth::DidNot) => {
            json!({ "settled": "a person found out that this did not happen" })
        }
    }
}

fn as_made(call: &PlannedCall) -> ToolCall {
    ToolCall {
        id: call.id.clone(),
        name: call.tool.clone(),
        arguments: call.arguments.clone(),
    }
}

fn shortened(mut text: String, limit: usize) -> String {
    if let Some((at, _)) = text.char_indices().nth(limit) {
        text.truncate(at);
        text.push_str(" [cut]");
    }
    text
}
