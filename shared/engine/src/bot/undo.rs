//! `[undo]`: the tool that takes back what another has done.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::bot::document::Document;
use crate::bot::problem::{did_you_mean, listed};
use crate::bot::reader::Reader;
use crate::bot::tools::{self, Declared};
use crate::bot::wording::escape;
use crate::bot::{Tool, address};
use crate::tool::SideEffectPolicy;

/// How a call is undone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UndoTable {
    /// The tool that undoes it; itself not `compensatable`.
    pub(super) tool: String,
    /// What that tool is called with. In a text, `{argument:/name}` stands for an argument of the call that is
    /// undone and `{result:/name}` for a part of its answer; both are JSON pointers. A text that is nothing but
    /// one of them is the value itself.
    #[serde(default)]
    pub(super) arguments: Map<String, Value>,
}

/// How a call is undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// The tool that undoes it.
    pub tool: String,
    arguments: Map<String, Value>,
}

impl From<UndoTable> for Undo {
    fn from(table: UndoTable) -> Self {
        Self {
            tool: table.tool,
            arguments: table.arguments,
        }
    }
}

/// A part of the call that is undone, or of its answer.
enum Hole<'t> {
    Argument(&'t str),
    Answer(&'t str),
}

impl<'t> Hole<'t> {
    fn parse(name: &'t str) -> Option<Self> {
        let (whose, pointer) = name.split_once(':')?;
        let pointed = pointer.is_empty() || pointer.starts_with('/');
        match whose {
            "argument" if pointed => Some(Self::Argument(pointer)),
            "result" if pointed => Some(Self::Answer(pointer)),
            _ => None,
        }
    }

    fn value<'v>(&self, called: &'v Value, answer: &'v Value) -> Option<&'v Value> {
        match self {
            Self::Argument(pointer) => called.pointer(pointer),
            Self::Answer(pointer) => answer.pointer(pointer),
        }
    }
}

impl Undo {
    /// What to call [`Undo::tool`] with, to undo a call with the arguments `called` and its `answer`. What
    /// cannot be told is left out.
    #[must_use]
    pub fn arguments(&self, called: &Value, answer: &Value) -> Value {
        let filled = self
            .arguments
            .iter()
            .filter_map(|(name, template)| Some((name.clone(), fill(template, called, answer)?)));
        Value::Object(filled.collect())
    }
}

fn fill(template: &Value, called: &Value, answer: &Value) -> Option<Value> {
    match template {
        Value::String(text) => fill_text(text, called, answer),
        Value::Array(items) => items
            .iter()
            .map(|item| fill(item, called, answer))
            .collect::<Option<_>>()
            .map(Value::Array),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| Some((name.clone(), fill(member, called, answer)?)))
            .collect::<Option<_>>()
            .map(Value::Object),
        other => Some(other.clone()),
    }
}

fn fill_text(template: &str, called: &Value, answer: &Value) -> Option<Value> {
    let names = address::holes(template).ok()?;
    if let [name] = names.as_slice()
        && template.len() == name.len() + 2
    {
        return Hole::parse(name)?.value(called, answer).cloned();
    }
    let mut text = String::new();
    let mut rest = template;
    for name in names {
        let (before, after) = rest.split_once('{')?;
        text.push_str(before);
        match Hole::parse(name)?.value(called, answer)? {
            Value::String(value) => text.push_str(value),
            other => text.push_str(&other.to_string()),
        }
        rest = after.get(name.len() + 1..)?;
    }
    text.push_str(rest);
    Some(Value::String(text))
}

/// Checks how the tools of a folder undo each other.
pub(super) fn check(reader: &mut Reader<'_>, tools: &BTreeMap<&str, Declared<'_>>) {
    let files = tools::names(reader);
    for declared in tools.values() {
        let Declared { document, tool, .. } = declared;
        let can_be_undone = tool.side_effect == SideEffectPolicy::Compensatable;
        match &tool.undo {
            None if can_be_undone => {
                let what = "a `compensatable` tool must say how it is undone";
                let problem = document.problem("/side_effect", what).hint(
                    "add `[undo]` with the `tool` that undoes it and its `arguments`, or say `irreversible`",
                );
                reader.problems.push(problem);
            }
            Some(_) if !can_be_undone => {
                let problem = document
                    .problem("/undo", "only what a `compensatable` tool does is undone")
                    .hint("say `side_effect = \"compensatable\"`, or remove `[undo]`");
                reader.problems.push(problem);
            }
            Some(undo) => check_tool(reader, &files, tools, document, tool, undo),
            None => {}
        }
    }
}

