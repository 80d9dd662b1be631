//! Everybody outside: a shop with tills, a carrier, a model, people; and the bot they meet.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::error::{Error, Kind};
use engine::event::{Event as Shown, Events};
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::{Carrier, Channel, Delivery, DeliveryState, Reference, SendReport};
use engine::model::{Deltas, ModelError, ModelErrorKind, ToolCall};
use engine::runtime::Clock;
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::transcript::Outcomes;
use engine::turn::{Bots, Carriers, Crew, Staff};
use serde_json::{Value, json};

use super::stage::{Stage, draw};
use super::tally::Event;

/// Longer than anybody waits.
const NEVER: Duration = Duration::from_secs(100_000_000);

/// What people are asked for.
pub(crate) fn asked() -> Value {
    json!({ "order": "A1", "amount": 80 })
}

const LOOK: &str = "format = 1\ndescription = \"Looks.\"\nkind = \"table\"\n\
    [parameters]\ntype = \"object\"\n[parameters.properties.order]\ntype = \"string\"\n\
    [table]\nfile = \"orders.csv\"\nmatch = [\"order\"]\n";

fn tool(name: &str, side_effect: &str, more: &str) -> String {
    format!(
        "format = 1\ndescription = \"Does it.\"\nkind = \"http\"\nside_effect = \"{side_effect}\"\n\
         business_key = [\"order\"]\n[parameters]\ntype = \"object\"\nrequired = [\"order\", \"amount\"]\n\
         [parameters.properties.order]\ntype = \"string\"\n[parameters.properties.amount]\ntype = \"number\"\n\
         [http]\nmethod = \"POST\"\nurl = \"https://shop.example.com/{name}\"\n{more}"
    )
}

/// A bot with a tool of each kind. `supersede`: newer messages stop a turn.
pub(crate) fn bot(supersede: bool) -> Arc<Bot> {
    static BOTS: OnceLock<[Arc<Bot>; 2]> = OnceLock::new();
    let load = |policy: &str| {
        let settings = format!(
            "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n[approvals]\nrole = \"manager\"\n\
             expires_hours = 1\n[overlap]\nweb = \"{policy}\"\nsms = \"{policy}\"\n"
        );
        let people = "format = 1\n[people.ana]\nroles = [\"manager\"]\n[people.ben]\nroles = [\"manager\"]\n";
        let key = "idempotency_header = \"Idempotency-Key\"\n";
        let lookup = "[http.lookup]\nurl = \"https://shop.example.com/done/{idempotency_key}\"\n";
        let files = MemoryFiles::default()
            .with("bot.toml", settings)
            .with("people.toml", people)
            .with("script.toml", "format = 1\n")
            .with("SOUL.md", "You help.")
            .with("tools/look.toml", LOOK)
            .with("orders.csv", "order\nA1\n")
            .with("tools/charge.toml", tool("charge", "irreversible", ""))
            .with("tools/note.toml", tool("note", "idempotent", key))
            .with(
                "tools/seek.toml",
                tool("seek", "irreversible", &format!("{key}{lookup}")),
            )
            .with(
                "tools/wire.toml",
                tool("wire", "irreversible", "[approval]\n"),
            );
        let loaded = Bot::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
        Arc::new(loaded.bot)
    };
    let bots = BOTS.get_or_init(|| [load("queue"), load("supersede")]);
    Arc::clone(&bots[usize::from(supersede)])
}

/// The contact's session, on the web or by SMS.
pub(crate) fn contact(channel: Channel) -> SessionKey {
    SessionKey::new("local", "shop", channel, "dana").unwrap_or_else(|bad| panic!("{bad}"))
}

pub(crate) fn has_carrier(key: &SessionKey) -> bool {
    key.channel() != Channel::Web
}

impl Stage {
    /// Waits for what never comes.
    async fn hang(&self) {
        self.count(Event::NoAnswer);
        self.nap(NEVER, None).await;
    }
}

/// A call that changes nothing.
fn look() -> Conclusion {
    let call = ToolCall {
        id: "1".to_owned(),
        name: "look".to_owned(),
        arguments: json!({ "order": "A1" }),
    };
    Conclusion::Tools {
        text: String::new(),
        calls: vec![call],
    }
}

#[async_trait]
impl Bots for Stage {
    async fn find(&self, _: &str, _: &str) -> Result<Arc<Bot>, Error> {
        Ok(Arc::clone(&self.0.bot))
    }
}

