//! What `turn-run` reads, and what it decides: the first round of a turn, later rounds, overlap.

use engine::overlap::Overlap;
use engine::session::{Origin, Pending};

use super::desk::{Approval, MOST};
use super::inbox::{count, is_relayed, newer, takes_one};
use super::run::{Call, Entry, Found, Held, Lane, Phase, Plan, Round, Says, Undoing};
use super::setting::{Idea, Slip};
use super::step::{Choice, Scene, Stepped, time};
use super::tally::Event;
use super::world::{World, letter_of};

impl World {
    /// Reads the session, as `Run::handle` does.
    pub(super) fn enter(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        entry: Entry,
        choice: Choice,
    ) -> Stepped {
        let session = self.session().clone();
        if session.hold() != Some(hold.hold()) {
            return Ok(None);
        }
        if let Some(out) = &session.out {
            if out.fence >= hold.fence {
                return Ok(None);
            }
            let (turn, plan) = (out.turn, out.plan.0);
            return Ok(Some(Phase::Judge {
                turn,
                plan,
                then: entry,
            }));
        }
        Ok(match entry {
            Entry::Begin | Entry::Again => self.begin(scene, hold, choice),
            Entry::GoOn { turn, previous } => self.go_on(scene, hold, turn, previous, choice),
        })
    }

    fn begin(&mut self, scene: Scene<'_>, hold: Held, choice: Choice) -> Option<Phase> {
        let session = self.session();
        let bound = session.plan.map(|plan| plan.0);
        if let Some(plan) = bound.filter(|_| scene.setting.slip != Slip::ThinksAgainWhenBound) {
            let record = self.plans.get(&plan)?;
            if record.fence >= hold.fence {
                return None;
            }
            scene.tally.count(Event::PlanTakenOver);
            return Some(self.output(scene, plan, Some(plan)));
        }
        let repeated = |message: &Pending| self.is_repeat(message);
        let count = session
            .inbox
            .iter()
            .take_while(|message| repeated(message))
            .count();
        if count > 0 {
            let (turn, from) = (session.delivered + 1, session.head());
            return Some(Phase::Skip { turn, from, count });
        }
        self.batch(scene, hold, choice)
    }

    fn is_repeat(&self, message: &Pending) -> bool {
        let session = self.session();
        let remembered = session.seen.len() + session.seen_old.len();
        session.arrivals > remembered as u64 && self.spilled & (1 << letter_of(&message.id)) != 0
    }

    /// The rest of the first round, on the session as it stands.
    pub(super) fn batch(&mut self, scene: Scene<'_>, hold: Held, choice: Choice) -> Option<Phase> {
        let session = self.session();
        let turn = session.delivered + 1;
        if session.inbox.is_empty() {
            return Some(Phase::Free { turn });
        }
        let count = match choice {
            Choice::Alone => 1,
            _ => count(session, scene.setting),
        };
        let from = session.head();
        let repeats = (0..count)
            .filter(|at| self.is_repeat(&session.inbox[*at]))
            .fold(0, |bits, at| bits | 1 << (from as usize - 1 + at));
        if repeats > 0 {
            scene.tally.count(Event::Repeated);
        }
        let round = Round {
            turn,
            number: 0,
            from,
            upto: from + count as u64 - 1,
            before: None,
            bound: session.plan.map(|plan| plan.0),
            effects: session.intents.len() as u64,
            repeats,
            finish: false,
            all: choice == Choice::Alone || count == session.inbox.len(),
        };
        Some(self.unless_decided(scene, hold, round))
    }

    /// `without_thought`, and else to think.
    fn unless_decided(&mut self, scene: Scene<'_>, hold: Held, round: Round) -> Phase {
        let session = self.session();
        let first = session.inbox.first();
        let relayed = round.before.is_none() && first.is_some_and(is_relayed);
        let answered =
            first.is_some_and(|message| matches!(message.origin, Origin::Approval { .. }));
        let open = match &self.desk.approval {
            Approval::Granted => true,
            Approval::Consumed { turn, .. } => *turn == round.turn,
            _ => false,
        };
        let asked = session.handoff.is_none() && session.tries < scene.setting.tries;
        let says = if answered && open && asked && round.before.is_none() {
            let next = (1..)
                .find(|id| !self.plans.contains_key(id))
                .unwrap_or_default();
            self.says(scene.setting, Idea::Approved, round.turn, next)
        } else if relayed {
            Says::Words
        } else if session.handoff.is_some() {
            Says::HandedOff
        } else if session.tries >= scene.setting.tries {
            scene.tally.count(Event::Parked);
            Says::Failed
        } else if self.desk.stopped {
            Says::Stopped
        } else {
            return Phase::Think(round);
        };
        self.decide(scene, hold, round, says, false)
    }

