use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::{
    Answer, Approval, Approver, ChatAnswer, Command, Envelope, GOOD_FOR, Moot, Refusal, State,
};
use crate::bot::Risk;
use crate::message::Channel;
use crate::runtime::Time;
use crate::session::SessionKey;

const HOUR: u64 = 3600;
const PEOPLE: [(&str, &str); 4] = [
    ("ana", "manager"),
    ("ben", "manager"),
    ("cleo", "manager"),
    ("dan", "clerk"),
];

fn session() -> SessionKey {
    SessionKey::new("local", "shop", Channel::Web, "lea").unwrap()
}

fn approval(needed: u32, requester: Option<&str>) -> Approval {
    let envelope = Envelope {
        intent: "Refunds an order.".to_owned(),
        tool_name: "refund".to_owned(),
        inputs: json!({ "order": "A1", "amount": 80 }),
        expected_output: None,
        risk_level: Risk::High,
        pii_fields: Vec::new(),
        rollback_plan: None,
        audit_hash: String::new(),
    };
    let audit_hash = envelope.hash(&session());
    Approval {
        id: "a".to_owned(),
        session: session(),
        envelope: Envelope {
            audit_hash,
            ..envelope
        },
        requested_at: Time(0),
        expires_at: Time(0).plus(Duration::from_secs(24 * HOUR)),
        role: "manager".to_owned(),
        needed,
        requester: requester.map(str::to_owned),
        decisions: Vec::new(),
        state: State::Pending,
        token: None,
        tells: None,
    }
}

/// One thing that somebody does.
#[derive(Clone, Debug)]
enum Act {
    Pass(u64),
    Say(usize, Answer),
    Expire,
    Withdraw,
    Use {
        amount: u32,
        tool: &'static str,
        intent: &'static str,
        turn: u64,
    },
}

