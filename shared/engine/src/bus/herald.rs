//! Puts Confab's own events on the bus, when something may wait for them.

use std::sync::Arc;

use super::own::{self, Own, event};
use super::{ApprovalDecided, Bus, Said, SessionClosed, TurnCompleted};
use crate::approval::{Approval, State};
use crate::error::Error;
use crate::runtime::Time;
use crate::session::{Out, SessionKey};
use crate::transcript::{Turn, Verdict, rounds_to};
use crate::view::{Message, View};

/// The most messages of a closed conversation that its event holds.
const MAX_SAID: usize = 100;

/// The longest of them, in characters.
const MAX_CHARS: usize = 1000;

/// Tells the bus.
#[derive(Clone)]
pub struct Herald {
    /// Where to.
    pub bus: Arc<dyn Bus>,
    /// Reads what was said.
    pub view: View,
}

impl Herald {
    /// Tells that the turn in the outbox is over, if it took a message of the contact. One that only told something
    /// is not told of, or a workflow that tells people about turns would never come to rest.
    ///
    /// # Errors
    /// When a store failed, or the bus did not take it.
    pub(crate) async fn turn_completed(
        &self,
        key: &SessionKey,
        out: &Out,
        at: Time,
    ) -> Result<(), Error> {
        if !self.bus.is_wanted(TurnCompleted::NAME) {
            return Ok(());
        }
        let View {
            transcripts,
            outcomes,
            ..
        } = &self.view;
        let records = transcripts.since(key, out.turn).await?;
        let rounds = rounds_to(&records, out.turn, out.plan);
        if rounds.is_empty() {
            return Ok(());
        }
        let turn = Turn { rounds };
        if !turn.messages().any(|(_, taken)| taken.origin.is_contact()) {
            return Ok(());
        }
        let settled = outcomes.settlements_since(key, out.turn).await?;
        let verdict = settled.get(&out.turn).map(|settled| settled.verdict);
        let data = TurnCompleted {
            session: key.clone(),
            channel: key.channel(),
            contact: key.contact().to_owned(),
            turn: out.turn,
            verdict: verdict.unwrap_or(Verdict::Answered),
            said: Message::of(&turn).into_iter().map(said).collect(),
        };
        let id = format!("turn:{key}:{}", out.turn);
        self.put(key, id, at, &data).await
    }

    /// Tells that a conversation was closed after `turn`; an earlier one ended with turn `before`.
    ///
    /// # Errors
    /// As [`Herald::turn_completed`].
    pub(crate) async fn session_closed(
        &self,
        key: &SessionKey,
        turn: u64,
        before: u64,
        at: Time,
    ) -> Result<(), Error> {
        if !self.bus.is_wanted(SessionClosed::NAME) {
            return Ok(());
        }
        let mut messages = self.view.messages(key, 0).await?;
        messages.retain(|message| message.turn > before && message.turn <= turn);
        let left_out = messages.len().saturating_sub(MAX_SAID);
        let data = SessionClosed {
            session: key.clone(),
            channel: key.channel(),
            contact: key.contact().to_owned(),
            turns: turn,
            said: messages.into_iter().skip(left_out).map(said).collect(),
        };
        self.put(key, format!("closed:{key}:{turn}"), at, &data)
            .await
    }

    /// Tells how an approval was decided.
    ///
    /// # Errors
    /// As [`Herald::turn_completed`].
    pub(crate) async fn approval_decided(
        &self,
        approval: &Approval,
        at: Time,
    ) -> Result<(), Error> {
        if !self.bus.is_wanted(ApprovalDecided::NAME) {
            return Ok(());
        }
        let spoken = approval.last_words();
        let data = ApprovalDecided {
            approval: approval.id.clone(),
            session: approval.session.clone(),
            tool: approval.envelope.tool_name.clone(),
            answer: match &approval.state {
                State::Consumed { .. } => "granted",
                state => state.name(),
            },
            by: spoken.map(|spoken| spoken.person.clone()),
            reason: spoken.and_then(|spoken| spoken.reason.clone()),
        };
        let id = format!("approval:{}", approval.id);
        self.put(&approval.session, id, at, &data).await
    }

    async fn put<D: Own>(
        &self,
        key: &SessionKey,
        id: String,
        at: Time,
        data: &D,
    ) -> Result<(), Error> {
        self.bus.put(event(key, id, at, data)?).await
    }
}

fn said(message: Message) -> own::Said {
    Said {
        role: message.role,
        text: message.text.chars().take(MAX_CHARS).collect(),
        at: message.at,
    }
}
