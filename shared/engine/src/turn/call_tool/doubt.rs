//! What keeps a call from being made, and what is asked when nobody saw its end.

use std::time::Duration;

use super::CallTool;
use crate::bot::{Bot, Tool};
use crate::error::Error;
use crate::session::SessionKey;
use crate::tool::{Call, Evidence};
use crate::transcript::PlannedCall;

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
