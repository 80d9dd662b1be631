//! A house with workflows, on a host in a simulated world whose services count what they did.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::approval::{NoLinks, State};
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::bus::NewEvent;
use engine::error::Error;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::Channel;
use engine::model::{Deltas, ModelAnswer, ModelCall, ModelReply, ModelRequest, ToolCall, Usage};
use engine::run::{RunRecord, RunSummary, Started};
use engine::runtime::simulated::Simulation;
use engine::runtime::{Runtime, Time};
use engine::session::{SessionKey, Sessions};
use engine::transcript::Truth;
use engine::turn::{Staff, Timing};
use engine::view::Role;
use engine::workflow::Library;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house;
use crate::nobody::Nobody;

/// Repeats what it was told; judges badly at first.
struct Butler(Runtime);

#[async_trait]
impl Brain for Butler {
    async fn think(&self, _: Context<'_>, _: &mut dyn Deltas) -> Thought {
        Thought {
            conclusion: Conclusion::Reply("Very well.".to_owned()),
            model_calls: Vec::new(),
        }
    }

    async fn answer(&self, request: &ModelRequest, deltas: &mut dyn Deltas) -> ModelAnswer {
        let again = request.messages.len() > 1;
        let arguments = if again {
            json!({ "mood": "good" })
        } else {
            json!({ "mood": "splendid" })
        };
        let call = ModelCall {
            model: "butler".to_owned(),
            at: self.0.now(),
            millis: 1,
            usage: Usage {
                input_tokens: 5,
                output_tokens: 5,
                micro_dollars: 10,
                ..Usage::default()
            },
            error: None,
        };
        deltas.settle(&call);
        let asked = ToolCall {
            id: "1".to_owned(),
            name: "answer".to_owned(),
            arguments,
        };
        ModelAnswer {
            result: Ok(ModelReply {
                text: String::new(),
                calls: vec![asked],
            }),
            calls: vec![call],
        }
    }
}

/// What the services did, by idempotency key, and how many answers will be lost.
#[derive(Default)]
struct Ledger {
    done: Vec<(String, String)>,
    lost: usize,
    /// What is refused, once.
    refused: Option<String>,
}

/// The services: those that book and charge do a thing once per idempotency key, the others whenever they are asked.
#[derive(Clone)]
struct Services(Runtime, Arc<Mutex<Ledger>>);

#[async_trait]
impl Http for Services {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        let pause = |millis| self.0.clock.sleep(Duration::from_millis(millis));
        pause(20).await;
        let body: Value =
            serde_json::from_slice(&request.body.unwrap_or_default()).unwrap_or_default();
        let what = body["what"].as_str().unwrap_or_default().to_owned();
        let service = request
            .url
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "idempotency-key")
            .map(|(_, key)| key.clone());
        let lost = {
            let mut ledger = self.1.lock().unwrap();
            if ledger.refused.take_if(|refused| *refused == what).is_some() {
                return Ok(HttpAnswer {
                    status: 422,
                    headers: Vec::new(),
                    body: b"{}".to_vec(),
                });
            }
            let knows_keys = matches!(service.as_str(), "book" | "charge");
            let known = key
                .as_ref()
                .is_some_and(|key| ledger.done.iter().any(|(done, _)| done == key));
            if service != "look" && !(knows_keys && known) {
                ledger
                    .done
                    .push((key.unwrap_or_default(), format!("{service} {what}")));
            }
            let lost = ledger.lost > 0;
            ledger.lost = ledger.lost.saturating_sub(1);
            lost
        };
        pause(20).await;
        if lost {
            return Err(HttpFailure::Unknown("the answer was lost".to_owned()));
        }
        Ok(HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: said(&what).to_string().into_bytes(),
        })
    }
}

/// What a service answers: a text of so many letters when it is asked for `letter COUNT`, what stands behind `say `, and
/// else what was done.
fn said(what: &str) -> Value {
    if let Some(count) = what.strip_prefix("letter ") {
        return Value::from("x".repeat(count.parse().unwrap()));
    }
    match what.strip_prefix("say ") {
        Some(words) => serde_json::from_str(words).unwrap(),
        None => json!({ "done": what }),
    }
}

