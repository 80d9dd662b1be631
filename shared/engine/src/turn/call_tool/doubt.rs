//! What keeps a call from being made, and what is asked when nobody saw its end.

use std::time::Duration;

use super::CallTool;
use crate::bot::{Bot, Tool};
use crate::error::Error;
use crate::session::{InvocationId, SessionKey};
use crate::tool::{Call, Evidence, ToolOutcome};
use crate::transcript::PlannedCall;
use crate::turn::Planned;

/// The longest that the other side may take to say whether an effect happened.
const ASKING: Duration = Duration::from_secs(5);

impl CallTool {
    /// Why a call is not made, in words for the model.
    pub(super) async fn objection(
        &self,
        bot: &Bot,
        tool: &Tool,
        key: &SessionKey,
        call: &PlannedCall,
    ) -> Option<String> {
        if let Err(message) = tool.arguments.check(&call.arguments) {
            return Some(message);
        }
        if let Some(message) = unapproved(tool, call) {
            return Some(message.to_owned());
        }
        let secrets = self.toolbox.secrets_of(key.tenant(), bot.secret_names());
        let exposed = secrets.await.are_in(&call.arguments);
        exposed.then(|| "the arguments hold a secret, which must not be passed on".to_owned())
    }

    /// Settles a call that must not be repeated and that an earlier hold had claimed: as the other side says, or
    /// as unknown. What has not happened is made now. The hold that claimed it has ended, and so has the time
    /// it had for the effect.
    pub(super) async fn find_out(
        &self,
        (bot, tool, planned, call): (&Bot, &Tool, &Planned, &PlannedCall),
        by: InvocationId,
        begun: Duration,
    ) -> Result<(), Error> {
        let key = &planned.start.session;
        let outcome = match self.inquire(tool, key, call).await? {
            Evidence::Happened(content) => ToolOutcome::succeeded(content),
            Evidence::None => ToolOutcome::unknown(),
            Evidence::DidNot if self.kills(planned).await? => {
                ToolOutcome::failed("this call broke off every time")
            }
            Evidence::DidNot => match self.stopped(key, tool).await? {
                Some(why) => ToolOutcome::failed(why),
                None if self.still_mine(planned).await? => {
                    return self.run(bot, tool, planned, call, by, begun).await;
                }
                None => return Ok(()),
            },
        };
        self.record(planned, call, by, begun, outcome).await
    }

    /// Asks the other side whether `call` happened.
    pub(super) async fn inquire(
        &self,
        tool: &Tool,
        key: &SessionKey,
        call: &PlannedCall,
    ) -> Result<Evidence, Error> {
        self.sessions.durable().await?;
        let question = self.toolbox.ask(Call {
            session: key,
            tool,
            arguments: &call.arguments,
            intent: &call.intent,
            limit: ASKING,
        });
        let answered = self.runtime.timeout(ASKING, question).await;
        // Whoever does not answer says nothing.
        Ok(answered.unwrap_or(Evidence::None))
    }
}

/// Why a call that must ask is not made: nobody is named who could say yes.
fn unapproved(tool: &Tool, call: &PlannedCall) -> Option<&'static str> {
    let nobody_to_ask = call.tainted && tool.approval.is_none();
    nobody_to_ask.then_some(
        "this cannot be undone and its arguments come from data that nobody here vouches for, so it needs a \
         person's approval. Ask the contact to confirm them in their own words",
    )
}
