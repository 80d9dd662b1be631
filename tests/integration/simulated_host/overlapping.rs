//! What a turn does with messages that come while it runs, end to end.

use engine::brain::Interrupt;
use engine::message::Channel;
use engine::overlap::Overlap;

use super::stage::Stage;

fn on_web(policy: &str) -> Stage {
    Stage::new(Channel::Web, &format!("[overlap]\nweb = \"{policy}\"\n"))
}

#[test]
fn a_superseded_thought_is_cut_off_early_and_never_shown() {
    let mut stage = on_web("supersede");
    stage.say("m1", "to Paris");
    stage.wait(700);
    stage.say("m2", "I meant London");
    stage.wait(10_000);
    assert_eq!(
        stage.thoughts(),
        ["u:to Paris", "u:to Paris+I meant London"]
    );
    assert_eq!(
        *stage.ended.lock().unwrap(),
        1,
        "the first thought was not cut off"
    );
    assert_eq!(stage.replies(), ["re to Paris+I meant London"]);
    assert_eq!(stage.verdicts(), ["answered", "answered"]);
    assert_eq!(stage.trace().turns.len(), 1);
}

#[test]
fn a_message_in_the_last_moment_is_noticed_at_the_gate() {
    let mut stage = on_web("supersede");
    stage.say("m1", "to Paris");
    // After the last look of the watch and before the thought ends.
    stage.wait(1_950);
    stage.say("m2", "I meant London");
    stage.wait(10_000);
    assert_eq!(stage.replies(), ["re to Paris+I meant London"]);
    assert_eq!(stage.trace().turns.len(), 1);
}

#[test]
fn who_keeps_writing_is_answered_when_patience_ends() {
    let settings = "[overlap]\nweb = \"supersede\"\npatience_seconds = 5\n";
    let mut stage = Stage::new(Channel::Web, settings);
    for message in 0..10 {
        stage.say(&format!("m{message}"), &format!("more {message}"));
        stage.wait(1_000);
    }
    assert_eq!(
        stage.trace().turns.len(),
        1,
        "nothing was answered in ten seconds"
    );
    stage.wait(20_000);
    assert_eq!(stage.verdicts(), vec!["answered"; 10]);
    let cut = stage.thoughts().len() - *stage.ended.lock().unwrap();
    assert!(cut >= 3, "only {cut} thoughts were cut off");
}

#[test]
fn an_absorbed_message_joins_the_turn_at_its_next_thought() {
    let mut stage = on_web("absorb");
    stage.say("m1", "look");
    stage.wait(700);
    stage.say("m2", "order A1");
    stage.wait(10_000);
    assert_eq!(
        stage.thoughts(),
        ["u:look", "u:look|call|result|u:order A1"]
    );
    assert_eq!(stage.verdicts(), ["answered", "absorbed"]);
    assert_eq!(stage.replies(), ["re order A1"]);
}

#[test]
fn absorbed_with_a_restart_all_is_thought_again() {
    let mut stage = on_web("absorb-restart");
    stage.say("m1", "look");
    stage.wait(700);
    stage.say("m2", "order A1");
    stage.wait(12_000);
    let again = "u:look+order A1";
    assert_eq!(stage.thoughts()[..2], ["u:look", again]);
    assert_eq!(stage.replies().len(), 1);
    assert_eq!(stage.verdicts(), ["answered", "answered"]);
}

#[test]
fn forced_to_complete_the_turn_calls_no_more_tools() {
    let mut stage = on_web("force-complete");
    stage.say("m1", "look");
    stage.wait(700);
    stage.say("m2", "quickly");
    stage.wait(10_000);
    let finishes: Vec<bool> = stage
        .thoughts
        .lock()
        .unwrap()
        .iter()
        .map(|(_, finish)| *finish)
        .collect();
    assert_eq!(finishes, [false, true]);
    assert_eq!(stage.verdicts(), ["answered", "absorbed"]);
}

#[test]
fn after_the_commit_point_messages_queue_whatever_the_policy() {
    for policy in ["supersede", "absorb", "absorb-restart", "force-complete"] {
        let mut stage = on_web(policy);
        stage.say("m1", "refund");
        // The refund is claimed when the first thought ends.
        while stage.outside.lock().unwrap().refunds.is_empty() {
            stage.wait(10);
        }
        stage.say("m2", "never mind");
        stage.wait(15_000);
        assert_eq!(stage.verdicts(), ["answered", "answered"], "{policy}");
        assert_eq!(stage.trace().turns.len(), 2, "{policy}");
        assert_eq!(stage.replies(), ["re refund", "re never mind"], "{policy}");
        let refunds: usize = stage.outside.lock().unwrap().refunds.values().sum();
        assert_eq!(refunds, 1, "{policy}");
    }
}

#[test]
fn the_brain_may_know_better_but_not_than_a_queue() {
    let prefer = |policy: &str, prefers: fn(Interrupt) -> Option<Overlap>| {
        let settings = format!("[overlap]\nweb = \"{policy}\"\n");
        let mut stage = Stage::with_brain(Channel::Web, &settings, prefers);
        stage.say("m1", "look");
        stage.wait(700);
        stage.say("m2", "order A1");
        stage.wait(15_000);
        (stage.verdicts(), stage.trace().turns.len())
    };
    let absorbed = (vec!["answered".to_owned(), "absorbed".to_owned()], 1);
    let answered = |turns| (vec!["answered".to_owned(); 2], turns);
    assert_eq!(prefer("supersede", |_| None), answered(1));
    assert_eq!(prefer("supersede", |_| Some(Overlap::Absorb)), absorbed);
    assert_eq!(prefer("supersede", |_| Some(Overlap::Queue)), answered(2));
    assert_eq!(prefer("absorb", |_| Some(Overlap::Queue)), answered(2));
    assert_eq!(prefer("queue", |_| Some(Overlap::Absorb)), answered(2));
    let late = |at| (at == Interrupt::Thinking).then_some(Overlap::ForceComplete);
    assert_eq!(prefer("supersede", late), answered(1));
}

#[test]
fn a_window_gathers_what_is_said_in_pieces() {
    let mut stage = Stage::new(
        Channel::Sms,
        "[overlap.window]\nsms = { fixed_millis = 800 }\n",
    );
    stage.say("m1", "hello");
    stage.wait(500);
    stage.say("m2", "I ask about");
    stage.wait(700);
    assert_eq!(stage.thoughts(), [""; 0], "the window did not begin again");
    stage.say("m3", "my order");
    stage.wait(10_000);
    assert_eq!(stage.thoughts(), ["u:hello+I ask about+my order"]);
    // Off, as it is unless chosen, costs not a moment.
    let mut stage = Stage::new(Channel::Sms, "");
    stage.say("m1", "hello");
    stage.wait(1);
    assert_eq!(stage.thoughts(), ["u:hello"]);
}

#[test]
fn windows_end_though_the_contact_goes_on() {
    for window in [
        "{ fixed_millis = 2000 }",
        "\"adaptive\"",
        "{ fixed_millis = 9000 }",
    ] {
        let settings = format!("[overlap]\nweb = \"queue\"\n[overlap.window]\nweb = {window}\n");
        let mut stage = Stage::new(Channel::Web, &settings);
        let mut said = 0;
        while stage.thoughts().is_empty() {
            assert!(said < 21, "{window}: no thought within ten seconds");
            said += 1;
            stage.say(&format!("m{said}"), "and then,");
            stage.wait(500);
        }
        assert!(said >= 3, "{window}: only {said} messages were gathered");
        stage.wait(20_000);
        assert_eq!(stage.verdicts(), vec!["answered"; said], "{window}");
    }
}
