//! Calls that need a person's yes: asked for instead of made, and made only with a yes that fits.

use serde_json::json;

use super::CallTool;
use crate::approval::Command;
use crate::bot::{ApprovalRule, Bot, Tool};
use crate::error::Error;
use crate::tool::ToolOutcome;
use crate::transcript::{PlannedCall, ToolStatus};
use crate::turn::Planned;

/// The rule by which people are asked instead of making the call. The plan has no say in it.
pub(super) fn asks<'t>(tool: &'t Tool, call: &PlannedCall) -> Option<&'t ApprovalRule> {
    let rule = tool.approval.as_ref()?;
    let asks = rule.covers(&call.arguments) || call.tainted;
    (call.approval.is_none() && asks).then_some(rule)
}

impl CallTool {
    /// Uses the yes that the call was planned with; why it may not be made when that fails.
    pub(super) async fn refused(
        &self,
        planned: &Planned,
        call: &PlannedCall,
    ) -> Result<Option<ToolOutcome>, Error> {
        let Some(approval) = &call.approval else {
            return Ok(None);
        };
        let consume = Command::Consume {
            tool: &call.tool,
            arguments: &call.arguments,
            intent: &call.intent,
            turn: planned.turn,
        };
        let tenant = planned.start.session.tenant();
        let consumed = self.desk.change(tenant, approval, &consume).await?;
        Ok(consumed
            .err()
            .map(|refusal| ToolOutcome::failed(format!("this was not done: {refusal}"))))
    }

    /// Asks people, and tells the model so.
    pub(super) async fn ask(
        &self,
        bot: &Bot,
        tool: (&Tool, &ApprovalRule),
        planned: &Planned,
        call: &PlannedCall,
    ) -> Result<ToolOutcome, Error> {
        let turn = (&planned.start.session, planned.turn);
        let approval = self.desk.ask(bot, turn, tool, &call.arguments).await?;
        let message = "this needs a person's yes, and one was asked. It has not been done. Tell the contact that \
                       somebody must allow it first, and that they will hear from you";
        Ok(ToolOutcome {
            status: ToolStatus::Waiting,
            content: json!({
                "state": "waiting",
                "message": message,
                "approval": approval.id,
                "until": approval.expires_at,
            }),
        })
    }
}
