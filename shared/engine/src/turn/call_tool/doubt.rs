//! What keeps a call from being made, and what is asked when nobody saw its end.

use super::CallTool;
use crate::bot::{Bot, Tool};
use crate::error::Error;
use crate::session::SessionKey;
use crate::tool::{Evidence, ToolOutcome};
use crate::transcript::PlannedCall;
use crate::turn::Planned;

/// The most bytes of a call's arguments, as JSON.
const MAX_ARGUMENTS: usize = 64 * 1024;

impl CallTool {
    /// The tool, if the call may be made or asked for; else what it comes to at once.
    pub(super) async fn admitted<'b>(
        &self,
        bot: &'b Bot,
        planned: &Planned,
        call: &PlannedCall,
    ) -> Result<Result<&'b Tool, ToolOutcome>, Error> {
        let Some(tool) = bot.tools.get(&call.tool) else {
            let offered: Vec<&str> = bot.tools.keys().map(String::as_str).collect();
            return Ok(Err(ToolOutcome::failed(format!(
                "there is no such tool; the tools are: {}",
                offered.join(", ")
            ))));
        };
        let key = &planned.start.session;
        if let Some(message) = self.objection(bot, tool, key, call).await {
            return Ok(Err(ToolOutcome::failed(message)));
        }
        let refused = self.refused(planned, call).await?;
        Ok(refused.map_or(Ok(tool), Err))
    }

    /// Why a call is not made, in words for the model.
    async fn objection(
        &self,
        bot: &Bot,
        tool: &Tool,
        key: &SessionKey,
        call: &PlannedCall,
    ) -> Option<String> {
        let length = serde_json::to_vec(&call.arguments).map_or(0, |json| json.len());
        if length > MAX_ARGUMENTS {
            return Some(format!(
                "the arguments are {length} bytes long, and at most {MAX_ARGUMENTS} are taken"
            ));
        }
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

    /// Asks the other side whether `call` happened.
    pub(super) async fn inquire(
        &self,
        tool: &Tool,
        at: (&SessionKey, u64),
        call: &PlannedCall,
    ) -> Result<Evidence, Error> {
        self.sessions.durable().await?;
        let evidence = self.toolbox.inquire(&self.runtime, at, tool, call);
        Ok(evidence.await)
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
