//! The shape of `bot.toml` and `tools/<name>.toml`, as they are written.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::bot::consent::{ApprovalTable, ApprovalsTable};
use crate::bot::lookup::LookupTable;
use crate::bot::method::{Body, Method};
use crate::bot::names;
use crate::bot::reminds::ReminderTable;
use crate::bot::spending::BudgetFile;
use crate::bot::starts::WorkflowTable;
use crate::bot::undo::UndoTable;
use crate::bot::{Limits, Notices, TwilioSettings, WhatsappSettings};
use crate::tool::SideEffectPolicy;

mod overlap;

use overlap::OverlapTable;

/// The version of the format that this Confab reads.
pub(super) const FORMAT: u64 = 1;

/// The version of this file's format: 1. Write `format = 1` as the first line.
#[derive(Debug)]
pub(super) struct Format;

impl JsonSchema for Format {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": FORMAT })
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let format = u64::deserialize(deserializer)?;
        match format {
            FORMAT => Ok(Self),
            _ => Err(serde::de::Error::custom("another format")),
        }
    }
}

/// `bot.toml`: what a bot is called, which models answer for it, and where it can be reached.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Confab bot")]
pub(super) struct BotFile {
    /// The version of this file's format; write `format = 1`.
    #[expect(dead_code, reason = "checked while it is read")]
    format: Format,
    /// The bot's slug, used in paths and session keys: a-z, 0-9 and -.
    #[schemars(regex(pattern = names::SLUG))]
    pub(super) name: String,
    /// The name people see; the slug when absent.
    #[schemars(length(min = 1, max = 80))]
    pub(super) title: Option<String>,
    /// What the web page shows before the first message.
    #[serde(default)]
    #[schemars(length(max = 2000))]
    pub(super) greeting: String,
    /// Things to try, one click each on the web page.
    #[serde(default)]
    #[schemars(length(max = 12), inner(length(min = 1, max = 200)))]
    pub(super) suggestions: Vec<String>,
    /// Which models answer; write at least `use = "scripted"` or `use = "provider/model"`.
    pub(super) model: ModelTable,
    /// What happens when messages overlap.
    #[serde(default)]
    pub(super) overlap: OverlapTable,
    /// Which tools need a person's yes, and whose.
    #[serde(default)]
    pub(super) approvals: ApprovalsTable,
    /// Bounds on a turn.
    #[serde(default)]
    pub(super) limits: Limits,
    /// What models may cost.
    #[serde(default)]
    pub(super) budget: BudgetFile,
    /// What a contact is told where the bot cannot answer.
    #[serde(default)]
    pub(super) notices: Notices,
    /// Where the bot answers besides the web.
    #[serde(default)]
    pub(super) channels: ChannelsTable,
}

/// Which models answer, and how long they may take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelTable {
    /// The model to ask first: `scripted`, or `provider/model` such as `anthropic/claude-sonnet-4-5`.
    #[serde(rename = "use")]
    #[schemars(regex(pattern = names::MODEL), length(max = 200))]
    pub(super) first: String,
    /// Models to ask in this order when the first cannot answer.
    #[serde(default)]
    #[schemars(length(max = 8), inner(regex(pattern = names::MODEL), length(max = 200)))]
    pub(super) fallbacks: Vec<String>,
    /// Sampling temperature; the provider's own when absent.
    #[schemars(range(min = 0, max = 2))]
    pub(super) temperature: Option<f64>,
    /// The most tokens of one reply.
    #[serde(default = "max_tokens")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) max_tokens: u32,
    /// The longest wait for a whole reply.
    #[serde(default = "model_timeout")]
    #[schemars(range(min = 1, max = 240))]
    pub(super) timeout_seconds: u64,
    /// The longest wait for the next piece of a reply.
    #[serde(default = "idle_timeout")]
    #[schemars(range(min = 1, max = 240))]
    pub(super) idle_seconds: u64,
    /// The scripted model's file.
    #[serde(default = "script")]
    pub(super) script: String,
    /// Base URLs by provider, for proxies and self-hosted models.
    #[serde(default)]
    pub(super) base_urls: BTreeMap<String, String>,
}

fn max_tokens() -> u32 {
    1024
}

fn model_timeout() -> u64 {
    60
}

fn idle_timeout() -> u64 {
    20
}

fn script() -> String {
    "script.toml".to_owned()
}

/// The accounts of the bot on carriers. Secrets appear by name only.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelsTable {
    /// SMS through Twilio.
    pub(super) twilio: Option<TwilioSettings>,
    /// WhatsApp through Meta's Cloud API.
    pub(super) whatsapp: Option<WhatsappSettings>,
    /// The longest message per channel, in characters, where it differs from the channel's own limit.
    #[serde(default)]
    pub(super) max_length: MaxLengthTable,
}

/// The longest message per channel, in characters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MaxLengthTable {
    /// On the web.
    #[schemars(range(min = 20, max = 100_000))]
    pub(super) web: Option<usize>,
    /// By SMS; a long text is sent in several parts.
    #[schemars(range(min = 20, max = 1600))]
    pub(super) sms: Option<usize>,
    /// On WhatsApp.
    #[schemars(range(min = 20, max = 4096))]
    pub(super) whatsapp: Option<usize>,
}

