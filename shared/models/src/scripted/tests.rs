use std::path::Path;
use std::time::Duration;

use engine::model::{ChatMessage, ModelErrorKind, ModelRequest, ToolCall};
use engine::runtime::simulated::Simulation;
use futures::StreamExt;
use proptest::prelude::*;
use serde_json::json;

use super::{Script, ScriptError, Scripted};
use crate::reply::{Failure, Piece, Source};

const SHOP: &str = r#"
format = 1

[[reply]]
match = 'refund.*?(?<order>a-\d+)'
call = { tool = "lookup_order", arguments = { order_id = "{order|upper}" } }

[[reply]]
after_tool = "lookup_order"
match = ["refund"]
when_result = { status = "delivered" }
call = { tool = "request_refund", arguments = { order_id = "{result.order_id}", amount = "{result.total|number}", paid = true } }

[[reply]]
after_tool = "request_refund"
text = "I have asked for a refund of {tool.lookup_order.total} for {tool.lookup_order.item}."

[[reply]]
match = ["order|parcel", "where"]
text = "Which order is it?"

[[reply]]
match = '\b(a-\d+)\b'
call = { tool = "lookup_order", arguments = { order_id = "{1|upper}" } }

[[reply]]
after_tool = "lookup_order"
when_result = "error"
text = "Something broke."

[[reply]]
after_tool = "lookup_order"
when_result = "none"
text = "I find no order {call.order_id}."

[[reply]]
after_tool = "lookup_order"
match = '(a-\d+)'
text = "{{{1|upper}}} is {result.status}."

[[reply]]
after_text = ["which order"]
match = ["forgot"]
text = "No matter."

[default]
text = "I can look up orders."
"#;

fn user(text: &str) -> ChatMessage {
    ChatMessage::User {
        text: text.to_owned(),
    }
}

fn said(text: &str) -> ChatMessage {
    ChatMessage::Assistant {
        text: text.to_owned(),
        calls: Vec::new(),
    }
}

fn result(name: &str, content: &str) -> ChatMessage {
    ChatMessage::Tool {
        call: "call_1_0".to_owned(),
        name: name.to_owned(),
        content: content.to_owned(),
        untrusted: false,
    }
}

fn parse(text: &str) -> Result<Script, ScriptError> {
    Script::parse(Path::new("bot/script.toml"), text)
}

/// The pieces of the answer and how long each took to come, in milliseconds.
fn play(script: &str, messages: Vec<ChatMessage>) -> Vec<(u128, Result<Piece, Failure>)> {
    let script = parse(script).unwrap();
    let request = ModelRequest {
        messages,
        ..ModelRequest::default()
    };
    let mut simulation = Simulation::new(3);
    let runtime = simulation.runtime();
    simulation.block_on(async move {
        let model = Scripted::new(runtime.clone(), script);
        let begun = runtime.clock.monotonic();
        model
            .ask(&request)
            .map(|piece| ((runtime.clock.monotonic() - begun).as_millis(), piece))
            .collect()
            .await
    })
}

fn text(script: &str, messages: Vec<ChatMessage>) -> String {
    play(script, messages)
        .into_iter()
        .filter_map(|(_, piece)| match piece {
            Ok(Piece::Text(text)) => Some(text),
            _ => None,
        })
        .collect()
}

fn calls(script: &str, messages: Vec<ChatMessage>) -> Vec<ToolCall> {
    play(script, messages)
        .into_iter()
        .filter_map(|(_, piece)| match piece {
            Ok(Piece::Call(call)) => Some(call),
            _ => None,
        })
        .collect()
}

fn problem(body: &str) -> String {
    parse(&format!("format = 1\n{body}"))
        .unwrap_err()
        .to_string()
}

#[test]
fn words_fit_whole_in_any_order_and_letter_case_aside() {
    assert_eq!(
        text(SHOP, vec![user("WHERE is my Parcel?")]),
        "Which order is it?"
    );
    assert_eq!(
        text(SHOP, vec![user("My border is somewhere")]),
        "I can look up orders."
    );
}

#[test]
fn an_expression_fills_the_arguments_of_a_call() {
    let calls = calls(SHOP, vec![user("it's a-1001, thanks")]);
    assert_eq!(calls[0].name, "lookup_order");
    assert_eq!(calls[0].arguments, json!({ "order_id": "A-1001" }));
}

