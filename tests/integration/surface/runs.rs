//! Workflows and their runs, as a person and another service start them.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use crate::client::{Client, Reply, Request};
use crate::process::{Confab, Setup};

use super::{KEYS, desk_with};

const GREET: &str = r#"
description: Greets somebody.
inputs:
  name: {type: string, description: Whom.}
  times: {type: integer, default: 1}
outputs: {said: "${ $steps.say }"}
on:
  - webhook: {secret: HOOK_SECRET}
    with: {name: "${ $trigger.body.user.name }", times: "${ $trigger.body.times }"}
steps:
  say: {set: "Hello ${ $inputs.name }, ${ $inputs.times }"}
"#;
const LINGER: &str = r"
description: Waits, one at a time.
concurrency: {limit: 1, when_full: queue}
steps:
  rest: {wait: 1h}
";
const SORRY: &str = r"
description: Cannot do it.
steps:
  stop: {fail: {error: Sorry, cause: not today}}
";

struct Desk {
    confab: Confab,
    _folders: [TempDir; 2],
}

fn desk() -> Desk {
    let bot = desk_with(&[
        ("workflows/greet.yaml", GREET),
        ("workflows/linger.yaml", LINGER),
        ("workflows/sorry.yaml", SORRY),
    ]);
    let data = TempDir::new().unwrap();
    let setup = Setup::new(bot.path(), data.path());
    let secrets = format!("{KEYS}[secrets]\nHOOK_SECRET = \"hook-secret\"\n");
    let confab = setup.secrets(&secrets).start();
    Desk {
        confab,
        _folders: [bot, data],
    }
}

impl Desk {
    fn nobody(&self) -> Client {
        self.confab.client("desk")
    }

    fn operator(&self) -> Client {
        self.nobody().with_key("operator-0123456789")
    }
}

async fn get(client: &Client, path: &str) -> Reply {
    client
        .send(Request::get(&format!("/v1/local/{path}")))
        .await
        .unwrap()
}

async fn start(client: &Client, workflow: &str, inputs: Value, key: &str) -> Reply {
    let path = format!("/v1/local/workflows/{workflow}/runs");
    let body = json!({ "inputs": inputs }).to_string();
    let request = Request::post(&path, body).with("idempotency-key", key);
    client.send(request).await.unwrap()
}

async fn cancel(client: &Client, run: &str) -> Reply {
    let path = format!("/v1/local/runs/{run}/cancel");
    client.send(Request::post(&path, "")).await.unwrap()
}

async fn retry(client: &Client, run: &str) -> Reply {
    let path = format!("/v1/local/runs/{run}/retry");
    client.send(Request::post(&path, "")).await.unwrap()
}

fn id(started: &Reply) -> String {
    assert_eq!(started.status, 202, "{}", started.text());
    started.json()["id"].as_str().unwrap().to_owned()
}

/// The record of a run once it has ended, as it should.
async fn ended(client: &Client, run: &str, status: &str) -> Value {
    let record = get(client, &format!("runs/{run}?wait=25")).await.json();
    assert_eq!(record["status"], status, "{record}");
    record
}

/// Returns when a run that waits for room has found it.
async fn running_soon(client: &Client, run: &str) {
    for _ in 0..25 {
        let record = get(client, &format!("runs/{run}?wait=1")).await.json();
        if record["status"] == "running" {
            return;
        }
    }
    panic!("{run} does not run");
}

/// A delivery of GitHub's, signed with `secret`.
async fn deliver(client: &Client, secret: &str, delivery: &str, body: &Value) -> Reply {
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let request = Request::post("/v1/local/hooks/greet", body)
        .with("host", "tunnel.example.com")
        .with("x-hub-signature-256", &signature)
        .with("x-github-delivery", delivery);
    client.send(request).await.unwrap()
}

#[tokio::test]
async fn a_run_is_started_once_for_a_key_and_read_step_by_step() {
    let desk = desk();
    let client = desk.operator();
    let listed = get(&client, "workflows").await.json();
    let greet = &listed["workflows"][0];
    assert_eq!(greet["name"], "greet");
    assert_eq!(
        greet["inputs"]["times"],
        json!({ "type": "integer", "default": 1 })
    );
    assert_eq!(greet["triggers"][0], "by a signed POST to …/hooks/greet");

    let first = start(&client, "greet", json!({ "name": "Ada" }), "k1").await;
    let run = id(&first);
    let record = ended(&client, &run, "succeeded").await;
    assert_eq!(record["outputs"], json!({ "said": "Hello Ada, 1" }));
    assert_eq!(record["trigger"], json!({ "type": "manual", "by": "ann" }));
    assert_eq!(record["steps"][0]["step"], "say");
    let again = start(&client, "greet", json!({ "name": "Ada" }), "k1").await;
    assert_eq!(
        (id(&again), &again.json()["status"]),
        (run, &json!("succeeded"))
    );
    let other = start(&client, "greet", json!({ "name": "Bea" }), "k1").await;
    assert_eq!(other.problem(), (422, "key_reused".to_owned()));
    assert_ne!(
        id(&start(&client, "greet", json!({ "name": "Bea" }), "k2").await),
        id(&first)
    );
    let runs = get(&client, "runs?workflow=greet&limit=5").await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
    assert_eq!(runs["runs"][1]["id"], first.json()["id"]);
    let none = get(&client, "runs?workflow=linger").await.json();
    assert_eq!(none, json!({ "runs": [] }));
}

