//! Runs of a workflow, each step a Lambda under its own role.

use std::time::Duration;

use engine::bot::{Bot, Folder};
use engine::workflow::Library;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Reply, Request};
use crate::process::folder;

use super::stack::Stack;

const BOT: &str = "format = 1\nname = \"door\"\n[model]\nuse = \"scripted\"\n";
const SCRIPT: &str = "format = 1\n[default]\ntext = \"A parcel, I think.\"\n";
const NOTE: &str = r#"
format = 1
description = "Notes who is there."
kind = "record"
side_effect = "idempotent"
[parameters]
type = "object"
required = ["who"]
[parameters.properties.who]
type = "string"
description = "Who."
[record]
collection = "visits"
"#;
const VISIT: &str = r#"
description: Somebody is at the door.
inputs: {who: string}
concurrency: {limit: 1, when_full: queue}
outputs: {guess: "${ $steps.guess }"}
steps:
  note: {tool: note, with: {who: "${ $inputs.who }"}}
  guess: {ask: "What does ${ $inputs.who } bring?"}
  linger: {wait: 5s}
"#;

const PARCEL: &str = r#"
description: A parcel has come.
on:
  event: parcel.arrived
  with: {parcel: "${ $trigger.data.parcel }"}
inputs: {parcel: string}
outputs: {parcel: "${ $inputs.parcel }"}
steps:
  note: {tool: note, with: {who: "${ $inputs.parcel }"}}
"#;
const AFTER: &str = r#"
description: Notes what was said at the door.
on:
  event: turn.completed
  with: {said: "${ $trigger.data.said[0].text }"}
inputs: {said: string}
outputs: {said: "${ $inputs.said }"}
steps:
  note: {tool: note, with: {who: "${ $inputs.said }"}}
"#;

/// A bot with a workflow of a tool and a model. `MiniStack` neither times a wait for people out as an expression says, nor
/// lets a role answer for one machine.
pub(super) fn bot() -> TempDir {
    folder(&[
        ("bot.toml", BOT),
        ("script.toml", SCRIPT),
        ("SOUL.md", "# Door\n"),
        ("tools/note.toml", NOTE),
        ("workflows/visit.yaml", VISIT),
        ("workflows/parcel.yaml", PARCEL),
        ("workflows/after.yaml", AFTER),
    ])
}

/// Compiles the workflows of the bot in `folder` into `to`.
pub(super) fn compile(folder: &std::path::Path, to: &std::path::Path) {
    let files = Folder::open(folder).unwrap();
    let bot = Bot::load(&files).unwrap().bot;
    let library = Library::load(&files, &bot, &asl::Jsonata).unwrap();
    for (name, definition) in library.definitions {
        let file = to.join(format!("{name}.asl.json"));
        std::fs::write(file, definition.to_string()).unwrap();
    }
    for (name, workflow) in library.workflows {
        let file = to.join(format!("{name}.events.json"));
        std::fs::write(file, json!(workflow.events()).to_string()).unwrap();
    }
}

async fn get(client: &Client, path: &str) -> Value {
    let reply = client
        .send(Request::get(&format!("/v1/acme/{path}")))
        .await
        .unwrap();
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.json()
}

async fn post(client: &Client, path: &str, body: &Value) -> Reply {
    let path = format!("/v1/acme/{path}");
    client
        .send(Request::post(&path, body.to_string()))
        .await
        .unwrap()
}

/// The record of a run, once it stands so.
async fn once(client: &Client, run: &Value, status: &str) -> Value {
    let path = format!("runs/{}", run.as_str().unwrap());
    let mut record = Value::Null;
    for _ in 0..300 {
        record = get(client, &path).await;
        if record["status"] == status {
            return record;
        }
        // There is no way to wait for the end of an execution but to ask.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not {status}: {record}");
}

pub(super) async fn a_run_does_its_steps_and_the_next_one_waits_for_its_end(stack: &Stack) {
    let client = stack.client("door");
    let start = async |who: &str| {
        let inputs = json!({ "inputs": { "who": who } });
        let started = post(&client, "workflows/visit/runs", &inputs).await;
        assert_eq!(started.status, 202, "{}", started.text());
        started.json()
    };
    let first = start("the postman").await;
    assert_eq!(first["status"], "running");
    let second = start("the neighbour").await;
    assert_eq!(second["status"], "queued");

    let record = once(&client, &first["id"], "succeeded").await;
    let outputs = json!({ "guess": "A parcel, I think." });
    assert_eq!(record["outputs"], outputs);
    let steps = record["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps
        .map(|step| {
            (
                step["step"].as_str().unwrap(),
                step["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("note", "succeeded"),
            ("guess", "succeeded"),
            ("linger", "succeeded")
        ],
        "{record}"
    );

    once(&client, &second["id"], "running").await;
    let cancel = format!("runs/{}/cancel", second["id"].as_str().unwrap());
    assert_eq!(post(&client, &cancel, &json!({})).await.status, 200);
    let record = once(&client, &second["id"], "cancelled").await;
    assert_eq!(record["cause"], "dana cancelled it");
    let runs = get(&client, "runs?workflow=visit").await;
    let ids: Vec<&Value> = runs["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["id"])
        .collect();
    assert_eq!(ids, [&second["id"], &first["id"]]);
}

/// The id of the one run of `workflow`, once there is one.
async fn only_run(client: &Client, workflow: &str) -> Value {
    for _ in 0..300 {
        let runs = get(client, &format!("runs?workflow={workflow}")).await;
        match runs["runs"].as_array().unwrap().as_slice() {
            [] => tokio::time::sleep(Duration::from_millis(100)).await,
            [run] => return run["id"].clone(),
            more => panic!("more than one: {more:?}"),
        }
    }
    panic!("no run of {workflow}");
}

/// What is posted starts one run however often, and a turn that is over starts one too.
pub(super) async fn events_start_runs(stack: &Stack) {
    let client = stack.client("door");
    let event = json!({ "name": "parcel.arrived", "id": "e1", "data": { "parcel": "P7" } });
    for _ in 0..3 {
        let told = post(&client, "events", &event).await;
        assert_eq!(told.status, 202, "{}", told.text());
    }
    let parcel = only_run(&client, "parcel").await;
    let record = once(&client, &parcel, "succeeded").await;
    assert_eq!(record["outputs"], json!({ "parcel": "P7" }), "{record}");
    assert_eq!(only_run(&client, "parcel").await, parcel);

    let reply = client.ask("gil", "Somebody rings.").await;
    assert_eq!(reply, "A parcel, I think.");
    let after = only_run(&client, "after").await;
    let record = once(&client, &after, "succeeded").await;
    assert_eq!(
        record["outputs"],
        json!({ "said": "Somebody rings." }),
        "{record}"
    );
}
