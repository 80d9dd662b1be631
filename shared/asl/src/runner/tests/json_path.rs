//! The data flow of JSONPath states; what AWS recorded is compared in `recorded_tests`.

use super::*;

/// A machine of JSONPath states, which starts at the first.
fn run(stage: &mut Stage, states: Value, input: Value) -> Outcome {
    let first = states.as_object().unwrap().keys().next().unwrap().clone();
    let definition = json!({ "StartAt": first, "States": states });
    stage.definition("m", Kind::Standard, definition);
    stage.run(input)
}

fn output(states: Value, input: Value) -> Value {
    match run(&mut Stage::new(), states, input) {
        Outcome::Succeeded(output) => Value::clone(&output),
        other => panic!("it should succeed, but {other:?}"),
    }
}

/// The error and the end of the cause of one state that should fail.
fn failure(state: Value, input: Value) -> (String, String) {
    match run(&mut Stage::new(), json!({ "S": state }), input) {
        Outcome::Failed(failure) => {
            let cause = failure.cause.unwrap();
            let begin =
                "An error occurred while executing the state 'S' (entered at the event id #2). ";
            let what = cause.strip_prefix(begin).unwrap_or(&cause);
            (failure.error.unwrap(), what.to_owned())
        }
        other => panic!("{state} should fail, but {other:?}"),
    }
}

#[test]
fn a_task_passes_all_five_fields() {
    let mut stage = Stage::new();
    stage.function("f", |_, payload| {
        gives(json!({ "got": payload, "rest": 1 }))
    });
    let states = json!({
        "Call": task("f", json!({
            "InputPath": "$.order",
            "Parameters": { "id.$": "$.id", "all": [{ "who.$": "$$.State.Name" }], "text": "$.id" },
            "ResultSelector": { "got.$": "$.got" },
            "ResultPath": "$.order.answer",
            "Assign": { "rest.$": "$.rest" },
            "OutputPath": "$.order",
            "Next": "Show"
        })),
        "Show": { "Type": "Pass", "ResultPath": "$.rest", "InputPath": "$rest", "End": true }
    });
    let Outcome::Succeeded(output) =
        run(&mut stage, states, json!({ "order": { "id": 7 }, "x": 0 }))
    else {
        panic!("it should succeed");
    };
    let got = json!({ "id": 7, "all": [{ "who": "Call" }], "text": "$.id" });
    assert_eq!(
        *output,
        json!({ "id": 7, "answer": { "got": got }, "rest": 1 })
    );
}

#[test]
fn result_path_null_keeps_the_input_and_a_catcher_puts_the_error_into_it() {
    let mut stage = Stage::new();
    stage.function("f", |_, _| gives(json!("dropped")));
    stage.function("g", |_, _| raises("Boom"));
    let states = json!({
        "Keep": task("f", json!({ "ResultPath": null, "Next": "Fail" })),
        "Fail": task("g", json!({
            "InputPath": null, "OutputPath": "$.never",
            "Catch": [{ "ErrorEquals": ["Boom"], "ResultPath": "$.why", "Next": "End",
                "Assign": { "error.$": "$.Error" } }],
        })),
        "End": { "Type": "Pass", "Parameters": { "n.$": "$.n", "error.$": "$.why.Error", "same.$": "$error" }, "End": true }
    });
    let Outcome::Succeeded(output) = run(&mut stage, states, json!({ "n": 1 })) else {
        panic!("it should succeed");
    };
    assert_eq!(*output, json!({ "n": 1, "error": "Boom", "same": "Boom" }));
    assert_eq!(
        stage.calls()[1].2,
        json!({}),
        "InputPath null is an empty object"
    );
}

