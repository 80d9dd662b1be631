use super::*;

use engine::message::{Channel, Delivery, DeliveryState};
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;

use crate::testing::{OWNER, Scripted, answer, reference};

/// What the Graph API answers.
const ACCEPTED: &str = r#"{"messaging_product":"whatsapp",
    "contacts":[{"input":"+14155551234","wa_id":"14155551234"}],
    "messages":[{"id":"wamid.OUT","message_status":"accepted"}]}"#;

fn send_as(http: &Arc<Scripted>, reference: Reference, text: String) -> SendReport {
    let mut simulation = Simulation::new(1);
    let account = Account {
        http: Arc::clone(http) as Arc<dyn Http>,
        runtime: simulation.runtime(),
        settings: WhatsappSettings {
            phone_number_id: "106540352242922".to_owned(),
            access_token: "WHATSAPP_ACCESS_TOKEN".to_owned(),
            app_secret: "WHATSAPP_APP_SECRET".to_owned(),
            verify_token: "WHATSAPP_VERIFY_TOKEN".to_owned(),
            words: engine::bot::Words::default(),
        },
        access_token: "EAAGsecret".into(),
        base_url: "http://127.0.0.1:4011".to_owned(),
        style: ChannelStyle::of(Channel::Whatsapp),
    };
    simulation.block_on(async move { account.send(&reference, &text).await })
}

fn send(http: &Arc<Scripted>, text: &str) -> SendReport {
    send_as(http, reference(Channel::Whatsapp), text.to_owned())
}

fn body(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body.as_deref().unwrap()).unwrap()
}

fn only(report: SendReport) -> Delivery {
    assert_eq!(report.len(), 1);
    report.into_iter().next().unwrap()
}

#[test]
fn a_reply_is_posted_to_the_graph_api() {
    let http = Scripted::new(vec![answer(200, ACCEPTED)]);
    let delivery = only(send(&http, "**Hi**"));

    let requests = http.requests();
    assert_eq!(
        requests[0].url,
        "http://127.0.0.1:4011/v23.0/106540352242922/messages"
    );
    assert_eq!(requests[0].headers[0].1, "Bearer EAAGsecret");
    assert_eq!(
        body(&requests[0]),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+14155551234",
            "type": "text",
            "text": { "preview_url": false, "body": "*Hi*" },
            "biz_opaque_callback_data": "acme/support/whatsapp:+14155551234#7.0",
        })
    );
    assert_eq!(delivery.state, DeliveryState::Sent);
    assert_eq!(delivery.provider_id.as_deref(), Some("wamid.OUT"));
}

#[test]
fn a_long_reply_goes_out_in_numbered_parts() {
    let http = Scripted::new(vec![answer(200, ACCEPTED), answer(200, ACCEPTED)]);
    let report = send(&http, &"A sentence. ".repeat(400));
    assert_eq!(report.len(), 2);
    let references: Vec<Value> = http
        .requests()
        .iter()
        .map(|request| body(request)["biz_opaque_callback_data"].clone())
        .collect();
    assert_eq!(
        references,
        [
            "acme/support/whatsapp:+14155551234#7.0",
            "acme/support/whatsapp:+14155551234#7.1"
        ]
    );
}

#[test]
fn a_contact_without_a_number_is_addressed_by_metas_id() {
    let http = Scripted::new(vec![answer(200, ACCEPTED)]);
    let session = SessionKey::new(
        OWNER.tenant,
        OWNER.bot,
        Channel::Whatsapp,
        "US.13491208655302741918",
    );
    let reference = Reference {
        session: session.unwrap(),
        turn: 1,
        part: 0,
    };
    send_as(&http, reference, "Hi".to_owned());
    let message = body(&http.requests()[0]);
    assert_eq!(message["recipient"], "US.13491208655302741918");
    assert!(message.get("to").is_none());
}

#[test]
fn a_refusal_is_a_failure_with_metas_reason() {
    let http = Scripted::new(vec![answer(
        400,
        r#"{"error":{"message":"(#131030) Recipient phone number not in allowed list",
            "type":"OAuthException","code":131030,
            "error_data":{"messaging_product":"whatsapp","details":"Add the number first"},
            "fbtrace_id":"A1"}}"#,
    )]);
    let delivery = only(send(&http, "Hi"));
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(
        delivery.error.as_deref(),
        Some(
            "WhatsApp answered 400, error 131030: (#131030) Recipient phone number not in \
             allowed list: Add the number first"
        )
    );
}

#[test]
fn a_rate_limit_is_waited_out() {
    let limited = r#"{"error":{"message":"Pair rate limit hit","code":131056}}"#;
    let http = Scripted::new(vec![answer(400, limited), answer(200, ACCEPTED)]);
    assert_eq!(only(send(&http, "Hi")).state, DeliveryState::Sent);
    assert_eq!(http.requests().len(), 2);
}

#[test]
fn no_error_quotes_the_access_token() {
    let quoted = r#"{"error":{"message":"Malformed access token EAAGsecret","code":190}}"#;
    let http = Scripted::new(vec![answer(401, quoted)]);
    assert_eq!(
        only(send(&http, "Hi")).error.as_deref(),
        Some("WhatsApp answered 401, error 190: Malformed access token [secret]")
    );
}

#[test]
fn the_longest_reference_fits_metas_callback_data() {
    let session = SessionKey::new(
        &"t".repeat(63),
        &"b".repeat(63),
        Channel::Whatsapp,
        &"1".repeat(200),
    );
    let reference = Reference {
        session: session.unwrap(),
        turn: u64::MAX,
        part: u32::MAX,
    };
    assert!(reference.to_string().len() <= 512);
}
