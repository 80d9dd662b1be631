//! A run that calls nothing: the same machine on a virtual clock, with answers from a file.
//!
//! `workflows/mocks/<name>.yaml` says what steps give, by name: a value; `{error: ToolFailed}`; or a list of those,
//! try by try. Of others an approval is a yes, the goal of a conversation is met, an answer is an example of its form, and the
//! rest what was called with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use asl::runner::{FunctionError, Functions, MemoryJournal, Place, Runner};
use async_trait::async_trait;
use engine::bot::BotFiles;
use engine::error::{Error, Kind};
use engine::run::{Begun, RunRecord, RunRef, RunStart, Started};
use engine::runtime::simulated::Simulation;
use engine::workflow::{Library, Workflow};
use serde_json::{Value, json};

use crate::assemble::BotFolder;
use crate::cli::failure::Failure;
use crate::host;

#[cfg(test)]
mod tests;

/// Why a step fails.
const AS_MOCKED: &str = "as the mocks say";

/// What steps give, and how often each was asked.
#[derive(Default)]
struct Mocks {
    answers: BTreeMap<String, Value>,
    asked: Mutex<BTreeMap<String, usize>>,
    runner: Mutex<Option<Runner>>,
}

/// Runs `workflow` without touching anything.
pub(super) fn run(
    folder: &BotFolder,
    library: &Library,
    workflow: &Workflow,
    inputs: Value,
) -> Result<RunRecord, Failure> {
    let mocks = Arc::new(Mocks {
        answers: answers(folder, &workflow.name)?,
        ..Mocks::default()
    });
    let mut simulation = Simulation::new(1);
    let runtime = simulation.runtime();
    let functions: Arc<dyn Functions> = mocks.clone();
    let runner = Runner::new(
        runtime.clone(),
        functions,
        Arc::new(MemoryJournal::default()),
        Place::default(),
    );
    for (name, definition) in &library.definitions {
        runner.register(
            &format!("workflow-{name}"),
            Arc::new(host::machine(name, definition)?),
        );
    }
    *mocks.runner.lock().unwrap_or_else(PoisonError::into_inner) = Some(runner.clone());
    let run = RunRef {
        id: "dry-run".to_owned(),
        tenant: "dry".to_owned(),
        bot: "dry".to_owned(),
        workflow: workflow.name.clone(),
        parent: None,
        machine: None,
    };
    let trigger = json!({ "type": "manual" });
    let start = RunStart {
        run: run.clone(),
        trigger: trigger.clone(),
        inputs: inputs.clone(),
    };
    let started = Started {
        run,
        state: Begun::Started,
        at: runtime.now(),
        trigger,
        inputs,
        version: workflow.version.clone(),
        micro_dollars: 0,
    };
    let machine = format!("workflow-{}", workflow.name);
    let failed = |message: String| Error::new(Kind::Internal, message);
    let history = simulation.block_on(async move {
        let started = runner.start(&machine, Some("dry-run"), json!(start)).await;
        let id = started.map_err(|error| failed(error.to_string()))?;
        runner
            .outcome(&id)
            .await
            .map_err(|error| failed(error.to_string()))?;
        runner
            .history(&id)
            .await
            .map_err(|error| failed(error.to_string()))
    })?;
    let events: Vec<_> = history.into_iter().map(host::occurrence).collect();
    Ok(RunRecord::new(started, &events))
}

fn answers(folder: &BotFolder, name: &str) -> Result<BTreeMap<String, Value>, Failure> {
    let path = format!("workflows/mocks/{name}.yaml");
    if !folder
        .files()
        .list()
        .is_ok_and(|files| files.contains(&path))
    {
        return Ok(BTreeMap::new());
    }
    engine::workflow::mocks(folder.files(), &path).map_err(|problems| {
        Failure::wrong(
            problems.to_string(),
            "write `<step>: <what it gives>` lines",
        )
    })
}

impl Mocks {
    /// What the step that calls `function` gives this time.
    fn answer(&self, function: &str, payload: &Value) -> Value {
        let step = payload["step"].as_str().unwrap_or_default();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.entry(step.to_owned()).or_default();
        // The yes that a tool needs is no answer of the tool.
        let asks = payload.get("token").is_some() && payload.get("tool").is_some();
        let mocked = self.answers.get(step).filter(|_| !asks);
        let answer = match mocked {
            Some(Value::Array(tries)) if !tries.is_empty() => {
                tries[(*before).min(tries.len() - 1)].clone()
            }
            Some(answer) => answer.clone(),
            None => made_up(function, payload),
        };
        *before += usize::from(!asks);
        answer
    }

    async fn end(&self, token: &str, said: Result<Value, String>) -> Result<Value, FunctionError> {
        let runner = self
            .runner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(runner) = runner else {
            return Ok(Value::Null);
        };
        let told = match said {
            Ok(said) => runner.send_task_success(token, said).await,
            Err(error) => {
                runner
                    .send_task_failure(token, Some(&error), Some(AS_MOCKED))
                    .await
            }
        };
        told.map(|()| Value::Null)
            .map_err(|error| FunctionError::raised("Internal", error.to_string()))
    }
}

/// What a step gives of which the file says nothing: of the form that it really gives, where that is known.
fn made_up(function: &str, payload: &Value) -> Value {
    match function {
        "step-approve" => json!({ "approved": true, "by": "dry", "approval": "dry" }),
        "step-notify" => json!({ "to": [payload["to"]], "held": false, "by": "dry" }),
        "step-wait" => json!({ "name": payload["event"], "id": "dry", "data": {} }),
        "step-converse" => {
            let answer = payload["answer"].is_object();
            let answer = answer.then(|| example("answer", &payload["answer"]));
            json!({ "met": true, "answer": answer, "why": null })
        }
        "step-ask" if payload["answer"].is_object() => example("answer", &payload["answer"]),
        _ => ["with", "prompt", "url"]
            .into_iter()
            .find_map(|name| payload.get(name).cloned())
            .unwrap_or_default(),
    }
}

/// A value of the form that a schema describes; a text is its field's name.
fn example(name: &str, schema: &Value) -> Value {
    if let Some(one) = schema["enum"].as_array().and_then(|values| values.first()) {
        return one.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields
                .map(|(name, schema)| (name.clone(), example(name, schema)))
                .collect()
        }
        Some("array") => json!([example(name, &schema["items"])]),
        Some("number" | "integer") => json!(0),
        Some("boolean") => json!(false),
        _ => json!(name),
    }
}

#[async_trait]
impl Functions for Mocks {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        let name = function.rsplit(':').next().unwrap_or_default();
        let answer = self.answer(name, &payload);
        let said = match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(json!({ "output": answer, "item": payload.get("item") })),
        };
        match payload["token"].as_str() {
            Some(token) => self.end(token, said).await,
            None => said.map_err(|error| FunctionError::raised(error, AS_MOCKED)),
        }
    }
}
