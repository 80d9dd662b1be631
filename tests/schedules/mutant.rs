//! A store with one condition forgotten. Schedules that do not notice it prove nothing.

use engine::document::{DocumentKey, Topic};
use engine::session::{Command, Refusal, Session};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// The store as it must be.
    None,
    /// A claim that overlooks what is claimed already.
    ClaimsTwice,
    /// A gate that does not ask whose the session is.
    GatesWithoutTheHold,
    /// A result that overwrites the one before.
    OverwritesResults,
    /// An approval whose use is not written down.
    ForgetsConsumption,
    /// A document that is saved whatever its version.
    SavesBlindly,
}

impl Mutant {
    /// Carries `command` out on `session`.
    pub(crate) fn apply(self, session: &mut Session, command: &Command) -> Result<(), Refusal> {
        match (self, command) {
            (Self::ClaimsTwice, Command::Claim { intent, .. }) => {
                let claimed = session.intents.remove(intent);
                let applied = session.apply(command);
                if let (Err(_), Some(claimed)) = (&applied, claimed) {
                    session.intents.insert(intent.clone(), claimed);
                }
                applied
            }
            (Self::GatesWithoutTheHold, Command::Gate { step, .. }) => {
                let (owner, fence) = (session.owner, session.fence);
                (session.owner, session.fence) = (Some(step.hold.owner), step.hold.fence);
                let applied = session.apply(command);
                (session.owner, session.fence) = (owner, fence);
                applied
            }
            _ => session.apply(command),
        }
    }

    /// Whether a save is answered as done and not done.
    pub(crate) fn drops(self, key: &DocumentKey, body: &Value) -> bool {
        self == Self::ForgetsConsumption
            && key.topic == Topic::Approval
            && body["state"] == "consumed"
    }
}
