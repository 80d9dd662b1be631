//! The real process, killed again and again at counted moments while people have it do things at a fake shop: every
//! message is settled once, and the shop's ledger says that nothing happened twice and nobody was told otherwise.
//!
//! `CONFAB_KILLS` is how often, `CONFAB_KILL_SEED` the seed of the first fifty.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use confab::assemble::database_path;
use embedded::{FileDisk, FlushThread, Store};
use engine::message::Channel;
use engine::session::SessionKey;
use engine::transcript::{Truth, Verdict};
use engine::unknown::{Unknown, UnknownKind};
use engine::view::{MessageVerdict, Trace};
use futures::future::join_all;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use crate::client::Client;
use crate::process::{Confab, Setup};

pub(crate) mod bot;
pub(crate) mod fate;
pub(crate) mod judge;
pub(crate) mod people;
pub(crate) mod shop;

use bot::{WISHES, place};
use fate::{Doom, Fate};
use judge::Report;
use people::{Conversation, End, Pace, World, talk};
use shop::{Deed, Shop};

const CONTACTS: usize = 16;
/// The kills on one data directory.
const KILLS: usize = 50;
const SEED: usize = 20_260_101;
/// One seed takes half a minute on two cores; a hang is told from slowness here.
const LIMIT: Duration = Duration::from_secs(300);

/// A host that is killed when its time has come, and started again on the same data.
struct Mortal {
    setup: Setup,
    confab: Confab,
    address: watch::Sender<Client>,
    fate: Arc<Fate>,
}

impl Mortal {
    async fn born(setup: Setup, fate: &Arc<Fate>) -> Self {
        let confab = start(&setup).await;
        Self {
            address: watch::Sender::new(confab.client("clerk")),
            setup,
            confab,
            fate: Arc::clone(fate),
        }
    }

    async fn dies(&mut self, doom: Doom) {
        self.fate.comes([doom]).await;
        self.confab.kill();
        self.fate.killed();
        self.confab = start(&self.setup).await;
        self.address.send_replace(self.confab.client("clerk"));
    }
}

async fn start(setup: &Setup) -> Confab {
    let setup = setup.clone();
    spawn_blocking(move || setup.start()).await.unwrap()
}

/// What one seed comes to.
async fn live(seed: u64, kills: usize) -> Report {
    let mut random = StdRng::seed_from_u64(seed);
    let fate = Arc::new(Fate::default());
    let shop = Shop::open(seed, &fate).await;
    let folder = bot::clerk(shop.port);
    let data = TempDir::new().unwrap();
    let mut host = Mortal::born(Setup::new(folder.path(), data.path()), &fate).await;
    let mut world = World {
        host: host.address.subscribe(),
        fate,
        is_over: Arc::new(AtomicBool::new(false)),
        silence: None,
    };
    let mut report = Report::default();

    let mut contacts = JoinSet::new();
    for contact in 0..CONTACTS {
        let seed = seed.wrapping_mul(1000) + contact as u64;
        let pace = match contact % 2 {
            0 => Pace::Patient,
            _ => Pace::Hasty,
        };
        contacts.spawn(talk(world.clone(), contact, seed, (pace, &WISHES)));
    }
    for _ in 0..kills {
        let doom = Doom::draw(&mut random);
        host.dies(doom).await;
        report.killed(doom.moment);
    }
    world.is_over.store(true, Ordering::Relaxed);
    let conversations: Vec<Conversation> =
        contacts.join_all().await.into_iter().flatten().collect();
    let ends = settled(&world, conversations).await;
    let (ledger, unknown) = (shop.ledger().await, world.unknown().await);
    judge::judge(&mut report, &ends, &ledger, &unknown);

    let settling = settle(world.clone(), &unknown, &ledger);
    tokio::pin!(settling);
    loop {
        let doom = Doom::settling(&mut random);
        tokio::select! {
            () = &mut settling => break,
            () = host.dies(doom) => report.killed(doom.moment),
        }
    }
    let ends = go_on(&world, &mut report, ends, &unknown).await;
    assert_eq!(shop.ledger().await, ledger, "a person's word did something");
    drop(host);
    judge::notes(&mut report, &ends, &written(data.path(), &ends));
    report
}

