use futures::executor::block_on;
use http::HeaderValue;
use serde_json::Value;

use super::*;

fn code(headers: &HeaderMap, body: Vec<u8>) -> &'static str {
    let read = block_on(read_json::<Value>(headers, body));
    read.map_or_else(|problem| problem.code(), |_| "read")
}

#[test]
fn a_body_that_is_there_already_is_bounded_like_one_on_its_way() {
    let headers = HeaderMap::new();
    let string = |length: usize| format!("\"{}\"", "x".repeat(length - 2)).into_bytes();
    assert_eq!(code(&headers, string(MAX_JSON)), "read");
    assert_eq!(code(&headers, string(MAX_JSON + 1)), "body_too_large");
    let declared =
        HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from(MAX_JSON + 1))]);
    assert_eq!(code(&declared, string(10)), "body_too_large");
}

#[test]
fn a_body_is_json_unless_it_is_said_to_be_something_else() {
    for (kind, expected) in [
        ("application/json", "read"),
        ("Application/JSON; charset=utf-8", "read"),
        ("text/json", "not_json"),
        ("", "not_json"),
    ] {
        let value = HeaderValue::from_static(kind);
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value)]);
        assert_eq!(code(&headers, b"{}".to_vec()), expected, "{kind}");
    }
}
