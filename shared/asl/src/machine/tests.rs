use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::stage::{machine, task};

mod json_path;

fn refused(definition: &Value, kind: Kind) -> Vec<String> {
    let errors = StateMachine::from_value(definition, kind)
        .err()
        .unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

/// What is wrong with one state that ends the machine.
fn wrong(state: Value) -> Vec<String> {
    refused(&machine(json!({ "S": state })), Kind::Standard)
}

#[test]
fn a_compiled_machine_may_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<StateMachine>();
}

#[test]
fn a_definition_must_have_states_and_a_start() {
    let missing = "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /";
    assert_eq!(refused(&json!({}), Kind::Standard), [missing]);
    assert_eq!(
        refused(&json!([]), Kind::Standard),
        ["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"]
    );
}

#[test]
fn transitions_must_lead_somewhere_and_reach_everything() {
    let definition = machine(json!({
        "A": { "Type": "Pass", "Next": "Nowhere" }, "B": { "Type": "Succeed" }
    }));
    assert_eq!(
        refused(&definition, Kind::Standard),
        [
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: Nowhere at /States/A/Next",
            "MISSING_TRANSITION_TARGET: State \"B\" is not reachable. at /States/B",
        ]
    );
}

#[test]
fn every_reason_is_given_with_its_place() {
    let cases = [
        (
            json!({ "Type": "Pass" }),
            "One of these fields is required: [Next, End] at /States/S",
        ),
        (
            json!({ "Type": "Pass", "End": true, "Next": "S" }),
            "A state has one of 'Next' and 'End', not both at /States/S",
        ),
        (
            json!({ "Type": "Pass", "End": true, "Resource": "x" }),
            "Field is not supported at /States/S/Resource",
        ),
        (
            json!({ "Type": "Pass", "End": true, "InputPath": "$" }),
            "Field is not supported at /States/S/InputPath",
        ),
        (
            json!({ "End": true }),
            "These fields are required: [Type] at /States/S",
        ),
        (json!(7), "Expected value of type Object at /States/S"),
        (
            json!({ "Type": "Task", "End": true }),
            "These fields are required: [Resource] at /States/S",
        ),
        (
            json!({ "Type": "Choice" }),
            "These fields are required: [Choices] at /States/S",
        ),
        (
            json!({ "Type": "Map", "End": true }),
            "These fields are required: [ItemProcessor] at /States/S",
        ),
        (
            json!({ "Type": "Wait", "End": true }),
            "Exactly one of these fields is required: [Seconds, Timestamp] at /States/S",
        ),
        (
            json!({ "Type": "Pass", "End": true, "Assign": { "states": 1 } }),
            "The variable name 'states' is not valid",
        ),
        (
            json!({ "Type": "Pass", "End": true, "Output": { "a": ["{% ( %}"] } }),
            "at /States/S/Output/a[0]",
        ),
        (
            json!({ "Type": "Choice", "Choices": [{ "Condition": true, "Next": "T" }] }),
            "Missing 'Next' target: T at /States/S/Choices[0]/Next",
        ),
        (
            task("f", json!({ "TimeoutSeconds": 5, "HeartbeatSeconds": 5 })),
            "HeartbeatSeconds must be smaller",
        ),
        (
            task(
                "f",
                json!({ "Retry": [{ "ErrorEquals": ["States.ALL", "A"] }] }),
            ),
            "\"States.ALL\" must appear alone",
        ),
        (
            task(
                "f",
                json!({ "Retry": [{ "ErrorEquals": ["A"], "BackoffRate": 0.5 }] }),
            ),
            "at /States/S/Retry[0]/BackoffRate",
        ),
        (
            task("arn:aws:states:::lambda:invoke", json!({ "Arguments": {} })),
            "The field 'FunctionName' is required but was missing at /States/S/Arguments",
        ),
        (
            task("arn:aws:states:::sqs:sendMessage", json!({})),
            "UNSUPPORTED: The resource arn:aws:states:::sqs:sendMessage runs in AWS only",
        ),
    ];
    for (state, reason) in cases {
        let found = wrong(state.clone());
        assert!(
            found.iter().any(|found| found.contains(reason)),
            "{state}: {found:?}"
        );
    }
}

#[test]
fn express_machines_cannot_wait_for_others() {
    for suffix in [".sync", ".sync:2", ".waitForTaskToken"] {
        let resource = format!("arn:aws:states:::states:startExecution{suffix}");
        let state = task(
            &resource,
            json!({ "Arguments": { "StateMachineArn": "m" } }),
        );
        let definition = machine(json!({ "S": state }));
        assert_eq!(refused(&definition, Kind::Standard), [""; 0]);
        let message = format!(
            "SCHEMA_VALIDATION_FAILED: Express state machine does not support '{suffix}' service integration  at /States/S/Resource"
        );
        assert_eq!(refused(&definition, Kind::Express), [message]);
    }
}

