//! Versions of workflows in front of what was deployed: which is live, and what cannot be.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use embedded::{FileDisk, FlushThread, Store};
use engine::bot::{Bot, MemoryFiles};
use engine::document::{DocumentKey, Documents, Topic};
use engine::error::{Error, Kind};
use engine::run::{
    Catalogue, Children, Machines, Offer, Publication, Published, Publisher, Release,
};
use engine::runtime::simulated::Simulation;
use engine::turn::Bots;
use engine::workflow::Library;
use serde_json::{Value, json};
use tempfile::TempDir;

const CALL: &str = "
description: first
on:
  - schedule: rate(6 hours)
  - event: bell.rang
steps:
  note: {set: it rang}
";
const RING: &str = r#"
format = 1
description = "Starts the workflow."
kind = "workflow"
[workflow]
name = "call"
[parameters]
type = "object"
"#;
const PARENT: &str = "
description: calls
steps:
  inner: {workflow: call}
";

/// What was deployed.
struct Deployed {
    bot: Arc<Bot>,
    offers: Vec<Offer>,
}

impl Deployed {
    fn new(workflows: &[(&str, &str)]) -> Arc<Self> {
        let mut files = MemoryFiles::default()
            .with(
                "bot.toml",
                "format = 1\nname = \"door\"\n[model]\nuse = \"scripted\"\n",
            )
            .with("script.toml", "format = 1\n[default]\ntext = \"Yes.\"\n")
            .with("SOUL.md", "You mind the door.")
            .with("tools/ring.toml", RING);
        for (name, text) in workflows {
            files = files.with(format!("workflows/{name}.yaml"), *text);
        }
        let bot = Bot::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
        let library = Library::load(&files, &bot.bot, &asl::Jsonata);
        let library = library.unwrap_or_else(|problems| panic!("{problems}"));
        let offers = library.workflows.into_values().map(|workflow| Offer {
            bot: "door".to_owned(),
            workflow: Arc::new(workflow),
            machine: None,
        });
        Arc::new(Self {
            bot: Arc::new(bot.bot),
            offers: offers.collect(),
        })
    }
}

#[async_trait]
impl Catalogue for Deployed {
    async fn offers(&self, _: &str) -> Result<Vec<Offer>, Error> {
        Ok(self.offers.clone())
    }
}

#[async_trait]
impl Bots for Deployed {
    async fn find(&self, _: &str, bot: &str) -> Result<Arc<Bot>, Error> {
        match bot {
            "door" => Ok(self.bot.clone()),
            _ => Err(Error::new(Kind::NotFound, "there is no such bot")),
        }
    }
}

/// Machines as they were made, called by their number; none while it is `broken`.
#[derive(Default)]
struct Foundry {
    made: Mutex<Vec<(Value, Children)>>,
    broken: Mutex<bool>,
}

#[async_trait]
impl Machines for Foundry {
    async fn make(
        &self,
        _: &str,
        definition: &Value,
        children: &Children,
    ) -> Result<String, Error> {
        if *self.broken.lock().unwrap() {
            return Err(Error::new(Kind::Unavailable, "the service is away"));
        }
        let mut made = self.made.lock().unwrap();
        let machine = (definition.clone(), children.clone());
        let known = made.iter().position(|known| *known == machine);
        let number = known.unwrap_or_else(|| {
            made.push(machine);
            made.len() - 1
        });
        Ok(format!("machine-{number}"))
    }
}

/// A stage that can be deployed again.
struct Stage {
    store: Arc<Store>,
    foundry: Arc<Foundry>,
    simulation: Simulation,
    publisher: Publisher,
    _folder: TempDir,
}

impl Stage {
    fn deploy(workflows: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let simulation = Simulation::new(1);
        let store = Store::open(
            &folder.path().join("db"),
            Arc::new(FileDisk),
            Arc::new(FlushThread::start().unwrap()),
        );
        let store = store.unwrap();
        let foundry = Arc::new(Foundry::default());
        let publisher = publisher(&simulation, &store, &foundry, workflows);
        Self {
            store,
            foundry,
            simulation,
            publisher,
            _folder: folder,
        }
    }

    fn deploy_again(&mut self, workflows: &[(&str, &str)]) {
        self.publisher = publisher(&self.simulation, &self.store, &self.foundry, workflows);
    }

