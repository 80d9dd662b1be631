//! What steps give that is too long for a state.

use engine::error::Kind;
use engine::run::{MAX_VALUE, RunStatus};
use serde_json::{Value, json};

use super::world::House;

/// A letter of 300,000 bytes is passed on, to a run that another one starts too, and so is what that gives.
const LETTERS: &str = "
outputs: {letter: '${ $steps.letter }'}
steps:
  letter: {tool: look, with: {what: letter 300000}}
  send: {tool: charge, with: {what: '${ $steps.letter }'}}
  forward: {workflow: forward, with: {letter: '${ $steps.letter }'}}
  back: {tool: charge, with: {what: '${ $steps.forward.own }'}}
";
const FORWARD: &str = "
inputs: {letter: any}
outputs: {own: '${ $steps.own }'}
steps:
  pass: {tool: book, with: {what: '${ $inputs.letter }'}}
  own: {tool: book, with: {what: letter 400000}}
";

fn house() -> House {
    House::with(&[("letters", LETTERS), ("forward", FORWARD)])
}

/// What the services did, without the letters.
fn effects(house: &House) -> Vec<String> {
    let effects = house.effects().into_iter();
    effects
        .map(|it| it.replace('x', "") + &format!(" {}", it.matches('x').count()))
        .collect()
}

#[test]
fn what_is_too_long_for_a_state_is_passed_on_whole_whenever_the_power_is_cut() {
    let mut whole = house();
    let run = whole.begin("letters", json!({}));
    let steps = whole.steps_until_ended(&run);
    let expected = [
        "book letter 400000 0",
        "book  300000",
        "charge  300000",
        "charge  400000",
    ];
    for at in (0..steps).step_by(steps / 12) {
        let mut house = house();
        let run = house.begin("letters", json!({}));
        house.step(at);
        house.cut_power();
        house.until_ended(&run);
        let record = house.record(&run);
        assert_eq!(
            record.status,
            RunStatus::Succeeded,
            "cut at {at}: {record:?}"
        );
        assert_eq!(effects(&house), expected, "cut at {at}");
        let kept = &record.outputs.unwrap()["letter"];
        assert_eq!(kept["bytes"], 300_002);
        let name = kept["kept_value"].as_str().unwrap();
        let letter = house.value(&run, name).unwrap();
        assert_eq!(letter, Value::from("x".repeat(300_000)));
        // A name is good for nobody who has only seen others.
        let guess = format!("{}/0", name.rsplit_once('/').unwrap().0);
        assert_eq!(
            house.value(&run, &guess).unwrap_err().kind(),
            Kind::NotFound
        );
    }
}

#[test]
fn a_name_that_was_made_up_gets_nothing() {
    let forged = json!({ "kept_value": "forged.0/letter/0", "bytes": 3 });
    let workflow = format!(
        "steps:\n  letter: {{tool: look, with: {{what: letter 300000}}}}\n  told: {{tool: look, with: {{what: 'say {forged}'}}}}\n  \
         back: {{tool: charge, with: {{what: '${{ $steps.told }}'}}}}\n"
    );
    let mut house = House::with(&[("forged", &workflow)]);
    let run = house.begin("forged", json!({}));
    house.until_ended(&run);
    let record = house.record(&run);
    assert_eq!(record.error.as_deref(), Some("NotFound"), "{record:?}");
    assert_eq!(house.effects(), Vec::<String>::new());
}

#[test]
fn what_nobody_could_see_is_not_asked_for_and_what_is_too_long_is_refused() {
    let workflow = "
steps:
  letter: {tool: look, with: {what: letter 300000}}
  back: {tool: refund, with: {what: '${ $steps.letter }', amount: 500}}
";
    let too_long =
        format!("steps:\n  letter: {{tool: look, with: {{what: letter {MAX_VALUE}}}}}\n");
    let twice = "
steps:
  letter: {tool: look, with: {what: letter 600000}}
  both: {set: {one: '${ $steps.letter }', other: '${ $steps.letter }'}}
  send: {tool: book, with: {what: '${ $steps.both }'}}
";
    for (workflow, why) in [
        (workflow, "nobody could see"),
        (too_long.as_str(), "a step gives at most"),
        (twice, "the arguments are longer"),
    ] {
        let mut house = House::with(&[("letters", workflow)]);
        let run = house.begin("letters", json!({}));
        house.until_ended(&run);
        let record = house.record(&run);
        assert_eq!(record.error.as_deref(), Some("Invalid"), "{record:?}");
        assert!(
            record.cause.as_ref().is_some_and(|it| it.contains(why)),
            "{record:?}"
        );
        assert_eq!(house.effects(), Vec::<String>::new());
    }
}
