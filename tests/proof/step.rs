//! One step of a run, as the functions of `engine::turn` take it: at most one write, or one read and what
//! follows from it.

use engine::session::{
    Chain, Claim, Command, Intended, Next, Refusal, Rotate, Session, Step, Terms,
};

use super::desk::{ASKED, Approval, OTHER};
use super::invariant::Broken;
use super::ledger::Effect;
use super::run::{
    Call, Entry, Found, Held, Lane, Parcel, Phase, Plan, Run, Says, Undoing, Verdict,
};
use super::setting::{Idea, Setting, Slip, Tool};
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

type Stepped = Result<Option<Phase>, Broken>;

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
                Lane::Renew { .. } => Command::Renew { hold, until },
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
    fn issue(
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

    fn is_held(&self, hold: Held) -> bool {
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

    fn judge(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        turn: u64,
        plan: u64,
        then: Entry,
        choice: Choice,
    ) -> Stepped {
        let verdict = match &self.plans[&plan].says {
            Says::Failed => Some(Verdict::Failed),
            Says::HandedOff => Some(Verdict::HandedOff),
            _ if !scene.setting.carrier => None,
            _ if choice == Choice::Evidence => {
                scene.tally.count(Event::EvidenceFound);
                Some(Verdict::Answered)
            }
            _ => Some(Verdict::Unconfirmed),
        };
        if let Some(verdict) = verdict {
            self.ledger.pronounce(turn, verdict);
        }
        if self
            .session()
            .out
            .as_ref()
            .is_none_or(|out| out.turn != turn)
        {
            return Ok(None);
        }
        let (free, rotate) = self.room(scene);
        let _ = hold;
        Ok(Some(Phase::Recover {
            turn,
            free,
            rotate,
            then,
        }))
    }

    fn recover(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        (turn, free, rotate, then): (u64, bool, bool, Entry),
    ) -> Stepped {
        Ok(match self.issue(scene, run, 0)? {
            Ok(()) => {
                scene.tally.count(Event::Recovered);
                self.is_held(run.hold).then_some(Phase::Enter(then))
            }
            Err(Refusal::Waiting) if free => Some(Phase::Recover {
                turn,
                free: false,
                rotate,
                then,
            }),
            Err(_) => None,
        })
    }

    /// Whether to let go at the end of the turn, and whether ids change generation; spills those that go.
    fn room(&mut self, scene: Scene<'_>) -> (bool, bool) {
        let oldest = self.session().to_spill(scene.setting.seen_capacity);
        let rotate = oldest.is_some();
        let letters: Vec<usize> = oldest
            .unwrap_or_default()
            .iter()
            .map(|hash| super::world::letter_of_hash(*hash))
            .collect();
        if scene.setting.slip != Slip::ForgetsToSpill {
            for letter in letters {
                scene.tally.count(Event::Spilled);
                self.spilled |= 1 << letter;
            }
        }
        (self.session().inbox.is_empty(), rotate)
    }

    fn gate(&mut self, scene: Scene<'_>, run: &Run, parcel: Parcel) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        if scene.setting.slip == Slip::SendsBeforeTheGate && scene.setting.carrier {
            let session = self.session().clone();
            self.ledger.send(&session, scene.setting, run.hold, turn)?;
        }
        let answer = self.issue(scene, run, 0)?;
        let mine = |session: &Session| {
            session
                .out
                .as_ref()
                .is_some_and(|out| out.by.0 == parcel.by)
        };
        Ok(match answer {
            Ok(()) => Some(self.passed(scene, parcel)),
            Err(_) if mine(self.session()) => Some(self.passed(scene, parcel)),
            Err(refusal @ (Refusal::Superseded | Refusal::HandedOff)) => {
                if refusal == Refusal::Superseded {
                    scene.tally.count(Event::GateRefusedCalm);
                    self.ledger.superseded += 1;
                }
                Some(Phase::Enter(match parcel.bound {
                    Some(previous) => Entry::GoOn { turn, previous },
                    None => Entry::Again,
                }))
            }
            Err(_) => None,
        })
    }

    fn passed(&mut self, scene: Scene<'_>, parcel: Parcel) -> Phase {
        let (free, rotate) = self.room(scene);
        match self.plans[&parcel.plan].says {
            Says::Failed => Phase::Settle {
                parcel,
                free,
                rotate,
                verdict: Verdict::Failed,
            },
            Says::HandedOff => Phase::Settle {
                parcel,
                free,
                rotate,
                verdict: Verdict::HandedOff,
            },
            _ if scene.setting.carrier => Phase::Send {
                parcel,
                free,
                rotate,
            },
            _ => Phase::Finish {
                parcel,
                free,
                rotate,
            },
        }
    }

    fn send(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        parcel: Parcel,
        (free, rotate): (bool, bool),
        choice: Choice,
    ) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        let settle = |verdict| Phase::Settle {
            parcel,
            free,
            rotate,
            verdict,
        };
        if parcel.left < 0 && scene.setting.slip != Slip::BeginsTooLate {
            scene.tally.count(Event::TooLate);
            return Ok(Some(settle(Verdict::Unconfirmed)));
        }
        if self.plans[&parcel.plan].says == Says::Words {
            scene.tally.count(Event::Relayed);
        }
        if choice != Choice::NotDoneUnseen && scene.setting.slip != Slip::SendsBeforeTheGate {
            let session = self.session().clone();
            self.ledger.send(&session, scene.setting, hold, turn)?;
        }
        Ok(Some(match choice {
            Choice::DoneUnseen | Choice::NotDoneUnseen => {
                self.left.timeouts -= 1;
                settle(Verdict::Unconfirmed)
            }
            _ => Phase::Finish {
                parcel,
                free,
                rotate,
            },
        }))
    }

    fn finish(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        parcel: Parcel,
        free: bool,
        rotate: bool,
    ) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        let on = |world: &Self| {
            world
                .is_held(run.hold)
                .then_some(Phase::Enter(Entry::Again))
        };
        Ok(match self.issue(scene, run, 0)? {
            Ok(()) => on(self),
            Err(Refusal::Waiting) if free => Some(Phase::Finish {
                parcel,
                free: false,
                rotate,
            }),
            Err(Refusal::NotInOutbox) => {
                let session = self.session();
                let last = session.last.is_some_and(|last| last.turn == turn);
                (session.out.is_none() && last).then(|| on(self)).flatten()
            }
            Err(_) => None,
        })
    }

    /// The call that undoes the latest effect of the line to `plan` that still stands, unless the turn is
    /// committed.
    pub(super) fn next_undo(&self, setting: &Setting, plan: Option<u64>) -> Option<Call> {
        let turn = self.session().delivered + 1;
        if self.session().commit == Some(turn) || setting.slip == Slip::GivesUpWithoutUndoing {
            return None;
        }
        let mut calls = Vec::new();
        let mut next = plan;
        while let Some(plan) = next.and_then(|id| self.plans.get(&id)) {
            calls.extend(plan.says.calls().iter().rev());
            next = plan.previous;
        }
        if setting.slip == Slip::UndoesInOrder {
            calls.reverse();
        }
        calls.into_iter().find_map(|call| {
            let stands = call.tool.can_be_undone()
                && self.results.get(&call.intent) == Some(&Found::Succeeded);
            let mut intent = format!("undo~{}", call.intent);
            if setting.slip == Slip::KeysUndosByPlan {
                intent = format!("{intent}@{}", plan.unwrap_or_default());
            }
            let tried = self.results.contains_key(&intent);
            (stands && !tried).then_some(Call {
                tool: Tool::Undo,
                intent,
                yes: None,
            })
        })
    }

    /// `turn-fail`.
    fn fail(&mut self, scene: Scene<'_>, hold: Held) -> Option<Phase> {
        let session = self.session();
        if !self.is_held(hold) || session.out.is_some() || session.inbox.is_empty() {
            return None;
        }
        let settled = |intent: &String| self.results.contains_key(intent);
        if !session.intents.keys().all(settled) {
            return None;
        }
        let bound = session.plan.map(|plan| plan.0);
        let undo = self.next_undo(scene.setting, bound);
        let known = bound.and_then(|plan| self.plans.get(&plan));
        let undoes = undo.is_some();
        let plan = Plan {
            turn: session.delivered + 1,
            fence: hold.fence,
            round: known.map_or(0, |plan| plan.round + 1),
            from: session.head(),
            upto: match known {
                Some(plan) if undoes => plan.upto,
                _ => session.arrivals,
            },
            previous: bound,
            repeats: 0,
            finish: false,
            calm: false,
            effects: session.intents.len() as u64,
            undoing: undoes.then_some(Undoing::Failed),
            says: undo.map_or(Says::Failed, |call| Says::Call(vec![call])),
        };
        if undoes {
            scene.tally.count(Event::UndoPlanned);
        }
        let plan = self.write_down(plan);
        Some(self.output(scene, plan, bound))
    }

    pub(super) fn deliver(&self, scene: Scene<'_>, plan: u64, bound: Option<u64>) -> Phase {
        Phase::Gate(Parcel {
            plan,
            bound,
            by: self.fresh_by(&[]),
            left: time(scene.setting),
        })
    }

    fn tools(&mut self, scene: Scene<'_>, run: &Run, lane: usize, choice: Choice) -> Stepped {
        let Phase::Tools { plan, bound, lanes } = &run.phase else {
            return Ok(None);
        };
        let record = &self.plans[plan];
        let (turn, call) = (record.turn, record.says.calls()[lane].clone());
        let next = match lanes[lane] {
            Lane::Consume { by, left } => {
                let yes = call.yes.unwrap_or_default();
                if self.consume(scene.setting, &call.intent, turn, yes) {
                    scene.tally.count(Event::Consumed);
                    Lane::Claim { by, left }
                } else {
                    scene.tally.count(Event::YesRefused);
                    Lane::Record {
                        found: Found::Failed,
                    }
                }
            }
            Lane::Ask => {
                scene.tally.count(Event::Asked);
                if self.desk.approval == Approval::None {
                    self.desk.approval = Approval::Pending;
                }
                Lane::Record {
                    found: Found::Succeeded,
                }
            }
            Lane::Claim { by, left } => self.claim(scene, run, lane, &call, (by, left))?,
            Lane::Renew { left, .. } => match self.issue(scene, run, lane)? {
                Ok(()) | Err(Refusal::NotLater) => Lane::Work { left },
                Err(_) => Lane::Done,
            },
            Lane::Work { left } => {
                let effect = Effect {
                    tool: call.tool,
                    turn,
                    key: provider_key(scene.setting, &call),
                    plan: Some(*plan),
                };
                self.work(scene, run.hold, effect, &call, left, choice)?
            }
            Lane::Record { found } => {
                if found == Found::Unknown {
                    scene.tally.count(Event::UnknownRecorded);
                }
                self.results.entry(call.intent).or_insert(found);
                Lane::Done
            }
            Lane::Done => Lane::Done,
        };
        let mut lanes = lanes.clone();
        lanes[lane] = next;
        let (plan, bound) = (*plan, *bound);
        Ok(Some(if lanes.iter().all(|lane| *lane == Lane::Done) {
            Phase::Enter(Entry::GoOn {
                turn,
                previous: plan,
            })
        } else {
            Phase::Tools { plan, bound, lanes }
        }))
    }

    fn claim(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        lane: usize,
        call: &Call,
        (by, left): (u64, i8),
    ) -> Result<Lane, Broken> {
        let asks = call.tool == Tool::Wire
            && call.yes.is_none()
            && scene.setting.slip != Slip::ForgetsToAsk;
        let work = if asks { Lane::Ask } else { Lane::Work { left } };
        let hold = run.hold;
        if scene.setting.slip == Slip::ActsBeforeTheClaim {
            return Ok(work);
        }
        Ok(match self.issue(scene, run, lane)? {
            Ok(()) => work,
            Err(Refusal::Claimed(Claim { by: claimer, .. })) if claimer.0 == by => work,
            Err(Refusal::Claimed(Claim { fence, .. })) if fence < hold.fence => {
                if self.results.contains_key(&call.intent) {
                    scene.tally.count(Event::ResultUsed);
                    Lane::Done
                } else if asks {
                    Lane::Ask
                } else if scene.setting.slip == Slip::RunsOrphansAgain {
                    Lane::Renew { by, left }
                } else if !call.tool.is_repeatable() {
                    Lane::Record {
                        found: Found::Unknown,
                    }
                } else if self.session().tries >= scene.setting.tries {
                    Lane::Record {
                        found: Found::Failed,
                    }
                } else {
                    Lane::Renew { by, left }
                }
            }
            Err(refusal) => {
                if refusal == Refusal::Superseded {
                    scene.tally.count(Event::ClaimRefusedCalm);
                }
                Lane::Done
            }
        })
    }

    fn work(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        effect: Effect,
        call: &Call,
        left: i8,
        choice: Choice,
    ) -> Result<Lane, Broken> {
        if left < 0 && scene.setting.slip != Slip::BeginsTooLate {
            scene.tally.count(Event::TooLate);
            return Ok(Lane::Record {
                found: unseen(effect.tool),
            });
        }
        let tool = effect.tool;
        if choice == Choice::NotDoneUnseen {
            scene.tally.count(Event::NotSeen);
        } else {
            if effect.tool == Tool::Wire {
                self.use_yes(call.yes)?;
            }
            self.ledger.effect(
                &self.session.0,
                scene.setting,
                hold,
                effect,
                &call.intent,
                &self.results,
                scene.tally,
            )?;
        }
        let found = match choice {
            Choice::DoneUnseen | Choice::NotDoneUnseen => {
                self.left.timeouts -= 1;
                scene.tally.count(Event::OpenedUnseen);
                unseen(tool)
            }
            _ => Found::Succeeded,
        };
        Ok(Lane::Record { found })
    }

    /// What the brain's idea becomes: the calls with the keys under which they happen.
    pub(super) fn says(&self, setting: &Setting, idea: Idea, turn: u64, plan: u64) -> Says {
        match idea {
            Idea::Reply => Says::Reply,
            Idea::GiveUp => Says::Failed,
            Idea::Approved | Idea::Altered => Says::Call(vec![Call {
                tool: Tool::Wire,
                intent: "w!0".to_owned(),
                yes: Some(if idea == Idea::Approved { ASKED } else { OTHER }),
            }]),
            Idea::Call(tools) => {
                let call = |(number, tool): (usize, &Tool)| Call {
                    tool: *tool,
                    intent: self.intent(setting, *tool, turn, (plan, number)),
                    yes: None,
                };
                Says::Call(tools.iter().enumerate().map(call).collect())
            }
        }
    }

    fn intent(&self, setting: &Setting, tool: Tool, turn: u64, call: (u64, usize)) -> String {
        let letter = tool.letter();
        if setting.slip == Slip::KeysIntentsByCall || tool.is_pure() {
            let (plan, number) = call;
            return format!("{letter}{turn}.{plan}.{number}");
        }
        let base = format!("{letter}{turn}");
        let retries = (2..5).map(|attempt| format!("{base}~{attempt}"));
        let failed = |intent: &String| {
            let undone = self.results.get(&format!("undo~{intent}"));
            self.results.get(intent) == Some(&Found::Failed) || undone == Some(&Found::Succeeded)
        };
        std::iter::once(base.clone())
            .chain(retries)
            .find(|intent| !failed(intent))
            .unwrap_or(base)
    }
}

/// What is recorded of an effect of which nobody saw the end.
fn unseen(tool: Tool) -> Found {
    match tool.is_repeatable() {
        true => Found::Failed,
        false => Found::Unknown,
    }
}

/// Whether the turn reaches its commit point with a call.
fn commits(call: &Call) -> bool {
    let asks = call.tool == Tool::Wire && call.yes.is_none();
    !(call.tool.can_be_undone() || call.tool == Tool::Undo || asks)
}

/// The idempotency key that a provider is given: a repeatable call keeps it however often it is tried.
fn provider_key(setting: &Setting, call: &Call) -> String {
    let first = call.intent.split('~').next().unwrap_or_default();
    match setting.slip {
        Slip::NewKeyForEachTry => call.intent.clone(),
        _ if call.tool.is_repeatable() => first.to_owned(),
        _ => call.intent.clone(),
    }
}

impl Says {
    pub(crate) fn calls(&self) -> &[Call] {
        match self {
            Self::Call(calls) => calls,
            _ => &[],
        }
    }
}
