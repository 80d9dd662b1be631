//! The worlds as stateright sees them: what may happen next, and what must hold always.

use engine::overlap::Overlap;
use engine::session::{Command, OwnerId, Refusal};
use stateright::{Model, Property};

use super::desk::Approval;
use super::invariant::{Broken, I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, Invariant};
use super::run::{Entry, Held, Lane, Phase, Round, Run};
use super::setting::{From, Setting};
use super::step::{Choice, Scene};
use super::tally::{Event, Tally};
use super::world::{Mail, NOW, World, id_of, message};

#[derive(Clone)]
pub(crate) struct Proof {
    pub(crate) setting: Setting,
    pub(crate) tally: Tally,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The provider delivers a letter; the hold found may count as expired; the webhook may die.
    Deliver {
        letter: usize,
        reclaims: bool,
        dies: bool,
    },
    Sweep,
    Step {
        run: usize,
        lane: usize,
        choice: Choice,
    },
    Crash(usize),
    Fork(usize),
    Late {
        run: usize,
        lane: usize,
    },
    FailForGood(usize),
    Tick,
    TakeOver,
    HandBack,
    /// A person says yes or no.
    Decide(bool),
    /// Nobody said anything, or the yes was not used in time.
    RunOut,
}

impl Model for Proof {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.setting)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        self.outside(world, actions);
        for at in 0..world.runs.len() {
            if at > 0 && world.runs[at] == world.runs[at - 1] {
                continue;
            }
            self.of_run(world, at, actions);
        }
        if actions.is_empty() && world.is_at_rest() {
            self.tally.count(Event::Rest);
            if world.ledger.is_all_answered() {
                self.tally.count(Event::AllAnswered);
            }
        }
    }

    fn next_state(&self, before: &World, action: Action) -> Option<World> {
        let mut world = before.clone();
        let done = self.happen(&mut world, action).and_then(|happened| {
            world.tidy();
            world.verify(&self.setting).map(|()| happened)
        });
        match done {
            Ok(false) => return None,
            Ok(true) => {}
            Err(broken) => world.broken = Some(broken),
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        fn unbroken(invariant: Invariant, world: &World) -> bool {
            world
                .broken
                .is_none_or(|broken| broken.invariant != invariant)
        }
        vec![
            Property::always(I1.name(), |_, world| unbroken(I1, world)),
            Property::always(I2.name(), |_, world| unbroken(I2, world)),
            Property::always(I3.name(), |_, world| unbroken(I3, world)),
            Property::always(I4.name(), |_, world| unbroken(I4, world)),
            Property::always(I5.name(), |_, world| unbroken(I5, world)),
            Property::always(I6.name(), |_, world| unbroken(I6, world)),
            Property::always(I7.name(), |_, world| unbroken(I7, world)),
            Property::always(I8.name(), |_, world| unbroken(I8, world)),
            Property::always(I9.name(), |_, world| unbroken(I9, world)),
            Property::always(I10.name(), |_, world| unbroken(I10, world)),
            Property::sometimes("everything came to rest", |_, world: &World| {
                world.is_at_rest() && !world.ledger.fates.is_empty()
            }),
        ]
    }
}

impl Proof {
    pub(crate) fn new(setting: Setting) -> Self {
        Self {
            setting,
            tally: Tally::default(),
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            setting: &self.setting,
            tally: &self.tally,
        }
    }

    fn outside(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        let reclaimable = world.is_reclaimable(&self.setting);
        let next = world.mail.iter().position(|mail| *mail == Mail::Unsent);
        for (letter, mail) in world.mail.iter().enumerate() {
            let comes = match mail {
                Mail::Unsent => next == Some(letter) && self.may_come(world, letter),
                Mail::Unacknowledged => true,
                Mail::Acknowledged => left.duplicates > 0,
            };
            if comes {
                let deliver = |reclaims, dies| Action::Deliver {
                    letter,
                    reclaims,
                    dies,
                };
                actions.push(deliver(false, false));
                if reclaimable {
                    actions.push(deliver(true, false));
                }
                if left.crashes > 0 && *mail != Mail::Acknowledged {
                    actions.push(deliver(false, true));
                }
            }
        }
        match world.desk.approval {
            Approval::Pending => {
                actions.extend([Action::Decide(true), Action::Decide(false), Action::RunOut]);
            }
            Approval::Granted => actions.push(Action::RunOut),
            _ => {}
        }
        if reclaimable {
            actions.push(Action::Sweep);
        }
        if self.setting.clocks.is_some() {
            actions.push(Action::Tick);
        }
        if left.takeovers > 0 && world.session().handoff.is_none() {
            actions.push(Action::TakeOver);
        }
        if world.session().handoff.is_some() {
            actions.push(Action::HandBack);
        }
    }

