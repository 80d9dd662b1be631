//! A host in a simulated world whose hotel books, cancels and is paid, each once per idempotency key.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::runner::MemoryJournal;
use async_trait::async_trait;
use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::Channel;
use engine::model::{ChatMessage, Deltas, ModelError, ModelErrorKind, ToolCall};
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;
use engine::turn::{Staff, Timing};
use serde_json::{Value, json};

use crate::nobody::Nobody;

/// What the hotel has done; it survives power cuts.
#[derive(Default)]
pub(super) struct Hotel {
    /// In order: `book kitchen`, `cancel kitchen`, `pay 50`.
    pub(super) ledger: Vec<String>,
    /// What was done under each key, and answered.
    done: BTreeMap<String, Value>,
    /// It refuses what begins so.
    pub(super) refuses: Option<&'static str>,
    /// It cannot be asked what it did.
    pub(super) is_forgetful: bool,
    /// It takes so long to answer what it did that nobody waits for it.
    pub(super) answers_late: bool,
    /// How often it was asked what it did.
    pub(super) asked: usize,
    /// How often it was told to do something.
    pub(super) told: usize,
}

pub(super) type World = Arc<Mutex<Hotel>>;

/// What to do in a round, given what the contact said last and the whole conversation.
pub(super) type Mind = fn(round: u32, asked: &str, conversation: &[ChatMessage]) -> Conclusion;

struct Thinking(Runtime, Mind);

#[async_trait]
impl Brain for Thinking {
    async fn think(&self, context: Context<'_>, _deltas: &mut dyn Deltas) -> Thought {
        self.0.clock.sleep(Duration::from_secs(2)).await;
        let mut said = context.conversation.iter().rev();
        let asked = said.find_map(|message| match message {
            ChatMessage::User { text } => Some(text.as_str()),
            _ => None,
        });
        let conclusion = (self.1)(context.round, asked.unwrap_or(""), &context.conversation);
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }
}

pub(super) fn call(tool: &str, arguments: Value) -> Conclusion {
    let call = ToolCall {
        id: "1".to_owned(),
        name: tool.to_owned(),
        arguments,
    };
    Conclusion::Tools {
        text: String::new(),
        calls: vec![call],
    }
}

/// The same call, twice at once.
pub(super) fn call_twice(tool: &str, arguments: Value) -> Conclusion {
    let call = |id: &str| ToolCall {
        id: id.to_owned(),
        name: tool.to_owned(),
        arguments: arguments.clone(),
    };
    Conclusion::Tools {
        text: String::new(),
        calls: vec![call("1"), call("2")],
    }
}

pub(super) fn give_up() -> Conclusion {
    Conclusion::Stop(ModelError {
        kind: ModelErrorKind::Unavailable,
        detail: "no model".to_owned(),
    })
}

struct Desk(Runtime, World);

#[async_trait]
impl Http for Desk {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        self.0.clock.sleep(Duration::from_millis(200)).await;
        let answer = self.answer(&request);
        let late = self.1.lock().unwrap().answers_late && request.method == "POST";
        let takes = if late { 100_000 } else { 200 };
        self.0.clock.sleep(Duration::from_millis(takes)).await;
        let (status, body) = answer;
        Ok(HttpAnswer {
            status,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        })
    }
}

impl Desk {
    fn answer(&self, request: &HttpRequest) -> (u16, Value) {
        let mut hotel = self.1.lock().unwrap();
        let path = request.url.trim_start_matches("https://hotel.example.com/");
        if let Some(key) = path.strip_prefix("done/") {
            hotel.asked += 1;
            return match hotel.done.get(key) {
                _ if hotel.is_forgetful => (500, json!({})),
                Some(answer) => (200, answer.clone()),
                None => (404, json!({})),
            };
        }
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "idempotency-key");
        let key = key.unwrap().1.clone();
        hotel.told += 1;
        if let Some(answer) = hotel.done.get(&key) {
            return (200, answer.clone());
        }
        let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        let (line, answer) = match path {
            "book" => {
                let room = body["room"].as_str().unwrap().to_owned();
                (
                    format!("book {room}"),
                    json!({ "id": format!("id of {room}") }),
                )
            }
            "cancel" => {
                let room = body["id"].as_str().unwrap().trim_start_matches("id of ");
                (format!("cancel {room}"), json!({ "why": body["why"] }))
            }
            _ => (format!("pay {}", body["amount"]), json!({ "receipt": 7 })),
        };
        if hotel
            .refuses
            .is_some_and(|refused| line.starts_with(refused))
        {
            return (409, json!({ "error": "no" }));
        }
        hotel.ledger.push(line);
        hotel.done.insert(key, answer.clone());
        (200, answer)
    }
}

