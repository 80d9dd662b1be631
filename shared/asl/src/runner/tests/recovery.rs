use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::runner::{
    Begun, ExecutionId, Journal, JournalError, MemoryJournal, NewExecution, Progress, Record,
};

/// One of everything that waits.
fn everything(stage: &mut Stage) {
    stage.function("one", |_, _| gives(json!(1)).after(2.0));
    stage.function("ask", |_, _| gives(json!("asked")));
    stage.function("each", |_, n| gives(n).after(3.0));
    stage.function("shaky", |call, _| {
        if call == 0 {
            raises("Boom")
        } else {
            gives(json!("ok"))
        }
    });
    stage.machine(
        "child",
        json!({ "Wait": wait(5, "End"), "End": { "Type": "Succeed" } }),
    );
    stage.machine("m", json!({
        "One": task("one", json!({ "Assign": { "one": "{% $states.result %}" }, "Next": "Wait" })),
        "Wait": wait(10, "Each"),
        "Each": { "Type": "Map", "Items": [1, 2, 3], "MaxConcurrency": 2, "Next": "Shaky",
            "ItemProcessor": { "StartAt": "E", "States": { "E": task("each", json!({})) } },
            "Assign": { "each": "{% $states.result %}" } },
        "Shaky": task("shaky", json!({ "Next": "Child",
            "Retry": [{ "ErrorEquals": ["Boom"] }] })),
        "Child": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": { "StateMachineArn": "child", "Input": { "n": 7 } },
            "Assign": { "child": "{% $states.result.Output.n %}" }, "Next": "Ask" },
        "Ask": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": { "FunctionName": "ask",
                "Payload": { "token": "{% $states.context.Task.Token %}" } },
            "Output": ["{% $one %}", "{% $each %}", "{% $child %}", "{% $states.result %}"], "End": true }
    }));
}

/// The same in JSONPath.
fn everything_in_json_path(stage: &mut Stage) {
    everything(stage);
    let definition = json!({ "StartAt": "One", "States": {
        "One": task("one", json!({ "Assign": { "one.$": "$" }, "ResultPath": null, "Next": "Wait" })),
        "Wait": { "Type": "Wait", "SecondsPath": "$.ten", "Next": "Each" },
        "Each": { "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 2, "Next": "Shaky",
            "ItemProcessor": { "StartAt": "E", "States": { "E": task("each", json!({})) } },
            "ResultPath": "$.each.done" },
        "Shaky": task("shaky", json!({ "Next": "Child", "ResultPath": "$.shaky",
            "Retry": [{ "ErrorEquals": ["Boom"] }] })),
        "Child": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": { "StateMachineArn": "child", "Input": { "n.$": "States.MathAdd($.ten, -3)" } },
            "ResultSelector": { "n.$": "$.Output.n" }, "ResultPath": "$.child", "Next": "Ask" },
        "Ask": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } },
            "ResultPath": "$.answer", "Next": "Show" },
        "Show": { "Type": "Pass", "OutputPath": "$.all", "End": true,
            "Parameters": { "all.$": "States.Array($one, $.each.done, $.child.n, $.answer)" } }
    }});
    stage.definition("m", Kind::Standard, definition);
}

fn answer_when_asked(stage: &mut Stage) {
    let asked = stage
        .calls()
        .into_iter()
        .rfind(|(_, name, _)| name == "ask");
    if let Some((.., payload)) = asked {
        let (runner, token) = (
            stage.runner.clone(),
            payload["token"].as_str().unwrap().to_owned(),
        );
        let sent = stage
            .simulation
            .block_on(async move { runner.send_task_success(&token, json!("yes")).await });
        assert_eq!(sent, Ok(()));
    }
}

#[test]
fn a_crash_at_any_moment_changes_nothing_but_open_calls() {
    for crash_after in 0..120 {
        crash(everything, crash_after);
        crash(everything_in_json_path, crash_after);
    }
}

fn crash(prepare: fn(&mut Stage), crash_after: u64) {
    let functions = ["one", "each", "shaky", "ask"];
    {
        let mut stage = Stage::with(crash_after, Arc::new(MemoryJournal::default()));
        prepare(&mut stage);
        let input = json!({ "ten": 10, "items": [1, 2, 3] });
        let id = stage.start("m", "e", input);
        for _ in 0..crash_after {
            stage.simulation.step();
        }
        let open = functions.map(|name| stage.count(name) - stage.answers(name));
        // An answer that was given but not yet journalled is lost, as an open call is.
        let unjournalled = 1;
        stage.crash();
        assert!(stage.recover() <= 2);
        stage.pass(60);
        answer_when_asked(&mut stage);
        let output = json!([1, [1, 2, 3], 7, "yes"]);
        assert_eq!(
            stage.outcome(&id),
            Outcome::Succeeded(output.into()),
            "{crash_after}"
        );
        for ((name, once), open) in functions.iter().zip([1, 3, 2, 1]).zip(open) {
            let count = stage.count(name);
            assert!(
                (once..=once + open + unjournalled).contains(&count),
                "{name}: {count} calls"
            );
        }
    }
}

#[test]
fn a_finished_step_is_never_run_again() {
    let mut stage = Stage::new();
    everything(&mut stage);
    let id = stage.start("m", "e", json!({}));
    for _ in 0..40 {
        stage.pass(1);
        let open: usize = ["one", "each", "shaky", "ask"]
            .iter()
            .map(|name| stage.count(name) - stage.answers(name))
            .sum();
        if open == 0 {
            stage.crash();
            stage.recover();
        }
    }
    answer_when_asked(&mut stage);
    assert!(matches!(stage.outcome(&id), Outcome::Succeeded(_)));
    let counts = ["one", "each", "shaky", "ask"].map(|name| stage.count(name));
    assert_eq!(counts, [1, 3, 2, 1]);
}

