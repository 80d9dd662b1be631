//! Reads what a step waits for: time, or an event.

use std::time::Duration;

use super::fields::{Fields, Source};
use crate::bus;
use crate::workflow::plan::{Action, Wait};
use crate::yaml::{Node, Yaml};

/// The longest time a question stands or a step waits.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(365 * 86_400);

/// What a step waits for.
pub(super) fn wait(source: &mut Source<'_>, node: &Node) -> Option<Action> {
    if let Yaml::Scalar { text, .. } = &node.value {
        let wait = match text.trim().starts_with("${") {
            true => source.expression(node, "`wait`").map(Wait::Seconds),
            false => source.duration(node, "`wait`", MAX_WAIT).map(Wait::For),
        };
        return wait.map(Action::Wait);
    }
    let fields = source.table(node, "`wait`")?;
    match (fields.get("for"), fields.get("until"), fields.get("event")) {
        (Some(length), None, None) => {
            fields.allow(source, &["for"]);
            let length = source.duration(length, "`for`", MAX_WAIT);
            length.map(|length| Action::Wait(Wait::For(length)))
        }
        (None, Some(time), None) => {
            fields.allow(source, &["until"]);
            let time = source.expression(time, "`until`");
            time.map(|time| Action::Wait(Wait::Until(time)))
        }
        (None, None, Some(event)) => awaited(source, &fields, event),
        _ => {
            source.wrong(
                node.place,
                "a `wait` has one of `for`, `until` and `event`",
                "write `wait: 10m`",
            );
            None
        }
    }
}

fn awaited(source: &mut Source<'_>, fields: &Fields<'_>, event: &Node) -> Option<Action> {
    fields.allow(source, &["event", "where"]);
    Some(Action::Await {
        event: event_name(source, event)?,
        place: event.place,
        equals: source.templates(fields.get("where"), "`where`"),
    })
}

/// What an event is called.
pub(super) fn event_name(source: &mut Source<'_>, node: &Node) -> Option<String> {
    let name = source.text(node, "`event`")?;
    if !bus::is_name(name) {
        let what = format!("an event cannot be called `{name}`");
        source.wrong(node.place, what, bus::NAME_RULE);
        return None;
    }
    Some(name.to_owned())
}
