//! The world outside the host, which survives its power cuts: what was acknowledged, shown, done and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::error::{Error, Kind};
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::{Carrier, Channel, Delivery, DeliveryState, Reference, SendReport};
use engine::overlap::Overlap;
use engine::runtime::Runtime;
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::Carriers;

/// How often each thing happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// An action of the shop, as its own books have it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deed {
    /// The address that was asked, which names the tool.
    pub(crate) url: String,
    /// The arguments.
    pub(crate) body: serde_json::Value,
    /// How often it was done under its key.
    pub(crate) times: usize,
}

#[derive(Default)]
pub(crate) struct Books {
    /// Ids that were acknowledged.
    pub(crate) acknowledged: BTreeSet<String>,
    /// What readers were shown, by its place.
    pub(crate) shown: BTreeMap<(SessionKey, u64), String>,
    /// What the shop did, by idempotency key.
    pub(crate) deeds: BTreeMap<String, Deed>,
    /// What the carrier sent, by our reference.
    pub(crate) sent: BTreeMap<String, Vec<String>>,
    /// Sessions that a person held at some time.
    pub(crate) taken: BTreeSet<SessionKey>,
    tally: Tally,
    peace: Option<Duration>,
}

/// A cheap handle to the world outside.
#[derive(Clone)]
pub struct Outside {
    pub(crate) runtime: Runtime,
    pub(crate) policy: Overlap,
    books: Arc<Mutex<Books>>,
}

impl Outside {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        let policies = [
            Overlap::Queue,
            Overlap::Supersede,
            Overlap::Supersede,
            Overlap::Absorb,
            Overlap::AbsorbRestart,
            Overlap::ForceComplete,
        ];
        let drawn = runtime.entropy.next_u64() % policies.len() as u64;
        Self {
            runtime: runtime.clone(),
            policy: policies[usize::try_from(drawn).unwrap_or(0)],
            books: Arc::default(),
        }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.books().tally.entry(what).or_default() += 1;
    }

    pub(crate) fn tally(&self) -> Tally {
        std::mem::take(&mut self.books().tally)
    }

    /// From then on nothing fails any more.
    pub(crate) fn make_peace_after(&self, millis: u64) {
        let peace = self.runtime.clock.monotonic() + Duration::from_millis(millis);
        self.books().peace = Some(peace);
    }

    /// Notes what a reader was shown at a place; it must be the same for ever.
    pub(crate) fn show(&self, place: (SessionKey, u64), text: String) {
        let mut books = self.books();
        let known = books
            .shown
            .entry(place.clone())
            .or_insert_with(|| text.clone());
        assert_eq!(*known, text, "{place:?} shows another reply");
    }

    /// A number below `most`.
    pub(crate) fn draw(&self, most: u64) -> u64 {
        self.runtime.entropy.next_u64() % most
    }

    /// Whether something with this name goes wrong now: once in `times`, and not in peace.
    pub(crate) fn fails(&self, what: &'static str, times: u64) -> bool {
        let now = self.runtime.clock.monotonic();
        let peace = self.books().peace.is_some_and(|peace| now >= peace);
        let fails = !peace && self.draw(times) == 0;
        if fails {
            self.count(what);
        }
        fails
    }

    pub(crate) async fn pause(&self, longest_millis: u64) {
        let millis = self.draw(longest_millis);
        self.runtime
            .clock
            .sleep(Duration::from_millis(millis))
            .await;
    }
}

/// The shop: does what it is asked, keeps books by idempotency key, and loses answers.
#[async_trait]
impl Http for Outside {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        self.pause(500).await;
        if self.fails("the shop could not be reached", 12) {
            return Err(HttpFailure::NotSent("no connection".to_owned()));
        }
        if self.fails("the shop was busy", 12) {
            return Ok(answer(429, b"{}"));
        }
        if self.fails("the shop refused with garbage", 20) {
            return Ok(answer(503, b"<html>"));
        }
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "idempotency-key");
        if let Some((_, key)) = key {
            let body = request.body.as_deref().unwrap_or_default();
            let mut books = self.books();
            let deed = books.deeds.entry(key.clone()).or_insert_with(|| Deed {
                url: request.url.clone(),
                body: serde_json::from_slice(body).unwrap_or_default(),
                times: 0,
            });
            deed.times += 1;
        }
        if self.fails("the shop's answer was lost", 8) {
            return Err(HttpFailure::Unknown("connection reset".to_owned()));
        }
        if self.fails("the shop hung after the deed", 12) {
            self.runtime.clock.sleep(Duration::from_secs(600)).await;
        }
        self.pause(500).await;
        Ok(answer(200, br#"{"done":true}"#))
    }
}

fn answer(status: u16, body: &[u8]) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    }
}

/// The carrier: sends, keeps books by our reference, and loses answers.
#[async_trait]
impl Carrier for Outside {
    async fn send(&self, reference: &Reference, text: &str) -> SendReport {
        self.pause(500).await;
        let (state, error) = if self.fails("the carrier refused", 12) {
            (DeliveryState::Failed, Some("blocked".to_owned()))
        } else {
            let reference = reference.to_string();
            self.books()
                .sent
                .entry(reference)
                .or_default()
                .push(text.to_owned());
            if self.fails("the carrier's answer was lost", 10) {
                (
                    DeliveryState::Unconfirmed,
                    Some("connection reset".to_owned()),
                )
            } else {
                (DeliveryState::Sent, None)
            }
        };
        if self.fails("the carrier hung after the send", 15) {
            self.runtime.clock.sleep(Duration::from_secs(600)).await;
        }
        self.pause(500).await;
        vec![Delivery {
            part: 0,
            state,
            provider_id: None,
            error,
            at: self.runtime.now(),
        }]
    }
}

#[async_trait]
impl Carriers for Outside {
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        Ok((key.channel() == Channel::Sms).then(|| Arc::new(self.clone()) as Arc<dyn Carrier>))
    }
}

#[async_trait]
impl Secrets for Outside {
    async fn secret(&self, _tenant: &str, name: &str) -> Result<Secret, Error> {
        Err(Error::new(Kind::NotFound, format!("no secret {name}")))
    }
}
