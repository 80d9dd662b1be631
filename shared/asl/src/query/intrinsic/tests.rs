use std::sync::Arc;

use engine::runtime::simulated::Simulation;
use serde_json::json;

use super::*;
use crate::query::{Budget, Variables};

fn evaluate(source: &str, input: &Value) -> Result<Value, EvaluationError> {
    let runtime = Simulation::new(1).runtime();
    let variables = Variables::from([("name".into(), Arc::new(json!("Ann")))]);
    let call = Intrinsic::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    call.evaluate(&Scope {
        input,
        raw: input,
        result: None,
        error_output: None,
        context: &|| json!({ "State": { "Name": "S" } }),
        variables: &variables,
        now: runtime.now(),
        entropy: &runtime.entropy,
        budget: &Budget::default(),
    })
}

#[test]
fn functions_give_what_step_functions_gives() {
    let input =
        json!({ "a": [1, 2, 2.0, "x"], "o": { "k": [null, true], "s": "t" }, "t": "{} \\{\\}" });
    for (source, expected) in [
        (
            "States.Format('Hi {}, \\'{}\\'', $name, 7)",
            json!("Hi Ann, '7'"),
        ),
        (
            "States.Format('\\{\\} {}', $.o)",
            json!("{} {k=[null, true], s=t}"),
        ),
        ("States.Format($.t, 1)", json!("1 {}")),
        (
            "States.Array(1, 'a', null, true, $.a[0])",
            json!([1, "a", null, true, 1]),
        ),
        ("States.Array()", json!([])),
        ("States.ArrayPartition($.a, 3)", json!([[1, 2, 2.0], ["x"]])),
        ("States.ArrayContains($.a, 1.0)", json!(true)),
        ("States.ArrayContains($.a, 'y')", json!(false)),
        ("States.ArrayRange(5, 1, -2)", json!([5, 3, 1])),
        ("States.ArrayRange(1, 5, -2)", json!([])),
        ("States.ArrayGetItem($.a, 3)", json!("x")),
        (
            "States.ArrayLength(States.StringSplit('a.b+c', '.+'))",
            json!(3),
        ),
        ("States.ArrayUnique($.a)", json!([1, 2, "x"])),
        ("States.Base64Decode(States.Base64Encode('ä'))", json!("ä")),
        (
            "States.Hash('abc', 'MD5')",
            json!("900150983cd24fb0d6963f7d28e17f72"),
        ),
        (
            "States.JsonMerge($.o, States.StringToJson('{\"s\": 1}'), false)",
            json!({ "k": [null, true], "s": 1 }),
        ),
        (
            "States.JsonToString($.o)",
            json!("{\"k\":[null,true],\"s\":\"t\"}"),
        ),
        ("States.MathAdd(2.5, -1)", json!(2)),
        ("States.MathAdd(-2.5, 1.49)", json!(-1)),
        ("States.MathRandom(3, 4)", json!(3)),
        (
            "States.ArrayLength(States.StringSplit(States.UUID(), '-'))",
            json!(5),
        ),
        ("States.Format('{}', $$.State.Name)", json!("S")),
    ] {
        assert_eq!(evaluate(source, &input), Ok(expected), "{source}");
    }
    let seeded = |source| evaluate(source, &input).unwrap();
    assert_eq!(
        seeded("States.MathRandom(0, 1000000, 7)"),
        seeded("States.MathRandom(0, 1000000, 7)")
    );
}

#[test]
fn what_a_function_cannot_take_is_an_intrinsic_failure() {
    for (source, what) in [
        (
            "States.MathAdd('a', 1)",
            "Argument 1 must be a number but was: \"a\"",
        ),
        (
            "States.ArrayGetItem($.a, 1)",
            "There is no item 1 in an array of 1",
        ),
        (
            "States.ArrayRange(0, 1000, 1)",
            "1001 items; 1000 are the most",
        ),
        (
            "States.ArrayRange(-9223372036854775808, 9223372036854775807, 1)",
            "are the most",
        ),
        ("States.ArrayRange(1, 2, 0)", "step must not be zero"),
        ("States.ArrayPartition($.a, 0)", "must be positive"),
        ("States.StringToJson('{')", "not JSON"),
        ("States.Base64Decode('%')", "not Base64"),
        ("States.Hash('a', 'CRC')", "use MD5, SHA-1"),
        ("States.JsonMerge($, $, true)", "must be false"),
        ("States.MathRandom(2, 2)", "larger than the first"),
        ("States.MathAdd(9223372036854775807, 1)", "too large"),
        ("States.Format($.t, 1)", "0 times {} for 1 values"),
        ("States.ArrayLength('a')", "must be an array"),
    ] {
        let error = evaluate(source, &json!({ "a": [0], "t": "" })).unwrap_err();
        assert_eq!(error.error, "States.IntrinsicFailure", "{source}");
        let begins = format!("The function '{source}' had the following error: ");
        assert!(
            error.message.starts_with(&begins) && error.message.contains(what),
            "{error:?}"
        );
    }
}

#[test]
fn an_argument_that_is_not_there_names_the_whole_call() {
    for (source, path) in [
        ("States.Format('{}', States.Array($.nope))", "$.nope"),
        ("States.Format('{}', $.items[5])", "$.items[5]"),
        ("States.Format('{}', $$.Nope.Deep)", "$.Nope.Deep"),
    ] {
        let error = evaluate(source, &json!({ "items": [] })).unwrap_err();
        assert_eq!(error.error, "States.Runtime");
        assert_eq!(
            error.message,
            format!(
                "The function '{source}' had the following error: The JsonPath argument for the field '{path}' could not be found in the input '{{\"items\":[]}}'"
            )
        );
    }
}

#[test]
fn a_text_that_is_no_call_is_refused_with_what_to_write() {
    for (source, hint) in [
        ("States.Fromat('')", "did you mean 'States.Format'?"),
        ("States.Nonsense()", "There is no function"),
        ("States.Format('{} {}', 1)", "2 times {} for 1 values"),
        ("States.MathAdd(1)", "takes 2 arguments, not 1"),
        ("States.MathRandom(1)", "takes 2 to 3 arguments"),
        ("States.Array('a' 'b')", "',' is missing"),
        ("States.Array(\"a\")", "A number, 'text'"),
        ("States.Array('\\n')", "are escapes"),
        ("States.Array('a", "closing '"),
        ("States.Array(1) 2", "not expected"),
    ] {
        let error = Intrinsic::parse(source).unwrap_err();
        assert!(error.message.contains(hint), "{source}: {error}");
    }
    let deep = format!("{}{}", "States.Array(".repeat(5_000), ")".repeat(5_000));
    assert!(Intrinsic::parse(&deep).is_err());
}

#[test]
fn calls_cannot_make_more_than_a_few_payloads() {
    let text = "a".repeat(200_000);
    let many = |function: &str, argument: &str| {
        format!("{function}({})", vec![argument; 1_000].join(", "))
    };
    let error = evaluate(&many("States.Array", "$.t"), &json!({ "t": text })).unwrap_err();
    assert_eq!(error.error, "States.DataLimitExceeded");
    let format =
        many("States.Format", "$.t").replacen("$.t", &format!("'{}'", "{}".repeat(999)), 1);
    let error = evaluate(&format, &json!({ "t": text })).unwrap_err();
    assert_eq!(error.error, "States.IntrinsicFailure");
}
