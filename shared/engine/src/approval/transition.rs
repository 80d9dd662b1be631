//! Every condition and every change of an approval.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Answer, Approval, Moot, Spoken, State};
use crate::runtime::Time;

/// How long a yes may be used.
pub const GOOD_FOR: Duration = Duration::from_secs(3600);

/// A person who decides.
#[derive(Clone, Copy, Debug)]
pub struct Approver<'a> {
    /// Their name in people.toml.
    pub person: &'a str,
    /// The roles they have there now.
    pub roles: &'a BTreeSet<String>,
}

/// One conditional change of an approval.
#[derive(Clone, Debug)]
pub enum Command<'a> {
    /// The execution waits for this token.
    Wait {
        /// What it is answered with.
        token: &'a str,
    },
    /// A person says yes or no.
    Decide {
        /// Who.
        by: Approver<'a>,
        /// What.
        answer: Answer,
        /// Why.
        reason: Option<&'a str>,
    },
    /// Nobody waits any longer.
    Expire,
    /// The conversation has ended.
    Withdraw {
        /// How.
        why: Moot,
    },
    /// A call is about to be made with it.
    Consume {
        /// The tool.
        tool: &'a str,
        /// Its arguments.
        arguments: &'a Value,
        /// The key under which the call happens.
        intent: &'a str,
        /// The turn that makes it.
        turn: u64,
    },
}

/// Why an approval does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The person has not the role.
    #[error("this person may not decide it: it takes another role")]
    NotAllowed,
    /// Who asks cannot be one of two who say yes.
    #[error("who asks cannot be one of two who say yes")]
    SelfApproval,
    /// It was decided before, otherwise.
    #[error("it is decided already")]
    Decided,
    /// It has run out, which is a no.
    #[error("it has run out, which counts as a no")]
    Expired,
    /// Its conversation has ended.
    #[error("it was withdrawn: the conversation has ended, so nothing is done")]
    Withdrawn,
    /// Nobody has said yes.
    #[error("there is no yes")]
    NotGranted,
    /// The yes was for another call.
    #[error("the yes was for another call")]
    OtherCall,
    /// It was used by another call.
    #[error("the yes has been used")]
    Used,
}

impl Approval {
    /// Changes the approval, or says why not. A command that was carried out before changes nothing and is
    /// no refusal.
    ///
    /// # Errors
    /// The refusal.
    pub fn apply(&mut self, command: &Command<'_>, now: Time) -> Result<(), Refusal> {
        match command {
            Command::Wait { token } => {
                // What was decided before anybody was asked has nobody to be told.
                if self.state == State::Pending || self.token.is_some() {
                    self.token = Some((*token).to_owned());
                }
                Ok(())
            }
            Command::Decide { by, answer, reason } => self.decide(*by, *answer, *reason, now),
            Command::Expire => match self.state {
                State::Pending => {
                    self.state = State::Expired { decided_at: now };
                    Ok(())
                }
                State::Expired { .. } => Ok(()),
                _ => Err(Refusal::Decided),
            },
            Command::Withdraw { why } => match self.state {
                State::Pending | State::Granted { .. } => {
                    self.state = State::Withdrawn {
                        decided_at: now,
                        why: *why,
                    };
                    Ok(())
                }
                State::Withdrawn { .. } => Ok(()),
                _ => Err(Refusal::Decided),
            },
            Command::Consume {
                tool,
                arguments,
                intent,
                turn,
            } => {
                if !self.envelope.allows(&self.session, tool, arguments) {
                    return Err(Refusal::OtherCall);
                }
                self.consume(intent, *turn, now)
            }
        }
    }

    fn decide(
        &mut self,
        by: Approver<'_>,
        answer: Answer,
        reason: Option<&str>,
        now: Time,
    ) -> Result<(), Refusal> {
        if !by.roles.contains(&self.role) {
            return Err(Refusal::NotAllowed);
        }
        if matches!(self.state, State::Withdrawn { .. }) {
            return Err(Refusal::Withdrawn);
        }
        let said = |spoken: &Spoken| spoken.person == by.person && spoken.answer == answer;
        if self.decisions.iter().any(said) {
            return Ok(());
        }
        match self.state {
            State::Pending if now >= self.expires_at => return Err(Refusal::Expired),
            State::Pending => {}
            State::Expired { .. } => return Err(Refusal::Expired),
            _ => return Err(Refusal::Decided),
        }
        let own = self.requester.as_deref() == Some(by.person);
        if answer == Answer::Yes && own && self.needed > 1 {
            return Err(Refusal::SelfApproval);
        }
        self.decisions.push(Spoken {
            person: by.person.to_owned(),
            answer,
            reason: reason.map(str::to_owned),
            at: now,
        });
        let yeses = self.decisions.iter().map(|spoken| &spoken.person);
        let yeses = yeses.collect::<BTreeSet<_>>().len();
        if answer == Answer::No {
            self.state = State::Denied { decided_at: now };
        } else if yeses >= usize::try_from(self.needed).unwrap_or(usize::MAX) {
            self.state = State::Granted { decided_at: now };
        }
        Ok(())
    }

    fn consume(&mut self, wanted: &str, by: u64, now: Time) -> Result<(), Refusal> {
        match &self.state {
            State::Granted { decided_at } if now < decided_at.plus(GOOD_FOR) => {
                self.state = State::Consumed {
                    consumed_at: now,
                    intent: wanted.to_owned(),
                    turn: by,
                };
                Ok(())
            }
            State::Consumed { intent, turn, .. } if intent == wanted && *turn == by => Ok(()),
            State::Consumed { .. } => Err(Refusal::Used),
            State::Withdrawn { .. } => Err(Refusal::Withdrawn),
            State::Granted { .. } | State::Expired { .. } => Err(Refusal::Expired),
            State::Pending | State::Denied { .. } => Err(Refusal::NotGranted),
        }
    }
}
