//! Carriers' webhooks at a real process, and replies that leave through a carrier of ours.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::message::DeliveryState;
use engine::transcript::Verdict;
use engine::view::{MessageVerdict, Trace};
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::carrier::{Carrier, Manner};
use crate::client::{Client, Reply, Request};
use crate::process::{Confab, Setup, folder};
use crate::signing::{self, BOT, CONTACT, PUBLIC, SCRIPT, SECRETS, change, field, form};

const WHATSAPP: &str = "/webhooks/whatsapp/local/texts";
const SMS: &str = "sms:%2B15551234";

/// Has the bot talk with the contact.
const CALL: &str = r#"
steps:
  ask: {converse: {channel: sms, contact: "+15551234"}, goal: Find out whether they come.}
outputs: {ask: "${ $steps.ask }"}
"#;

/// A host with accounts at a carrier of ours.
struct Desk {
    setup: Setup,
    confab: Confab,
    carrier: Carrier,
    _folders: [TempDir; 2],
}

impl Desk {
    async fn open(manner: Manner) -> Self {
        let carrier = Carrier::open(manner).await;
        let bot = folder(&[
            ("bot.toml", BOT),
            ("script.toml", SCRIPT),
            ("SOUL.md", "# Echo\n"),
            ("workflows/call.yaml", CALL),
        ]);
        let data = TempDir::new().unwrap();
        let setup = Setup::new(bot.path(), data.path())
            .env("TWILIO_API_BASE", carrier.url())
            .env("WHATSAPP_API_BASE", carrier.url());
        let setup = SECRETS
            .into_iter()
            .fold(setup, |setup, (name, value)| setup.env(name, value));
        Self {
            confab: setup.start(),
            setup,
            carrier,
            _folders: [bot, data],
        }
    }

    fn client(&self) -> Client {
        self.confab.client("texts")
    }

    async fn send(&self, request: Request) -> Reply {
        self.client().send(request).await.unwrap()
    }

    fn restart(&mut self) {
        self.confab.kill();
        self.confab = self.setup.start();
    }
}

fn verdict(trace: &Trace) -> MessageVerdict {
    assert_eq!(
        (trace.messages.len(), trace.turns.len()),
        (1, 1),
        "{trace:?}"
    );
    trace.messages[0].verdict
}

fn delivery(trace: &Trace) -> DeliveryState {
    assert_eq!(trace.turns[0].delivery.len(), 1, "{trace:?}");
    trace.turns[0].delivery[0].state
}

#[tokio::test]
async fn a_text_message_delivered_five_times_is_answered_by_one_text() {
    let desk = Desk::open(Manner::Accepts).await;
    let deliveries =
        (0..5).map(|_| desk.send(signing::text_message("local", "SM1", "Anybody there?")));
    for reply in join_all(deliveries).await {
        assert_eq!((reply.status, reply.text().as_str()), (200, "<Response/>"));
    }
    let sent = desk.carrier.next().await;
    assert_eq!(
        sent.path,
        "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"
    );
    assert_eq!(
        (
            field(&sent.body, "To").as_str(),
            field(&sent.body, "From").as_str()
        ),
        (CONTACT, "+15550100")
    );
    assert_eq!(field(&sent.body, "Body"), "You said: Anybody there?");
    let trace = desk.client().settled(SMS).await;
    assert_eq!(verdict(&trace), MessageVerdict::Settled(Verdict::Answered));
    assert_eq!(delivery(&trace), DeliveryState::Sent);

    let callback = field(&sent.body, "StatusCallback");
    let callback = callback.strip_prefix(PUBLIC).unwrap();
    let status = form(
        callback,
        &[("MessageSid", "SM99"), ("MessageStatus", "delivered")],
    );
    assert_eq!(desk.send(status).await.status, 200);
    assert_eq!(
        delivery(&desk.client().settled(SMS).await),
        DeliveryState::Delivered
    );
    assert_eq!(desk.carrier.count(), 1);
}

