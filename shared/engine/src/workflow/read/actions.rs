//! Reads what a step does: one kind each.

use std::time::Duration;

use serde_json::Value;

use super::converse::converse;
use super::fields::{Fields, Source};
use super::http::http;
use super::notify::notify;
use super::waits::{MAX_WAIT, wait};
use super::{NAME_RULE, is_name, is_taken, steps};
use crate::workflow::plan::{Action, Block, Rule};
use crate::workflow::template::Template;
use crate::yaml::{Entry, Node, Yaml};

/// The kinds of steps: the field that says what a step does.
pub(super) const KINDS: [&str; 14] = [
    "tool", "ask", "converse", "approve", "notify", "http", "wait", "choose", "each", "parallel",
    "repeat", "workflow", "set", "fail",
];

/// Fields of a step that calls something.
const CALLS: Own = Own {
    fields: &["with"],
    refused: &[],
};

/// Fields that go with a kind.
#[derive(Clone, Copy)]
pub(super) struct Own {
    /// Those it has beside the common ones.
    pub(super) fields: &'static [&'static str],
    /// The common ones that mean nothing to it.
    pub(super) refused: &'static [&'static str],
}

const fn own(fields: &'static [&'static str], refused: &'static [&'static str]) -> Own {
    Own { fields, refused }
}

/// What does not fail cannot be tried again or caught.
const PLAIN: &[&str] = &["retry", "catch", "timeout", "cache"];
const FANS_OUT: &[&str] = &["timeout", "cache"];

/// Reads the step's action, whose kind is said by the entry `kind`.
pub(super) fn read(
    source: &mut Source<'_>,
    step: &Fields<'_>,
    kind: &Entry,
) -> Option<(Action, Own)> {
    let value = &kind.value;
    Some(match kind.key.as_str() {
        "tool" => (
            Action::Tool {
                tool: source.text(value, "`tool`")?.to_owned(),
                place: value.place,
                with: source.templates(step.get("with"), "`with`"),
            },
            CALLS,
        ),
        "ask" => (ask(source, step, value)?, own(&["system", "answer"], &[])),
        "converse" => (
            converse(source, step, value)?,
            own(&["goal", "answer"], &["retry", "cache"]),
        ),
        "approve" => (
            approve(source, step, value)?,
            own(
                &["role", "needed", "expires", "details"],
                &["retry", "timeout", "cache"],
            ),
        ),
        "notify" => (
            notify(source, step, value)?,
            own(&["text", "class", "acknowledge", "escalate"], &["cache"]),
        ),
        "http" => (http(source, value)?, own(&[], &[])),
        "wait" => {
            let action = wait(source, value)?;
            let refused = match action {
                Action::Await { .. } => &["retry", "cache"],
                _ => PLAIN,
            };
            (action, own(&[], refused))
        }
        "choose" => (choose(source, value)?, own(&[], PLAIN)),
        "each" => (
            each(source, step, value)?,
            own(&["as", "at_once", "steps", "gives"], FANS_OUT),
        ),
        "parallel" => (parallel(source, value)?, own(&[], FANS_OUT)),
        "repeat" => (
            repeat(source, step, value)?,
            own(&["until", "at_most", "pause"], PLAIN),
        ),
        "workflow" => (
            Action::Workflow {
                workflow: source.text(value, "`workflow`")?.to_owned(),
                place: value.place,
                with: source.templates(step.get("with"), "`with`"),
            },
            own(&["with"], &["cache"]),
        ),
        "set" => (Action::Set(source.template(value)), own(&[], PLAIN)),
        _ => (fail(source, value)?, own(&[], PLAIN)),
    })
}

fn ask(source: &mut Source<'_>, step: &Fields<'_>, prompt: &Node) -> Option<Action> {
    source.text(prompt, "`ask`")?;
    let answer = step.get("answer").and_then(|node| answer(source, node));
    Some(Action::Ask {
        prompt: source.template(prompt),
        system: step.get("system").map(|node| source.template(node)),
        answer,
    })
}

/// A JSON Schema, or a table of field names and types, which is short for one.
pub(super) fn answer(source: &mut Source<'_>, node: &Node) -> Option<Value> {
    let fields = source.table(node, "`answer`")?;
    let schema = node.json();
    let is_schema = ["$schema", "properties", "anyOf", "oneOf", "enum"];
    if is_schema.iter().any(|key| schema.get(key).is_some()) {
        if let Err(error) = jsonschema::options().offline().build(&schema) {
            source.wrong(
                node.place,
                format!("`answer` is no JSON Schema: {error}"),
                "see https://json-schema.org",
            );
        }
        return Some(schema);
    }
    let mut properties = serde_json::Map::new();
    for entry in fields.entries {
        let property = match &entry.value.value {
            Yaml::Scalar { text, .. } => match text.as_str() {
                "list" => serde_json::json!({ "type": "array" }),
                "any" => serde_json::json!({}),
                "string" | "integer" | "number" | "boolean" | "object" => {
                    serde_json::json!({ "type": text })
                }
                _ => {
                    let what = format!("`{text}` is no type");
                    let hint =
                        "write `string`, `integer`, `number`, `boolean`, `list`, `object` or `any`";
                    source.wrong(entry.value.place, what, hint);
                    continue;
                }
            },
            Yaml::List(_) => serde_json::json!({ "enum": entry.value.json() }),
            Yaml::Table(_) => entry.value.json(),
        };
        properties.insert(entry.key.clone(), property);
    }
    let required: Vec<&String> = properties.keys().collect();
    Some(serde_json::json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    }))
}

