//! Sending the parts of a reply one after another, never one twice that may have left.

use std::time::Duration;

use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::{Delivery, DeliveryState, Reference, SendReport};
use engine::runtime::Runtime;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// The longest one request may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a provider's answer.
pub(crate) const MAX_ANSWER: usize = 64 * 1024;

/// Waits before a part that surely did not leave is tried again.
const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// The longest text of a provider that goes into a record, in characters.
const MAX_ERROR: usize = 300;

/// A provider's call that sends one part.
pub(crate) trait Api: Sync {
    /// The provider, for error texts.
    const NAME: &'static str;

    fn request(&self, reference: &Reference, part: &str) -> HttpRequest;

    /// Reads an answer.
    fn answer(&self, answer: &HttpAnswer) -> Answer;
}

/// What a provider answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The provider's id of the message.
    pub(crate) provider_id: Option<String>,
    /// The error code and text it gave.
    pub(crate) error: Option<String>,
    /// Whether it took nothing because of a rate limit.
    pub(crate) busy: bool,
    /// Whether it took the message and already gave it up.
    pub(crate) gave_up: bool,
}

/// What one try came to.
enum Outcome {
    Sent(Option<String>),
    Failed(Option<String>, String),
    Unconfirmed(String),
    /// Surely not sent; another try may do better.
    NotSent(String),
}

/// Sends `parts` in order and stops at the first that was not sent.
pub(crate) async fn send_parts<A: Api>(
    api: &A,
    http: &dyn Http,
    runtime: &Runtime,
    reference: &Reference,
    parts: &[String],
) -> SendReport {
    let mut report = SendReport::new();
    for (part, text) in (0u32..).zip(parts) {
        let reference = Reference {
            part,
            ..reference.clone()
        };
        let outcome = send_part(api, http, runtime, &reference, text).await;
        let delivery = delivery(part, outcome, runtime);
        let sent = delivery.state == DeliveryState::Sent;
        report.push(delivery);
        if !sent {
            break;
        }
    }
    report
}

async fn send_part<A: Api>(
    api: &A,
    http: &dyn Http,
    runtime: &Runtime,
    reference: &Reference,
    text: &str,
) -> Outcome {
    for wait in BACKOFF {
        match attempt(api, http, reference, text).await {
            Outcome::NotSent(_) => runtime.clock.sleep(wait).await,
            settled => return settled,
        }
    }
    attempt(api, http, reference, text).await
}

async fn attempt<A: Api>(api: &A, http: &dyn Http, reference: &Reference, text: &str) -> Outcome {
    match http.send(api.request(reference, text)).await {
        Ok(answer) => outcome::<A>(answer.status, api.answer(&answer)),
        Err(HttpFailure::NotSent(why) | HttpFailure::OffLimits(why)) => {
            Outcome::NotSent(format!("{} was not reached, not sent: {why}", A::NAME))
        }
        Err(HttpFailure::Unknown(why)) => {
            Outcome::Unconfirmed(format!("{} gave no answer: {why}", A::NAME))
        }
    }
}

fn outcome<A: Api>(status: u16, answer: Answer) -> Outcome {
    let reason = answer
        .error
        .map(|error| format!(", error {error}"))
        .unwrap_or_default();
    let error = format!("{} answered {status}{reason}", A::NAME);
    match status {
        200..=299 if answer.gave_up => Outcome::Failed(answer.provider_id, error),
        200..=299 => Outcome::Sent(answer.provider_id),
        // A proxy says 408 also when it forwarded the request and lost the answer.
        408 | 500.. | ..=199 => Outcome::Unconfirmed(error),
        429 => Outcome::NotSent(error),
        400..=499 if answer.busy => Outcome::NotSent(error),
        _ => Outcome::Failed(None, error),
    }
}

fn delivery(part: u32, outcome: Outcome, runtime: &Runtime) -> Delivery {
    let (state, provider_id, error) = match outcome {
        Outcome::Sent(id) => (DeliveryState::Sent, id, None),
        Outcome::Failed(id, error) => (DeliveryState::Failed, id, Some(error)),
        Outcome::NotSent(error) => (DeliveryState::Failed, None, Some(error)),
        Outcome::Unconfirmed(error) => (DeliveryState::Unconfirmed, None, Some(error)),
    };
    Delivery {
        part,
        state,
        provider_id,
        error,
        at: runtime.now(),
    }
}

/// A code and the texts beside it, such as `131047: Re-engagement message: more than 24 hours`.
pub(crate) fn describe(code: &Value, texts: &[&Value]) -> Option<String> {
    let mut words: Vec<String> = match code {
        Value::Number(code) => vec![code.to_string()],
        Value::String(code) => vec![code.clone()],
        _ => Vec::new(),
    };
    for text in texts.iter().filter_map(|text| text.as_str()) {
        if !text.is_empty() && !words.iter().any(|word| word == text) {
            words.push(text.to_owned());
        }
    }
    (!words.is_empty()).then(|| record(&words.join(": ")))
}

/// `text` fit for a record: one line of bounded length.
pub(crate) fn record(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(MAX_ERROR)
        .collect()
}

/// `text` without `secret`: Graph quotes a malformed access token in its error.
pub(crate) fn without_secret(text: String, secret: &SecretString) -> String {
    match secret.expose_secret() {
        "" => text,
        secret => text.replace(secret, "[secret]"),
    }
}

#[cfg(test)]
mod tests;