/// `tools/<name>.toml`: something the bot can do. The file's name is the tool's name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Confab tool", extend("allOf" = kinds()))]
pub(super) struct ToolFile {
    /// The version of this file's format; write `format = 1`.
    #[expect(dead_code, reason = "checked while it is read")]
    format: Format,
    /// What the tool does and when to use it; the model reads this.
    #[schemars(length(min = 1, max = 4096))]
    pub(super) description: String,
    /// What the tool is made of: `table`, `record`, `http`, `workflow` or
    /// `reminder`.
    pub(super) kind: Kind,
    /// What a call does to the world: `pure`, `idempotent`, `compensatable` or `irreversible`.
    /// There is no default for records and requests, because a wrong guess could repeat a payment.
    pub(super) side_effect: Option<SideEffect>,
    /// Whether the bot may use it. A disabled tool is still checked.
    #[serde(default = "enabled")]
    pub(super) enabled: bool,
    /// The arguments that name the real-world action, such as an order's number: two calls that agree in
    /// them are the same action. All arguments when empty.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub(super) business_key: Vec<String>,
    /// The longest one call may take.
    #[serde(default = "tool_timeout")]
    #[schemars(range(min = 1, max = 60))]
    pub(super) timeout_seconds: u64,
    /// Which calls need a person's yes, and whose.
    pub(super) approval: Option<ApprovalTable>,
    /// JSON Schema (2020-12) of the arguments: `type = "object"`, `properties`, `required`.
    /// A reminder's are always the same, and not written.
    pub(super) parameters: Option<Map<String, Value>>,
    /// JSON Schema (2020-12) of what it answers; for `kind = "http"`, of the answer's body.
    pub(super) result: Option<Map<String, Value>>,
    /// How a call is undone, for `side_effect = "compensatable"`.
    pub(super) undo: Option<UndoTable>,
    /// The CSV file to look rows up in, for `kind = "table"`.
    pub(super) table: Option<TableTable>,
    /// Where to write the arguments down, for `kind = "record"`.
    pub(super) record: Option<RecordTable>,
    /// The request to make, for `kind = "http"`.
    pub(super) http: Option<HttpTable>,
    /// The workflow to start, for `kind = "workflow"`. The arguments are its inputs.
    pub(super) workflow: Option<WorkflowTable>,
    /// How to remind, for `kind = "reminder"`.
    pub(super) reminder: Option<ReminderTable>,
}

fn enabled() -> bool {
    true
}

fn tool_timeout() -> u64 {
    15
}

/// The sections that say what a tool is made of, each called as its kind.
const SECTIONS: [&str; 5] = ["table", "record", "http", "workflow", "reminder"];

fn kinds() -> Value {
    let only = |kind: &str, required: &[&str]| {
        let others = SECTIONS.into_iter().filter(|section| *section != kind);
        let others: Map<String, Value> = others
            .map(|section| (section.to_owned(), Value::Bool(false)))
            .collect();
        json!({
            "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
            "then": { "required": required, "properties": others },
        })
    };
    json!([
        only("table", &["parameters", "table"]),
        only("record", &["parameters", "record", "side_effect"]),
        only("http", &["parameters", "http", "side_effect"]),
        only("workflow", &["parameters", "workflow"]),
        only("reminder", &[]),
    ])
}

/// What a tool is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Looks rows up in a CSV file of the bot's folder.
    Table,
    /// Writes its arguments down as a durable record.
    Record,
    /// Makes an HTTP request.
    Http,
    /// Starts a workflow, which runs beside the conversation.
    Workflow,
    /// Has the bot say something later.
    Reminder,
}

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SideEffect {
    /// Changes nothing; may be repeated at will.
    Pure,
    /// Repeating it with the same key changes nothing more.
    Idempotent,
    /// Can be undone by another tool; never repeated blindly.
    Compensatable,
    /// Cannot be undone; never repeated blindly.
    Irreversible,
}

impl From<SideEffect> for SideEffectPolicy {
    fn from(effect: SideEffect) -> Self {
        match effect {
            SideEffect::Pure => Self::Pure,
            SideEffect::Idempotent => Self::Idempotent,
            SideEffect::Compensatable => Self::Compensatable,
            SideEffect::Irreversible => Self::Irreversible,
        }
    }
}

/// A lookup in a CSV file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableTable {
    /// The CSV file, relative to the bot's folder. Its first line names the columns.
    pub(super) file: String,
    /// Columns that must equal the argument of the same name, letter case aside. An argument that a call leaves
    /// out is not compared; a call that leaves them all out is refused.
    #[serde(rename = "match")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub(super) matches: Vec<String>,
    /// The most rows to answer with.
    #[serde(default = "row_limit")]
    #[schemars(range(min = 1, max = 1000))]
    pub(super) limit: usize,
}

fn row_limit() -> usize {
    20
}

/// A durable record.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordTable {
    /// The collection to write to, such as `refunds`.
    #[schemars(regex(pattern = names::COLLECTION))]
    pub(super) collection: String,
}

/// An HTTP request with holes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpTable {
    /// The request's method.
    pub(super) method: Method,
    /// The address, such as `https://api.example.com/parcels/{tracking}`. `{name}` stands for an argument,
    /// percent-encoded; the host has no such holes. `https`, except to this machine.
    pub(super) url: String,
    /// Arguments to send as query parameters.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub(super) query: Vec<String>,
    /// Headers; `{secret:NAME}` stands for a secret.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Whether the arguments that are neither in the address nor in the query are sent as a JSON body.
    /// By default they are for `POST`, `PUT` and `PATCH`.
    pub(super) body: Option<Body>,
    /// The header in which the other side expects an idempotency key, such as `Idempotency-Key`.
    pub(super) idempotency_header: Option<String>,
    /// Whether the request may go to this machine or a private network. It is decided by the address that the host's
    /// name leads to; link-local addresses, where clouds keep credentials, are never reached.
    #[serde(default)]
    pub(super) allow_private: bool,
    /// How to ask the other side afterwards whether a request was carried out.
    pub(super) lookup: Option<LookupTable>,
}
