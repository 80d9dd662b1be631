//! Contacts who talk to a host that is killed again and again, and an operator who looks after what nobody saw.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::transcript::Truth;
use engine::unknown::Unknown;
use engine::view::{Message, MessageVerdict, Role, Trace};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

use super::bot::{WISHES, Wish};
use super::fate::{Fate, Moment};
use crate::client::{Client, Reply, Request};

/// How often each message is posted, at once.
const COPIES: usize = 2;
/// The messages of a session.
const MESSAGES: usize = 12;
/// A request that fails for longer than a killed host needs to come back failed for another reason.
const REBIRTH: Duration = Duration::from_secs(60);

/// What the contacts share.
#[derive(Clone)]
pub(super) struct World {
    /// The host's present life.
    pub(super) host: watch::Receiver<Client>,
    pub(super) fate: Arc<Fate>,
    /// Nobody begins anything any more.
    pub(super) is_over: Arc<AtomicBool>,
}

/// A session, as the contact knows it.
pub(super) struct Conversation {
    pub(super) name: String,
    /// The ids of what was said, all of it acknowledged, and what was wanted.
    pub(super) said: Vec<(String, Wish)>,
    /// What was read meanwhile.
    pub(super) seen: Vec<Message>,
}

/// How a session stands, with nothing pending.
pub(super) struct End {
    pub(super) conversation: Conversation,
    pub(super) trace: Trace,
    pub(super) messages: Vec<Message>,
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

    /// Sends a request in each life of the host until it is answered; `moment` is between the two.
    async fn ask(&mut self, request: &Request, moment: Moment) -> Reply {
        let fate = Arc::clone(&self.fate);
        self.insist(|client| {
            let (request, fate) = (request.clone(), Arc::clone(&fate));
            async move {
                let mut connection = client.connect(request).await?;
                fate.pass(moment).await;
                Reply::read(&mut connection).await
            }
        })
        .await
    }

    /// Posts a message until it is acknowledged.
    pub(super) async fn post(&mut self, name: &str, id: &str, text: &str) {
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
            let news = self
                .insist(|client| async move { client.messages(name, after, 25).await })
                .await;
            seen.extend(news);
            self.fate.pass(Moment::Heard).await;
        }
    }

    /// Waits until nothing of the session is pending.
    pub(super) async fn settled(&mut self, conversation: Conversation) -> End {
        let name = conversation.name.as_str();
        let mut last = 0;
        loop {
            let trace = self
                .insist(|client| async move { client.trace(name).await })
                .await;
            let messages = self
                .insist(|client| async move { client.messages(name, 0, 0).await })
                .await;
            let mut verdicts = trace.messages.iter().map(|message| message.verdict);
            if verdicts.all(|verdict| verdict != MessageVerdict::Pending) {
                return End {
                    conversation,
                    trace,
                    messages,
                };
            }
            let news = self
                .insist(|client| async move { client.messages(name, last, 1).await })
                .await;
            last = news.last().map_or(last, |message| message.seq);
        }
    }

    /// What nobody saw come to an end.
    pub(super) async fn unknown(&mut self) -> Vec<Unknown> {
        let request = &Request::get("/v1/local/unknown");
        let reply = self
            .insist(|client| async move { client.send(request.clone()).await })
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        serde_json::from_value(reply.json()["unknown"].take()).unwrap()
    }

    /// Says what came of it, until that is acknowledged.
    pub(super) async fn settle(&mut self, unknown: &Unknown, truth: &Truth) {
        let path = format!("/v1/local/unknown/{}", unknown.id);
        let body = json!({ "happened": matches!(truth, Truth::Happened { .. }) }).to_string();
        let reply = self.ask(&Request::post(&path, body), Moment::Settled).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

/// Has one conversation after the other until everything is over. Every second contact waits for each reply.
pub(super) async fn talk(mut world: World, contact: usize, seed: u64) -> Vec<Conversation> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut conversations = Vec::new();
    let is_patient = contact.is_multiple_of(2);
    while !world.is_over.load(Ordering::Relaxed) {
        let mut conversation = Conversation {
            name: format!("s{contact}-{}", conversations.len()),
            said: Vec::new(),
            seen: Vec::new(),
        };
        let name = conversation.name.clone();
        while conversation.said.len() < MESSAGES && !world.is_over.load(Ordering::Relaxed) {
            let wish = WISHES[random.random_range(0..WISHES.len())];
            let id = format!("{name}m{}", conversation.said.len());
            let text = wish.text(&id);
            let copies = (0..COPIES).map(|_| {
                let (mut world, name, id, text) = (world.clone(), &name, &id, &text);
                async move { world.post(name, id, text).await }
            });
            join_all(copies).await;
            conversation.said.push((id, wish));
            if is_patient {
                let replies = conversation.said.len();
                world
                    .read_until(&name, &mut conversation.seen, replies)
                    .await;
            }
        }
        conversations.push(conversation);
    }
    conversations
}
