//! What the page of workflows rests on: its files, the pictures, and the news of runs and approvals.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Reply, Request};
use crate::process::{Confab, Setup, example};

use super::{KEYS, desk_with, events, support};

const PEOPLE: &str = "format = 1\n[people.ann]\nroles = [\"boss\"]\nweb = \"ann\"\n[people.bob]\nroles = [\"boss\"]\nweb = \"bob\"\n";
const ORDER: &str = r#"
description: Orders something when the boss says yes.
risk: high
inputs: {what: string, gift: {type: boolean, default: false}}
steps:
  wrap: {when: $inputs.gift, set: wrapped}
  size:
    choose:
      - when: $length($inputs.what) > 10
        steps: {large: {set: large}}
      - steps: {small: {set: small}}
  look:
    repeat: {peek: {set: "${ $round }"}}
    until: $round = 2
    at_most: 3
  sure:
    approve: Shall I order ${ $inputs.what }?
    role: boss
    expires: 1h
    catch:
      on: Denied
      steps:
        sorry: {set: "${ $error.Cause }"}
        stop: {fail: {error: Denied, cause: "${ $error.Cause }"}}
  order: {set: ordered}
"#;

struct Desk {
    confab: Confab,
    _folders: [TempDir; 2],
}

fn desk(secrets: Option<&str>) -> Desk {
    let bot = desk_with(&[("people.toml", PEOPLE), ("workflows/order.yaml", ORDER)]);
    let data = TempDir::new().unwrap();
    let mut setup = Setup::new(bot.path(), data.path());
    if let Some(secrets) = secrets {
        setup = setup.secrets(secrets);
    }
    Desk {
        confab: setup.start(),
        _folders: [bot, data],
    }
}

async fn get(client: &Client, path: &str) -> Reply {
    client.send(Request::get(path)).await.unwrap()
}

async fn post(client: &Client, path: &str, body: Value) -> Reply {
    let request = Request::post(path, body.to_string());
    client.send(request).await.unwrap()
}

async fn order(client: &Client, what: &str) -> String {
    let path = "/v1/local/workflows/order/runs";
    let started = post(client, path, json!({ "inputs": { "what": what } })).await;
    assert_eq!(started.status, 202, "{}", started.text());
    started.json()["id"].as_str().unwrap().to_owned()
}

/// How the steps of a picture stand, by name.
fn states(drawing: &Value) -> BTreeMap<String, String> {
    let nodes = drawing["nodes"].as_array().unwrap().iter();
    let state = |node: &Value| {
        let word = |name: &str| node[name].as_str().unwrap_or("-").to_owned();
        (word("step"), word("state"))
    };
    nodes.map(state).collect()
}

fn expected(states: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(step, state): &(&str, &str)| ((*step).to_owned(), (*state).to_owned());
    states.iter().map(owned).collect()
}

/// The news of a tenant, as they come.
struct News {
    stream: crate::http::Connection,
    read: usize,
    waiting: VecDeque<Value>,
}

impl News {
    async fn of(client: &Client, tenant: &str) -> Self {
        let path = format!("/v1/{tenant}/events");
        let mut stream = client.connect(Request::get(&path)).await.unwrap();
        stream.head().await.unwrap();
        Self {
            stream,
            read: 0,
            waiting: VecDeque::new(),
        }
    }

    async fn next(&mut self) -> Value {
        while self.waiting.is_empty() {
            let told = events(&String::from_utf8_lossy(self.stream.more().await.unwrap()));
            self.waiting.extend(told[self.read..].iter().cloned());
            self.read = told.len();
        }
        self.waiting.pop_front().unwrap()
    }
}

/// The picture of a run, read again at its news until `step` stands so.
async fn drawn(client: &Client, news: &mut News, run: &str, step: &str, state: &str) -> Value {
    loop {
        let drawing = get(client, &format!("/v1/local/runs/{run}/graph")).await;
        assert_eq!(drawing.status, 200, "{}", drawing.text());
        if states(&drawing.json())[step] == state {
            return drawing.json();
        }
        while news.next().await != json!({ "type": "run.changed", "run": run }) {}
    }
}

