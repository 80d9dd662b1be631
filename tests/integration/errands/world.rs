//! The example of a household, with its script as the model, on a host in a simulated world.

use std::sync::Arc;
use std::time::Duration;

use engine::bot::{Bot, BotFiles};
use engine::brain::ToolLoop;
use engine::reminder::Reminder;
use engine::run::Started;
use engine::session::SessionKey;
use models::{Environment, Models};

use crate::house::{House, Parts, example};
use crate::nobody::Nobody;

/// A tool that is not in the example.
const FOLLOW_UP: &str = "format = 1\ndescription = \"Comes back to who does not answer.\"\nkind = \"reminder\"\n\
                         [reminder]\nunless_reply = true\n";

/// What the bot says of it, before all else.
const FOLLOWS_UP: &str = "format = 1\n\
    [[reply]]\nmatch = 'follow up in (?<seconds>\\d+)'\n\
    call = { tool = \"follow_up\", arguments = { text = \"the quote\", in_seconds = \"{seconds|number}\" } }\n\
    [[reply]]\nafter_tool = \"follow_up\"\ntext = \"I will come back to you.\"\n\
    [[reply]]\nmatch = '^\\[reminder\\].* come back to them with: (?<what>.+)'\ntext = \"Have you thought about {what}?\"\n";

pub(super) fn key(contact: &str) -> SessionKey {
    let channel = if contact.starts_with('+') {
        "sms"
    } else {
        "web"
    };
    format!("local/household/{channel}:{contact}")
        .parse()
        .unwrap()
}

/// The household and whoever talks to it.
pub(super) struct Household {
    pub(super) house: House,
}

impl Household {
    pub(super) fn open() -> Self {
        let files = example("household");
        let script = files.read("script.toml", usize::MAX).unwrap();
        let script = String::from_utf8(script).unwrap();
        let files = files.with("tools/follow_up.toml", FOLLOW_UP).with(
            "script.toml",
            script.replacen("format = 1\n", FOLLOWS_UP, 1),
        );
        let settings = Bot::load(&files).unwrap().bot.model;
        let house = House::open(&files, |runtime| Parts {
            brain: {
                let models = Models::new(runtime, Environment::default());
                Arc::new(ToolLoop::new(models.chain(&settings).unwrap().model))
            },
            http: Arc::new(Nobody),
            carriers: Arc::new(Nobody),
        });
        Self { house }
    }

    /// Delivers a message that its carrier calls `id`.
    pub(super) fn deliver(&mut self, contact: &str, id: &str, text: &str) {
        self.house.deliver(&key(contact), id, text);
    }

    /// Says `text`, waits for the reply, and gives it.
    pub(super) fn say(&mut self, contact: &str, text: &str) -> String {
        self.house.say(&key(contact), text);
        self.pass(20);
        self.heard(contact)
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.house.pass(Duration::from_secs(seconds));
    }

    pub(super) fn told(&mut self, contact: &str) -> Vec<String> {
        self.house.told(&key(contact))
    }

    /// What `contact` was told last.
    pub(super) fn heard(&mut self, contact: &str) -> String {
        self.told(contact).pop().unwrap_or_default()
    }

    /// The runs that open the door, the newest first.
    pub(super) fn runs(&mut self) -> Vec<Started> {
        let host = Arc::clone(&self.house.host);
        let runs = async move { host.runs().latest("local", Some("unlock_door"), 100).await };
        self.house.simulation.block_on(runs).unwrap()
    }

    /// The reminders whose time has not come.
    pub(super) fn pending(&mut self) -> Vec<Reminder> {
        let host = Arc::clone(&self.house.host);
        let pending = async move { host.reminders().pending("local").await };
        self.house.simulation.block_on(pending).unwrap()
    }
}
