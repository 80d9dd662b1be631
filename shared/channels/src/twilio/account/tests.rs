use super::*;

use engine::message::{Channel, Delivery, DeliveryState};
use engine::runtime::simulated::Simulation;

use crate::testing::{Scripted, answer, reference};

/// What the Messages API answers, shortened.
const CREATED: &str = r#"{"account_sid":"AC22","body":"Hi","error_code":null,
    "error_message":null,"sid":"SM0001","status":"queued","to":"+14155551234"}"#;

fn account(http: &Arc<Scripted>, simulation: &Simulation) -> Account {
    Account {
        http: Arc::clone(http) as Arc<dyn Http>,
        runtime: simulation.runtime(),
        settings: TwilioSettings {
            account_sid: "AC22".to_owned(),
            from: "+18005551212".to_owned(),
            auth_token: "TWILIO_AUTH_TOKEN".to_owned(),
            public_url: Some("https://bots.example.com".to_owned()),
            words: engine::bot::Words::default(),
        },
        auth_token: "s3cret".into(),
        base_url: "http://127.0.0.1:4010/".to_owned(),
        style: ChannelStyle::of(Channel::Sms),
    }
}

fn send(http: &Arc<Scripted>, text: &'static str) -> SendReport {
    let mut simulation = Simulation::new(1);
    let account = account(http, &simulation);
    simulation.block_on(async move { account.send(&reference(Channel::Sms), text).await })
}

fn fields(request: &HttpRequest) -> Vec<(String, String)> {
    form::decode(request.body.as_deref().unwrap())
        .into_iter()
        .map(|(name, value)| {
            let utf8 = |bytes| String::from_utf8(bytes).unwrap();
            (utf8(name), utf8(value))
        })
        .collect()
}

#[test]
fn a_reply_is_posted_to_the_messages_api() {
    let http = Scripted::new(vec![answer(201, CREATED)]);
    let report = send(&http, "**Hi** & bye");

    let requests = http.requests();
    let request = &requests[0];
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.url,
        "http://127.0.0.1:4010/2010-04-01/Accounts/AC22/Messages.json"
    );
    assert_eq!(
        request.headers[0],
        (
            "Authorization".to_owned(),
            "Basic QUMyMjpzM2NyZXQ=".to_owned()
        )
    );
    let expected = [
        ("To", "+14155551234"),
        ("From", "+18005551212"),
        ("Body", "Hi & bye"),
        (
            "StatusCallback",
            "https://bots.example.com/webhooks/twilio/acme/support\
             ?reference=acme%2Fsupport%2Fsms%3A%2B14155551234%237.0",
        ),
    ];
    assert_eq!(
        fields(request),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(report.len(), 1);
    assert_eq!(report[0].state, DeliveryState::Sent);
    assert_eq!(report[0].provider_id.as_deref(), Some("SM0001"));
}

#[test]
fn a_messaging_service_sends_in_place_of_a_number() {
    let http = Scripted::new(vec![answer(201, CREATED)]);
    let mut simulation = Simulation::new(1);
    let mut account = account(&http, &simulation);
    account.settings.from = format!("MG{}", "0".repeat(32));
    account.settings.public_url = None;
    simulation.block_on(async move { account.send(&reference(Channel::Sms), "Hi").await });

    let names: Vec<String> = fields(&http.requests()[0])
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["To", "MessagingServiceSid", "Body"]);
}

fn only(report: SendReport) -> Delivery {
    assert_eq!(report.len(), 1);
    report.into_iter().next().unwrap()
}

#[test]
fn a_refusal_is_a_failure_with_twilios_reason() {
    let http = Scripted::new(vec![answer(
        400,
        r#"{"code":21610,"message":"Attempt to send to unsubscribed recipient",
            "more_info":"https://www.twilio.com/docs/errors/21610","status":400}"#,
    )]);
    let delivery = only(send(&http, "Hi"));
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(
        delivery.error.as_deref(),
        Some("Twilio answered 400, error 21610: Attempt to send to unsubscribed recipient")
    );
}

#[test]
fn a_message_that_twilio_gave_up_at_once_failed() {
    let http = Scripted::new(vec![answer(
        201,
        r#"{"sid":"SM1","status":"failed","error_code":30007,"error_message":"Filtered"}"#,
    )]);
    let delivery = only(send(&http, "Hi"));
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.provider_id.as_deref(), Some("SM1"));
    assert_eq!(
        delivery.error.as_deref(),
        Some("Twilio answered 201, error 30007: Filtered")
    );
}

#[test]
fn no_error_quotes_the_auth_token() {
    let http = Scripted::new(vec![answer(
        401,
        r#"{"code":20003,"message":"bad s3cret"}"#,
    )]);
    let delivery = only(send(&http, "Hi"));
    assert_eq!(
        delivery.error.as_deref(),
        Some("Twilio answered 401, error 20003: bad [secret]")
    );
}
