//! How long a contact's message waits for the next one before a turn takes both.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::Channel;

#[cfg(test)]
mod tests;

/// Whether a contact's messages wait for each other before a turn takes them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// No: a message is thought about at once.
    #[default]
    Off,
    /// As long as the message, the contact's habits and the last reply make another one likely.
    Adaptive,
    /// So many milliseconds after the latest message.
    FixedMillis(#[schemars(range(min = 1, max = 10_000))] u64),
}

/// What the contact will probably do after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Tell something the bot has asked for, perhaps in several messages.
    AwaitsField,
    /// Say more.
    ExpectsFollowUp,
}

/// What a window is measured by.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Where it was said.
    pub channel: Channel,
    /// The latest message.
    pub text: &'a str,
    /// How many messages wait, this one included.
    pub messages: usize,
    /// Earlier pauses between messages that were taken together, in milliseconds.
    pub pauses: &'a [u64],
    /// What the last reply lets expect.
    pub hint: Option<Hint>,
}

impl<'a> Said<'a> {
    /// A message of which nothing else is known.
    #[must_use]
    pub fn alone(channel: Channel, text: &'a str) -> Self {
        Self {
            channel,
            text,
            messages: 1,
            pauses: &[],
            hint: None,
        }
    }
}

/// The most windows before one turn.
pub const WINDOWS: u32 = 3;

/// How long after its oldest message a turn begins at the latest.
pub const LONGEST: Duration = Duration::from_secs(10);

/// The shortest and the longest adaptive window, in milliseconds.
const SHORTEST: u64 = 200;
const WIDEST: u64 = 3000;

/// Fewer pauses than these say nothing of a contact's habits.
const SAMPLES: usize = 5;

const GREETINGS: [&str; 10] = [
    "hi",
    "hello",
    "hey",
    "hiya",
    "good morning",
    "good afternoon",
    "good evening",
    "morning",
    "afternoon",
    "evening",
];

impl Window {
    /// How long after the latest message the turn waits; nothing when it does not.
    #[must_use]
    pub fn wait(self, said: Said<'_>) -> Option<Duration> {
        let millis = match self {
            Self::Off => return None,
            Self::FixedMillis(millis) => millis,
            Self::Adaptive => adaptive(said),
        };
        Some(Duration::from_millis(millis))
    }
}

fn adaptive(said: Said<'_>) -> u64 {
    let text = said.text.trim().to_lowercase();
    let mut millis = base(said.channel) + shape(&text);
    if is_complete(&text) {
        millis = millis.saturating_sub(300).max(SHORTEST);
    }
    if said.pauses.len() >= SAMPLES {
        let habit = u64::midpoint(percentile(said.pauses, 50), percentile(said.pauses, 95));
        millis = (6 * millis + 4 * habit.min(60_000)) / 10;
    }
    millis += match said.hint {
        Some(Hint::AwaitsField) => 1000,
        Some(Hint::ExpectsFollowUp) => 500,
        None => 0,
    };
    for _ in 1..said.messages.min(64) {
        millis = millis * 4 / 5;
    }
    millis.clamp(SHORTEST, WIDEST)
}

fn base(channel: Channel) -> u64 {
    match channel {
        Channel::Whatsapp => 1200,
        Channel::Sms => 800,
        Channel::Web | Channel::Run => 600,
    }
}

/// What the shape of a message adds.
fn shape(text: &str) -> u64 {
    let bare = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let words = text.split_whitespace().count();
    if GREETINGS.contains(&bare) {
        500
    } else if ["...", "…", ",", "-", ":"]
        .iter()
        .any(|end| text.ends_with(end))
    {
        400
    } else if names_nothing(text) {
        600
    } else if words < 3 && !is_complete(text) {
        200
    } else {
        0
    }
}

/// Whether the text ends where a number should follow, as in `my order #`.
fn names_nothing(text: &str) -> bool {
    let open = text.trim_end_matches('#').trim_end();
    let last = open.split(|c: char| !c.is_alphanumeric()).next_back();
    matches!(last, Some("order" | "ticket" | "case" | "id"))
}

/// Whether the contact has said that this was all.
fn is_complete(text: &str) -> bool {
    let trails = text.ends_with("...");
    let polite = ["please", "thanks", "thank you"].iter().any(|end| {
        let before = text.strip_suffix(end);
        before.is_some_and(|before| !before.ends_with(char::is_alphanumeric))
    });
    polite || (!trails && text.ends_with(['.', '?', '!']))
}

/// The value at or below which `percent` of `values` lie, by nearest rank.
fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
