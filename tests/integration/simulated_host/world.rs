//! A host in a simulated world: a brain, a refund service and a carrier that take their time and count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::runner::MemoryJournal;
use async_trait::async_trait;
use confab::host::{Ground, Host, Shelf};
use embedded::{Disk, FlushTask, Store, VolatileDisk};
use engine::approval::NoLinks;
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::error::Error;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::message::{Carrier, Channel, Delivery, DeliveryState, Reference, SendReport};
use engine::model::{ChatMessage, Deltas, ToolCall};
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;
use engine::turn::{Carriers, Staff, Timing};
use serde_json::json;

use crate::nobody::Nobody;

/// The world outside the host: it survives power cuts.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) acknowledged: BTreeSet<String>,
    pub(super) refunds: BTreeMap<String, usize>,
    pub(super) texts_sent: BTreeMap<String, usize>,
    pub(super) shown: BTreeMap<(SessionKey, u64), String>,
    pub(super) faults: usize,
}

pub(super) type World = Arc<Mutex<Outside>>;

/// Answers after a while; asks for a refund first where the message says so.
struct EchoBrain(Runtime);

#[async_trait]
impl Brain for EchoBrain {
    async fn think(&self, context: Context<'_>, _deltas: &mut dyn Deltas) -> Thought {
        pause(&self.0, 3000).await;
        let asked = context
            .conversation
            .iter()
            .rev()
            .find_map(|message| match message {
                ChatMessage::User { text } => Some(text.clone()),
                _ => None,
            });
        let asked = asked.unwrap_or_default();
        let conclusion = if asked.contains("refund") && context.round == 0 {
            let call = ToolCall {
                id: "1".to_owned(),
                name: "refund".to_owned(),
                arguments: json!({"order": asked}),
            };
            Conclusion::Tools {
                text: String::new(),
                calls: vec![call],
            }
        } else {
            Conclusion::Reply(format!("re: {asked}"))
        };
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }
}

/// The refund service: counts what it did per idempotency key, and sometimes its answer is lost.
struct RefundService(Runtime, World);

#[async_trait]
impl Http for RefundService {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        pause(&self.0, 500).await;
        let key = request
            .headers
            .iter()
            .find(|(name, _)| name == "idempotency-key")
            .map(|(_, key)| key.clone());
        *self
            .1
            .lock()
            .unwrap()
            .refunds
            .entry(key.unwrap())
            .or_default() += 1;
        pause(&self.0, 500).await;
        Ok(HttpAnswer {
            status: 200,
            headers: Vec::new(),
            body: b"{}".to_vec(),
        })
    }
}

/// A carrier that counts what it sent.
struct Texts(Runtime, World);

#[async_trait]
impl Carrier for Texts {
    async fn send(&self, reference: &Reference, _text: &str) -> SendReport {
        pause(&self.0, 500).await;
        *self
            .1
            .lock()
            .unwrap()
            .texts_sent
            .entry(reference.to_string())
            .or_default() += 1;
        pause(&self.0, 500).await;
        let at = self.0.now();
        vec![Delivery {
            part: 0,
            state: DeliveryState::Sent,
            provider_id: None,
            error: None,
            at,
        }]
    }
}

struct Ways(Arc<Texts>);

#[async_trait]
impl Carriers for Ways {
    async fn carrier(&self, key: &SessionKey) -> Result<Option<Arc<dyn Carrier>>, Error> {
        Ok((key.channel() == Channel::Sms).then(|| Arc::clone(&self.0) as Arc<dyn Carrier>))
    }
}

pub(super) async fn pause(runtime: &Runtime, longest_millis: u64) {
    let millis = runtime.entropy.next_u64() % longest_millis;
    runtime.clock.sleep(Duration::from_millis(millis)).await;
}

pub(super) fn bot() -> Bot {
    let files = MemoryFiles::default()
        .with("bot.toml", "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\nscript = \"script.toml\"\n")
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.")
        .with(
            "tools/refund.toml",
            "format = 1\ndescription = \"Refunds an order.\"\nkind = \"http\"\nside_effect = \"irreversible\"\n\
             [parameters]\ntype = \"object\"\nrequired = [\"order\"]\n[parameters.properties.order]\ntype = \"string\"\n\
             [http]\nmethod = \"POST\"\nurl = \"https://refunds.example.com/refunds\"\nbody = \"json\"\n\
             idempotency_header = \"idempotency-key\"\n",
        );
    Bot::load(&files)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .bot
}

/// A host on what the last power cut left.
pub(super) fn start_host(
    simulation: &Simulation,
    folder: &Path,
    outside: &World,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let staff = Staff {
        bot: Arc::new(bot()),
        brain: Arc::new(EchoBrain(simulation.runtime())),
    };
    let disk = Arc::new(VolatileDisk::new(folder.join("synced")));
    let host = start_host_with(simulation, folder, disk.clone(), outside, staff);
    (host, disk)
}

/// The same with another disk, bot and brain.
pub(super) fn start_host_with(
    simulation: &Simulation,
    folder: &Path,
    disk: Arc<dyn Disk>,
    outside: &World,
    staff: Staff,
) -> Arc<Host> {
    let runtime = simulation.runtime();
    let flush = FlushTask::new(runtime.clone(), Duration::from_millis(20));
    let store = Store::open(&folder.join("db"), disk, Arc::new(flush)).unwrap();
    let host = Host::new(Ground {
        store,
        journal: Arc::new(MemoryJournal::default()),
        shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
        http: Arc::new(RefundService(runtime.clone(), Arc::clone(outside))),
        secrets: Arc::new(Nobody),
        carriers: Arc::new(Ways(Arc::new(Texts(runtime.clone(), Arc::clone(outside))))),
        links: Arc::new(NoLinks),
        timing: Timing::default(),
        runtime,
    });
    host.unwrap()
}
