//! One conversation with a bot whose thoughts take two seconds each, on a virtual clock.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use confab::host::Host;
use embedded::Disk;
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Interrupt, Meeting, Thought};
use engine::message::Channel;
use engine::model::{ChatMessage, Deltas, ToolCall};
use engine::overlap::Overlap;
use engine::runtime::Runtime;
use engine::runtime::simulated::Simulation;
use engine::session::SessionKey;
use engine::turn::Staff;
use engine::view::{Message, Trace};
use serde_json::json;
use tempfile::TempDir;

use super::world::{World, start_host_with};

/// How long each thought takes.
pub(super) const THOUGHT: Duration = Duration::from_secs(2);

/// What a thought was given: its conversation in short, and whether it had to finish.
pub(super) type Thoughts = Arc<Mutex<Vec<(String, bool)>>>;

/// A host, its bot and what that thought.
pub(super) struct Stage {
    pub(super) simulation: Simulation,
    pub(super) host: Arc<Host>,
    pub(super) key: SessionKey,
    pub(super) outside: World,
    pub(super) thoughts: Thoughts,
    /// Thoughts that came to their end.
    pub(super) ended: Arc<Mutex<usize>>,
    _folder: TempDir,
}

/// A disk whose power is never cut.
struct NoCuts;

impl Disk for NoCuts {
    fn sync(&self, _database: &Path, _log: &Path) -> std::io::Result<()> {
        Ok(())
    }
}

/// Calls a tool first where `look` (without effect) or `refund` (with one) is said; repeats the rest.
struct SlowBrain {
    runtime: Runtime,
    thoughts: Thoughts,
    ended: Arc<Mutex<usize>>,
    prefers: fn(Interrupt) -> Option<Overlap>,
}

#[async_trait]
impl Brain for SlowBrain {
    async fn think(&self, context: Context<'_>, _deltas: &mut dyn Deltas) -> Thought {
        let told = context.conversation.iter().map(|message| match message {
            ChatMessage::User { text } => format!("u:{text}"),
            ChatMessage::Assistant { text, calls } if calls.is_empty() => format!("a:{text}"),
            ChatMessage::Assistant { .. } => "call".to_owned(),
            ChatMessage::Tool { .. } => "result".to_owned(),
        });
        let told = told.collect::<Vec<_>>().join("|").replace('\n', "+");
        self.thoughts
            .lock()
            .unwrap()
            .push((told.clone(), context.finish));
        self.runtime.clock.sleep(THOUGHT).await;
        *self.ended.lock().unwrap() += 1;
        let asked = told.rsplit("u:").next().unwrap_or_default();
        let asked = asked.split('|').next().unwrap_or_default().to_owned();
        let tool = ["look", "refund"]
            .into_iter()
            .find(|tool| asked.contains(tool));
        let conclusion = match tool {
            Some(name) if context.round == 0 => Conclusion::Tools {
                text: String::new(),
                calls: vec![ToolCall {
                    id: "1".to_owned(),
                    name: name.to_owned(),
                    arguments: json!({ "order": "A1" }),
                }],
            },
            _ => Conclusion::Reply(format!("re {asked}")),
        };
        Thought {
            conclusion,
            model_calls: Vec::new(),
        }
    }

    async fn overlap(&self, meeting: Meeting<'_>) -> Option<Overlap> {
        assert!(!meeting.running.is_empty() && !meeting.newer.is_empty());
        (self.prefers)(meeting.at)
    }
}

fn bot(settings: &str) -> Bot {
    let tool = |kind: &str| {
        format!(
            "format = 1\ndescription = \"Does it.\"\n{kind}\n[parameters]\ntype = \"object\"\nrequired = [\"order\"]\n\
             [parameters.properties.order]\ntype = \"string\"\n"
        )
    };
    let refund = "kind = \"http\"\nside_effect = \"irreversible\"";
    let http = "[http]\nmethod = \"POST\"\nurl = \"https://refunds.example.com/refunds\"\nbody = \"json\"\n\
                idempotency_header = \"idempotency-key\"\n";
    let look = "[table]\nfile = \"orders.csv\"\nmatch = [\"order\"]\n";
    let files = MemoryFiles::default()
        .with(
            "bot.toml",
            format!("format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n{settings}"),
        )
        .with("script.toml", "format = 1\n")
        .with("SOUL.md", "You help.")
        .with("orders.csv", "order,state\nA1,sent\n")
        .with("tools/look.toml", tool("kind = \"table\"") + look)
        .with("tools/refund.toml", tool(refund) + http);
    let loaded = Bot::load(&files).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.bot
}

impl Stage {
    /// A conversation on `channel` with a bot of these settings.
    pub(super) fn new(channel: Channel, settings: &str) -> Self {
        Self::with_brain(channel, settings, |_| None)
    }

    pub(super) fn with_brain(
        channel: Channel,
        settings: &str,
        prefers: fn(Interrupt) -> Option<Overlap>,
    ) -> Self {
        let simulation = Simulation::new(1);
        let folder = tempfile::tempdir().unwrap();
        let outside = World::default();
        let thoughts = Thoughts::default();
        let ended = Arc::default();
        let brain = SlowBrain {
            runtime: simulation.runtime(),
            thoughts: thoughts.clone(),
            ended: Arc::clone(&ended),
            prefers,
        };
        let staff = Staff {
            bot: Arc::new(bot(settings)),
            brain: Arc::new(brain),
        };
        let disk = Arc::new(NoCuts);
        let host = start_host_with(&simulation, folder.path(), disk, &outside, staff);
        Self {
            key: SessionKey::new("local", "shop", channel, "+15550123").unwrap(),
            simulation,
            host,
            outside,
            thoughts,
            ended,
            _folder: folder,
        }
    }

    /// The contact writes; time stands still but for the write.
    pub(super) fn say(&mut self, id: &str, text: &str) {
        let (host, key) = (self.host.clone(), self.key.clone());
        let (id, text) = (id.to_owned(), text.to_owned());
        let said = async move { host.intake().post(&key, &id, &text).await };
        self.simulation.block_on(said).unwrap();
    }

    pub(super) fn wait(&mut self, millis: u64) {
        let clock = self.simulation.runtime().clock;
        let pause = async move { clock.sleep(Duration::from_millis(millis)).await };
        self.simulation.block_on(pause);
    }

    pub(super) fn messages(&mut self) -> Vec<Message> {
        let (host, key) = (self.host.clone(), self.key.clone());
        let read = async move { host.view().messages(&key, 0).await };
        self.simulation.block_on(read).unwrap()
    }

    /// What was said to the contact.
    pub(super) fn replies(&mut self) -> Vec<String> {
        let said = self.messages().into_iter();
        let replies = said.filter(|message| message.id.is_none());
        replies.map(|message| message.text).collect()
    }

    pub(super) fn trace(&mut self) -> Trace {
        let (host, key) = (self.host.clone(), self.key.clone());
        let read = async move { host.view().trace(&key).await };
        self.simulation.block_on(read).unwrap()
    }

    /// How each message ended, in order.
    pub(super) fn verdicts(&mut self) -> Vec<String> {
        let verdicts = self.trace().messages.into_iter();
        let names = verdicts.map(|message| json!(message.verdict));
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    /// What each thought was told.
    pub(super) fn thoughts(&self) -> Vec<String> {
        let thoughts = self.thoughts.lock().unwrap();
        thoughts.iter().map(|(told, _)| told.clone()).collect()
    }
}
