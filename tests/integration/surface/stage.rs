//! Versions of workflows at a deployed stage, from the command line.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::asked::Asked;
use crate::process::binary;

use super::desk_with;

const KEY: &str = "admin-0123456789";
const WORKFLOW: &str = "steps:\n  say: {set: 1}\n";

/// A stage that gives its answers one by one.
struct Stage {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    bot: TempDir,
}

impl Stage {
    async fn open(answers: Vec<(u16, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let asked = Asked::read(&mut stream).await.unwrap();
                log.lock().unwrap().push(asked);
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 {status} So\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let bot = desk_with(&[("workflows/greet.yaml", WORKFLOW)]);
        Self { url, asked, bot }
    }

    fn file(&self) -> PathBuf {
        self.bot.path().join("workflows/greet.yaml")
    }

    /// `confab workflow ARGUMENTS` for the tenant acme of this stage: its exit code, and what it says.
    async fn confab(&self, arguments: &[&str]) -> (i32, String) {
        let there = ["--tenant", "acme", "--to", &self.url];
        confab(&self.bot, &[arguments, &there].concat(), Some(KEY)).await
    }

    /// The requests that came since this was called last: verb, path, body.
    fn asked(&self) -> Vec<(String, String, Value)> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let told = asked.into_iter().map(|asked| {
            let key = asked.header("authorization").unwrap();
            assert_eq!(key, format!("Bearer {KEY}"));
            let body = serde_json::from_str(&asked.body).unwrap_or_default();
            (asked.method, asked.path, body)
        });
        told.collect()
    }
}

async fn confab(bot: &TempDir, arguments: &[&str], key: Option<&str>) -> (i32, String) {
    let mut command = Command::new(binary("confab"));
    command.env_clear().arg("workflow").args(arguments);
    command.arg("--bot").arg(bot.path());
    command.envs(key.map(|key| ("CONFAB_KEY", key)));
    let done = tokio::task::spawn_blocking(move || command.output());
    let done = done.await.unwrap().unwrap();
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains(KEY), "{said}");
    (done.status.code().unwrap(), said)
}

fn version(number: u32, hash: &str) -> Value {
    json!({ "number": number, "version": hash, "at": "2026-11-21T08:00:00.000Z", "by": "ann", "live": true })
}

fn refusal(status: u16, detail: &str) -> (u16, Value) {
    let code = "refused";
    (
        status,
        json!({ "type": "about:blank", "status": status, "code": code, "detail": detail }),
    )
}

#[tokio::test]
async fn a_workflow_is_published_listed_and_taken_back_at_a_stage() {
    let deployed = json!({ "number": 0, "version": "c0ffee", "live": false });
    let stage = Stage::open(vec![
        (201, version(3, "ab12")),
        (200, version(3, "ab12")),
        (200, version(3, "ab12")),
        (
            200,
            json!({ "versions": [deployed.clone(), version(3, "ab12")] }),
        ),
        (200, json!({ "versions": [deployed, version(3, "ab12")] })),
        (200, version(2, "cd34")),
        (
            200,
            json!({ "number": 0, "version": "c0ffee", "live": true }),
        ),
    ])
    .await;
    let versions = "/v1/acme/workflows/greet/versions".to_owned();
    let url = &stage.url;

    let (code, said) = stage.confab(&["publish", "greet"]).await;
    let now = format!("greet is now version 3 (ab12) at {url}\n");
    assert_eq!((code, said), (0, now));
    let body = json!({ "text": WORKFLOW, "bot": "desk" });
    assert_eq!(stage.asked(), [("POST".to_owned(), versions.clone(), body)]);
    let (code, said) = stage.confab(&["publish", "greet"]).await;
    assert!(
        code == 0 && said.contains("was already version 3"),
        "{said}"
    );
    let (_, said) = stage.confab(&["publish", "greet", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&said["new"], &said["version"]["number"]),
        (&json!(false), &json!(3))
    );
    stage.asked();

    let (_, said) = stage.confab(&["versions", "greet"]).await;
    let lines: Vec<Vec<&str>> = said
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[1..],
        [
            vec!["0", "c0ffee", "its", "deployment"],
            vec!["3", "ab12", "2026-11-21", "08:00:00Z", "ann", "now"]
        ]
    );
    assert_eq!(stage.asked(), [("GET".to_owned(), versions, Value::Null)]);
    let (_, said) = stage.confab(&["versions", "greet", "--json"]).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        said[0],
        json!({ "number": 0, "version": "c0ffee", "now": false })
    );
    assert_eq!(said[1]["at"], "2026-11-21T08:00:00.000Z");
    stage.asked();

    let rollback = "/v1/acme/workflows/greet/rollback".to_owned();
    let (code, said) = stage.confab(&["rollback", "greet"]).await;
    assert!(
        code == 0 && said.contains("greet is version 2 again (cd34)"),
        "{said}"
    );
    let (code, said) = stage.confab(&["rollback", "greet", "0"]).await;
    assert!(
        code == 0 && said.contains("version 0 again (c0ffee)"),
        "{said}"
    );
    assert_eq!(
        stage.asked(),
        [
            ("POST".to_owned(), rollback.clone(), json!({})),
            ("POST".to_owned(), rollback, json!({ "to": 0 }))
        ]
    );
    // What is at a stage is kept there alone.
    assert_eq!(fs::read_to_string(stage.file()).unwrap(), WORKFLOW);
    assert!(!stage.bot.path().join(".confab").exists());
}

