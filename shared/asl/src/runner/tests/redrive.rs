use super::*;
use crate::execution::NotRedrivable;
use crate::runner::{ExecutionId, RedriveError};

fn redrive(stage: &mut Stage, id: &ExecutionId) -> Result<(), RedriveError> {
    let (runner, id) = (stage.runner.clone(), id.clone());
    stage
        .simulation
        .block_on(async move { runner.redrive(&id).await })
}

fn output(stage: &mut Stage, id: &ExecutionId) -> Value {
    match stage.outcome(id) {
        Outcome::Succeeded(output) => Value::clone(&output),
        other => panic!("it should succeed, but {other:?}"),
    }
}

/// Branches and items, of which one each fails at its first call.
fn wide(stage: &mut Stage) {
    for name in ["before", "left", "quick"] {
        stage.function(name, move |_, _| gives(json!(name)));
    }
    stage.function("slow", |_, _| gives(json!("slow")).after(100.0));
    stage.function("shaky", |call, _| match call {
        0 => raises("Boom").after(5.0),
        _ => gives(json!("shaky")),
    });
    stage.function("item", |_, n| match n == json!(2) {
        true => raises("Boom").after(2.0),
        false => gives(n).after(1.0),
    });
    let branch = |name: &str| json!({ "StartAt": name, "States": { name: task(name, json!({})) } });
    stage.machine("m", json!({
        "Before": task("before", json!({ "Assign": { "before": "{% $states.result %}" }, "Next": "Wide" })),
        "Wide": { "Type": "Parallel", "Branches": [branch("left"), branch("shaky"), branch("slow"),
            { "StartAt": "quick", "States": { "quick": task("quick", json!({ "Next": "sleep" })),
                "sleep": { "Type": "Wait", "Seconds": 50, "End": true } } }],
            "Assign": { "wide": "{% $states.result %}" }, "Next": "Each" },
        "Each": { "Type": "Map", "Items": [1, 2, 3, 4], "MaxConcurrency": 2,
            "ItemProcessor": { "StartAt": "item", "States": { "item": task("item", json!({})) } },
            "Output": { "wide": "{% $wide %}", "sum": "{% $sum($states.result) %}",
                "times": "{% $states.context.Execution.RedriveCount %}" }, "End": true }
    }));
}

#[test]
fn what_failed_is_entered_again_and_nothing_that_was_left() {
    let mut stage = Stage::new();
    wide(&mut stage);
    let id = stage.start("m", "e", json!({}));
    assert!(matches!(stage.outcome(&id), Outcome::Failed(_)));
    redrive(&mut stage, &id).unwrap();
    assert!(matches!(stage.outcome(&id), Outcome::Failed(_)), "an item");
    let calls = |stage: &Stage| {
        ["before", "left", "shaky", "slow", "quick", "item"].map(|name| stage.count(name))
    };
    // The branches that were broken off are entered again; those that had ended are not. Items 1, 2 and 3 were begun.
    assert_eq!(calls(&stage), [1, 1, 2, 2, 1, 3]);

    stage.function("item", |_, n| gives(n).after(1.0));
    stage.crash();
    redrive(&mut stage, &id).unwrap();
    // A process that dies goes on from the redrive.
    stage.crash();
    assert_eq!(stage.recover(), 1);
    let wide = json!(["left", "shaky", "slow", "quick"]);
    assert_eq!(
        output(&mut stage, &id),
        json!({ "wide": wide, "sum": 10, "times": 2 })
    );
    assert_eq!(stage.count("before"), 1);
    let events = stage.events(&id);
    let redriven = events.iter().filter(|name| **name == "ExecutionRedriven");
    assert_eq!(redriven.count(), 2);
    assert_eq!(events.last(), Some(&"ExecutionSucceeded"));
}

#[test]
fn what_is_caught_or_tried_again_leaves_nothing_to_go_back_to() {
    let mut stage = Stage::new();
    stage.function("one", |call, _| match call {
        0 => raises("Boom"),
        _ => gives(json!(1)),
    });
    stage.function("two", |call, _| match call {
        0 => raises("Boom"),
        _ => gives(json!(2)),
    });
    stage.function("last", |call, _| match call {
        0 => raises("Crash"),
        _ => gives(json!(3)),
    });
    stage.machine("m", json!({
        "One": task("one", json!({ "Retry": [{ "ErrorEquals": ["Boom"] }], "Next": "Two" })),
        "Two": task("two", json!({ "Catch": [{ "ErrorEquals": ["Boom"], "Next": "Last" }], "Next": "Last" })),
        "Last": task("last", json!({})),
    }));
    let id = stage.start("m", "e", json!({}));
    assert!(matches!(stage.outcome(&id), Outcome::Failed(_)));
    redrive(&mut stage, &id).unwrap();
    assert_eq!(output(&mut stage, &id), json!(3));
    assert_eq!(
        ["one", "two", "last"].map(|name| stage.count(name)),
        [2, 1, 2]
    );
}

#[test]
fn what_was_stopped_or_took_too_long_goes_on_with_a_clock_of_its_own() {
    let mut stage = Stage::new();
    stage.function("one", |_, _| gives(json!(1)));
    stage.function("two", |call, _| {
        gives(json!(2)).after(if call == 0 { 100.0 } else { 5.0 })
    });
    let mut definition = crate::stage::machine(json!({
        "One": task("one", json!({ "Next": "Two" })),
        "Two": task("two", json!({})),
    }));
    definition["TimeoutSeconds"] = json!(60);
    stage.definition("m", Kind::Standard, definition);
    let id = stage.start("m", "late", json!({}));
    assert!(matches!(stage.outcome(&id), Outcome::TimedOut(_)));
    stage.pass(100);
    redrive(&mut stage, &id).unwrap();
    assert_eq!(output(&mut stage, &id), json!(2));

    let id = stage.start("m", "stopped", json!({}));
    let (runner, stopped) = (stage.runner.clone(), id.clone());
    stage
        .simulation
        .block_on(async move { assert!(runner.stop(&stopped, None, None).await) });
    redrive(&mut stage, &id).unwrap();
    assert_eq!(output(&mut stage, &id), json!(2));
    assert_eq!(stage.count("one"), 2, "once for each execution");
}

#[test]
fn only_what_ended_without_success_can_go_on_and_only_once_at_a_time() {
    let mut stage = Stage::new();
    stage.function("one", |call, _| match call {
        0 => raises("Boom"),
        _ => gives(json!(1)).after(10.0),
    });
    stage.machine("m", json!({ "One": task("one", json!({})) }));
    let nobody = ExecutionId::new("arn:aws:states:local:000000000000:execution:m:nobody");
    assert!(matches!(
        redrive(&mut stage, &nobody),
        Err(RedriveError::DoesNotExist(_))
    ));
    let id = stage.start("m", "e", json!({}));
    assert!(matches!(stage.outcome(&id), Outcome::Failed(_)));
    let (runner, both) = (stage.runner.clone(), id.clone());
    let answers = stage.simulation.block_on(async move {
        futures::future::join(runner.redrive(&both), runner.redrive(&both)).await
    });
    assert!(answers.0.is_ok());
    assert!(matches!(
        answers.1,
        Err(RedriveError::NotRedrivable(NotRedrivable::UnderWay))
    ));
    assert_eq!(output(&mut stage, &id), json!(1));
    assert!(matches!(
        redrive(&mut stage, &id),
        Err(RedriveError::NotRedrivable(NotRedrivable::Succeeded))
    ));
    assert_eq!(stage.count("one"), 2);
}
