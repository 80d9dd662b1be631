//! Versions of workflows, published and taken back while a host runs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Request};
use crate::process::{Setup, binary};

use super::desk_with;

fn greeting(said: &str) -> String {
    format!("outputs: {{said: {said}}}\nsteps:\n  say: {{set: 1}}\n")
}

fn confab(bot: &Path, data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary("confab"));
    command.arg("workflow").args(arguments);
    command.arg("--bot").arg(bot).arg("--data").arg(data);
    command.env_remove("CONFAB_SECRETS_FILE").output().unwrap()
}

/// What a run that is started now says, and the version it is of.
async fn said(client: &Client) -> (Value, Value) {
    let request = Request::post("/v1/local/workflows/greet/runs", "{}");
    let started = client.send(request).await.unwrap();
    assert_eq!(started.status, 202, "{}", started.text());
    let path = format!("/v1/local/runs/{}", started.json()["id"].as_str().unwrap());
    for _ in 0..1000 {
        let record = client.send(Request::get(&path)).await.unwrap().json();
        if record["status"] == "succeeded" {
            return (record["outputs"]["said"].clone(), record["version"].clone());
        }
    }
    panic!("the run does not end");
}

#[tokio::test]
async fn an_edit_is_a_version_and_one_command_takes_it_back() {
    let bot = desk_with(&[("workflows/greet.yaml", &greeting("one"))]);
    let data = TempDir::new().unwrap();
    let host = Setup::new(bot.path(), data.path()).start();
    let client = host.client("desk");
    let (one, first) = said(&client).await;
    assert_eq!(one, "one");
    let file = bot.path().join("workflows/greet.yaml");
    fs::write(&file, greeting("two")).unwrap();
    host.event("reloaded");
    let (two, second) = said(&client).await;
    assert_eq!(two, "two");

    let versions = || {
        let listed = confab(bot.path(), data.path(), &["versions", "greet", "--json"]);
        assert!(listed.status.success(), "{listed:?}");
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let rows = listed.as_array().unwrap().iter();
        let rows = rows.map(|row| json!([row["number"], row["version"], row["now"]]));
        rows.collect::<Vec<_>>()
    };
    assert_eq!(
        versions(),
        [json!([1, first, false]), json!([2, second, true])]
    );
    let back = confab(bot.path(), data.path(), &["rollback", "greet"]);
    assert!(back.status.success(), "{back:?}");
    host.event("reloaded");
    assert_eq!(said(&client).await, (json!("one"), first.clone()));
    assert_eq!(
        versions(),
        [json!([1, first, true]), json!([2, second, false])]
    );

    // An edit that nothing has taken up is kept before it is replaced, and one with mistakes stays.
    drop(host);
    fs::write(&file, greeting("three")).unwrap();
    let back = confab(bot.path(), data.path(), &["rollback", "greet", "2"]);
    assert!(back.status.success(), "{back:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), greeting("two"));
    assert_eq!(versions().len(), 3);
    fs::write(&file, "steps: {say: {tool: nothing}}\n").unwrap();
    let broken = confab(bot.path(), data.path(), &["rollback", "greet", "1"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(fs::read_to_string(&file).unwrap().contains("nothing"));
    fs::write(&file, greeting("two")).unwrap();
    let absent = confab(bot.path(), data.path(), &["rollback", "greet", "7"]);
    let told = String::from_utf8_lossy(&absent.stderr).into_owned();
    assert!(told.contains("there is no version 7 of greet"), "{told}");
}
