//! Effects that are undone, asked after and settled by people, on a whole host that may lose its power.

use std::sync::Arc;
use std::time::Duration;

use confab::host::Host;
use engine::brain::Conclusion;
use engine::bus::{Herald, NoBus};
use engine::model::ChatMessage;
use engine::session::Sessions;
use engine::transcript::{ToolStatus, Truth, Undoing, Verdict};
use engine::turn::{
    Caught, Deliver, Fail, FailInput, FailOutput, RunOutput, Settler, Timing, TurnStart,
};
use engine::unknown::{Settling, UnknownKind};
use engine::view::{MessageVerdict, Trace};
use serde_json::json;

mod world;

use crate::nobody::Nobody;
use world::{Machine, call, call_twice, give_up, session};

const LONG: Duration = Duration::from_secs(150);

fn trace(machine: &mut Machine) -> Trace {
    let host = machine.host();
    machine
        .simulation
        .block_on(async move { host.view().trace(&session()).await.unwrap() })
}

/// Books two rooms, then finds no answer.
fn books_and_fails(round: u32, _: &str, _: &[ChatMessage]) -> Conclusion {
    match round {
        0 => call("book", json!({ "room": "kitchen" })),
        1 => call("book", json!({ "room": "bath" })),
        _ => give_up(),
    }
}

const UNDONE: [&str; 4] = ["book kitchen", "book bath", "cancel bath", "cancel kitchen"];

fn check_undone(trace: &Trace) {
    assert_eq!(trace.turns.len(), 1, "{trace:#?}");
    let turn = &trace.turns[0];
    assert_eq!(turn.verdict, MessageVerdict::Settled(Verdict::Failed));
    let undone: Vec<&str> = turn
        .rounds
        .iter()
        .flat_map(|round| &round.tools)
        .filter_map(|tool| {
            assert_eq!(tool.status, Some(ToolStatus::Succeeded), "{tool:?}");
            tool.undoes.as_deref()
        })
        .map(|intent| intent.split('#').next().unwrap())
        .collect();
    assert_eq!(undone, ["book", "book"]);
}

#[test]
fn a_turn_that_fails_undoes_its_effects_once_each_though_the_power_is_cut_between_any_two_steps() {
    let mut cuts = 0;
    for steps in 0.. {
        let mut machine = Machine::new(steps, books_and_fails);
        machine.say("m1", "both rooms, please");
        let mut left = steps;
        while left > 0 && machine.ledger().len() < 4 {
            assert!(machine.simulation.step());
            left -= 1;
        }
        let is_past = left > 20;
        machine.cut_power();
        machine.say("m1", "both rooms, please");
        machine.simulation.run_for(LONG);
        assert_eq!(machine.ledger(), UNDONE, "cut after {steps} steps");
        check_undone(&trace(&mut machine));
        if is_past {
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 50, "only {cuts} cuts");
}

#[test]
fn however_often_the_power_is_cut_effects_are_undone_in_reverse_order() {
    for seed in 0..12 {
        let mut machine = Machine::new(seed, books_and_fails);
        for _ in 0..4 {
            machine.say("m1", "both rooms, please");
            let millis = machine.simulation.runtime().entropy.next_u64() % 4000;
            machine.simulation.run_for(Duration::from_millis(millis));
            machine.cut_power();
        }
        machine.say("m1", "both rooms, please");
        machine.simulation.run_for(LONG);
        assert_eq!(machine.ledger(), UNDONE, "seed {seed}");
        check_undone(&trace(&mut machine));
    }
}

#[test]
fn an_undo_that_fails_is_parked_and_the_others_go_on() {
    let mut machine = Machine::new(1, books_and_fails);
    machine.hotel.lock().unwrap().refuses = Some("cancel bath");
    machine.say("m1", "both rooms, please");
    machine.simulation.run_for(LONG);
    assert_eq!(
        machine.ledger(),
        ["book kitchen", "book bath", "cancel kitchen"]
    );
    let host = machine.host();
    let open = machine.simulation.block_on({
        let host = Arc::clone(&host);
        async move { host.unknowns().open("local").await.unwrap() }
    });
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].kind, UnknownKind::Undo);
    assert_eq!(
        open[0].arguments,
        json!({ "id": "id of bath", "why": "not bath after all" })
    );
    let trace = trace(&mut machine);
    let turn = &trace.turns[0];
    assert_eq!(turn.verdict, MessageVerdict::Settled(Verdict::Failed));
    let undoing = turn
        .rounds
        .iter()
        .filter_map(|round| round.undoing.as_ref());
    assert!(undoing.clone().count() == 2, "{turn:#?}");
    for undoing in undoing {
        assert!(matches!(undoing, Undoing::Failed { .. }), "{undoing:?}");
    }
}

