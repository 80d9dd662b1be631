use std::sync::Arc;

use engine::runtime::simulated::Simulation;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::query::{Intrinsic, Place, Variables};

fn scoped<T>(input: &Value, read: impl FnOnce(&Scope<'_>) -> T) -> T {
    let runtime = Simulation::new(1).runtime();
    let variables = Variables::from([("x".into(), Arc::new(json!({ "a": [1, 2] })))]);
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

fn select(path: &str, input: &Value) -> Result<Value, Miss> {
    let path = Path::parse(path).unwrap();
    scoped(input, |scope| path.select(scope).map(Cow::into_owned))
}

fn shop() -> Value {
    json!({
        "store": { "book": [
            { "title": "A", "price": 8, "tags": ["new"] },
            { "title": "B", "price": 12.5, "isbn": "1" },
            { "title": "C", "price": 9, "isbn": "2", "tags": [] },
        ], "delivery-partner": "X" },
        "list": [0, 1, 2, 3, 4],
        "limit": 9,
    })
}

#[test]
fn a_path_names_what_it_names_in_step_functions() {
    for (path, expected) in [
        ("$.limit", json!(9)),
        ("$['limit']", json!(9)),
        ("$.store.['delivery-partner']", json!("X")),
        ("$.store.delivery-partner", json!("X")),
        ("$.list[-1]", json!(4)),
        ("$.list[1:3]", json!([1, 2])),
        ("$.list[-1:]", json!([4])),
        ("$.list[:-1]", json!([0, 1, 2, 3])),
        ("$.list[:1]", json!([0])),
        ("$.list[9:]", json!([])),
        ("$.list[0,4,9]", json!([0, 4])),
        ("$.store.book[*].title", json!(["A", "B", "C"])),
        ("$.store.book[*].isbn", json!(["1", "2"])),
        ("$.store.book[?(@.isbn)].title", json!(["B", "C"])),
        ("$.store.book[?(!@.isbn)].title", json!(["A"])),
        (
            "$.store.book[?(@.price < 9.5 && @.isbn)].title",
            json!(["C"]),
        ),
        (
            "$.store.book[?(@.price <= $.limit)].title",
            json!(["A", "C"]),
        ),
        (
            "$.store.book[?(@.title == 'B' || @.title == \"C\")].price",
            json!([12.5, 9]),
        ),
        ("$.store.book[?(@.title in ['A','C'])].price", json!([8, 9])),
        (
            "$.store.book[?(@.title nin ['A','C'])].price",
            json!([12.5]),
        ),
        ("$.store.book[?(@.tags contains 'new')].title", json!(["A"])),
        ("$.store.book[?(@.tags size 0)].title", json!(["C"])),
        ("$.store.book[?(@.tags empty false)].title", json!(["A"])),
        ("$.store.book[?(@.price != 8.0)].title", json!(["B", "C"])),
        ("$..price", json!([8, 12.5, 9])),
        ("$..book[0].title", json!(["A"])),
        (
            "$.store.book[0]['title','price']",
            json!({ "title": "A", "price": 8 }),
        ),
        ("$.nowhere[*].a", json!([])),
        ("$$.State.Name", json!("S")),
        ("$x.a[1]", json!(2)),
    ] {
        assert_eq!(select(path, &shop()), Ok(expected), "{path}");
    }
}

#[test]
fn a_place_that_is_not_there_is_told_in_jayways_words() {
    for (path, at, what) in [
        ("$.none", 0, "No results for path: $['none']"),
        ("$.none.such", 0, "Missing property in path $['none']"),
        (
            "$.limit.a",
            1,
            "Expected to find an object with property ['a'] in path $['limit'] but found a number",
        ),
        (
            "$.limit[0]",
            1,
            "Filter: [0] can only be applied to arrays. Current context is: 9",
        ),
        ("$y", 0, "There is no variable $y"),
    ] {
        let what = what.to_owned();
        assert_eq!(
            select(path, &shop()),
            Err(Miss::Absent { at, what }),
            "{path}"
        );
    }
    let beyond = "No results for path: $['list'][5]".to_owned();
    assert_eq!(select("$.list[5]", &shop()), Err(Miss::OutOfRange(beyond)));
}

#[test]
fn a_text_that_is_no_path_is_refused_with_what_to_write() {
    for (text, hint) in [
        ("a.b", "starts with '$'"),
        ("$.a b", "as ['name']"),
        ("$.", "A name is missing"),
        ("$['a", "closing '"),
        ("$[1:2:3]", "no step"),
        ("$[]", "is missing"),
        ("$.a.length()", "States.ArrayLength"),
        ("$[?(@.a =~ /x/)]", "Regular expressions"),
        ("$[?(@.a like 'x')]", "knows the operators"),
        ("$[?(1)]", "operator"),
        ("$[99999999999999999999]", "not an index"),
    ] {
        let error = Path::parse(text).unwrap_err();
        assert!(error.message.contains(hint), "{text}: {error}");
    }
    let deep = format!("$[?({}@.a{})]", "(".repeat(50_000), ")".repeat(50_000));
    assert!(Path::parse(&deep).is_err());
    let deep = format!("${}", "[?(@".repeat(100));
    let error = Path::parse(&deep).unwrap_err();
    assert!(error.message.contains("Nested deeper"), "{error}");
}

#[test]
fn a_path_that_looks_at_too_much_is_stopped() {
    let mut deep = json!([]);
    for _ in 0..90 {
        deep = json!([deep, 1, 2, 3]);
    }
    let unions = format!("${}", "[0,0,0,0]".repeat(12));
    let filters = "$..[?(@..*)]..[?(@..* size 3)]";
    for path in ["$..*..*..*..*", &unions, filters] {
        assert_eq!(select(path, &deep), Err(Miss::Exhausted), "{path}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|fields| json!(fields)),
        ]
    })
}

proptest! {
    #[test]
    fn what_result_path_puts_somewhere_is_found_there(
        input in json_value(), result in json_value(),
        steps in prop::collection::vec(prop_oneof![
            "[a-d]".prop_map(|name| format!(".{name}")),
            "[a-d]".prop_map(|name| format!("['{name}']")),
            (-2..3_i32).prop_map(|index| format!("[{index}]")),
        ], 0..4),
    ) {
        let path = format!("${}", steps.concat());
        match Place::parse(&path).unwrap().put(&input, result.clone()) {
            Ok(output) => {
                prop_assert_eq!(select(&path, &output), Ok(result));
                // Nothing else has changed: putting back what was there gives the input.
                if let Ok(before) = select(&path, &input) {
                    let again = Place::parse(&path).unwrap().put(&output, before).unwrap();
                    prop_assert_eq!(again, input);
                }
            }
            // Only where something was in the way, so nothing could have been read there either.
            Err(error) => {
                prop_assert_eq!(error.error, "States.ResultPathMatchFailure");
                prop_assert!(select(&path, &input).is_err());
            }
        }
    }

    #[test]
    fn a_path_agrees_with_a_walk_by_hand(
        input in json_value(),
        steps in prop::collection::vec(prop_oneof!["[a-c]".prop_map(Ok), (0..3_usize).prop_map(Err)], 0..4),
    ) {
        let mut path = "$".to_owned();
        let mut here = Some(&input);
        for step in &steps {
            match step {
                Ok(name) => {
                    path += &format!(".{name}");
                    here = here.and_then(|value| value.as_object()?.get(name));
                }
                Err(index) => {
                    path += &format!("[{index}]");
                    here = here.and_then(|value| value.as_array()?.get(*index));
                }
            }
        }
        prop_assert_eq!(select(&path, &input).ok(), here.cloned());
    }

    #[test]
    fn reading_any_path_or_call_never_panics(
        text in prop_oneof![
            ".{0,40}",
            "\\$[a-c.\\[\\]*?@()&|!=<>'\",:0-9 -]{0,30}",
            "States\\.(Format|Array|MathAdd|ArrayRange|StringSplit)\\([a-c$.'{},\\\\0-9 ()-]{0,30}\\)?",
        ],
        input in json_value(),
    ) {
        if let Ok(path) = Path::parse(&text) {
            scoped(&input, |scope| drop(path.select(scope)));
        }
        if let Ok(call) = Intrinsic::parse(&text) {
            scoped(&input, |scope| drop(call.evaluate(scope)));
        }
    }
}
