//! Contacts who talk to a host that is killed again and again, and an operator who looks after what nobody saw.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::transcript::Truth;
use engine::unknown::Unknown;
use engine::view::{Message, MessageVerdict, Role, Trace};
use futures::future::{BoxFuture, join_all};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::bot::Wish;
use super::fate::{Fate, Moment};
use crate::client::{Client, Reply, Request};

/// How often each message is posted, at once.
const COPIES: usize = 2;
/// The messages of a session.
const MESSAGES: usize = 12;
/// A request that fails for longer than a killed host needs to come back failed for another reason.
const REBIRTH: Duration = Duration::from_secs(60);

/// How a contact writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Waits for each reply.
    Patient,
    /// Writes so many messages, then waits until all are settled.
    Bursts(usize),
    /// Waits for nothing.
    Hasty,
}

/// What is done in a place where time would have to pass: a session that stays silent is handed in by name.
pub(crate) type Silence = Arc<dyn Fn(&str) -> BoxFuture<'static, ()> + Send + Sync>;

/// What the contacts share.
#[derive(Clone)]
pub(crate) struct World {
    /// The host's present life.
    pub(crate) host: watch::Receiver<Client>,
    pub(crate) fate: Arc<Fate>,
    /// Nobody begins anything any more.
    pub(crate) is_over: Arc<AtomicBool>,
    /// What heals a session that stays silent, where the host does not do that alone.
    pub(crate) silence: Option<Silence>,
}

/// A session, as the contact knows it.
pub(crate) struct Conversation {
    pub(crate) name: String,
    /// The ids of what was said, all of it acknowledged, and what was wanted.
    pub(crate) said: Vec<(String, Wish)>,
    /// What was read meanwhile.
    pub(crate) seen: Vec<Message>,
}

/// How a session stands, with nothing pending.
pub(crate) struct End {
    pub(crate) conversation: Conversation,
    pub(crate) trace: Trace,
    pub(crate) messages: Vec<Message>,
}

impl World {
    /// Does `attempt` again in each life of the host until it is answered.
    async fn insist<T, F: Future<Output = io::Result<T>>>(
        &mut self,
        attempt: impl Fn(Client) -> F,
    ) -> T {
        loop {
            let client = self.host.borrow_and_update().clone();
            match attempt(client).await {
                Ok(answer) => return answer,
                Err(error) => {
                    let reborn = timeout(REBIRTH, self.host.changed()).await;
                    reborn
                        .unwrap_or_else(|_| panic!("{error}, and the host was not killed"))
                        .unwrap();
                }
            }
        }
    }

    /// The path of something of the tenant.
    fn of_tenant(&self, what: &str) -> String {
        let bot = self.host.borrow().bot.clone();
        let (tenant, _) = bot.rsplit_once('/').unwrap();
        format!("{tenant}/{what}")
    }

    /// Nothing was heard in a session for a while.
    async fn is_silent(&self, name: &str) {
        if let Some(silence) = &self.silence {
            silence(name).await;
        }
    }

    /// How long to listen at once, in seconds.
    fn hearing(&self) -> u64 {
        if self.silence.is_some() { 2 } else { 25 }
    }

    /// Sends a request in each life of the host until it is answered; `moment` is between the two.
    pub(crate) async fn ask(&mut self, request: &Request, moment: Moment) -> Reply {
        let fate = Arc::clone(&self.fate);
        self.insist(|client| {
            let (request, fate) = (request.clone(), Arc::clone(&fate));
            async move {
                let mut connection = client.connect(request).await?;
                fate.pass(moment).await;
                let reply = Reply::read(&mut connection).await?;
                match reply.status {
                    // What stands before a function answers for it when it dies.
                    500.. => Err(io::Error::other(reply.text())),
                    _ => Ok(reply),
                }
            }
        })
        .await
    }

    /// Posts a message until it is acknowledged.
    pub(crate) async fn post(&mut self, name: &str, id: &str, text: &str) {
        let path = self.host.borrow().path(name, "messages");
        let body = json!({ "text": text, "id": id }).to_string();
        let reply = self.ask(&Request::post(&path, body), Moment::Posted).await;
        assert_eq!(reply.status, 202, "{id}: {}", reply.text());
        self.fate.pass(Moment::Acknowledged).await;
    }

