//! One step of a run, as the functions of `engine::turn` take it: at most one write, or one read and what
//! follows from it.

use engine::session::{Chain, Claim, Command, Intended, Next, Refusal, Rotate, Step, Terms};

use super::call::commits;
use super::invariant::Broken;
use super::run::{Entry, Held, Lane, Phase, Run};
use super::setting::{Setting, Slip};
use super::tally::{Event, Tally};
use super::world::{World, invocation, plan_id};

/// What is left open where a run does more than one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The one thing there is to do.
    Go,
    /// The write happens, and its answer is lost.
    Lost,
    /// The first message is taken alone: the reader did not see the others yet.
    Alone,
    /// What the brain thinks.
    Idea(usize),
    /// Thinking takes long, and the lease is renewed.
    Renew,
    /// A newer message is seen while thinking.
    Cancel,
    /// The work is done, and nobody sees it.
    DoneUnseen,
    /// The work is not done, and nobody can tell.
    NotDoneUnseen,
    /// The turn has waited too long to be superseded once more.
    Impatient,
    /// The carrier told that it took what a dead hold sent.
    Evidence,
}

/// What a step may use.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) setting: &'a Setting,
    pub(crate) tally: &'a Tally,
}

pub(super) type Stepped = Result<Option<Phase>, Broken>;

/// The time a worker that begins now has.
pub(crate) fn time(setting: &Setting) -> i8 {
    setting.clocks.map_or(0, |clocks| clocks.work)
}

pub(super) fn step_of(hold: Held, turn: u64) -> Step {
    Step {
        hold: hold.hold(),
        turn,
    }
}

impl World {
    /// Takes one step of `run`, or of its lane; gives it back unless it has ended.
    pub(crate) fn step(
        &mut self,
        scene: Scene<'_>,
        run: Run,
        lane: usize,
        choice: Choice,
    ) -> Result<Option<Run>, Broken> {
        let hold = run.hold;
        if run.late || choice == Choice::Lost {
            let before = self.session.clone();
            if let Some(command) = self.command(scene.setting, &run, lane) {
                let _ = self.write(scene.setting, scene.tally, &command)?;
            }
            if run.late {
                scene.tally.count(Event::Late);
                if before != self.session {
                    scene.tally.count(Event::LateDone);
                }
                return Ok(None);
            }
            scene.tally.count(Event::AnswerLost);
            return Ok(Some(run));
        }
        let next = match run.phase {
            Phase::Reclaim { .. } => self.reclaim(scene, &run),
            Phase::Enter(entry) => self.enter(scene, hold, entry, choice),
            Phase::Skip { .. } => self.skip(scene, &run, choice),
            Phase::Free { .. } => self.free(scene, &run),
            Phase::Judge { turn, plan, then } => self.judge(scene, hold, turn, plan, then, choice),
            Phase::Recover {
                turn,
                free,
                rotate,
                then,
            } => self.recover(scene, &run, (turn, free, rotate, then)),
            Phase::Think(round) | Phase::Spend(round) => {
                self.think(scene, hold, &run.phase, round, choice)
            }
            Phase::Tools { .. } => self.tools(scene, &run, lane, choice),
            Phase::Gate(parcel) => self.gate(scene, &run, parcel),
            Phase::Send {
                parcel,
                free,
                rotate,
            } => self.send(scene, hold, parcel, (free, rotate), choice),
            Phase::Settle {
                parcel,
                free,
                rotate,
                verdict,
            } => {
                let turn = self.plans[&parcel.plan].turn;
                self.ledger.pronounce(turn, verdict);
                Ok(Some(Phase::Finish {
                    parcel,
                    free,
                    rotate,
                }))
            }
            Phase::Finish {
                parcel,
                free,
                rotate,
            } => self.finish(scene, &run, parcel, free, rotate),
            Phase::Fail => Ok(self.fail(scene, hold)),
        }?;
        Ok(next.map(|phase| Run { phase, ..run }))
    }

