//! Replies out through Twilio's Messages API.
//!
//! <https://www.twilio.com/docs/messaging/api/message-resource>

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::bot::TwilioSettings;
use engine::http::{Http, HttpAnswer, HttpRequest, Reach};
use engine::message::{Carrier, Reference, SendReport};
use engine::runtime::Runtime;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::form;
use crate::render::{ChannelStyle, render};
use crate::sending::{self, Answer, Api, send_parts};

use super::webhook::status_callback;

/// A Twilio account that replies by SMS.
///
/// A part is tried again only when it surely did not leave: no connection, or a rate limit.
pub struct Account {
    /// Reaches Twilio.
    pub http: Arc<dyn Http>,
    /// Times the waits between tries and the records.
    pub runtime: Runtime,
    /// Account, sender and public URL. Without a public URL no status comes back.
    pub settings: TwilioSettings,
    /// The secret that `settings.auth_token` names.
    pub auth_token: SecretString,
    /// [`API_BASE`](super::API_BASE), or a stand-in's address.
    pub base_url: String,
    /// How replies are rendered.
    pub style: ChannelStyle,
}

#[async_trait]
impl Carrier for Account {
    async fn send(&self, reference: &Reference, text: &str) -> SendReport {
        let parts = render(text, &self.style);
        send_parts(self, &*self.http, &self.runtime, reference, &parts).await
    }
}

impl Api for Account {
    const NAME: &'static str = "Twilio";

    fn request(&self, reference: &Reference, part: &str) -> HttpRequest {
        HttpRequest {
            method: "POST".to_owned(),
            url: format!(
                "{}/2010-04-01/Accounts/{}/Messages.json",
                self.base_url.trim_end_matches('/'),
                form::encode_word(&self.settings.account_sid),
            ),
            headers: vec![
                ("Authorization".to_owned(), self.authorization()),
                (
                    "Content-Type".to_owned(),
                    "application/x-www-form-urlencoded".to_owned(),
                ),
            ],
            body: Some(self.form(reference, part).into_bytes()),
            reach: Reach::Anywhere,
            timeout: sending::TIMEOUT,
            max_answer: sending::MAX_ANSWER,
        }
    }

    fn answer(&self, answer: &HttpAnswer) -> Answer {
        // An answer that is no JSON still tells by its status whether Twilio took the message.
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        // A message resource has an error_code; a refusal has a code.
        let error = sending::describe(&body["error_code"], &[&body["error_message"]])
            .or_else(|| sending::describe(&body["code"], &[&body["message"]]));
        Answer {
            provider_id: body["sid"].as_str().map(str::to_owned),
            error: error.map(|error| sending::without_secret(error, &self.auth_token)),
            busy: false,
            gave_up: matches!(body["status"].as_str(), Some("failed" | "undelivered")),
        }
    }
}

impl Account {
    fn authorization(&self) -> String {
        let credentials = format!(
            "{}:{}",
            self.settings.account_sid,
            self.auth_token.expose_secret()
        );
        format!("Basic {}", BASE64_STANDARD.encode(credentials))
    }

    fn form(&self, reference: &Reference, part: &str) -> String {
        let settings = &self.settings;
        let sender = if is_messaging_service(&settings.from) {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let callback = settings
            .public_url
            .as_deref()
            .map(|public_url| status_callback(public_url, reference));
        let mut pairs = vec![
            ("To", reference.session.contact()),
            (sender, settings.from.as_str()),
            ("Body", part),
        ];
        pairs.extend(callback.as_deref().map(|url| ("StatusCallback", url)));
        form::encode(&pairs)
    }
}

/// `MG` and 32 hex digits; anything else is a number or a name.
fn is_messaging_service(from: &str) -> bool {
    from.len() == 34 && from.starts_with("MG")
}

#[cfg(test)]
mod tests;
