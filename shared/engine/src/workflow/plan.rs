//! What a workflow file says, read and typed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::bot::{Place, Risk};
use crate::message::Channel;
use crate::workflow::expression::Expression;
use crate::workflow::template::Template;
use crate::workflow::trigger::Trigger;

mod walk;

/// A workflow. Immutable: an edit makes another one with another [`version`](Self::version).
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// Its name, the file's without `.yaml`.
    pub name: String,
    /// The file it was read from, such as `workflows/morning_brief.yaml`.
    pub file: String,
    /// First 16 hex digits of the SHA-256 of the file.
    pub version: String,
    /// What it does, in a sentence.
    pub description: String,
    /// What a run is given, by name.
    pub inputs: BTreeMap<String, Input>,
    /// What a run gives.
    pub outputs: Template,
    /// What starts it besides people.
    pub triggers: Vec<Trigger>,
    /// How many runs there may be at once; any number when absent.
    pub concurrency: Option<Concurrency>,
    /// The longest a run may take; as long as its steps may when absent.
    pub timeout: Option<Duration>,
    /// How bad it is when it does the wrong thing.
    pub risk: Risk,
    /// What it does.
    pub steps: Block,
}

/// Something a run is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// What it must be.
    pub kind: InputType,
    /// What it is for.
    pub description: String,
    /// What it is when it is not given; it must be given when absent.
    pub default: Option<Value>,
}

/// What an input must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// A table.
    Object,
    /// Anything.
    Any,
}

/// Steps that run one after another, unless their `needs` say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block(pub Vec<Step>);

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name: the state's, and the one that expressions use.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// Whether it runs at all.
    pub when: Option<Expression>,
    /// What it waits for, where that is not the step before it.
    pub needs: Option<Vec<(String, Place)>>,
    /// How often it is tried; never again by itself when absent.
    pub retry: Option<Retry>,
    /// What happens when it fails.
    pub catch: Vec<Catch>,
    /// The longest that one try may take.
    pub timeout: Option<Duration>,
    /// Whether an earlier run's output will do.
    pub cache: Option<Cache>,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Calls a tool of the bot.
    Tool {
        /// Its name.
        tool: String,
        /// Where the name stands.
        place: Place,
        /// Its arguments.
        with: Vec<(String, Template)>,
    },
    /// Asks a model.
    Ask {
        /// What.
        prompt: Template,
        /// Who the model is to be; the bot's persona when absent.
        system: Option<Template>,
        /// JSON Schema of the answer; text when absent.
        answer: Option<Value>,
    },
    /// Has the bot talk with a contact until a goal is met.
    Converse {
        /// With whom.
        with: Partner,
        /// Where that stands.
        place: Place,
        /// What is to be reached.
        goal: Template,
        /// JSON Schema of what is to be found out, if anything is.
        answer: Option<Value>,
    },
    /// Waits for a person's yes.
    Approve {
        /// The question.
        question: Template,
        /// The role of who may answer.
        role: String,
        /// Where the role stands.
        place: Place,
        /// How many different people must say yes.
        needed: u32,
        /// How long the question stands; then it is a no.
        expires: Duration,
        /// What who answers should see.
        details: Template,
    },
    /// Tells a person.
    Notify(Notification),
    /// Makes an HTTP request.
    Http {
        /// `GET`, `POST`, …
        method: String,
        /// Where to; the host is written out.
        url: Template,
        /// Headers; values may hold `{secret:NAME}`.
        headers: Vec<(String, String)>,
        /// The JSON body.
        body: Option<Template>,
        /// Whether it may be repeated.
        side_effect: crate::tool::SideEffectPolicy,
        /// The header that carries the idempotency key.
        idempotency_header: Option<String>,
        /// Whether it may reach private addresses too.
        allow_private: bool,
    },
    /// Lets time pass.
    Wait(Wait),
    /// Waits for an event.
    Await {
        /// Its name.
        event: String,
        /// Where the name stands.
        place: Place,
        /// What members of its data must be, by their way, such as `order.id`.
        equals: Vec<(String, Template)>,
    },
    /// Takes the first way whose condition holds.
    Choose(Vec<Rule>),
    /// Runs steps for every item of a list.
    Each {
        /// The list.
        items: Expression,
        /// What expressions call the item.
        variable: String,
        /// How many items at once.
        at_once: u32,
        /// The steps.
        steps: Block,
        /// What an item gives; the output of its last step when absent.
        gives: Option<Template>,
    },
    /// Runs blocks at the same time.
    Parallel(Vec<(String, Block)>),
    /// Runs steps until a condition holds.
    Repeat {
        /// The steps.
        steps: Block,
        /// The condition, asked after the steps.
        until: Expression,
        /// How often at most.
        at_most: u32,
        /// How long to wait in between.
        pause: Option<Duration>,
    },
    /// Runs another workflow and waits for its end.
    Workflow {
        /// Its name.
        workflow: String,
        /// Where the name stands.
        place: Place,
        /// Its inputs.
        with: Vec<(String, Template)>,
    },
    /// Gives a value.
    Set(Template),
    /// Ends the run as failed.
    Fail {
        /// The error's name.
        error: String,
        /// Why.
        cause: Template,
    },
}

