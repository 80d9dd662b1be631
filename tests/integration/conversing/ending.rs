//! What ends a conversation that a workflow holds besides its goal and its time.

use engine::error::Error;
use engine::run::RunStatus;
use serde_json::json;

use super::world::{self, GRANNY, HELLO, Home};
use super::{CHECK, met, unmet, well};

const CALL: &str = "
steps:
  ask: {converse: {channel: sms, contact: '+15550107'}, goal: Find out whether they come.}
outputs: {ask: '${ $steps.ask }'}
";

const PHONE: &str = "sms:+15550107";

#[test]
fn who_opts_out_is_left_alone_and_the_run_goes_on_at_once() {
    let mut home = Home::with(&[("call", CALL)]);
    let run = home.begin("call");
    home.pass(20);
    assert_eq!(home.told(PHONE), [HELLO]);
    home.say(PHONE, "STOP");
    let opted_out = Some(unmet("the contact has opted out"));
    assert_eq!(home.record(&run).outputs, opted_out);
    // Whoever has opted out is not asked at all.
    let run = home.begin("call");
    home.pass(20);
    assert_eq!(home.record(&run).outputs, opted_out);
    assert_eq!(home.letters().len(), 1);
    assert_eq!(home.told(PHONE), [HELLO]);
}

#[test]
fn who_opts_out_at_the_moment_they_are_spoken_to_ends_it_too() {
    for steps in (0..40).step_by(2) {
        let mut home = Home::with(&[("call", CALL)]);
        let run = home.begin("call");
        home.step(steps);
        home.hear(PHONE, "m1", "STOP");
        home.pass(200);
        let record = home.record(&run);
        assert_eq!(record.status, RunStatus::Succeeded, "after {steps}");
        assert_eq!(
            record.outputs.unwrap()["ask"]["met"],
            false,
            "after {steps}"
        );
    }
}

#[test]
fn a_person_who_takes_over_and_a_conversation_that_is_closed_end_it() {
    let mut home = Home::with(&[("check", CHECK)]);
    let run = home.begin("check");
    home.pass(20);
    home.take_over(GRANNY, "mum");
    home.pass(5);
    let taken = Some(unmet("mum has taken the conversation over"));
    assert_eq!(home.record(&run).outputs, taken);
    let run = home.begin("check");
    home.pass(20);
    assert_eq!(home.record(&run).outputs, taken);
    assert_eq!(home.told(GRANNY), [HELLO]);
    home.hand_back(GRANNY);

    let run = home.begin("check");
    home.pass(20);
    home.close(GRANNY);
    home.pass(5);
    assert_eq!(
        home.record(&run).outputs,
        Some(unmet("the conversation was closed"))
    );
    home.say(GRANNY, "Hello?");
    assert!(home.asked().tools.is_empty());
}

#[test]
fn a_stopped_bot_talks_with_nobody_and_one_that_cannot_speak_says_no_excuse() {
    let mut home = Home::with(&[("check", CHECK)]);
    home.stop(true);
    let run = home.begin("check");
    home.pass(20);
    let record = home.record(&run);
    assert_eq!(
        (record.status, record.error.as_deref()),
        (RunStatus::Failed, Some("Forbidden"))
    );
    home.stop(false);
    home.silence();
    let run = home.begin("check");
    home.pass(20);
    let outputs = home.record(&run).outputs.unwrap();
    let why = outputs["ask"]["why"].as_str().unwrap();
    assert!(why.starts_with("the bot could not speak: "), "{why}");
    assert!(home.told(GRANNY).is_empty());
}

#[test]
fn what_is_reported_to_a_run_that_was_called_off_comes_to_nothing_and_is_kept_for_one_that_goes_on()
{
    let mut home = Home::with(&[("check", CHECK)]);
    let run = home.begin("check");
    home.pass(20);
    home.cancel(&run);
    home.pass(5);
    let told = home.say(GRANNY, &well());
    assert!(told.contains("was cancelled or has failed"), "{told}");
    assert_eq!(home.record(&run).status, RunStatus::Cancelled);
    // Taken up again it finds what was found out, and asks nobody.
    assert!(home.retry(&run));
    home.pass(20);
    assert_eq!(home.record(&run).outputs, Some(met()));
    assert_eq!(home.letters().len(), 1);
}

#[test]
fn nobody_is_talked_with_who_is_not_there() -> Result<(), Error> {
    let anybody = "
inputs: {who: string}
steps:
  ask: {converse: '${ $inputs.who }', goal: '${ $inputs.who = \"granny\" ? \"\" : \"x\" }'}
";
    let mut home = Home::with(&[("anybody", anybody)]);
    for (who, error) in [("nobody", "NotFound"), ("granny", "Invalid")] {
        let run = home.begin_with("anybody", json!({ "who": who }));
        home.pass(20);
        assert_eq!(home.record(&run).error.as_deref(), Some(error), "{who}");
    }
    assert!(world::report(&json!({})).starts_with("report "));
    Ok(())
}
