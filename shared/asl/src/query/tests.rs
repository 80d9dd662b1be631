use std::sync::Arc;

use engine::runtime::simulated::Simulation;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn scoped<T>(input: &Value, read: impl FnOnce(&Scope<'_>) -> T) -> T {
    let runtime = Simulation::new(1).runtime();
    let variables = Variables::from([(
        "x".into(),
        Arc::new(json!({ "a": [1, { "b": 2 }], "n": 5 })),
    )]);
    read(&Scope {
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

fn evaluate(source: &str, input: &Value) -> Result<Option<Value>, String> {
    scoped(input, |scope| {
        Expression::parse(source).unwrap().evaluate(scope)
    })
}

fn value(source: &str) -> Value {
    evaluate(
        source,
        &json!({ "list": [1, 2, 3], "text": "abc", "none": null }),
    )
    .unwrap()
    .unwrap()
}

fn error(source: &str) -> String {
    evaluate(source, &json!({})).unwrap_err()
}

#[test]
fn paths_reach_input_variables_and_context() {
    assert_eq!(value("$states.input.text"), json!("abc"));
    assert_eq!(value("$states.input.none"), json!(null));
    assert_eq!(value("$x.a[1].b"), json!(2));
    assert_eq!(value("$x.a.b"), json!(2));
    assert_eq!(value("$states.context.State.Name"), json!("S"));
    assert_eq!(value("$keys($states)"), json!(["input", "context"]));
    assert_eq!(evaluate("$states.result", &json!({})), Ok(None));
    assert_eq!(evaluate("text", &json!({ "text": 1 })), Ok(None));
}

#[test]
fn whole_numbers_stay_whole() {
    assert_eq!(value("1 + 1").to_string(), "2");
    assert_eq!(value("[0.5 * 4]").to_string(), "[2]");
    assert_eq!(value("1 / 4").to_string(), "0.25");
}

#[test]
fn the_functions_of_step_functions_are_there() {
    assert_eq!(value("$partition([1, 2, 3], 2)"), json!([[1, 2], [3]]));
    assert_eq!(value("$range(10, 0, -5)"), json!([10, 5, 0]));
    assert_eq!(value("$range(3, 1, 1)"), json!([]));
    assert_eq!(
        value("$parse('[1, {\"a\": null}]')"),
        json!([1, { "a": null }])
    );
    assert_eq!(
        value("$hash('abc', 'MD5')"),
        json!("900150983cd24fb0d6963f7d28e17f72")
    );
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(value("$hash('abc', 'SHA-256')"), json!(sha256));
    assert_eq!(value("$length($uuid())"), json!(36));
    assert_eq!(value("$random(42) = $random(42)"), json!(true));
    assert_eq!(value("$now('[Y]')"), json!("2026"));
    assert_eq!(value("$pad('a', -3, '0')"), json!("00a"));
}

#[test]
fn errors_say_their_code() {
    assert_eq!(
        error("$nobody(1)"),
        "threw an error during evaluation. T1006: Attempted to invoke a non-function"
    );
    assert!(error("1 + 'a'").contains("T2002"));
    assert!(error("$eval('1')").contains("T1006"));
    assert!(error("$parse('{')").contains("not JSON"));
    assert!(error("$hash('a', 'CRC')").contains("T0410"));
}

#[test]
fn a_template_evaluates_its_expressions_and_leaves_the_rest() {
    let template =
        Template::parse(&json!({ "a": ["{% 1 + 1 %}", "$x"], "b": " {% 1 %} " })).unwrap();
    let value = scoped(&json!(null), |scope| template.evaluate(&"Output", scope));
    assert_eq!(value, Ok(json!({ "a": [2, "$x"], "b": " {% 1 %} " })));
}

#[test]
fn an_error_names_its_place() {
    let template = Template::parse(&json!({ "a": [1, "{% $nothing %}"] })).unwrap();
    let error = scoped(&json!(null), |scope| template.evaluate(&"Output", scope)).unwrap_err();
    assert_eq!(error.location.as_deref(), Some("Output/a[1]"));
    assert_eq!(
        error.message,
        "The JSONata expression '$nothing' specified for the field 'Output/a[1]' returned nothing (undefined)."
    );
}

#[test]
fn a_text_marked_as_an_expression_must_be_one() {
    for text in ["{% 1 + %}", "{% 1", "{% 'a %}"] {
        assert!(Template::parse(&json!({ "a": [text] })).is_err(), "{text}");
    }
}

/// Operands of every kind that the fast road takes, and some that it must leave alone.
fn operand() -> impl Strategy<Value = String> {
    let fields = "[abc]|a\\.[bc]|list|none";
    let path = fields.prop_map(|field| format!("$states.input.{field}"));
    prop_oneof![
        path,
        Just("$x.n".to_owned()),
        Just("$missing".to_owned()),
        Just("$x.a.b".to_owned()),
        prop::sample::select(vec!["1", "2.5", "'s'", "''", "true", "false", "null"])
            .prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    operand().prop_recursive(3, 12, 2, |inner| {
        let operators = vec!["=", "!=", "<", "<=", ">", ">=", "and", "or", "&"];
        let binary = (
            inner.clone(),
            prop::sample::select(operators),
            inner.clone(),
        );
        prop_oneof![
            binary.prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            inner.clone().prop_map(|inner| format!("$not({inner})")),
            inner.prop_map(|inner| format!("$exists({inner})")),
        ]
    })
}

fn input() -> impl Strategy<Value = Value> {
    let scalar = prop::sample::select(vec![
        json!(1),
        json!(2.5),
        json!(0),
        json!("s"),
        json!(""),
        json!(true),
        json!(false),
        json!(null),
        json!([]),
        json!([1]),
        json!({}),
        json!({ "b": 1 }),
        json!({ "c": "s" }),
        json!([{ "b": 1 }]),
    ]);
    prop::collection::btree_map("[abc]|list|none", scalar, 0..5).prop_map(|fields| json!(fields))
}

proptest! {
    #[test]
    fn the_fast_road_leads_where_the_evaluator_leads(source in expression(), input in input()) {
        let source = source.strip_prefix('(').and_then(|s| s.strip_suffix(')')).unwrap_or(&source);
        if let Ok(expression) = Expression::parse(source) {
            scoped(&input, |scope| {
                let (fast, full) = (expression.evaluate(scope), expression.evaluate_fully(scope));
                prop_assert_eq!(fast, full, "{}", source);
                Ok(())
            })?;
        }
    }
}
