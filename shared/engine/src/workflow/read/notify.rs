//! Reads what a step tells people.

use std::time::Duration;

use super::fields::{Fields, Source};
use crate::notify::Class;
use crate::workflow::plan::{Action, Notification};
use crate::yaml::{Node, Yaml};

/// The longest time a sign is waited for.
const MAX_SIGN: Duration = Duration::from_secs(30 * 86_400);

/// How long before the next way is taken when something is urgent and nobody gives a sign.
const LADDER: [Duration; 3] = [
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(300),
];

/// Whom a step tells, what, and whether a sign is waited for.
pub(super) fn notify(source: &mut Source<'_>, step: &Fields<'_>, to: &Node) -> Option<Action> {
    let text = step.need(source, "text", "say what they are told");
    let text = text.map(|node| source.template(node));
    let classes = [
        ("urgent", Class::Urgent),
        ("important", Class::Important),
        ("informative", Class::Informative),
        ("ambient", Class::Ambient),
    ];
    let class = step
        .get("class")
        .and_then(|node| source.choice(node, "`class`", &classes));
    let class = class.unwrap_or(Class::Important);
    let acknowledge = step.duration(source, "acknowledge", MAX_SIGN);
    let escalate = match step.get("escalate") {
        Some(node) => escalate(source, node),
        None if class == Class::Urgent => LADDER.to_vec(),
        None => Vec::new(),
    };
    let alone = |field| step.get(field).is_some() && step.get("acknowledge").is_none();
    if alone("escalate") {
        source.wrong(
            step.place_of("escalate"),
            "`escalate` is for as long as nobody gives a sign, and none is waited for",
            "say how long it is waited for, such as `acknowledge: 30m`",
        );
    }
    if acknowledge.is_some() && step.get("timeout").is_some() {
        source.wrong(
            step.place_of("timeout"),
            "`acknowledge` says already how long this step waits",
            "remove `timeout`",
        );
    }
    Some(Action::Notify(Notification {
        to: source.text(to, "`notify`")?.to_owned(),
        place: to.place,
        class,
        text: text?,
        acknowledge,
        escalate,
    }))
}

/// How long before the next way is taken: `5m`, or a list of such lengths.
fn escalate(source: &mut Source<'_>, node: &Node) -> Vec<Duration> {
    let steps = match &node.value {
        Yaml::List(_) => source.list(node, "`escalate`").unwrap_or_default(),
        _ => std::slice::from_ref(node),
    };
    let steps = steps.iter();
    steps
        .filter_map(|step| source.duration(step, "a step of `escalate`", MAX_SIGN))
        .collect()
}
