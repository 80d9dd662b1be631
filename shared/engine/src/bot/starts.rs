//! `[workflow]`: a tool that starts a workflow, and whether its arguments are what the workflow takes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::bot::document::Document;
use crate::bot::files::BotFiles;
use crate::bot::problem::{Problem, did_you_mean, listed};
use crate::bot::reader::MAX_FILE;
use crate::bot::wording::escape;
use crate::workflow::{Input, InputType, Workflow};

/// The workflow that a tool starts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkflowTable {
    /// Its name: that of `workflows/<name>.yaml`.
    #[schemars(length(min = 1, max = 100))]
    pub(super) name: String,
}

/// What is wrong with the tools of a folder that start workflows, disabled ones included. What is wrong with a
/// file by itself was told when the bot was loaded.
pub(crate) fn unfit_starters(
    files: &dyn BotFiles,
    workflows: &BTreeMap<String, Workflow>,
) -> Vec<Problem> {
    let listed = files.list().unwrap_or_default();
    let mut problems = Vec::new();
    for path in listed {
        if !(path.starts_with("tools/") && path.ends_with(".toml")) {
            continue;
        }
        let Ok(text) = files.read(&path, MAX_FILE) else {
            continue;
        };
        let text = String::from_utf8_lossy(&text);
        if let Ok(document) = Document::parse(&path, &text) {
            check(&document, workflows, &mut problems);
        }
    }
    problems
}

fn check(
    document: &Document<'_>,
    workflows: &BTreeMap<String, Workflow>,
    problems: &mut Vec<Problem>,
) {
    let file = document.value();
    let Some(name) = file.pointer("/workflow/name").and_then(Value::as_str) else {
        return;
    };
    let Some(workflow) = workflows.get(name) else {
        let names = workflows.keys().map(String::as_str);
        let hint =
            did_you_mean(name, names).unwrap_or_else(|| format!("add workflows/{name}.yaml"));
        let what = format!("there is no workflow `{name}`");
        return problems.push(document.problem("/workflow/name", what).hint(hint));
    };
    let parameters = file.get("parameters").unwrap_or(&Value::Null);
    problems.extend(misfits(workflow, parameters).into_iter().map(|misfit| {
        let problem = document.problem(&misfit.pointer, misfit.what);
        problem.hint(misfit.hint)
    }));
}

/// Something about a tool's parameters that a workflow's inputs do not take.
pub(crate) struct Misfit {
    /// Where in the tool's file.
    pointer: String,
    what: String,
    hint: String,
}

impl Misfit {
    /// The mistake, of a tool whose file is not at hand.
    pub(crate) fn of_tool(self, tool: &str) -> Problem {
        Problem::new(format!("tools/{tool}.toml"), self.what).hint(self.hint)
    }
}

/// What of the `parameters` of a tool that starts a workflow does not fit its inputs.
pub(crate) fn misfits(workflow: &Workflow, parameters: &Value) -> Vec<Misfit> {
    let (name, inputs) = (&workflow.name, &workflow.inputs);
    let properties = parameters.get("properties").and_then(Value::as_object);
    let mut misfits = Vec::new();
    for (argument, schema) in properties.into_iter().flatten() {
        let pointer = format!("/parameters/properties/{}", escape(argument));
        let told = match inputs.get(argument) {
            None => {
                let names = || inputs.keys().map(String::as_str);
                let hint = did_you_mean(argument, names());
                let hint = hint.unwrap_or_else(|| format!("its inputs are {}", listed(names())));
                Some((format!("`{name}` takes no input `{argument}`"), hint))
            }
            Some(input) if !fits(input, schema) => {
                let kind = input.kind.name();
                let what = format!("the input `{argument}` of `{name}` is of the type {kind}");
                let hint = match json_types(input.kind) {
                    [only] => format!("write `type = \"{only}\"`"),
                    several => {
                        format!("write `type` as one of {}", listed(several.iter().copied()))
                    }
                };
                Some((what, hint))
            }
            Some(_) => None,
        };
        misfits.extend(told.map(|(what, hint)| Misfit {
            pointer,
            what,
            hint,
        }));
    }
    let required = parameters.get("required").and_then(Value::as_array);
    let is_required = |input: &str| {
        let mut names = required.into_iter().flatten();
        names.any(|name| name == input)
    };
    let missing = inputs
        .iter()
        .filter(|(input, what)| !what.is_optional() && !is_required(input));
    misfits.extend(missing.map(|(input, _)| {
        let what = format!("`{name}` needs the input `{input}`, which a call may leave out here");
        let hint = format!(
            "declare `[parameters.properties.{input}]` and add `{input}` to `required`, or give the input a default in {}",
            workflow.file
        );
        let pointer = "/parameters".to_owned();
        Misfit { pointer, what, hint }
    }));
    misfits
}

/// Whether every value that `schema` lets through can be the input, as far as their types tell.
fn fits(input: &Input, schema: &Value) -> bool {
    if input.kind == InputType::Any {
        return true;
    }
    let named: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => {
            let choices = schema.get("enum").and_then(Value::as_array);
            let only = schema.get("const");
            let mut values = choices.into_iter().flatten().chain(only).peekable();
            return values.peek().is_some() && values.all(|value| input.kind.admits(value));
        }
    };
    named.iter().all(|name| match *name {
        "null" => input.default == Some(Value::Null),
        name => json_types(input.kind).contains(&name),
    })
}

/// JSON Schema's types whose values can be such an input.
fn json_types(kind: InputType) -> &'static [&'static str] {
    match kind {
        InputType::String => &["string"],
        InputType::Integer => &["integer"],
        InputType::Number => &["number", "integer"],
        InputType::Boolean => &["boolean"],
        InputType::List => &["array"],
        InputType::Object => &["object"],
        InputType::Any => &["string", "number", "boolean", "array", "object"],
    }
}
