//! A shop whose refunds above 50 need a manager's yes, on a host in a simulated world.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use confab::host::Host;
use engine::bot::MemoryFiles;
use engine::bot::secrets::Secrets as Keys;
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::Channel;
use engine::model::{ChatMessage, Deltas, ToolCall};
use engine::session::SessionKey;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use surface::{Access, Approving};

use crate::house::{House, Parts, signing};
use crate::nobody::Nobody;

const BOT: &str = "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n\
                   [approvals]\nrole = \"manager\"\nurl = \"https://shop.example\"\n";

const PEOPLE: &str = "format = 1\n\
    [people.ana]\nroles = [\"manager\"]\nweb = \"ana\"\n\
    [people.ben]\nroles = [\"manager\"]\n\
    [people.dan]\nroles = [\"clerk\"]\nweb = \"dan\"\n";

const REFUND: &str = "format = 1\ndescription = \"Refunds an order.\"\nkind = \"http\"\nside_effect = \"irreversible\"\n\
    business_key = [\"order\"]\n\
    [parameters]\ntype = \"object\"\nrequired = [\"order\", \"amount\"]\n\
    [parameters.properties.order]\ntype = \"string\"\n[parameters.properties.amount]\ntype = \"number\"\n\
    [http]\nmethod = \"POST\"\nurl = \"https://till.example.com/refunds\"\n\
    [approval]\nargument = \"amount\"\nabove = 50\nrisk = \"high\"\n";

const KEYS: &str = "format = 1\n\
    [[keys]]\nkey = \"key-of-ana-0123456789\"\ntenant = \"local\"\nperson = \"ana\"\nrole = \"operator\"\n\
    [[keys]]\nkey = \"key-of-ben-0123456789\"\ntenant = \"local\"\nperson = \"ben\"\nrole = \"operator\"\n\
    [[keys]]\nkey = \"key-of-dan-0123456789\"\ntenant = \"local\"\nperson = \"dan\"\nrole = \"admin\"\n\
    [[keys]]\nkey = \"key-of-eve-0123456789\"\ntenant = \"local\"\nperson = \"eve\"\nrole = \"admin\"\n\
    [[keys]]\nkey = \"key-of-web-0123456789\"\ntenant = \"local\"\nperson = \"ana\"\nrole = \"client\"\n";

/// Calls `refund` when asked, and otherwise says again what it was told last.
struct Parrot;

#[async_trait]
impl Brain for Parrot {
    async fn think(&self, context: Context<'_>, _deltas: &mut dyn Deltas) -> Thought {
        let conclusion = match context.conversation.last() {
            Some(ChatMessage::User { text }) if text.starts_with("refund ") => {
                let mut words = text.split(' ').skip(1);
                let order = words.next().unwrap();
                let amount: f64 = words.next().unwrap().parse().unwrap();
                Conclusion::Tools {
                    text: String::new(),
                    calls: vec![ToolCall {
                        id: "1".to_owned(),
                        name: "refund".to_owned(),
                        arguments: json!({ "order": order, "amount": amount }),
                    }],
                }
            }
            Some(ChatMessage::User { text } | ChatMessage::Tool { content: text, .. }) => {
                Conclusion::Reply(format!("heard: {text}"))
            }
            _ => Conclusion::Reply("nothing was said".to_owned()),
        };
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }
}

/// The till: keeps what it refunded.
#[derive(Clone, Default)]
struct Till(Arc<Mutex<Vec<Value>>>);

#[async_trait]
impl Http for Till {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let refund = serde_json::from_slice(&request.body.unwrap()).unwrap();
        self.0.lock().unwrap().push(refund);
        Ok(HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: b"\"refunded\"".to_vec(),
        })
    }
}

/// The shop, its host and whoever calls it.
pub(super) struct Shop {
    pub(super) house: House,
    till: Till,
    approving: Approving,
}

fn approving(host: &Arc<Host>) -> Approving {
    let keys = Arc::new(Keys::parse("secrets.toml", KEYS).unwrap());
    Approving {
        access: Arc::new(Access::keyed(keys, signing(), host.runtime().clone())),
        desk: host.desk().clone(),
        sessions: host.store().clone(),
    }
}

