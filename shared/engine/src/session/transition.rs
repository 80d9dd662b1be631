//! What each command asks of a session, and what it changes: the conditions and updates of the write.

use super::command::{Chain, Command, Consent, Hold, Intended, Next, Refusal, Rotate, Step};
use super::{Claim, Handled, MessageHash, Out, Session};

impl Session {
    /// Whether `command` would be refused, and why. The conditions of the write, in order.
    #[must_use]
    pub fn refusal(&self, command: &Command) -> Option<Refusal> {
        match command {
            Command::Accept {
                message,
                inbox_limit,
                ..
            } => {
                let hash = message.hash();
                if self.seen.contains(&hash) || self.seen_old.contains(&hash) {
                    return Some(Refusal::Seen);
                }
                (self.inbox.len() >= *inbox_limit).then_some(Refusal::Full)
            }
            Command::Reclaim { from, now, .. } => self.not_mine(*from).or_else(|| {
                let expired = self.lease.is_some_and(|lease| lease < *now);
                (!expired).then_some(Refusal::NotExpired)
            }),
            Command::Renew { hold, until } => self.not_mine(*hold).or_else(|| {
                let later = self.lease.is_some_and(|lease| lease < *until);
                (!later).then_some(Refusal::NotLater)
            }),
            Command::Claim {
                step,
                chain,
                intent,
                calm,
                ..
            } => self
                .not_running(*step)
                .or_else(|| self.other_plan(*chain))
                .or_else(|| self.intents.get(intent).copied().map(Refusal::Claimed))
                .or_else(|| self.handed_off())
                .or_else(|| self.superseded(step.turn, *calm)),
            Command::TakeUp {
                step, intent, from, ..
            } => self
                .not_running(*step)
                .or_else(|| match self.intents.get(intent) {
                    Some(claim) if claim == from => None,
                    Some(claim) => Some(Refusal::Claimed(*claim)),
                    None => Some(Refusal::OtherPlan),
                }),
            Command::Gate {
                step,
                chain,
                from,
                upto,
                terms,
                ..
            } => self
                .not_running(*step)
                .or_else(|| self.other_plan(*chain))
                .or_else(|| match terms.verdict {
                    Intended::Answered => self.handed_off(),
                    Intended::Other => None,
                })
                .or_else(|| self.effect_open(terms.effects))
                .or_else(|| self.superseded(step.turn, terms.calm.then_some(*upto)))
                .or_else(|| self.moved(*from))
                .or_else(|| self.too_few(count(*from, *upto))),
            Command::Finish {
                hold,
                turn,
                by,
                next,
                ..
            } => self
                .not_mine(*hold)
                .or_else(|| {
                    let mine = self
                        .out
                        .as_ref()
                        .is_some_and(|out| out.turn == *turn && out.by == *by);
                    (!mine).then_some(Refusal::NotInOutbox)
                })
                .or_else(|| self.cannot_free(*next)),
            Command::Recover {
                hold, turn, next, ..
            } => self
                .not_mine(*hold)
                .or(match &self.out {
                    Some(out) if out.turn != *turn => Some(Refusal::NotInOutbox),
                    Some(out) if out.fence >= hold.fence => Some(Refusal::OwnOutbox),
                    Some(_) => None,
                    None => Some(Refusal::NotInOutbox),
                })
                .or_else(|| self.cannot_free(*next)),
            Command::Skip { step, from, count } => self
                .not_running(*step)
                .or_else(|| self.bound())
                .or_else(|| self.moved(*from))
                .or_else(|| self.too_few(*count)),
            Command::Free { step } => self
                .not_running(*step)
                .or_else(|| self.bound())
                .or_else(|| self.cannot_free(Next::Free)),
            Command::TakeOver { person } => {
                let another = self.handoff.as_ref().is_some_and(|holder| holder != person);
                another.then_some(Refusal::HandedOff)
            }
            Command::HandBack => self.handoff.is_none().then_some(Refusal::NotHandedOff),
            Command::Close { turn } => {
                let settled = *turn > 0 && self.delivered == *turn;
                self.owner
                    .map(|_| Refusal::Held)
                    .or_else(|| (!settled).then_some(Refusal::NotRunning))
            }
        }
    }

    /// Carries `command` out, or changes nothing.
    ///
    /// # Errors
    /// The [`Refusal`], exactly when [`refusal`](Self::refusal) gives one.
    pub fn apply(&mut self, command: &Command) -> Result<(), Refusal> {
        if let Some(refusal) = self.refusal(command) {
            return Err(refusal);
        }
        self.carry_out(command);
        Ok(())
    }

