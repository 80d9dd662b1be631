//! What happens when a message comes while a turn runs.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::Channel;

mod window;

pub use window::{Hint, LONGEST, Said, WINDOWS, Window};

/// What a running turn does with a message that comes before it has passed its gate.
///
/// Once the turn has reached its commit point it is always [`Overlap::Queue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Overlap {
    /// Finish, then answer the rest together.
    Queue,
    /// Drop the thought and think again with all messages.
    Supersede,
    /// At the next tool boundary, go on with the message as well.
    Absorb,
    /// At the next tool boundary, think again with all messages.
    AbsorbRestart,
    /// At the next tool boundary, take the message in and answer without calling more tools.
    ForceComplete,
}

/// What a bot does when messages overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlapSettings {
    /// By channel, where it differs from the channel's own.
    pub channels: BTreeMap<Channel, Overlap>,
    /// By tenant, over all else.
    pub tenants: BTreeMap<String, Overlap>,
    /// How long after its oldest message a turn may still be superseded, so that a contact who keeps
    /// writing is answered at last.
    pub patience: Duration,
    /// Whether messages wait for each other before a turn begins, by channel.
    pub window: BTreeMap<Channel, Window>,
}

impl Default for OverlapSettings {
    fn default() -> Self {
        Self {
            channels: BTreeMap::new(),
            tenants: BTreeMap::new(),
            patience: Duration::from_secs(30),
            window: BTreeMap::new(),
        }
    }
}

impl OverlapSettings {
    /// Whether messages on `channel` wait for each other.
    #[must_use]
    pub fn window(&self, channel: Channel) -> Window {
        self.window.get(&channel).copied().unwrap_or_default()
    }

    /// The policy in a session of `tenant` on `channel`.
    #[must_use]
    pub fn policy(&self, tenant: &str, channel: Channel) -> Overlap {
        let own = self.tenants.get(tenant).or(self.channels.get(&channel));
        own.copied().unwrap_or(match channel {
            Channel::Web => Overlap::Supersede,
            Channel::Sms | Channel::Whatsapp | Channel::Run => Overlap::Queue,
        })
    }
}
