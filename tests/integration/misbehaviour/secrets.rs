//! Models that say what nobody may hear.

use std::time::Duration;

use engine::event::Event;
use engine::message::Channel;
use engine::runtime::simulated::Simulation;

use super::world::{SECRET, World, key, say, start_host, trace};

#[test]
fn a_reply_leaves_without_the_secrets_that_the_bot_uses_streamed_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulation, outside) = (Simulation::new(1), World::default());
    let (host, _disk) = start_host(&simulation, folder.path(), &outside, "");
    let dana = key(Channel::Web, "dana");
    let mut watch = host.hub().watch(&dana);
    let asked = format!("say {SECRET} to her");
    say(
        &mut simulation,
        &host,
        &dana,
        &asked,
        Duration::from_secs(60),
    );
    let expected = "re: say [secret removed] to her";
    let told = trace(&mut simulation, &host, &dana);
    assert_eq!(told.turns[0].reply.as_deref(), Some(expected));
    let (streamed, whole) = simulation.block_on(async move {
        let mut streamed = String::new();
        loop {
            match watch.next().await.unwrap() {
                Event::TextDelta { text, .. } => streamed.push_str(&text),
                Event::Reply { text, .. } => break (streamed, text),
                _ => {}
            }
        }
    });
    assert_eq!(streamed, format!("Well, {expected}"));
    assert_eq!(whole, expected);
}
