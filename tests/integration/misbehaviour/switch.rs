//! An operator stops a bot.

use std::sync::Arc;
use std::time::Duration;

use confab::host::Host;
use engine::message::Channel;
use engine::runtime::simulated::Simulation;
use engine::transcript::{ToolStatus, Verdict};
use engine::view::MessageVerdict;

use super::world::{World, cut_power, key, say, start_host, trace};

const SECOND: Duration = Duration::from_secs(1);
const ANSWERED: MessageVerdict = MessageVerdict::Settled(Verdict::Answered);
const REFUSED: MessageVerdict = MessageVerdict::Settled(Verdict::Refused);

fn stop(simulation: &mut Simulation, host: &Arc<Host>, bot: Option<&'static str>) {
    let host = Arc::clone(host);
    simulation.block_on(async move {
        let switches = host.switches();
        switches
            .stop("local", bot, "kim", "it went mad")
            .await
            .unwrap();
    });
}

fn resume(simulation: &mut Simulation, host: &Arc<Host>, bot: Option<&'static str>) {
    let host = Arc::clone(host);
    simulation.block_on(async move { host.switches().resume("local", bot).await.unwrap() });
}

#[test]
fn nothing_new_begins_a_second_after_a_bot_was_stopped() {
    for seed in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let (mut simulation, outside) = (Simulation::new(seed), World::default());
        let (host, _disk) = start_host(&simulation, folder.path(), &outside, "");
        let dana = |number: u64| key(Channel::Web, &format!("dana{number}"));
        // A message every 200 ms, each of which leads to a refund ten seconds later.
        for number in 0..150 {
            let host = Arc::clone(&host);
            simulation.runtime().spawn(async move {
                let runtime = host.runtime();
                runtime
                    .clock
                    .sleep(Duration::from_millis(200 * number))
                    .await;
                host.intake()
                    .post(&dana(number), "1", "refund")
                    .await
                    .unwrap();
            });
        }
        simulation.run_for(15 * SECOND + Duration::from_millis(700 * seed));
        // Another process writes the switch, so that this one must find out.
        let other = engine::switch::Switches::new(simulation.runtime(), host.store().clone());
        let at = simulation.block_on(async move {
            other
                .stop("local", Some("shop"), "kim", "it went mad")
                .await
                .unwrap()
                .bots["shop"]
                .at
        });
        simulation.run_for(40 * SECOND);
        {
            let outside = outside.lock().unwrap();
            let late = |time: &engine::runtime::Time| time.since(at) > SECOND;
            assert!(outside.refunds.len() > 15 && outside.asked.len() > 70);
            assert!(
                !outside.refunds.iter().any(late),
                "seed {seed}: a refund was made"
            );
            assert!(
                !outside.asked.iter().any(|(time, _)| late(time)),
                "seed {seed}: a model was asked"
            );
        }
        // Begun before the stop, and at its tool after it.
        let caught = trace(&mut simulation, &host, &dana(50));
        let tool = &caught.turns[0].rounds[0].tools[0];
        assert_eq!(tool.status, Some(ToolStatus::Failed));
        assert!(
            tool.result.to_string().contains("stopped by an operator"),
            "{}",
            tool.result
        );
        assert_eq!(caught.turns[0].verdict, REFUSED);
        let refused = trace(&mut simulation, &host, &dana(149));
        let turn = &refused.turns[0];
        assert_eq!(
            (turn.verdict, turn.rounds[0].model_calls.len()),
            (REFUSED, 0)
        );
        assert_eq!(turn.reason.as_deref(), Some("stopped by kim: it went mad"));
        assert_eq!(
            turn.reply.as_deref(),
            Some("I am switched off at the moment. Please try again later.")
        );
    }
}

#[test]
fn a_stop_outlives_the_host_and_ends_when_it_is_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    let dana = key(Channel::Web, "dana");
    let (host, disk) = start_host(&simulation, folder.path(), &outside, "");
    stop(&mut simulation, &host, None);
    stop(&mut simulation, &host, Some("shop"));
    simulation.run_for(SECOND);
    cut_power(&mut simulation, host, &disk, folder.path());
    let settings = "[notices]\nstopped = \"Closed.\"\n";
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, settings);
    say(&mut simulation, &host, &dana, "one", 20 * SECOND);
    resume(&mut simulation, &host, Some("shop"));
    say(&mut simulation, &host, &dana, "two", 20 * SECOND);
    resume(&mut simulation, &host, None);
    say(&mut simulation, &host, &dana, "three", 20 * SECOND);
    let trace = trace(&mut simulation, &host, &dana);
    let ends = trace
        .turns
        .iter()
        .map(|turn| (turn.verdict, turn.reply.as_deref()));
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [
            (REFUSED, Some("Closed.")),
            (REFUSED, Some("Closed.")),
            (ANSWERED, Some("re: three"))
        ]
    );
    assert_eq!(outside.lock().unwrap().asked.len(), 1);
}