    async fn try_publish(&self, workflow: &str, text: &str) -> Result<(Release, bool), Error> {
        let publication = Publication {
            tenant: "acme".to_owned(),
            workflow: workflow.to_owned(),
            bot: Some("door".to_owned()),
            text: text.to_owned(),
            by: Some("kim".to_owned()),
        };
        self.publisher.publish(publication).await
    }

    /// The number of the version that a text became, and whether it is new.
    async fn publish(&self, workflow: &str, text: &str) -> (u32, bool) {
        let (release, is_new) = self.try_publish(workflow, text).await.unwrap();
        (release.number, is_new)
    }

    async fn roll_back(&self, to: Option<u32>) -> Result<u32, Kind> {
        let release = self.publisher.roll_back("acme", "call", to).await;
        release.map(|it| it.number).map_err(|error| error.kind())
    }

    /// What `call` is when it is begun, and in which machine.
    async fn live(&self) -> (String, Option<String>) {
        let offer = self
            .publisher
            .published
            .offer("acme", "call")
            .await
            .unwrap();
        let listed = self.publisher.published.offers("acme").await.unwrap();
        let listed = listed.iter().find(|it| it.workflow.name == "call").unwrap();
        assert_eq!(listed.machine, offer.machine);
        assert_eq!(listed.workflow, offer.workflow);
        (offer.workflow.description.clone(), offer.machine)
    }
}

fn publisher(
    simulation: &Simulation,
    store: &Arc<Store>,
    foundry: &Arc<Foundry>,
    workflows: &[(&str, &str)],
) -> Publisher {
    let deployed = Deployed::new(workflows);
    Publisher {
        runtime: simulation.runtime(),
        published: Arc::new(Published::new(deployed.clone(), store.clone())),
        bots: deployed,
        syntax: &asl::Jsonata,
        machines: foundry.clone(),
        events: ["bell.rang".to_owned()].into(),
    }
}

fn said(what: &str) -> String {
    CALL.replace("first", what)
}

fn machine(number: usize) -> Option<String> {
    Some(format!("machine-{number}"))
}

#[tokio::test]
async fn what_was_published_last_is_live_until_it_is_taken_back_or_another_deployment_comes() {
    let mut stage = Stage::deploy(&[("call", CALL)]);
    assert_eq!(stage.live().await, ("first".to_owned(), None));
    assert_eq!(stage.roll_back(None).await, Err(Kind::NotFound));

    assert_eq!(stage.publish("call", &said("second")).await, (1, true));
    assert_eq!(stage.publish("call", &said("third")).await, (2, true));
    assert_eq!(stage.live().await, ("third".to_owned(), machine(1)));
    assert_eq!(stage.publish("call", &said("second")).await, (1, false));
    assert_eq!(stage.live().await, ("second".to_owned(), machine(0)));
    assert_eq!(stage.publish("call", CALL).await, (0, false));
    assert_eq!(stage.live().await, ("first".to_owned(), None));

    assert_eq!(stage.roll_back(Some(2)).await, Ok(2));
    assert_eq!(stage.roll_back(None).await, Ok(1));
    assert_eq!(stage.live().await, ("second".to_owned(), machine(0)));
    assert_eq!(stage.roll_back(None).await, Ok(0));
    assert_eq!(stage.roll_back(None).await, Err(Kind::NotFound));
    assert_eq!(stage.roll_back(Some(3)).await, Err(Kind::NotFound));

    assert_eq!(stage.roll_back(Some(2)).await, Ok(2));
    stage.deploy_again(&[("call", CALL)]);
    assert_eq!(stage.live().await, ("third".to_owned(), machine(1)));
    stage.deploy_again(&[("call", &said("fourth"))]);
    assert_eq!(stage.live().await, ("fourth".to_owned(), None));
    let (versions, live) = stage.publisher.versions("acme", "call").await.unwrap();
    let numbers: Vec<u32> = versions.iter().map(|release| release.number).collect();
    assert_eq!((numbers, live), (vec![0, 1, 2], 0));
    // Another tenant has what was deployed.
    let other = stage.publisher.published.offers("other").await.unwrap();
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].workflow.description, "fourth");
}