fn tool(side_effect: &str, argument: &str, kind: &str, path: &str, more: &str) -> String {
    format!(
        "format = 1\ndescription = \"Does it.\"\nkind = \"http\"\nside_effect = \"{side_effect}\"\n\
         [parameters]\ntype = \"object\"\nrequired = [\"{argument}\"]\n\
         [parameters.properties.{argument}]\ntype = \"{kind}\"\n[parameters.properties.why]\ntype = \"string\"\n\
         [http]\nmethod = \"POST\"\nurl = \"https://hotel.example.com/{path}\"\n\
         idempotency_header = \"idempotency-key\"\n{more}"
    )
}

fn bot() -> Bot {
    const LOOKUP: &str =
        "[http.lookup]\nurl = \"https://hotel.example.com/done/{idempotency_key}\"\n";
    const UNDO: &str = "[undo]\ntool = \"cancel\"\n\
                        arguments = { id = \"{result:/id}\", why = \"not {argument:/room} after all\" }\n";
    let files = MemoryFiles::default()
        .with(
            "bot.toml",
            "format = 1\nname = \"hotel\"\n[model]\nuse = \"scripted\"\nscript = \"script.toml\"\n",
        )
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.")
        .with(
            "tools/book.toml",
            tool(
                "compensatable",
                "room",
                "string",
                "book",
                &format!("{LOOKUP}{UNDO}"),
            ),
        )
        .with(
            "tools/cancel.toml",
            tool("idempotent", "id", "string", "cancel", ""),
        )
        .with(
            "tools/pay.toml",
            tool("irreversible", "amount", "number", "pay", LOOKUP),
        );
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

/// A simulated machine that can lose its power.
pub(super) struct Machine {
    pub(super) simulation: Simulation,
    pub(super) hotel: World,
    folder: tempfile::TempDir,
    mind: Mind,
    on: Option<(Arc<Host>, Arc<VolatileDisk>)>,
}

impl Machine {
    pub(super) fn new(seed: u64, mind: Mind) -> Self {
        Self {
            simulation: Simulation::new(seed),
            hotel: World::default(),
            folder: tempfile::tempdir().unwrap(),
            mind,
            on: None,
        }
    }

    /// The running host, started on what the last power cut left.
    pub(super) fn host(&mut self) -> Arc<Host> {
        if self.on.is_none() {
            let on = self.start();
            let host = Arc::clone(&on.0);
            self.on = Some(on);
            self.simulation
                .block_on(async move { host.recover().await.unwrap() });
        }
        Arc::clone(&self.on.as_ref().unwrap().0)
    }

    fn start(&self) -> (Arc<Host>, Arc<VolatileDisk>) {
        let runtime = self.simulation.runtime();
        let folder: &Path = self.folder.path();
        let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
        let flush = FlushTask::new(runtime.clone(), Duration::from_millis(20));
        let store = Store::open(&folder.join("db"), disk.clone(), Arc::new(flush)).unwrap();
        let staff = Staff {
            bot: Arc::new(bot()),
            brain: Arc::new(Thinking(runtime.clone(), self.mind)),
        };
        let host = Host::new(Ground {
            store,
            journal: Arc::new(MemoryJournal::default()),
            shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
            http: Arc::new(Desk(runtime.clone(), Arc::clone(&self.hotel))),
            secrets: Arc::new(Nobody),
            carriers: Arc::new(Nobody),
            links: Arc::new(engine::approval::NoLinks),
            timing: Timing::default(),
            runtime,
        });
        (host.unwrap(), disk)
    }

    pub(super) fn cut_power(&mut self) {
        if let Some((host, disk)) = self.on.take() {
            disk.cut();
            self.simulation.crash();
            drop(host);
            disk.restore(&self.folder.path().join("db")).unwrap();
        }
    }

    /// Says something in the background.
    pub(super) fn say(&mut self, id: &'static str, text: &'static str) {
        let host = self.host();
        self.simulation.runtime().spawn(async move {
            // A power cut may come first.
            let _ = host.intake().post(&session(), id, text).await;
        });
    }

    /// Runs until the hotel's ledger is `length` lines long.
    pub(super) fn until_ledger(&mut self, length: usize) {
        while self.hotel.lock().unwrap().ledger.len() < length {
            assert!(self.simulation.step(), "the hotel is never called");
        }
    }

    pub(super) fn ledger(&self) -> Vec<String> {
        self.hotel.lock().unwrap().ledger.clone()
    }
}

pub(super) fn session() -> SessionKey {
    SessionKey::new("local", "hotel", Channel::Web, "ada").unwrap()
}
