//! One run of a turn as SESSION.md tells it, a step at a time, so that anything may come between.

use super::items::{Effect, Plan, Record, Says, Sent, Verdict};
use super::ledger::{Broken, hold_true};
use super::world::{SEEN_CAPACITY, TRIES, WORK, World};
use super::{
    Applied, Chain, Claim, Command, Hold, Intended, InvocationId, Next, OwnerId, PlanId, Refusal,
    Rotate, Session, Step, Terms, Time,
};

mod acts;

/// What a run does next.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    Reclaim {
        from: Hold,
    },
    Begin,
    Skip {
        turn: u64,
        from: u64,
        count: usize,
    },
    Free {
        turn: u64,
    },
    Think {
        turn: Batch,
        round: u32,
    },
    Claim {
        plan: PlanId,
        at: usize,
    },
    Renew(Box<Phase>),
    TakeUp {
        plan: PlanId,
        at: usize,
        from: Claim,
    },
    Effect {
        plan: PlanId,
        at: usize,
    },
    Record {
        plan: PlanId,
        at: usize,
    },
    Gate {
        plan: PlanId,
    },
    Send {
        plan: PlanId,
    },
    Resend {
        plan: PlanId,
    },
    Finish {
        turn: u64,
        recovers: bool,
    },
}

/// The messages that a turn answers, and the plan it goes on from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    turn: u64,
    from: u64,
    upto: u64,
    continues: Option<PlanId>,
}

#[derive(Clone, Debug)]
pub(super) struct Run {
    hold: Hold,
    skew: i64,
    by: InvocationId,
    /// True time before the command was first issued that last extended the lease.
    issued: i64,
    /// A command whose answer was lost, to be sent again as it was.
    lost: Option<Command>,
    /// The last plan that the session was bound to, as this run knows.
    bound: Option<PlanId>,
    round: u32,
    pub(super) phase: Phase,
}

type Stepped = Result<Option<Phase>, Broken>;

impl Run {
    pub(super) fn holding(hold: Hold, skew: i64) -> Self {
        Self {
            hold,
            skew,
            by: InvocationId(0),
            issued: 0,
            lost: None,
            bound: None,
            round: 0,
            phase: Phase::Begin,
        }
    }

    pub(super) fn reclaiming(from: Hold, owner: OwnerId, skew: i64) -> Self {
        let fence = from.fence + 1;
        Self {
            phase: Phase::Reclaim { from },
            ..Self::holding(Hold { owner, fence }, skew)
        }
    }

    /// Another invocation of the same task: it starts over and knows nothing of the first.
    pub(super) fn retried(self, by: InvocationId) -> Self {
        let phase = match self.phase {
            Phase::TakeUp { plan, at, .. }
            | Phase::Effect { plan, at }
            | Phase::Record { plan, at } => Phase::Claim { plan, at },
            Phase::Send { plan } => Phase::Gate { plan },
            Phase::Renew(_) | Phase::Resend { .. } | Phase::Finish { .. } => Phase::Begin,
            other => other,
        };
        Self {
            by,
            lost: None,
            phase,
            ..self
        }
    }

    /// Takes one step; `None` when the run has ended.
    pub(super) fn step(mut self, world: &mut World) -> Result<Option<Self>, Broken> {
        let next = match self.phase.clone() {
            Phase::Reclaim { from } => self.reclaim(world, from),
            Phase::Begin => Ok(self.begin(world)),
            Phase::Skip { turn, from, count } => self.skip(world, turn, from, count),
            Phase::Free { turn } => self.free(world, turn),
            Phase::Think { turn, round } => self.think(world, turn, round),
            Phase::Claim { plan, at } => self.claim(world, plan, at),
            Phase::Renew(next) => self.renew(world, *next),
            Phase::TakeUp { plan, at, from } => self.take_up(world, plan, at, from),
            Phase::Effect { plan, at } => self.effect(world, plan, at),
            Phase::Record { plan, at } => {
                let key = call(world, plan, at).expect("a call");
                world.records.entry(key).or_insert(Record::Result);
                Ok(Some(Phase::Claim { plan, at: at + 1 }))
            }
            Phase::Gate { plan } => self.gate(world, plan),
            Phase::Send { plan } => self.send(world, plan),
            Phase::Resend { plan } => self.send(world, plan),
            Phase::Finish { turn, recovers } => self.finish(world, turn, recovers),
        }?;
        Ok(next.map(|phase| Self { phase, ..self }))
    }

