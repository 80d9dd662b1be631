//! Reads a workflow file, or says everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::bot::{Place, Problem, Problems, Risk};
use crate::workflow::expression::FUNCTIONS;
use crate::workflow::plan::{Block, Concurrency, Input, InputType, WhenFull, Workflow};
use crate::workflow::template::Template;
use crate::yaml::{self, Node, Yaml};

mod actions;
mod converse;
mod fields;
mod http;
mod notify;
mod steps;
mod triggers;
mod waits;

use fields::{Fields, Source};

/// JSON Schema of `workflows/<name>.yaml`, for editors.
pub const WORKFLOW_SCHEMA: &str = include_str!("schema.json");

/// The longest file, in bytes.
const MAX_FILE: usize = 256 * 1024;

/// The most steps of a file.
const MAX_STEPS: usize = 500;

/// The longest that a run may take: Step Functions' limit.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);

/// Names that a step cannot have: the machine's own states.
pub(super) const RESERVED: [&str; 2] = ["start", "outputs"];

impl Workflow {
    /// Reads the text of `workflows/<name>.yaml`.
    ///
    /// # Errors
    /// Everything that is wrong with the file by itself.
    pub fn read(file: &str, text: &str) -> Result<Self, Problems> {
        let mut source = Source::new(file);
        let workflow = read(&mut source, file, text);
        match (workflow, source.problems.is_empty()) {
            (Some(workflow), true) => Ok(workflow),
            _ => {
                source.problems.sort();
                source.problems.dedup();
                Err(Problems(source.problems))
            }
        }
    }
}

fn read(source: &mut Source<'_>, file: &str, text: &str) -> Option<Workflow> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem.strip_suffix(".yaml").unwrap_or(stem);
    if !is_name(stem) {
        let what = format!("`{stem}` cannot name a workflow");
        let hint = "call the file a-z, 0-9 and `_`, beginning with a letter, at most 40";
        source.problems.push(Problem::new(file, what).hint(hint));
    }
    if text.len() > MAX_FILE {
        let what = format!("the file is longer than {} KiB", MAX_FILE / 1024);
        source
            .problems
            .push(Problem::new(file, what).hint("put parts into workflows of their own"));
        return None;
    }
    let root = match yaml::parse(text, 1) {
        Ok(Some(root)) => root,
        Ok(None) => {
            let hint = "begin with `description:` and `steps:`";
            source
                .problems
                .push(Problem::new(file, "the file is empty").hint(hint));
            return None;
        }
        Err((what, place, hint)) => {
            source.wrong(place, what, hint);
            return None;
        }
    };
    let top = source.table(&root, "a workflow")?;
    top.allow(
        source,
        &[
            "name",
            "description",
            "inputs",
            "outputs",
            "on",
            "steps",
            "concurrency",
            "timeout",
            "risk",
        ],
    );
    if let Some(name) = top.text(source, "name")
        && name != stem
    {
        let what = format!("the workflow is called `{name}`, but its file `{stem}.yaml`");
        source.wrong(
            top.place_of("name"),
            what,
            "give both the same name, or leave `name` out",
        );
    }
    let steps = match top.get("steps") {
        Some(node) => steps::block(source, node),
        None => {
            source.wrong(
                root.place,
                "`steps` is missing",
                "say what the workflow does",
            );
            Block::default()
        }
    };
    once(source, &steps);
    Some(Workflow {
        name: stem.to_owned(),
        file: file.to_owned(),
        version: Workflow::version_of(text),
        description: top.text(source, "description").unwrap_or_default(),
        inputs: inputs(source, &top),
        outputs: outputs(source, &top),
        triggers: triggers::read(source, top.get("on")),
        concurrency: concurrency(source, &top),
        timeout: top.duration(source, "timeout", MAX_TIMEOUT),
        risk: risk(source, &top),
        steps,
    })
}

/// Names are the states' of one machine, so each is there once, wherever it stands.
fn once(source: &mut Source<'_>, steps: &Block) {
    let mut names: BTreeMap<&str, Place> = BTreeMap::new();
    let mut count = 0;
    let mut twice = Vec::new();
    steps.walk(&mut |step| {
        count += 1;
        if let Some(first) = names.get(step.name.as_str()) {
            twice.push((step.place, step.name.clone(), first.line));
        } else {
            names.insert(&step.name, step.place);
        }
    });
    for (place, name, line) in twice {
        let what = format!("there is another step `{name}` in line {line}");
        source.wrong(place, what, "give each step a name of its own");
    }
    if count > MAX_STEPS {
        let what = format!("there are {count} steps, and at most {MAX_STEPS} are taken");
        source
            .problems
            .push(Problem::new(source.file, what).hint("put parts into workflows of their own"));
    }
}