#[test]
fn a_map_goes_through_a_part_of_its_input() {
    let item = json!({ "i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "by.$": "$.by" });
    for selector in ["ItemSelector", "Parameters"] {
        let processor =
            json!({ "StartAt": "P", "States": { "P": { "Type": "Pass", "End": true } } });
        let mut map = json!({ "Type": "Map", "InputPath": "$.in", "ItemsPath": "$.items",
            "MaxConcurrencyPath": "$.most", "ItemProcessor": processor,
            "ResultPath": "$.out", "OutputPath": "$.out", "End": true });
        map[selector] = item.clone();
        let input = json!({ "in": { "items": ["a", "b"], "most": 1, "by": 9 } });
        let expected = json!([{ "i": 0, "v": "a", "by": 9 }, { "i": 1, "v": "b", "by": 9 }]);
        assert_eq!(output(json!({ "M": map }), input), expected);
    }
}

#[test]
fn a_choice_knows_every_operator() {
    let input = json!({ "s": "ab*c", "n": 2, "b": true, "t": "2026-01-01T00:00:00Z", "null": null,
        "other": { "s": "b", "n": 2.0, "b": true, "t": "2026-01-01T01:00:00+01:00" }, "list": [{ "k": 1 }] });
    let test = |variable: &str, operator: &str, value: Value| json!({ "Variable": variable, operator: value });
    let yes = [
        test("$.s", "StringEquals", json!("ab*c")),
        test("$.s", "StringLessThanPath", json!("$.other.s")),
        test("$.s", "StringGreaterThan", json!("aa")),
        test("$.s", "StringMatches", json!("a*\\**")),
        test("$.s", "StringMatches", json!("**c")),
        test("$.n", "NumericEqualsPath", json!("$.other.n")),
        test("$.n", "NumericGreaterThanEquals", json!(2)),
        test("$.n", "NumericLessThan", json!(2.5)),
        test("$.b", "BooleanEqualsPath", json!("$.other.b")),
        test("$.t", "TimestampEqualsPath", json!("$.other.t")),
        test(
            "$.t",
            "TimestampLessThanEquals",
            json!("2026-01-01T00:00:00.5Z"),
        ),
        test("$.null", "IsNull", json!(true)),
        test("$.t", "IsTimestamp", json!(true)),
        test("$.n", "IsNumeric", json!(true)),
        test("$.s", "IsBoolean", json!(false)),
        test("$.none", "IsPresent", json!(false)),
        test("$.list[?(@.k == 1)]", "IsPresent", json!(true)),
        test("$$.State.Name", "StringEquals", json!("C")),
        json!({ "And": [test("$.n", "NumericEquals", json!(2)), test("$.none", "IsPresent", json!(false))] }),
        json!({ "Or": [test("$.n", "NumericEquals", json!(3)), { "Not": test("$.s", "IsNull", json!(true)) }] }),
        // What comes later is not looked at.
        json!({ "Or": [test("$.none", "IsPresent", json!(false)), test("$.none", "IsNull", json!(true))] }),
    ];
    let no = [
        test("$.n", "StringEquals", json!("2")),
        test("$.s", "NumericGreaterThan", json!(0)),
        test("$.s", "TimestampLessThan", json!("2030-01-01T00:00:00Z")),
        test("$.s", "StringMatches", json!("a*b")),
        test("$.s", "StringMatches", json!("ab\\*")),
        test("$.s", "StringEqualsPath", json!("$.n")),
        json!({ "And": [test("$.b", "IsBoolean", json!(true)), test("$.n", "NumericEquals", json!(3))] }),
        json!({ "Or": [test("$.s", "IsNull", json!(true)), test("$.n", "NumericEquals", json!(3))] }),
        json!({ "Not": test("$.b", "BooleanEquals", json!(true)) }),
    ];
    let decide = |rule: &Value| {
        let mut rule = rule.clone();
        rule["Next"] = json!("Y");
        let pass = |made: &str| json!({ "Type": "Pass", "Result": made, "End": true });
        let choice = json!({ "Type": "Choice", "Choices": [rule], "Default": "N" });
        output(
            json!({ "C": choice, "Y": pass("yes"), "N": pass("no") }),
            input.clone(),
        )
    };
    for (rules, expected) in [(&yes[..], "yes"), (&no[..], "no")] {
        for rule in rules {
            assert_eq!(decide(rule), expected, "{rule}");
        }
    }
}

#[test]
fn what_cannot_be_found_ends_the_execution_with_awss_error() {
    let choice = |operator: &str, value: &str| {
        let rule = json!({ "Variable": "$.n", operator: value, "Next": "S" });
        json!({ "Type": "Choice", "Choices": [rule] })
    };
    let map = |more: Value| {
        let mut state = json!({ "Type": "Map", "End": true, "ItemProcessor":
            { "StartAt": "P", "States": { "P": { "Type": "Pass", "End": true } } } });
        state
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        state
    };
    for (state, error, cause) in [
        (
            json!({ "Type": "Pass", "ResultPath": "$.n.x", "Result": 1, "End": true }),
            "States.ResultPathMatchFailure",
            "Unable to apply ReferencePath $.n.x to input {\"n\":1}",
        ),
        (
            json!({ "Type": "Wait", "SecondsPath": "$.none", "End": true }),
            "States.Runtime",
            "The SecondsPath parameter does not reference an input value: $.none",
        ),
        (
            json!({ "Type": "Pass", "Parameters": { "a.$": "States.MathAdd($.n, 'x')" }, "End": true }),
            "States.IntrinsicFailure",
            "The function 'States.MathAdd($.n, 'x')' had the following error: Argument 2 must be a number but was: \"x\"",
        ),
        (
            choice("StringEqualsPath", "$.none"),
            "States.Runtime",
            "Invalid path '$.none': The choice state's condition path references an invalid value.",
        ),
        (
            choice("StringEquals", "x"),
            "States.NoChoiceMatched",
            "Failed to transition out of the state. The state does not point to a next state.",
        ),
        (
            map(json!({ "ItemsPath": "$.none" })),
            "States.ReferencePathConflict",
            "Unable to apply step \"none\" to input {\"n\":1}",
        ),
        (
            map(json!({ "ItemsPath": "$.n" })),
            "States.Runtime",
            "Reference path \"$.n\" must point to array.",
        ),
        (
            json!({ "Type": "Fail", "Error": "E", "CausePath": "$.n" }),
            "States.Runtime",
            "The CausePath field refers to value \"1\" which is not a string: $.n",
        ),
    ] {
        let expected = (error.to_owned(), cause.to_owned());
        assert_eq!(
            failure(state.clone(), json!({ "n": 1 })),
            expected,
            "{state}"
        );
    }
}

#[test]
fn an_intrinsic_failure_may_be_caught_and_a_missing_path_may_not() {
    let task = |parameters: &str| {
        json!({
            "T": task("f", json!({ "Parameters": { "a.$": parameters },
                "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }] })),
            "Caught": { "Type": "Pass", "End": true }
        })
    };
    for (parameters, status) in [
        ("States.StringToJson('{')", "SUCCEEDED"),
        ("$.none", "FAILED"),
    ] {
        let mut stage = Stage::new();
        stage.function("f", |_, _| gives(json!(1)));
        let outcome = run(&mut stage, task(parameters), json!({}));
        assert_eq!(outcome.status(), status, "{parameters}");
    }
}

#[test]
fn an_item_that_is_not_there_is_null_and_many_are_none() {
    let parameters = json!({ "a.$": "$.list[5]", "b.$": "$.list[5:]", "c.$": "$.none[*]" });
    let state = json!({ "Type": "Pass", "Parameters": parameters, "End": true });
    let expected = json!({ "a": null, "b": [], "c": [] });
    assert_eq!(
        output(json!({ "S": state }), json!({ "list": [1] })),
        expected
    );
}

#[test]
fn a_fail_state_may_make_its_cause() {
    let state =
        json!({ "Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)" });
    let expected = ("E".to_owned(), "why!".to_owned());
    assert_eq!(failure(state, json!({ "e": "E", "c": "why" })), expected);
}

#[test]
fn a_machine_that_doubles_or_nests_its_data_for_ever_fails() {
    for parameters in [
        json!({ "a.$": "$", "b.$": "$" }),
        json!({ "a": { "a": { "a": { "a.$": "$" } } } }),
        json!({ "a.$": "States.Array($, $, $)" }),
        Value::Array(vec![json!({ "a.$": "$" }); 5_000]),
    ] {
        let mut stage = Stage::new();
        let states =
            json!({ "Grow": { "Type": "Pass", "Parameters": parameters, "Next": "Grow" } });
        let Outcome::Failed(failure) = run(&mut stage, states, json!({ "seed": "x".repeat(1000) }))
        else {
            panic!("it should fail");
        };
        assert_eq!(failure.error.as_deref(), Some("States.DataLimitExceeded"));
    }
}
