//! Replies out through Meta's Graph API.
//!
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>

use std::sync::Arc;

use async_trait::async_trait;
use engine::bot::WhatsappSettings;
use engine::http::{Http, HttpAnswer, HttpRequest, Reach};
use engine::message::{Carrier, Reference, SendReport};
use engine::runtime::Runtime;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::form;
use crate::render::{ChannelStyle, render};
use crate::sending::{self, Answer, Api, send_parts};

use super::webhook::graph_error;

/// The Graph API's version that is called.
pub const API_VERSION: &str = "v23.0";

/// Error codes of a rate limit: the app's, the account's, the number's, the pair's.
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>
const RATE_LIMITS: [u64; 4] = [4, 80_007, 130_429, 131_056];

/// A WhatsApp number that replies.
///
/// A part is tried again only when it surely did not leave: no connection, or a rate limit.
pub struct Account {
    /// Reaches Meta.
    pub http: Arc<dyn Http>,
    /// Times the waits between tries and the records.
    pub runtime: Runtime,
    /// The sending number.
    pub settings: WhatsappSettings,
    /// The secret that `settings.access_token` names.
    pub access_token: SecretString,
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
    const NAME: &'static str = "WhatsApp";

    fn request(&self, reference: &Reference, part: &str) -> HttpRequest {
        let bearer = format!("Bearer {}", self.access_token.expose_secret());
        HttpRequest {
            method: "POST".to_owned(),
            url: format!(
                "{}/{API_VERSION}/{}/messages",
                self.base_url.trim_end_matches('/'),
                form::encode_word(&self.settings.phone_number_id),
            ),
            headers: vec![
                ("Authorization".to_owned(), bearer),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            body: Some(message(reference, part).to_string().into_bytes()),
            reach: Reach::Anywhere,
            timeout: sending::TIMEOUT,
            max_answer: sending::MAX_ANSWER,
        }
    }

    fn answer(&self, answer: &HttpAnswer) -> Answer {
        // An answer that is no JSON still tells by its status whether Meta took the message.
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let error = &body["error"];
        Answer {
            provider_id: body["messages"][0]["id"].as_str().map(str::to_owned),
            error: graph_error(error)
                .map(|error| sending::without_secret(error, &self.access_token)),
            busy: error["code"]
                .as_u64()
                .is_some_and(|code| RATE_LIMITS.contains(&code)),
            gave_up: false,
        }
    }
}

fn message(reference: &Reference, part: &str) -> Value {
    let contact = reference.session.contact();
    // A contact that is no number is Meta's own id of someone who hides theirs.
    let addressee = if contact.starts_with('+') {
        "to"
    } else {
        "recipient"
    };
    json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        addressee: contact,
        "type": "text",
        "text": { "preview_url": false, "body": part },
        "biz_opaque_callback_data": reference.to_string(),
    })
}

#[cfg(test)]
mod tests;
