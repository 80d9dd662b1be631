//! The worlds as stateright sees them: what may happen next, and what must hold always.

use engine::overlap::Overlap;
use stateright::{Model, Property};

use super::desk::Approval;
use super::invariant::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, Invariant};
use super::run::{Entry, Lane, Phase, Round, Run};
use super::setting::{From, Setting};
use super::step::{Choice, Scene};
use super::tally::{Event, Tally};
use super::world::{Mail, World};

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
    /// An operator stops the bot.
    Stop,
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

    pub(super) fn scene(&self) -> Scene<'_> {
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
        if left.stops > 0 {
            actions.push(Action::Stop);
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
        match self.setting.letters[letter] {
            From::Approval => decided,
            From::Redrive => world.ledger.is_parked(),
            From::Contact | From::Person => true,
        }
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
                Lane::Look { .. } => {
                    choose(Choice::Go);
                    if world.left.timeouts > 0 {
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
}