#[async_trait]
impl Crew for Stage {
    async fn staff(&self, _: &str, _: &str) -> Result<Staff, Error> {
        Ok(Staff {
            bot: Arc::clone(&self.0.bot),
            brain: Arc::new(self.clone()),
        })
    }
}

#[async_trait]
impl Brain for Stage {
    async fn think(&self, context: Context<'_>, _: &mut dyn Deltas) -> Thought {
        self.thinks();
        self.point().await;
        if draw(4) == 0 {
            self.nap(Duration::from_secs(1), None).await;
        }
        self.point().await;
        let conclusion = if self.fails(60, Event::Parked) {
            Conclusion::Stop(ModelError {
                kind: ModelErrorKind::Cut,
                detail: "the stream was cut".to_owned(),
            })
        } else if context.round == 0 && self.0.looks {
            self.count(Event::Looked);
            look()
        } else {
            Conclusion::Reply("Done.".to_owned())
        };
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }
}

#[async_trait]
impl Http for Stage {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let path = request.url.trim_start_matches("https://shop.example.com/");
        if let Some(key) = path.strip_prefix("done/") {
            return self.was_done(key).await;
        }
        self.effect_begins(path);
        let begun = self.monotonic();
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "Idempotency-Key")
            .map(|(_, key)| key.clone());
        let body = serde_json::from_slice(request.body.as_deref().unwrap_or_default());
        let body: Value = body.unwrap_or_default();
        self.point().await;
        match draw(40) {
            0 if self.fails(1, Event::NoAnswer) => self.hang().await,
            1 if self.fails(1, Event::NoAnswer) => {
                return Err(HttpFailure::NotSent(String::new()));
            }
            _ => {}
        }
        if path == "seek" && self.monotonic().saturating_sub(begun) >= request.timeout {
            // Whoever can be asked afterwards takes no request that was given up.
            self.hang().await;
        }
        self.effect(path, key, body);
        self.point().await;
        if self.fails(12, Event::EffectUnseen) {
            match draw(3) {
                0 => self.hang().await,
                1 => return Err(HttpFailure::Unknown(String::new())),
                _ => return Ok(answer(500)),
            }
        }
        Ok(answer(200))
    }
}

fn answer(status: u16) -> HttpAnswer {
    HttpAnswer {
        status,
        headers: Vec::new(),
        body: b"1".to_vec(),
    }
}

impl Stage {
    async fn was_done(&self, key: &str) -> Result<HttpAnswer, HttpFailure> {
        self.count(Event::LookedUp);
        self.point().await;
        if self.fails(8, Event::NoAnswer) {
            return Err(HttpFailure::Unknown(String::new()));
        }
        Ok(answer(if self.is_done(key) { 200 } else { 404 }))
    }
}

#[async_trait]
impl Carriers for Stage {
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        let carrier = has_carrier(key).then(|| Arc::new(self.clone()) as Arc<dyn Carrier>);
        Ok(carrier)
    }
}

#[async_trait]
impl Carrier for Stage {
    async fn send(&self, reference: &Reference, _: &str) -> SendReport {
        let (key, turn) = (&reference.session, reference.turn);
        self.send_begins(key, turn);
        self.point().await;
        let report = |state| {
            vec![Delivery {
                part: 0,
                state,
                provider_id: None,
                error: None,
                at: self.now(),
            }]
        };
        match draw(40) {
            0 if self.fails(1, Event::NoAnswer) => self.hang().await,
            1 if self.fails(1, Event::NoAnswer) => return report(DeliveryState::Failed),
            _ => {}
        }
        self.sent(key, turn);
        if draw(4) == 0 {
            // The carrier's own report, which may come before its answer does, or late.
            let (stage, key) = (self.clone(), key.clone());
            let status = report(DeliveryState::Delivered).remove(0);
            self.begin(async move {
                drop(stage.deliver(&key, turn, status).await);
            });
        }
        self.point().await;
        if self.fails(12, Event::EffectUnseen) {
            match draw(2) {
                0 => self.hang().await,
                _ => return report(DeliveryState::Unconfirmed),
            }
        }
        report(DeliveryState::Sent)
    }
}

#[async_trait]
impl Secrets for Stage {
    async fn secret(&self, _: &str, name: &str) -> Result<Secret, Error> {
        Err(Error::new(Kind::NotFound, format!("no secret {name}")))
    }
}

impl Events for Stage {
    fn is_watched(&self, _: &SessionKey) -> bool {
        false
    }

    fn publish(&self, _: &SessionKey, _: Shown) {}
}
