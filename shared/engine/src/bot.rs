//! A bot: what its folder says, loaded and checked.
//!
//! [`Bot::load`] reads a folder through [`BotFiles`] and reports everything that is wrong with it at once.
//! The formats of the files are published as JSON Schema by [`schema`].

mod address;
mod arguments;
mod blank;
mod consent;
mod contact;
mod document;
mod files;
mod folder;
mod format;
mod front_matter;
mod load;
mod lookup;
mod method;
pub(crate) mod names;
mod parameters;
mod people;
pub(crate) mod problem;
mod reader;
mod reminds;
mod request;
mod rigour;
pub mod schema;
pub mod secrets;
mod settings;
mod skills;
mod spending;
mod starts;
mod table;
mod tools;
mod undo;
mod wording;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::budget::BudgetSettings;
use crate::http::Reach;
use crate::message::Channel;
use crate::model::ToolOffer;
use crate::overlap::OverlapSettings;
use crate::tool::SideEffectPolicy;

pub(crate) use address::{Address, Fault, strays};
pub use address::{check_address, host_of};
pub use arguments::ArgumentSchema;
pub use consent::{ApprovalRule, ApprovalSettings, Risk, When};
pub use contact::misfit;
pub use files::{BotFiles, MAX_FILES, MemoryFiles};
pub use folder::Folder;
pub use load::Loaded;
pub use people::{People, Person};
pub use problem::{Place, Problem, Problems};
pub use reminds::ReminderRule;
pub use undo::Undo;

pub(crate) use names::{is_secret as is_secret_name, looks_like_secret};
pub(crate) use reader::hash;
pub(crate) use starts::{misfits, unfit_starters};

/// A loaded bot folder. Immutable: an edit makes another one with another [`version`](Self::version).
#[derive(Clone, Debug)]
pub struct Bot {
    /// The slug that paths and session keys use.
    pub name: String,
    /// First 16 hex digits of the SHA-256 over every file of the folder that has a say.
    pub version: String,
    /// The persona, from `SOUL.md`.
    pub soul: Soul,
    /// House rules, from `AGENTS.md`.
    pub rules: Option<String>,
    /// The skills, by name.
    pub skills: BTreeMap<String, Skill>,
    /// The enabled tools, by name.
    pub tools: BTreeMap<String, Tool>,
    /// Which models answer, and how.
    pub model: ModelSettings,
    /// The channels it answers on besides the web, with their accounts.
    pub channels: ChannelSettings,
    /// The people of the house: who may approve, and where they are asked.
    pub people: People,
    /// What holds for questions to people.
    pub approvals: ApprovalSettings,
    /// What happens when messages overlap.
    pub overlap: OverlapSettings,
    /// Bounds on a turn.
    pub limits: Limits,
    /// What models may cost.
    pub budget: BudgetSettings,
    /// What a contact is told where the bot cannot answer.
    pub notices: Notices,
    /// What the web page shows: title, greeting, suggestions.
    pub page: Page,
}

/// The persona and the hash that a turn records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Soul {
    /// The text of `SOUL.md`.
    pub text: String,
    /// First 16 hex digits of its SHA-256.
    pub hash: String,
}

/// A skill in the agentskills.io format.
#[derive(Clone, Debug, PartialEq)]
pub struct Skill {
    /// Its name, equal to its folder's.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The body of `SKILL.md`, given to the model when the skill is opened.
    pub body: String,
    /// The tools it may use; empty means any.
    pub allowed_tools: Vec<String>,
}

/// A tool of the bot, ready to be offered and run.
#[derive(Clone, Debug)]
pub struct Tool {
    /// How the model sees it.
    pub offer: ToolOffer,
    /// Checks a call's arguments against `offer.parameters`.
    pub arguments: ArgumentSchema,
    /// Whether it may be repeated.
    pub side_effect: SideEffectPolicy,
    /// Arguments that name the real-world action; empty means all of them.
    pub business_key: Vec<String>,
    /// When a call needs a person's yes.
    pub approval: Option<ApprovalRule>,
    /// The longest one call may take.
    pub timeout: Duration,
    /// Checks its answers, when it says what they look like.
    pub result: Option<ArgumentSchema>,
    /// How a call is undone; exactly the compensatable ones say so.
    pub undo: Option<Undo>,
    /// What it does.
    pub kind: ToolKind,
}