impl Shop {
    pub(super) fn open() -> Self {
        Self::with_rule("")
    }

    /// A shop whose rule has `more` lines.
    pub(super) fn with_rule(more: &str) -> Self {
        let files = MemoryFiles::default()
            .with("bot.toml", BOT)
            .with("people.toml", PEOPLE)
            .with("script.toml", "format = 1\n")
            .with("SOUL.md", "You help.")
            .with("tools/refund.toml", format!("{REFUND}{more}"));
        let till = Till::default();
        let house = House::open(&files, |_| Parts {
            brain: Arc::new(Parrot),
            http: Arc::new(till.clone()),
            carriers: Arc::new(Nobody),
        });
        Self {
            approving: approving(&house.host),
            house,
            till,
        }
    }

    /// Cuts the power and starts again on what was synced.
    pub(super) fn restart(&mut self) {
        self.house.restart();
        self.approving = approving(&self.house.host);
    }

    pub(super) fn key(contact: &str) -> SessionKey {
        let channel = if contact.starts_with('+') {
            Channel::Sms
        } else {
            Channel::Web
        };
        SessionKey::new("local", "shop", channel, contact).unwrap()
    }

    /// Says `text` as `contact` and waits until nothing happens any more; gives the latest reply.
    pub(super) fn say(&mut self, contact: &str, text: &str) -> String {
        self.house.say(&Self::key(contact), text);
        self.settle();
        self.heard(contact)
    }

    pub(super) fn settle(&mut self) {
        self.house.pass(Duration::from_secs(60));
    }

    /// Everything that `contact` was told, last.
    pub(super) fn heard(&mut self, contact: &str) -> String {
        let mut told = self.house.told(&Self::key(contact));
        told.pop().unwrap_or_default()
    }

    /// What the till refunded.
    pub(super) fn refunds(&self) -> Vec<Value> {
        self.till.0.lock().unwrap().clone()
    }

    /// Calls the surface as `person`, or as nobody, and lets things settle.
    pub(super) fn call(
        &mut self,
        person: &str,
        method: Method,
        path: &str,
        accept: &str,
        body: (&str, &str),
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(&method).uri(path);
        request = request.header("accept", accept);
        if !person.is_empty() {
            let key = format!("Bearer key-of-{person}-0123456789");
            request = request.header("authorization", key);
        }
        if !body.0.is_empty() {
            request = request.header("content-type", body.0);
        }
        let request = request.body(body.1.as_bytes().to_vec()).unwrap();
        let approving = self.approving.clone();
        let served = async move { approving.serve(request).await };
        let response = self.house.simulation.block_on(served);
        self.settle();
        let status = response.status();
        (status, String::from_utf8(response.into_body()).unwrap())
    }

    /// The approvals that wait.
    pub(super) fn waiting(&mut self) -> Vec<Value> {
        let path = "/v1/local/approvals";
        let (status, body) = self.call("ana", Method::GET, path, "*/*", ("", ""));
        assert_eq!(status, StatusCode::OK, "{body}");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        serde_json::from_value(body["approvals"].take()).unwrap()
    }

    /// The only approval that waits.
    pub(super) fn only(&mut self) -> String {
        match self.waiting().as_slice() {
            [only] => only["id"].as_str().unwrap().to_owned(),
            other => panic!("not one approval waits: {other:?}"),
        }
    }

    /// Decides as `person`: the status, and the state or the problem's code.
    pub(super) fn decide(&mut self, person: &str, id: &str, verb: &str) -> (u16, String) {
        let path = format!("/v1/local/approvals/{id}/{verb}");
        let body = ("application/json", "{\"reason\":\"I looked at it\"}");
        let (status, body) = self.call(person, Method::POST, &path, "*/*", body);
        let body: Value = serde_json::from_str(&body).unwrap();
        let told = body.get("state").unwrap_or(&body["code"]);
        (status.as_u16(), told.as_str().unwrap().to_owned())
    }
}
