//! The HTTP surface of a real process, as a contact, a program and an attacker meet it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use engine::transcript::{ToolStatus, Verdict};
use engine::view::{MessageVerdict, Role};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Request};
use crate::process::{Confab, Setup, example, folder};

mod bad_input;
mod commands;
mod keys;
mod page;
mod paths;
mod reload;
mod runs;
mod stage;
mod versions;

/// The keys of a website, of people here with one role each, and of somebody elsewhere.
const KEYS: &str = r#"
format = 1
[[keys]]
key = "client-0123456789"
tenant = "local"
person = "the website"
role = "client"
[[keys]]
key = "viewer-0123456789"
tenant = "local"
person = "vera"
role = "viewer"
[[keys]]
key = "operator-0123456789"
tenant = "local"
person = "ann"
role = "operator"
[[keys]]
key = "other-01234567890"
tenant = "other"
person = "otto"
role = "admin"
"#;

/// A bot that says hello, with `files` beside.
fn desk_with(files: &[(&str, &str)]) -> TempDir {
    let bot = [
        (
            "bot.toml",
            "format = 1\nname = \"desk\"\n[model]\nuse = \"scripted\"\n",
        ),
        ("script.toml", "format = 1\n[default]\ntext = \"hello\"\n"),
        ("SOUL.md", "# Desk\n"),
    ];
    folder(&[&bot, files].concat())
}

/// The support bot of the examples, served to whoever needs it at the same time.
struct Support {
    confab: Confab,
    _data: TempDir,
}

/// Ends with its last user: what lives in a `static` is never dropped, and the process would outlive the tests.
static SHARED: Mutex<Weak<Support>> = Mutex::new(Weak::new());

fn support() -> Arc<Support> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(support) = shared.upgrade() {
        return support;
    }
    let data = TempDir::new().unwrap();
    let confab = Setup::new(&example("support"), data.path()).start();
    let support = Arc::new(Support {
        confab,
        _data: data,
    });
    *shared = Arc::downgrade(&support);
    support
}

impl Support {
    fn client(&self) -> Client {
        self.confab.client("support")
    }
}

#[tokio::test]
async fn a_question_about_an_order_is_answered_from_the_order_book() {
    let support = support();
    let client = support.client();
    let reply = client.ask("ada", "Where is my order A1003?").await;
    assert!(reply.contains("on its way"), "{reply}");
    let trace = client.settled("ada").await;
    assert_eq!(
        trace.messages[0].verdict,
        MessageVerdict::Settled(Verdict::Answered)
    );
    let turn = &trace.turns[0];
    assert_eq!(turn.reply.as_ref(), Some(&reply));
    let tools: Vec<_> = turn.rounds.iter().flat_map(|round| &round.tools).collect();
    assert_eq!(tools.len(), 1, "{tools:?}");
    assert_eq!(
        (tools[0].tool.as_str(), tools[0].status),
        ("lookup_order", Some(ToolStatus::Succeeded))
    );
    assert_eq!(tools[0].arguments, json!({ "order_id": "A1003" }));
    assert_eq!(
        tools[0].result["rows"][0]["order_id"], "A1003",
        "{}",
        tools[0].result
    );
}

#[tokio::test]
async fn a_message_is_taken_once_however_it_names_its_id() {
    let support = support();
    let client = support.client();
    let path = client.path("bea", "messages");
    let first = client.post("bea", "m1", "hello").await.unwrap();
    assert_eq!(first.status, 202);
    assert_eq!(
        first.json(),
        json!({ "session": "web:bea", "message": "m1", "status": "accepted" })
    );
    let again = client.post("web:bea", "m1", "hello").await.unwrap();
    assert_eq!(
        again.json(),
        json!({ "session": "web:bea", "message": "m1", "status": "duplicate" })
    );
    // The header goes before the body's id.
    let by_header = Request::post(&path, json!({ "text": "hello", "id": "m2" }).to_string());
    let by_header = client
        .send(by_header.with("idempotency-key", "m1"))
        .await
        .unwrap();
    assert_eq!(by_header.json()["status"], "duplicate");
    let nameless = Request::post(&path, json!({ "text": "thanks" }).to_string());
    let nameless = client.send(nameless).await.unwrap();
    assert_eq!(nameless.json()["status"], "accepted");
    let given = nameless.json()["message"].as_str().unwrap().to_owned();
    let trace = client.settled("bea").await;
    let ids: Vec<&str> = trace
        .messages
        .iter()
        .map(|message| message.id.as_str())
        .collect();
    assert_eq!(ids, ["m1", &given]);
}

