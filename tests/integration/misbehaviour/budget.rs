//! What a turn, a session and a day may cost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::message::Channel;
use engine::model::ModelErrorKind;
use engine::runtime::simulated::Simulation;
use engine::session::{Session, Sessions};
use engine::transcript::Verdict;
use engine::view::{MessageVerdict, TurnTrace};

use super::world::{COST, MOST, Outside, TOKENS, World, cut_power, key, say, start_host, trace};

const MINUTE: Duration = Duration::from_secs(60);
const REFUSED: MessageVerdict = MessageVerdict::Settled(Verdict::Refused);

fn asked(outside: &World) -> u64 {
    outside.lock().unwrap().asked.len() as u64
}

fn reason(turn: &TurnTrace) -> &str {
    turn.reason.as_deref().unwrap_or_default()
}

#[test]
fn a_turn_that_never_ends_is_stopped_before_it_costs_too_much_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    // Three calls for 10,000 each fit under 50,000 when the next might cost 25,000; a fourth does not.
    let settings = "[limits]\ntool_rounds = 50\n[budget]\nturn_dollars = 0.05\n[notices]\nover_budget = \"Enough.\"\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Web, "dana");
    say(&mut simulation, &host, &dana, "loop", 3 * MINUTE);
    let trace = trace(&mut simulation, &host, &dana);
    let turn = &trace.turns[0];
    assert_eq!(
        (turn.verdict, turn.reply.as_deref()),
        (REFUSED, Some("Enough."))
    );
    assert_eq!(
        reason(turn),
        "the budget does not allow it: a turn may cost $0.05; it has cost $0.03, and this call may cost $0.025"
    );
    assert_eq!((asked(&outside), turn.usage.micro_dollars), (3, 3 * COST));
    assert_eq!(outside.lock().unwrap().refunds.len(), 3);
}

#[test]
fn tokens_are_bounded_too() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    let settings = "[budget]\nturn_tokens = 1700\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Web, "dana");
    say(&mut simulation, &host, &dana, "loop", 3 * MINUTE);
    let trace = trace(&mut simulation, &host, &dana);
    assert_eq!(trace.turns[0].verdict, REFUSED);
    assert!(reason(&trace.turns[0]).contains("a turn may use 1700 tokens; 1100 are used"));
}

#[test]
fn the_tokens_of_a_conversation_are_bounded_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    let settings = "[budget]\nsession_tokens = 2200\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Web, "dana");
    // Two of 550 and a third that might take 1,100; then 1,650 are used.
    for text in ["one", "two", "three", "four"] {
        say(&mut simulation, &host, &dana, text, MINUTE);
    }
    let told = trace(&mut simulation, &host, &dana);
    let refused: Vec<bool> = (told.messages.iter())
        .map(|message| message.verdict == REFUSED)
        .collect();
    assert_eq!(refused, [false, false, false, true]);
    assert_eq!(
        reason(&told.turns[3]),
        "the budget does not allow it: a conversation may use 2200 tokens; it may have used 1650, and this call may \
         use 1100"
    );
    assert_eq!(asked(&outside), 3);
    let (desk, session) = (host.attend(), dana.clone());
    simulation
        .block_on(async move { desk.close(&session).await.map(drop) })
        .unwrap();
    say(&mut simulation, &host, &dana, "five", MINUTE);
    assert_eq!(asked(&outside), 4);
}

#[test]
fn a_day_is_bounded_for_the_tenant_whose_it_is_and_nothing_is_asked_after() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(2), World::default());
    let settings = "[limits]\ntool_rounds = 50\n[budget]\nday_dollars = 100\n[budget.tenants.local]\nday_dollars = 0.2\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = |number: usize| key(Channel::Web, &format!("dana{number}"));
    for number in 0..40 {
        let host = Arc::clone(&host);
        simulation.runtime().spawn(async move {
            host.intake().post(&dana(number), "1", "hi").await.unwrap();
        });
    }
    simulation.run_for(MINUTE);
    let first = asked(&outside);
    assert!((8..=20).contains(&first), "{first} calls were made at once");
    say(&mut simulation, &host, &dana(40), "loop", 10 * MINUTE);
    assert!(asked(&outside) * COST <= 200_000 && asked(&outside) * COST + MOST > 200_000);
    let refused = (0..=40)
        .map(|number| trace(&mut simulation, &host, &dana(number)))
        .filter(|trace| trace.turns[0].verdict == REFUSED)
        .inspect(|trace| {
            assert!(reason(&trace.turns[0]).contains("the bot may spend $0.20 a day"));
        })
        .count() as u64;
    assert_eq!(refused, 41 - first);
    say(
        &mut simulation,
        &host,
        &dana(0),
        "hi again",
        Duration::from_secs(24 * 3600),
    );
    let before = asked(&outside);
    say(&mut simulation, &host, &dana(0), "hi once more", MINUTE);
    assert_eq!(asked(&outside), before + 1, "the next day begins anew");
}

#[test]
fn a_session_never_costs_more_than_it_may_whenever_the_power_fails() {
    let dollars = "[budget]\nturn_dollars = 0.05\nsession_dollars = 0.4\n";
    never_more(dollars, COST, 400_000, |session| session.spent);
    let tokens = "[budget]\nturn_tokens = 2200\nsession_tokens = 17600\n";
    never_more(tokens, TOKENS, 17_600, |session| session.tokens);
}

