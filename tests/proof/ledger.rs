//! What became of every message, effect and send: kept beside the machine, so that it can be judged.

use std::collections::BTreeMap;

use engine::session::{Command, Session};

use super::invariant::{Broken, I1, I2, I3, I4, I5, I8, I9, hold_true};
use super::run::{Found, Held, Plan, Says, Verdict};
use super::setting::{Setting, Tool};
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

/// An effect that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Effect {
    pub(crate) tool: Tool,
    pub(crate) turn: u64,
    /// The key that the provider was given.
    pub(crate) key: String,
    /// The plan, while the turn runs.
    pub(crate) plan: Option<u64>,
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
            Command::Accept { message, .. } => self.fates.push(Arrival {
                letter: letter_of(&message.id),
                fate: Fate::Waiting,
            }),
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

    /// The effects of a turn belong to the line of plans that passes its gate.
    fn one_line(&self, plans: &BTreeMap<u64, Plan>, turn: u64, gated: u64) -> Result<(), Broken> {
        for effect in self.effects.iter().filter(|effect| effect.turn == turn) {
            let line = effect
                .plan
                .is_none_or(|plan| World::continues(plans, gated, plan));
            hold_true(line, I5, "an effect of a plan that was dropped")?;
        }
        Ok(())
    }

    /// What can be undone was, or was tried, where the turn gave up or was superseded.
    fn undone(
        &self,
        plans: &BTreeMap<u64, Plan>,
        results: &BTreeMap<String, Found>,
        turn: u64,
        gated: u64,
    ) -> Result<(), Broken> {
        let gives_up = plans
            .get(&gated)
            .is_some_and(|plan| plan.says == Says::Failed);
        let begun = if gives_up && self.committed < turn {
            Some(gated)
        } else {
            let mut undoing = None;
            let mut next = Some(gated);
            while let Some((id, plan)) = next.and_then(|id| Some((id, plans.get(&id)?))) {
                undoing = plan.undoing.map(|_| id).or(undoing);
                next = plan.previous;
            }
            undoing
        };
        let Some(begun) = begun else { return Ok(()) };
        let stands = |effect: &&Effect| {
            effect.tool.can_be_undone()
                && effect.turn == turn
                && effect
                    .plan
                    .is_some_and(|plan| World::continues(plans, begun, plan))
                && results.get(&effect.key) == Some(&Found::Succeeded)
        };
        let left = self
            .effects
            .iter()
            .filter(stands)
            .any(|effect| !results.contains_key(&format!("undo~{}", effect.key)));
        hold_true(
            !left || self.committed == turn,
            I9,
            "an effect was left standing",
        )
    }

    /// An effect is undone: everything after it was before.
    fn undo(&self, results: &BTreeMap<String, Found>, effect: &Effect) -> Result<(), Broken> {
        let of = effect.key.split("undo~").nth(1).unwrap_or_default();
        let of = of.split('@').next().unwrap_or_default();
        let again = self.effects.iter().any(|known| {
            known.tool == Tool::Undo && known.key.split('@').next() == effect.key.split('@').next()
        });
        hold_true(!again, I9, "an effect was undone twice")?;
        let place = self.effects.iter().position(|known| known.key == of);
        hold_true(place.is_some(), I9, "what did not happen was undone")?;
        let after = self.effects.iter().skip(place.unwrap_or_default() + 1);
        // The calls of one plan run at once, in no order.
        let plan = place.map(|place| self.effects[place].plan);
        let later = after
            .filter(|later| later.turn == effect.turn && later.tool.can_be_undone())
            .filter(|later| Some(later.plan) != plan)
            .filter(|later| results.get(&later.key) == Some(&Found::Succeeded));
        let in_order = later
            .clone()
            .all(|later| results.contains_key(&format!("undo~{}", later.key)));
        hold_true(in_order, I9, "an effect was undone before a later one")
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
            Verdict::Unconfirmed => Event::Unconfirmed,
        });
        let sent = self.sent.contains(&turn);
        let said = plan.is_some_and(|plan| plan.says.is_said());
        let honest = match verdict {
            Verdict::Answered => said && (sent || !setting.carrier),
            Verdict::Failed | Verdict::HandedOff => !said || !sent,
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

    /// An effect happens.
    #[expect(
        clippy::too_many_arguments,
        reason = "the ledger judges by all that is stored"
    )]
    pub(crate) fn effect(
        &mut self,
        session: &Session,
        setting: &Setting,
        hold: Held,
        effect: Effect,
        intent: &str,
        results: &BTreeMap<String, Found>,
        tally: &Tally,
    ) -> Result<(), Broken> {
        if effect.tool == Tool::Undo {
            self.undo(results, &effect)?;
            tally.count(Event::Undone);
        }
        let opened = self.claimed.iter().any(|claimed| claimed == intent);
        hold_true(opened, I2, "an effect that was not claimed")?;
        let known = self
            .effects
            .iter()
            .filter(|known| known.tool == effect.tool && known.turn == effect.turn)
            .filter(|known| match effect.tool {
                // What was undone may be done again, under a new key.
                Tool::Undo => false,
                tool if tool.can_be_undone() => {
                    !results.contains_key(&format!("undo~{}", known.key))
                }
                _ => true,
            });
        let same = known.clone().any(|known| known.key == effect.key);
        let first = known.count() == 0;
        let harmless = effect.tool.is_repeatable() && same;
        hold_true(first || harmless, I5, "an effect happened twice")?;
        if setting.clocks.is_some() {
            let current = session.hold() == Some(hold.hold());
            hold_true(current || harmless, I2, "an effect under an old fence")?;
        }
        tally.count(if first {
            Event::Effect
        } else {
            Event::EffectAgain
        });
        if first {
            let running = effect.turn > self.gated;
            let plan = effect.plan.filter(|_| running);
            self.effects.push(Effect { plan, ..effect });
        }
        Ok(())
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
