use serde_json::json;

use super::*;
use crate::session::InvocationId;

fn result(status: ToolStatus) -> ToolResult {
    ToolResult {
        turn: 3,
        tool: "refund".to_owned(),
        status,
        content: json!({"unknown": "…"}),
        by: InvocationId(1),
        at: Time(1000),
        millis: 5,
        settled: None,
    }
}

fn call(undoes: Option<&str>) -> PlannedCall {
    PlannedCall {
        id: "1".to_owned(),
        tool: "refund".to_owned(),
        arguments: json!({"order": "A1"}),
        intent: "refund#3#00".to_owned(),
        approval: None,
        undoes: undoes.map(str::to_owned),
        tainted: false,
    }
}

fn of(undoes: Option<&str>, status: ToolStatus) -> Option<Unknown> {
    let session: SessionKey = "local/shop/web:ada".parse().unwrap();
    Unknown::of(&session, &call(undoes), &result(status))
}

fn said(truth: Truth, by: &str) -> Settled {
    Settled {
        truth,
        by: by.to_owned(),
        at: Time(2000),
    }
}

#[test]
fn what_nobody_saw_and_undoing_that_did_not_work_is_listed() {
    let kind = |undoes, status| of(undoes, status).map(|unknown| unknown.kind);
    let undo = Some("book#3#00");
    assert_eq!(kind(None, ToolStatus::Unknown), Some(UnknownKind::Effect));
    assert_eq!(kind(None, ToolStatus::Failed), None);
    assert_eq!(kind(undo, ToolStatus::Failed), Some(UnknownKind::Undo));
    assert_eq!(kind(undo, ToolStatus::Unknown), Some(UnknownKind::Undo));
    assert_eq!(kind(undo, ToolStatus::Succeeded), None);
}

#[test]
fn the_first_word_stands_and_is_told_to_who_says_otherwise() {
    let open = of(None, ToolStatus::Unknown).unwrap();
    let happened = Truth::Happened {
        result: json!({"id": 7}),
    };
    let first = said(happened.clone(), "vera");
    let (amendment, settling) = decide(Some(open), &first);
    let Amendment::Save {
        body,
        expires: Some(_),
    } = amendment
    else {
        panic!("it is written down, for a while");
    };
    assert_eq!(settling, Some(Settling::Done(body.clone())));
    // A save that seemed lost, or a request that was sent twice.
    let (amendment, settling) = decide(Some(body.clone()), &said(happened, "tom"));
    assert!(matches!(amendment, Amendment::Keep));
    assert_eq!(settling, Some(Settling::Done(body.clone())));
    for other in [
        Truth::DidNot,
        Truth::Happened {
            result: json!({"id": 8}),
        },
    ] {
        let (amendment, settling) = decide(Some(body.clone()), &said(other, "tom"));
        assert!(matches!(amendment, Amendment::Keep));
        let Some(Settling::Contrary(unknown)) = settling else {
            panic!("{settling:?}");
        };
        assert_eq!(unknown.settled, Some(first.clone()));
    }
    assert_eq!(decide(None, &first).1, None);
}

#[test]
fn what_is_settled_counts_in_place_of_what_was_seen() {
    let mut result = result(ToolStatus::Unknown);
    assert!(!result.did_not_happen() && result.happened().is_none());
    result.settled = Some(said(Truth::DidNot, "vera"));
    assert!(result.did_not_happen() && result.happened().is_none());
    let answer = json!({"id": 7});
    result.settled = Some(said(
        Truth::Happened {
            result: answer.clone(),
        },
        "vera",
    ));
    assert!(!result.did_not_happen());
    assert_eq!(result.happened(), Some(&answer));
}

#[test]
fn nobody_says_what_came_of_a_call_that_is_being_made() {
    let begun = Time(1000);
    let under_way = ToolResult::under_way(&call(None), 3, InvocationId(1), begun);
    assert!(is_being_made(&under_way, begun));
    assert!(!is_being_made(&under_way, begun.plus(LONGEST)));
    assert!(!is_being_made(&result(ToolStatus::Unknown), begun));
}