/// Books the room that was asked for last, unless it has done so since.
fn books_what_is_asked(_: u32, asked: &str, conversation: &[ChatMessage]) -> Conclusion {
    if matches!(conversation.last(), Some(ChatMessage::Tool { .. })) {
        return Conclusion::Reply(format!("done: {asked}"));
    }
    let room = if asked.contains("bath") {
        "bath"
    } else {
        "kitchen"
    };
    call("book", json!({ "room": room }))
}

#[test]
fn a_change_of_mind_undoes_the_booking_and_is_thought_of_with_all_messages() {
    for (change, expected) in [
        (
            "no, the bath",
            ["book kitchen", "cancel kitchen", "book bath"],
        ),
        // The same call again is another one, since the first is undone.
        (
            "at nine",
            ["book kitchen", "cancel kitchen", "book kitchen"],
        ),
    ] {
        for seed in 0..10 {
            let mut machine = Machine::new(seed, books_what_is_asked);
            machine.say("m1", "the kitchen");
            machine.until_ledger(1);
            machine.simulation.run_for(Duration::from_secs(1));
            machine.say("m2", change);
            machine.simulation.run_for(LONG);
            assert_eq!(machine.ledger(), expected, "seed {seed}");
            let trace = trace(&mut machine);
            assert_eq!(trace.turns.len(), 1, "{trace:#?}");
            let turn = &trace.turns[0];
            assert_eq!(turn.messages, ["m1", "m2"]);
            assert_eq!(turn.reply.as_deref(), Some(&*format!("done: {change}")));
            let undoing = turn
                .rounds
                .iter()
                .filter_map(|round| round.undoing.as_ref());
            assert_eq!(undoing.collect::<Vec<_>>(), [&Undoing::Overtaken]);
        }
    }
}

/// Pays, then says how it went; passes on what it is told later.
fn pays(_: u32, asked: &str, conversation: &[ChatMessage]) -> Conclusion {
    match conversation.last() {
        Some(ChatMessage::Tool { content, .. }) => Conclusion::Reply(content.clone()),
        _ if asked.contains("A person has found out") => Conclusion::Reply(asked.to_owned()),
        _ => call("pay", json!({ "amount": 50 })),
    }
}

/// Pays by two calls that are the same, and so one payment.
fn pays_twice(_: u32, _: &str, conversation: &[ChatMessage]) -> Conclusion {
    match conversation.last() {
        Some(ChatMessage::Tool { content, .. }) => Conclusion::Reply(content.clone()),
        _ => call_twice("pay", json!({ "amount": 50 })),
    }
}

/// A machine whose power was cut while it paid.
fn cut_while_paying(seed: u64, paid: bool, forgetful: bool) -> Machine {
    let mut machine = Machine::new(seed, pays);
    machine.hotel.lock().unwrap().is_forgetful = forgetful;
    machine.say("m1", "pay 50");
    if paid {
        machine.until_ledger(1);
    } else {
        // The brain takes two seconds and the way to the hotel a fifth of one.
        machine.simulation.run_for(Duration::from_millis(2150));
    }
    assert_eq!(machine.ledger().len(), usize::from(paid));
    machine.cut_power();
    machine.simulation.run_for(Duration::ZERO);
    machine.host();
    machine
}