fn approve(source: &mut Source<'_>, step: &Fields<'_>, question: &Node) -> Option<Action> {
    source.text(question, "`approve`")?;
    let role = step.need(
        source,
        "role",
        "name a role that people.toml gives to somebody, such as `role: manager`",
    );
    let question = source.template(question);
    let details = step.get("details").map(|node| source.template(node));
    let needed = step.whole(source, "needed", 1, 2).unwrap_or(1);
    let expires = step
        .duration(source, "expires", MAX_WAIT)
        .unwrap_or(Duration::from_secs(86_400));
    let role = role?;
    Some(Action::Approve {
        question,
        role: source.text(role, "`role`")?.to_owned(),
        place: role.place,
        needed,
        expires,
        details: details.unwrap_or_else(|| Template::Constant(serde_json::json!({}))),
    })
}

fn choose(source: &mut Source<'_>, node: &Node) -> Option<Action> {
    let items = source.list(node, "`choose`")?;
    let mut rules: Vec<Rule> = Vec::new();
    for item in items {
        let Some(fields) = source.table(item, "a way of `choose`") else {
            continue;
        };
        fields.allow(source, &["when", "steps"]);
        if rules.last().is_some_and(|before| before.when.is_none()) {
            source.wrong(
                item.place,
                "this way is never taken: the one above has no `when`",
                "move it up",
            );
        }
        let hint = "say what is done; the last way may leave `when` out";
        rules.push(Rule {
            when: fields
                .get("when")
                .and_then(|node| source.expression(node, "`when`")),
            steps: match fields.need(source, "steps", hint) {
                Some(node) => steps::block(source, node),
                None => Block::default(),
            },
        });
    }
    if rules.is_empty() {
        source.wrong(
            node.place,
            "there is no way to choose",
            "write `- when: …` with `steps:` under it",
        );
    }
    if let [Rule { when: None, .. }] = rules.as_slice() {
        source.wrong(
            node.place,
            "there is nothing to choose: the only way has no `when`",
            "add `when`",
        );
    }
    Some(Action::Choose(rules))
}

fn each(source: &mut Source<'_>, step: &Fields<'_>, items: &Node) -> Option<Action> {
    let variable = step.text(source, "as").unwrap_or_else(|| "item".to_owned());
    if !is_name(&variable) || is_taken(&variable) {
        source.wrong(
            step.place_of("as"),
            format!("`${variable}` cannot name an item"),
            NAME_RULE,
        );
    }
    let block = step.need(source, "steps", "say what is done with every item");
    Some(Action::Each {
        items: source.expression(items, "`each`")?,
        variable,
        at_once: step.whole(source, "at_once", 1, 40).unwrap_or(1),
        steps: block.map_or_else(Block::default, |node| steps::block(source, node)),
        gives: step.get("gives").map(|node| source.template(node)),
    })
}

fn parallel(source: &mut Source<'_>, node: &Node) -> Option<Action> {
    let table = source.table(node, "`parallel`")?;
    if table.entries.len() < 2 {
        source.wrong(
            node.place,
            "there is nothing to do at the same time",
            "name two blocks of steps or more",
        );
    }
    let mut branches = Vec::new();
    for entry in table.entries {
        branches.push((entry.key.clone(), steps::block(source, &entry.value)));
    }
    Some(Action::Parallel(branches))
}

fn repeat(source: &mut Source<'_>, step: &Fields<'_>, block: &Node) -> Option<Action> {
    let until = step.need(
        source,
        "until",
        "say when it is enough, such as `$steps.poll.done`",
    );
    let steps = steps::block(source, block);
    if step.get("at_most").is_none() {
        source.wrong(
            step.place,
            "`at_most` is missing",
            "say how often at most, such as `at_most: 10`",
        );
    }
    Some(Action::Repeat {
        steps,
        until: source.expression(until?, "`until`")?,
        at_most: step.whole(source, "at_most", 1, 1000).unwrap_or(1),
        pause: step.duration(source, "pause", MAX_WAIT),
    })
}

fn fail(source: &mut Source<'_>, node: &Node) -> Option<Action> {
    if let Yaml::Scalar { .. } = node.value {
        return Some(Action::Fail {
            error: "Failed".to_owned(),
            cause: source.template(node),
        });
    }
    let fields = source.table(node, "`fail`")?;
    fields.allow(source, &["error", "cause"]);
    let cause = fields.need(source, "cause", "say why, for who reads it");
    Some(Action::Fail {
        error: fields
            .text(source, "error")
            .unwrap_or_else(|| "Failed".to_owned()),
        cause: cause.map_or(Template::Constant(Value::from("")), |node| {
            source.template(node)
        }),
    })
}
