use serde_json::{Value, json};

use crate::stage::{Stage, gives, machine, raises, task};
use crate::{Failure, Kind, Outcome};

mod children;
mod fan_out;
mod json_path;
mod limits;
mod recovery;
mod redrive;
mod retry;
mod tokens;

fn wait(seconds: u64, next: &str) -> Value {
    json!({ "Type": "Wait", "Seconds": seconds, "Next": next })
}

fn timeout() -> Failure {
    Failure::timeout(false)
}

#[test]
fn a_task_gets_its_arguments_and_gives_its_output() {
    let mut stage = Stage::new();
    stage.function("add", |_, payload| {
        gives(json!(
            payload["a"].as_i64().unwrap() + payload["b"].as_i64().unwrap()
        ))
    });
    stage.machine(
        "m",
        json!({
            "Add": task("add", json!({
                "Arguments": { "a": "{% $states.input.x %}", "b": 2 },
                "Assign": { "sum": "{% $states.result %}" },
                "Output": { "sum": "{% $states.result %}" },
                "Next": "Show"
            })),
            "Show": { "Type": "Pass", "Output": "{% [$sum, $states.input.sum] %}", "End": true }
        }),
    );
    assert_eq!(stage.output(json!({ "x": 40 })), json!([42, 42]));
}

#[test]
fn an_assignment_sees_the_variables_as_they_were() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({
            "One": { "Type": "Pass", "Assign": { "x": 1, "y": 10 }, "Next": "Swap" },
            "Swap": { "Type": "Pass", "Assign": { "x": "{% $y %}", "y": "{% $x %}" },
                "Output": "{% $x %}", "Next": "Show" },
            "Show": { "Type": "Pass", "Output": "{% [$states.input, $x, $y] %}", "End": true }
        }),
    );
    assert_eq!(stage.output(json!({})), json!([1, 10, 1]));
}

#[test]
fn a_wait_takes_its_time() {
    let mut stage = Stage::new();
    stage.function("now", |_, _| gives(json!(null)));
    stage.machine(
        "m",
        json!({
            "Before": task("now", json!({ "Next": "Wait" })),
            "Wait": wait(86_400, "Until"),
            "Until": { "Type": "Wait", "Timestamp": "2026-02-01T00:00:00+01:00", "Next": "After" },
            "After": task("now", json!({}))
        }),
    );
    stage.output(json!({}));
    assert_eq!(stage.calls()[1].0.to_string(), "2026-01-31T23:00:00.000Z");
}

#[test]
fn a_choice_without_a_match_is_an_error() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({
            "Choose": { "Type": "Choice", "Choices": [
                { "Condition": "{% $states.input.n > 3 %}", "Next": "Done" }
            ] },
            "Done": { "Type": "Succeed", "Output": "{% 'big' %}" }
        }),
    );
    assert_eq!(
        stage.failure(json!({ "n": 3 })).error.as_deref(),
        Some("States.NoChoiceMatched")
    );
    let id = stage.start("m", "f", json!({ "n": 4 }));
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(json!("big").into()));
}

#[test]
fn a_condition_must_be_a_boolean() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({
            "Choose": { "Type": "Choice", "Default": "Done", "Choices": [
                { "Condition": "{% $states.input.n %}", "Next": "Done" }
            ] },
            "Done": { "Type": "Succeed" }
        }),
    );
    let failure = stage.failure(json!({ "n": 1 }));
    assert_eq!(
        failure.error.as_deref(),
        Some("States.QueryEvaluationError")
    );
    assert!(
        failure
            .cause
            .unwrap()
            .contains("Expected 'boolean', but was 'number' for value: 1")
    );
}

#[test]
fn an_answer_after_the_timeout_changes_nothing() {
    let mut stage = Stage::new();
    stage.function("slow", |_, _| gives(json!("late")).after(60.0));
    stage.machine(
        "m",
        json!({ "Slow": task("slow", json!({ "TimeoutSeconds": 5 })) }),
    );
    let id = stage.start("m", "e", json!({}));
    assert_eq!(stage.outcome(&id), Outcome::Failed(timeout()));
    stage.pass(100);
    assert_eq!(
        stage.events(&id)[2..],
        [
            "LambdaFunctionScheduled",
            "LambdaFunctionStarted",
            "LambdaFunctionTimedOut",
            "ExecutionFailed"
        ]
    );
}