#[test]
fn the_language_may_be_set_state_by_state() {
    let mut definition = machine(json!({
        "A": { "Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% 1 %}", "Next": "B" },
        "B": { "Type": "Succeed" }
    }));
    definition["QueryLanguage"] = json!("JSONPath");
    assert_eq!(refused(&definition, Kind::Standard), [""; 0]);
    definition["States"]["A"]["QueryLanguage"] = json!("JSONPath");
    assert!(refused(&definition, Kind::Standard)[0].contains("Field is not supported"));
    definition["States"]["A"] = json!({ "Type": "Pass", "InputPath": "$.a", "Next": "B" });
    assert_eq!(refused(&definition, Kind::Standard), [""; 0]);
}

#[test]
fn a_jsonata_machine_has_no_jsonpath_states() {
    let state = json!({ "Type": "Pass", "QueryLanguage": "JSONPath", "End": true });
    let message = "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine at /States/S/QueryLanguage";
    assert_eq!(wrong(state), [message]);
}

#[test]
fn a_machine_lists_the_functions_it_names() {
    let definition = machine(json!({
        "A": task("turn-run", json!({ "Next": "B" })),
        "B": task("arn:aws:states:::lambda:invoke", json!({
            "Arguments": { "FunctionName": "deliver", "Payload": "{% $states.input %}" }
        }))
    }));
    let machine = StateMachine::from_value(&definition, Kind::Express).unwrap();
    assert_eq!(
        machine.functions().collect::<Vec<_>>(),
        ["turn-run", "deliver"]
    );
    assert_eq!(machine.state_names().collect::<Vec<_>>(), ["A", "B"]);
}

#[test]
fn flows_may_be_deep_but_not_endless() {
    let mut definition = machine(json!({ "S0": { "Type": "Succeed" } }));
    for depth in 1..200 {
        let branch = json!({ "StartAt": definition["StartAt"], "States": definition["States"] });
        let name = format!("S{depth}");
        definition =
            machine(json!({ name: { "Type": "Parallel", "Branches": [branch], "End": true } }));
    }
    let found = refused(&definition, Kind::Standard);
    assert!(
        found.iter().any(|found| found.contains("nested 64 deep")),
        "{found:?}"
    );
    let deep = "[".repeat(100_000);
    assert!(StateMachine::parse(&deep, Kind::Standard).is_err());
}

/// Values that a hostile hand might put anywhere.
fn anything() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("{%"),
        json!("{% %}"),
        json!("{% $ %}"),
        json!("States.ALL"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "": {} }),
        json!("A"),
        json!(true),
        json!("Map"),
        json!("arn:aws:states:::"),
        json!("{% [1..1e9] %}"),
        json!("$"),
        json!("$[?(@"),
        json!("$..*"),
        json!("$$.Task.Token"),
        json!("States.Format('{}', $.a)"),
        json!({ "a.$": "$.b" }),
        json!({ ".$": 1 }),
    ])
}

fn sound() -> Value {
    machine(json!({
        "A": task("f", json!({ "Next": "B", "TimeoutSeconds": 9, "HeartbeatSeconds": 3,
            "Retry": [{ "ErrorEquals": ["X"], "MaxDelaySeconds": 3, "JitterStrategy": "FULL" }],
            "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "C" }] })),
        "B": { "Type": "Choice", "Default": "C",
            "Choices": [{ "Condition": "{% true %}", "Next": "D", "Assign": { "x": 1 } }] },
        "C": { "Type": "Wait", "Seconds": 1, "Next": "E" },
        "D": { "Type": "Parallel", "Branches": [machine(json!({ "P": { "Type": "Succeed" } }))],
            "Next": "E" },
        "E": { "Type": "Map", "Items": [1], "ItemSelector": {}, "MaxConcurrency": 1, "End": true,
            "ItemProcessor": { "StartAt": "Q", "States": { "Q": { "Type": "Fail", "Error": "X" } } } }
    }))
}

fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn reading_a_broken_definition_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4)
    ) {
        let mut definition = sound();
        for (place, value) in changes {
            let mut found = Vec::new();
            places(&definition, "", &mut found);
            let place: &String = place.get(&found);
            if let Some(target) = definition.pointer_mut(place) {
                *target = value;
            }
        }
        for kind in [Kind::Standard, Kind::Express] {
            let _ = StateMachine::from_value(&definition, kind).is_ok();
        }
    }

    #[test]
    fn reading_a_broken_json_path_definition_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4)
    ) {
        let mut definition = json_path::sound();
        prop_assert!(StateMachine::from_value(&definition, Kind::Standard).is_ok());
        for (place, value) in changes {
            let mut found = Vec::new();
            places(&definition, "", &mut found);
            let place: &String = place.get(&found);
            if let Some(target) = definition.pointer_mut(place) {
                *target = value;
            }
        }
        let _ = StateMachine::from_value(&definition, Kind::Standard).is_ok();
    }

    #[test]
    fn reading_any_text_never_panics(text in ".{0,60}") {
        let _ = StateMachine::parse(&text, Kind::Standard).is_ok();
        let states = machine(json!({ "S": { "Type": "Pass", "Output": format!("{{%{text}%}}"), "End": true } }));
        let _ = StateMachine::from_value(&states, Kind::Standard).is_ok();
    }
}
