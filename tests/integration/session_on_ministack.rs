//! The session machine against its own statement as `DynamoDB` expressions.

#![expect(clippy::expect_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeMap;

use aws::Store;
use engine::message::Channel;
use engine::runtime::Time;
use engine::session::{
    Applied, Chain, Claim, Command, Consent, Hold, Intended, InvocationId, Next, Origin, OwnerId,
    Pending, PlanId, Refusal, Rotate, Session, SessionKey, Sessions, Step, Terms,
};
use engine::transcript::{ToolResult, ToolResults, ToolStatus};
use futures::future::join_all;
use ground::tokio_runtime;
use serde_json::json;

use crate::ministack::MiniStack;
use crate::results::a_call_that_was_taken_up_ends_as_its_last_caller_says;

#[path = "../../shared/engine/src/session/tests/adversary.rs"]
mod adversary;
#[path = "../../shared/engine/src/session/tests/dice.rs"]
mod dice;

use adversary::Adversary;

const TABLE: &str = "sessions";
const BUCKET: &str = "bodies";
const SEEDS: u64 = 40;
const COMMANDS: usize = 80;

fn key(name: &str) -> SessionKey {
    SessionKey::new("local", "shop", Channel::Web, name).expect("a key")
}

fn store(ministack: &MiniStack) -> Store {
    let cloud = ministack.cloud();
    let bodies = cloud.bodies(BUCKET);
    Store::new(cloud.dynamodb(), TABLE.to_owned(), bodies, tokio_runtime())
}

pub(crate) fn create_table(ministack: &MiniStack, name: &str) {
    let (status, answer) = ministack.dynamodb(
        "CreateTable",
        &json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        }),
    );
    assert_eq!(status, 200, "{answer}");
}

/// The session after the command, or the refusal and the session as it was.
type Answer = (Result<(), Refusal>, Session);

async fn on_ministack(store: &Store, name: &str, command: &Command) -> Answer {
    match store
        .apply(&key(name), command.clone())
        .await
        .expect("an answer")
    {
        Applied::Done(session) => (Ok(()), sorted(Session::clone(&session))),
        Applied::Refused(refusal, session) => (Err(refusal), sorted(Session::clone(&session))),
    }
}

/// A set has no order.
fn sorted(mut session: Session) -> Session {
    session.seen.sort();
    session.seen_old.sort();
    session
}

fn on_machine(session: &mut Session, command: &Command) -> Answer {
    let answer = session.apply(command);
    (answer, sorted(session.clone()))
}

#[tokio::test]
async fn a_long_text_waits_in_the_bucket() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    create_table(&ministack, TABLE);
    ministack.create_bucket(BUCKET);
    let key = key("long");
    let text = "Where is my order? ".repeat(500);
    let accept = Command::Accept {
        message: Pending {
            id: "m1".to_owned(),
            text: text.clone(),
            at: Time(1),
            origin: Origin::Contact,
        },
        owner: OwnerId(7),
        until: Time(60_000),
        inbox_limit: 8,
    };
    let accepted = store(&ministack).apply(&key, accept).await;
    assert!(matches!(accepted.expect("an answer"), Applied::Done(_)));
    let session = store(&ministack).load(&key).await.expect("a session");
    assert_eq!(session.inbox[0].text, text);
}

#[tokio::test]
async fn who_comes_too_late_with_a_result_replaces_nothing() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    create_table(&ministack, TABLE);
    ministack.create_bucket(BUCKET);
    let (store, key) = (store(&ministack), key("late"));
    // Numbers that no compression makes short enough for an item.
    let said = |seed: u64| -> Vec<u64> {
        let numbers =
            (1..60_000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ seed));
        numbers.collect()
    };
    let result = |seed| ToolResult {
        turn: 0,
        tool: "look".to_owned(),
        status: ToolStatus::Succeeded,
        content: json!(said(seed)),
        by: InvocationId(seed),
        at: Time(1),
        millis: 0,
        settled: None,
    };
    a_call_that_was_taken_up_ends_as_its_last_caller_says(&store, &key).await;
    for seed in [1, 2] {
        let standing = store.record(&key, "look#1", result(seed)).await;
        assert_eq!(standing.expect("a result"), result(1));
    }
    let read = store.result(&key, "look#1").await;
    assert_eq!(read.expect("an answer"), Some(result(1)));
}

#[tokio::test]
async fn every_expression_agrees_with_the_machine() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    create_table(&ministack, TABLE);
    let store = store(&ministack);
    let mut happened: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let name = format!("session-{seed}");
        let mut adversary = Adversary::new(seed);
        let mut session = Session::default();
        for step in 0..COMMANDS {
            let command = adversary.command(&session);
            let stored = on_ministack(&store, &name, &command).await;
            let pure = on_machine(&mut session, &command);
            assert_eq!(stored, pure, "seed {seed}, step {step}: {command:?}");
            let what = match pure.0 {
                Ok(()) => variant(&command),
                Err(refusal) => variant(&refusal),
            };
            *happened.entry(what).or_default() += 1;
        }
    }
    println!("{happened:?}");
    assert_eq!(
        happened.len(),
        12 + 19,
        "a command or a refusal never happened"
    );
}

/// The name of an enum's variant, as it prints.
fn variant(value: &impl std::fmt::Debug) -> String {
    let mut name = format!("{value:?}");
    name.truncate(name.find([' ', '(']).unwrap_or(name.len()));
    name
}

#[tokio::test]
async fn of_sixty_four_messages_at_once_one_owns_the_session_and_all_wait() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    create_table(&ministack, TABLE);
    let store = store(&ministack);
    let racers = (0..64).map(|racer| {
        let store = &store;
        async move {
            let (answer, session) = on_ministack(store, "raced", &message(racer)).await;
            assert_eq!(answer, Ok(()));
            session.owner == Some(OwnerId(racer))
        }
    });
    let owners = join_all(racers).await;
    assert_eq!(owners.into_iter().filter(|owner| *owner).count(), 1);
    let (again, session) = on_ministack(&store, "raced", &message(0)).await;
    assert_eq!(again, Err(Refusal::Seen));
    assert_eq!((session.arrivals, session.inbox.len()), (64, 64));
}

fn message(number: u64) -> Command {
    Command::Accept {
        message: Pending {
            id: format!("m{number}"),
            text: String::new(),
            at: Time(1),
            origin: Origin::Contact,
        },
        owner: OwnerId(number),
        until: Time(10),
        inbox_limit: 100,
    }
}
