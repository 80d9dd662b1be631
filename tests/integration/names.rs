//! One name everywhere: folders, packages, binaries, the CDK's table, state machines, events and errors agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use confab::host::FUNCTIONS;
use engine::error::Kind;
use serde_json::Value;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of the folders in `folder`.
fn folders(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    folders
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// The functions of the CDK's table.
fn deployed(root: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(root.join("infra/cdk/lib/functions.ts")).unwrap();
    let (_, table) = text.split_once("export const functions = {").unwrap();
    let (table, _) = table.split_once("} satisfies").unwrap();
    let name = |line: &str| {
        let (name, _) = line.strip_prefix("  '")?.split_once("': {")?;
        Some(name.to_owned())
    };
    table.lines().filter_map(name).collect()
}

fn has_one_name_everywhere(root: &Path) {
    let functions = folders(&root.join("functions"));
    assert_eq!(folders(&root.join("events")), functions, "events");
    assert_eq!(deployed(root), functions, "functions.ts");
    for function in functions {
        let folder = root.join("functions").join(&function);
        let package = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let names = package.lines().filter(|line| line.starts_with("name = "));
        let expected = format!("name = \"{function}\"");
        assert_eq!(names.collect::<Vec<_>>(), [expected.as_str(); 2]);
        let source = fs::read_to_string(folder.join("src/main.rs")).unwrap();
        assert!(
            source.starts_with(&format!("//! `{function}`: ")),
            "{source}"
        );
        let (_, sample) = source.split_once("Sample: `").unwrap();
        let (sample, _) = sample.split_once('`').unwrap();
        assert!(
            sample.starts_with(&format!("events/{function}/")),
            "{sample}"
        );
        assert!(root.join(sample).is_file(), "{sample} is missing");
    }
}

#[test]
fn a_function_is_a_folder_a_package_a_binary_a_row_of_the_cdk_and_a_folder_of_events() {
    has_one_name_everywhere(&root());
}

/// What `scripts/new-function` reads and writes, copied.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let parts = "Cargo.toml Cargo.lock scripts functions shared apps tests events infra/cdk/lib";
    for part in parts.split(' ') {
        let to = copy.path().join(part);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp")
            .arg("-R")
            .arg(root().join(part))
            .arg(to)
            .status();
        assert!(copied.unwrap().success(), "{part}");
    }
    copy
}

fn new_function(root: &Path, name: &str) -> Output {
    let script = root.join("scripts/new-function");
    Command::new(script).arg(name).output().unwrap()
}

#[test]
fn a_new_function_has_one_name_everywhere_and_a_bad_or_taken_name_makes_nothing() {
    let copy = copy();
    let made = new_function(copy.path(), "job-report");
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{told}");
    has_one_name_everywhere(copy.path());
    assert!(deployed(copy.path()).contains("job-report"));
    let lock = fs::read_to_string(copy.path().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"job-report\""));
    let cases = fs::read_to_string(copy.path().join("tests/integration/events/cases.rs")).unwrap();
    assert!(cases.contains("\"job-report\""), "{cases}");

    let before = folders(&copy.path().join("functions"));
    for refused in [
        "job-report",
        "turn-run",
        "report",
        "Job-Report",
        "job-",
        "../job-x",
        "--help",
    ] {
        let output = new_function(copy.path(), refused);
        assert_eq!(output.status.code(), Some(2), "{refused}");
        assert!(!output.stderr.is_empty(), "{refused}");
    }
    assert_eq!(folders(&copy.path().join("functions")), before);
}

/// Every state machine with its name and text.
fn machines() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("statemachines")).unwrap();
    let machines = files.map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let name = name
            .strip_suffix(".asl.json")
            .unwrap_or_else(|| panic!("{name} is not <flow>.asl.json"));
        (name.to_owned(), fs::read_to_string(&path).unwrap())
    });
    machines.collect()
}

#[test]
fn every_placeholder_of_a_state_machine_names_a_function_and_the_other_way_round() {
    let folders = folders(&root().join("functions"));
    let mut named = BTreeSet::new();
    for (machine, text) in machines() {
        for (at, _) in text.match_indices("${") {
            let name = text[at + 2..].split('}').next().unwrap();
            assert!(
                FUNCTIONS.contains(&name) && folders.contains(name),
                "{machine}: ${{{name}}} names no function"
            );
            named.insert(name.to_owned());
        }
    }
    for function in FUNCTIONS {
        assert!(
            named.contains(function) || workflows_call(function),
            "no state machine calls {function}"
        );
    }
}

/// Whether what workflows are compiled to calls `function`.
fn workflows_call(function: &str) -> bool {
    let constructs = root().join("shared/asl/src/workflow_tests/constructs");
    let mut files = fs::read_dir(constructs).unwrap();
    files.any(|file| {
        let path = file.unwrap().path();
        let is_machine = path.to_str().unwrap().ends_with(".asl.json");
        is_machine
            && fs::read_to_string(&path)
                .unwrap()
                .contains(&format!("${{{function}}}"))
    })
}

#[test]
fn state_machines_match_only_errors_that_exist() {
    for (machine, text) in machines() {
        let mut names = Vec::new();
        collect(&serde_json::from_str(&text).unwrap(), &mut names);
        assert!(!names.is_empty(), "{machine} catches nothing");
        for name in names {
            let known = Kind::ALL.iter().any(|kind| kind.name() == name);
            let documented = name.starts_with("States.") || name.starts_with("Lambda.");
            assert!(
                known || documented,
                "{machine}: no function fails with {name}"
            );
        }
    }
}

fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "ErrorEquals" {
                    let errors = member.as_array().unwrap().iter();
                    names.extend(errors.map(|error| error.as_str().unwrap().to_owned()));
                } else {
                    collect(member, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}
