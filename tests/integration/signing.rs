//! What carriers deliver to the bot `texts`, signed as they sign it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use crate::client::Request;

/// A bot that repeats what it is told, with accounts at both carriers.
pub(crate) const BOT: &str = r#"
format = 1
name = "texts"
[model]
use = "scripted"
[channels.twilio]
account_sid = "AC00000000000000000000000000000001"
from = "+15550100"
auth_token = "TWILIO_AUTH_TOKEN"
public_url = "https://bots.example.com"
[channels.whatsapp]
phone_number_id = "1234567890"
access_token = "WHATSAPP_ACCESS_TOKEN"
app_secret = "WHATSAPP_APP_SECRET"
verify_token = "WHATSAPP_VERIFY_TOKEN"
"#;
pub(crate) const SCRIPT: &str = "format = 1\n[default]\ntext = \"You said: {message}\"\n";
/// The address that Twilio calls and signs.
pub(crate) const PUBLIC: &str = "https://bots.example.com";
/// Who writes.
pub(crate) const CONTACT: &str = "+15551234";
/// The bot's secrets.
pub(crate) const SECRETS: [(&str, &str); 4] = [
    ("TWILIO_AUTH_TOKEN", "twilio-token"),
    ("WHATSAPP_ACCESS_TOKEN", "access-token"),
    ("WHATSAPP_APP_SECRET", "app-secret"),
    ("WHATSAPP_VERIFY_TOKEN", "verify-token"),
];

/// A form as Twilio signs and sends it to `path`.
pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Request {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable();
    let signed: String = sorted
        .iter()
        .flat_map(|(name, value)| [*name, *value])
        .collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(b"twilio-token").unwrap();
    mac.update(format!("{PUBLIC}{path}{signed}").as_bytes());
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    Request::post(path, pairs.collect::<Vec<_>>().join("&"))
        .with("content-type", "application/x-www-form-urlencoded")
        .with("x-twilio-signature", &signature)
}

/// A text message to `tenant`'s bot.
pub(crate) fn text_message(tenant: &str, id: &str, text: &str) -> Request {
    text_from(tenant, CONTACT, id, text)
}

/// A text message of a phone to `tenant`'s bot.
pub(crate) fn text_from(tenant: &str, phone: &str, id: &str, text: &str) -> Request {
    form(
        &format!("/webhooks/twilio/{tenant}/texts"),
        &[
            ("MessageSid", id),
            ("From", phone),
            ("To", "+15550100"),
            ("Body", text),
            ("NumMedia", "0"),
        ],
    )
}

/// What Meta tells `tenant`'s bot: `messages` or `statuses`.
pub(crate) fn change(tenant: &str, mut value: Value) -> Request {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] =
        json!({ "display_phone_number": "15550100", "phone_number_id": "1234567890" });
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }],
    });
    let body = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"app-secret").unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    Request::post(&format!("/webhooks/whatsapp/{tenant}/texts"), body)
        .with("x-hub-signature-256", &format!("sha256={signature}"))
}

/// A message on WhatsApp to `tenant`'s bot.
pub(crate) fn whatsapp_message(tenant: &str, id: &str, text: &str) -> Request {
    let message = json!({
        "from": "15551234", "id": id, "timestamp": "1700000000", "type": "text", "text": { "body": text },
    });
    change(tenant, json!({ "messages": [message] }))
}

/// The value of a field of a form, decoded.
pub(crate) fn field(form: &str, name: &str) -> String {
    let value = form
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .unwrap();
    percent_decode_str(&value.replace('+', " "))
        .decode_utf8()
        .unwrap()
        .into_owned()
}