#[test]
fn the_other_side_is_asked_what_came_of_a_call_that_nobody_saw_end() {
    for seed in 0..10 {
        for paid in [true, false] {
            let mut machine = cut_while_paying(seed, paid, false);
            machine.simulation.run_for(LONG);
            assert_eq!(machine.ledger(), ["pay 50"], "seed {seed}, {paid}");
            let trace = trace(&mut machine);
            let tool = &trace.turns[0].rounds[0].tools[0];
            assert_eq!(tool.status, Some(ToolStatus::Succeeded), "{trace:#?}");
            assert_eq!(tool.result["body"], json!({ "receipt": 7 }));
        }
    }
}

#[test]
fn of_two_calls_that_are_the_same_one_is_taken_up() {
    let mut asked = 0;
    for millis in (1900..2500).step_by(20) {
        let mut machine = Machine::new(millis, pays_twice);
        machine.say("m1", "pay 50");
        machine.simulation.run_for(Duration::from_millis(millis));
        machine.cut_power();
        machine.simulation.run_for(Duration::ZERO);
        machine.host();
        // What was not acknowledged comes again.
        machine.say("m1", "pay 50");
        machine.simulation.run_for(LONG);
        assert_eq!(machine.ledger(), ["pay 50"], "after {millis} ms");
        {
            let hotel = machine.hotel.lock().unwrap();
            assert_eq!(hotel.told, 1, "after {millis} ms");
            asked += hotel.asked;
        }
        let trace = trace(&mut machine);
        for tool in &trace.turns[0].rounds[0].tools {
            assert_eq!(tool.status, Some(ToolStatus::Succeeded), "{trace:#?}");
        }
    }
    assert!(asked > 0, "no claim was found");
}

#[test]
fn a_stopped_bot_takes_up_no_call_that_has_not_happened() {
    let mut machine = cut_while_paying(1, false, false);
    let host = machine.host();
    machine.simulation.block_on(async move {
        let stop = host.switches().stop("local", None, "kim", "it went mad");
        stop.await.unwrap();
    });
    machine.simulation.run_for(LONG);
    assert!(machine.ledger().is_empty());
    let trace = trace(&mut machine);
    let tool = &trace.turns[0].rounds[0].tools[0];
    assert_eq!(tool.status, Some(ToolStatus::Failed), "{trace:#?}");
    let why = tool.result.to_string();
    assert!(why.contains("stopped by an operator"), "{why}");
}

#[test]
fn an_unknown_effect_is_listed_until_a_person_settles_it_and_the_contact_is_told() {
    let mut machine = cut_while_paying(1, true, true);
    machine.simulation.run_for(LONG);
    let host = machine.host();
    machine.simulation.block_on(async move {
        let unknowns = host.unknowns();
        let open = unknowns.open("local").await.unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!((open[0].kind, &*open[0].tool), (UnknownKind::Effect, "pay"));
        let id = open[0].id.as_str();
        let happened = Truth::Happened {
            result: json!({ "receipt": 7 }),
        };
        for by in ["vera", "tom"] {
            let settling = unknowns.settle("local", id, &happened, by).await.unwrap();
            let Settling::Done(unknown) = settling else {
                panic!("{settling:?}");
            };
            assert_eq!(unknown.settled.unwrap().by, "vera");
        }
        let contrary = unknowns.settle("local", id, &Truth::DidNot, "tom").await;
        assert!(matches!(contrary, Ok(Settling::Contrary(_))));
        assert!(unknowns.open("local").await.unwrap().is_empty());
        assert!(
            unknowns
                .settle("other", id, &happened, "eve")
                .await
                .is_err()
        );
        host.runtime().clock.sleep(LONG).await;
        let trace = host.view().trace(&session()).await.unwrap();
        assert_eq!(trace.turns.len(), 2, "{trace:#?}");
        let tool = &trace.turns[0].rounds[0].tools[0];
        assert_eq!(tool.status, Some(ToolStatus::Unknown));
        assert_eq!(tool.settled.as_ref().unwrap().truth, happened);
        let told = trace.turns[1].reply.as_deref().unwrap();
        assert!(
            told.contains("it happened") && told.contains("{\"receipt\":7}"),
            "{told}"
        );
        // What the contact reads holds no letters between Confab and the bot.
        let messages = host.view().messages(&session(), 0).await.unwrap();
        assert_eq!(messages.len(), 3, "{messages:?}");
    });
    assert_eq!(machine.ledger(), ["pay 50"]);
}