#[tokio::test]
async fn a_webhook_that_the_carrier_did_not_sign_is_refused() {
    let desk = Desk::open(Manner::Accepts).await;
    let text = signing::text_message("local", "SM1", "Anybody there?");
    let message = signing::whatsapp_message("local", "wamid.1", "Anybody there?");
    let wrong = BASE64_STANDARD.encode([7; 20]);
    let mut forgeries = vec![text.clone().with("x-twilio-signature", &wrong)];
    forgeries.push(text.clone().with("x-twilio-signature", "not base64"));
    forgeries.push(message.clone().with(
        "x-hub-signature-256",
        &format!("sha256={}", "00".repeat(32)),
    ));
    for (signed, name) in [
        (&text, "x-twilio-signature"),
        (&message, "x-hub-signature-256"),
    ] {
        let mut unsigned = signed.clone();
        unsigned.headers.retain(|(known, _)| known != name);
        forgeries.push(unsigned);
        forgeries.push(Request {
            body: [&signed.body[..], b" "].concat(),
            ..signed.clone()
        });
    }
    for forgery in forgeries {
        assert_eq!(
            desk.send(forgery).await.problem(),
            (401, "bad_signature".to_owned())
        );
    }
    for session in [SMS, "whatsapp:%2B15551234"] {
        assert!(
            desk.client()
                .trace(session)
                .await
                .unwrap()
                .messages
                .is_empty()
        );
    }
    assert_eq!(desk.carrier.count(), 0);
    assert!(
        !desk.confab.errors().contains("Anybody"),
        "{}",
        desk.confab.errors()
    );
}

#[tokio::test]
async fn a_whatsapp_message_is_answered_once_and_its_status_is_noted() {
    let desk = Desk::open(Manner::Accepts).await;
    let message = signing::whatsapp_message("local", "wamid.1", "Anybody there?");
    for reply in join_all((0..5).map(|_| desk.send(message.clone()))).await {
        assert_eq!(reply.status, 200);
    }
    let sent = desk.carrier.next().await;
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert!(sent.path.ends_with("/1234567890/messages"), "{}", sent.path);
    assert_eq!(
        (&body["to"], &body["text"]["body"]),
        (&json!(CONTACT), &json!("You said: Anybody there?"))
    );
    let session = "whatsapp:%2B15551234";
    let trace = desk.client().settled(session).await;
    assert_eq!(verdict(&trace), MessageVerdict::Settled(Verdict::Answered));
    let reference = &body["biz_opaque_callback_data"];
    let status = json!({ "statuses": [{ "id": "wamid.2", "status": "read", "biz_opaque_callback_data": reference }] });
    assert_eq!(desk.send(change("local", status)).await.status, 200);
    assert_eq!(
        delivery(&desk.client().settled(session).await),
        DeliveryState::Read
    );
    assert_eq!(desk.carrier.count(), 1);
}

#[tokio::test]
async fn meta_is_given_its_challenge_back_if_it_knows_the_token() {
    let desk = Desk::open(Manner::Accepts).await;
    let path = |token: &str| {
        format!("{WHATSAPP}?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=4711")
    };
    let known = desk.send(Request::get(&path("verify-token"))).await;
    assert_eq!((known.status, known.text().as_str()), (200, "4711"));
    let unknown = desk.send(Request::get(&path("guessed"))).await;
    assert_eq!(unknown.problem(), (401, "bad_signature".to_owned()));
}