fn acts() -> impl Strategy<Value = Act> {
    let answer = prop_oneof![3 => Just(Answer::Yes), 1 => Just(Answer::No)];
    prop_oneof![
        2 => (0..14 * HOUR / 2).prop_map(Act::Pass),
        5 => (0..PEOPLE.len(), answer).prop_map(|(who, answer)| Act::Say(who, answer)),
        1 => Just(Act::Expire),
        1 => Just(Act::Withdraw),
        5 => (
            prop_oneof![4 => Just(80), 1 => Just(81)],
            prop_oneof![6 => Just("refund"), 1 => Just("pay")],
            prop_oneof![Just("one"), Just("two")],
            1..3u64,
        )
            .prop_map(|(amount, tool, intent, turn)| Act::Use { amount, tool, intent, turn }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_yes_is_used_once_by_whom_it_was_given_for(
        needed in 1..3u32,
        requester in prop_oneof![Just(None), Just(Some("ana"))],
        acts in proptest::collection::vec(acts(), 0..24),
    ) {
        let mut approval = approval(needed, requester);
        let mut now = Time(0);
        let mut yes = BTreeSet::new();
        let mut said_no = false;
        let mut granted = None;
        let mut ended = false;
        let mut moot = false;
        let mut user = None;
        for act in acts {
            let before = approval.clone();
            match act {
                Act::Pass(seconds) => now = now.plus(Duration::from_secs(seconds)),
                Act::Expire => {
                    let expired = approval.apply(&Command::Expire, now);
                    let open = granted.is_none() && !said_no && !moot;
                    prop_assert_eq!(expired.is_ok(), open);
                    ended |= open;
                }
                Act::Withdraw => {
                    let withdrawn = approval.apply(&Command::Withdraw { why: Moot::Closed }, now);
                    let open = !said_no && !ended && user.is_none();
                    prop_assert_eq!(withdrawn.is_ok(), open);
                    moot |= open;
                }
                Act::Say(who, answer) => {
                    let (person, role) = PEOPLE[who];
                    let roles = BTreeSet::from([role.to_owned()]);
                    let by = Approver { person, roles: &roles };
                    let command = Command::Decide { by, answer, reason: None };
                    let told = approval.apply(&command, now);
                    prop_assert!(role == "manager" || told == Err(Refusal::NotAllowed));
                    let own = needed == 2 && requester == Some(person) && answer == Answer::Yes;
                    prop_assert!(!own || told.is_err());
                    prop_assert!(!moot || role != "manager" || told == Err(Refusal::Withdrawn));
                    if told.is_ok() && approval != before {
                        prop_assert!(now < approval.expires_at && !ended && !said_no && !moot && granted.is_none());
                        match answer {
                            Answer::Yes => {
                                prop_assert!(yes.insert(person));
                                if yes.len() == needed as usize {
                                    granted = Some(now);
                                }
                            }
                            Answer::No => said_no = true,
                        }
                        // Said again, it is the same answer and changes nothing.
                        let after = approval.clone();
                        prop_assert_eq!(approval.apply(&command, now), Ok(()));
                        prop_assert_eq!(&approval, &after);
                    }
                }
                Act::Use { amount, tool, intent, turn } => {
                    let arguments = json!({ "amount": amount, "order": "A1" });
                    let command = Command::Consume { tool, arguments: &arguments, intent, turn };
                    let used = approval.apply(&command, now).is_ok();
                    let fits = amount == 80 && tool == "refund";
                    let fresh = granted.is_some_and(|at: Time| now < at.plus(GOOD_FOR));
                    let may = fits && match user {
                        Some(user) => user == (intent, turn),
                        None => fresh && !moot,
                    };
                    prop_assert_eq!(used, may);
                    if used {
                        user = Some((intent, turn));
                    }
                }
            }
            let pending = granted.is_none() && !said_no && !ended && !moot;
            prop_assert_eq!(approval.state == State::Pending, pending);
            // A document that was stored and read is the same.
            let stored = serde_json::to_value(&approval).unwrap();
            prop_assert_eq!(&serde_json::from_value::<Approval>(stored).unwrap(), &approval);
        }
    }
}

#[test]
fn the_order_and_the_spacing_of_arguments_do_not_matter_and_their_values_do() {
    let asked = approval(1, None);
    let allows = |arguments| asked.envelope.allows(&session(), "refund", &arguments);
    assert!(allows(json!({ "amount": 80, "order": "A1" })));
    assert!(allows(json!({ "amount": 80.0, "order": "A1" })));
    assert!(!allows(json!({ "amount": 80.5, "order": "A1" })));
    assert!(!allows(json!({ "amount": 80, "order": "A1", "note": "" })));
    assert!(!allows(json!({ "amount": "80", "order": "A1" })));
    let elsewhere = SessionKey::new("local", "shop", Channel::Web, "tim").unwrap();
    assert!(
        !asked
            .envelope
            .allows(&elsewhere, "refund", &asked.envelope.inputs)
    );
}

#[test]
fn a_question_is_named_by_session_turn_tool_and_arguments() {
    let id = |turn, tool, arguments| Approval::id_of(&session(), turn, tool, &arguments);
    let one = id(1, "refund", json!({ "a": 1, "b": 2 }));
    assert_eq!(one, id(1, "refund", json!({ "b": 2, "a": 1 })));
    assert_ne!(one, id(2, "refund", json!({ "a": 1, "b": 2 })));
    assert_ne!(one, id(1, "pay", json!({ "a": 1, "b": 2 })));
    assert_ne!(one, id(1, "refund", json!({ "a": 1, "b": 3 })));
}

#[test]
fn a_reply_with_four_digits_is_read_as_an_answer_and_other_words_are_not() {
    let read =
        |text| ChatAnswer::read(text).map(|read| (read.answer, read.code.to_owned(), read.reason));
    assert_eq!(
        read("yes 4821"),
        Some((Answer::Yes, "4821".to_owned(), None))
    );
    assert_eq!(
        read(" No  4821 too much "),
        Some((Answer::No, "4821".to_owned(), Some("too much")))
    );
    for other in [
        "yes",
        "yes please",
        "4821",
        "yes 48211",
        "no problem 4821",
        "yes 4a21",
    ] {
        assert_eq!(read(other), None, "{other}");
    }
}
