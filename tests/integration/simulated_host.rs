//! The whole local host on one thread from a seed, with power cuts: what is acknowledged survives, what is
//! shown stays, every message is answered once, and nothing that cannot be undone happens twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use confab::host::Host;
use embedded::VolatileDisk;
use engine::message::Channel;
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;
use engine::transcript::{ToolStatus, Verdict};
use engine::view::{MessageVerdict, Role, Trace};

mod attending;
mod overlapping;
mod repeating;
mod stage;
mod world;

use world::{Outside, World, pause, start_host};

const SESSIONS: usize = 4;
const MESSAGES: usize = 5;
const CUTS: usize = 3;

fn key_of(session: usize) -> SessionKey {
    let channel = if session.is_multiple_of(2) {
        Channel::Web
    } else {
        Channel::Sms
    };
    SessionKey::new("local", "shop", channel, &format!("+1555{session}")).unwrap()
}

fn id_of(session: usize, message: usize) -> String {
    format!("s{session}m{message}")
}

/// Posts a session's messages in order, each up to three times at once, until it is acknowledged.
async fn client(host: Arc<Host>, session: usize, outside: World) {
    let runtime = host.runtime().clone();
    let key = key_of(session);
    for message in 0..MESSAGES {
        let id = id_of(session, message);
        if outside.lock().unwrap().acknowledged.contains(&id)
            && runtime.entropy.next_u64().is_multiple_of(2)
        {
            continue;
        }
        let kind = if message.is_multiple_of(2) {
            "refund"
        } else {
            "hello"
        };
        let text = format!("{kind} {id}");
        for _ in 0..runtime.entropy.next_u64() % 3 {
            let (host, key, id, text) = (Arc::clone(&host), key.clone(), id.clone(), text.clone());
            let outside = Arc::clone(&outside);
            runtime.spawn(async move {
                pause(host.runtime(), 50).await;
                if host.intake().post(&key, &id, &text).await.is_ok() {
                    outside.lock().unwrap().acknowledged.insert(id);
                }
            });
        }
        if host.intake().post(&key, &id, &text).await.is_ok() {
            outside.lock().unwrap().acknowledged.insert(id);
        }
        pause(&runtime, 4000).await;
    }
}

/// Reads the conversation now and then; what it was shown once it must be shown for ever.
async fn reader(host: Arc<Host>, session: usize, outside: World) {
    let key = key_of(session);
    loop {
        pause(host.runtime(), 1000).await;
        let Ok(messages) = host.view().messages(&key, 0).await else {
            return;
        };
        let mut outside = outside.lock().unwrap();
        for message in messages
            .into_iter()
            .filter(|message| message.role == Role::Assistant)
        {
            let known = outside
                .shown
                .entry((key.clone(), message.seq))
                .or_insert_with(|| message.text.clone());
            assert_eq!(
                *known, message.text,
                "{key}: place {} shows another reply",
                message.seq
            );
        }
    }
}

fn run(seed: u64) -> Outside {
    let folder = tempfile::tempdir().unwrap();
    let outside = World::default();
    let mut simulation = Simulation::new(seed);
    for round in 0..=CUTS {
        let (host, disk) = start_host(&simulation, folder.path(), &outside);
        simulation.block_on({
            let host = Arc::clone(&host);
            async move { host.recover().await.unwrap() }
        });
        for session in 0..SESSIONS {
            simulation
                .runtime()
                .spawn(client(Arc::clone(&host), session, Arc::clone(&outside)));
            simulation
                .runtime()
                .spawn(reader(Arc::clone(&host), session, Arc::clone(&outside)));
        }
        if round == CUTS {
            simulation.run_for(Duration::from_secs(3600));
            for session in 0..SESSIONS {
                let host = Arc::clone(&host);
                let trace = simulation
                    .block_on(async move { host.view().trace(&key_of(session)).await.unwrap() });
                check(seed, session, &trace, &outside.lock().unwrap());
            }
        } else {
            let millis = simulation.runtime().entropy.next_u64() % 12_000;
            simulation.run_for(Duration::from_millis(millis));
            outside.lock().unwrap().faults += 1;
        }
        cut_power(&mut simulation, host, &disk, folder.path());
    }
    drop(simulation);
    Arc::into_inner(outside).unwrap().into_inner().unwrap()
}