/// A tool that posts to the service of its name.
fn tool(name: &str, side_effect: &str, more: &str) -> String {
    format!(
        "format = 1\ndescription = \"Does it.\"\nkind = \"http\"\nside_effect = \"{side_effect}\"\n\
         [parameters]\ntype = \"object\"\nrequired = [\"what\"]\n[parameters.properties.what]\ntype = \"string\"\n\
         [parameters.properties.amount]\ntype = \"number\"\n\
         [http]\nmethod = \"POST\"\nurl = \"https://house.example/{name}\"\nbody = \"json\"\n\
         idempotency_header = \"idempotency-key\"\n{more}"
    )
}

fn files(workflows: &[(&str, &str)]) -> MemoryFiles {
    let approval = "[approval]\nargument = \"amount\"\nabove = 100\nrole = \"parent\"\n";
    let files = MemoryFiles::default()
        .with(
            "bot.toml",
            "format = 1\nname = \"house\"\n[model]\nuse = \"scripted\"\nscript = \"script.toml\"\n",
        )
        .with("script.toml", "format = 1\n")
        .with(
            "people.toml",
            "format = 1\n[people.mum]\nroles = [\"parent\"]\nweb = \"mum\"\n",
        )
        .with("SOUL.md", "You keep a house.")
        .with("tools/look.toml", tool("look", "pure", ""))
        .with("tools/book.toml", tool("book", "idempotent", ""))
        .with("tools/charge.toml", tool("charge", "idempotent", ""))
        .with("tools/pay.toml", tool("pay", "irreversible", ""))
        .with(
            "tools/refund.toml",
            tool("refund", "irreversible", approval),
        );
    let add = |files: MemoryFiles, (name, text): &(&str, &str)| {
        files.with(format!("workflows/{name}.yaml"), *text)
    };
    workflows.iter().fold(files, add)
}

/// The house, its host and whoever talks to it.
pub(super) struct House {
    folder: TempDir,
    bot: Arc<Bot>,
    library: Library,
    ledger: Arc<Mutex<Ledger>>,
    simulation: Simulation,
    host: Arc<Host>,
    disk: Arc<VolatileDisk>,
}

impl House {
    pub(super) fn with(workflows: &[(&str, &str)]) -> Self {
        let files = files(workflows);
        let bot = Bot::load(&files)
            .unwrap_or_else(|problems| panic!("{problems}"))
            .bot;
        let library = Library::load(&files, &bot, &asl::Jsonata)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let (bot, folder) = (Arc::new(bot), tempfile::tempdir().unwrap());
        let simulation = Simulation::new(1);
        let ledger = Arc::<Mutex<Ledger>>::default();
        let (host, disk) = start(simulation.runtime(), folder.path(), &bot, &library, &ledger);
        let mut house = Self {
            folder,
            bot,
            library,
            ledger,
            simulation,
            host,
            disk,
        };
        house.recover();
        house
    }

    fn recover(&mut self) {
        let host = Arc::clone(&self.host);
        self.simulation
            .block_on(async move { host.recover().await.unwrap() });
    }

    /// Cuts the power and starts again on what was synced.
    pub(super) fn cut_power(&mut self) {
        self.cut_power_for(0);
    }

    /// The same, with so many seconds in the dark.
    pub(super) fn cut_power_for(&mut self, seconds: u64) {
        self.disk.cut();
        self.simulation.crash();
        let clock = self.simulation.runtime().clock;
        self.simulation
            .block_on(async move { clock.sleep(Duration::from_secs(seconds)).await });
        self.disk.restore(&self.folder.path().join("db")).unwrap();
        let runtime = self.simulation.runtime();
        let (host, disk) = start(
            runtime,
            self.folder.path(),
            &self.bot,
            &self.library,
            &self.ledger,
        );
        (self.host, self.disk) = (host, disk);
        self.recover();
        self.pass(5);
    }