    fn decide(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        round: Round,
        says: Says,
        calm: bool,
    ) -> Phase {
        if says == Says::Failed
            && let Some(call) = self.next_undo(scene.setting, round.before)
        {
            return self.undo(scene, hold, round, call, Undoing::Failed);
        }
        self.put(scene, hold, round, says, calm, None)
    }

    fn undo(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        round: Round,
        call: Call,
        why: Undoing,
    ) -> Phase {
        scene.tally.count(Event::UndoPlanned);
        self.undoing.push((hold.fence, call.intent.clone()));
        self.put(scene, hold, round, Says::Call(vec![call]), false, Some(why))
    }

    /// Undoes the latest effect that still stands or, when none does, goes on as `why` says.
    fn unwind(&mut self, scene: Scene<'_>, hold: Held, mut round: Round, why: Undoing) -> Phase {
        if let Some(call) = self.next_undo(scene.setting, round.before) {
            return self.undo(scene, hold, round, call, why);
        }
        match why {
            Undoing::Failed => self.put(scene, hold, round, Says::Failed, false, None),
            Undoing::Overtaken => {
                round.upto += newer(self.session(), round.upto);
                round.all = self.session().arrivals == round.upto;
                Phase::Think(round)
            }
        }
    }

    fn put(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        round: Round,
        says: Says,
        calm: bool,
        undoing: Option<Undoing>,
    ) -> Phase {
        let plan = self.write_down(Plan {
            undoing,
            turn: round.turn,
            fence: hold.fence,
            round: round.number,
            from: round.from,
            upto: round.upto,
            previous: round.before,
            repeats: round.repeats,
            finish: round.finish,
            calm,
            effects: round.effects,
            says,
        });
        self.output(scene, plan, round.bound)
    }

    pub(crate) fn output(&self, scene: Scene<'_>, plan: u64, bound: Option<u64>) -> Phase {
        let calls = self.plans[&plan].says.calls();
        if calls.is_empty() {
            return self.deliver(scene, plan, bound);
        }
        let mut lanes = self.lanes(time(scene.setting), calls.len());
        for (lane, call) in lanes.iter_mut().zip(calls) {
            match *lane {
                _ if call.tool.is_pure() => {
                    *lane = Lane::Record {
                        found: Found::Succeeded,
                    }
                }
                Lane::Claim { by, left } if call.yes.is_some() => {
                    *lane = Lane::Consume { by, left }
                }
                _ => {}
            }
        }
        Phase::Tools { plan, bound, lanes }
    }

    /// Invocations that begin now.
    fn lanes(&self, left: i8, calls: usize) -> Vec<Lane> {
        let mut taken = Vec::new();
        for _ in 0..calls {
            taken.push(self.fresh_by(&taken));
        }
        taken
            .into_iter()
            .map(|by| Lane::Claim { by, left })
            .collect()
    }