#[test]
fn a_function_that_fails_leaves_undoing_to_the_state_machine_and_parks_what_cannot_be_undone() {
    let mut machine = Machine::new(3, books_and_fails);
    machine.say("m1", "both rooms, please");
    machine.until_ledger(1);
    // The kitchen is booked and written down, the brain thinks about the bath.
    machine.simulation.run_for(Duration::from_secs(1));
    let host = machine.host();
    let fail = failing(&host);
    machine.simulation.block_on(async move {
        let load = || async { host.store().load(&session()).await.unwrap() };
        let input = FailInput {
            start: TurnStart {
                session: session(),
                hold: load().await.hold().unwrap(),
                until: None,
            },
            error: Caught {
                error: "Lambda.Unknown".to_owned(),
                cause: "killed".to_owned(),
            },
        };
        let output = fail.handle(input.clone()).await.unwrap();
        let FailOutput::Undo(RunOutput::Tools { calls, .. }) = output else {
            panic!("{output:?}");
        };
        let call = calls[0].planned.as_ref().unwrap();
        assert_eq!((calls.len(), call.tool.as_str()), (1, "cancel"));
        assert!(call.undoes.as_ref().unwrap().starts_with("book#1#"));
        // What was to call it failed too.
        let output = fail.handle(input).await.unwrap();
        assert!(matches!(output, FailOutput::Parked(_)), "{output:?}");
        let open = host.unknowns().open("local").await.unwrap();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0].kind, UnknownKind::Undo);
        let trace = host.view().trace(&session()).await.unwrap();
        let turn = &trace.turns[0];
        assert_eq!(turn.verdict, MessageVerdict::Settled(Verdict::Failed));
        assert_eq!(turn.rounds[0].tools[0].tool, "book", "{turn:#?}");
    });
}

/// `turn-fail` on a host's stores.
fn failing(host: &Arc<Host>) -> Fail {
    let store = host.store();
    Fail {
        deliver: Deliver {
            settler: Settler {
                runtime: host.runtime().clone(),
                sessions: store.clone(),
                spill: store.clone(),
                timing: Timing::default(),
                herald: Herald {
                    bus: Arc::new(NoBus),
                    view: host.view().clone(),
                },
            },
            transcripts: store.clone(),
            outcomes: store.clone(),
            carriers: Arc::new(Nobody),
            events: host.hub().clone(),
            unreached: host.unreached(),
        },
        bots: host.shelf().clone(),
        results: store.clone(),
        documents: store.clone(),
    }
}

#[test]
fn a_call_that_takes_too_long_is_asked_after_once_and_not_made_again() {
    for (forgetful, expected) in [(false, ToolStatus::Succeeded), (true, ToolStatus::Unknown)] {
        let mut machine = Machine::new(1, pays);
        {
            let mut hotel = machine.hotel.lock().unwrap();
            hotel.is_forgetful = forgetful;
            hotel.answers_late = true;
        }
        machine.say("m1", "pay 50");
        machine.simulation.run_for(LONG);
        assert_eq!(machine.ledger(), ["pay 50"]);
        let trace = trace(&mut machine);
        let tool = &trace.turns[0].rounds[0].tools[0];
        assert_eq!(tool.status, Some(expected), "{trace:#?}");
        assert_eq!(machine.hotel.lock().unwrap().asked, 1);
    }
}
