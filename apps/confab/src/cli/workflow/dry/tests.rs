use std::fs;
use std::path::Path;

use engine::run::{RunRecord, RunStatus, StepStatus};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::assemble::BotFolder;

const README: &str = include_str!("../../../../../../README.md");

/// The whole workflows that the README shows.
fn shown() -> Vec<&'static str> {
    let blocks = README.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    blocks
        .filter(|block| block.starts_with("description:"))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// An example's folder with a workflow `shown` in it, and what its steps give.
fn folder(example: &str, workflow: &str, mocks: Option<&str>) -> TempDir {
    let folder = tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    copy(&examples.join(example), folder.path());
    fs::write(folder.path().join("workflows/shown.yaml"), workflow).unwrap();
    if let Some(mocks) = mocks {
        fs::create_dir_all(folder.path().join("workflows/mocks")).unwrap();
        fs::write(folder.path().join("workflows/mocks/shown.yaml"), mocks).unwrap();
    }
    folder
}

fn run(folder: &TempDir, inputs: Value) -> RunRecord {
    let folder = BotFolder::open(folder.path()).unwrap();
    let library = folder.library(&folder.load().unwrap().bot).unwrap();
    super::run(&folder, &library, &library.workflows["shown"], inputs).unwrap()
}

#[test]
fn the_workflows_of_the_readme_run() {
    let [door, every_step] = shown().try_into().unwrap();
    let record = run(&folder("household", door, None), json!({ "who": "Ana" }));
    assert_eq!(record.status, RunStatus::Succeeded, "{record:?}");

    let mocks =
        "{found: {rows: [{item: tent}]}, look: [{rows: [{}]}, {rows: [{status: delivered}]}]}";
    let folder = folder("support", every_step, Some(mocks));
    let record = run(&folder, json!({ "order": "A1003" }));
    assert_eq!(record.status, RunStatus::Succeeded, "{record:?}");
    let looks = record.steps.iter().filter(|step| step.step == "look");
    assert_eq!(looks.count(), 2, "{record:?}");
    assert_eq!(record.outputs, Some(json!({ "mood": "good" })));
}

#[test]
fn a_step_whose_expression_gives_nothing_has_failed_at_once_in_the_words_of_its_file() {
    let workflow = "
steps:
  found: {tool: lookup_order, with: {order_id: A1001}}
  again: {tool: lookup_order, with: {order_id: \"${ $steps.found.rows[0].order_id }\"}, retry: {max_attempts: 3}}
";
    let record = run(&folder("support", workflow, None), json!({}));
    assert_eq!(record.status, RunStatus::Failed);
    let last = record.steps.last().unwrap();
    assert_eq!(
        (last.step.as_str(), last.status),
        ("again", StepStatus::Failed)
    );
    let cause = last.cause.as_deref().unwrap_or_default();
    assert!(cause.contains("'$steps.found.rows"), "{cause}");
    assert_eq!(record.ended, Some(record.at), "it was tried again");
}
