use super::*;

/// A machine that uses every field of JSONPath.
pub(super) fn sound() -> Value {
    json!({ "StartAt": "A", "States": {
        "A": task("f", json!({ "Next": "B", "InputPath": "$.a", "Parameters": { "x.$": "$.b[0]" },
            "ResultSelector": { "y.$": "States.Array($, 1)" }, "ResultPath": "$.r", "OutputPath": "$.r",
            "TimeoutSecondsPath": "$.t", "HeartbeatSecondsPath": "$.h", "Assign": { "v.$": "$.z" },
            "Catch": [{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "C" }] })),
        "B": { "Type": "Choice", "Default": "C", "Choices": [
            { "And": [{ "Variable": "$.a", "IsPresent": true },
                { "Not": { "Variable": "$.a", "StringMatches": "a*" } }], "Next": "D" },
            { "Variable": "$.a", "TimestampLessThan": "2026-01-01T00:00:00Z", "Next": "D",
                "Assign": { "w.$": "$$.State.Name" } }] },
        "C": { "Type": "Wait", "TimestampPath": "$.at", "Next": "E" },
        "D": { "Type": "Parallel", "Parameters": { "p": 1 }, "Next": "E",
            "Branches": [{ "StartAt": "P", "States": { "P": { "Type": "Succeed", "OutputPath": null } } }] },
        "E": { "Type": "Map", "ItemsPath": "$.items", "ItemSelector": { "i.$": "$$.Map.Item.Index" },
            "MaxConcurrencyPath": "$.c", "ToleratedFailureCountPath": "$.n", "Next": "F",
            "Iterator": { "StartAt": "Q", "States": { "Q": { "Type": "Fail", "ErrorPath": "$.e",
                "CausePath": "States.JsonToString($)" } } } },
        "F": { "Type": "Pass", "Result": { "a.$": "$.not" }, "End": true }
    } })
}

/// What is wrong with one JSONPath state, with its hints.
fn wrong(state: Value) -> Vec<String> {
    let definition = json!({ "StartAt": "S", "States": { "S": state } });
    let errors = StateMachine::from_value(&definition, Kind::Standard).err();
    let errors = errors.unwrap_or_default();
    errors.iter().map(|error| format!("{error:#}")).collect()
}

fn tells(cases: impl IntoIterator<Item = (Value, impl AsRef<str>)>) {
    for (state, expected) in cases {
        let found = wrong(state.clone());
        let tells = found.iter().any(|found| found.contains(expected.as_ref()));
        assert!(tells, "{state}: {found:?}");
    }
}

fn pass(more: Value) -> Value {
    let mut state = json!({ "Type": "Pass", "End": true });
    state
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    state
}

fn choice(rule: Value) -> Value {
    let mut rule = rule;
    rule["Next"] = json!("S");
    json!({ "Type": "Choice", "Choices": [rule] })
}

#[test]
fn a_bad_path_is_told_when_the_machine_is_read() {
    let payload = "SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call at /States/S/Parameters";
    tells([
        (
            pass(json!({ "InputPath": "a.b" })),
            "SCHEMA_VALIDATION_FAILED: Value is not a valid JSONPath at /States/S/InputPath. A path starts with '$' (at character 1 of 'a.b')".to_owned(),
        ),
        (
            pass(json!({ "Parameters": { "x.$": "$.a b" } })),
            format!("{payload}. 'b' is not expected; write names with such characters as ['name'] (at character 5 of '$.a b')"),
        ),
        (
            pass(json!({ "Parameters": { "x.$": 7 } })),
            payload.to_owned(),
        ),
        (
            pass(json!({ "Parameters": { "n": [{ "x.$": "States.Fromat('a')" }] } })),
            format!("{payload}/n[0]. There is no function 'States.Fromat'; did you mean 'States.Format'? (at character 14 of 'States.Fromat('a')')"),
        ),
        (
            pass(json!({ "ResultPath": "$.a[*]" })),
            "Value is not a Reference Path at /States/S/ResultPath. It must name a single place, without *, .., ?, ',' and ':'".to_owned(),
        ),
        (
            pass(json!({ "ResultPath": "$$.a" })),
            "Value is not a Reference Path at /States/S/ResultPath. It must start with '$.', in the state's input; set variables with Assign".to_owned(),
        ),
        (
            json!({ "Type": "Wait", "SecondsPath": "$.a[*]", "End": true }),
            "Value is not a Reference Path at /States/S/SecondsPath. A Reference Path names a single place, without *, .., ?, ',' and ':'".to_owned(),
        ),
        (
            choice(json!({ "Variable": "x", "IsNull": true })),
            "Value is not a valid JSONPath at /States/S/Choices[0]/Variable. A path starts with '$' (at character 1 of 'x')".to_owned(),
        ),
        (
            pass(json!({ "Assign": { "1.$": "$" } })),
            "The variable name '1' is not valid".to_owned(),
        ),
    ]);
}