    pub(super) fn think(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        phase: &Phase,
        round: Round,
        choice: Choice,
    ) -> Stepped {
        if let (Some(limit), Phase::Think(_), Choice::Go) = (scene.setting.budget, phase, choice) {
            if self.reserve(scene.setting, limit) {
                scene.tally.count(Event::Reserved);
                return Ok(Some(Phase::Spend(round)));
            }
            scene.tally.count(Event::NoMoney);
            return Ok(Some(self.decide(scene, hold, round, Says::Failed, false)));
        }
        let idea = match choice {
            Choice::Renew => {
                scene.tally.count(Event::Renewed);
                let (hold, until) = (hold.hold(), Self::until(scene.setting));
                let renew = engine::session::Command::Renew { hold, until };
                let answer = self.write(scene.setting, scene.tally, &renew)?;
                return Ok(answer.is_ok().then_some(Phase::Think(round)));
            }
            Choice::Cancel => {
                scene.tally.count(Event::Cancelled);
                return Ok(self.begin(scene, hold, Choice::Go));
            }
            Choice::Idea(at) => self.ideas(scene, &round)[at],
            _ => Idea::Reply,
        };
        if let Some(limit) = scene.setting.budget {
            let cost = if idea == Idea::Reply { 1 } else { MOST };
            self.spend(scene.setting, limit, cost)?;
        }
        let next = (1..)
            .find(|id| !self.plans.contains_key(id))
            .unwrap_or_default();
        let says = self.says(scene.setting, idea, round.turn, next);
        let all = round.all || scene.setting.slip == Slip::IsCalmWhateverWaits;
        let calm = scene.setting.overlap == Overlap::Supersede && all;
        Ok(Some(self.decide(scene, hold, round, says, calm)))
    }

    /// What the brain may think in this round.
    pub(crate) fn ideas(&self, scene: Scene<'_>, round: &Round) -> &'static [Idea] {
        if round.finish {
            return &[Idea::Reply];
        }
        scene.setting.ideas[usize::from(round.number).min(2)]
    }

    /// Whether a newer message cancels the thought.
    pub(crate) fn is_overtaken(&self, scene: Scene<'_>, hold: Held, round: &Round) -> bool {
        let session = self.session();
        scene.setting.overlap == Overlap::Supersede
            && round.all
            && round.bound.is_none()
            && session.hold() == Some(hold.hold())
            && session.arrivals > round.upto
            && session.plan.is_none()
            && session.out.is_none()
    }

    fn go_on(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        turn: u64,
        previous: u64,
        choice: Choice,
    ) -> Option<Phase> {
        let session = self.session();
        let bound = session.plan.map(|plan| plan.0);
        let elsewhere = bound.is_some_and(|plan| !Self::continues(&self.plans, previous, plan));
        let last = self.plans.get(&previous)?.clone();
        if turn != session.delivered + 1 || elsewhere {
            return None;
        }
        let settled = |intent: &String| self.results.contains_key(intent);
        if !session.intents.keys().all(settled)
            && scene.setting.slip != Slip::CountsOpenEffectsAsSettled
        {
            return None;
        }
        let mut round = Round {
            turn,
            number: last.round + 1,
            from: last.from,
            upto: last.upto,
            before: Some(previous),
            bound,
            effects: session.intents.len() as u64,
            repeats: last.repeats,
            finish: last.finish,
            all: false,
        };
        let tries = session.tries >= scene.setting.tries;
        if session.handoff.is_some() || tries || self.desk.stopped {
            return Some(self.unless_decided(scene, hold, round));
        }
        let called = last.says.calls().iter().all(|call| settled(&call.intent));
        if let Some(why) = last.undoing.filter(|_| called) {
            return Some(self.unwind(scene, hold, round, why));
        }
        let first = session.inbox.first();
        let alone = first.is_some_and(|message| !message.origin.is_contact())
            || takes_one(session, scene.setting);
        let joining = if alone { 0 } else { newer(session, round.upto) };
        if joining > 0 && session.commit != Some(turn) {
            match scene.setting.overlap {
                Overlap::Supersede if choice == Choice::Impatient => {}
                Overlap::Supersede | Overlap::AbsorbRestart if bound.is_none() => {
                    scene.tally.count(Event::Superseded);
                    return self.begin(scene, hold, choice);
                }
                Overlap::Queue => {}
                Overlap::Supersede => {
                    scene.tally.count(Event::Superseded);
                    return Some(self.unwind(scene, hold, round, Undoing::Overtaken));
                }
                policy => {
                    scene.tally.count(Event::Absorbed);
                    round.upto += joining;
                    round.finish |= policy == Overlap::ForceComplete;
                }
            }
        }
        round.all = self.session().arrivals == round.upto;
        let slips = scene.setting.slip == Slip::CountsOpenEffectsAsSettled;
        (slips || called).then_some(Phase::Think(round))
    }
}
