//! A host whose model costs money and whose tool counts what it does.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::runner::MemoryJournal;
use async_trait::async_trait;
use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Context, Interrupt, Meeting, Thought, ToolLoop};
use engine::error::{Error, Kind};
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::Channel;
use engine::model::{
    ChatMessage, Deltas, Model, ModelAnswer, ModelCall, ModelReply, ModelRequest, Quote, ToolCall,
    Usage,
};
use engine::overlap::Overlap;
use engine::runtime::simulated::Simulation;
use engine::runtime::{Runtime, Time};
use engine::secret::Secret;
use engine::session::SessionKey;
use engine::tool::Secrets;
use engine::turn::{Staff, Timing};
use engine::view::Trace;
use serde_json::json;

use crate::nobody::Nobody;

/// What one call costs, and the most it might have.
pub(super) const COST: u64 = 10_000;
pub(super) const MOST: u64 = 25_000;
/// What the refund service is told.
pub(super) const SECRET: &str = "hunter2-of-the-till";
/// The tokens that one call takes.
pub(super) const TOKENS: u64 = 550;

/// The world outside the host: it survives power cuts.
#[derive(Default)]
pub(super) struct Outside {
    /// When a model was asked, and what for: the last thing the contact said.
    pub(super) asked: Vec<(Time, String)>,
    /// How many of these calls are under way, and how many came to their end.
    pub(super) open: usize,
    pub(super) finished: usize,
    /// How many were under way in attempts that died.
    pub(super) died: usize,
    /// When a refund was made.
    pub(super) refunds: Vec<Time>,
}

/// A call of the model under way, until it is dropped.
struct Open(World);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().unwrap().open -= 1;
    }
}

pub(super) type World = Arc<Mutex<Outside>>;

/// Takes ten seconds, and calls tools as it is told: see [`calls`].
struct Dear(Runtime, World);

#[async_trait]
impl Model for Dear {
    async fn respond(&self, request: &ModelRequest, deltas: &mut dyn Deltas) -> ModelAnswer {
        let quote = Quote {
            model: "dear".to_owned(),
            input_tokens: 1000,
            output_tokens: 100,
            input_micro_dollars: MOST / 5,
            output_micro_dollars: MOST / 5 * 4,
        };
        let mut call = ModelCall {
            model: "dear".to_owned(),
            at: self.0.now(),
            millis: 0,
            usage: Usage::default(),
            error: None,
        };
        if let Err(error) = deltas.reserve(&quote).await {
            call.error = Some(error.clone());
            return ModelAnswer {
                result: Err(error),
                calls: vec![call],
            };
        }
        let said = request
            .messages
            .iter()
            .rev()
            .find_map(|message| match message {
                ChatMessage::User { text } => Some(text.clone()),
                _ => None,
            })
            .unwrap_or_default();
        let asked = (self.0.now(), said.clone());
        {
            let mut outside = self.1.lock().unwrap();
            outside.asked.push(asked);
            outside.open += 1;
        }
        let _open = Open(Arc::clone(&self.1));
        deltas.text("Well, ");
        self.0.clock.sleep(Duration::from_secs(10)).await;
        let answers = matches!(request.messages.last(), Some(ChatMessage::Tool { .. }));
        let calls = if request.tools.is_empty() {
            Vec::new()
        } else {
            calls(&said, request.messages.len(), answers)
        };
        call.usage = Usage {
            input_tokens: TOKENS - 50,
            output_tokens: 50,
            micro_dollars: COST,
            ..Usage::default()
        };
        self.1.lock().unwrap().finished += 1;
        deltas.settle(&call);
        let text = format!("re: {said}");
        for piece in text.chars().collect::<Vec<_>>().chunks(3) {
            deltas.text(&piece.iter().collect::<String>());
        }
        ModelAnswer {
            result: Ok(ModelReply { text, calls }),
            calls: vec![call],
        }
    }
}

/// The calls that were asked for, after `messages` messages.
fn calls(said: &str, messages: usize, answers: bool) -> Vec<ToolCall> {
    let call = |name: &str, arguments| ToolCall {
        id: "1".to_owned(),
        name: name.to_owned(),
        arguments,
    };
    let order = json!({ "order": format!("{said} {messages}") });
    let same = json!({ "order": "the same" });
    let ten = || std::iter::repeat_n(call("refund", same.clone()), 10).collect();
    match (said, answers) {
        ("loop", _) => vec![call("refund", order)],
        ("same", _) => vec![call("refund", same)],
        ("ten", _) => ten(),
        ("refund", false) => vec![call("refund", order)],
        ("book", false) => vec![call("book", order)],
        ("unknown", false) => vec![call("rm", order)],
        ("garbage", false) => vec![call("refund", json!("{\"order\": "))],
        ("huge", false) => vec![call("refund", json!({ "order": "x".repeat(70_000) }))],
        _ => Vec::new(),
    }
}

/// What is said meanwhile stops its thought, and is answered with the rest once something was booked.
struct Obliging(ToolLoop);