#[tokio::test]
async fn a_waiting_reader_is_told_at_once() {
    let support = support();
    let client = support.client();
    let reader = tokio::spawn({
        let client = client.clone();
        async move { client.replies("cleo", 1).await }
    });
    let posted = client.post("cleo", "m1", "hello").await.unwrap();
    assert_eq!(posted.status, 202);
    // A poll that runs out of time comes back empty, which `replies` does not put up with.
    let read = reader.await.unwrap();
    let told: Vec<(Role, u64, Option<&str>)> = read
        .iter()
        .map(|message| (message.role, message.seq, message.id.as_deref()))
        .collect();
    assert_eq!(
        told,
        [(Role::User, 1, Some("m1")), (Role::Assistant, 2, None)]
    );
    assert_eq!(client.messages("cleo", 1, 0).await.unwrap(), read[1..]);
    assert_eq!(client.messages("cleo", 2, 0).await.unwrap(), []);
}

#[tokio::test]
async fn a_stream_tells_what_happens_in_order() {
    let support = support();
    let client = support.client();
    let mut stream = client
        .connect(Request::get(&client.path("dora", "events")))
        .await
        .unwrap();
    stream.head().await.unwrap();
    let posted = client
        .post("dora", "m1", "Where is my order A1003?")
        .await
        .unwrap();
    assert_eq!(posted.status, 202);
    let events = loop {
        let events = events(&String::from_utf8_lossy(stream.more().await.unwrap()));
        if events
            .last()
            .is_some_and(|event| event["type"] == "turn.ended")
        {
            break events;
        }
    };
    let mut names: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    names.dedup();
    let expected = [
        "turn.started",
        "tool.started",
        "tool.finished",
        "text.delta",
        "reply",
        "turn.ended",
    ];
    assert_eq!(names, expected);
    let finished = events.iter().find(|event| event["type"] == "tool.finished");
    assert_eq!(finished.unwrap()["status"], "succeeded");
    let deltas = events.iter().filter(|event| event["type"] == "text.delta");
    let streamed: String = deltas
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    let reply = events
        .iter()
        .find(|event| event["type"] == "reply")
        .unwrap();
    assert_eq!(reply["text"], streamed.trim());
    assert_eq!(
        events.last().unwrap(),
        &json!({ "type": "turn.ended", "turn": 1, "verdict": "answered" })
    );
}

/// The events of a stream as far as it has come, each of which must be framed under its own name.
fn events(stream: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut name = "";
    for line in stream
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
    {
        if let Some(event) = line.strip_prefix("event: ") {
            name = event;
        } else if let Some(data) = line.strip_prefix("data: ") {
            let event: Value = serde_json::from_str(data).unwrap();
            assert_eq!(event["type"], name);
            events.push(event);
        }
    }
    events
}

#[tokio::test]
async fn an_id_is_used_for_one_text_only() {
    let support = support();
    let client = support.client();
    let said = async |id: &str, text: &str| {
        let reply = client.post("ivo", id, text).await.unwrap();
        let body = reply.json();
        let word = body["status"].as_str().or(body["code"].as_str());
        (reply.status, word.unwrap_or_default().to_owned())
    };
    let told = |status: u16, word: &str| (status, word.to_owned());
    assert_eq!(said("m1", "hello").await, told(202, "accepted"));
    assert_eq!(said("m1", "hello").await, told(202, "duplicate"));
    assert_eq!(said("m1", "goodbye").await, told(422, "id_reused"));
    client.settled("ivo").await;
    assert_eq!(said("m1", "hello").await, told(202, "duplicate"));
    assert_eq!(said("m1", "goodbye").await, told(422, "id_reused"));
    assert_eq!(client.settled("ivo").await.messages.len(), 1);
}
