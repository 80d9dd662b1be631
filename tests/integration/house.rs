//! A host in a simulated world: what it stands on, what is said to it, and power cuts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use confab::host::{Ground, Host, Shelf};
use embedded::{FlushTask, Store, VolatileDisk};
use engine::bot::{Bot, BotFiles, Folder, MemoryFiles};
use engine::brain::Brain;
use engine::error::Error;
use engine::http::{Http, HttpAnswer, HttpFailure, HttpRequest};
use engine::run::{Beginning, RunRecord, Started};
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use engine::secret::Secret;
use engine::session::{SessionKey, Sessions};
use engine::tool::Secrets;
use engine::turn::{Carriers, Staff, Timing};
use engine::view::Role;
use engine::workflow::Library;
use serde_json::{Value, json};
use surface::SigningKey;
use tempfile::TempDir;

use crate::nobody::Nobody;

#[async_trait]
impl Http for Nobody {
    async fn send(&self, _: HttpRequest) -> Result<HttpAnswer, HttpFailure> {
        panic!("nobody goes to the web here")
    }
}

/// Knows the value of every secret.
struct Keyring;

#[async_trait]
impl Secrets for Keyring {
    async fn secret(&self, _tenant: &str, name: &str) -> Result<Secret, Error> {
        Ok(Secret::new(format!("the value of {name}")).only_for(["*.example.com"]))
    }
}

/// The folder of an example.
pub(crate) fn example(name: &str) -> MemoryFiles {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let folder = Folder::open(examples.join(name)).unwrap();
    let read = |path: String| {
        let content = folder.read(&path, usize::MAX).unwrap();
        (path, content)
    };
    folder.list().unwrap().into_iter().map(read).collect()
}

/// Begins a run of a workflow of the host's bot by hand, for good.
pub(crate) async fn begin(host: &Host, workflow: &str, inputs: Value) -> Started {
    let beginning = Beginning {
        tenant: "local".to_owned(),
        bot: host.shelf().current().bot.name.clone(),
        machine: None,
        trigger: json!({ "type": "manual" }),
        inputs,
        cause: None,
    };
    let started = host.begin(workflow, beginning).await.unwrap();
    Sessions::durable(&**host.store()).await.unwrap();
    started
}

/// What a host is put together from, again after a power cut.
pub(crate) struct Parts {
    pub(crate) brain: Arc<dyn Brain>,
    pub(crate) http: Arc<dyn Http>,
    pub(crate) carriers: Arc<dyn Carriers>,
}

/// A host, and the world around it.
pub(crate) struct House {
    folder: TempDir,
    bot: Arc<Bot>,
    library: Library,
    parts: Parts,
    disk: Arc<VolatileDisk>,
    pub(crate) simulation: Simulation,
    pub(crate) host: Arc<Host>,
}

pub(crate) fn signing() -> SigningKey {
    SigningKey::new([7; 64])
}

impl House {
    /// A host of the bot in `files`, with its workflows.
    pub(crate) fn open(files: &MemoryFiles, parts: impl FnOnce(Runtime) -> Parts) -> Self {
        let loaded = Bot::load(files).unwrap_or_else(|problems| panic!("{problems}"));
        let bot = Arc::new(loaded.bot);
        let library = Library::load(files, &bot, &asl::Jsonata);
        let library = library.unwrap_or_else(|problems| panic!("{problems}"));
        let folder = tempfile::tempdir().unwrap();
        let simulation = Simulation::new(1);
        let parts = parts(simulation.runtime());
        let (host, disk) = start(&simulation, &folder, &bot, &parts);
        let mut house = Self {
            folder,
            bot,
            library,
            parts,
            disk,
            simulation,
            host,
        };
        house.recover();
        house
    }

    fn recover(&mut self) {
        self.host.shelve(&self.library).unwrap();
        let host = Arc::clone(&self.host);
        self.simulation
            .block_on(async move { host.recover().await.unwrap() });
    }

    /// Cuts the power and starts again on what was synced.
    pub(crate) fn restart(&mut self) {
        self.disk.cut();
        self.simulation.crash();
        self.disk.restore(&self.folder.path().join("db")).unwrap();
        let (host, disk) = start(&self.simulation, &self.folder, &self.bot, &self.parts);
        (self.host, self.disk) = (host, disk);
        self.recover();
    }

    /// Says `text` in a session; its turn runs when time passes.
    pub(crate) fn say(&mut self, key: &SessionKey, text: &str) {
        let id = self.host.runtime().new_id().to_string();
        self.deliver(key, &id, text);
    }

    /// Delivers a message that its carrier calls `id`.
    pub(crate) fn deliver(&mut self, key: &SessionKey, id: &str, text: &str) {
        let host = Arc::clone(&self.host);
        let (key, id, text) = (key.clone(), id.to_owned(), text.to_owned());
        self.simulation.block_on(async move {
            host.intake().post(&key, &id, &text).await.unwrap();
        });
    }

    /// Begins a run by hand.
    pub(crate) fn begin(&mut self, workflow: &str, inputs: Value) -> Started {
        let (host, workflow) = (Arc::clone(&self.host), workflow.to_owned());
        self.simulation
            .block_on(async move { begin(&host, &workflow, inputs).await })
    }

    /// What is known of a run.
    pub(crate) fn record(&mut self, id: &str) -> RunRecord {
        let (host, id) = (Arc::clone(&self.host), id.to_owned());
        let record = async move { host.run_record("local", &id).await.unwrap() };
        self.simulation.block_on(record)
    }

    /// Ends a conversation.
    pub(crate) fn close(&mut self, key: &SessionKey) {
        let (host, key) = (Arc::clone(&self.host), key.clone());
        self.simulation
            .block_on(async move { drop(host.attend().close(&key).await.unwrap()) });
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.simulation.run_for(time);
    }

    /// All that was said to the contact of a session.
    pub(crate) fn told(&mut self, key: &SessionKey) -> Vec<String> {
        let (host, key) = (Arc::clone(&self.host), key.clone());
        let messages = self
            .simulation
            .block_on(async move { host.view().messages(&key, 0).await.unwrap() });
        let said = messages.into_iter();
        said.filter(|message| message.role == Role::Assistant)
            .map(|message| message.text)
            .collect()
    }
}

fn start(
    simulation: &Simulation,
    folder: &TempDir,
    bot: &Arc<Bot>,
    parts: &Parts,
) -> (Arc<Host>, Arc<VolatileDisk>) {
    let runtime = simulation.runtime();
    let disk = Arc::new(VolatileDisk::new(folder.path().join("synced")));
    let flush = FlushTask::new(runtime.clone(), Duration::from_millis(20));
    let store = Store::open(&folder.path().join("db"), disk.clone(), Arc::new(flush)).unwrap();
    let staff = Staff {
        bot: Arc::clone(bot),
        brain: parts.brain.clone(),
    };
    let host = Host::new(Ground {
        journal: store.clone(),
        store,
        shelf: Arc::new(Shelf::new(["local".to_owned()].into(), staff)),
        http: parts.http.clone(),
        secrets: Arc::new(Keyring),
        carriers: parts.carriers.clone(),
        links: Arc::new(signing()),
        timing: Timing::default(),
        runtime,
    });
    (host.unwrap(), disk)
}