pub(crate) async fn settled(world: &World, conversations: Vec<Conversation>) -> Vec<End> {
    let settling = conversations.into_iter().map(|conversation| {
        let mut world = world.clone();
        async move { world.settled(conversation).await }
    });
    join_all(settling).await
}

/// The orders in the notes of each session, by its name.
fn written(data: &Path, ends: &[End]) -> BTreeMap<String, Vec<String>> {
    let flush = Arc::new(FlushThread::start().unwrap());
    let store = Store::open(&database_path(data), Arc::new(FileDisk), flush).unwrap();
    let notes = |name: &String| {
        let key = SessionKey::new("local", "clerk", Channel::Web, name).unwrap();
        let records = store.records(&key).unwrap();
        let orders = records
            .iter()
            .filter_map(|note| note.body["order"].as_str());
        orders.map(str::to_owned).collect()
    };
    let names = ends.iter().map(|end| &end.conversation.name);
    names.map(|name| (name.clone(), notes(name))).collect()
}

/// What a person who has read the shop's ledger says of it.
fn truth(unknown: &Unknown, ledger: &[Deed]) -> Truth {
    let order = unknown.arguments["order"].as_str().unwrap();
    let place = place(&unknown.tool);
    let mut deeds = ledger.iter();
    if deeds.any(|deed| deed.place == place && deed.order == order) {
        Truth::Happened {
            result: serde_json::Value::Null,
        }
    } else {
        Truth::DidNot
    }
}

/// Settles everything that is unknown, as the ledger has it.
pub(crate) async fn settle(mut world: World, unknown: &[Unknown], ledger: &[Deed]) {
    for unknown in unknown {
        world.settle(unknown, &truth(unknown, ledger)).await;
    }
    let left = world.unknown().await;
    assert!(left.is_empty(), "settled, and still listed: {left:?}");
}

/// Every session goes on: the bot has told what became known, once, and answers another message.
pub(crate) async fn go_on(
    world: &World,
    report: &mut Report,
    ends: Vec<End>,
    unknown: &[Unknown],
) -> Vec<End> {
    let going = ends.into_iter().map(|end| {
        let (mut world, mut conversation) = (world.clone(), end.conversation);
        async move {
            let id = format!("{}m{}", conversation.name, conversation.said.len());
            world.post(&conversation.name, &id, "still there?").await;
            conversation.said.push((id, bot::Wish::Chat));
            world.settled(conversation).await
        }
    });
    let ends = join_all(going).await;
    for unknown in unknown {
        let id = format!("outcome:{}", unknown.id);
        let of = |end: &&End| end.trace.session == unknown.session;
        let trace: &Trace = &ends.iter().find(of).unwrap().trace;
        let turns = trace
            .turns
            .iter()
            .filter(|turn| turn.messages.contains(&id));
        let told: Vec<&str> = turns.filter_map(|turn| turn.reply.as_deref()).collect();
        if told.len() != 1 || unknown.kind == UnknownKind::Effect && !told[0].contains("happen") {
            report.broken.push(format!("{id}: told {told:?}"));
        }
    }
    for end in &ends {
        let last = end.trace.messages.last().unwrap();
        if last.verdict != MessageVerdict::Settled(Verdict::Answered) {
            report.broken.push(format!("does not go on: {last:?}"));
        }
    }
    ends
}

#[tokio::test]
async fn a_killed_process_settles_every_message_once_and_does_nothing_twice() {
    let number = |name: &str, default| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let (kills, seed) = (
        number("CONFAB_KILLS", KILLS),
        number("CONFAB_KILL_SEED", SEED),
    );
    let mut all = Report::default();
    for (round, from) in (0..kills).step_by(KILLS).enumerate() {
        let seed = seed + round;
        let report = timeout(LIMIT, live(seed as u64, KILLS.min(kills - from))).await;
        all.add(report.unwrap_or_else(|_| panic!("CONFAB_KILL_SEED={seed}: it never ended")));
        println!("{all}");
        assert!(
            all.broken.is_empty(),
            "CONFAB_KILL_SEED={seed}: {:#?}",
            all.broken
        );
    }
    let [did_not, happened] = all.unknown;
    assert!(
        all.kills.values().sum::<usize>() >= kills
            && all.messages > 10 * kills
            && all.effects > 4 * kills
            && did_not.min(happened).min(all.undone) > kills / 5,
        "too little was going on"
    );
}