#[tokio::test]
async fn what_a_stage_refuses_is_told_with_what_to_do() {
    let stage = Stage::open(vec![
        refusal(
            422,
            "workflows/greet.yaml:2: there is no tool `say`\u{1b}[2J",
        ),
        refusal(403, "this key may not publish"),
        refusal(404, "there is no version 7 of greet"),
        refusal(503, "the store is busy"),
        (200, json!({ "versions": [] })),
        (200, json!("welcome")),
    ])
    .await;
    let refused = async |arguments: &[&str], code: i32, words: [&str; 2]| {
        let (exit, said) = stage.confab(arguments).await;
        let all = words.iter().all(|words| said.contains(words));
        assert!(exit == code && all, "{exit}: {said}");
        assert!(!said.contains('\u{1b}'), "{said}");
    };
    let publish = ["publish", "greet"];
    refused(
        &publish,
        1,
        ["greet.yaml:2: there is no tool `say`", "deploy"],
    )
    .await;
    let admin = "`[[keys]]` in the stage's secret `confab/<stage>/access`";
    refused(&publish, 1, ["may not publish", admin]).await;
    let lists = "`confab workflow versions greet --to http://127.0.0.1:";
    refused(&["rollback", "greet", "7"], 1, ["no version 7", lists]).await;
    refused(&["rollback", "greet"], 3, ["the store is busy", lists]).await;
    let first = "`confab workflow publish greet --to";
    refused(&["versions", "greet"], 1, ["no versions of greet", first]).await;
    refused(
        &["versions", "greet"],
        3,
        ["nothing that can be read", "address"],
    )
    .await;

    // Nobody answers any more, and what is wrong here is never sent.
    assert_eq!(stage.asked().len(), 6);
    refused(&publish, 3, ["does not answer", "`scripts/deploy` printed"]).await;
    fs::write(stage.file(), "steps: {say: {tool: nothing}}\n").unwrap();
    refused(&publish, 1, ["greet.yaml:1:", "nothing"]).await;
}

#[tokio::test]
async fn a_key_is_needed_and_goes_to_no_address_that_is_not_encrypted() {
    let stage = Stage::open(Vec::new()).await;
    let run = async |options: &[&str], key: Option<&str>| {
        let arguments = [["publish", "greet"].as_slice(), options].concat();
        confab(&stage.bot, &arguments, key).await
    };
    let stranger = ["--tenant", "acme", "--to", "https://confab.invalid"];
    for no_key in [None, Some(""), Some("two\nlines")] {
        let (code, said) = run(&stranger, no_key).await;
        assert!(
            code == 3 && said.contains("CONFAB_KEY holds none"),
            "{said}"
        );
        let help = "gives the tenant acme, with the role admin";
        assert!(said.contains(help), "{said}");
    }
    for (to, why) in [
        ("http://confab.invalid", "is not encrypted"),
        ("http://localhost.confab.invalid", "is not encrypted"),
        ("https://ann:secret@confab.invalid", "carries a user"),
        ("https://confab.invalid/?a=b", "has a query"),
        ("confab.invalid", "is not an absolute address"),
    ] {
        let (code, said) = run(&["--tenant", "acme", "--to", to], Some(KEY)).await;
        assert!(code == 2 && said.contains(why), "{to}: {said}");
    }
    let wrong: [(&[&str], &str); 4] = [
        (&["--to", &stage.url], "--tenant"),
        (&["--tenant", "acme"], "--to"),
        (&["--to", &stage.url, "--tenant", "../x"], "a tenant is"),
        (
            &["--to", &stage.url, "--tenant", "acme", "--data", "."],
            "cannot be used with",
        ),
    ];
    for (options, why) in wrong {
        let (code, said) = run(options, Some(KEY)).await;
        assert!(code == 2 && said.contains(why), "{options:?}: {said}");
    }
}