#[test]
fn a_field_of_the_other_language_is_told_what_to_write() {
    tells([
        (
            task("f", json!({ "Arguments": {} })),
            "at /States/S/Arguments. It belongs to JSONata. In this JSONPath state write 'Parameters', or set \"QueryLanguage\": \"JSONata\" in the state",
        ),
        (
            pass(json!({ "QueryLanguage": "JSONata", "InputPath": "$" })),
            "at /States/S/InputPath. It belongs to JSONPath. In this JSONata state write 'Arguments'",
        ),
        (
            json!({ "Type": "Wait", "QueryLanguage": "JSONata", "Seconds": 1, "SecondsPath": "$", "End": true }),
            "at /States/S/SecondsPath. It belongs to JSONPath. In this JSONata state write 'Seconds' with an expression, {% … %}",
        ),
        (
            choice(json!({ "Condition": "{% true %}" })),
            "at /States/S/Choices[0]/Condition. It belongs to JSONata. In this JSONPath state write 'Variable' and an operator",
        ),
    ]);
}

#[test]
fn a_field_that_a_state_does_not_have_is_told_with_the_one_it_may_mean() {
    tells([
        (
            choice(json!({ "Variable": "$.a", "StringEqual": "x" })),
            "at /States/S/Choices[0]/StringEqual. Did you mean 'StringEquals'?",
        ),
        (
            choice(json!({ "Variable": "$.a", "Like": true })),
            "at /States/S/Choices[0]/Like. The operators are IsNull, ",
        ),
        (
            choice(json!({ "Not": { "Variable": "$.a", "IsNull": true, "Next": "S" } })),
            "at /States/S/Choices[0]/Not/Next. Only the outer rule leads somewhere",
        ),
        (
            choice(json!({ "Variable": "$.a", "IsNull": true, "IsString": true })),
            "A choice has exactly one operator, such as 'StringEquals', 'IsPresent' or 'And' at /States/S/Choices[0]",
        ),
        (
            choice(json!({ "StringEquals": "x" })),
            "These fields are required: [Variable] at /States/S/Choices[0]",
        ),
        (
            choice(json!({ "Variable": "$.a", "NumericEquals": "1" })),
            "Expected value of type Number at /States/S/Choices[0]/NumericEquals",
        ),
        (
            choice(json!({ "Variable": "$.a", "TimestampEquals": "yesterday" })),
            "String does not match RFC3339 timestamp at /States/S/Choices[0]/TimestampEquals",
        ),
        (
            pass(json!({ "ResultSelector": {} })),
            "Field is not supported at /States/S/ResultSelector",
        ),
        (
            pass(json!({ "ResultPaht": "$" })),
            "at /States/S/ResultPaht. Did you mean 'ResultPath'?",
        ),
        (
            json!({ "Type": "Fail", "Cause": "c", "CausePath": "$.c" }),
            "Only one of these fields is allowed: [Cause, CausePath] at /States/S",
        ),
        (
            json!({ "Type": "Wait", "Seconds": 1, "TimestampPath": "$", "End": true }),
            "Exactly one of these fields is required: [Seconds, Timestamp, SecondsPath, TimestampPath] at /States/S",
        ),
        (
            task(
                "arn:aws:states:::lambda:invoke",
                json!({ "Parameters": { "Payload.$": "$" } }),
            ),
            "The field 'FunctionName' is required but was missing at /States/S/Parameters",
        ),
    ]);
}

#[test]
fn a_machine_in_json_path_lists_the_functions_it_names() {
    let states = json!({
        "A": task("first", json!({ "Next": "B" })),
        "B": task("arn:aws:states:::lambda:invoke", json!({
            "Parameters": { "FunctionName": "second", "Payload.$": "$" }, "Next": "C" })),
        "C": task("arn:aws:states:::lambda:invoke", json!({ "Parameters": { "FunctionName.$": "$.f" } }))
    });
    let definition = json!({ "StartAt": "A", "States": states });
    let machine = StateMachine::from_value(&definition, Kind::Standard).unwrap();
    assert_eq!(machine.functions().collect::<Vec<_>>(), ["first", "second"]);
}
