//! Reads what starts a workflow.

use std::time::Duration;

use super::fields::{Fields, Source};
use super::waits::event_name;
use crate::bot::is_secret_name;
use crate::bot::problem::{did_you_mean, listed};
use crate::schedule::{Missed, Schedule};
use crate::workflow::trigger::{Trigger, TriggerKind};
use crate::yaml::{Entry, Node, Yaml};

const KINDS: [&str; 3] = ["schedule", "event", "webhook"];

/// The longest that starts are spread over.
const MAX_JITTER: Duration = Duration::from_secs(86_400);

/// Reads `on`: one trigger, or a list of them. Starting by hand needs none.
pub(super) fn read(source: &mut Source<'_>, node: Option<&Node>) -> Vec<Trigger> {
    let Some(node) = node else {
        return Vec::new();
    };
    let items = match &node.value {
        Yaml::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    items
        .iter()
        .filter_map(|item| trigger(source, item))
        .collect()
}

fn trigger(source: &mut Source<'_>, node: &Node) -> Option<Trigger> {
    let fields = source.table(node, "a trigger in `on`")?;
    let kind = fields
        .entries
        .iter()
        .find(|entry| KINDS.contains(&entry.key.as_str()));
    let Some(kind) = kind else {
        let written = fields
            .entries
            .first()
            .map_or("", |entry| entry.key.as_str());
        let hint = did_you_mean(written, KINDS);
        let hint = hint.unwrap_or_else(|| format!("write one of {}", listed(KINDS)));
        source.wrong(node.place, "this trigger does not say when it fires", hint);
        return None;
    };
    let kind = match kind.key.as_str() {
        "schedule" => schedule(source, &fields, kind)?,
        "event" => {
            fields.allow(source, &["event", "filter", "with"]);
            TriggerKind::Event {
                name: event_name(source, &kind.value)?,
                filter: fields
                    .get("filter")
                    .and_then(|node| source.expression(node, "`filter`")),
            }
        }
        _ => {
            let webhook = source.table(&kind.value, "`webhook`")?;
            webhook.allow(source, &["secret", "event"]);
            fields.allow(source, &["webhook", "with"]);
            let secret = webhook.need(source, "secret", "name the secret that signs the requests");
            let secret = source.text(secret?, "`secret`")?;
            if !is_secret_name(secret) {
                let what = "`secret` must be the name of a secret, such as `HOOK_SECRET`";
                source.wrong(
                    webhook.place_of("secret"),
                    what,
                    "put the secret itself into the secrets file",
                );
            }
            let event = webhook.get("event");
            TriggerKind::Webhook {
                secret: secret.to_owned(),
                event: event.and_then(|node| event_name(source, node)),
            }
        }
    };
    Some(Trigger {
        place: node.place,
        kind,
        with: source.templates(fields.get("with"), "`with`"),
    })
}

fn schedule(source: &mut Source<'_>, fields: &Fields<'_>, entry: &Entry) -> Option<TriggerKind> {
    fields.allow(
        source,
        &["schedule", "timezone", "jitter", "missed", "with"],
    );
    let text = source.text(&entry.value, "`schedule`")?;
    let zone = fields
        .text(source, "timezone")
        .unwrap_or_else(|| "UTC".to_owned());
    let missed = [
        ("once", Missed::Once),
        ("all", Missed::All),
        ("skip", Missed::Skip),
    ];
    let missed = fields
        .get("missed")
        .and_then(|node| source.choice(node, "`missed`", &missed));
    let jitter = fields.duration(source, "jitter", MAX_JITTER);
    match Schedule::parse(text, &zone) {
        Ok(schedule) => Some(TriggerKind::Schedule {
            schedule,
            jitter: jitter.unwrap_or_default(),
            missed: missed.unwrap_or_default(),
        }),
        Err(what) => {
            let hint = "write `55 6 * * *` for 06:55 every day, or `rate(5 minutes)`";
            source.wrong(
                entry.value.place,
                format!("`{text}` cannot be a schedule: {what}"),
                hint,
            );
            None
        }
    }
}