    /// Issues a command, or again the one whose answer was lost. `None`: the answer was lost.
    fn write(&mut self, world: &mut World, command: Command) -> Result<Option<Applied>, Broken> {
        let again = self.lost.take();
        if again.is_none() {
            self.issued = world.now;
        }
        let command = again.unwrap_or(command);
        if world.fault(20) {
            world.late.push(command.clone());
            self.lost = Some(command);
            return Ok(None);
        }
        let answer = world.write(&command)?;
        if world.fault(15) {
            world.count("answer lost");
            self.lost = Some(command);
            return Ok(None);
        }
        Ok(Some(answer))
    }

    fn until(&self, world: &World) -> Time {
        world.until(self.skew)
    }

    fn reclaim(&mut self, world: &mut World, from: Hold) -> Stepped {
        let command = Command::Reclaim {
            from,
            now: Time(world.now + self.skew),
            owner: self.hold.owner,
            until: self.until(world),
        };
        Ok(match self.write(world, command)? {
            None => Some(Phase::Reclaim { from }),
            Some(Applied::Done(_)) => {
                world.count("reclaimed");
                Some(Phase::Begin)
            }
            Some(Applied::Refused(_, session)) => {
                (session.hold() == Some(self.hold)).then_some(Phase::Begin)
            }
        })
    }

    /// Reads the session and finds out what there is to do: rules 3, 5, 7, 8 and 10.
    fn begin(&mut self, world: &mut World) -> Option<Phase> {
        let session = world.session.clone();
        if session.hold() != Some(self.hold) {
            return None;
        }
        if let Some(out) = &session.out {
            return (out.fence < self.hold.fence).then(|| self.recover(world, out.plan));
        }
        if let Some(plan) = session.plan {
            let ours = session
                .intents
                .values()
                .any(|claim| claim.fence == self.hold.fence);
            return (!ours).then(|| self.take_over(world, plan));
        }
        self.bound = None;
        let spilled = |place: &usize| world.spilled.contains(&session.inbox[*place].hash());
        let repeats = (0..session.inbox.len()).take_while(spilled).count();
        let fresh = (0..session.inbox.len())
            .take_while(|place| !spilled(place))
            .count();
        let (turn, from) = (session.delivered + 1, session.head());
        if repeats > 0 {
            let count = repeats;
            return Some(Phase::Skip { turn, from, count });
        }
        if fresh == 0 {
            return Some(Phase::Free { turn });
        }
        let batch = Batch {
            turn,
            from,
            upto: from + fresh as u64 - 1,
            continues: None,
        };
        Some(self.judge(world, &session, batch).unwrap_or(Phase::Think {
            turn: batch,
            round: 0,
        }))
    }

    /// Ends a turn without a reply where a person is in charge or the turn keeps dying.
    fn judge(&self, world: &mut World, session: &Session, batch: Batch) -> Option<Phase> {
        let verdict = match (&session.handoff, session.tries > TRIES) {
            (Some(_), _) => Verdict::HandedOff,
            (None, true) => Verdict::Failed,
            (None, false) => return None,
        };
        Some(self.conclude(world, batch, verdict))
    }

    fn conclude(&self, world: &mut World, batch: Batch, verdict: Verdict) -> Phase {
        let plan = write_plan(world, batch, Says::End(verdict));
        Phase::Gate { plan }
    }

