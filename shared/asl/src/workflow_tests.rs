//! Workflows, compiled and run: every construct, and what its steps are called with.
//!
//! `constructs/<name>.yaml` is a workflow, `<name>.asl.json` what it compiles to, `<name>.timers.json` its schedules,
//! `<name>.events.json` the events it waits for (all written anew when the variable `WRITE_GOLDEN` is set),
//! `<name>.cases.json` what its runs are given, what its functions answer and what comes out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use engine::bot::{Bot, MemoryFiles};
use engine::workflow::{Around, Workflow, compile};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::runner::FunctionError;
use crate::stage::{Play, Stage, gives};
use crate::{Jsonata, Kind, Outcome};

mod triggers;

/// One run of a construct.
#[derive(Deserialize)]
struct Case {
    /// What the case shows.
    shows: String,
    #[serde(default = "nothing")]
    inputs: Value,
    /// What a step's function answers, try by try; the last for all further ones. `{"error": …}` fails. A step that
    /// is not named here answers with what it was given.
    #[serde(default)]
    answers: BTreeMap<String, Vec<Value>>,
    /// The steps whose functions were called, in order, each with its item.
    #[serde(default)]
    calls: Option<Vec<String>>,
    #[serde(default)]
    output: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

fn nothing() -> Value {
    json!({})
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/workflow_tests/constructs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn bot() -> Bot {
    let tool = |extra: &str| {
        format!(
            "format = 1\ndescription = \"A tool.\"\nkind = \"record\"\n{extra}\n[parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\ndescription = \"The order.\"\n[parameters.properties.amount]\ntype = \"number\"\ndescription = \"How much.\"\n{}\n[record]\ncollection = \"things\"\n",
            if extra.contains("irreversible") {
                "[approval]\nargument = \"amount\"\nabove = 100\nrole = \"manager\""
            } else {
                ""
            },
        )
    };
    let files = MemoryFiles::default()
        .with(
            "bot.toml",
            "format = 1\nname = \"shop\"\n[model]\nuse = \"openai/gpt-4.1-mini\"\n",
        )
        .with("SOUL.md", "You are a shop.")
        .with(
            "people.toml",
            "format = 1\n[people.ana]\nroles = [\"manager\"]\nweb = \"ana\"\n",
        )
        .with("tools/lookup.toml", tool("side_effect = \"idempotent\""))
        .with("tools/refund.toml", tool("side_effect = \"irreversible\""));
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

fn constructs() -> BTreeMap<String, Workflow> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".yaml") {
            let workflow = Workflow::read(&format!("workflows/{name}"), &read(&name));
            let workflow = workflow.unwrap_or_else(|problems| panic!("{problems}"));
            found.insert(workflow.name.clone(), workflow);
        }
    }
    found
}

fn definitions() -> BTreeMap<String, Value> {
    let (bot, workflows) = (bot(), constructs());
    let around = Around {
        bot: &bot,
        workflows: &workflows,
        syntax: &Jsonata,
    };
    let compiled = workflows.iter().map(|(name, workflow)| {
        let compiled = compile(workflow, around).unwrap_or_else(|problems| panic!("{problems}"));
        (name.clone(), compiled.definition)
    });
    compiled.collect()
}

#[test]
fn what_starts_workflows_is_told_eventbridge_as_is_written_down() {
    let constructs = constructs();
    for (file, told) in [
        (
            "scheduled.timers.json",
            json!(constructs["scheduled"].timers().unwrap()),
        ),
        ("event.events.json", json!(constructs["event"].events())),
    ] {
        let text = format!("{told:#}\n");
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(folder().join(file), &text).unwrap();
        }
        assert_eq!(read(file), text);
    }
}

#[test]
fn each_construct_compiles_to_what_is_written_down() {
    for (name, definition) in definitions() {
        let text = format!("{}\n", serde_json::to_string_pretty(&definition).unwrap());
        let path = folder().join(format!("{name}.asl.json"));
        if std::env::var_os("WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == text,
            "{name} compiles to something else: WRITE_GOLDEN=1 writes it down\n{text}"
        );
    }
}

#[test]
fn each_construct_runs_as_its_cases_say() {
    let definitions = definitions();
    for name in definitions.keys() {
        let cases: Vec<Case> = serde_json::from_str(&read(&format!("{name}.cases.json"))).unwrap();
        for case in cases {
            run(&definitions, name, &case);
        }
    }
}