#[tokio::test]
async fn a_new_workflow_starts_the_live_version_of_another() {
    let stage = Stage::deploy(&[("call", CALL)]);
    stage.publish("call", &said("second")).await;
    assert_eq!(stage.publish("parent", PARENT).await, (1, true));
    let children = |number: usize| stage.foundry.made.lock().unwrap()[number].1.clone();
    assert_eq!(children(1).get("call"), Some(&machine(0)));
    // It keeps the machine that it was made with; published again, it is another version.
    stage.roll_back(None).await.unwrap();
    assert_eq!(stage.publish("parent", PARENT).await, (2, true));
    assert_eq!(children(2).get("call"), Some(&None));
    let offers = stage.publisher.published.offers("acme").await.unwrap();
    let names: Vec<&str> = offers.iter().map(|it| it.workflow.name.as_str()).collect();
    assert_eq!(names, ["call", "parent"]);
}

#[tokio::test]
async fn what_cannot_be_live_is_refused_and_changes_nothing() {
    let stage = Stage::deploy(&[("call", CALL)]);
    let refused = [
        (said("second").replace("6 hours", "7 hours"), "schedules"),
        (
            said("second").replace("bell.rang", "bell.fell"),
            "bell.fell",
        ),
        (
            said("second").replace("set:", "tool:"),
            "workflows/call.yaml:7",
        ),
        (
            said("second").replace("steps:", "inputs: {who: string}\nsteps:"),
            "tools/ring.toml: `call` needs the input `who`",
        ),
        ("steps: 1".to_owned(), "workflows/call.yaml:1"),
        (
            said("second").replace(
                "set: it rang",
                "converse: {channel: web, contact: ada}, goal: Talk.",
            ),
            "cannot report goals",
        ),
    ];
    for (text, told) in refused {
        let error = stage.try_publish("call", &text).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.to_string().contains(told), "{told}: {error}");
    }
    let bad = stage.try_publish("No such name", CALL).await.unwrap_err();
    assert_eq!(bad.kind(), Kind::Invalid);
    *stage.foundry.broken.lock().unwrap() = true;
    let away = stage
        .try_publish("call", &said("second"))
        .await
        .unwrap_err();
    assert_eq!(away.kind(), Kind::Unavailable);
    assert_eq!(stage.live().await, ("first".to_owned(), None));
    *stage.foundry.broken.lock().unwrap() = false;
    assert_eq!(stage.publish("call", &said("second")).await, (1, true));
}

#[tokio::test]
async fn a_version_that_cannot_be_read_is_alone_in_that() {
    let mut stage = Stage::deploy(&[("call", CALL)]);
    let (release, _) = stage.try_publish("call", &said("second")).await.unwrap();
    stage.publish("parent", PARENT).await;
    let id = format!("call.{}", release.version);
    let key = DocumentKey::new("acme", Topic::WorkflowText, id);
    let text = json!({ "text": "steps: in words of another time" });
    assert!(stage.store.save(&key, 1, text, None).await.unwrap());
    stage.deploy_again(&[("call", CALL)]);
    let published = &stage.publisher.published;
    let offers = published.offers("acme").await.unwrap();
    let names: Vec<&str> = offers.iter().map(|it| it.workflow.name.as_str()).collect();
    assert_eq!(names, ["parent"]);
    let told = published.offer("acme", "call").await.unwrap_err();
    assert!(told.to_string().contains("publish another"), "{told}");
    assert_eq!(stage.publish("call", &said("third")).await, (2, true));
    assert_eq!(stage.roll_back(None).await, Err(Kind::Internal));
    assert_eq!(stage.live().await.0, "third");
    assert_eq!(stage.roll_back(Some(0)).await, Ok(0));
    assert_eq!(stage.live().await, ("first".to_owned(), None));
}

#[tokio::test]
async fn a_version_that_no_longer_fits_what_is_deployed_stays_where_it_is() {
    let mut stage = Stage::deploy(&[("call", CALL)]);
    stage.publish("call", &said("second")).await;
    stage.deploy_again(&[("call", &CALL.replace("6 hours", "7 hours"))]);
    assert_eq!(stage.roll_back(Some(1)).await, Err(Kind::Invalid));
    assert_eq!(stage.live().await, ("first".to_owned(), None));
}