    fn take_over(&mut self, world: &mut World, plan: PlanId) -> Phase {
        world.count("plan taken over");
        self.bound = Some(plan);
        self.round = 1;
        Phase::Claim { plan, at: 0 }
    }

    fn recover(&mut self, world: &mut World, plan: PlanId) -> Phase {
        world.count("recovered");
        if matches!(world.transcript[&plan].says, Says::Reply) && world.keyed {
            return Phase::Renew(Phase::Resend { plan }.into());
        }
        let turn = world.transcript[&plan].turn;
        Phase::Finish {
            turn,
            recovers: true,
        }
    }

    fn skip(&mut self, world: &mut World, turn: u64, from: u64, count: usize) -> Stepped {
        let step = self.at(turn);
        let answer = self.write(world, Command::Skip { step, from, count })?;
        Ok(match answer {
            None => Some(Phase::Skip { turn, from, count }),
            Some(Applied::Done(_)) => {
                world.count("skipped");
                Some(Phase::Begin)
            }
            Some(Applied::Refused(..)) => Some(Phase::Begin),
        })
    }

    fn free(&mut self, world: &mut World, turn: u64) -> Stepped {
        let step = self.at(turn);
        let answer = self.write(world, Command::Free { step })?;
        Ok(match answer {
            None => Some(Phase::Free { turn }),
            Some(Applied::Done(_)) => None,
            Some(Applied::Refused(..)) => Some(Phase::Begin),
        })
    }

    fn think(&mut self, world: &mut World, turn: Batch, round: u32) -> Stepped {
        let stay = Phase::Think { turn, round };
        if self.lost.is_some() || world.dice.one_in(3) {
            return self.renew(world, stay);
        }
        let asked = turn.from..=turn.upto;
        let poison = (1..)
            .zip(&world.ledger.arrivals)
            .any(|(number, arrival)| asked.contains(&number) && arrival.id.starts_with("poison"));
        if poison {
            world.count("poisoned");
            return Ok(None);
        }
        self.round = round;
        if round < 3 && world.dice.one_in(2) {
            let mut calls = vec![intent(world, turn.turn), intent(world, turn.turn)];
            calls.truncate(world.dice.pick(&[1, 2]));
            let plan = write_plan(world, turn, Says::Call(calls));
            return Ok(Some(Phase::Claim { plan, at: 0 }));
        }
        let plan = write_plan(world, turn, Says::Reply);
        Ok(Some(Phase::Gate { plan }))
    }

    fn at(&self, turn: u64) -> Step {
        Step {
            hold: self.hold,
            turn,
        }
    }

    fn chain(&self, plan: PlanId) -> Chain {
        Chain {
            plan,
            previous: self.bound,
        }
    }
}

fn write_plan(world: &mut World, batch: Batch, says: Says) -> PlanId {
    let id = PlanId(world.dice.next());
    let Batch {
        turn,
        from,
        upto,
        continues,
    } = batch;
    let settled = |intent: &&String| world.records.contains_key(*intent);
    let effects = world.session.intents.keys().filter(settled).count() as u64;
    world.transcript.insert(
        id,
        Plan {
            turn,
            from,
            upto,
            continues,
            says,
            effects,
        },
    );
    id
}

fn batch(plan: &Plan, id: PlanId) -> Batch {
    Batch {
        turn: plan.turn,
        from: plan.from,
        upto: plan.upto,
        continues: Some(id),
    }
}

fn call(world: &World, plan: PlanId, at: usize) -> Option<String> {
    match &world.transcript[&plan].says {
        Says::Call(calls) => calls.get(at).cloned(),
        Says::Reply | Says::End(_) => None,
    }
}

fn intent(world: &mut World, turn: u64) -> String {
    let tool = world.dice.pick(&["charge", "look-up"]);
    format!("{tool}:{turn}:{}", world.dice.below(2))
}

pub(super) fn idempotent(intent: &str) -> bool {
    intent.starts_with("look-up")
}
