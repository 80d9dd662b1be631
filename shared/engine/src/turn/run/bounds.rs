//! What keeps a turn from calling tools for ever.

use std::collections::BTreeMap;

use super::Round;
use crate::bot::Limits;
use crate::model::{ChatMessage, ToolCall};
use crate::transcript::{PlannedCall, ToolResult};

/// How often a turn may make the same call with the same result.
const SAME: usize = 3;

/// Why a turn may call no more tools.
pub(super) enum Enough {
    /// It has made as many calls as it may.
    Calls,
    /// It makes the same call again and again, and learns nothing.
    Loop,
}

impl Enough {
    /// What the model is told with the last result.
    fn note(&self) -> &'static str {
        match self {
            Self::Calls => "No more tools can be called now. Answer with what you know.",
            Self::Loop => {
                "This call was made several times with the same result; it will not change. No more tools can \
                 be called now. Answer with what you know."
            }
        }
    }

    pub(super) fn tell(&self, conversation: &mut [ChatMessage]) {
        let last = conversation
            .iter_mut()
            .rev()
            .find_map(|message| match message {
                ChatMessage::Tool { content, .. } => Some(content),
                ChatMessage::User { .. } | ChatMessage::Assistant { .. } => None,
            });
        if let Some(content) = last {
            content.push_str("\n\n");
            content.push_str(self.note());
        }
    }
}

impl Round {
    fn calls(&self) -> impl Iterator<Item = &PlannedCall> {
        let decisions = self.before.iter().map(|record| &record.decision);
        decisions.flat_map(|decision| decision.calls())
    }

    /// Why the turn may call no more tools, if it may not.
    pub(super) fn enough(
        &self,
        limits: &Limits,
        results: &BTreeMap<String, ToolResult>,
    ) -> Option<Enough> {
        let calls: Vec<&PlannedCall> = self.calls().collect();
        if calls.len() >= limits.calls_per_turn as usize {
            return Some(Enough::Calls);
        }
        let content = |call: &PlannedCall| results.get(&call.intent).map(|result| &result.content);
        let last = calls.last()?;
        let same = |call: &&&PlannedCall| {
            call.tool == last.tool
                && call.arguments == last.arguments
                && content(call) == content(last)
        };
        (calls.iter().filter(same).count() >= SAME).then_some(Enough::Loop)
    }

    /// As many of `calls` as the turn may still make.
    pub(super) fn bounded(&self, mut calls: Vec<ToolCall>, limits: &Limits) -> Vec<ToolCall> {
        let left = (limits.calls_per_turn as usize).saturating_sub(self.calls().count());
        calls.truncate(left);
        calls
    }
}
