//! What the shop of `examples/support` does after a conversation, with its script as the model and a CRM beside it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::bot::Bot;
use engine::brain::ToolLoop;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::session::SessionKey;
use models::{Environment, Models};
use serde_json::Value;

use crate::house::{House, Parts, example};
use crate::nobody::Nobody;

/// Keeps the bodies of what it is sent, with the last part of where.
#[derive(Clone, Default)]
struct Crm(Arc<Mutex<Vec<(String, Value)>>>);

#[async_trait]
impl Http for Crm {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let key = (
            "authorization".to_owned(),
            "Bearer the value of CRM_KEY".to_owned(),
        );
        let header = |(name, value): &(String, String)| (name.to_lowercase(), value.clone());
        assert!(
            request
                .headers
                .iter()
                .map(header)
                .any(|header| header == key)
        );
        let kind = request.url.strip_prefix("https://crm.example.com/");
        let body = serde_json::from_slice(&request.body.unwrap_or_default()).unwrap();
        self.0
            .lock()
            .unwrap()
            .push((kind.unwrap().to_owned(), body));
        Ok(HttpAnswer {
            status: 201,
            headers: Vec::new(),
            body: b"{}".to_vec(),
        })
    }
}

/// Has Ada say something and closes the conversation; gives what the CRM was sent, and what Ana was told.
fn conversation(said: &str) -> (Vec<(String, Value)>, Vec<String>) {
    let crm = Crm::default();
    let files = example("support");
    let settings = Bot::load(&files).unwrap().bot.model;
    let mut house = House::open(&files, |runtime| Parts {
        brain: {
            let models = Models::new(runtime, Environment::default());
            Arc::new(ToolLoop::new(models.chain(&settings).unwrap().model))
        },
        http: Arc::new(crm.clone()),
        carriers: Arc::new(Nobody),
    });
    let ada: SessionKey = "local/support/web:ada".parse().unwrap();
    house.say(&ada, said);
    house.pass(Duration::from_secs(20));
    house.close(&ada);
    house.pass(Duration::from_secs(60));
    let told = house.told(&"local/support/web:ana".parse().unwrap());
    let sent = crm.0.lock().unwrap().clone();
    (sent, told)
}

#[test]
fn a_conversation_that_went_well_leaves_a_note() {
    let (sent, told) = conversation("Where is my order A1003?");
    let [(kind, note)] = sent.as_slice() else {
        panic!("not one: {sent:?}");
    };
    assert_eq!(kind, "notes");
    assert_eq!(
        note["text"],
        "A customer asked about an order and was answered."
    );
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn after_one_that_did_not_there_is_a_ticket_and_somebody_is_told() {
    let (sent, told) = conversation("This is ridiculous. Where is my order A1003?");
    let kinds: Vec<&str> = sent.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["notes", "tickets"]);
    let expected = "An unhappy customer: A customer is upset and wants it put right.";
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(expected), "{told:?}");
}