#[async_trait]
impl Brain for Obliging {
    async fn think(&self, context: Context<'_>, deltas: &mut dyn Deltas) -> Thought {
        self.0.think(context, deltas).await
    }

    async fn overlap(&self, meeting: Meeting<'_>) -> Option<Overlap> {
        let books = meeting.running.iter().any(|message| message.text == "book");
        (books && meeting.at == Interrupt::ToolBoundary).then_some(Overlap::Absorb)
    }
}

struct RefundService(Runtime, World);

#[async_trait]
impl Http for RefundService {
    async fn send(&self, _: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let at = self.0.now();
        self.1.lock().unwrap().refunds.push(at);
        Ok(HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: b"{}".to_vec(),
        })
    }
}

/// Keeps the till's key.
pub(super) struct Vault;

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, _: &str, name: &str) -> Result<Secret, Error> {
        if name == "TILL_KEY" {
            return Ok(Secret::new(SECRET).only_for(["refunds.example.com"]));
        }
        Err(Error::new(Kind::NotFound, format!("no secret {name}")))
    }
}

fn bot(settings: &str) -> Bot {
    let booking = |name: &str, effect: &str, undo: &str| {
        format!(
            "format = 1\ndescription = \"{name}s an order.\"\nkind = \"http\"\nside_effect = \"{effect}\"\n\
             [parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n\
             [http]\nmethod = \"POST\"\nurl = \"https://refunds.example.com/{name}\"\nbody = \"json\"\n{undo}"
        )
    };
    let files = MemoryFiles::default()
        .with(
            "tools/book.toml",
            booking(
                "book",
                "compensatable",
                "[undo]\ntool = \"unbook\"\narguments = { order = \"{argument:/order}\" }\n",
            ),
        )
        .with(
            "tools/unbook.toml",
            booking("unbook", "idempotent", ""),
        )
        .with(
            "bot.toml",
            format!("format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n{settings}"),
        )
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.")
        .with(
            "tools/refund.toml",
            "format = 1\ndescription = \"Refunds an order.\"\nkind = \"http\"\nside_effect = \"idempotent\"\n\
             [parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n\
             [http]\nmethod = \"POST\"\nurl = \"https://refunds.example.com/refunds\"\nbody = \"json\"\n\
             headers = { authorization = \"Bearer {secret:TILL_KEY}\" }\n",
        );
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

/// The bot whose `bot.toml` goes on with `settings`.
pub(super) fn staff(runtime: &Runtime, outside: &World, settings: &str) -> Staff {
    Staff {
        bot: Arc::new(bot(settings)),
        brain: Arc::new(Obliging(ToolLoop::new(Arc::new(Dear(
            runtime.clone(),
            Arc::clone(outside),
        ))))),
    }
}

/// A host on what the last power cut left, whose `bot.toml` goes on with `settings`.
pub(super) fn start_host(
    simulation: &Simulation,
    folder: &Path,
    outside: &World,
    settings: &str,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let runtime = simulation.runtime();
    let (store, disk) = open(simulation, folder);
    let staff = staff(&runtime, outside, settings);
    let host = Host::new(Ground {
        store,
        journal: Arc::new(MemoryJournal::default()),
        shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
        http: Arc::new(RefundService(runtime.clone(), Arc::clone(outside))),
        secrets: Arc::new(Vault),
        carriers: Arc::new(Nobody),
        links: Arc::new(engine::approval::NoLinks),
        timing: Timing::default(),
        runtime,
    });
    (host.unwrap(), disk)
}

/// The store that the last power cut left.
pub(crate) fn open(simulation: &Simulation, folder: &Path) -> (Arc<Store>, Arc<VolatileDisk>) {
    let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
    let flush = FlushTask::new(simulation.runtime(), Duration::from_millis(20));
    let store = Store::open(&folder.join("db"), disk.clone(), Arc::new(flush)).unwrap();
    (store, disk)
}

pub(super) fn cut_power(
    simulation: &mut Simulation,
    host: Arc<Host>,
    disk: &VolatileDisk,
    folder: &Path,
) {
    disk.cut();
    simulation.crash();
    drop(host);
    disk.restore(&folder.join("db")).unwrap();
}

pub(super) fn key(channel: Channel, contact: &str) -> SessionKey {
    SessionKey::new("local", "shop", channel, contact).unwrap()
}

/// Says something and goes on for a while.
pub(super) fn say(
    simulation: &mut Simulation,
    host: &Arc<Host>,
    key: &SessionKey,
    text: &str,
    then: Duration,
) {
    let (host, key, text) = (Arc::clone(host), key.clone(), text.to_owned());
    simulation.block_on(async move {
        let id = host.runtime().new_id().to_string();
        host.intake().post(&key, &id, &text).await.unwrap();
        host.runtime().clock.sleep(then).await;
    });
}

pub(super) fn trace(simulation: &mut Simulation, host: &Arc<Host>, key: &SessionKey) -> Trace {
    let (host, key) = (Arc::clone(host), key.clone());
    simulation.block_on(async move { host.view().trace(&key).await.unwrap() })
}
