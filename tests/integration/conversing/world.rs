//! A home whose bot talks with Granny, on a host in a simulated world. Its model does what it is told in so many words.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::bot::MemoryFiles;
use engine::brain::ToolLoop;
use engine::model::{
    ChatMessage, Deltas, Model, ModelAnswer, ModelError, ModelErrorKind, ModelReply, ModelRequest,
    ToolCall,
};
use engine::run::{RunRecord, Started};
use engine::session::SessionKey;
use serde_json::{Value, json};

use crate::house::{House, Parts};
use crate::nobody::Nobody;

pub(super) const GRANNY: &str = "web:granny";

/// What the bot says when a goal comes up.
pub(super) const HELLO: &str = "Good morning! May I ask you something?";

/// Words that make the bot report.
pub(super) fn report(arguments: &Value) -> String {
    format!("report {arguments}")
}

/// The same, of the goal that came up in `letter`.
pub(super) fn report_of(letter: &str, arguments: &Value) -> String {
    let (_, rest) = letter.split_once("Goal ").unwrap();
    let id = rest.split(' ').next().unwrap();
    let mut arguments = arguments.clone();
    arguments["goal"] = json!(id);
    report(&arguments)
}

/// A model that says hello, reports what it is told to, and tells what came of it.
#[derive(Default)]
struct Olive {
    asked: Mutex<Vec<ModelRequest>>,
    silent: AtomicBool,
}

#[async_trait]
impl Model for Olive {
    async fn respond(&self, request: &ModelRequest, _: &mut dyn Deltas) -> ModelAnswer {
        self.asked.lock().unwrap().push(request.clone());
        let say = |text: &str| ModelReply {
            text: text.to_owned(),
            calls: Vec::new(),
        };
        let reply = match request.messages.last().unwrap() {
            ChatMessage::Tool { content, .. } => say(content),
            ChatMessage::User { text } if text.starts_with("[goal]") => say(HELLO),
            ChatMessage::User { text } => match text.strip_prefix("report ") {
                Some(arguments) => ModelReply {
                    text: String::new(),
                    calls: vec![ToolCall {
                        id: "c1".to_owned(),
                        name: "report_goal".to_owned(),
                        arguments: serde_json::from_str(arguments).unwrap(),
                    }],
                },
                None => say("I hear you."),
            },
            ChatMessage::Assistant { .. } => panic!("nothing is to be answered"),
        };
        let silent = self.silent.load(Ordering::Relaxed);
        ModelAnswer {
            result: match silent {
                true => Err(ModelError {
                    kind: ModelErrorKind::Authentication,
                    detail: "no key".to_owned(),
                }),
                false => Ok(reply),
            },
            calls: Vec::new(),
        }
    }
}

pub(super) struct Home {
    house: House,
    olive: Arc<Olive>,
}

impl Home {
    pub(super) fn with(workflows: &[(&str, &str)]) -> Self {
        let files = MemoryFiles::default()
            .with(
                "bot.toml",
                "format = 1\nname = \"home\"\n[model]\nuse = \"openai/gpt-4.1-mini\"\n[limits]\nhistory_turns = 2\n\
                 [channels.twilio]\naccount_sid = \"AC0\"\nfrom = \"+15550100\"\nauth_token = \"TOKEN\"\n",
            )
            .with(
                "people.toml",
                "format = 1\n[people.mum]\nweb = \"mum\"\n[people.granny]\nweb = \"granny\"\n",
            )
            .with("SOUL.md", "You are Olive.");
        let add = |files: MemoryFiles, (name, text): &(&str, &str)| {
            files.with(format!("workflows/{name}.yaml"), *text)
        };
        let files = workflows.iter().fold(files, add);
        let olive = Arc::<Olive>::default();
        let house = House::open(&files, |_| Parts {
            brain: Arc::new(ToolLoop::new(olive.clone())),
            http: Arc::new(Nobody),
            carriers: Arc::new(Nobody),
        });
        Self { house, olive }
    }