    pub(super) fn begin(&mut self, workflow: &str, inputs: Value) -> Started {
        let (host, workflow) = (Arc::clone(&self.host), workflow.to_owned());
        self.simulation
            .block_on(async move { house::begin(&host, &workflow, inputs).await })
    }

    pub(super) fn step(&mut self, steps: usize) {
        for _ in 0..steps {
            self.simulation.step();
        }
    }

    /// How many steps the run takes to its end.
    pub(super) fn steps_until_ended(&mut self, run: &Started) -> usize {
        let mut steps = 0;
        while self.record(run).ended.is_none() {
            self.step(20);
            steps += 20;
        }
        steps
    }

    pub(super) fn until_ended(&mut self, run: &Started) {
        for _ in 0..200 {
            if self.record(run).ended.is_some() {
                return;
            }
            self.pass(2);
        }
        panic!("it does not end: {:?}", self.record(run));
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.simulation.run_for(Duration::from_secs(seconds));
    }

    pub(super) fn settle(&mut self) {
        self.pass(30);
    }

    /// Lets time pass until a time of day, in UTC.
    pub(super) fn until_clock(&mut self, time: &str) {
        while !self.is_after(self.simulation.runtime().now(), time) {
            self.pass(10);
        }
    }

    pub(super) fn is_after(&self, at: Time, time: &str) -> bool {
        let (_, clock) = at
            .to_string()
            .split_once('T')
            .map(|(day, clock)| (day.to_owned(), clock.to_owned()))
            .unwrap();
        clock.as_str() > time && at > self.begun()
    }

    fn begun(&self) -> Time {
        Simulation::new(1).runtime().now()
    }

    pub(super) fn record(&mut self, run: &Started) -> RunRecord {
        let (host, id) = (Arc::clone(&self.host), run.run.id.clone());
        self.simulation
            .block_on(async move { host.run_record("local", &id).await.unwrap() })
    }

    /// What the run kept under a name.
    pub(super) fn value(&mut self, run: &Started, kept: &str) -> Result<Value, Error> {
        let (values, run, kept) = (self.host.values(), run.run.clone(), kept.to_owned());
        self.simulation
            .block_on(async move { values.read(&run, &kept).await })
    }

    /// The run as lists show it, without its history; its own document is read again.
    pub(super) fn summary(&mut self, run: &Started) -> RunSummary {
        let (host, id) = (Arc::clone(&self.host), run.run.id.clone());
        self.simulation.block_on(async move {
            let started = host.runs().find("local", &id).await.unwrap();
            host.runs().summary(&started).await.unwrap()
        })
    }

    pub(super) fn runs(&mut self) -> Vec<Started> {
        let host = Arc::clone(&self.host);
        self.simulation
            .block_on(async move { host.runs().latest("local", None, usize::MAX).await.unwrap() })
    }

    /// What the services did, sorted.
    pub(super) fn effects(&self) -> Vec<String> {
        let mut done: Vec<String> = self
            .ledger
            .lock()
            .unwrap()
            .done
            .iter()
            .map(|(_, what)| what.clone())
            .collect();
        done.sort();
        done
    }

    pub(super) fn lose_answers(&mut self, count: usize) {
        self.ledger.lock().unwrap().lost = count;
    }

    /// Lets the services refuse `what` once.
    pub(super) fn refuse(&mut self, what: &str) {
        self.ledger.lock().unwrap().refused = Some(what.to_owned());
    }

    /// Whether the run goes on.
    pub(super) fn retry(&mut self, run: &Started) -> Result<bool, Error> {
        let (host, id) = (Arc::clone(&self.host), run.run.id.clone());
        self.simulation.block_on(async move {
            let catalogue = host.catalogue();
            host.runs().retry(&*catalogue, "local", &id).await
        })
    }

    /// Says that what nobody knows the end of took place.
    pub(super) fn settle_unknown(&mut self, content: Value) {
        let host = Arc::clone(&self.host);
        self.simulation.block_on(async move {
            let unknowns = host.unknowns();
            let open = unknowns.open("local").await.unwrap().remove(0);
            let truth = Truth::Happened { result: content };
            let settled = unknowns.settle("local", &open.id, &truth, "mum").await;
            settled.unwrap();
        });
    }

