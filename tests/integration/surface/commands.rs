//! What a person does from the terminal, beside a running host and without one.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Setup, binary, example};

/// `confab ARGUMENTS` with its data in `data`.
fn confab(data: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary("confab"));
    command.args(arguments).arg(example("support"));
    command.arg("--data").arg(data.path());
    command.env_remove("CONFAB_SECRETS_FILE").output().unwrap()
}

fn succeeds(data: &TempDir, arguments: &[&str]) -> String {
    let output = confab(data, arguments);
    let (said, noted) = (
        output.stdout,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{arguments:?}: {noted}");
    String::from_utf8(said).unwrap()
}

/// What a command says that it cannot, with what to do.
fn fails(data: &TempDir, arguments: &[&str]) -> String {
    let output = confab(data, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_person_takes_a_conversation_over_from_the_terminal() {
    let data = TempDir::new().unwrap();
    let running = Setup::new(&example("support"), data.path()).start();
    let client = running.client("support");
    client.ask("dana", "hello").await;
    assert!(fails(&data, &["say", "dana", "Hi"]).contains("confab take dana --as NAME"));
    assert!(succeeds(&data, &["take", "dana", "--as", "Ann"]).contains("confab give-back"));
    assert!(fails(&data, &["take", "dana", "--as", "Bo"]).contains("confab give-back dana"));
    succeeds(&data, &["say", "dana", "Ann here"]);
    client.settled("dana").await;
    drop(running);
    // Without a host the command is one for as long as it takes.
    succeeds(&data, &["say", "dana", "and again"]);
    assert!(succeeds(&data, &["sessions"]).contains("with Ann"));
    succeeds(&data, &["give-back", "dana"]);
    succeeds(&data, &["close", "dana"]);
    assert!(fails(&data, &["redrive", "dana", "1"]).contains("not parked"));
    let shown: Value = serde_json::from_str(&succeeds(&data, &["show", "dana", "--json"])).unwrap();
    assert_eq!(shown["state"], "closed");
    let messages = shown["messages"].as_array().unwrap();
    let by: Vec<_> = messages
        .iter()
        .filter(|message| message["by"] == "Ann")
        .collect();
    assert_eq!(
        (by[0]["text"].as_str(), by[1]["text"].as_str()),
        (Some("Ann here"), Some("and again"))
    );
}
