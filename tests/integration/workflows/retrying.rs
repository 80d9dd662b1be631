//! Runs that failed go on where they failed.

use engine::error::Kind;
use engine::run::RunStatus;
use serde_json::json;

use super::world::House;
use super::{EFFECTS, TWELVE};

#[test]
fn a_run_goes_on_from_whichever_step_failed_and_does_nothing_twice() {
    for effect in EFFECTS {
        let (_, what) = effect.split_once(' ').unwrap();
        let mut house = House::with(&[("twelve", TWELVE)]);
        house.refuse(what);
        let run = house.begin("twelve", json!({ "order": "A7" }));
        house.until_ended(&run);
        let failed = house.record(&run);
        assert_eq!(failed.status, RunStatus::Failed, "{what}: {failed:?}");
        assert!(house.effects().len() < EFFECTS.len());

        assert!(house.retry(&run).unwrap(), "{what}");
        // What the retry began survives too.
        house.cut_power();
        house.until_ended(&run);
        let record = house.record(&run);
        assert_eq!(record.status, RunStatus::Succeeded, "{what}: {record:?}");
        let outputs = json!({ "all": 3, "note": "three-4seven" });
        assert_eq!(record.outputs, Some(outputs), "{what}");
        let mut expected = EFFECTS.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(house.effects(), expected, "{what}");

        let attempts: Vec<_> = record.attempts.iter().map(|it| it.status).collect();
        assert_eq!(attempts, [RunStatus::Failed, RunStatus::Succeeded]);
        assert_eq!(record.attempts[0].error, failed.error);
        assert_eq!(record.error, None);
        let first = record.steps.iter().find(|step| step.step == "one").unwrap();
        assert_eq!(first.attempts, if what == "A7-1" { 2 } else { 1 }, "{what}");
        assert!(!house.retry(&run).unwrap(), "what succeeded is left alone");
    }
}

#[test]
fn what_nobody_knows_the_end_of_stops_a_retry_until_a_person_says_it() {
    let workflow = "outputs: {paid: '${ $steps.pay.done }'}\nsteps:\n  pay: {tool: pay, with: {what: rent}}\n  note: {tool: book, with: {what: '${ $steps.pay.done }'}}\n";
    let mut house = House::with(&[("pay", workflow)]);
    house.lose_answers(1);
    let run = house.begin("pay", json!({}));
    house.until_ended(&run);
    assert_eq!(house.record(&run).error.as_deref(), Some("Unknown"));

    assert!(house.retry(&run).unwrap());
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(record.error.as_deref(), Some("Unknown"));
    assert_eq!(record.attempts.len(), 2);

    house.settle_unknown(json!({ "done": "rent" }));
    assert!(house.retry(&run).unwrap());
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(
        record.outputs,
        Some(json!({ "paid": "rent" })),
        "{record:?}"
    );
    assert_eq!(house.effects(), ["book rent", "pay rent"]);
}

#[test]
fn a_child_that_failed_goes_on_under_the_same_run() {
    let child = "outputs: {note: '${ $steps.two.done }'}\nsteps:\n  one: {tool: charge, with: {what: one}}\n  two: {tool: charge, with: {what: two}}\n";
    let parent = "outputs: {note: '${ $steps.below.note }'}\nsteps:\n  first: {tool: charge, with: {what: first}}\n  below: {workflow: child}\n";
    let mut house = House::with(&[("child", child), ("parent", parent)]);
    house.refuse("two");
    let run = house.begin("parent", json!({}));
    house.until_ended(&run);
    assert_eq!(house.record(&run).status, RunStatus::Failed);
    assert!(house.retry(&run).unwrap());
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(record.outputs, Some(json!({ "note": "two" })), "{record:?}");
    assert_eq!(
        house.effects(),
        ["charge first", "charge one", "charge two"]
    );
}

#[test]
fn a_retry_needs_room_and_gives_it_back() {
    let workflow = "inputs: {n: integer}\nconcurrency: {limit: 1, when_full: queue}\nsteps:\n  pause: {wait: 1m}\n  do: {tool: charge, with: {what: '${ $string($inputs.n) }'}}\n";
    let mut house = House::with(&[("one", workflow)]);
    house.refuse("1");
    let first = house.begin("one", json!({ "n": 1 }));
    let second = house.begin("one", json!({ "n": 2 }));
    house.pass(70);
    assert_eq!(house.record(&first).status, RunStatus::Failed);
    let refused = house.retry(&first).unwrap_err();
    assert_eq!(refused.kind(), Kind::InboxFull, "{refused}");
    house.until_ended(&second);
    assert!(house.retry(&first).unwrap());
    let third = house.begin("one", json!({ "n": 3 }));
    house.until_ended(&first);
    assert_eq!(house.record(&first).status, RunStatus::Succeeded);
    house.until_ended(&third);
    assert_eq!(house.effects(), ["charge 1", "charge 2", "charge 3"]);
}

#[test]
fn a_run_that_was_cancelled_goes_on() {
    let workflow = "steps:\n  first: {tool: charge, with: {what: first}}\n  pause: {wait: 1m}\n  last: {tool: charge, with: {what: last}}\n";
    let mut house = House::with(&[("wait", workflow)]);
    let run = house.begin("wait", json!({}));
    house.pass(10);
    house.cancel(&run);
    assert_eq!(house.record(&run).status, RunStatus::Cancelled);
    assert!(house.retry(&run).unwrap());
    house.until_ended(&run);
    assert_eq!(house.record(&run).status, RunStatus::Succeeded);
    assert_eq!(house.effects(), ["charge first", "charge last"]);
}
