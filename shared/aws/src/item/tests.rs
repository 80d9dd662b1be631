use serde_json::{Value, json};

use super::{CONTINUES_COMMON, pack, size, unpack};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

/// A plain turn: 400 bytes are said, 900 answered.
fn turn() -> Value {
    let asked = "I ordered the blue rain jacket in size M eight days ago and it still has not arrived. The tracking \
        page keeps saying that the parcel has left the depot in Kassel. Could you check whether the courier lost it, \
        or whether it was sent to my old address? We are leaving for the Dolomites on Friday morning, so I am getting \
        a little nervous. If it can't be here by Thursday evening, I'd rather have my money back.";
    let answered = "Thank you for your patience, and sorry that this is taking so much longer than promised. The order \
        left our warehouse on Tuesday and was handed to the carrier the same afternoon. According to them it missed \
        a connection in Frankfurt because of the strike. It is now planned for delivery tomorrow between 10 and 14 h. \
        You will get a text message with a narrower window as soon as the van is loaded. Should nobody be at home, the \
        driver leaves it at the pick-up point in Gartenstrasse 12. If that is too late for your trip, I can cancel the \
        shipment and refund 89.95 euros today; that usually shows up on a credit card within three to five working \
        days. Alternatively our shop in Innsbruck has two jackets of that size on the shelf. I could have one put aside \
        under your name; they are open until half past six. Let me know which of the two you prefer.";
    json!({
        "turn": 12, "plan": "fc6b7c22ea147184", "follows": { "turn": 11, "plan": "040d60b210b840ff" },
        "round": 0, "fence": 11, "from": 12, "upto": 12,
        "messages": [{
            "id": "1c8d9775-2309-4fe9-8964-8bf5e013e1f5", "text": asked, "at": "2026-11-21T05:57:28.836Z",
        }],
        "decision": { "kind": "reply", "text": answered },
        "bot": "f2208680d3a66f82", "soul": "a08ffac27e8a6504",
        "model_calls": [{
            "model": "openai/gpt-4.1-mini", "at": "2026-11-21T05:57:29.055Z", "millis": 2020,
            "usage": { "input_tokens": 1149, "cached_tokens": 0, "output_tokens": 180, "micro_dollars": 748 },
        }],
        "at": "2026-11-21T05:57:29.055Z", "millis": 2021,
    })
}

#[test]
fn a_plain_turn_fits_one_write_unit() {
    let body = pack(&turn()).unwrap();
    // Its key and the names of its attributes come to about 90 bytes.
    assert!(size(&body) <= 1024 - 90, "{}", size(&body));
    assert_eq!(unpack::<Value>(&body), Ok(turn()));
}

#[test]
fn a_short_record_stays_readable() {
    let body = pack(&json!({ "turn": 1 })).unwrap();
    assert_eq!(body, AttributeValue::S("{\"turn\":1}".to_owned()));
}

#[test]
fn a_body_that_was_cut_or_is_of_another_kind_is_refused() {
    let AttributeValue::B(body) = pack(&turn()).unwrap() else {
        panic!("it was not deflated");
    };
    let body = body.into_inner();
    for wrong in [
        &[][..],
        &[CONTINUES_COMMON],
        &body[..body.len() / 2],
        &body[1..],
    ] {
        let value = AttributeValue::B(Blob::new(wrong));
        assert!(unpack::<Value>(&value).is_err(), "{} bytes", wrong.len());
    }
}
