//! Questions whose conversation has ended: nobody needs to answer them, and no answer counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Approval, Command, Desk, State};
use crate::error::Error;
use crate::session::SessionKey;

/// Why a question is moot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moot {
    /// Its conversation was closed.
    Closed,
    /// The contact opted out.
    OptedOut,
}

impl Moot {
    /// As people are told it.
    pub(super) fn told(self) -> &'static str {
        match self {
            Self::Closed => "the conversation was closed",
            Self::OptedOut => "the contact opted out",
        }
    }
}

impl Desk {
    /// Withdraws every question of `session` that waits, or whose yes was not used: their executions end and those
    /// who were asked are told. Withdrawing again tells whatever waits once more.
    ///
    /// # Errors
    /// When a store failed; the caller comes back.
    pub async fn withdraw(&self, session: &SessionKey, why: Moot) -> Result<(), Error> {
        let open = |approval: &Approval| {
            approval.session == *session
                && matches!(
                    approval.state,
                    State::Pending | State::Granted { .. } | State::Withdrawn { .. }
                )
        };
        let approvals = self.list(session.tenant()).await?;
        for approval in approvals.into_iter().filter(open) {
            let withdraw = Command::Withdraw { why };
            let changed = self
                .change(session.tenant(), &approval.id, &withdraw)
                .await?;
            if let Ok(approval) = changed
                && let Some(token) = &approval.token
            {
                self.waits.go_on(token).await?;
            }
        }
        Ok(())
    }
}
