//! Every seeded fault.

use engine::runtime::Time;
use engine::session::Command;

use super::invariant::{I1, I2, I3, I4, I5, I6, I7, I8, I9, I10};
use super::mutant::{Fault, Mutant, blind, frees, hold, machine, step, worker};
use super::setting::Slip;

pub(crate) const MUTANTS: &[Mutant] = &[
    machine(
        "claims and gates without looking at the hold",
        "basic",
        I6,
        |session, command| {
            blind(session, command, |view, command| {
                if let Some(hold) = hold(command) {
                    (view.owner, view.fence) = (Some(hold.owner), hold.fence);
                }
            })
        },
    ),
    machine(
        "looks at the owner, not at the fence",
        "the same owner again",
        I6,
        |session, command| {
            blind(session, command, |view, command| {
                if let Some(hold) = hold(command) {
                    view.fence = hold.fence;
                }
            })
        },
    ),
    machine(
        "lets go of a hold that is another's",
        "two runs",
        I3,
        |session, command| {
            blind(session, command, |view, command| {
                if let Command::Finish { hold, turn, by, .. } = command {
                    (view.owner, view.fence) = (Some(hold.owner), hold.fence);
                    if let Some(out) = &mut view.out {
                        (out.turn, out.by) = (*turn, *by);
                    }
                }
            })
        },
    ),
    machine(
        "takes a lease that has not run out",
        "clocks",
        I1,
        |session, command| {
            blind(session, command, |view, command| {
                if let Command::Reclaim { .. } = command {
                    view.lease = view.lease.map(|_| Time(0));
                }
            })
        },
    ),
    machine(
        "steals a lease and keeps the fence",
        "basic",
        I1,
        |session, command| {
            let fence = session.fence;
            session.apply(command)?;
            if let Command::Reclaim { .. } = command {
                session.fence = fence;
            }
            Ok(())
        },
    ),
    machine(
        "forgets the younger message ids",
        "basic",
        I3,
        |session, command| blind(session, command, |view, _| view.seen.clear()),
    ),
    machine(
        "forgets the older message ids",
        "old messages",
        I3,
        |session, command| blind(session, command, |view, _| view.seen_old.clear()),
    ),
    machine(
        "forgets the chain of plans",
        "two minds",
        I5,
        |session, command| {
            blind(session, command, |view, command| {
                if step(command).is_some() {
                    view.plan = None;
                }
            })
        },
    ),
    machine(
        "opens an intent twice",
        "two runs with tools",
        I5,
        |session, command| {
            blind(session, command, |view, command| {
                if let Command::Claim { .. } = command {
                    view.intents.clear();
                }
            })
        },
    ),
    machine(
        "opens for a turn that is over",
        "two turns with tools",
        I6,
        |session, command| {
            blind(session, command, |view, command| {
                if let Some(step) = step(command) {
                    view.out = None;
                    view.delivered = step.turn - 1;
                }
            })
        },
    ),
    machine(
        "lets go although messages wait",
        "basic",
        I8,
        |session, command| {
            blind(session, command, |view, command| {
                if frees(command) {
                    view.inbox.clear();
                }
            })
        },
    ),
    machine(
        "gates while an effect is open",
        "functions that fail",
        I6,
        |session, command| {
            blind(session, command, |view, command| {
                if let Command::Gate { terms, .. } = command {
                    while (view.intents.len() as u64) > terms.effects {
                        view.intents.pop_last();
                    }
                }
            })
        },
    ),
    machine(
        "is calm whatever comes",
        "supersede",
        I6,
        |session, command| {
            blind(session, command, |view, command| match command {
                Command::Claim {
                    calm: Some(upto), ..
                } => view.arrivals = *upto,
                Command::Gate { upto, terms, .. } if terms.calm => {
                    view.commit = step(command).map(|step| step.turn)
                }
                _ => {}
            })
        },
    ),
    machine(
        "supersedes after the commit point",
        "supersede between two calls",
        I8,
        |session, command| {
            blind(session, command, |view, command| {
                if step(command).is_some() {
                    view.commit = None;
                }
            })
        },
    ),
    machine(
        "acts and speaks over a person",
        "handoff",
        I6,
        |session, command| blind(session, command, |view, _| view.handoff = None),
    ),
    machine(
        "recovers what its own hold is sending",
        "two runs",
        I3,
        |session, command| {
            blind(session, command, |view, command| {
                if let (Command::Recover { turn, .. }, Some(out)) = (command, &mut view.out) {
                    (out.turn, out.fence) = (*turn, 0);
                }
            })
        },
    ),
    machine(
        "drains whatever stands first",
        "old messages",
        I3,
        |session, command| {
            blind(session, command, |view, command| {
                if let Command::Skip { from, .. } | Command::Gate { from, .. } = command {
                    view.arrivals = from - 1 + view.inbox.len() as u64;
                }
            })
        },
    ),
    machine(
        "puts what comes before what waits",
        "basic",
        I4,
        |session, command| {
            session.apply(command)?;
            if let Command::Accept { .. } = command {
                session.inbox.rotate_right(1);
            }
            Ok(())
        },
    ),
    worker(
        "sends before the gate",
        "two runs",
        I2,
        Slip::SendsBeforeTheGate,
    ),
    worker(
        "keys intents by call",
        "a bound turn thought again",
        I5,
        Slip::KeysIntentsByCall,
    ),
    worker(
        "acts before the claim",
        "tools",
        I2,
        Slip::ActsBeforeTheClaim,
    ),
    worker(
        "runs what a dead hold claimed",
        "tools",
        I5,
        Slip::RunsOrphansAgain,
    ),
    worker(
        "begins when its time is over",
        "clocks and tools",
        I2,
        Slip::BeginsTooLate,
    ),
    worker(
        "gives each try a new key",
        "tools that may be repeated",
        I5,
        Slip::NewKeyForEachTry,
    ),
    worker(
        "never looks whether effects are open",
        "two runs with tools",
        I6,
        Slip::CountsOpenEffectsAsSettled,
    ),
    worker(
        "forgets to spill old ids",
        "old messages",
        I3,
        Slip::ForgetsToSpill,
    ),
    worker(
        "thinks again what was bound",
        "tools",
        I5,
        Slip::ThinksAgainWhenBound,
    ),
    worker(
        "is stopped by what it cannot take",
        "supersede with a person",
        I8,
        Slip::IsCalmWhateverWaits,
    ),
    worker(
        "takes a yes for other arguments",
        "approvals",
        I7,
        Slip::ForgetsTheArguments,
    ),
    worker("uses a yes twice", "approvals", I7, Slip::UsesAYesTwice),
    worker(
        "uses a yes that has run out",
        "approvals",
        I7,
        Slip::ForgetsTheExpiry,
    ),
    worker("forgets to ask", "approvals", I7, Slip::ForgetsToAsk),
    worker(
        "undoes in forward order",
        "undoing what failed",
        I9,
        Slip::UndoesInOrder,
    ),
    worker(
        "undoes twice",
        "undoing what failed",
        I9,
        Slip::KeysUndosByPlan,
    ),
    worker(
        "gives up without undoing",
        "undoing what failed",
        I9,
        Slip::GivesUpWithoutUndoing,
    ),
    worker(
        "undoes where a call was repeated",
        "undoing what was done again",
        I9,
        Slip::UndoesWhereItWasRepeated,
    ),
    worker(
        "makes under a new key what was denied",
        "asking whenever",
        I5,
        Slip::NewKeyAfterAsking,
    ),
    worker(
        "makes what a dead hold left after a stop",
        "a stop",
        I6,
        Slip::ForgetsTheStop,
    ),
    worker(
        "counts money after it is spent",
        "budgets",
        I10,
        Slip::SpendsBeforeReserving,
    ),
    worker(
        "looks at the budget without reserving",
        "budgets",
        I10,
        Slip::LooksAndDoesNotReserve,
    ),
    Mutant {
        name: "a lease shorter than the work and the skew",
        world: "clocks",
        caught_by: I2,
        fault: Fault::Lease(1),
    },
];