    pub(super) fn carry_out(&mut self, command: &Command) {
        match command {
            Command::Accept {
                message,
                owner,
                until,
                ..
            } => {
                self.inbox.push(message.clone());
                self.arrivals += 1;
                self.seen.push(message.hash());
                if self.owner.is_none() {
                    self.owner = Some(*owner);
                    self.lease = Some(*until);
                }
            }
            Command::Reclaim { owner, until, .. } => {
                self.owner = Some(*owner);
                self.lease = Some(*until);
                self.fence += 1;
                self.tries += 1;
            }
            Command::Renew { until, .. } => self.lease = Some(*until),
            Command::Claim {
                step,
                chain,
                intent,
                by,
                until,
                commits,
                ..
            } => {
                self.intents.insert(
                    intent.clone(),
                    Claim {
                        fence: step.hold.fence,
                        by: *by,
                    },
                );
                self.plan = Some(chain.plan);
                if *commits {
                    self.commit = Some(step.turn);
                }
                self.lease = Some(*until);
            }
            Command::TakeUp {
                step,
                intent,
                by,
                until,
                ..
            } => {
                let fence = step.hold.fence;
                self.intents
                    .insert(intent.clone(), Claim { fence, by: *by });
                self.lease = Some(*until);
            }
            Command::Gate {
                step,
                chain,
                from,
                upto,
                by,
                until,
                terms,
            } => {
                self.inbox.drain(..count(*from, *upto));
                let fence = step.hold.fence;
                self.out = Some(Out {
                    turn: step.turn,
                    plan: chain.plan,
                    from: *from,
                    upto: *upto,
                    by: *by,
                    fence,
                });
                self.delivered = step.turn;
                self.lease = Some(*until);
                self.tries = 0;
                self.spent += terms.spent;
                self.tokens += terms.tokens;
                if let Some(consent) = terms.consent {
                    self.opted_out = consent == Consent::OptOut;
                }
            }
            Command::Finish { next, rotate, .. } | Command::Recover { next, rotate, .. } => {
                self.settle(*next, *rotate);
            }
            Command::Skip { count, .. } => {
                self.inbox.drain(..*count);
            }
            Command::Free { .. } => self.let_go(),
            Command::TakeOver { person } => self.handoff = Some(person.clone()),
            Command::HandBack => self.handoff = None,
            Command::Close { turn } => {
                self.closed = Some(*turn);
                self.handoff = None;
                self.spent = 0;
                self.tokens = 0;
            }
        }
    }

    fn settle(&mut self, next: Next, rotate: Rotate) {
        self.last = self.out.take().map(|out| Handled {
            turn: out.turn,
            plan: out.plan,
        });
        self.intents.clear();
        self.plan = None;
        self.commit = None;
        match next {
            Next::Free => self.let_go(),
            Next::Round(until) => self.lease = Some(until),
        }
        if rotate == Rotate::Spilled {
            self.seen_old = std::mem::take(&mut self.seen);
        }
    }

    fn let_go(&mut self) {
        self.owner = None;
        self.lease = None;
        self.fence += 1;
    }

    fn not_mine(&self, hold: Hold) -> Option<Refusal> {
        let mine = self.owner == Some(hold.owner) && self.fence == hold.fence;
        (!mine).then_some(Refusal::NotMine)
    }

    fn not_running(&self, step: Step) -> Option<Refusal> {
        self.not_mine(step.hold).or_else(|| {
            let running = self.delivered + 1 == step.turn && self.out.is_none();
            (!running).then_some(Refusal::NotRunning)
        })
    }

    fn other_plan(&self, chain: Chain) -> Option<Refusal> {
        let mine =
            self.plan.is_none() || self.plan == Some(chain.plan) || self.plan == chain.previous;
        (!mine).then_some(Refusal::OtherPlan)
    }

    fn moved(&self, from: u64) -> Option<Refusal> {
        (self.head() != from).then_some(Refusal::Moved)
    }

    fn too_few(&self, count: usize) -> Option<Refusal> {
        (self.inbox.len() < count).then_some(Refusal::TooFew)
    }

    fn handed_off(&self) -> Option<Refusal> {
        self.handoff.is_some().then_some(Refusal::HandedOff)
    }

    /// Whether a message came after `upto`, which `turn` answers, before its commit point.
    fn superseded(&self, turn: u64, upto: Option<u64>) -> Option<Refusal> {
        let calm = self.commit == Some(turn) || upto.is_none_or(|upto| self.arrivals == upto);
        (!calm).then_some(Refusal::Superseded)
    }

    fn effect_open(&self, settled: u64) -> Option<Refusal> {
        (self.intents.len() as u64 != settled).then_some(Refusal::EffectOpen)
    }

    fn bound(&self) -> Option<Refusal> {
        self.plan.is_some().then_some(Refusal::Bound)
    }

    fn cannot_free(&self, next: Next) -> Option<Refusal> {
        (next == Next::Free && !self.inbox.is_empty()).then_some(Refusal::Waiting)
    }

    /// The hashes that a rotation now would drop, when the younger generation is full and none of
    /// them names a waiting message.
    #[must_use]
    pub fn to_spill(&self, capacity: usize) -> Option<&[MessageHash]> {
        let waiting = || {
            self.inbox
                .iter()
                .any(|message| self.seen_old.contains(&message.hash()))
        };
        (self.seen.len() >= capacity && !waiting()).then_some(self.seen_old.as_slice())
    }
}

/// How many messages stand from arrival number `from` to `upto`.
fn count(from: u64, upto: u64) -> usize {
    usize::try_from((upto + 1).saturating_sub(from)).unwrap_or(usize::MAX)
}