    fn may_come(&self, world: &World, letter: usize) -> bool {
        let decided = !matches!(world.desk.approval, Approval::None | Approval::Pending);
        self.setting.letters[letter] != From::Approval || decided
    }

    fn of_run(&self, world: &World, at: usize, actions: &mut Vec<Action>) {
        let run = &world.runs[at];
        let left = &world.left;
        let lanes = match &run.phase {
            Phase::Tools { lanes, .. } => lanes.len(),
            _ => 1,
        };
        for lane in 0..lanes {
            let mut choose = |choice| {
                actions.push(Action::Step {
                    run: at,
                    lane,
                    choice,
                })
            };
            self.choices(world, run, lane, &mut choose);
            if run.late {
                continue;
            }
            if world.command(&self.setting, run, lane).is_some() {
                if left.lost > 0 {
                    choose(Choice::Lost);
                }
                if left.late > 0 {
                    actions.push(Action::Late { run: at, lane });
                }
            }
        }
        if run.late {
            return;
        }
        if left.crashes > 0 {
            actions.push(Action::Crash(at));
        }
        if left.forks > 0 && !matches!(run.phase, Phase::Reclaim { .. }) {
            actions.push(Action::Fork(at));
        }
        if left.failures > 0 && !matches!(run.phase, Phase::Reclaim { .. } | Phase::Fail) {
            actions.push(Action::FailForGood(at));
        }
    }

    fn choices(&self, world: &World, run: &Run, lane: usize, choose: &mut impl FnMut(Choice)) {
        match &run.phase {
            Phase::Think(round) if self.setting.budget.is_some() => {
                choose(Choice::Go);
                self.while_thinking(world, run, round, choose);
            }
            Phase::Think(round) | Phase::Spend(round) => {
                for at in 0..world.ideas(self.scene(), round).len() {
                    choose(Choice::Idea(at));
                }
                self.while_thinking(world, run, round, choose);
            }
            Phase::Enter(Entry::Begin) => {
                choose(Choice::Go);
                if world.session().inbox.len() > 1 {
                    choose(Choice::Alone);
                }
            }
            Phase::Enter(Entry::GoOn { .. }) => {
                choose(Choice::Go);
                let waits = world.session().inbox.len() > 1;
                if waits && self.setting.overlap == Overlap::Supersede {
                    choose(Choice::Impatient);
                }
            }
            Phase::Judge { turn, plan, .. } => {
                choose(Choice::Go);
                let sent = world.ledger.sent.contains(turn);
                if sent
                    && world
                        .plans
                        .get(plan)
                        .is_some_and(|plan| plan.says.is_said())
                {
                    choose(Choice::Evidence);
                }
            }
            Phase::Send { .. } => {
                choose(Choice::Go);
                if world.left.timeouts > 0 {
                    choose(Choice::DoneUnseen);
                    choose(Choice::NotDoneUnseen);
                }
            }
            Phase::Tools { lanes, .. } => match lanes[lane] {
                Lane::Done => {}
                Lane::Work { left } => {
                    choose(Choice::Go);
                    if world.left.timeouts > 0 && left >= 0 {
                        choose(Choice::DoneUnseen);
                        choose(Choice::NotDoneUnseen);
                    }
                }
                _ => choose(Choice::Go),
            },
            _ => choose(Choice::Go),
        }
    }

    fn while_thinking(
        &self,
        world: &World,
        run: &Run,
        round: &Round,
        choose: &mut impl FnMut(Choice),
    ) {
        let renewable = self.setting.clocks.is_some()
            && world.session().hold() == Some(run.hold.hold())
            && world.session().lease < Some(World::until(&self.setting));
        if renewable {
            choose(Choice::Renew);
        }
        if world.is_overtaken(self.scene(), run.hold, round) {
            choose(Choice::Cancel);
        }
    }

    /// Lets it happen; false when nothing changed.
    fn happen(&self, world: &mut World, action: Action) -> Result<bool, Broken> {
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
            Ok(()) => self.tally.count(Event::Delivered),
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