/// Lives under `settings`, by which a session may spend `limit` and each call takes `each`.
fn never_more(settings: &str, each: u64, limit: u64, told: fn(&Session) -> u64) {
    let mut counts = (0, 0);
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let (mut simulation, outside) = (Simulation::new(seed), World::default());
        let dana = key(Channel::Sms, "+15550100");
        for life in 0..8 {
            let (host, disk) = start_host(&simulation, folder.path(), &outside, settings);
            simulation.block_on({
                let host = Arc::clone(&host);
                async move { host.recover().await.unwrap() }
            });
            let millis = simulation.runtime().entropy.next_u64() % 60_000;
            let until = Duration::from_millis(millis);
            let text = if life % 2 == 0 { "loop" } else { "hi" };
            say(&mut simulation, &host, &dana, text, until);
            say(&mut simulation, &host, &dana, "hi", until);
            if life == 7 {
                simulation.run_for(10 * MINUTE);
                let trace = trace(&mut simulation, &host, &dana);
                let settled = trace.messages.iter();
                assert!(
                    settled
                        .clone()
                        .all(|message| message.verdict != MessageVerdict::Pending),
                    "seed {seed}: {:?}",
                    trace.messages
                );
                counts.0 += settled.filter(|message| message.verdict == REFUSED).count();
                let session =
                    simulation.block_on(async move { host.store().load(&dana).await.unwrap() });
                let (paid, told) = (asked(&outside) * each, told(&session));
                assert!(
                    paid <= told && paid <= limit,
                    "seed {seed}: {paid} were paid, {told} told"
                );
                counts.1 += usize::from(paid >= limit / 4);
                break;
            }
            cut_power(&mut simulation, host, &disk, folder.path());
        }
    }
    assert!(counts.0 > 8 && counts.1 > 2, "too easy: {counts:?}");
}

#[test]
fn a_thought_that_a_newer_message_overtakes_is_paid_for_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(5), World::default());
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, "");
    let dana = key(Channel::Web, "dana");
    say(&mut simulation, &host, &dana, "one", Duration::from_secs(4));
    say(&mut simulation, &host, &dana, "two", MINUTE);
    let trace = trace(&mut simulation, &host, &dana);
    let [turn] = trace.turns.as_slice() else {
        panic!("{trace:?}");
    };
    assert_eq!(turn.reply.as_deref(), Some("re: one\ntwo"));
    let [lost, kept] = turn.rounds[0].model_calls.as_slice() else {
        panic!("{turn:?}");
    };
    let error = lost.error.as_ref().unwrap();
    assert_eq!(error.kind, ModelErrorKind::Cut);
    assert_eq!(error.detail, "a newer message came");
    // All that it read, and six bytes of a hundred tokens.
    assert_eq!(lost.usage.micro_dollars, MOST / 5 + MOST / 5 * 4 * 6 / 100);
    assert_eq!(
        (lost.usage.input_tokens, lost.usage.output_tokens),
        (1000, 6)
    );
    assert!((4000..5000).contains(&lost.millis), "{}", lost.millis);
    assert_eq!((kept.usage.micro_dollars, &kept.error), (COST, &None));
    let session = simulation.block_on(async move { host.store().load(&dana).await.unwrap() });
    assert_eq!(session.spent, turn.usage.micro_dollars);
}

#[test]
fn every_thought_of_a_turn_that_has_done_something_is_paid_for_however_often_it_is_overtaken() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(5), World::default());
    let settings = "[overlap]\npatience_seconds = 60\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Web, "dana");
    // It thinks for ten seconds, books, and is overtaken in its second round, and again.
    say(
        &mut simulation,
        &host,
        &dana,
        "book",
        Duration::from_secs(14),
    );
    say(&mut simulation, &host, &dana, "and", Duration::from_secs(4));
    say(&mut simulation, &host, &dana, "hurry", MINUTE);
    let trace = trace(&mut simulation, &host, &dana);
    let [turn] = trace.turns.as_slice() else {
        panic!("{trace:?}");
    };
    let calls: Vec<_> = turn.rounds.iter().map(|it| it.model_calls.len()).collect();
    assert_eq!((asked(&outside), calls), (4, vec![1, 3]), "{turn:?}");
    assert_eq!(outside.lock().unwrap().refunds.len(), 1);
    let session = simulation.block_on(async move { host.store().load(&dana).await.unwrap() });
    assert_eq!(session.spent, turn.usage.micro_dollars);
}

#[test]
fn rounds_that_are_thought_again_are_paid_for_once() {
    let folder = tempfile::tempdir().unwrap();
    let outside: World = Arc::new(Mutex::new(Outside::default()));
    let mut simulation = Simulation::new(6);
    let settings = "[overlap]\nsms = \"absorb-restart\"\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    let dana = key(Channel::Sms, "+15550100");
    say(&mut simulation, &host, &dana, "one", Duration::from_secs(4));
    say(&mut simulation, &host, &dana, "two", MINUTE);
    let session = simulation.block_on({
        let (host, dana) = (Arc::clone(&host), dana.clone());
        async move { host.store().load(&dana).await.unwrap() }
    });
    assert_eq!(session.spent, asked(&outside) * COST);
    let trace = trace(&mut simulation, &host, &dana);
    assert_eq!(trace.usage.micro_dollars, session.spent);
}