    /// The command that a run is about to issue, if it is one.
    pub(crate) fn command(&self, setting: &Setting, run: &Run, lane: usize) -> Option<Command> {
        let until = Self::until(setting);
        let hold = run.hold.hold();
        let plan = |plan: &u64| &self.plans[plan];
        let chain = |plan: u64, bound: Option<u64>| Chain {
            plan: plan_id(plan),
            previous: bound.map(plan_id),
        };
        let next = |free: bool| if free { Next::Free } else { Next::Round(until) };
        let generation = |rotate: bool| if rotate { Rotate::Spilled } else { Rotate::No };
        Some(match &run.phase {
            Phase::Reclaim { from } => Command::Reclaim {
                from: from.hold(),
                now: Self::now(setting),
                owner: hold.owner,
                until,
            },
            Phase::Skip { turn, from, count } => Command::Skip {
                step: step_of(run.hold, *turn),
                from: *from,
                count: *count,
            },
            Phase::Free { turn } => Command::Free {
                step: step_of(run.hold, *turn),
            },
            Phase::Recover {
                turn, free, rotate, ..
            } => Command::Recover {
                hold,
                turn: *turn,
                next: next(*free),
                rotate: generation(*rotate),
            },
            Phase::Tools {
                plan: id,
                bound,
                lanes,
            } => match lanes.get(lane)? {
                Lane::Claim { by, .. } => Command::Claim {
                    step: step_of(run.hold, plan(id).turn),
                    chain: chain(*id, *bound),
                    intent: plan(id).says.calls().get(lane)?.intent.clone(),
                    by: invocation(*by),
                    until,
                    calm: plan(id).calm.then_some(plan(id).upto),
                    commits: commits(plan(id).says.calls().get(lane)?),
                },
                Lane::TakeUp { by, fence, .. } => {
                    let intent = plan(id).says.calls().get(lane)?.intent.clone();
                    // A hold claims an intent once, so that its claim is known by its fence.
                    let found = self.session().intents.get(&intent).copied();
                    let gone = Claim {
                        fence: *fence,
                        by: invocation(0),
                    };
                    Command::TakeUp {
                        step: step_of(run.hold, plan(id).turn),
                        intent,
                        from: found.filter(|claim| claim.fence == *fence).unwrap_or(gone),
                        by: invocation(*by),
                        until,
                    }
                }
                _ => return None,
            },
            Phase::Gate(parcel) => {
                let plan = plan(&parcel.plan);
                let effects = match setting.slip {
                    Slip::CountsOpenEffectsAsSettled => self.session().intents.len() as u64,
                    _ => plan.effects,
                };
                Command::Gate {
                    step: step_of(run.hold, plan.turn),
                    chain: chain(parcel.plan, parcel.bound),
                    from: plan.from,
                    upto: plan.upto,
                    by: invocation(parcel.by),
                    until,
                    terms: Terms {
                        verdict: match plan.says.speaks() {
                            true => Intended::Answered,
                            false => Intended::Other,
                        },
                        calm: plan.calm,
                        effects,
                        ..Terms::default()
                    },
                }
            }
            Phase::Finish {
                parcel,
                free,
                rotate,
            } => Command::Finish {
                hold,
                turn: plan(&parcel.plan).turn,
                by: invocation(parcel.by),
                next: next(*free),
                rotate: generation(*rotate),
            },
            _ => return None,
        })
    }

    /// Issues the command of `run`.
    pub(super) fn issue(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        lane: usize,
    ) -> Result<Result<(), Refusal>, Broken> {
        let Some(command) = self.command(scene.setting, run, lane) else {
            return Ok(Err(Refusal::NotMine));
        };
        let answer = self.write(scene.setting, scene.tally, &command)?;
        if let Err(refusal) = &answer {
            let event = match refusal {
                Refusal::NotMine => Some(Event::RefusedHold),
                Refusal::OtherPlan => Some(Event::RefusedPlan),
                Refusal::HandedOff => Some(Event::RefusedHandoff),
                Refusal::EffectOpen => Some(Event::GateRefusedOpen),
                _ => None,
            };
            if let Some(event) = event {
                scene.tally.count(event);
            }
        }
        Ok(answer)
    }

    pub(super) fn is_held(&self, hold: Held) -> bool {
        self.session().hold() == Some(hold.hold())
    }

    fn reclaim(&mut self, scene: Scene<'_>, run: &Run) -> Stepped {
        if self.issue(scene, run, 0)?.is_ok() {
            scene.tally.count(Event::Swept);
        }
        Ok(self.is_held(run.hold).then_some(Phase::Enter(Entry::Begin)))
    }

    fn skip(&mut self, scene: Scene<'_>, run: &Run, choice: Choice) -> Stepped {
        match self.issue(scene, run, 0)? {
            Ok(()) => scene.tally.count(Event::Skipped),
            Err(Refusal::Moved) if self.is_held(run.hold) && self.session().plan.is_none() => {}
            Err(_) => return Ok(None),
        }
        Ok(self.batch(scene, run.hold, choice))
    }

    fn free(&mut self, scene: Scene<'_>, run: &Run) -> Stepped {
        Ok(match self.issue(scene, run, 0)? {
            Err(Refusal::Waiting) => self.batch(scene, run.hold, Choice::Go),
            _ => None,
        })
    }
}
