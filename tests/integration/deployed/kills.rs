//! Functions killed at counted moments while people have the deployed shape do things at a fake shop, and text it:
//! Step Functions' retries, repeated webhooks and the sweep heal it; the shop and the carrier are the judges.
//!
//! `CONFAB_DEPLOYED_KILLS` is how often, and then nothing else is tried; `CONFAB_KILL_SEED` the seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::transcript::Verdict;
use engine::view::{MessageVerdict, Trace};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};

use super::silence::time_passes;
use super::stack::Stack;
use crate::asked::Asked;
use crate::carrier::Carrier;
use crate::client::Client;
use crate::kill::bot::WISHES;
use crate::kill::fate::{Doom, Fate, Moment};
use crate::kill::judge::{Report, judge};
use crate::kill::people::{Conversation, Pace, World, talk};
use crate::kill::shop::Shop;
use crate::kill::{go_on, settle, settled};
use crate::signing::{field, text_from};

/// The functions that are killed at what they ask of AWS.
pub(super) const WATCHED: [&str; 9] = [
    "webhook-web",
    "webhook-twilio",
    "turn-run",
    "tool-call",
    "turn-deliver",
    "stream-holds",
    "job-sweep",
    "turn-fail",
    "api-unknown",
];
/// The kills of `scripts/test`.
const KILLS: usize = 16;
const SEED: u64 = 20_260_101;
/// The most times that a moment comes before it is the one.
const PATIENCE: usize = 8;
/// A moment that does not come within this time is waited for no longer.
const RARE: Duration = Duration::from_secs(5);
/// A kill and what heals it take two seconds, and up to ten where a lease must end; a hang is told from that here.
const EACH: Duration = Duration::from_secs(20);
/// The most kills in a row of what thinks.
const GRUDGE: usize = 40;
/// So many other kills come before that.
const PEACE: usize = 12;
const PHONES: [&str; 2] = ["+15550701", "+15550702"];
const PACES: [Pace; 4] = [
    Pace::Patient,
    Pace::Bursts(2),
    Pace::Patient,
    Pace::Bursts(3),
];

/// How often functions are to be killed, if that is all that is wanted.
pub(super) fn wanted() -> Option<usize> {
    let text = std::env::var("CONFAB_DEPLOYED_KILLS").ok()?;
    Some(text.parse().unwrap())
}

/// Everything that may be killed, and when.
fn moments() -> Vec<Moment> {
    use Moment::{Answers, Asked, Calls, Done, HalfSent, HalfTold, Posted, Sent};
    let of_aws = WATCHED[..7].iter();
    let of_aws = of_aws.flat_map(|function| [Calls(function), Answers(function)]);
    // Effects and sends are what it is about.
    let outside = [Asked, Done, HalfTold, Sent, HalfSent];
    of_aws
        .chain(outside.into_iter().chain(outside))
        .chain([Posted])
        .collect()
}

/// Who is killed then.
fn victim(moment: Moment) -> &'static str {
    match moment {
        Moment::Posted | Moment::Acknowledged => "webhook-web",
        Moment::Heard => "turn-run",
        Moment::Asked | Moment::Done | Moment::HalfTold => "tool-call",
        Moment::Sent | Moment::HalfSent => "turn-deliver",
        Moment::Settled => "api-unknown",
        Moment::Calls(function) | Moment::Answers(function) => function,
    }
}

/// The deployed shape, whose functions die.
struct Mortal {
    stack: Arc<Stack>,
    fate: Arc<Fate>,
    address: watch::Sender<Client>,
    texts: watch::Sender<Client>,
}

impl Mortal {
    fn world(&self, bot: &'static str, is_over: &Arc<AtomicBool>) -> World {
        let host = if bot == "texts" {
            &self.texts
        } else {
            &self.address
        };
        World {
            host: host.subscribe(),
            fate: Arc::clone(&self.fate),
            is_over: Arc::clone(is_over),
            silence: Some(time_passes(&self.stack, bot)),
        }
    }

