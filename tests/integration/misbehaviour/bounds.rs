//! Models that call tools as nobody should.

use std::time::Duration;

use engine::message::Channel;
use engine::runtime::simulated::Simulation;
use engine::transcript::{ToolStatus, Verdict};
use engine::view::{MessageVerdict, ToolTrace, Trace};

use super::world::{World, key, say, start_host, trace};

/// What came of a conversation, and how many refunds were made in it.
fn told(settings: &str, text: &str) -> (Trace, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Web, "dana");
    say(
        &mut simulation,
        &host,
        &dana,
        text,
        Duration::from_secs(600),
    );
    let trace = trace(&mut simulation, &host, &dana);
    let refunds = outside.lock().unwrap().refunds.len();
    (trace, refunds)
}

fn tools(trace: &Trace) -> Vec<&ToolTrace> {
    let rounds = trace.turns[0].rounds.iter();
    rounds.flat_map(|round| &round.tools).collect()
}

fn assert_answered(trace: &Trace, text: &str) {
    let turn = &trace.turns[0];
    assert_eq!(
        turn.verdict,
        MessageVerdict::Settled(Verdict::Answered),
        "{turn:?}"
    );
    assert_eq!(turn.reply, Some(format!("re: {text}")));
}

#[test]
fn a_model_that_repeats_itself_is_made_to_answer() {
    let (trace, refunds) = told("[limits]\ntool_rounds = 50\n", "same");
    assert_eq!((tools(&trace).len(), refunds), (3, 1));
    assert_answered(&trace, "same");
}

#[test]
fn a_turn_makes_no_more_calls_than_it_may() {
    let settings = "[limits]\ntool_rounds = 50\ncalls_per_turn = 5\n";
    let (trace, refunds) = told(settings, "loop");
    assert_eq!((tools(&trace).len(), refunds), (5, 5));
    assert_answered(&trace, "loop");
    let (trace, _) = told(settings, "ten");
    assert_eq!(tools(&trace).len(), 5);
    assert_answered(&trace, "ten");
    let (trace, refunds) = told("[limits]\ntool_rounds = 2\n", "loop");
    assert_eq!((tools(&trace).len(), refunds), (2, 2));
    assert_answered(&trace, "loop");
}

#[test]
fn calls_that_make_no_sense_do_nothing_and_the_model_is_told_why() {
    for (text, why) in [
        (
            "unknown",
            "there is no such tool; the tools are: book, refund, unbook",
        ),
        ("garbage", "is not of type \\\"object\\\""),
        ("huge", "bytes long, and at most 65536 are taken"),
    ] {
        let (trace, refunds) = told("", text);
        let [tool] = *tools(&trace) else {
            panic!("{text}: {trace:?}");
        };
        assert_eq!(
            (tool.status, refunds),
            (Some(ToolStatus::Failed), 0),
            "{text}"
        );
        assert!(tool.result.to_string().contains(why), "{}", tool.result);
        assert_answered(&trace, text);
    }
}
