//! The world outside the host, which survives its power cuts: what was acknowledged, shown, done and sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::approval::Approval;
use engine::error::{Error, Kind};
use engine::message::{Carrier, Channel, Delivery, DeliveryState, Reference, SendReport};
use engine::overlap::Overlap;
use engine::runtime::Runtime;
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::Carriers;
use serde_json::Value;

use crate::money::Terms;
use crate::shop::Deed;
use crate::staff::Switch;

/// How long after a stop something may still begin: what is known may be a second old, and a sync takes its time.
const STOPPED_WITHIN: Duration = Duration::from_millis(1100);

/// How often each thing happened.
pub type Tally = BTreeMap<&'static str, u64>;

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
    /// What the contacts said, by id.
    said: BTreeMap<String, String>,
    /// Calls to which somebody who may has said yes, or was about to, by approval.
    pub(crate) yes: BTreeMap<String, Value>,
    /// Why the power is cut at once.
    pub(crate) doom: Option<&'static str>,
    pub(crate) switch: Switch,
    /// What sessions and days have really cost, in micro-dollars.
    pub(crate) spent: BTreeMap<String, u64>,
    /// Promises that were broken where somebody outside could see it.
    pub(crate) broken: Vec<String>,
    tally: Tally,
    peace: Option<Duration>,
}

impl Books {
    pub(crate) fn breaks(&mut self, promise: String) {
        self.broken.push(promise);
    }

    /// What a contact said under `id`.
    pub(crate) fn said(&self, id: &str) -> Option<&str> {
        self.said.get(id).map(String::as_str)
    }
}

/// A cheap handle to the world outside.
#[derive(Clone)]
pub struct Outside {
    pub(crate) runtime: Runtime,
    pub(crate) policy: Overlap,
    pub(crate) terms: Terms,
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
            terms: Terms::draw(runtime),
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

    pub(crate) fn is_peace(&self) -> bool {
        let now = self.runtime.clock.monotonic();
        self.books().peace.is_some_and(|peace| now >= peace)
    }

    /// What a contact says under `id`, however often. By text message it may be a word for the carrier.
    pub(crate) fn text_of(&self, id: &str, session: usize) -> String {
        if let Some(text) = self.books().said(id) {
            return text.to_owned();
        }
        let is_sms = crate::people::key_of(session).channel() == Channel::Sms;
        let text = match self.draw(12) {
            0 | 1 if is_sms => "STOP".to_owned(),
            2 | 3 if is_sms => "start!".to_owned(),
            4 if is_sms => "Help".to_owned(),
            _ => format!("hello from {id}"),
        };
        self.books().said.insert(id.to_owned(), text.clone());
        text
    }

    /// Somebody who may is about to say yes.
    pub(crate) fn allows(&self, approval: &Approval) {
        let inputs = approval.envelope.inputs.clone();
        self.books().yes.insert(approval.id.clone(), inputs);
    }

    /// The power may be cut right here, where `what` is done and not durable.
    pub(crate) fn tempts(&self, what: &'static str) {
        if self.draw(10) == 0 {
            self.books().doom.get_or_insert(what);
        }
    }

    /// Something begins that a stopped bot must not do.
    pub(crate) fn begins(&self, what: &str) {
        let now = self.runtime.clock.monotonic();
        let mut books = self.books();
        if let Switch::Off(since) = books.switch
            && now > since + STOPPED_WITHIN
        {
            books.breaks(format!("{what} began {:?} after the stop", now - since));
        }
    }

    /// Whether something with this name goes wrong now: once in `times`, and not in peace.
    pub(crate) fn fails(&self, what: &'static str, times: u64) -> bool {
        let fails = !self.is_peace() && self.draw(times) == 0;
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
