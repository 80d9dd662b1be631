//! The shop: does what it is asked, keeps books by idempotency key, and loses answers.

use std::time::Duration;

use async_trait::async_trait;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use serde_json::Value;

use crate::outside::Outside;

/// What an action of the shop is, as the bot knows it.
pub(crate) struct Service {
    /// The tool that asks for it.
    pub(crate) tool: &'static str,
    /// Its `side_effect`.
    pub(crate) policy: &'static str,
    /// The last part of its address.
    pub(crate) place: &'static str,
    /// What is counted when it was done.
    pub(crate) counted: &'static str,
}

pub(crate) const SERVICES: [Service; 6] = [
    service("look_up", "pure", "orders", "looked up"),
    service("remind", "idempotent", "reminders", "reminded"),
    service("cancel", "idempotent", "cancellations", "cancelled"),
    service("book", "compensatable", "bookings", "booked"),
    service("refund", "irreversible", "refunds", "refunded"),
    service("pay", "irreversible", "payments", "paid"),
];

const fn service(
    tool: &'static str,
    policy: &'static str,
    place: &'static str,
    counted: &'static str,
) -> Service {
    Service {
        tool,
        policy,
        place,
        counted,
    }
}

impl Service {
    /// Whether it must not be done twice, even under the same key.
    pub(crate) fn is_once(&self) -> bool {
        ["compensatable", "irreversible"].contains(&self.policy)
    }

    /// Whether a turn that has done it cannot be taken back.
    pub(crate) fn commits(&self) -> bool {
        ["idempotent", "irreversible"].contains(&self.policy)
    }

    /// The service at an address.
    pub(crate) fn at(url: &str) -> Option<&'static Self> {
        let place = url.rsplit('/').next()?;
        SERVICES.iter().find(|service| service.place == place)
    }
}

/// The highest amount that is paid without a person's yes.
pub(crate) const UNASKED: u64 = 50;

/// Where the shop says whether it did something, by its key.
pub(crate) const DONE: &str = "/done/";

/// An action of the shop, as its own books have it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Deed {
    /// The address that was asked, which names the tool.
    pub(crate) url: String,
    /// The arguments.
    pub(crate) body: Value,
    /// How often it was done under its key.
    pub(crate) times: usize,
}

impl Deed {
    /// Whether it took a person's yes.
    pub(crate) fn was_asked_for(&self) -> bool {
        let amount = self.body["amount"].as_u64();
        self.url.ends_with("/payments") && amount.is_some_and(|amount| amount > UNASKED)
    }
}

#[async_trait]
impl Http for Outside {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        if request.method != "GET" {
            self.begins("an effect");
        }
        let (millis, body) = (self.runtime.now().0, request.body.as_deref());
        let body = String::from_utf8_lossy(body.unwrap_or_default());
        tracing::debug!(millis, request.method, request.url, %body, "the shop is asked");
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
        if let Some((_, key)) = request.url.split_once(DONE) {
            self.count("the shop was asked what it had done");
            let done = self.books().deeds.contains_key(key);
            return Ok(answer(if done { 200 } else { 404 }, b"{}"));
        }
        self.act(&request);
        tracing::debug!(
            millis = self.runtime.now().0,
            request.url,
            "the shop has done it"
        );
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

impl Outside {
    fn act(&self, request: &HttpRequest) {
        let mut headers = request.headers.iter();
        let Some((_, key)) = headers.find(|(name, _)| name == "idempotency-key") else {
            return;
        };
        let body = request.body.as_deref().unwrap_or_default();
        let mut books = self.books();
        let deed = books.deeds.entry(key.clone()).or_insert_with(|| Deed {
            url: request.url.clone(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            times: 0,
        });
        deed.times += 1;
        let deed = deed.clone();
        let allowed = books.yes.values().any(|inputs| *inputs == deed.body);
        if deed.was_asked_for() && !allowed {
            books.breaks(format!("done without a yes: {deed:?}"));
        }
    }
}

fn answer(status: u16, body: &[u8]) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    }
}