#[test]
fn a_timeout_may_be_an_expression() {
    let mut stage = Stage::new();
    stage.function("slow", |_, _| gives(json!("late")).after(60.0));
    let after = task(
        "slow",
        json!({ "TimeoutSeconds": "{% $states.input.most %}" }),
    );
    stage.machine("m", json!({ "Slow": after }));
    assert_eq!(stage.failure(json!({ "most": 5 })), timeout());
    let id = stage.start("m", "f", json!({ "most": 61 }));
    assert_eq!(stage.outcome(&id), Outcome::Succeeded(json!("late").into()));
}

#[test]
fn the_machine_has_a_timeout_of_its_own() {
    let mut stage = Stage::new();
    let mut definition = machine(json!({ "Wait": wait(60, "End"), "End": { "Type": "Succeed" } }));
    definition["TimeoutSeconds"] = json!(10);
    stage.definition("m", Kind::Standard, definition);
    assert_eq!(stage.run(json!({})), Outcome::TimedOut(timeout()));
}

#[test]
fn an_express_execution_ends_after_five_minutes() {
    let mut stage = Stage::new();
    let states = json!({ "Wait": wait(3_600, "End"), "End": { "Type": "Succeed" } });
    stage.definition("m", Kind::Express, machine(states));
    let runner = stage.runner.clone();
    let runtime = stage.simulation.runtime();
    let started = runtime.now();
    let outcome = stage
        .simulation
        .block_on(async move { runner.run_express("m", json!({})).await });
    assert_eq!(outcome.unwrap(), Outcome::TimedOut(timeout()));
    assert_eq!(runtime.now().since(started).as_secs(), 300);
}

#[test]
fn an_endless_loop_lets_others_run_until_its_time_is_over() {
    let mut stage = Stage::new();
    let states = json!({
        "Ping": { "Type": "Pass", "Next": "Pong" }, "Pong": { "Type": "Pass", "Next": "Ping" }
    });
    let mut definition = machine(states);
    definition["TimeoutSeconds"] = json!(1);
    stage.definition("m", Kind::Express, definition);
    let runner = stage.runner.clone();
    let outcome = stage
        .simulation
        .block_on(async move { runner.run_express("m", json!({})).await });
    assert_eq!(outcome.unwrap(), Outcome::TimedOut(timeout()));
}

#[test]
fn a_stopped_execution_does_nothing_more() {
    let mut stage = Stage::new();
    stage.function("next", |_, _| gives(json!(null)));
    stage.machine(
        "m",
        json!({ "Wait": wait(60, "Next"), "Next": task("next", json!({})) }),
    );
    let id = stage.start("m", "e", json!({}));
    stage.pass(10);
    let (runner, stopped) = (stage.runner.clone(), id.clone());
    let was_running = stage.simulation.block_on(async move {
        runner
            .stop(&stopped, Some("Changed"), Some("the user left"))
            .await
    });
    assert!(was_running);
    assert_eq!(
        stage.outcome(&id),
        Outcome::Aborted(Failure::new("Changed", "the user left"))
    );
    stage.pass(100);
    assert_eq!(stage.count("next"), 0);
    assert_eq!(stage.events(&id).last(), Some(&"ExecutionAborted"));
}

#[test]
fn a_function_that_does_not_exist_is_a_lambda_error() {
    let mut stage = Stage::new();
    stage.machine("m", json!({ "Call": task("nobody", json!({})) }));
    let failure = stage.failure(json!({}));
    assert_eq!(
        failure.error.as_deref(),
        Some("Lambda.ResourceNotFoundException")
    );
}