fn run(definitions: &BTreeMap<String, Value>, name: &str, case: &Case) {
    let shows = format!("{name}: {}", case.shows);
    let mut stage = Stage::new();
    for (name, definition) in definitions {
        let text = crate::substitute(&definition.to_string(), |called| {
            Some(
                called
                    .strip_prefix("workflow-")
                    .unwrap_or(called)
                    .to_owned(),
            )
        });
        let definition = serde_json::from_str(&text.unwrap()).unwrap();
        stage.definition(name, Kind::Standard, definition);
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let answers = Arc::new(case.answers.clone());
    for function in [
        "step-tool",
        "step-ask",
        "step-converse",
        "step-notify",
        "step-http",
        "step-approve",
        "step-wait",
    ] {
        let (seen, tokens, answers) =
            (Arc::clone(&seen), Arc::clone(&tokens), Arc::clone(&answers));
        stage.function(function, move |_, payload| {
            assert!(payload["run"]["id"].is_string(), "{payload}");
            let step = payload["step"].as_str().unwrap().to_owned();
            let call = match payload["item"].as_str() {
                Some(item) => format!("{step} {item}"),
                None => step.clone(),
            };
            let before = seen
                .lock()
                .unwrap()
                .iter()
                .filter(|name| **name == call)
                .count();
            seen.lock().unwrap().push(call.clone());
            let answer = answers.get(&call).or_else(|| answers.get(&step));
            let answer = answer.map(|tries| tries[before.min(tries.len() - 1)].clone());
            let given = ["with", "text", "prompt", "url", "question"]
                .iter()
                .find_map(|key| payload.get(key));
            let answer = answer.unwrap_or_else(|| given.cloned().unwrap_or_default());
            if let Some(token) = payload.get("token") {
                tokens
                    .lock()
                    .unwrap()
                    .push((token.as_str().unwrap().to_owned(), answer));
                return gives(Value::Null);
            }
            match answer.get("error").and_then(Value::as_str) {
                Some(error) => Play {
                    after: 0.0,
                    answer: Err(FunctionError::raised(error, "it \"broke\" \\ é")),
                },
                None => gives(json!({ "output": answer })),
            }
        });
    }
    let input = json!({
        "run": { "id": "r1", "tenant": "local", "bot": "shop", "workflow": name },
        "trigger": { "type": "manual" },
        "inputs": case.inputs,
    });
    let id = stage.start(name, "e", input);
    let outcome = loop {
        let waiting: Vec<(String, Value)> = std::mem::take(&mut *tokens.lock().unwrap());
        for (token, answer) in waiting {
            let runner = stage.runner.clone();
            stage.simulation.block_on(async move {
                match answer.get("error").and_then(Value::as_str) {
                    Some(error) => {
                        runner
                            .send_task_failure(&token, Some(error), Some("they said so"))
                            .await
                    }
                    None => {
                        runner
                            .send_task_success(&token, json!({ "output": answer }))
                            .await
                    }
                }
                .unwrap();
            });
        }
        stage.pass(1);
        let (runner, id) = (stage.runner.clone(), id.clone());
        let described = stage
            .simulation
            .block_on(async move { runner.describe(&id).await });
        if let Some(outcome) = described.unwrap().unwrap().outcome {
            break outcome;
        }
    };
    match outcome {
        Outcome::Succeeded(output) => assert_eq!(Some(&*output), case.output.as_ref(), "{shows}"),
        Outcome::Failed(failure) => assert_eq!(failure.error, case.error, "{shows}: {failure:?}"),
        other => panic!("{shows}: {other:?}"),
    }
    if let Some(calls) = &case.calls {
        assert_eq!(*seen.lock().unwrap(), *calls, "{shows}");
    }
}

#[test]
fn each_construct_fits_the_published_schema_and_mistakes_do_not() {
    let schema: Value = serde_json::from_str(engine::workflow::WORKFLOW_SCHEMA).unwrap();
    let validator = jsonschema::options().offline().build(&schema).unwrap();
    for name in constructs().keys() {
        let value = engine::workflow::as_json(&read(&format!("{name}.yaml"))).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
    for wrong in [
        json!({}),
        json!({ "steps": { "a": { "tol": "x" } } }),
        json!({ "steps": { "a": { "set": 1, "retry": {} } } }),
        json!({ "steps": { "A": { "set": 1 } } }),
        json!({ "steps": { "a": { "set": 1 } }, "on": { "schedul": "x" } }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}
