//! `confab stop` and `confab resume`, with a host and without one.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Setup, binary, example};

const STOPPED: &str = "I am switched off at the moment. Please try again later.";

fn confab(bot: &Path, data: &Path, arguments: &[&str]) -> (bool, Value) {
    let done = Command::new(binary("confab"))
        .arg("--json")
        .args(arguments)
        .arg(bot)
        .arg("--data")
        .arg(data)
        .env_remove("CONFAB_KEY")
        .output()
        .unwrap();
    let told = if done.status.success() {
        &done.stdout
    } else {
        &done.stderr
    };
    (done.status.success(), serde_json::from_slice(told).unwrap())
}

#[tokio::test]
async fn the_command_line_stops_a_host_that_runs_and_one_that_does_not() {
    let (bot, data) = (example("support"), TempDir::new().unwrap());
    let run = |arguments: &[&str]| confab(&bot, data.path(), arguments);
    let host = Setup::new(&bot, data.path()).start();
    let client = host.client("support");
    let (done, switch) = run(&["stop", "--reason", "it went mad"]);
    assert!(done, "{switch}");
    assert_eq!(switch["bots"]["support"]["reason"], "it went mad");
    assert_eq!(client.ask("a", "hello").await, STOPPED);
    assert!(run(&["resume"]).0);
    assert_ne!(client.ask("b", "hello").await, STOPPED);
    drop(host);
    let (done, switch) = run(&["stop", "--all", "--reason", "closed"]);
    assert!(done && switch["tenant"]["reason"] == "closed", "{switch}");
    let host = Setup::new(&bot, data.path()).start();
    assert_eq!(host.client("support").ask("c", "hello").await, STOPPED);
    let (done, problem) = run(&["stop", "--tenant", "elsewhere", "--reason", "x"]);
    assert!(
        !done
            && problem["message"]
                .as_str()
                .unwrap()
                .contains("only the tenant local"),
        "{problem}"
    );
}
