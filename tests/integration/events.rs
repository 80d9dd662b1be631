//! Every function answers every sample of `events` as it should, and logs nothing that was said.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::ministack::MiniStack;

mod cases;
mod chain;
mod lambda;

use cases::{CASES, Expected};
use lambda::Function;

/// Words of the messages in the samples and in the table, one of each.
const SAID: [&str; 7] = [
    "order A100",
    "refund for",
    "hip belt",
    "Anybody there",
    "shop open",
    "Your Cirrus",
    "Hello, I'm Juniper",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `scripts/lambda-ground` makes on `ministack`, as the environment that leads there.
fn ground(ministack: &MiniStack) -> BTreeMap<String, String> {
    let made = Command::new(root().join("scripts/lambda-ground"))
        .args(["--on", &ministack.url()])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{told}");
    let mut environment: BTreeMap<String, String> = serde_json::from_slice(&made.stdout).unwrap();
    environment.insert("RUST_LOG".to_owned(), "info".to_owned());
    environment
}

/// The functions in `events`, with the names of their cases.
fn samples() -> BTreeMap<String, BTreeSet<String>> {
    let mut samples: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for folder in names(&root().join("events")) {
        let path = root().join("events").join(&folder);
        if path.is_dir() {
            let cases = names(&path).map(|file| file.strip_suffix(".json").unwrap().to_owned());
            samples.insert(folder, cases.collect());
        }
    }
    samples
}

fn names(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap())
}

fn sample(function: &str, case: &str) -> String {
    fs::read_to_string(root().join(format!("events/{function}/{case}.json"))).unwrap()
}

/// Fails when the log holds what was said or a secret, or not one line for each of `failures`.
fn check_log(function: &Function, failures: usize) {
    let secrets = fs::read_to_string(root().join("events/secrets.toml")).unwrap();
    let log = function.log();
    for said in SAID {
        assert!(!log.contains(said), "{said} is in the log: {log}");
    }
    for secret in secrets
        .split('"')
        .filter(|text| text.starts_with("sample-"))
    {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
    let lines = log.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        line["level"].as_str().unwrap().to_owned()
    });
    let errors = lines.filter(|level| level == "ERROR").count();
    assert_eq!(errors, failures, "{log}");
}

fn answers(function: &str, cases: &[(&str, Expected)], environment: &BTreeMap<String, String>) {
    let mut running = Function::start(function, environment);
    for (case, expected) in cases {
        let answer = running.invoke(&sample(function, case));
        expected.check(&format!("{function}/{case}"), &answer);
    }
    let failures = cases.iter().map(|(_, expected)| expected.failures());
    check_log(&running, failures.sum());
}

/// The holds that `stream-holds` has noted for the sweep.
fn noted(ministack: &MiniStack) -> String {
    let query = json!({
        "TableName": "confab",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "holds"}},
    });
    let (status, holds) = ministack.dynamodb("Query", &query);
    assert_eq!(status, 200, "{holds}");
    holds.to_string()
}

#[test]
fn every_sample_is_answered_as_expected_and_nothing_said_is_logged() {
    let known = CASES.iter().map(|(function, cases)| {
        let cases = cases.iter().map(|(case, _)| (*case).to_owned());
        ((*function).to_owned(), cases.collect())
    });
    assert_eq!(samples(), known.collect());

    let Some(ministack) = MiniStack::start() else {
        return;
    };
    let environment = &ground(&ministack);
    thread::scope(|scope| {
        for (function, cases) in CASES {
            scope.spawn(|| answers(function, cases, environment));
        }
    });
    let noted = noted(&ministack);
    assert!(noted.contains("web:otto"), "{noted}");
    assert!(
        !noted.contains("web:paul"),
        "ended in the same batch: {noted}"
    );
}
