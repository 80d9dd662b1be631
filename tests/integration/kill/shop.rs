//! A shop on this machine that answers late, half, twice or never, and whose ledger says what it did.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::fate::{Fate, Moment};
use crate::asked::Asked;

/// Something that the shop did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deed {
    /// `refunds`, `payments`, `bookings`, `cancellations`, `reminders`.
    pub(crate) place: String,
    /// What it was done to: the business key.
    pub(crate) order: String,
    /// The idempotency key.
    pub(crate) key: String,
}

/// How the shop treats a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    Answers,
    /// Answers when so many more requests have come, unless nobody waits any more.
    Late(usize),
    /// Does it, and closes the connection.
    LosesTheAnswer,
    /// Closes the connection at once.
    LosesTheRequest,
    /// Does it, and says nothing until nobody waits any more.
    Hangs,
    /// Does it, and says that it broke.
    Breaks,
    /// Does nothing.
    IsBusy,
}

impl Manner {
    fn draw(random: &mut StdRng) -> Self {
        match random.random_range(0..60) {
            0..=2 => Self::LosesTheAnswer,
            3..=4 => Self::LosesTheRequest,
            5 => Self::Hangs,
            6..=7 => Self::Breaks,
            8..=11 => Self::IsBusy,
            12..=23 => Self::Late(random.random_range(1..12)),
            _ => Self::Answers,
        }
    }
}

struct Counter {
    fate: Arc<Fate>,
    random: Mutex<StdRng>,
    ledger: Mutex<Vec<Deed>>,
    /// Requests that came, and requests that are not over.
    requests: watch::Sender<(usize, usize)>,
}

pub(crate) struct Shop {
    pub(crate) port: u16,
    counter: Arc<Counter>,
}

impl Shop {
    pub(crate) async fn open(seed: u64, fate: &Arc<Fate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let counter = Arc::new(Counter {
            fate: Arc::clone(fate),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
            ledger: Mutex::default(),
            requests: watch::Sender::new((0, 0)),
        });
        let serving = Arc::clone(&counter);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&serving);
                tokio::spawn(async move {
                    counter.requests.send_modify(|(came, open)| {
                        *came += 1;
                        *open += 1;
                    });
                    counter.serve(stream).await;
                    counter.requests.send_modify(|(_, open)| *open -= 1);
                });
            }
        });
        Self { port, counter }
    }

    /// What it has done, once it has nothing more to do.
    pub(crate) async fn ledger(&self) -> Vec<Deed> {
        let mut requests = self.counter.requests.subscribe();
        requests.wait_for(|(_, open)| *open == 0).await.unwrap();
        self.counter.ledger().clone()
    }
}

impl Counter {
    fn ledger(&self) -> MutexGuard<'_, Vec<Deed>> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = Asked::read(&mut stream).await else {
            return;
        };
        self.fate.pass(Moment::Asked).await;
        let manner = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            Manner::draw(&mut random)
        };
        let (status, body) = match manner {
            Manner::LosesTheRequest => return,
            Manner::IsBusy => (429, json!({ "error": "busy" })),
            _ => self.act(&asked),
        };
        self.fate.pass(Moment::Done).await;
        let status = match manner {
            Manner::LosesTheAnswer => return,
            Manner::Hangs => {
                drop(stream.read(&mut [0]).await);
                return;
            }
            Manner::Breaks => 503,
            Manner::Late(after) => {
                self.dawdle(&mut stream, after).await;
                status
            }
            _ => status,
        };
        // Whoever asked may be dead.
        drop(self.tell(&mut stream, status, &body).await);
    }

    /// Waits until `after` more requests have come, or until nobody waits for the answer.
    async fn dawdle(&self, stream: &mut TcpStream, after: usize) {
        let mut requests = self.requests.subscribe();
        let last = requests.borrow().0 + after;
        let mut byte = [0];
        tokio::select! {
            _ = requests.wait_for(|(came, _)| *came >= last) => {}
            _ = stream.read(&mut byte) => {}
        }
    }

    async fn tell(&self, stream: &mut TcpStream, status: u16, body: &Value) -> std::io::Result<()> {
        let body = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} So\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (first, second) = answer.as_bytes().split_at(answer.len() - body.len() / 2);
        stream.write_all(first).await?;
        self.fate.pass(Moment::HalfTold).await;
        stream.write_all(second).await
    }

    /// Does what it is asked, as often as it is asked. Only of payments it knows what it did under a key.
    fn act(&self, asked: &Asked) -> (u16, Value) {
        let mut ledger = self.ledger();
        let path = asked.path.trim_start_matches('/');
        if asked.method == "GET" {
            let Some(key) = path.strip_prefix("payments/") else {
                return (200, json!({ "state": "shipped" }));
            };
            let done = ledger.iter().any(|deed| deed.key == key);
            return if done {
                (200, json!({ "done": true }))
            } else {
                (404, json!({}))
            };
        }
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let deed = Deed {
            place: path.to_owned(),
            order: body["order"].as_str().unwrap().to_owned(),
            key: asked.header("idempotency-key").unwrap().to_owned(),
        };
        let knows = path == "payments" && ledger.iter().any(|known| known.key == deed.key);
        if !knows {
            ledger.push(deed);
        }
        (200, json!({ "done": true }))
    }
}
