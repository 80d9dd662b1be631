//! A run that calls nothing: the same machine on a virtual clock, with answers from a file.
//!
//! `workflows/mocks/<name>.yaml` says what steps give, by name: a value; `{error: ToolFailed}`; or a list of those,
//! try by try. A step that is not named there gives what it was called with; an approval is a yes, and the goal of a
//! conversation is not met.

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
    engine::run::check_inputs(workflow, &inputs)?;
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
    fn answer(&self, payload: &Value) -> Value {
        let step = payload["step"].as_str().unwrap_or_default();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.entry(step.to_owned()).or_default();
        let mocked = self.answers.get(step).map(|answer| match answer {
            Value::Array(tries) if !tries.is_empty() => {
                tries[(*before).min(tries.len() - 1)].clone()
            }
            other => other.clone(),
        });
        *before += 1;
        let given = match payload.get("goal") {
            Some(_) => {
                Some(json!({ "met": false, "answer": null, "why": "a dry run talks with nobody" }))
            }
            None => ["with", "text", "prompt", "url"]
                .into_iter()
                .find_map(|name| payload.get(name).cloned()),
        };
        mocked.or(given).unwrap_or(Value::Null)
    }
}

#[async_trait]
impl Functions for Mocks {
    async fn invoke(&self, _: &str, payload: Value) -> Result<Value, FunctionError> {
        if let Some(token) = payload["token"].as_str() {
            // The yes, or what the file says in its place; a tool's own answer comes from its own call.
            let mocked = payload
                .get("tool")
                .is_none()
                .then(|| self.answer(&payload))
                .filter(|answer| !answer.is_null());
            let runner = self
                .runner
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let Some(runner) = runner else {
                return Ok(Value::Null);
            };
            let said = mocked
                .unwrap_or_else(|| json!({ "approved": true, "by": "dry", "approval": "dry" }));
            let told = match said.get("error").and_then(Value::as_str) {
                Some(error) => {
                    runner
                        .send_task_failure(token, Some(error), Some("as the mocks say"))
                        .await
                }
                None => {
                    runner
                        .send_task_success(token, json!({ "output": said }))
                        .await
                }
            };
            return told
                .map(|()| Value::Null)
                .map_err(|error| FunctionError::raised("Internal", error.to_string()));
        }
        let answer = self.answer(&payload);
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(FunctionError::raised(error, "as the mocks say")),
            None => Ok(json!({ "output": answer, "item": payload.get("item") })),
        }
    }
}