fn check_tool(
    reader: &mut Reader<'_>,
    files: &BTreeSet<String>,
    tools: &BTreeMap<&str, Declared<'_>>,
    document: &Document<'_>,
    tool: &Tool,
    undo: &Undo,
) {
    let name = &undo.tool;
    let Some(other) = tools.get(name.as_str()) else {
        // A file with mistakes of its own is reported as such.
        if !files.contains(name) {
            let names = files.iter().map(String::as_str);
            let hint = did_you_mean(name, names.clone())
                .unwrap_or_else(|| format!("the tools are {}", listed(names)));
            let problem = document.problem("/undo/tool", format!("there is no tool `{name}`"));
            reader.problems.push(problem.hint(hint));
        }
        return;
    };
    if !other.enabled
        && tools
            .get(tool.offer.name.as_str())
            .is_some_and(|it| it.enabled)
    {
        let problem = document.problem("/undo/tool", format!("the tool `{name}` is disabled"));
        let hint = format!("remove `enabled = false` from tools/{name}.toml");
        reader.problems.push(problem.hint(hint));
    }
    if other.tool.side_effect == SideEffectPolicy::Compensatable {
        let what = format!("`{name}` is `compensatable` itself: what undoes is not undone");
        let problem = document.problem("/undo/tool", what);
        reader
            .problems
            .push(problem.hint("name a tool that is `idempotent` or `irreversible`"));
        return;
    }
    check_arguments(reader, document, tool, undo, &other.tool);
}

fn check_arguments(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    tool: &Tool,
    undo: &Undo,
    other: &Tool,
) {
    let name = &undo.tool;
    for (argument, template) in &undo.arguments {
        let pointer = format!("/undo/arguments/{}", escape(argument));
        let known = names_of(other);
        if !known.contains(&argument.as_str()) {
            let what = format!("`{argument}` is not an argument of `{name}`");
            let hint = did_you_mean(argument, known.iter().copied())
                .unwrap_or_else(|| format!("its arguments are {}", listed(known)));
            let problem = document.problem(&pointer, what).hint(hint);
            reader.problems.push(problem);
        }
        check_template(reader, document, &pointer, tool, template);
    }
    let required = other.parameters().get("required").and_then(Value::as_array);
    let missing: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|argument| !undo.arguments.contains_key(*argument))
        .collect();
    if !missing.is_empty() {
        let what = format!("`{name}` needs {}", listed(missing));
        let problem = document.problem("/undo", what).hint(
            "give it under `arguments`, as a value, `\"{argument:/name}\"` or `\"{result:/name}\"`",
        );
        reader.problems.push(problem);
    }
}

fn names_of(tool: &Tool) -> Vec<&str> {
    let properties = tool.parameters().get("properties");
    let properties = properties.and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect()
}

fn check_template(
    reader: &mut Reader<'_>,
    document: &Document<'_>,
    pointer: &str,
    tool: &Tool,
    template: &Value,
) {
    match template {
        Value::String(text) => {
            for (what, hint) in mistakes(tool, text) {
                let problem = document.problem(pointer, what).perhaps(hint);
                reader.problems.push(problem);
            }
        }
        Value::Array(items) => {
            for item in items {
                check_template(reader, document, pointer, tool, item);
            }
        }
        Value::Object(members) => {
            for member in members.values() {
                check_template(reader, document, pointer, tool, member);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn mistakes(tool: &Tool, template: &str) -> Vec<(String, Option<String>)> {
    let names = match address::holes(template) {
        Ok(names) => names,
        Err((what, hint)) => return vec![(format!("this {what}"), hint)],
    };
    let known = names_of(tool);
    let mistake = |name: &str| match Hole::parse(name) {
        Some(Hole::Argument(pointer)) => {
            let argument = pointer.split('/').nth(1).unwrap_or_default();
            let hint = did_you_mean(argument, known.iter().copied());
            let what = format!("`{{{name}}}`: this tool has no argument `{argument}`");
            let whole = pointer.is_empty();
            (!whole && !known.contains(&argument)).then_some((what, hint))
        }
        Some(Hole::Answer(_)) => None,
        None => {
            let what = format!("`{{{name}}}` stands for nothing");
            let hint = "write `{argument:/name}` or `{result:/name}`";
            Some((what, Some(hint.to_owned())))
        }
    };
    names.into_iter().filter_map(mistake).collect()
}