#[test]
fn a_result_is_told_from_its_first_row() {
    for content in [
        r#"[{"order_id":"A-1001","status":"shipped"}]"#,
        r#"{"rows":[{"order_id":"A-1001","status":"shipped"}]}"#,
        r#"{"order_id":"A-1001","status":"shipped"}"#,
    ] {
        let messages = vec![user("a-1001"), result("lookup_order", content)];
        assert_eq!(text(SHOP, messages), "{A-1001} is shipped.", "{content}");
    }
}

#[test]
fn an_empty_result_and_an_error_are_told_apart() {
    for content in ["[]", r#"{"rows":[]}"#, "null", ""] {
        let called = ChatMessage::Assistant {
            text: String::new(),
            calls: calls(SHOP, vec![user("a-1")]),
        };
        let messages = vec![user("a-1"), called, result("lookup_order", content)];
        assert_eq!(text(SHOP, messages), "I find no order A-1.", "{content}");
    }
    let messages = vec![
        user("a-1"),
        result("lookup_order", r#"{"error":"timed out"}"#),
    ];
    assert_eq!(text(SHOP, messages), "Something broke.");
}

#[test]
fn a_refund_takes_a_look_up_a_record_and_a_sentence() {
    let order =
        r#"{"rows":[{"order_id":"A-7","item":"kettle","total":"39.90","status":"delivered"}]}"#;
    let mut messages = vec![user("I want a refund for a-7")];
    assert_eq!(calls(SHOP, messages.clone())[0].name, "lookup_order");
    messages.push(result("lookup_order", order));
    let call = &calls(SHOP, messages.clone())[0];
    assert_eq!(
        call.arguments,
        json!({ "order_id": "A-7", "amount": 39.9, "paid": true })
    );
    messages.push(ChatMessage::Assistant {
        text: String::new(),
        calls: vec![call.clone()],
    });
    messages.push(result("request_refund", r#"{"id":"r1"}"#));
    assert_eq!(
        text(SHOP, messages),
        "I have asked for a refund of 39.90 for kettle."
    );
}

#[test]
fn a_reply_may_depend_on_what_the_bot_said_before() {
    let messages = vec![said("Which order is it?"), user("I forgot")];
    assert_eq!(text(SHOP, messages), "No matter.");
    assert_eq!(text(SHOP, vec![user("I forgot")]), "I can look up orders.");
}

#[test]
fn a_message_reply_does_not_answer_a_result() {
    let messages = vec![user("where is my order"), result("other_tool", "{}")];
    assert_eq!(text(SHOP, messages), "I can look up orders.");
}

#[test]
fn without_pauses_a_reply_is_one_piece_at_once() {
    let pieces = play(SHOP, vec![user("hi")]);
    assert!(matches!(
        pieces.as_slice(),
        [(0, Ok(Piece::Text(_))), (0, Ok(Piece::End(_)))]
    ));
}

#[test]
fn words_are_streamed_in_chunks_with_pauses() {
    let script = "format = 1\ndelay_ms = 100\nchunk = 2\nchunk_delay_ms = 10\n[default]\ntext = \"one two  three four five\"";
    let pieces = play(script, vec![user("hi")]);
    let texts: Vec<_> = pieces
        .into_iter()
        .filter_map(|(at, piece)| match piece {
            Ok(Piece::Text(text)) => Some((at, text)),
            _ => None,
        })
        .collect();
    assert_eq!(texts.first().unwrap().0, 100);
    assert_eq!(texts[1].0, 110);
    let whole: String = texts.into_iter().map(|(_, text)| text).collect();
    assert_eq!(whole, "one two  three four five");
}

#[test]
fn a_failure_comes_after_the_text_of_its_reply() {
    let script = "format = 1\n[default]\ntext = \"Hel\"\nfail = \"cut\"";
    let pieces = play(script, vec![user("hi")]);
    assert!(matches!(&pieces[0].1, Ok(Piece::Text(text)) if text == "Hel"));
    assert!(matches!(&pieces[1].1, Err(failure) if failure.error.kind == ModelErrorKind::Cut));
}

#[test]
fn a_reply_that_hangs_never_ends() {
    let script = parse("format = 1\n[default]\nhang = true").unwrap();
    let mut simulation = Simulation::new(3);
    let runtime = simulation.runtime();
    let ended = simulation.block_on(async move {
        let model = Scripted::new(runtime.clone(), script);
        let request = ModelRequest::default();
        let ended = runtime
            .timeout(Duration::from_secs(3_600), model.ask(&request).next())
            .await;
        ended.is_ok()
    });
    assert!(!ended);
}

#[test]
fn usage_is_a_token_per_four_characters_and_costs_nothing() {
    let (_, last) = play(SHOP, vec![user("12345678")]).pop().unwrap();
    let Ok(Piece::End(end)) = last else {
        panic!("no end")
    };
    assert_eq!(end.usage.input_tokens, 2);
    assert_eq!(end.usage.output_tokens, 6);
    assert_eq!(end.usage.micro_dollars, 0);
}

#[test]
fn the_tools_of_a_script_can_be_listed() {
    let script = parse(SHOP).unwrap();
    let tools: Vec<_> = script.tools().collect();
    assert_eq!(tools, ["lookup_order", "request_refund", "lookup_order"]);
}

#[test]
fn a_problem_names_file_and_line_and_says_what_to_do() {
    let problem =
        problem("\n[[reply]]\nmatch = ['(']\ntext = 'a'\n\n[[reply]]\nmatch = '('\ntext = 'b'");
    assert!(problem.starts_with("bot/script.toml:7: "), "{problem}");
    assert!(problem.contains("unclosed group"), "{problem}");
    assert!(problem.contains("correct it"), "{problem}");
}

#[test]
fn mistakes_are_found_when_the_file_is_read() {
    for (body, hint) in [
        ("[[reply]]\ntext = 'a'", "[default]"),
        ("[default]\nmatch = ['a']\ntext = 'b'", "[[reply]]"),
        ("[[reply]]\nmatch = ['a']", "says and does nothing"),
        ("[[reply]]\nmatch = []\ntext = 'a'", "at least one word"),
        ("[[reply]]\nmatch = 3\ntext = 'a'", "list of words"),
        (
            "[[reply]]\nmatch = ['a']\ntext = '{b}'",
            "nothing fills {b}",
        ),
        (
            "[[reply]]\nmatch = ['a']\ntext = '{result.b}'",
            "after_tool",
        ),
        (
            "[[reply]]\nmatch = ['a']\ntext = 'oops {'",
            "double the brace",
        ),
        ("[[reply]]\nmatch = ['a']\ntext = '{message|loud}'", "upper"),
        (
            "[[reply]]\nmatch = ['a']\nwhen_result = 'none'\ntext = 'b'",
            "after_tool",
        ),
        (
            "[[reply]]\nafter_tool = 'a'\nwhen_result = 'many'\ntext = 'b'",
            "some",
        ),
        ("[[reply]]\nmatch = ['a']\ncall = 'look'", "tool ="),
        ("[[reply]]\nmatch = ['a']\nfail = 'boom'", "unavailable"),
        (
            "[[reply]]\nmatch = ['a']\nfail = 'cut'\nhang = true",
            "remove one",
        ),
        (
            "[[reply]]\nmatch = ['a']\ntext = 'b'\nchunk = 0",
            "1 or more",
        ),
        ("[[reply]]\nmatch = ['a']\ntxet = 'b'", "unknown field"),
    ] {
        let problem = problem(body);
        assert!(problem.contains(hint), "{body}\n{problem}");
        assert!(problem.starts_with("bot/script.toml:2: ") || problem.contains("unknown"));
    }
}

#[test]
fn another_format_is_refused() {
    let problem = parse("format = 2").unwrap_err().to_string();
    assert_eq!(
        problem,
        "bot/script.toml:1: this version of Confab reads `format = 1`: write that"
    );
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        body in "(format = 1\n)?(\\[\\[reply\\]\\]\n|\\[default\\]\n|(match|text|call|fail|after_tool|when_result|chunk) = ('[^'\n]{0,12}'|\\[['a-z, ]{0,8}\\]|\\{[a-z= ']{0,9}\\}|[0-9]{1,9})\n|.{0,9}\n){0,9}",
        message in ".{0,20}",
        content in ".{0,20}",
    ) {
        if let Ok(script) = parse(&body) {
            let request = ModelRequest {
                messages: vec![user(&message), result("a", &content)],
                ..ModelRequest::default()
            };
            super::replies::answer(&script, &request);
        }
    }

    #[test]
    fn no_message_or_result_makes_it_panic(message in ".{0,40}", content in ".{0,40}") {
        let script = parse(SHOP).unwrap();
        for name in ["lookup_order", "request_refund"] {
            let request = ModelRequest {
                messages: vec![user(&message), result(name, &content)],
                ..ModelRequest::default()
            };
            super::replies::answer(&script, &request);
        }
    }
}
