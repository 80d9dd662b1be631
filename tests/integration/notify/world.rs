//! A house whose workflows tell its people things, by carriers that fail at will.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use engine::bot::MemoryFiles;
use engine::bot::secrets::Secrets as Keys;
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::error::Error;
use engine::message::{
    Arrival, Carrier, Channel, Delivery, DeliveryState, DeliveryStatus, Reference, SendReport,
};
use engine::model::{ChatMessage, Deltas};
use engine::notify::Notices;
use engine::run::{RunRecord, RunRef, RunStatus};
use engine::runtime::{Runtime, Time};
use engine::session::SessionKey;
use engine::turn::Carriers;
use http::{Method, Request};
use serde_json::{Value, json};
use surface::{Access, Noticing};

use crate::house::{House, Parts, signing};
use crate::nobody::Nobody;

const BOT: &str = "format = 1\nname = \"house\"\n[model]\nuse = \"scripted\"\n\
                   [approvals]\nrole = \"carer\"\nurl = \"https://home.example\"\n";

/// The simulation begins at midnight.
const PEOPLE: &str = "format = 1\n\
    [people.ana]\nroles = [\"carer\"]\nsms = \"+15550101\"\nwhatsapp = \"+15550101\"\nweb = \"ana\"\n\
    prefer = [\"whatsapp\"]\nmute = [\"ambient\"]\nbackup = \"ben\"\n\
    quiet_hours = { from = \"22:00\", to = \"07:00\" }\ntimezone = \"UTC\"\n\
    [people.ben]\nroles = [\"carer\"]\nsms = \"+15550102\"\n\
    [people.cleo]\nsms = \"+15550103\"\n";

/// Says again what it was told.
struct Echo;

#[async_trait]
impl Brain for Echo {
    async fn think(&self, context: Context<'_>, _: &mut dyn Deltas) -> Thought {
        let text = match context.conversation.last() {
            Some(ChatMessage::User { text }) => format!("heard: {text}"),
            _ => "nothing was said".to_owned(),
        };
        Thought {
            conclusion: Conclusion::Reply(text),
            model_calls: Vec::new(),
        }
    }
}

/// A message that left.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) at: Time,
    /// `whatsapp:+15550101`
    pub(super) to: String,
    pub(super) text: String,
    reference: Reference,
}

/// The networks; they survive power cuts.
#[derive(Clone)]
pub(super) struct Air {
    runtime: Runtime,
    sent: Arc<Mutex<Vec<Sent>>>,
    refuses: Arc<Mutex<Vec<Channel>>>,
}

#[async_trait]
impl Carrier for Air {
    async fn send(&self, reference: &Reference, text: &str) -> SendReport {
        let now = self.runtime.now();
        let refused = self
            .refuses
            .lock()
            .unwrap()
            .contains(&reference.session.channel());
        if !refused {
            self.sent.lock().unwrap().push(Sent {
                at: now,
                to: reference.session.id().to_owned(),
                text: text.to_owned(),
                reference: reference.clone(),
            });
        }
        vec![Delivery {
            part: 0,
            state: if refused {
                DeliveryState::Failed
            } else {
                DeliveryState::Sent
            },
            provider_id: None,
            error: refused.then(|| "the number is gone".to_owned()),
            at: now,
        }]
    }
}

#[async_trait]
impl Carriers for Air {
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        let carried = key.channel() != Channel::Web;
        Ok(carried.then(|| Arc::new(self.clone()) as Arc<dyn Carrier>))
    }
}

/// The house and its networks.
pub(super) struct Home {
    pub(super) house: House,
    pub(super) air: Air,
}

pub(super) const MIDNIGHT: Time = Time(1_767_225_600_000);

impl Home {
    /// A house with the workflow `w` of these steps.
    pub(super) fn with(steps: &str) -> Self {
        let files = MemoryFiles::default()
            .with("bot.toml", BOT)
            .with("people.toml", PEOPLE)
            .with("script.toml", "format = 1\n")
            .with("SOUL.md", "You help.")
            .with("workflows/w.yaml", format!("description: Tells.\ninputs: {{text: {{type: string, default: Hello.}}}}\n{steps}"));
        let mut air = None;
        let house = House::open(&files, |runtime| {
            let carriers = air.insert(Air {
                runtime,
                sent: Arc::default(),
                refuses: Arc::default(),
            });
            Parts {
                brain: Arc::new(Echo),
                http: Arc::new(Nobody),
                carriers: Arc::new(carriers.clone()),
            }
        });
        let air = air.unwrap();
        Self { house, air }
    }