#[tokio::test]
async fn a_webhook_of_a_bot_or_tenant_that_is_not_here_is_refused() {
    let desk = Desk::open(Manner::Accepts).await;
    for path in [
        "/webhooks/twilio/local/nobody",
        "/webhooks/twilio/elsewhere/texts",
        "/webhooks/whatsapp/elsewhere/texts",
    ] {
        let request = form(
            path,
            &[("MessageSid", "SM1"), ("From", CONTACT), ("Body", "hello")],
        );
        assert_eq!(
            desk.send(request).await.problem(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}

/// A turn whose send nobody saw finish stays as it is through a restart; a status callback settles its delivery.
async fn assert_unconfirmed(mut desk: Desk) {
    let sent = desk.carrier.last();
    let trace = desk.client().settled(SMS).await;
    assert_eq!(
        verdict(&trace),
        MessageVerdict::Settled(Verdict::Unconfirmed)
    );
    desk.restart();
    // A later turn goes out, so whatever the restart took up again has had its chance.
    desk.carrier.behave(Manner::Accepts);
    assert_eq!(
        desk.send(signing::text_message("local", "SM2", "And now?"))
            .await
            .status,
        200
    );
    assert_eq!(
        field(&desk.carrier.next().await.body, "Body"),
        "You said: And now?"
    );
    assert_eq!(desk.carrier.count(), 2);

    let callback = field(&sent.body, "StatusCallback");
    let status = form(
        callback.strip_prefix(PUBLIC).unwrap(),
        &[("MessageSid", "SM99"), ("MessageStatus", "delivered")],
    );
    assert_eq!(desk.send(status).await.status, 200);
    let trace = desk.client().settled(SMS).await;
    let first = &trace.turns[0];
    assert_eq!(first.verdict, MessageVerdict::Settled(Verdict::Unconfirmed));
    assert_eq!(first.delivery.len(), 1, "{first:?}");
    assert_eq!(first.delivery[0].state, DeliveryState::Delivered);
    assert_eq!(
        trace.turns[1].verdict,
        MessageVerdict::Settled(Verdict::Answered)
    );
}

#[tokio::test]
async fn a_send_whose_answer_is_lost_is_unconfirmed_and_not_made_again() {
    let desk = Desk::open(Manner::HangsUp).await;
    assert_eq!(
        desk.send(signing::text_message("local", "SM1", "Anybody there?"))
            .await
            .status,
        200
    );
    desk.carrier.next().await;
    assert_unconfirmed(desk).await;
}

#[tokio::test]
async fn a_send_that_a_crash_cut_short_is_unconfirmed_and_not_made_again() {
    let mut desk = Desk::open(Manner::StaysSilent).await;
    assert_eq!(
        desk.send(signing::text_message("local", "SM1", "Anybody there?"))
            .await
            .status,
        200
    );
    desk.carrier.next().await;
    desk.restart();
    assert_unconfirmed(desk).await;
}

/// Starts a run that has the bot talk with the contact.
async fn call(desk: &Desk) -> String {
    let begin = Request::post("/v1/local/workflows/call/runs", "{}");
    let started = desk.send(begin).await;
    assert_eq!(started.status, 202, "{}", started.text());
    started.json()["id"].as_str().unwrap().to_owned()
}

/// Why the run's conversation came to nothing, once it has.
async fn why(desk: &Desk, run: &str) -> String {
    let record = desk.send(Request::get(&format!("/v1/local/runs/{run}?wait=20")));
    let ask = record.await.json()["outputs"]["ask"].clone();
    assert_eq!(ask["met"], false, "{ask}");
    ask["why"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_conversation_whose_first_words_reach_nobody_is_over_at_once() {
    let desk = Desk::open(Manner::Refuses).await;
    let refused = "the contact was not reached: Twilio answered 400, error 21211: no such number";
    assert_eq!(why(&desk, &call(&desk).await).await, refused);

    desk.carrier.behave(Manner::Accepts);
    let run = call(&desk).await;
    desk.carrier.next().await;
    let callback = field(&desk.carrier.next().await.body, "StatusCallback");
    let fields = [
        ("MessageSid", "SM99"),
        ("MessageStatus", "undelivered"),
        ("ErrorCode", "30003"),
    ];
    let status = form(callback.strip_prefix(PUBLIC).unwrap(), &fields);
    assert_eq!(desk.send(status).await.status, 200);
    let undelivered = "the contact was not reached: Twilio error 30003";
    assert_eq!(why(&desk, &run).await, undelivered);
}