    pub(super) fn cancel(&mut self, run: &Started) {
        let (host, id) = (Arc::clone(&self.host), run.run.id.clone());
        let cancelled = self
            .simulation
            .block_on(async move { host.runs().cancel("local", &id, "enough").await });
        assert!(cancelled.unwrap());
    }

    /// The tools of what nobody knows the end of.
    pub(super) fn unknown(&mut self) -> Vec<String> {
        let host = Arc::clone(&self.host);
        let open = self
            .simulation
            .block_on(async move { host.unknowns().open("local").await.unwrap() });
        open.into_iter().map(|unknown| unknown.tool).collect()
    }

    /// Answers the question that is open, as `contact`, with `more` words behind the code.
    pub(super) fn decide(&mut self, contact: &str, word: &str, more: &str) {
        let host = Arc::clone(&self.host);
        let asked = self
            .simulation
            .block_on(async move { host.desk().list("local").await.unwrap() });
        let open = asked
            .iter()
            .find(|approval| approval.state == State::Pending)
            .unwrap();
        let text = format!("{word} {}{more}", open.code());
        self.say(contact, &text);
    }

    fn say(&mut self, contact: &str, text: &str) {
        let id = self.host.runtime().new_id().to_string();
        self.hear(contact, &id, text);
        self.settle();
    }

    /// Takes a message of `contact` in.
    pub(super) fn hear(&mut self, contact: &str, id: &str, text: &str) {
        let key = web(contact);
        let host = Arc::clone(&self.host);
        let (id, text) = (id.to_owned(), text.to_owned());
        self.simulation
            .block_on(async move { host.intake().post(&key, &id, &text).await.unwrap() });
    }

    /// Closes the conversation with `contact`.
    pub(super) fn close(&mut self, contact: &str) {
        let key = web(contact);
        let host = Arc::clone(&self.host);
        self.simulation
            .block_on(async move { drop(host.attend().close(&key).await.unwrap()) });
    }

    /// Somebody tells of something.
    pub(super) fn post(&mut self, event: NewEvent) {
        let host = Arc::clone(&self.host);
        self.simulation.block_on(async move {
            let event = event.of("local", host.runtime()).unwrap();
            host.bus().put(event).await.unwrap();
            let sessions: &dyn Sessions = &**host.store();
            sessions.durable().await.unwrap();
        });
    }

    /// What `contact` was told last.
    pub(super) fn heard(&mut self, contact: &str) -> String {
        let key = web(contact);
        let host = Arc::clone(&self.host);
        let messages = self
            .simulation
            .block_on(async move { host.view().messages(&key, 0).await.unwrap() });
        let said = messages
            .into_iter()
            .rfind(|message| message.role == Role::Assistant);
        said.map(|message| message.text).unwrap_or_default()
    }
}

fn web(contact: &str) -> SessionKey {
    SessionKey::new("local", "house", Channel::Web, contact).unwrap()
}

fn start(
    runtime: Runtime,
    folder: &Path,
    bot: &Arc<Bot>,
    library: &Library,
    ledger: &Arc<Mutex<Ledger>>,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
    let flush = FlushTask::new(runtime.clone(), Duration::from_millis(5));
    let store = Store::open(&folder.join("db"), disk.clone(), Arc::new(flush)).unwrap();
    let staff = Staff {
        bot: Arc::clone(bot),
        brain: Arc::new(Butler(runtime.clone())),
    };
    let host = Host::new(Ground {
        journal: store.clone(),
        store,
        shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
        http: Arc::new(Services(runtime.clone(), Arc::clone(ledger))),
        secrets: Arc::new(Nobody),
        carriers: Arc::new(Nobody),
        links: Arc::new(NoLinks),
        timing: Timing::default(),
        runtime,
    });
    let host = host.unwrap();
    host.shelve(library).unwrap();
    (host, disk)
}