#[tokio::test]
async fn a_page_follows_a_run_from_its_start_over_a_question_to_its_end() {
    let desk = desk(None);
    let client = desk.confab.client("desk");
    let mut news = News::of(&client, "local").await;
    let plain = get(&client, "/v1/local/workflows/order/graph").await.json();
    assert!(states(&plain).values().all(|state| state == "-"), "{plain}");
    let run = order(&client, "a pen").await;
    let waiting = drawn(&client, &mut news, &run, "sure", "waiting").await;
    let upto = [
        ("wrap", "skipped"),
        ("size", "succeeded"),
        ("large", "skipped"),
        ("small", "succeeded"),
        ("look", "succeeded"),
        ("peek", "succeeded"),
    ];
    let rest = [
        ("sure", "waiting"),
        ("sorry", "upcoming"),
        ("stop", "upcoming"),
        ("order", "upcoming"),
    ];
    assert_eq!(states(&waiting), expected(&[&upto[..], &rest].concat()));
    assert_eq!(waiting["version"], plain["version"]);

    let asked = get(&client, "/v1/local/approvals").await.json();
    let asked = &asked["approvals"][0];
    assert_eq!(asked["envelope"]["intent"], "Shall I order a pen?");
    assert_eq!(asked["envelope"]["risk_level"], "high");
    assert_eq!(asked["session"], format!("local/desk/run:order.{run}"));
    let id = asked["id"].as_str().unwrap();
    let path = format!("/v1/local/approvals/{id}/deny");
    let denied = post(&client, &path, json!({ "person": "bob", "reason": "no" })).await;
    assert_eq!(denied.status, 200, "{}", denied.text());
    while news.next().await != json!({ "type": "approval.changed", "approval": id }) {}
    let ended = drawn(&client, &mut news, &run, "stop", "failed").await;
    let rest = [
        ("sure", "failed"),
        ("sorry", "succeeded"),
        ("stop", "failed"),
        ("order", "skipped"),
    ];
    assert_eq!(states(&ended), expected(&[&upto[..], &rest].concat()));

    let cancelled = order(&client, "an aquarium").await;
    drawn(&client, &mut news, &cancelled, "sure", "waiting").await;
    let path = format!("/v1/local/runs/{cancelled}/cancel");
    assert_eq!(post(&client, &path, json!({})).await.status, 200);
    let stopped = get(&client, &format!("/v1/local/runs/{cancelled}/graph")).await;
    let stopped = states(&stopped.json());
    assert_eq!(
        (&*stopped["sure"], &*stopped["large"]),
        ("stopped", "succeeded")
    );
    let listed = get(&client, "/v1/local/runs").await.json();
    for run in listed["runs"].as_array().unwrap() {
        assert!(run["ended"].as_str() >= run["at"].as_str(), "{run}");
    }
    for absent in ["workflows/nothing/graph", "runs/nothing/graph"] {
        let absent = get(&client, &format!("/v1/local/{absent}")).await;
        assert_eq!(absent.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn news_of_runs_are_for_their_own_tenant_and_the_people_of_an_open_house_only() {
    let desk = desk(Some(KEYS));
    let nobody = desk.confab.client("desk");
    let (ann, otto) = (
        nobody.with_key("operator-0123456789"),
        nobody.with_key("other-01234567890"),
    );
    for path in ["/v1/local/events", "/v1/local/workflows/order/graph"] {
        assert_eq!(get(&nobody, path).await.status, 401, "{path}");
        assert_eq!(get(&otto, path).await.status, 403, "{path}");
    }
    let house = get(&nobody, "/page/house").await.json();
    assert_eq!(
        (&house["keyed"], &house["people"]),
        (&json!(true), &json!([]))
    );
    let (mut own, mut other) = (
        News::of(&ann, "local").await,
        News::of(&otto, "other").await,
    );
    let run = order(&ann, "a pen").await;
    drawn(&ann, &mut own, &run, "sure", "waiting").await;
    // Whatever is told after these was told after the run's own news.
    for _ in 0..2 {
        post(&otto, "/v1/other/runs/nothing/cancel", json!({})).await;
        assert_eq!(other.next().await, json!({ "type": "changed" }));
    }
}

#[tokio::test]
async fn the_pages_load_only_their_own_files_which_write_text_and_no_markup() {
    let support = support();
    let client = support.client();
    let house = get(&client, "/page/house").await.json();
    assert_eq!(house["keyed"], false);
    assert_eq!(house["people"][0]["id"], "ana", "{house}");
    let session = post(&client, "/page/session", json!({})).await.json();
    assert_eq!(session["workflows"], true, "{session}");
    let mut left: Vec<String> = Vec::new();
    for page in ["/", "/workflows"] {
        let reply = get(&client, page).await;
        let policy = reply.header("content-security-policy").unwrap().to_owned();
        assert!(
            policy.contains("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{policy}"
        );
        let text = reply.text();
        for inline in ["<style", "style=", "onclick", "<script>"] {
            assert!(!text.contains(inline), "{inline} in {page}");
        }
        left.extend(named(&text, "src=\""));
        left.extend(named(&text, "rel=\"stylesheet\" href=\""));
    }
    let mut seen = BTreeSet::new();
    while let Some(file) = left.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let reply = get(&client, &format!("/{file}")).await;
        assert_eq!(reply.status, 200, "{file}");
        let kind = reply.header("content-type").unwrap().to_owned();
        let text = reply.text();
        if file.ends_with(".js") {
            assert!(kind.starts_with("text/javascript"), "{file}: {kind}");
            for markup in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "DOMParser",
                "eval(",
            ] {
                assert!(!text.contains(markup), "{markup} in {file}");
            }
            left.extend(named(&text, "from \"./"));
        } else {
            assert!(kind.starts_with("text/css"), "{file}: {kind}");
        }
    }
    let files = fs::read_dir(example("../apps/confab/page")).unwrap();
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|file| !file.ends_with(".html")).collect();
    assert_eq!(seen, files);
}

/// What stands between `before` and the next quotation mark, wherever it does.
fn named(text: &str, before: &str) -> Vec<String> {
    let parts = text.split(before).skip(1);
    parts
        .filter_map(|part| Some(part.split_once('"')?.0.to_owned()))
        .collect()
}