    /// Reads on from what was `seen` until `replies` of the bot are there.
    async fn read_until(&mut self, name: &str, seen: &mut Vec<Message>, replies: usize) {
        let is_reply = |message: &&Message| message.role == Role::Assistant;
        while seen.iter().filter(is_reply).count() < replies {
            let after = seen.last().map_or(0, |message| message.seq);
            let hearing = self.hearing();
            let news = self
                .insist(|client| async move { client.messages(name, after, hearing).await })
                .await;
            if news.is_empty() {
                self.is_silent(name).await;
            }
            seen.extend(news);
            self.fate.pass(Moment::Heard).await;
        }
    }

    /// Waits until nothing of the session is pending.
    pub(crate) async fn settled(&mut self, conversation: Conversation) -> End {
        let (trace, messages) = self.at_rest(&conversation.name).await;
        End {
            conversation,
            trace,
            messages,
        }
    }

    /// What there is of the session once nothing of it is pending.
    pub(crate) async fn at_rest(&mut self, name: &str) -> (Trace, Vec<Message>) {
        let (mut last, mut heard) = (0, Instant::now());
        loop {
            let trace = self
                .insist(|client| async move { client.trace(name).await })
                .await;
            let messages = self
                .insist(|client| async move { client.messages(name, 0, 0).await })
                .await;
            let mut verdicts = trace.messages.iter().map(|message| message.verdict);
            if verdicts.all(|verdict| verdict != MessageVerdict::Pending) {
                return (trace, messages);
            }
            let news = self
                .insist(|client| async move { client.messages(name, last, 1).await })
                .await;
            match news.last() {
                Some(newest) => (last, heard) = (newest.seq, Instant::now()),
                None if heard.elapsed() >= Duration::from_secs(self.hearing()) => {
                    self.is_silent(name).await;
                    heard = Instant::now();
                }
                None => {}
            }
        }
    }

    /// What nobody saw come to an end.
    pub(crate) async fn unknown(&mut self) -> Vec<Unknown> {
        let request = &Request::get(&self.of_tenant("unknown"));
        let reply = self
            .insist(|client| async move { client.send(request.clone()).await })
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        serde_json::from_value(reply.json()["unknown"].take()).unwrap()
    }

    /// Says what came of it, until that is acknowledged.
    pub(crate) async fn settle(&mut self, unknown: &Unknown, truth: &Truth) {
        let path = self.of_tenant(&format!("unknown/{}", unknown.id));
        let body = json!({ "happened": matches!(truth, Truth::Happened { .. }) }).to_string();
        let reply = self.ask(&Request::post(&path, body), Moment::Settled).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// Has one conversation after the other until everything is over, and wants one of `wishes` each time.
pub(crate) async fn talk(
    mut world: World,
    contact: usize,
    seed: u64,
    (pace, wishes): (Pace, &'static [Wish]),
) -> Vec<Conversation> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut conversations = Vec::new();
    while !world.is_over.load(Ordering::Relaxed) {
        let mut conversation = Conversation {
            name: format!("s{contact}-{}", conversations.len()),
            said: Vec::new(),
            seen: Vec::new(),
        };
        let name = conversation.name.clone();
        while conversation.said.len() < MESSAGES && !world.is_over.load(Ordering::Relaxed) {
            let wish = wishes[random.random_range(0..wishes.len())];
            let id = format!("{name}m{}", conversation.said.len());
            let text = wish.text(&id);
            let copies = (0..COPIES).map(|_| {
                let (mut world, name, id, text) = (world.clone(), &name, &id, &text);
                async move { world.post(name, id, text).await }
            });
            join_all(copies).await;
            conversation.said.push((id, wish));
            let said = conversation.said.len();
            match pace {
                Pace::Patient => {
                    world.read_until(&name, &mut conversation.seen, said).await;
                }
                Pace::Bursts(messages) if said.is_multiple_of(messages) => {
                    world.at_rest(&name).await;
                }
                Pace::Bursts(_) | Pace::Hasty => {}
            }
        }
        conversations.push(conversation);
    }
    conversations
}