/// With whom a bot talks.
#[derive(Clone, Debug, PartialEq)]
pub enum Partner {
    /// A person of people.toml.
    Person(Template),
    /// Anybody on a channel.
    Contact {
        /// The channel.
        channel: Channel,
        /// Their name or number there.
        contact: Template,
    },
}

/// What a person is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// Whom: a person of people.toml, or a role.
    pub to: String,
    /// Where that stands.
    pub place: Place,
    /// How much it matters.
    pub class: crate::notify::Class,
    /// What.
    pub text: Template,
    /// How long somebody's sign that they know is waited for.
    pub acknowledge: Option<Duration>,
    /// How long before the next way is taken, way by way, while there is no sign.
    pub escalate: Vec<Duration>,
}

/// How long a step waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// This long.
    For(Duration),
    /// As many seconds as an expression says.
    Seconds(Expression),
    /// Until the time (RFC 3339) that an expression gives.
    Until(Expression),
}

/// One way of a `choose`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// When it is taken; always when absent, as the last one may be.
    pub when: Option<Expression>,
    /// What it does.
    pub steps: Block,
}

/// How often a step is tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Tries in all, the first included.
    pub max_attempts: u32,
    /// The pause before the second try.
    pub interval: Duration,
    /// What the pause is multiplied by from try to try.
    pub backoff: f64,
    /// The longest pause.
    pub max_interval: Duration,
    /// Whether pauses are shortened by chance, so that not all come back at once.
    pub jitter: bool,
    /// On which errors; all that may pass when empty.
    pub on: Vec<String>,
}

/// What happens when a step fails for good.
#[derive(Clone, Debug, PartialEq)]
pub struct Catch {
    /// On which errors; all when empty.
    pub on: Vec<String>,
    /// What the step gives instead; null when absent.
    pub gives: Option<Template>,
    /// What is done before the run goes on.
    pub steps: Block,
}

/// An earlier run's output in place of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Equal keys have equal outputs.
    pub key: Template,
    /// How long an output is good.
    pub keep: Duration,
}

/// How many runs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// The most.
    pub limit: u32,
    /// What becomes of one more.
    pub when_full: WhenFull,
}

/// What becomes of a run for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It waits its turn.
    #[default]
    Queue,
    /// It does not take place.
    Skip,
    /// It takes the place of the oldest, which is cancelled.
    Replace,
}

impl Partner {
    /// Who it is, in a word, as far as that is known before a run.
    #[must_use]
    pub fn named(&self) -> String {
        let (name, channel) = match self {
            Self::Person(person) => (person, None),
            Self::Contact { channel, contact } => (contact, Some(channel)),
        };
        let name = name.constant().and_then(Value::as_str);
        match (name, channel) {
            (Some(name), _) => name.to_owned(),
            (None, None) => "somebody".to_owned(),
            (None, Some(channel)) => format!("somebody on {channel}"),
        }
    }
}

impl Input {
    /// Whether a run can do without it.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.default.is_some()
    }
}

impl InputType {
    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
            Self::Any => "any",
        }
    }

    /// Whether `value` is one.
    #[must_use]
    pub fn admits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Any => true,
        }
    }
}