#[test]
fn the_same_name_and_input_is_the_same_execution() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({ "Wait": wait(60, "End"), "End": { "Type": "Succeed" } }),
    );
    let first = stage.start("m", "order-7", json!({ "n": 1 }));
    assert_eq!(stage.start("m", "order-7", json!({ "n": 1 })), first);
    let again = |stage: &mut Stage, input: Value| {
        let runner = stage.runner.clone();
        let started = async move { runner.start("m", Some("order-7"), input).await };
        stage.simulation.block_on(started).unwrap_err().to_string()
    };
    assert!(again(&mut stage, json!({ "n": 2 })).starts_with("Execution Already Exists"));
    stage.outcome(&first);
    assert!(again(&mut stage, json!({ "n": 1 })).starts_with("Execution Already Exists"));
    assert_eq!(
        stage
            .events(&first)
            .iter()
            .filter(|e| **e == "ExecutionStarted")
            .count(),
        1
    );
}

#[test]
fn a_description_tells_how_an_execution_stands() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({ "Wait": wait(60, "End"), "End": { "Type": "Succeed" } }),
    );
    let id = stage.start("m", "e", json!({ "n": 1 }));
    let describe = |stage: &mut Stage| {
        let (runner, id) = (stage.runner.clone(), id.clone());
        stage
            .simulation
            .block_on(async move { runner.describe(&id).await.unwrap().unwrap() })
    };
    let running = describe(&mut stage);
    assert_eq!((running.machine.as_str(), running.outcome), ("m", None));
    stage.outcome(&id);
    let ended = describe(&mut stage);
    assert_eq!(
        ended.outcome,
        Some(Outcome::Succeeded(json!({ "n": 1 }).into()))
    );
    assert_eq!(ended.stopped.unwrap().since(ended.started).as_secs(), 60);
}

#[test]
fn thousands_wait_at_once_without_a_task_each() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({ "Wait": wait(86_400, "End"), "End": { "Type": "Succeed" } }),
    );
    let ids: Vec<_> = (0..2_000)
        .map(|n| stage.start("m", &format!("e{n}"), json!({ "n": n })))
        .collect();
    let last = ids.last().unwrap().clone();
    assert_eq!(
        stage.outcome(&last),
        Outcome::Succeeded(json!({ "n": 1_999 }).into())
    );
}

#[test]
fn the_context_tells_who_and_where() {
    let mut stage = Stage::new();
    stage.machine(
        "m",
        json!({ "Show": {
        "Type": "Pass", "Output": "{% $states.context %}", "End": true
    } }),
    );
    let context = stage.output(json!({ "a": 1 }));
    let time = "2026-01-01T00:00:00.000Z";
    let expected = json!({
        "Execution": {
            "Id": "arn:aws:states:local:000000000000:execution:m:e",
            "Input": { "a": 1 }, "StartTime": time, "Name": "e",
            "RoleArn": "arn:aws:iam::000000000000:role/local", "RedriveCount": 0
        },
        "StateMachine": {
            "Id": "arn:aws:states:local:000000000000:stateMachine:m", "Name": "m"
        },
        "State": { "Name": "Show", "EnteredTime": time }
    });
    assert_eq!(context, expected);
}

#[test]
fn chance_and_time_come_from_the_runtime() {
    let run = || {
        let mut stage = Stage::new();
        stage.machine(
            "m",
            json!({ "Show": { "Type": "Pass", "End": true, "Output":
            "{% [$now(), $millis(), $random(), $uuid(), $random(7)] %}"
        } }),
        );
        stage.output(json!({}))
    };
    let first = run();
    assert_eq!(first, run());
    assert_eq!(first[0], "2026-01-01T00:00:00.000Z");
    assert_eq!(first[1], 1_767_225_600_000_i64);
}

#[test]
fn a_fail_state_names_its_error() {
    let mut stage = Stage::new();
    stage.function("f", |_, _| raises("Boom"));
    stage.machine(
        "m",
        json!({
            "Try": task("f", json!({
                "Catch": [{ "ErrorEquals": ["Boom"], "Next": "Fail",
                    "Output": "{% $parse($states.errorOutput.Cause) %}" }]
            })),
            "Fail": { "Type": "Fail", "Error": "{% $states.input.errorType %}",
                "Cause": "{% $states.input.errorMessage & '!' %}" }
        }),
    );
    assert_eq!(stage.failure(json!({})), Failure::new("Boom", "it broke!"));
}
