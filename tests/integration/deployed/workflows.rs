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

/// Starts another, which is awaited.
const BOTH: &str = r#"
description: A parcel comes twice.
outputs: {parcel: "${ $steps.inner.parcel }"}
steps:
  inner: {workflow: parcel, with: {parcel: P9}}
"#;

/// Gives what is too long for a state.
const LETTER: &str = r#"
description: Finds a letter.
outputs: {letter: "${ $steps.letter }"}
steps:
  letter: {tool: letter, with: {from: aunt}}
"#;
const LETTERS: &str = r#"
format = 1
description = "Finds a letter."
kind = "table"
[parameters]
type = "object"
required = ["from"]
properties.from = { type = "string", description = "Who wrote it." }
[table]
file = "letters.csv"
match = ["from"]
"#;

/// A letter that no compression makes short.
fn letter() -> String {
    let words = (0..90_000_u32).map(|word| format!("{:08x}", word.wrapping_mul(2_654_435_761)));
    words.flat_map(|word| [word, " ".to_owned()]).collect()
}

/// A bot with a workflow of a tool and a model. `MiniStack` neither times a wait for people out as an expression says, nor
/// lets a role answer for one machine.
pub(super) fn bot() -> TempDir {
    folder(&[
        ("bot.toml", BOT),
        ("script.toml", SCRIPT),
        ("SOUL.md", "# Door\n"),
        ("tools/note.toml", NOTE),
        ("tools/letter.toml", LETTERS),
        ("letters.csv", &format!("from,text\naunt,{}\n", letter())),
        ("workflows/letter.yaml", LETTER),
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

/// The id of the newest run of `workflow`, once there are `count`; there are never more.
async fn newest_run(client: &Client, workflow: &str, count: usize) -> Value {
    for _ in 0..300 {
        let runs = get(client, &format!("runs?workflow={workflow}")).await;
        let runs = runs["runs"].as_array().unwrap();
        assert!(runs.len() <= count, "{runs:?}");
        match runs.first() {
            Some(newest) if runs.len() == count => return newest["id"].clone(),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("fewer than {count} runs of {workflow}");
}

/// What the run of `parcel` gives that an event starts; it is the workflow's run number `count`.
async fn parcel(client: &Client, name: &str, count: usize) -> Value {
    let id = format!("parcel-{count}");
    let event = json!({ "name": "parcel.arrived", "id": id, "data": { "parcel": name } });
    let told = post(client, "events", &event).await;
    assert_eq!(told.status, 202, "{}", told.text());
    let run = newest_run(client, "parcel", count).await;
    once(client, &run, "succeeded").await["outputs"]["parcel"].take()
}

/// A version is live for events and for workflows that are published after it, until it is taken back.
pub(super) async fn a_workflow_is_published_and_taken_back(stack: &Stack) {
    let (client, admin) = (stack.client("door"), stack.admin("door"));
    let edited = PARCEL.replace(
        "parcel: \"${ $inputs.parcel }\"",
        "parcel: \"${ $inputs.parcel & '!' }\"",
    );
    let refused = post(
        &client,
        "workflows/parcel/versions",
        &json!({ "text": edited }),
    )
    .await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    for status in [201, 200] {
        let published = post(
            &admin,
            "workflows/parcel/versions",
            &json!({ "text": edited }),
        )
        .await;
        assert_eq!(published.status, status, "{}", published.text());
        assert_eq!(published.json()["number"], 1);
    }
    assert_eq!(parcel(&client, "P8", 2).await, "P8!");

    let new = json!({ "text": BOTH, "bot": "door" });
    let published = post(&admin, "workflows/both/versions", &new).await;
    assert_eq!(published.status, 201, "{}", published.text());
    let started = post(&client, "workflows/both/runs", &json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let both = once(&client, &started.json()["id"], "succeeded").await;
    assert_eq!(both["outputs"], json!({ "parcel": "P9!" }), "{both}");

    let back = post(&admin, "workflows/parcel/rollback", &json!({})).await;
    assert_eq!(back.json()["number"], 0, "{}", back.text());
    assert_eq!(parcel(&client, "P10", 3).await, "P10");
    let versions = get(&client, "workflows/parcel/versions").await;
    let live = versions["versions"].as_array().unwrap().iter();
    let live: Vec<&Value> = live.map(|version| &version["live"]).collect();
    assert_eq!(live, [true, false], "{versions}");
}

/// What is posted starts one run however often, and a turn that is over starts one too.
pub(super) async fn events_start_runs(stack: &Stack) {
    let client = stack.client("door");
    let event = json!({ "name": "parcel.arrived", "id": "e1", "data": { "parcel": "P7" } });
    for _ in 0..3 {
        let told = post(&client, "events", &event).await;
        assert_eq!(told.status, 202, "{}", told.text());
    }
    let parcel = newest_run(&client, "parcel", 1).await;
    let record = once(&client, &parcel, "succeeded").await;
    assert_eq!(record["outputs"], json!({ "parcel": "P7" }), "{record}");
    assert_eq!(newest_run(&client, "parcel", 1).await, parcel);

    let reply = client.ask("gil", "Somebody rings.").await;
    assert_eq!(reply, "A parcel, I think.");
    let after = newest_run(&client, "after", 1).await;
    let record = once(&client, &after, "succeeded").await;
    assert_eq!(
        record["outputs"],
        json!({ "said": "Somebody rings." }),
        "{record}"
    );
}

pub(super) async fn what_is_too_long_for_a_state_is_kept(stack: &Stack) {
    let client = stack.client("door");
    let started = post(&client, "workflows/letter/runs", &json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let run = started.json()["id"].clone();
    let record = once(&client, &run, "succeeded").await;
    let kept = &record["outputs"]["letter"];
    assert_eq!(record["steps"][0]["output"], *kept);
    let name = kept["kept_value"].as_str().unwrap();
    let value = get(
        &client,
        &format!("runs/{}/value?kept={name}", run.as_str().unwrap()),
    )
    .await;
    assert_eq!(
        value["rows"][0]["text"].as_str().unwrap().trim(),
        letter().trim()
    );
    assert_eq!(kept["bytes"], value.to_string().len());
}
