//! Workflows on the whole local host: crashes at every step, people, schedules, room.

mod events;
mod retrying;
mod values;
mod world;

use engine::run::{Begun, RunStatus, StepStatus};
use serde_json::json;
use world::House;

/// Twelve steps, ten of which have effects: in a row, beside each other, item by item.
const TWELVE: &str = "
inputs: {order: string}
outputs: {all: '${ $count($steps.lines) }', note: '${ $steps.note }'}
steps:
  one: {tool: charge, with: {what: '${ $inputs.order & \"-1\" }'}}
  two: {tool: book, with: {what: two}}
  both:
    parallel:
      left:
        three: {tool: charge, with: {what: three}}
        four: {tool: charge, with: {what: '${ $steps.three.done & \"-4\" }'}}
      right:
        five: {tool: book, with: {what: five}}
  lines:
    each: '[1, 2, 3]'
    as: line
    at_once: 2
    steps:
      six: {tool: charge, with: {what: '${ \"line-\" & $line }'}}
  pause: {wait: 5s}
  poll:
    repeat:
      look: {tool: look, with: {what: sky}}
    until: $round = 2
    at_most: 3
  seven: {tool: charge, with: {what: seven}}
  note: {set: '${ $steps.both.four.done & $steps.seven.done }'}
";

/// What the house is asked to do by [`TWELVE`], once each.
const EFFECTS: [&str; 9] = [
    "charge A7-1",
    "book two",
    "charge three",
    "charge three-4",
    "book five",
    "charge line-1",
    "charge line-2",
    "charge line-3",
    "charge seven",
];

#[test]
fn a_run_completes_once_whatever_step_the_power_is_cut_at() {
    let mut whole = House::with(&[("twelve", TWELVE)]);
    let run = whole.begin("twelve", json!({ "order": "A7" }));
    let steps = whole.steps_until_ended(&run);
    let record = whole.record(&run);
    assert_eq!(record.status, RunStatus::Succeeded, "{record:?}");
    assert_eq!(
        record.outputs,
        Some(json!({ "all": 3, "note": "three-4seven" }))
    );
    let mut expected = EFFECTS.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(whole.effects(), expected);

    let mut cuts = 0;
    for at in (0..steps).step_by(2) {
        let mut house = House::with(&[("twelve", TWELVE)]);
        let run = house.begin("twelve", json!({ "order": "A7" }));
        house.step(at);
        house.cut_power();
        house.until_ended(&run);
        let record = house.record(&run);
        assert_eq!(
            record.status,
            RunStatus::Succeeded,
            "cut at {at}: {record:?}"
        );
        assert_eq!(
            record.outputs,
            Some(json!({ "all": 3, "note": "three-4seven" })),
            "cut at {at}"
        );
        assert_eq!(house.effects(), expected, "cut at {at}");
        cuts += 1;
    }
    assert!(cuts >= 80, "{cuts} cuts at {steps} steps");
}

#[test]
fn an_effect_that_nobody_saw_is_unknown_and_listed_and_a_persons_word_lets_the_run_be_tried_again()
{
    let workflow = "steps:\n  pay: {tool: pay, with: {what: rent}, catch: {on: Unknown, gives: nobody knows}}\noutputs: {paid: '${ $steps.pay }'}\n";
    let mut house = House::with(&[("pay", workflow)]);
    house.lose_answers(1);
    let run = house.begin("pay", json!({}));
    house.until_ended(&run);
    assert_eq!(
        house.record(&run).outputs,
        Some(json!({ "paid": "nobody knows" }))
    );
    assert_eq!(house.effects(), ["pay rent"]);
    assert_eq!(house.unknown(), ["pay"]);
}

#[test]
fn a_person_is_asked_and_a_no_ends_the_run_unless_it_is_caught() {
    let workflow = "
steps:
  open: {approve: 'Shall I open the door?', role: parent, expires: 1h, details: {door: front}}
  unlock: {tool: charge, with: {what: '${ \"door by \" & $steps.open.by }'}}
";
    let mut house = House::with(&[("door", workflow)]);
    let run = house.begin("door", json!({}));
    house.settle();
    assert_eq!(house.record(&run).steps[0].status, StepStatus::Waiting);
    assert!(
        house.heard("mum").starts_with("Shall I open the door?"),
        "{}",
        house.heard("mum")
    );
    house.cut_power();
    house.decide("mum", "yes", "");
    house.until_ended(&run);
    assert_eq!(house.effects(), ["charge door by mum"]);

    let run = house.begin("door", json!({}));
    house.settle();
    house.decide("mum", "no", " not now");
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(
        (record.status, record.error.as_deref()),
        (RunStatus::Failed, Some("Denied"))
    );
    assert_eq!(record.cause.as_deref(), Some("mum said no: not now"));

    let run = house.begin("door", json!({}));
    house.pass(3700);
    house.until_ended(&run);
    assert_eq!(
        house.record(&run).cause.as_deref(),
        Some("nobody said yes in time")
    );
    assert_eq!(house.effects().len(), 1);
}