/// What a tool does.
#[derive(Clone, Debug)]
pub enum ToolKind {
    /// Looks rows up in a CSV file of the folder, read when the folder is loaded.
    Table(Table),
    /// Writes a durable record of its arguments.
    Record {
        /// The collection it writes to, such as `refunds`.
        collection: String,
    },
    /// Makes an HTTP request.
    Http(HttpTool),
    /// Starts a run of a workflow, whose inputs are the arguments.
    Workflow {
        /// The workflow.
        workflow: String,
    },
    /// Has something said later.
    Reminder(ReminderRule),
    /// Gives the model the body of a skill. Built in; offered when the bot has skills.
    OpenSkill,
    /// Tells a workflow how a goal ended. Built in; offered while one is open.
    ReportGoal,
}

/// A CSV file in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Column names.
    pub columns: Vec<String>,
    /// Rows, as long as `columns`.
    pub rows: Vec<Vec<String>>,
    /// Columns an argument of the same name must equal, letter case aside.
    pub matches: Vec<String>,
    /// The most rows to answer with.
    pub limit: usize,
}

/// An HTTP request with holes.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpTool {
    /// `GET`, `POST`, …
    pub method: String,
    /// `https://host/path/{argument}`; arguments are percent-encoded, the host has no holes.
    pub url: String,
    /// Arguments sent as query parameters.
    pub query: Vec<String>,
    /// Header values may hold `{secret:NAME}`.
    pub headers: BTreeMap<String, String>,
    /// Whether the remaining arguments are sent as a JSON body.
    pub json_body: bool,
    /// The header that carries the idempotency key, such as `Idempotency-Key`.
    pub idempotency_header: Option<String>,
    /// Which addresses it may be sent to.
    pub reach: Reach,
    /// How to ask whether a request was carried out.
    pub lookup: Option<Lookup>,
}

/// A GET that tells whether a request was carried out: 2xx with its answer, 404 when it was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// As [`HttpTool::url`]; `{idempotency_key}` stands for the key that the request carried.
    pub url: String,
    /// As [`HttpTool::headers`].
    pub headers: BTreeMap<String, String>,
}

/// Which models answer, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// `provider/model` or `scripted`; the first is asked first.
    pub chain: Vec<String>,
    /// Base URLs by provider, over the environment's.
    pub base_urls: BTreeMap<String, String>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// The most tokens of one reply.
    pub max_tokens: u32,
    /// The longest wait for the whole reply.
    pub timeout: Duration,
    /// The longest wait for the next piece of it.
    pub idle_timeout: Duration,
    /// The file of the scripted model, for the chain entry `scripted`.
    pub script: Option<Script>,
}

/// A scripted model's file: its text, parsed by the `models` crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Where it was read, for error messages.
    pub path: PathBuf,
    /// The file's text.
    pub text: String,
}

/// The accounts of a bot on carriers. Secrets appear by name only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChannelSettings {
    /// Twilio SMS.
    pub twilio: Option<TwilioSettings>,
    /// WhatsApp Cloud API.
    pub whatsapp: Option<WhatsappSettings>,
    /// The longest message per channel, where it differs from the channel's own limit.
    pub max_length: BTreeMap<Channel, usize>,
}

/// `[channels.twilio]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwilioSettings {
    /// The account SID, `AC…`.
    #[schemars(regex(pattern = names::TWILIO_ACCOUNT))]
    pub account_sid: String,
    /// The number or messaging service replies come from.
    #[schemars(regex(pattern = names::TWILIO_SENDER))]
    pub from: String,
    /// Name of the secret holding the auth token.
    #[schemars(regex(pattern = names::SECRET))]
    pub auth_token: String,
    /// Where Twilio reaches this host, such as `https://bots.example.com`; signatures cover it.
    pub public_url: Option<String>,
    /// What the contact is told when they opt out or in, or ask for help. Twilio tells them itself unless its
    /// own handling of these words is switched off, so nothing is sent for a word that is left out.
    #[serde(default)]
    pub words: Words,
}

/// What is answered to words such as STOP, START and HELP, which never reach the bot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Words {
    /// To STOP, STOPALL, UNSUBSCRIBE, CANCEL, END and QUIT: the last thing the contact is sent.
    #[schemars(length(min = 1, max = 1600))]
    pub stop: Option<String>,
    /// To START, UNSTOP and, from who has opted out, YES.
    #[schemars(length(min = 1, max = 1600))]
    pub start: Option<String>,
    /// To HELP and INFO.
    #[schemars(length(min = 1, max = 1600))]
    pub help: Option<String>,
}

