//! Events that start runs, and events that steps wait for.

use engine::bus::NewEvent;
use engine::run::{RunStatus, Started};
use serde_json::{Value, json};

use super::world::House;

const SHIPPED: &str = "
on:
  event: order.shipped
  filter: $trigger.data.country = 'PT'
  with: {order: '${ $trigger.data.order }'}
inputs: {order: string}
outputs: {order: '${ $inputs.order }'}
steps:
  tell: {tool: book, with: {what: '${ $inputs.order }'}}
";

/// Waits for the money of one order.
const AWAITING: &str = "
inputs: {order: string}
outputs: {paid: '${ $steps.late ? null : $steps.paid.data.amount }', late: '${ $steps.late }'}
steps:
  paid:
    wait: {event: order.paid, where: {order.id: '${ $inputs.order }'}}
    timeout: 1h
    catch:
      - on: [States.Timeout]
        steps:
          late: {set: true}
";

const AFTER_A_TURN: &str = "
on:
  event: turn.completed
  filter: $trigger.data.verdict = 'answered'
  with: {said: '${ $trigger.data.said }'}
inputs: {said: list}
outputs: {first: '${ $inputs.said[0].text }', all: '${ $count($inputs.said) }'}
steps:
  note: {tool: charge, with: {what: '${ $inputs.said[0].text }'}}
";

const AFTER_A_TALK: &str = "
on: {event: session.closed, with: {said: '${ $trigger.data.said.text }'}}
inputs: {said: list}
outputs: {said: '${ $inputs.said }'}
steps:
  note: {tool: book, with: {what: '${ $join($inputs.said, \"|\") }'}}
";

fn event(name: &str, id: &str, data: Value) -> NewEvent {
    NewEvent {
        name: name.to_owned(),
        id: Some(id.to_owned()),
        data,
    }
}

fn only(mut runs: Vec<Started>) -> Started {
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

#[test]
fn an_event_starts_one_run_however_often_it_is_posted() {
    let mut house = House::with(&[("shipped", SHIPPED)]);
    let there = json!({ "order": "A1", "country": "PT" });
    house.post(event("order.shipped", "e1", there.clone()));
    house.post(event("order.shipped", "e1", there.clone()));
    house.cut_power();
    house.post(event("order.shipped", "e1", there));
    house.post(event(
        "order.shipped",
        "e2",
        json!({ "order": "A2", "country": "ES" }),
    ));
    house.post(event(
        "order.lost",
        "e3",
        json!({ "order": "A3", "country": "PT" }),
    ));
    // What a filter cannot be asked of starts nothing, and hinders nobody.
    house.post(event("order.shipped", "e4", json!(null)));
    house.settle();
    let run = only(house.runs());
    house.until_ended(&run);
    let outputs = house.record(&run).outputs;
    assert_eq!(outputs, Some(json!({ "order": "A1" })));
    assert_eq!(house.effects(), ["book A1"]);
}

#[test]
fn a_step_waits_for_its_event_over_a_power_cut_and_for_no_other() {
    let mut house = House::with(&[("awaiting", AWAITING)]);
    let run = house.begin("awaiting", json!({ "order": "A1" }));
    let other = house.begin("awaiting", json!({ "order": "A2" }));
    house.settle();
    house.cut_power();
    house.post(event(
        "order.paid",
        "e1",
        json!({ "order": { "id": "A9" }, "amount": 1 }),
    ));
    house.post(event("order.paid", "e2", json!({ "amount": 2 })));
    house.settle();
    assert_eq!(house.record(&run).status, RunStatus::Running);
    house.post(event(
        "order.paid",
        "e3",
        json!({ "order": { "id": "A1" }, "amount": 30 }),
    ));
    house.post(event(
        "order.paid",
        "e4",
        json!({ "order": { "id": "A1" }, "amount": 40 }),
    ));
    house.until_ended(&run);
    let outputs = house.record(&run).outputs;
    assert_eq!(outputs, Some(json!({ "paid": 30, "late": null })));
    assert_eq!(house.record(&other).status, RunStatus::Running);
    house.pass(3600);
    house.until_ended(&other);
    let outputs = house.record(&other).outputs;
    assert_eq!(outputs, Some(json!({ "paid": null, "late": true })));
}

#[test]
fn a_turn_that_is_over_starts_one_run_whenever_the_power_is_cut() {
    let mut whole = House::with(&[("after", AFTER_A_TURN)]);
    whole.hear("lea", "m1", "The tap drips.");
    whole.settle();
    let run = only(whole.runs());
    whole.until_ended(&run);
    let outputs = json!({ "first": "The tap drips.", "all": 2 });
    assert_eq!(whole.record(&run).outputs, Some(outputs));
    for at in 0..60 {
        let mut house = House::with(&[("after", AFTER_A_TURN)]);
        house.hear("lea", "m1", "The tap drips.");
        house.step(at);
        house.cut_power();
        house.pass(400);
        let run = only(house.runs());
        house.until_ended(&run);
        assert_eq!(house.effects(), ["charge The tap drips."], "cut at {at}");
    }
}

#[test]
fn a_closed_conversation_starts_a_run_with_what_was_said_in_it() {
    let mut house = House::with(&[("after", AFTER_A_TALK)]);
    house.hear("lea", "m1", "Before.");
    house.settle();
    house.close("lea");
    house.hear("lea", "m2", "The tap drips.");
    house.settle();
    house.close("lea");
    house.close("lea");
    house.settle();
    let effects = house.effects();
    assert_eq!(
        effects,
        ["book Before.|Very well.", "book The tap drips.|Very well."]
    );
}