#[test]
fn a_tool_that_needs_a_yes_needs_it_in_a_workflow_for_exactly_its_arguments() {
    let workflow = "inputs: {amount: number}\nsteps:\n  refund: {tool: refund, with: {what: A7, amount: '${ $inputs.amount }'}}\n";
    let mut house = House::with(&[("refund", workflow)]);
    let small = house.begin("refund", json!({ "amount": 10 }));
    house.until_ended(&small);
    assert_eq!(house.record(&small).status, RunStatus::Succeeded);
    let large = house.begin("refund", json!({ "amount": 500 }));
    house.settle();
    assert_eq!(house.effects(), ["refund A7"]);
    house.decide("mum", "yes", "");
    house.until_ended(&large);
    assert_eq!(house.record(&large).status, RunStatus::Succeeded);
    assert_eq!(house.effects(), ["refund A7", "refund A7"]);
}

#[test]
fn the_model_is_asked_again_until_its_answer_has_the_form() {
    let workflow = "outputs: {mood: '${ $steps.judge.mood }'}\nsteps:\n  judge: {ask: 'How is it?', answer: {mood: [good, bad]}}\n";
    let mut house = House::with(&[("judge", workflow)]);
    let run = house.begin("judge", json!({}));
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(
        record.outputs,
        Some(json!({ "mood": "good" })),
        "{record:?}"
    );
    assert_eq!(record.micro_dollars, 20, "both answers are paid for");
    house.cut_power();
    let listed = house.summary(&run);
    assert_eq!(
        (listed.micro_dollars, listed.ended, listed.status),
        (20, record.ended, RunStatus::Succeeded)
    );
}

#[test]
fn no_more_run_at_once_than_there_is_room_for() {
    let workflow = |when_full: &str| {
        format!(
            "inputs: {{n: integer}}\nconcurrency: {{limit: 1, when_full: {when_full}}}\nsteps:\n  pause: {{wait: 1m}}\n  do: {{tool: charge, with: {{what: '${{ $string($inputs.n) }}'}}}}\n"
        )
    };
    let (queue, skip, replace) = (workflow("queue"), workflow("skip"), workflow("replace"));
    let mut house = House::with(&[("queue", &queue), ("skip", &skip), ("replace", &replace)]);
    let queued: Vec<_> = (1..=3)
        .map(|n| house.begin("queue", json!({ "n": n })))
        .collect();
    assert_eq!(queued[2].state, Begun::Queued);
    house.pass(90);
    // A power cut while one runs and one waits.
    house.cut_power();
    house.pass(200);
    assert_eq!(house.effects(), ["charge 1", "charge 2", "charge 3"]);

    let skipped: Vec<_> = (1..=2)
        .map(|n| house.begin("skip", json!({ "n": n })))
        .collect();
    assert_eq!(skipped[1].state, Begun::Skipped);
    let first = house.begin("replace", json!({ "n": 8 }));
    house.begin("replace", json!({ "n": 9 }));
    house.pass(200);
    assert_eq!(house.record(&first).status, RunStatus::Cancelled);
    assert_eq!(
        house.effects(),
        ["charge 1", "charge 1", "charge 2", "charge 3", "charge 9"]
    );
}

#[test]
fn a_schedule_runs_once_for_every_time_whatever_happens_to_the_host() {
    let workflow = |missed: &str| {
        format!(
            "on: {{schedule: '*/10 * * * *', timezone: Europe/Lisbon, missed: {missed}, with: {{at: '${{ $trigger.at }}'}}}}\ninputs: {{at: string}}\nsteps:\n  do: {{tool: charge, with: {{what: '${{ $inputs.at }}'}}}}\n"
        )
    };
    for (missed, runs) in [("once", 4), ("all", 8), ("skip", 3)] {
        let workflow = workflow(missed);
        let mut house = House::with(&[("brief", &workflow)]);
        house.pass(1900);
        assert_eq!(house.effects().len(), 3, "{missed}");
        house.cut_power_for(3000);
        assert_eq!(
            house.effects().len(),
            runs,
            "{missed}: {:?}",
            house.effects()
        );
        let mut once = house.effects();
        once.dedup();
        assert_eq!(once.len(), runs, "{missed}");
    }
}

#[test]
fn ten_thousand_schedules_of_one_minute_all_start_within_it() {
    let workflow = "on:\n".to_owned()
        + &"  - {schedule: '0 7 * * *', jitter: 30s}\n".repeat(50)
        + "steps:\n  do: {set: 1}\n";
    let names: Vec<String> = (0..200).map(|n| format!("w{n}")).collect();
    let workflows: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), workflow.as_str()))
        .collect();
    let mut house = House::with(&workflows);
    house.until_clock("07:01:00");
    let started = house.runs();
    assert_eq!(started.len(), 10_000);
    let late = started
        .iter()
        .filter(|run| house.is_after(run.at, "07:01:00"))
        .count();
    assert_eq!(late, 0);
}
