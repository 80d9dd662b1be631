//! `tool-call`: claims an intent, runs it, records what it came to; and what a plan's calls are called.

use engine::session::{Claim, Refusal};

use super::desk::{ASKED, Approval, OTHER};
use super::effect::Effect;
use super::invariant::Broken;
use super::run::{Call, Entry, Found, Held, Lane, Phase, Run, Says};
use super::setting::{Idea, Setting, Slip, Tool};
use super::step::{Choice, Scene, Stepped};
use super::tally::Event;
use super::world::World;

impl World {
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
        if setting.slip != Slip::UndoesWhereItWasRepeated {
            // A call that is made again is answered with what the first one came to.
            let mut first: Vec<&Call> = Vec::new();
            for call in calls.into_iter().rev() {
                if first.iter().all(|known| known.intent != call.intent) {
                    first.push(call);
                }
            }
            calls = first.into_iter().rev().collect();
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

    pub(super) fn tools(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        lane: usize,
        choice: Choice,
    ) -> Stepped {
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
            Lane::TakeUp { by, left, .. } => match self.issue(scene, run, lane)? {
                Ok(()) => self.taken_up(scene, &call, left),
                Err(Refusal::Claimed(claim)) if claim.by.0 == by => {
                    self.taken_up(scene, &call, left)
                }
                Err(_) => Lane::Done,
            },
            Lane::Look { left } => self.look(scene, &call, left, choice),
            Lane::Check { left, stopped } => match self.desk.stopped {
                true => {
                    scene.tally.count(Event::NotBegun);
                    Lane::Record { found: stopped }
                }
                false => Lane::Work { left },
            },
            Lane::Work { left } => {
                let effect = Effect {
                    tool: call.tool,
                    turn,
                    key: provider_key(scene.setting, &call, run.hold),
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
        let work = if asks {
            Lane::Ask
        } else if scene.setting.faults.stops > 0 {
            let stopped = Found::Failed;
            Lane::Check { left, stopped }
        } else {
            Lane::Work { left }
        };
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
                } else {
                    Lane::TakeUp { by, left, fence }
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

    /// What is done about a call of a dead hold, by the one that took it up.
    fn taken_up(&self, scene: Scene<'_>, call: &Call, left: i8) -> Lane {
        if scene.setting.slip == Slip::RunsOrphansAgain {
            Lane::Work { left }
        } else if call.tool == Tool::Seek {
            Lane::Look { left }
        } else if !call.tool.is_repeatable() {
            Lane::Record {
                found: Found::Unknown,
            }
        } else if self.session().tries >= scene.setting.tries {
            Lane::Record {
                found: Found::Failed,
            }
        } else {
            again(scene.setting, left, Found::Unknown)
        }
    }

    /// The other side says whether a call of a dead hold happened, unless it says nothing.
    fn look(&mut self, scene: Scene<'_>, call: &Call, left: i8, choice: Choice) -> Lane {
        if choice == Choice::NotDoneUnseen {
            self.left.timeouts -= 1;
            let found = Found::Unknown;
            return Lane::Record { found };
        }
        if self.ledger.has_happened(&call.intent) {
            scene.tally.count(Event::LookedUp);
            let found = Found::Succeeded;
            return Lane::Record { found };
        }
        scene.tally.count(Event::LookedInVain);
        if self.session().tries >= scene.setting.tries {
            let found = Found::Failed;
            return Lane::Record { found };
        }
        again(scene.setting, left, Found::Failed)
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
            self.begin_effect()?;
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
                match choice {
                    // The other side is asked at once.
                    Choice::DoneUnseen if tool == Tool::Seek => Found::Succeeded,
                    _ => unseen(tool),
                }
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

/// What a dead hold had claimed is made again, unless the bot was stopped.
fn again(setting: &Setting, left: i8, stopped: Found) -> Lane {
    match setting.faults.stops > 0 && setting.slip != Slip::ForgetsTheStop {
        true => Lane::Check { left, stopped },
        false => Lane::Work { left },
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
pub(super) fn commits(call: &Call) -> bool {
    let asks = call.tool == Tool::Wire && call.yes.is_none();
    !(call.tool.can_be_undone() || call.tool == Tool::Undo || asks)
}

/// The idempotency key that a provider is given: a repeatable call keeps it however often it is tried.
fn provider_key(setting: &Setting, call: &Call, hold: Held) -> String {
    let first = call.intent.split('~').next().unwrap_or_default();
    match setting.slip {
        Slip::NewKeyForEachTry => call.intent.clone(),
        Slip::NewKeyAfterAsking => format!("{}@{}", call.intent, hold.fence),
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