/// `[channels.whatsapp]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsappSettings {
    /// The sending phone number's id at Meta.
    #[schemars(regex(pattern = names::DIGITS))]
    pub phone_number_id: String,
    /// Name of the secret holding the access token.
    #[schemars(regex(pattern = names::SECRET))]
    pub access_token: String,
    /// Name of the secret holding the app secret that signs webhooks.
    #[schemars(regex(pattern = names::SECRET))]
    pub app_secret: String,
    /// Name of the secret holding the webhook's verify token.
    #[schemars(regex(pattern = names::SECRET))]
    pub verify_token: String,
    /// What the contact is told when they opt out or in, or ask for help; nothing for a word that is left out.
    #[serde(default)]
    pub words: Words,
}

/// Bounds on what one turn may do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Rounds of tool calls in one turn.
    #[schemars(range(min = 0, max = 50))]
    pub tool_rounds: u32,
    /// Tool calls in one round.
    #[schemars(range(min = 1, max = 40))]
    pub calls_per_round: u32,
    /// Tool calls in one turn.
    #[schemars(range(min = 1, max = 1000))]
    pub calls_per_turn: u32,
    /// Characters of one message.
    #[schemars(range(min = 1, max = 100_000))]
    pub message_chars: usize,
    /// Messages waiting in one session.
    #[schemars(range(min = 1, max = 1000))]
    pub inbox: usize,
    /// Earlier turns the model sees.
    #[schemars(range(min = 0, max = 1000))]
    pub history_turns: u32,
    /// Characters of a tool's result the model sees.
    #[schemars(range(min = 100, max = 1_000_000))]
    pub tool_result_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tool_rounds: 6,
            calls_per_round: 8,
            calls_per_turn: 32,
            message_chars: 8000,
            inbox: 64,
            history_turns: 40,
            tool_result_chars: 8000,
        }
    }
}

/// `[notices]`: what a contact is told where the bot cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Notices {
    /// When the budget is spent.
    #[schemars(length(min = 1, max = 1000))]
    pub over_budget: String,
    /// While the bot or its tenant is stopped.
    #[schemars(length(min = 1, max = 1000))]
    pub stopped: String,
}

impl Default for Notices {
    fn default() -> Self {
        Self {
            over_budget:
                "I have reached the limit of what I may do for now. Please try again later."
                    .to_owned(),
            stopped: "I am switched off at the moment. Please try again later.".to_owned(),
        }
    }
}

/// What the web page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The bot's display name.
    pub title: String,
    /// Shown before the first message.
    pub greeting: String,
    /// Things to try, one click each.
    pub suggestions: Vec<String>,
}

impl Tool {
    /// JSON Schema of the arguments.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        &self.offer.parameters
    }

    /// Whether a call with `arguments` needs a person's yes.
    #[must_use]
    pub fn asks_for(&self, arguments: &Value) -> bool {
        let rule = self.approval.as_ref();
        rule.is_some_and(|rule| rule.covers(arguments))
    }

    /// What a call answered, of the `content` that was written down of it.
    #[must_use]
    pub fn answer<'a>(&self, content: &'a Value) -> &'a Value {
        match self.kind {
            ToolKind::Http(_) => content.get("body").unwrap_or(content),
            ToolKind::Table(_)
            | ToolKind::Record { .. }
            | ToolKind::Workflow { .. }
            | ToolKind::Reminder(_)
            | ToolKind::OpenSkill
            | ToolKind::ReportGoal => content,
        }
    }

    /// The names of the secrets it needs.
    #[must_use]
    pub fn secret_names(&self) -> Vec<String> {
        tools::secrets(self)
    }

    /// The secrets it sends and the hosts it sends them to.
    #[must_use]
    pub fn sends(&self) -> Vec<(String, String)> {
        tools::sends(self)
    }

    /// Whether what it answers comes from outside: data that nobody here vouches for.
    #[must_use]
    pub fn is_untrusted(&self) -> bool {
        matches!(self.kind, ToolKind::Http(_))
    }
}

impl ModelSettings {
    /// Whether the first model asked gives canned answers.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        self.chain.first().is_some_and(|model| model == "scripted")
    }
}