#[test]
fn a_waiting_token_still_works_after_a_restart() {
    let mut stage = Stage::new();
    everything(&mut stage);
    let id = stage.start("m", "e", json!({}));
    stage.pass(60);
    stage.crash();
    assert_eq!(stage.recover(), 1);
    stage.pass(1_000);
    answer_when_asked(&mut stage);
    assert!(matches!(stage.outcome(&id), Outcome::Succeeded(_)));
    assert_eq!(stage.count("ask"), 1);
}

#[test]
fn what_came_due_while_nobody_ran_is_done_at_once() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({ "Wait": wait(60, "End"), "End": { "Type": "Succeed" } }),
    );
    let id = stage.start("m", "e", json!({}));
    stage.crash();
    stage.pass(3_600);
    assert_eq!(stage.recover(), 1);
    let before = stage.simulation.runtime().now();
    assert!(matches!(stage.outcome(&id), Outcome::Succeeded(_)));
    assert_eq!(stage.simulation.runtime().now(), before);
}

#[test]
fn an_execution_keeps_the_definition_it_was_started_with() {
    let mut stage = Stage::new();
    let old =
        json!({ "Wait": wait(60, "Old"), "Old": { "Type": "Pass", "Output": "old", "End": true } });
    stage.machine("m", old);
    let id = stage.start("m", "e", json!({}));
    stage.machine(
        "m",
        json!({ "New": { "Type": "Pass", "Output": "new", "End": true } }),
    );
    stage.crash();
    stage.recover();
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(json!("old").into()));
    let id = stage.start("m", "f", json!({}));
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(json!("new").into()));
}

#[test]
fn a_child_that_ended_before_its_parent_knew_of_it_is_not_started_again() {
    for crash_after in 0..30 {
        let mut stage = Stage::with(crash_after, Arc::new(MemoryJournal::default()));
        stage.machine(
            "child",
            json!({ "End": { "Type": "Pass", "Output": 7, "End": true } }),
        );
        stage.machine(
            "m",
            json!({ "Child": {
            "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": { "StateMachineArn": "child", "Name": "c" },
            "Output": "{% $states.result.Output %}", "End": true
        } }),
        );
        let id = stage.start("m", "e", json!({}));
        for _ in 0..crash_after {
            stage.simulation.step();
        }
        stage.crash();
        stage.recover();
        assert_eq!(
            stage.outcome(&id),
            Outcome::Succeeded(json!(7).into()),
            "{crash_after}"
        );
    }
}

/// A journal whose writes fail for a while.
#[derive(Default)]
struct Shaky {
    journal: MemoryJournal,
    failures: AtomicUsize,
}

#[async_trait]
impl Journal for Shaky {
    async fn begin(&self, execution: NewExecution) -> Result<Begun, JournalError> {
        self.journal.begin(execution).await
    }

    async fn save(&self, id: &ExecutionId, progress: Progress) -> Result<(), JournalError> {
        let left = |n: usize| n.checked_sub(1);
        let fails = self
            .failures
            .try_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok();
        if fails {
            return Err(JournalError("the disk is full".into()));
        }
        self.journal.save(id, progress).await
    }

    async fn load(&self, id: &ExecutionId) -> Result<Option<Record>, JournalError> {
        self.journal.load(id).await
    }

    async fn history(&self, id: &ExecutionId) -> Result<Vec<String>, JournalError> {
        self.journal.history(id).await
    }

    async fn unfinished(&self) -> Result<Vec<Record>, JournalError> {
        self.journal.unfinished().await
    }
}

#[test]
fn nothing_goes_on_while_the_journal_fails() {
    let journal = Arc::new(Shaky::default());
    let mut stage = Stage::with(1, Arc::clone(&journal) as Arc<dyn Journal>);
    stage.function("f", |call, _| gives(json!(call)));
    stage.machine(
        "m",
        json!({ "A": task("f", json!({ "Next": "B" })), "B": task("f", json!({})) }),
    );
    journal.failures.store(5, Ordering::Relaxed);
    let id = stage.start("m", "e", json!({}));
    stage.pass(1);
    assert_eq!(stage.count("f"), 1);
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(json!(1).into()));
    assert_eq!(stage.count("f"), 2);
}

#[test]
fn the_deepest_data_that_is_taken_can_be_read_again() {
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let mut stage = Stage::new();
    stage.function("f", |_, payload| gives(payload).after(2.0));
    let definition = json!({ "StartAt": "Each", "States": {
        "Each": { "Type": "Map", "Assign": { "kept.$": "$[0]" }, "Next": "Show", "ItemProcessor": {
            "StartAt": "F", "States": { "F": task("f", json!({})) } } },
        "Show": { "Type": "Pass", "InputPath": "$kept", "End": true }
    }});
    stage.definition("m", Kind::Standard, definition);
    let id = stage.start("m", "e", nested(100));
    for _ in 0..3 {
        stage.pass(1);
        stage.crash();
        stage.recover();
    }
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(nested(99).into()));
    let runner = stage.runner.clone();
    let refused = stage
        .simulation
        .block_on(async move { runner.start("m", None, nested(101)).await });
    assert!(refused.is_err());
}
