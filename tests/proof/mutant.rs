//! The shipped machine with one condition forgotten, and workers with one slip. A world that does not notice
//! them proves nothing.

use engine::session::{Command, Hold, Next, Refusal, Session, Step};

use super::invariant::Invariant;
use super::setting::{Apply, Clocks, Setting, Slip};

/// Lets the machine judge and act on a view in which the forgotten condition always holds, and keeps what
/// it changed.
pub(super) fn blind(
    session: &mut Session,
    command: &Command,
    forget: fn(&mut Session, &Command),
) -> Result<(), Refusal> {
    let mut view = session.clone();
    forget(&mut view, command);
    let mut after = view.clone();
    after.apply(command)?;
    macro_rules! unless_changed {
        ($($field:ident),*) => {
            $(if after.$field == view.$field { after.$field = session.$field.clone(); })*
        };
    }
    unless_changed!(
        owner, lease, plan, commit, out, handoff, last, seen_old, delivered, arrivals
    );
    after.fence = session.fence + (after.fence - view.fence);
    if let Some(pushed) = after.seen.strip_prefix(view.seen.as_slice()) {
        after.seen = [session.seen.as_slice(), pushed].concat();
    }
    if after.inbox == view.inbox {
        after.inbox = session.inbox.clone();
    }
    if let Command::Claim { .. } = command {
        after.intents.extend(session.intents.clone());
    }
    *session = after;
    Ok(())
}

pub(super) fn hold(command: &Command) -> Option<Hold> {
    match command {
        Command::Renew { hold, .. }
        | Command::Finish { hold, .. }
        | Command::Recover { hold, .. } => Some(*hold),
        _ => step(command).map(|step| step.hold),
    }
}

pub(super) fn step(command: &Command) -> Option<Step> {
    match command {
        Command::Claim { step, .. }
        | Command::TakeUp { step, .. }
        | Command::Gate { step, .. }
        | Command::Skip { step, .. }
        | Command::Free { step } => Some(*step),
        _ => None,
    }
}

pub(super) fn frees(command: &Command) -> bool {
    match command {
        Command::Finish { next, .. } | Command::Recover { next, .. } => *next == Next::Free,
        Command::Free { .. } => true,
        _ => false,
    }
}

/// One seeded fault, the world that must notice it, and by which invariant.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) world: &'static str,
    pub(crate) caught_by: Invariant,
    pub(crate) fault: Fault,
}

/// Where it is seeded.
pub(crate) enum Fault {
    Machine(Apply),
    Worker(Slip),
    /// How long a lease lasts.
    Lease(i8),
}

impl Mutant {
    pub(crate) fn infect(&self, setting: &mut Setting) {
        match self.fault {
            Fault::Machine(apply) => setting.apply = apply,
            Fault::Worker(slip) => setting.slip = slip,
            Fault::Lease(lease) => {
                setting.clocks = setting.clocks.map(|clocks| Clocks { lease, ..clocks });
            }
        }
    }
}

pub(super) const fn machine(
    name: &'static str,
    world: &'static str,
    caught_by: Invariant,
    apply: Apply,
) -> Mutant {
    let fault = Fault::Machine(apply);
    Mutant {
        name,
        world,
        caught_by,
        fault,
    }
}

pub(super) const fn worker(
    name: &'static str,
    world: &'static str,
    caught_by: Invariant,
    slip: Slip,
) -> Mutant {
    let fault = Fault::Worker(slip);
    Mutant {
        name,
        world,
        caught_by,
        fault,
    }
}
