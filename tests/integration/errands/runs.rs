//! A bot starts a workflow: once a call, and it says why when there is none.

use engine::run::Begun;
use serde_json::json;

use super::world::Household;

const PLEASE: &str = "Unlock the front door for the plumber.";

#[test]
fn a_bot_starts_a_workflow_with_what_it_was_told_and_says_so() {
    let mut house = Household::open();
    house.deliver("lea", "m1", PLEASE);
    house.deliver("lea", "m1", PLEASE);
    house.pass(20);
    let told = house.heard("lea");
    assert!(told.contains("asked whether the plumber may"), "{told}");
    let asked = house.heard("mum");
    let question = "unlock the front door for the plumber, for 5 minutes";
    assert!(asked.contains(question), "{asked}");
    let started = house.runs();
    let [run] = started.as_slice() else {
        panic!("not one run: {started:?}");
    };
    let trigger = json!({
        "type": "tool", "tool": "open_door", "session": "local/household/web:lea", "turn": 1,
    });
    assert_eq!(run.trigger, trigger);
    assert_eq!(run.inputs, json!({ "who": "the plumber" }));

    // There is room for one.
    let told = house.say("lea", "Unlock the front door for the piano tuner.");
    assert!(
        told.contains("did not work") && told.contains("under way"),
        "{told}"
    );
    let states: Vec<Begun> = house.runs().into_iter().map(|run| run.state).collect();
    assert_eq!(states, [Begun::Skipped, Begun::Started]);
}

#[test]
fn wherever_the_power_fails_one_call_starts_one_run() {
    for steps in 0..8 {
        let mut house = Household::open();
        house.deliver("lea", "m1", PLEASE);
        for _ in 0..steps {
            house.house.simulation.step();
        }
        house.house.restart();
        house.deliver("lea", "m1", PLEASE);
        house.pass(120);
        assert_eq!(house.runs().len(), 1, "after {steps}");
        let asked = house.told("mum");
        assert_eq!(asked.len(), 1, "after {steps}: {asked:?}");
    }
}