fn inputs(source: &mut Source<'_>, top: &Fields<'_>) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    let Some(table) = top.table(source, "inputs") else {
        return inputs;
    };
    for entry in table.entries {
        if !is_name(&entry.key) {
            source.wrong(
                entry.place,
                format!("`{}` cannot name an input", entry.key),
                NAME_RULE,
            );
        }
        let input = match &entry.value.value {
            Yaml::Scalar { .. } => kind(source, &entry.value).map(|kind| Input {
                kind,
                description: String::new(),
                default: None,
            }),
            _ => source
                .table(&entry.value, &format!("`{}`", entry.key))
                .map(|fields| {
                    fields.allow(source, &["type", "description", "default", "required"]);
                    let kind = fields.get("type").and_then(|node| kind(source, node));
                    let kind = kind.unwrap_or(InputType::Any);
                    let default = fields.get("default").map(|node| (node.place, node.json()));
                    if let Some((place, default)) = &default
                        && !default.is_null()
                        && !kind.admits(default)
                    {
                        let what = format!("the default of `{}` is no {}", entry.key, kind.name());
                        source.wrong(*place, what, "change it or the type");
                    }
                    let optional = fields.flag(source, "required") == Some(false);
                    let default = default.map(|(_, value)| value);
                    Input {
                        kind,
                        description: fields.text(source, "description").unwrap_or_default(),
                        default: default.or(optional.then_some(serde_json::Value::Null)),
                    }
                }),
        };
        if let Some(input) = input {
            inputs.insert(entry.key.clone(), input);
        }
    }
    inputs
}

fn kind(source: &mut Source<'_>, node: &Node) -> Option<InputType> {
    use InputType::{Any, Boolean, Integer, List, Number, Object, String};
    let kinds = [String, Integer, Number, Boolean, List, Object, Any];
    source.choice(node, "the type", &kinds.map(|kind| (kind.name(), kind)))
}

fn outputs(source: &mut Source<'_>, top: &Fields<'_>) -> Template {
    match top.get("outputs") {
        Some(node) => source.template(node),
        None => Template::Constant(serde_json::json!({})),
    }
}

fn concurrency(source: &mut Source<'_>, top: &Fields<'_>) -> Option<Concurrency> {
    let node = top.get("concurrency")?;
    if let Yaml::Scalar { .. } = node.value {
        let limit = source.whole(node, "`concurrency`", 1, 1000)?;
        let when_full = WhenFull::default();
        return Some(Concurrency { limit, when_full });
    }
    let fields = source.table(node, "`concurrency`")?;
    fields.allow(source, &["limit", "when_full"]);
    let choices = [
        ("queue", WhenFull::Queue),
        ("skip", WhenFull::Skip),
        ("replace", WhenFull::Replace),
    ];
    let when_full = fields.get("when_full");
    let when_full = when_full.and_then(|node| source.choice(node, "`when_full`", &choices));
    Some(Concurrency {
        limit: fields.whole(source, "limit", 1, 1000).unwrap_or(1),
        when_full: when_full.unwrap_or_default(),
    })
}

fn risk(source: &mut Source<'_>, top: &Fields<'_>) -> Risk {
    let choices = [
        ("low", Risk::Low),
        ("medium", Risk::Medium),
        ("high", Risk::High),
    ];
    let risk = top
        .get("risk")
        .and_then(|node| source.choice(node, "`risk`", &choices));
    risk.unwrap_or_default()
}

/// What names of steps, inputs and items are made of.
const NAME_RULE: &str = "write a-z, 0-9 and `_`, beginning with a letter, at most 40";

fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether `$name` could be mistaken for something else.
fn is_taken(name: &str) -> bool {
    let words: BTreeSet<&str> = [
        "inputs", "steps", "trigger", "run", "error", "states", "round",
    ]
    .into();
    words.contains(name) || FUNCTIONS.contains(&name) || name.starts_with("steps_")
}
