//! What each action changes.

use engine::session::{Command, OwnerId, Refusal};

use super::desk::Approval;
use super::invariant::Broken;
use super::model::{Action, Proof};
use super::run::{Entry, Held, Lane, Phase, Run};
use super::setting::From;
use super::step::Choice;
use super::tally::Event;
use super::world::{Mail, NOW, World, id_of, message};

impl Proof {
    /// Lets it happen; false when nothing changed.
    pub(super) fn happen(&self, world: &mut World, action: Action) -> Result<bool, Broken> {
        let scene = self.scene();
        match action {
            Action::Deliver {
                letter,
                reclaims,
                dies,
            } => {
                return self.webhook(world, letter, reclaims, dies);
            }
            Action::Sweep => {
                let Some(from) = world.session().hold() else {
                    return Ok(false);
                };
                world.take_early(&self.tally);
                let owner = world.fresh_owner();
                self.start_reclaim(world, from.into(), owner);
            }
            Action::Step { run, lane, choice } => {
                if choice == Choice::Lost {
                    world.left.lost -= 1;
                }
                let run = world.runs.remove(run);
                let next = world.step(scene, run, lane, choice)?;
                world.runs.extend(next);
            }
            Action::Crash(run) => {
                world.left.crashes -= 1;
                self.tally.count(Event::Crashed);
                world.runs.remove(run);
            }
            Action::Fork(run) => {
                world.left.forks -= 1;
                self.tally.count(Event::Forked);
                let twin = self.twin(world, &world.runs[run].clone());
                world.runs.push(twin);
            }
            Action::Late { run, lane } => {
                world.left.late -= 1;
                let copy = late(&world.runs[run], lane);
                world.runs.push(copy);
            }
            Action::FailForGood(run) => {
                world.left.failures -= 1;
                self.tally.count(Event::FailedForGood);
                world.runs[run].phase = Phase::Fail;
            }
            Action::Decide(yes) => {
                self.tally
                    .count(if yes { Event::Granted } else { Event::Denied });
                world.desk.was_granted = yes;
                world.desk.approval = if yes {
                    Approval::Granted
                } else {
                    Approval::Closed
                };
            }
            Action::RunOut => {
                self.tally.count(Event::RanOut);
                world.desk.has_run_out = true;
                world.desk.approval = Approval::Closed;
            }
            Action::Stop => {
                world.left.stops -= 1;
                self.tally.count(Event::Stopped);
                world.desk.stopped = true;
                let lanes = world.runs.iter().flat_map(|run| match &run.phase {
                    Phase::Tools { lanes, .. } => lanes.as_slice(),
                    _ => &[],
                });
                let passed = |lane: &&Lane| matches!(lane, Lane::Work { .. });
                world.desk.under_way = lanes.filter(passed).count() as u8;
            }
            Action::Tick => return Ok(self.tick(world)),
            Action::TakeOver => {
                world.left.takeovers -= 1;
                self.tally.count(Event::TookOver);
                let person = String::new();
                return Ok(world
                    .write(&self.setting, &self.tally, &Command::TakeOver { person })?
                    .is_ok());
            }
            Action::HandBack => {
                self.tally.count(Event::HandedBack);
                return Ok(world
                    .write(&self.setting, &self.tally, &Command::HandBack)?
                    .is_ok());
            }
        }
        Ok(true)
    }

    /// `Accept::handle`: one write, then perhaps a second that takes an expired hold over.
    fn webhook(
        &self,
        world: &mut World,
        letter: usize,
        reclaims: bool,
        dies: bool,
    ) -> Result<bool, Broken> {
        let id = id_of(letter);
        let owner = OwnerId::of_message(id);
        let command = Command::Accept {
            message: message(&self.setting, letter),
            owner,
            until: World::until(&self.setting),
            inbox_limit: self.setting.inbox_limit,
        };
        let again = world.mail[letter] == Mail::Acknowledged;
        let found = world.session().hold();
        match world.write(&self.setting, &self.tally, &command)? {
            Ok(()) => {
                self.tally.count(Event::Delivered);
                if self.setting.letters[letter] == From::Redrive {
                    self.tally.count(Event::Redriven);
                }
            }
            Err(Refusal::Seen) if again => self.tally.count(Event::DeliveredAgain),
            Err(Refusal::Seen) => {}
            Err(_) => {
                self.tally.count(Event::InboxFull);
                return Ok(false);
            }
        }
        if again {
            world.left.duplicates -= 1;
        }
        if dies {
            self.tally.count(Event::WebhookDied);
            world.left.crashes -= 1;
            world.mail[letter] = Mail::Unacknowledged;
            return Ok(true);
        }
        world.mail[letter] = Mail::Acknowledged;
        let Some(hold) = world.session().hold() else {
            return Ok(true);
        };
        if hold.owner == owner {
            let hold = hold.into();
            let phase = Phase::Enter(Entry::Begin);
            world.runs.push(Run {
                hold,
                late: false,
                phase,
            });
        } else if reclaims && found.is_some() {
            world.take_early(&self.tally);
            self.start_reclaim(world, hold.into(), owner.0);
        }
        Ok(true)
    }

    fn start_reclaim(&self, world: &mut World, from: Held, owner: u64) {
        let fence = from.fence + 1;
        world.runs.push(Run {
            hold: Held { owner, fence },
            late: false,
            phase: Phase::Reclaim { from },
        });
    }

    /// Another invocation of the same task: it starts over and knows nothing of the first.
    fn twin(&self, world: &World, run: &Run) -> Run {
        let phase = match &run.phase {
            Phase::Skip { .. } | Phase::Free { .. } => Phase::Enter(Entry::Begin),
            Phase::Judge { then, .. } | Phase::Recover { then, .. } => Phase::Enter(*then),
            Phase::Think(round) | Phase::Spend(round) => Phase::Enter(match round.before {
                Some(previous) => Entry::GoOn {
                    turn: round.turn,
                    previous,
                },
                None => Entry::Begin,
            }),
            Phase::Tools { plan, bound, lanes } => {
                let mut begun = world.output(self.scene(), *plan, *bound);
                if let Phase::Tools { lanes: fresh, .. } = &mut begun {
                    for (fresh, lane) in fresh.iter_mut().zip(lanes) {
                        if *lane == Lane::Done {
                            *fresh = Lane::Done;
                        }
                    }
                }
                begun
            }
            Phase::Gate(parcel)
            | Phase::Send { parcel, .. }
            | Phase::Settle { parcel, .. }
            | Phase::Finish { parcel, .. } => {
                world.deliver(self.scene(), parcel.plan, parcel.bound)
            }
            other => other.clone(),
        };
        Run {
            phase,
            ..run.clone()
        }
    }

    fn tick(&self, world: &mut World) -> bool {
        let mut passed = false;
        if let Some(lease) = &mut world.session.0.lease
            && lease.0 >= NOW
        {
            lease.0 -= 1;
            passed = true;
        }
        for run in &mut world.runs {
            passed |= run.phase.pass_time();
        }
        if passed {
            self.tally.count(Event::Ticked);
        }
        passed
    }
}

/// A copy of the write that a run is about to issue, and nothing more.
fn late(run: &Run, lane: usize) -> Run {
    let mut copy = run.clone();
    copy.late = true;
    if let Phase::Tools { lanes, .. } = &mut copy.phase {
        for (at, other) in lanes.iter_mut().enumerate() {
            if at != lane {
                *other = Lane::Done;
            }
        }
    }
    copy
}
