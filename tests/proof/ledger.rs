//! What became of every message, effect and send: kept beside the machine, so that it can be judged.

use std::collections::BTreeMap;

use engine::session::{Command, Session};

use super::effect::Effect;
use super::invariant::{Broken, I1, I2, I3, I4, I8, hold_true};
use super::run::{Found, Held, Plan, Says, Verdict};
use super::setting::Setting;
use super::tally::{Event, Tally};
use super::world::{World, letter_of};

/// What became of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    Waiting,
    Out(u64),
    /// An old message delivered again, which a turn took out unanswered.
    Skipped,
    Settled(Verdict),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Arrival {
    pub(crate) letter: usize,
    pub(crate) fate: Fate,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ledger {
    pub(crate) fates: Vec<Arrival>,
    pub(crate) effects: Vec<Effect>,
    /// Intents that were ever claimed.
    pub(crate) claimed: Vec<String>,
    pub(crate) verdicts: BTreeMap<u64, Verdict>,
    /// Turns whose reply was sent, in order.
    pub(crate) sent: Vec<u64>,
    /// How often the running turn was superseded at its gate.
    pub(crate) superseded: u8,
    /// The last turn that passed its gate.
    pub(crate) gated: u64,
    /// The last turn that reached its commit point.
    pub(crate) committed: u64,
    last: Option<Held>,
}

impl Ledger {
    /// Follows a command that was carried out, and checks what must hold after it.
    #[expect(
        clippy::too_many_arguments,
        reason = "the ledger judges by all that is stored"
    )]
    pub(crate) fn follow(
        &mut self,
        setting: &Setting,
        plans: &BTreeMap<u64, Plan>,
        results: &BTreeMap<String, Found>,
        before: &Session,
        command: &Command,
        after: &Session,
        tally: &Tally,
    ) -> Result<(), Broken> {
        match command {
            Command::Accept { message, .. } => {
                let letter = letter_of(&message.id);
                let fate = Fate::Waiting;
                self.fates.push(Arrival { letter, fate });
                let last = after.inbox.last();
                let in_order = last.is_some_and(|last| last.id == message.id);
                hold_true(in_order, I4, "a message overtook those that waited")?;
            }
            Command::Reclaim { .. } => {
                let over = before
                    .lease
                    .is_some_and(|lease| lease < World::now(setting));
                hold_true(over, I1, "a hold was taken that had not run out")?;
            }
            Command::Claim {
                step,
                intent,
                commits,
                ..
            } => {
                if *commits {
                    self.committed = step.turn;
                }
                if !self.claimed.contains(intent) {
                    self.claimed.push(intent.clone());
                }
            }
            Command::Gate {
                step,
                chain,
                from,
                upto,
                ..
            } => {
                let first = self
                    .fates
                    .iter()
                    .position(|arrival| arrival.fate == Fate::Waiting);
                let in_order = first.is_none_or(|first| first + 1 >= *from as usize);
                hold_true(in_order, I4, "a turn left older messages behind")?;
                self.turn(*from, *upto, step.turn, plans.get(&chain.plan.0))?;
                self.one_line(plans, step.turn, chain.plan.0)?;
                self.undone(plans, results, step.turn, chain.plan.0)?;
                for effect in self
                    .effects
                    .iter_mut()
                    .filter(|effect| effect.turn == step.turn)
                {
                    effect.plan = None;
                }
                (self.gated, self.committed, self.superseded) = (step.turn, step.turn, 0);
            }
            Command::Skip { from, count, .. } => {
                for place in places(*from, *count) {
                    let arrival = self.arrival(place)?;
                    hold_true(
                        arrival.fate == Fate::Waiting,
                        I3,
                        "skipped what did not wait",
                    )?;
                    arrival.fate = Fate::Skipped;
                }
            }
            Command::Finish { hold, .. } | Command::Recover { hold, .. } => {
                let Some(out) = &before.out else {
                    return hold_true(false, I3, "settled an empty outbox");
                };
                if let Command::Recover { .. } = command {
                    hold_true(out.fence < hold.fence, I3, "recovered what nobody had left")?;
                }
                let plan = plans.get(&out.plan.0);
                self.settle(setting, out.turn, plan, tally)?;
            }
            _ => {}
        }
        self.holders(before, after)?;
        self.places(after)?;
        shape(after)
    }

    fn arrival(&mut self, place: usize) -> Result<&mut Arrival, Broken> {
        let how = "settled what never came";
        self.fates
            .get_mut(place)
            .ok_or(Broken { invariant: I3, how })
    }

    fn turn(&mut self, from: u64, upto: u64, turn: u64, plan: Option<&Plan>) -> Result<(), Broken> {
        let answered = plan.is_some_and(|plan| (plan.from, plan.upto) == (from, upto));
        hold_true(
            answered,
            I3,
            "took out other messages than its plan answers",
        )?;
        let repeats = plan.map_or(0, |plan| plan.repeats);
        let count = usize::try_from((upto + 1).saturating_sub(from)).unwrap_or_default();
        for place in places(from, count) {
            let arrival = self.arrival(place)?;
            hold_true(
                arrival.fate == Fate::Waiting,
                I3,
                "answered what did not wait",
            )?;
            arrival.fate = match repeats & (1 << place) {
                0 => Fate::Out(turn),
                _ => Fate::Skipped,
            };
        }
        Ok(())
    }

    fn settle(
        &mut self,
        setting: &Setting,
        turn: u64,
        plan: Option<&Plan>,
        tally: &Tally,
    ) -> Result<(), Broken> {
        let verdict = *self.verdicts.entry(turn).or_insert(Verdict::Answered);
        tally.count(match verdict {
            Verdict::Answered => Event::Answered,
            Verdict::Failed => Event::Failed,
            Verdict::HandedOff => Event::HandedOff,
            Verdict::Refused => Event::Refused,
            Verdict::Unconfirmed => Event::Unconfirmed,
        });
        let sent = self.sent.contains(&turn);
        let said = plan.is_some_and(|plan| plan.says.is_said());
        let honest = match verdict {
            Verdict::Answered => said && (sent || !setting.carrier),
            Verdict::Failed | Verdict::HandedOff | Verdict::Refused => !said || !sent,
            Verdict::Unconfirmed => said,
        };
        hold_true(honest, I3, "a verdict that is not true")?;
        for arrival in &mut self.fates {
            if arrival.fate == Fate::Out(turn) {
                arrival.fate = Fate::Settled(verdict);
            }
        }
        Ok(())
    }

    /// Writes the verdict of a turn unless it has one.
    pub(crate) fn pronounce(&mut self, turn: u64, verdict: Verdict) -> Verdict {
        *self.verdicts.entry(turn).or_insert(verdict)
    }

    /// A reply leaves.
    pub(crate) fn send(
        &mut self,
        session: &Session,
        setting: &Setting,
        hold: Held,
        turn: u64,
    ) -> Result<(), Broken> {
        hold_true(turn <= self.gated, I2, "a reply left before its gate")?;
        hold_true(!self.sent.contains(&turn), I3, "a reply left twice")?;
        if setting.clocks.is_some() {
            let current = session.hold() == Some(hold.hold());
            hold_true(current, I2, "a send under an old fence")?;
            let last = self.sent.last().copied().unwrap_or_default();
            hold_true(turn > last, I4, "a reply overtook another")?;
        }
        self.sent.push(turn);
        Ok(())
    }

    fn holders(&mut self, before: &Session, after: &Session) -> Result<(), Broken> {
        hold_true(after.fence >= before.fence, I1, "the fence went back")?;
        let ended = before.owner.is_some() && before.owner != after.owner;
        hold_true(
            !ended || after.fence > before.fence,
            I1,
            "a hold ended and its fence stands",
        )?;
        let Some(hold) = after.hold() else {
            return Ok(());
        };
        let hold = Held::from(hold);
        let alone = self
            .last
            .is_none_or(|last| last.fence < hold.fence || last == hold);
        hold_true(alone, I1, "two owners under one fence")?;
        self.last = Some(hold);
        Ok(())
    }

    /// Each message is in exactly one of inbox, outbox and the past.
    fn places(&self, session: &Session) -> Result<(), Broken> {
        let waiting = self
            .fates
            .iter()
            .filter(|arrival| arrival.fate == Fate::Waiting)
            .map(|arrival| arrival.letter);
        let inbox = session.inbox.iter().map(|message| letter_of(&message.id));
        hold_true(waiting.eq(inbox), I3, "the inbox is not what waits")?;
        let counted = session.arrivals == self.fates.len() as u64;
        hold_true(counted, I3, "arrivals miscounted")?;
        let out = session.out.as_ref().map(|out| out.turn);
        let held = self.fates.iter().all(|arrival| match arrival.fate {
            Fate::Out(turn) => out == Some(turn),
            _ => true,
        });
        hold_true(held, I3, "the outbox is not what left the inbox")?;
        hold_true(
            session.delivered == self.gated,
            I3,
            "delivered miscounts gates",
        )
    }

    /// At rest: every letter has one verdict.
    pub(crate) fn verify(&self, letters: impl Iterator<Item = usize>) -> Result<(), Broken> {
        for letter in letters {
            let of = || self.fates.iter().filter(|arrival| arrival.letter == letter);
            let left = of().any(|arrival| matches!(arrival.fate, Fate::Waiting | Fate::Out(_)));
            hold_true(!left, I8, "a message was left behind")?;
            let verdicts = of().filter(|arrival| matches!(arrival.fate, Fate::Settled(_)));
            let verdicts = verdicts.count();
            hold_true(verdicts > 0, I3, "an acknowledged message has no verdict")?;
            hold_true(verdicts == 1, I3, "a message has two verdicts")?;
        }
        Ok(())
    }

    /// Whether messages were settled that may be given another try.
    pub(crate) fn is_parked(&self) -> bool {
        let parked = |arrival: &Arrival| {
            let fate = arrival.fate;
            fate == Fate::Settled(Verdict::Failed) || fate == Fate::Settled(Verdict::Unconfirmed)
        };
        self.fates.iter().any(parked)
    }

    pub(crate) fn plans(&self) -> impl Iterator<Item = u64> + '_ {
        self.effects.iter().filter_map(|effect| effect.plan)
    }

    pub(crate) fn is_all_answered(&self) -> bool {
        self.fates.iter().all(|arrival| {
            matches!(
                arrival.fate,
                Fate::Settled(Verdict::Answered) | Fate::Skipped
            )
        })
    }
}

fn places(from: u64, count: usize) -> std::ops::Range<usize> {
    let first = usize::try_from(from.saturating_sub(1)).unwrap_or_default();
    first..first + count
}

fn shape(session: &Session) -> Result<(), Broken> {
    let held = session.owner.is_some();
    hold_true(held == session.lease.is_some(), I1, "owner and lease part")?;
    let done = session.inbox.is_empty() && session.out.is_none() && session.plan.is_none();
    hold_true(held || done, I8, "let go with work left")
}

impl Says {
    /// Whether it is the bot that speaks.
    pub(crate) fn speaks(&self) -> bool {
        matches!(self, Self::Reply | Self::Call(_))
    }

    /// Whether the contact reads it as an answer.
    pub(crate) fn is_said(&self) -> bool {
        matches!(self, Self::Reply | Self::Words)
    }
}
