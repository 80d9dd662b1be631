//! Olive talks with Granny every morning, and somebody looks after her when she does not say that she is well.

use engine::run::Started;
use serde_json::{Value, json};

use super::world::Household;

impl Household {
    fn check_in(&mut self) -> Started {
        let started = self.house.begin("elder_checkin", json!({}));
        self.pass(20);
        started
    }

    /// What the run has given, if it is over.
    fn outputs(&mut self, run: &Started) -> Option<Value> {
        self.house.record(&run.run.id).outputs
    }

    /// Says yes to the question that `contact` was asked last.
    fn agree(&mut self, contact: &str) {
        let question = self.heard(contact);
        let (_, rest) = question.split_once("Reply \"yes ").unwrap();
        let code: String = rest.chars().take(4).collect();
        self.say(contact, &format!("yes {code}"));
    }
}

#[test]
fn granny_says_that_she_is_well_and_nobody_is_troubled() {
    let mut house = Household::open();
    let run = house.check_in();
    let hello = "Good morning, Granny. Are you well, and how did you sleep?";
    assert_eq!(house.told("granny"), [hello]);
    let thanks = house.say("granny", "Yes, I slept like a stone.");
    assert_eq!(thanks, "Thank you, Granny. I have noted it.");
    assert_eq!(
        house.outputs(&run),
        Some(json!({ "well": true, "looked": null }))
    );
    assert!(house.told("mum").is_empty());
}

#[test]
fn somebody_looks_after_granny_when_she_is_not_well_or_does_not_answer() {
    let mut house = Household::open();
    let run = house.check_in();
    house.say("granny", "My knee hurts.");
    let asked = house.heard("dad");
    assert!(asked.contains("(My knee hurts.)"), "{asked}");
    house.agree("dad");
    assert_eq!(
        house.outputs(&run),
        Some(json!({ "well": false, "looked": "dad" }))
    );

    let run = house.check_in();
    house.pass(30 * 60);
    let asked = house.heard("mum");
    assert!(asked.contains("(time is up)"), "{asked}");
    house.agree("mum");
    assert_eq!(
        house.outputs(&run),
        Some(json!({ "well": false, "looked": "mum" }))
    );
}
