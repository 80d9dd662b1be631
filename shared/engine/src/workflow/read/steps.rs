//! Reads steps: what all of them may say.

use std::time::Duration;

use super::fields::{Fields, Source};
use super::{NAME_RULE, RESERVED, actions, is_name};
use crate::bot::problem::{did_you_mean, listed};
use crate::workflow::plan::{Block, Cache, Catch, Retry, Step};
use crate::workflow::template::Template;
use crate::yaml::{Entry, Node};

/// Fields that every step may have.
const COMMON: [&str; 6] = ["when", "needs", "retry", "catch", "timeout", "cache"];

/// The longest that one try of a step may take.
const MAX_TIMEOUT: Duration = Duration::from_secs(30 * 86_400);

/// The longest pause between tries: Step Functions' limit.
const MAX_INTERVAL: Duration = Duration::from_secs(31_622_400);

/// Reads steps by name, in the order they are written.
pub(super) fn block(source: &mut Source<'_>, node: &Node) -> Block {
    let Some(table) = source.table(node, "`steps`") else {
        return Block::default();
    };
    if table.entries.is_empty() {
        source.wrong(
            node.place,
            "there are no steps",
            "write `<name>:` and under it what the step does",
        );
    }
    let steps = table.entries.iter();
    Block(steps.filter_map(|entry| step(source, entry)).collect())
}

fn step(source: &mut Source<'_>, entry: &Entry) -> Option<Step> {
    let name = &entry.key;
    if !is_name(name) || RESERVED.contains(&name.as_str()) {
        source.wrong(
            entry.place,
            format!("`{name}` cannot name a step"),
            NAME_RULE,
        );
    }
    let fields = source.table(&entry.value, &format!("`{name}`"))?;
    let kinds: Vec<&Entry> = fields
        .entries
        .iter()
        .filter(|entry| actions::KINDS.contains(&entry.key.as_str()))
        .collect();
    let kind = match kinds.as_slice() {
        [kind] => *kind,
        [] => {
            let others = fields
                .entries
                .iter()
                .filter(|entry| !COMMON.contains(&entry.key.as_str()));
            let near = others.filter_map(|entry| {
                Some((
                    entry.place,
                    &entry.key,
                    did_you_mean(&entry.key, actions::KINDS)?,
                ))
            });
            let (place, what, hint) = match near.into_iter().next() {
                Some((place, key, hint)) => (
                    place,
                    format!("`{name}` has an unknown field `{key}`"),
                    hint,
                ),
                None => {
                    let kinds = listed(actions::KINDS);
                    (
                        entry.place,
                        format!("`{name}` says nothing to do"),
                        format!("add one of {kinds}"),
                    )
                }
            };
            source.wrong(place, what, hint);
            return None;
        }
        [_, second, ..] => {
            let what = format!(
                "`{name}` says two things to do: {}",
                listed(kinds.iter().map(|k| k.key.as_str()))
            );
            source.wrong(second.place, what, "make a step of each");
            return None;
        }
    };
    let (action, own) = actions::read(source, &fields, kind)?;
    let mut known: Vec<&str> = vec![&kind.key];
    known.extend(own.fields);
    known.extend(COMMON);
    fields.allow(source, &known);
    for field in own.refused {
        if fields.get(field).is_some() {
            let what = format!("`{field}` has no say in a step with `{}`", kind.key);
            source.wrong(
                fields.place_of(field),
                what,
                "put it on the steps inside, or remove it",
            );
        }
    }
    Some(Step {
        name: name.clone(),
        place: entry.place,
        when: fields
            .get("when")
            .and_then(|node| source.expression(node, "`when`")),
        needs: fields
            .get("needs")
            .map(|node| source.names(Some(node), "a name in `needs`")),
        retry: retry(source, &fields),
        catch: catch(source, &fields),
        timeout: fields.duration(source, "timeout", MAX_TIMEOUT),
        cache: cache(source, &fields),
        action,
    })
}

fn retry(source: &mut Source<'_>, step: &Fields<'_>) -> Option<Retry> {
    let fields = step.table(source, "retry")?;
    fields.allow(
        source,
        &[
            "max_attempts",
            "interval",
            "backoff",
            "max_interval",
            "jitter",
            "on",
        ],
    );
    let backoff = fields
        .get("backoff")
        .map(|node| (node.place, node.json().as_f64().unwrap_or_default()));
    if let Some((place, backoff)) = backoff
        && !(1.0..=10.0).contains(&backoff)
    {
        source.wrong(
            place,
            "`backoff` must be a number from 1 to 10",
            "write one, such as `2`",
        );
    }
    Some(Retry {
        max_attempts: fields.whole(source, "max_attempts", 1, 100).unwrap_or(3),
        interval: fields
            .duration(source, "interval", MAX_INTERVAL)
            .unwrap_or(Duration::from_secs(1)),
        backoff: backoff.map_or(2.0, |(_, backoff)| backoff),
        max_interval: fields
            .duration(source, "max_interval", MAX_INTERVAL)
            .unwrap_or(Duration::from_secs(60)),
        jitter: fields.flag(source, "jitter").unwrap_or(true),
        on: errors(source, fields.get("on")),
    })
}

fn catch(source: &mut Source<'_>, step: &Fields<'_>) -> Vec<Catch> {
    let Some(node) = step.get("catch") else {
        return Vec::new();
    };
    let items = match &node.value {
        crate::yaml::Yaml::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let mut catches: Vec<Catch> = Vec::new();
    for item in items {
        let Some(fields) = source.table(item, "a `catch`") else {
            continue;
        };
        fields.allow(source, &["on", "gives", "steps"]);
        if catches.last().is_some_and(|before| before.on.is_empty()) {
            source.wrong(
                item.place,
                "this `catch` is never reached: the one above takes every error",
                "move it up",
            );
        }
        catches.push(Catch {
            on: errors(source, fields.get("on")),
            gives: fields.get("gives").map(|node| source.template(node)),
            steps: fields
                .get("steps")
                .map_or_else(Block::default, |node| block(source, node)),
        });
    }
    catches
}

/// Names of errors, as the machine knows them.
fn errors(source: &mut Source<'_>, node: Option<&Node>) -> Vec<String> {
    let names = source.names(node, "an error's name");
    let machine = |(name, _): (String, _)| match name.as_str() {
        "Timeout" => "States.Timeout".to_owned(),
        _ => name,
    };
    names.into_iter().map(machine).collect()
}

fn cache(source: &mut Source<'_>, step: &Fields<'_>) -> Option<Cache> {
    let fields = step.table(source, "cache")?;
    fields.allow(source, &["key", "keep"]);
    let key = fields.need(
        source,
        "key",
        "say what equal outputs have in common, such as `${ $inputs.order }`",
    );
    let keep = fields.need(
        source,
        "keep",
        "say how long an output is good, such as `1h`",
    );
    Some(Cache {
        key: key.map_or(Template::Constant(serde_json::Value::Null), |node| {
            source.template(node)
        }),
        keep: keep
            .and_then(|node| source.duration(node, "`keep`", MAX_TIMEOUT))
            .unwrap_or(Duration::from_secs(1)),
    })
}
