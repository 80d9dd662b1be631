//! `[reminder]`: a tool by which a bot says something later.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bot::document::Document;
use crate::bot::format::Kind;
use crate::bot::reader::Reader;
use crate::reminder::FURTHEST;

/// How a tool reminds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReminderTable {
    /// Whether nothing is said when the contact has written meanwhile: for following up on what they leave open.
    #[serde(default)]
    unless_reply: bool,
    /// The time zone of contacts who are not in people.toml with their own, such as `Europe/Lisbon`; UTC when absent.
    timezone: Option<String>,
}

/// How a tool reminds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReminderRule {
    /// Whether nothing is said when the contact has written meanwhile.
    pub unless_reply: bool,
    /// The time zone of contacts whose own is not known; UTC when absent.
    pub timezone: Option<String>,
}

/// The rule that is written, or the usual one.
pub(super) fn rule(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    table: Option<ReminderTable>,
) -> ReminderRule {
    let ReminderTable {
        unless_reply,
        timezone,
    } = table.unwrap_or_default();
    if let Some(name) = &timezone
        && jiff::tz::TimeZone::get(name).is_err()
    {
        let what = format!("there is no time zone `{name}`");
        let problem = document.problem("/reminder/timezone", what);
        reader
            .problems
            .push(problem.hint("write one such as `Europe/Lisbon`"));
    }
    ReminderRule {
        unless_reply,
        timezone,
    }
}

/// The parameters of a tool: those written, or a reminder's; nothing when they are missing, which was told.
pub(super) fn parameters(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    kind: Kind,
    written: Option<Map<String, Value>>,
) -> Option<Map<String, Value>> {
    if kind != Kind::Reminder {
        return written;
    }
    if written.is_some() {
        let problem = document
            .problem("/parameters", "a reminder's arguments are always the same")
            .hint("remove `[parameters]`: the arguments are `text`, and `at` or `in_seconds`");
        reader.problems.push(problem);
    }
    let fixed = json!({
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {
                "type": "string",
                "minLength": 1,
                "maxLength": 1000,
                "description": "What is to be said then, with all that you need to know to say it.",
            },
            "at": {
                "type": "string",
                "minLength": 1,
                "maxLength": 40,
                "description": "When: RFC 3339 with the offset from UTC, such as 2026-03-04T09:00:00+01:00. Give this or in_seconds.",
            },
            "in_seconds": {
                "type": "integer",
                "minimum": 1,
                "maximum": FURTHEST.as_secs(),
                "description": "In how many seconds. Give this or at.",
            },
        },
    });
    match fixed {
        Value::Object(fixed) => Some(fixed),
        _ => None,
    }
}