fn cut_power(simulation: &mut Simulation, host: Arc<Host>, disk: &VolatileDisk, folder: &Path) {
    disk.cut();
    simulation.crash();
    drop(host);
    disk.restore(&folder.join("db")).unwrap();
}

fn check(seed: u64, session: usize, trace: &Trace, outside: &Outside) {
    let key = key_of(session);
    let ids: Vec<&str> = trace
        .messages
        .iter()
        .map(|message| message.id.as_str())
        .collect();
    let unique: BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(
        unique.len(),
        ids.len(),
        "seed {seed}: {key}: a message was accepted twice: {ids:?}"
    );
    for message in 0..MESSAGES {
        let id = id_of(session, message);
        assert!(
            outside.acknowledged.contains(&id),
            "seed {seed}: {id} was never acknowledged"
        );
        let found = trace.messages.iter().find(|message| message.id == id);
        let found =
            found.unwrap_or_else(|| panic!("seed {seed}: {id} was acknowledged and is lost"));
        let settled = match key.channel() {
            Channel::Web => found.verdict == MessageVerdict::Settled(Verdict::Answered),
            _ => matches!(
                found.verdict,
                MessageVerdict::Settled(Verdict::Answered | Verdict::Unconfirmed)
            ),
        };
        assert!(settled, "seed {seed}: {id} ended as {:?}", found.verdict);
    }
    let answered: Vec<&String> = trace.turns.iter().flat_map(|turn| &turn.messages).collect();
    assert_eq!(
        answered, ids,
        "seed {seed}: {key}: the turns do not answer the messages in order"
    );
    for ((shown_in, seq), text) in &outside.shown {
        let still = trace
            .turns
            .iter()
            .filter_map(|turn| turn.reply.as_ref())
            .any(|reply| reply == text);
        assert!(
            *shown_in != key || still,
            "seed {seed}: {key}: the reply at {seq} was shown and is gone"
        );
    }
}

#[test]
fn a_host_survives_power_cuts_at_any_moment() {
    let mut cuts = 0;
    let mut sent = 0;
    for seed in 0..60 {
        let outside = run(seed);
        cuts += outside.faults;
        for (intent, count) in &outside.refunds {
            assert_eq!(
                *count, 1,
                "seed {seed}: {intent} was refunded {count} times"
            );
        }
        for (reference, count) in &outside.texts_sent {
            assert_eq!(*count, 1, "seed {seed}: {reference} was sent {count} times");
            sent += 1;
        }
    }
    assert!(
        cuts > 100 && sent > 200,
        "the simulation did too little: {cuts} cuts, {sent} sends"
    );
}

#[test]
fn the_same_seed_is_the_same_run() {
    let (one, two) = (run(7), run(7));
    assert_eq!(
        (one.refunds, one.texts_sent, one.shown),
        (two.refunds, two.texts_sent, two.shown)
    );
}

#[test]
fn an_effect_that_nobody_saw_is_called_unknown_and_not_made_again() {
    let unknown = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let outside = World::default();
        let mut simulation = Simulation::new(seed);
        let key = key_of(0);
        let (host, disk) = start_host(&simulation, folder.path(), &outside);
        simulation.runtime().spawn({
            let (host, key) = (Arc::clone(&host), key.clone());
            async move { drop(host.intake().post(&key, "m1", "refund m1").await) }
        });
        // Cut the power between the refund and its record.
        while outside.lock().unwrap().refunds.is_empty() {
            assert!(simulation.step());
        }
        cut_power(&mut simulation, host, &disk, folder.path());
        let (host, _disk) = start_host(&simulation, folder.path(), &outside);
        simulation.block_on(async move {
            host.recover().await.unwrap();
            host.runtime().clock.sleep(Duration::from_secs(30)).await;
            let trace = host.view().trace(&key).await.unwrap();
            let refunds = outside.lock().unwrap().refunds.values().sum::<usize>();
            (refunds, trace.turns[0].rounds[0].tools[0].status)
        })
    };
    for seed in 0..20 {
        assert_eq!(unknown(seed), (1, Some(ToolStatus::Unknown)), "seed {seed}");
    }
}
