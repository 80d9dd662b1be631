//! A turn that takes back what it has done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reflex::Reflex;
use super::think::Decided;
use super::{Round, Run};
use crate::error::Error;
use crate::session::{Intended, Session};
use crate::transcript::{Decision, ToolResult, Undoing};
use crate::turn::{RunOutput, TurnStart, saga};

impl Run {
    /// Undoes the latest effect that still stands or, when none does, goes on as `undoing` says.
    pub(super) async fn unwind(
        &self,
        start: &TurnStart,
        session: Arc<Session>,
        mut round: Round,
        undoing: Undoing,
        results: &BTreeMap<String, ToolResult>,
    ) -> Result<RunOutput, Error> {
        let bot = Arc::clone(&round.staff.bot);
        let next = saga::next_undo(&bot, &session, &round.before, results);
        let decision = match (next, undoing) {
            (Some(call), undoing) => saga::round(call, undoing),
            (None, Undoing::Failed { reason, apology }) => Decision::Failed { reason, apology },
            (None, Undoing::Overtaken) => {
                let reflex = Reflex::new(&bot, &start.session);
                round.join(&session, reflex, false);
                return self.think(start, session, round).await;
            }
        };
        let mut decided = Decided::now(&self.runtime, decision);
        decided.terms.verdict = Intended::Other;
        self.write(start, &session, round, decided).await
    }
}
