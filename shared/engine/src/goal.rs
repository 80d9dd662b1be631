//! What workflows want of conversations: a goal that the bot pursues with a contact until it is met or time is up.
//!
//! ```text
//! step-converse ──> Goals::open ──> a letter into the session ──> turns of the bot ──report_goal──> Goals::report
//!       └──────────── the machine waits for the token <── Goals::settle <── time, STOP, a person, closing ──┘
//! ```
//!
//! The goals of a session are one document, so one write decides what becomes of each, and for good. Whatever ends one
//! writes that down first and then ends the task that the run waits in; saying it again says it again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bot::Bot;
use crate::run::Site;
use crate::runtime::Time;
use crate::session::{SessionKey, hash64};

mod desk;
mod report;
mod unreached;
mod words;

pub use desk::Goals;
pub(crate) use report::tool;
pub use report::{REPORT_GOAL, Report};
pub use unreached::Unreached;
pub(crate) use words::letter;
pub use words::{offer, present};

/// Why a goal is not met whose time has passed.
pub const TIME_UP: &str = "time is up";

/// Why a goal is not met when the contact has opted out.
pub const OPTED_OUT: &str = "the contact has opted out";

/// Why a goal is not met when its conversation has ended.
pub const CLOSED: &str = "the conversation was closed";

/// The longest goal, in characters.
pub const MAX_TEXT: usize = 2000;

/// Something that a workflow wants to come out of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Its name among the goals of the session: the same for the same step and item of a run.
    pub id: String,
    /// The step that wants it.
    pub site: Site,
    /// What the run waits for.
    pub token: String,
    /// What is to be reached, on one line.
    pub text: String,
    /// JSON Schema of what is to be found out, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Value>,
    /// When the contact was to be spoken to.
    pub opened_at: Time,
    /// Until when the bot has time.
    pub until: Time,
    /// The call of `report_goal` that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_by: Option<String>,
    /// What has become of it.
    #[serde(flatten)]
    pub state: State,
}

/// What has become of a goal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// The bot pursues it.
    Open,
    /// It was reached.
    Met {
        /// When.
        at: Time,
        /// What was found out; null where nothing was to be. The contact's data, which nobody vouches for.
        answer: Value,
    },
    /// It was not.
    Unmet {
        /// When that was clear.
        at: Time,
        /// Why, in words.
        why: String,
    },
}

impl Goal {
    /// The name of the goal of a step.
    #[must_use]
    pub fn id_of(place: &SessionKey, intent: &str) -> String {
        format!("{:016x}", hash64(&["goal", place.as_str(), intent]))
    }

    /// Whether the bot still pursues it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// The goal as it is to be seen at `now`: when its time has passed, the run that says so may be on its way.
    fn seen(mut self, now: Time) -> Self {
        if self.is_open() && now >= self.until {
            self.state = State::unmet(self.until, TIME_UP);
        }
        self
    }
}

impl State {
    fn unmet(at: Time, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::Unmet { at, why }
    }

    /// What a run is given of it.
    #[must_use]
    pub fn outcome(&self) -> Value {
        let why = match self {
            Self::Met { answer, .. } => {
                return json!({ "met": true, "answer": answer, "why": null });
            }
            Self::Unmet { why, .. } => why,
            Self::Open => TIME_UP,
        };
        json!({ "met": false, "answer": null, "why": why })
    }
}

/// Whether a workflow of the bot's folder holds conversations, so that its sessions may have goals.
#[must_use]
pub fn may_have(bot: &Bot) -> bool {
    bot.tools.contains_key(REPORT_GOAL)
}