    pub(super) fn begin(&mut self, workflow: &str) -> Started {
        self.begin_with(workflow, json!({}))
    }

    pub(super) fn begin_with(&mut self, workflow: &str, inputs: Value) -> Started {
        self.house.begin(workflow, inputs)
    }

    pub(super) fn record(&mut self, run: &Started) -> RunRecord {
        self.house.record(&run.run.id)
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.house.pass(Duration::from_secs(seconds));
    }

    pub(super) fn pass_millis(&mut self, millis: u64) {
        self.house.pass(Duration::from_millis(millis));
    }

    pub(super) fn step(&mut self, steps: usize) {
        for _ in 0..steps {
            self.house.simulation.step();
        }
    }

    pub(super) fn restart(&mut self) {
        self.house.restart();
    }

    /// All that a contact was told.
    pub(super) fn told(&mut self, contact: &str) -> Vec<String> {
        self.house.told(&key(contact))
    }

    /// Takes a message in.
    pub(super) fn hear(&mut self, contact: &str, id: &str, text: &str) {
        self.house.deliver(&key(contact), id, text);
    }

    /// Says `text` and gives what is answered.
    pub(super) fn say(&mut self, contact: &str, text: &str) -> String {
        self.house.say(&key(contact), text);
        self.pass(20);
        self.told(contact).pop().unwrap_or_default()
    }

    /// What the model was asked last.
    pub(super) fn asked(&self) -> ModelRequest {
        self.olive.asked.lock().unwrap().last().unwrap().clone()
    }

    /// The goals that have come up, each once.
    pub(super) fn letters(&self) -> Vec<String> {
        let mut letters: Vec<String> = Vec::new();
        for request in self.olive.asked.lock().unwrap().iter() {
            for message in &request.messages {
                if let ChatMessage::User { text } = message
                    && text.starts_with("[goal]")
                    && !letters.contains(text)
                {
                    letters.push(text.clone());
                }
            }
        }
        letters
    }

    /// From now on the model fails.
    pub(super) fn silence(&self) {
        self.olive.silent.store(true, Ordering::Relaxed);
    }

    pub(super) fn stop(&mut self, stop: bool) {
        let host = Arc::clone(&self.house.host);
        self.house.simulation.block_on(async move {
            let switches = host.switches();
            match stop {
                true => drop(switches.stop("local", None, "mum", "enough").await.unwrap()),
                false => drop(switches.resume("local", None).await.unwrap()),
            }
        });
    }

    pub(super) fn take_over(&mut self, contact: &str, person: &'static str) {
        let (attend, key) = (self.house.host.attend(), key(contact));
        let done = async move { attend.take_over(&key, person).await.map(drop) };
        self.house.simulation.block_on(done).unwrap();
    }

    pub(super) fn hand_back(&mut self, contact: &str) {
        let (attend, key) = (self.house.host.attend(), key(contact));
        let done = async move { attend.hand_back(&key).await.map(drop) };
        self.house.simulation.block_on(done).unwrap();
    }

    pub(super) fn close(&mut self, contact: &str) {
        let (attend, key) = (self.house.host.attend(), key(contact));
        let done = async move { attend.close(&key).await.map(drop) };
        self.house.simulation.block_on(done).unwrap();
    }

    pub(super) fn cancel(&mut self, run: &Started) {
        let (host, id) = (Arc::clone(&self.house.host), run.run.id.clone());
        let cancelled = async move { host.runs().cancel("local", &id, "enough").await };
        assert!(self.house.simulation.block_on(cancelled).unwrap());
    }

    pub(super) fn retry(&mut self, run: &Started) -> bool {
        let (host, id) = (Arc::clone(&self.house.host), run.run.id.clone());
        let retried = async move {
            let catalogue = host.catalogue();
            host.runs().retry(&*catalogue, "local", &id).await
        };
        self.house.simulation.block_on(retried).unwrap()
    }
}

fn key(contact: &str) -> SessionKey {
    format!("local/home/{contact}").parse().unwrap()
}