    /// Begins a run that tells `text`.
    pub(super) fn run(&mut self, text: &str) -> RunRef {
        self.house.begin("w", json!({ "text": text })).run
    }

    fn record(&mut self, run: &RunRef) -> RunRecord {
        let (host, id) = (Arc::clone(&self.house.host), run.id.clone());
        let record = async move { host.run_record("local", &id).await.unwrap() };
        self.house.simulation.block_on(record)
    }

    /// What a run gave, or the error that ended it; nothing while it runs.
    pub(super) fn came_to(&mut self, run: &RunRef) -> Option<Result<Value, String>> {
        let record = self.record(run);
        match record.status {
            RunStatus::Running => None,
            RunStatus::Succeeded => Some(Ok(record.outputs.unwrap())),
            _ => Some(Err(record.error.unwrap_or_default())),
        }
    }

    /// Calls the surface as whoever has a link: the status and the page.
    pub(super) fn open_link(&mut self, method: Method, path: &str) -> (u16, String) {
        let host = Arc::clone(&self.house.host);
        let runtime = host.runtime().clone();
        let keys = "format = 1\n[[keys]]\nkey = \"key-of-ana-0123456789\"\ntenant = \"local\"\nperson = \"ana\"\nrole = \"operator\"\n";
        let keys = Arc::new(Keys::parse("secrets.toml", keys).unwrap());
        let noticing = Noticing {
            access: Arc::new(Access::keyed(keys, signing(), runtime)),
            notices: Notices::from(host.desk()),
            sessions: host.store().clone(),
        };
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header("accept", "text/html")
            .body(Vec::new())
            .unwrap();
        let served = async move { noticing.serve(request).await };
        let response = self.house.simulation.block_on(served);
        let status = response.status().as_u16();
        (status, String::from_utf8(response.into_body()).unwrap())
    }

    /// Everything that left, as `07:00 whatsapp:+15550101 text`.
    pub(super) fn sent(&self) -> Vec<String> {
        let sent = self.air.sent.lock().unwrap();
        let line = |sent: &Sent| {
            let minutes = sent.at.since(MIDNIGHT).as_secs() / 60;
            format!(
                "{:02}:{:02} {} {}",
                minutes / 60,
                minutes % 60,
                sent.to,
                sent.text
            )
        };
        sent.iter().map(line).collect()
    }

    /// The same without the lines on how to answer.
    pub(super) fn sent_where(&self) -> Vec<String> {
        let first = |line: String| line.lines().next().unwrap().to_owned();
        self.sent().into_iter().map(first).collect()
    }

    pub(super) fn refuse(&self, channels: &[Channel]) {
        *self.air.refuses.lock().unwrap() = channels.to_vec();
    }

    /// The carrier says that the last message did not arrive after all.
    pub(super) fn bounce(&mut self) {
        let reference = self
            .air
            .sent
            .lock()
            .unwrap()
            .last()
            .unwrap()
            .reference
            .clone();
        let host = Arc::clone(&self.house.host);
        self.house.simulation.block_on(async move {
            let status = Arrival::Status(DeliveryStatus {
                reference,
                provider_id: "x".to_owned(),
                state: DeliveryState::Failed,
                error: None,
            });
            host.intake()
                .receive("local", "house", vec![status])
                .await
                .unwrap();
        });
    }

    /// Lets time pass until the clock shows this many minutes after midnight.
    pub(super) fn until(&mut self, minute: u64) {
        let then = MIDNIGHT.plus(Duration::from_secs(minute * 60));
        let now = self.air.runtime.now();
        self.house.pass(then.since(now));
    }
}

pub(super) fn session(id: &str) -> SessionKey {
    SessionKey::from_id("local", "house", id).unwrap()
}