    /// Kills a function when its time has come; gives the moment, if it did and a process of it ran.
    async fn dies(&self, dooms: impl Into<Vec<Doom>>) -> Option<Moment> {
        let moment = timeout(RARE, self.fate.comes(dooms)).await.ok()?;
        let stack = Arc::clone(&self.stack);
        let function = victim(moment);
        let killed = spawn_blocking(move || stack.kill(function)).await.unwrap();
        self.fate.killed();
        for address in [&self.address, &self.texts] {
            address.send_modify(|_| ());
        }
        (killed > 0).then_some(moment)
    }

    /// Kills what takes a person's word, `kills` times at most, until that is done.
    async fn dies_while(
        &self,
        settling: impl Future<Output = ()>,
        (random, kills): (&mut StdRng, usize),
        report: &mut Report,
    ) {
        use Moment::{Answers, Calls, Settled};
        let moments = [Settled, Calls("api-unknown"), Answers("api-unknown")];
        let mut left = kills;
        tokio::pin!(settling);
        loop {
            let doom = Doom::among(random, &moments, PATIENCE);
            tokio::select! {
                () = &mut settling => break,
                died = self.dies([doom]), if left > 0 => {
                    if let Some(moment) = died {
                        report.killed(moment);
                        left -= 1;
                    }
                }
            }
        }
        self.fate.spare();
    }

    /// Kills every attempt at a turn until one is given up, and what gives it up. Gives the moments.
    async fn bears_a_grudge(&self) -> Vec<Moment> {
        let mut moments = Vec::new();
        while moments.len() < GRUDGE {
            let thinks = Doom::next(Moment::Calls("turn-run"));
            let gives_up = Doom::next(Moment::Answers("turn-fail"));
            let Some(moment) = self.dies([thinks, gives_up]).await else {
                continue;
            };
            moments.push(moment);
            if moment == Moment::Answers("turn-fail") {
                break;
            }
        }
        moments
    }
}

/// `job-sweep` as its schedule calls it, only more often.
fn sweep(stack: &Arc<Stack>) -> JoinHandle<()> {
    let stack = Arc::clone(stack);
    tokio::spawn(async move {
        loop {
            let stack = Arc::clone(&stack);
            // It may be killed.
            drop(spawn_blocking(move || stack.try_invoke("job-sweep")).await);
            sleep(Duration::from_secs(1)).await;
        }
    })
}

/// Texts that were said by one phone, by their ids, and the trace of its session.
struct Texted {
    phone: &'static str,
    said: Vec<(String, String)>,
    trace: Trace,
}

/// Texts one message after the other, each as often as the webhook fails, until everything is over.
async fn text(mut world: World, phone: &'static str) -> Texted {
    let name = phone.replace('+', "sms:%2B");
    let mut said = Vec::new();
    loop {
        let id = format!("SM{}{}", &phone[1..], said.len());
        let body = format!("text {id}.");
        let request = text_from("acme", phone, &id, &body);
        let reply = world.ask(&request, Moment::Posted).await;
        assert_eq!(reply.status, 200, "{id}: {}", reply.text());
        said.push((id, body));
        let (trace, _) = world.at_rest(&name).await;
        if world.is_over.load(Ordering::Relaxed) {
            return Texted { phone, said, trace };
        }
    }
}

/// Each text was settled once, and the carrier was given a reply to it as often as is said.
fn judge_texts(report: &mut Report, texted: &Texted, sent: &BTreeMap<String, usize>) {
    let Texted { phone, said, trace } = texted;
    let ids: Vec<&str> = trace.messages.iter().map(|message| &*message.id).collect();
    let known: Vec<&str> = said.iter().map(|(id, _)| &**id).collect();
    report.messages += said.len();
    report.turns += trace.turns.len();
    report.losses += known.iter().filter(|id| !ids.contains(id)).count();
    report.holds(ids == known, || {
        format!("{phone}: lost, doubled or out of order: {ids:?}")
    });
    for ((id, text), message) in said.iter().zip(&trace.messages) {
        let times: usize = sent
            .iter()
            .filter(|(reply, _)| reply.contains(text))
            .map(|(_, times)| times)
            .sum();
        report.sends += times;
        report.duplicates += times.saturating_sub(1);
        let fits = match message.verdict {
            MessageVerdict::Settled(Verdict::Answered) => times == 1,
            MessageVerdict::Settled(Verdict::Unconfirmed) => {
                report.unconfirmed += 1;
                times <= 1
            }
            MessageVerdict::Settled(Verdict::Failed) => {
                report.parked += 1;
                // The apology, if anything.
                times == 0
            }
            _ => false,
        };
        report.holds(fits, || format!("{id}: sent {times} times: {message:?}"));
    }
}