#[tokio::test]
async fn what_is_cancelled_makes_room_and_what_has_ended_stays_as_it_is() {
    let desk = desk();
    let client = desk.operator();
    let running = id(&start(&client, "linger", json!({}), "k1").await);
    let queued = start(&client, "linger", json!({}), "k2").await;
    assert_eq!(queued.json()["status"], "queued");
    for _ in 0..2 {
        let cancelled = cancel(&client, &running).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.text());
        assert_eq!(cancelled.json()["status"], "cancelled");
        assert_eq!(cancelled.json()["cause"], "ann cancelled it");
    }
    running_soon(&client, &id(&queued)).await;
    let greeted = id(&start(&client, "greet", json!({ "name": "Ada" }), "k3").await);
    ended(&client, &greeted, "succeeded").await;
    let late = cancel(&client, &greeted).await;
    assert_eq!(late.problem(), (409, "run_ended".to_owned()));
    assert_eq!(
        cancel(&client, "nothing").await.problem(),
        (404, "not_found".to_owned())
    );
}

#[tokio::test]
async fn what_failed_is_retried_and_nothing_else_is() {
    let desk = desk();
    let client = desk.operator();
    let sorry = id(&start(&client, "sorry", json!({}), "k1").await);
    ended(&client, &sorry, "failed").await;
    let viewer = desk.nobody().with_key("viewer-0123456789");
    let refused = retry(&viewer, &sorry).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    assert_eq!(retry(&client, &sorry).await.status, 200);
    let record = ended(&client, &sorry, "failed").await;
    let attempts = record["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{record}");
    assert!(attempts.iter().all(|attempt| attempt["error"] == "Sorry"));

    let greeted = id(&start(&client, "greet", json!({ "name": "Ada" }), "k2").await);
    ended(&client, &greeted, "succeeded").await;
    let running = id(&start(&client, "linger", json!({}), "k3").await);
    for run in [greeted, running] {
        let reply = retry(&client, &run).await;
        assert_eq!(reply.problem(), (409, "run_not_failed".to_owned()));
    }
    let nothing = retry(&client, "nothing").await;
    assert_eq!(nothing.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_signed_delivery_starts_one_run_with_what_it_says() {
    let desk = desk();
    let (client, sender) = (desk.operator(), desk.nobody());
    let body = json!({ "user": { "name": "Lovelace" } });
    let first = id(&deliver(&sender, "hook-secret", "d1", &body).await);
    let record = ended(&client, &first, "succeeded").await;
    // What the body does not have, the workflow's default is.
    assert_eq!(record["outputs"], json!({ "said": "Hello Lovelace, 1" }));
    assert_eq!(record["inputs"], json!({ "name": "Lovelace" }));
    assert_eq!(record["trigger"]["body"], body);
    assert_eq!(
        id(&deliver(&sender, "hook-secret", "d1", &body).await),
        first
    );
    assert_ne!(
        id(&deliver(&sender, "hook-secret", "d2", &body).await),
        first
    );
    let nameless = deliver(&sender, "hook-secret", "d3", &json!({ "user": {} })).await;
    assert_eq!(nameless.problem(), (422, "invalid_request".to_owned()));
    assert!(
        nameless.text().contains("`name` is missing"),
        "{}",
        nameless.text()
    );
    let forged = deliver(&sender, "other-secret", "d4", &body).await;
    assert_eq!(forged.problem(), (401, "bad_signature".to_owned()));
    let hook = |workflow| Request::post(&format!("/v1/local/hooks/{workflow}"), "{}");
    let bare = sender.send(hook("greet")).await.unwrap();
    assert_eq!(bare.problem(), (401, "bad_signature".to_owned()));
    for workflow in ["linger", "nothing"] {
        let absent = sender.send(hook(workflow)).await.unwrap();
        assert_eq!(absent.problem(), (404, "not_found".to_owned()));
    }
    let runs = get(&client, "runs").await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{runs}");
}

#[tokio::test]
async fn runs_are_read_by_viewers_and_begun_by_operators_with_the_right_inputs() {
    let desk = desk();
    let operator = desk.operator();
    let viewer = desk.nobody().with_key("viewer-0123456789");
    let run = id(&start(&operator, "linger", json!({}), "k1").await);
    for path in ["workflows", "runs", &format!("runs/{run}")] {
        assert_eq!(get(&viewer, path).await.status, 200, "{path}");
        assert_eq!(get(&desk.nobody(), path).await.status, 401, "{path}");
    }
    let refused = [
        start(&viewer, "linger", json!({}), "k2").await,
        cancel(&viewer, &run).await,
    ];
    for refused in refused {
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    }
    let wrong = [
        ("greet", json!({}), "`name` is missing"),
        ("greet", json!({ "name": 5 }), "of the type string"),
        (
            "greet",
            json!({ "name": "Ada", "tims": 2 }),
            "no input `tims`",
        ),
        ("greet", json!([]), "must be a table"),
    ];
    for (workflow, inputs, told) in wrong {
        let reply = start(&operator, workflow, inputs, "k3").await;
        assert_eq!(reply.problem(), (422, "invalid_request".to_owned()));
        assert!(reply.text().contains(told), "{}", reply.text());
    }
    for query in ["limit=0", "limit=101", "limit=x"] {
        let reply = get(&operator, &format!("runs?{query}")).await;
        assert_eq!(reply.problem(), (400, "invalid_query".to_owned()));
    }
}