/// Kills functions as often as is wanted, judges what came of it, and tells that in words.
pub(super) async fn killed_functions_settle_every_message_once_and_do_nothing_twice(
    stack: &Arc<Stack>,
    fate: &Arc<Fate>,
    shop: &Shop,
    carrier: &Carrier,
) -> String {
    let kills = wanted().unwrap_or(KILLS);
    let seed = std::env::var("CONFAB_KILL_SEED");
    let seed = seed.map_or(SEED, |text| text.parse().unwrap());
    let limit = Duration::from_secs(120) + EACH * u32::try_from(kills).unwrap();
    let began = Instant::now();
    let report = timeout(limit, live(stack, fate, (shop, carrier), (seed, kills))).await;
    let report = report.unwrap_or_else(|_| panic!("CONFAB_KILL_SEED={seed}: it never ended"));
    assert!(
        report.broken.is_empty(),
        "CONFAB_KILL_SEED={seed}: {report}: {:#?}",
        report.broken
    );
    assert!(
        report.messages > 2 * kills && report.effects > kills / 2 && report.sends > kills / 4,
        "too little was going on: {report}"
    );
    format!("{report}; in {} s", began.elapsed().as_secs())
}

async fn live(
    stack: &Arc<Stack>,
    fate: &Arc<Fate>,
    (shop, carrier): (&Shop, &Carrier),
    (seed, kills): (u64, usize),
) -> Report {
    let mut random = StdRng::seed_from_u64(seed);
    let host = Mortal {
        stack: Arc::clone(stack),
        fate: Arc::clone(fate),
        address: watch::Sender::new(stack.client("clerk")),
        texts: watch::Sender::new(stack.client("texts")),
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let world = host.world("clerk", &is_over);
    let sweeping = sweep(stack);
    let mut report = Report::default();

    let mut contacts = JoinSet::new();
    for (contact, pace) in PACES.into_iter().enumerate() {
        let seed = seed.wrapping_mul(1000) + contact as u64;
        // All but notes, which only their store could count.
        let wishes = &WISHES[..7];
        contacts.spawn(talk(world.clone(), contact, seed, (pace, wishes)));
    }
    let mut phones = JoinSet::new();
    for phone in PHONES {
        phones.spawn(text(host.world("texts", &is_over), phone));
    }
    let moments = moments();
    let mut killed = 0;
    while killed < kills {
        let doom = Doom::among(&mut random, &moments, PATIENCE);
        let Some(moment) = host.dies([doom]).await else {
            continue;
        };
        report.killed(moment);
        killed += 1;
        if killed % PEACE == 0 {
            for moment in host.bears_a_grudge().await {
                report.killed(moment);
                killed += 1;
            }
        }
    }
    is_over.store(true, Ordering::Relaxed);
    fate.spare();

    let conversations: Vec<Conversation> =
        contacts.join_all().await.into_iter().flatten().collect();
    let ends = settled(&world, conversations).await;
    let texted = phones.join_all().await;
    let (ledger, unknown) = (shop.ledger().await, world.clone().unknown().await);
    judge(&mut report, &ends, &ledger, &unknown);
    let mut sent: BTreeMap<String, usize> = BTreeMap::new();
    let texts = |request: &Asked| request.path.ends_with("/Messages.json");
    for request in carrier.sent().into_iter().filter(texts) {
        *sent.entry(field(&request.body, "Body")).or_default() += 1;
    }
    for texted in &texted {
        judge_texts(&mut report, texted, &sent);
    }

    let settling = settle(world.clone(), &unknown, &ledger);
    host.dies_while(settling, (&mut random, kills / 4), &mut report)
        .await;
    go_on(&world, &mut report, ends, &unknown).await;
    assert_eq!(shop.ledger().await, ledger, "a person's word did something");
    sweeping.abort();
    report
}
