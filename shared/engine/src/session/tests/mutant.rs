//! The machine with one condition forgotten. A world that does not notice is no proof.

use super::world::Apply;
use super::{Command, Next, Refusal, Session, Time};

/// Judges by a view in which the forgotten condition always holds, then acts on the session.
fn blind(
    session: &mut Session,
    command: &Command,
    forget: fn(&mut Session, &Command),
) -> Result<(), Refusal> {
    let mut view = session.clone();
    forget(&mut view, command);
    if let Some(refusal) = view.refusal(command) {
        return Err(refusal);
    }
    session.carry_out(command);
    Ok(())
}

pub(super) const MUTANTS: [(&str, Apply); 13] = [
    ("forgets the hold", |session, command| {
        blind(session, command, |view, command| {
            if let Some(hold) = hold(command) {
                (view.owner, view.fence) = (Some(hold.owner), hold.fence);
            }
        })
    }),
    ("takes a hold that has not run out", |session, command| {
        blind(session, command, |view, _| {
            view.lease = view.lease.map(|_| Time(0))
        })
    }),
    ("keeps the fence on reclaim", |session, command| {
        let fence = session.fence;
        session.apply(command)?;
        if let Command::Reclaim { .. } = command {
            session.fence = fence;
        }
        Ok(())
    }),
    ("forgets the chain of plans", |session, command| {
        blind(session, command, |view, _| view.plan = None)
    }),
    ("forgets the outbox", |session, command| {
        blind(session, command, |view, command| {
            if step(command).is_some() {
                view.out = None;
            }
        })
    }),
    ("forgets which turn was delivered", |session, command| {
        blind(session, command, |view, command| {
            view.delivered = step(command).map_or(view.delivered, |turn| turn.saturating_sub(1));
        })
    }),
    ("opens an intent twice", |session, command| {
        blind(session, command, |view, _| view.intents.clear())
    }),
    ("forgets the younger messages", |session, command| {
        blind(session, command, |view, _| view.seen.clear())
    }),
    ("forgets the older messages", |session, command| {
        blind(session, command, |view, _| view.seen_old.clear())
    }),
    ("talks over a person", |session, command| {
        blind(session, command, |view, _| view.handoff = None)
    }),
    ("lets go while messages wait", |session, command| {
        blind(session, command, |view, command| {
            let frees = matches!(
                command,
                Command::Free { .. }
                    | Command::Finish {
                        next: Next::Free,
                        ..
                    }
                    | Command::Recover {
                        next: Next::Free,
                        ..
                    }
            );
            if frees {
                view.inbox.clear();
            }
        })
    }),
    ("skips whatever stands first", |session, command| {
        blind(session, command, |view, command| {
            if let Command::Skip { from, .. } = command {
                view.arrivals = from - 1 + view.inbox.len() as u64;
            }
        })
    }),
    (
        "recovers whatever stands in the outbox",
        |session, command| {
            blind(session, command, |view, command| {
                if let (Command::Recover { turn, .. }, Some(out)) = (command, &mut view.out) {
                    (out.turn, out.fence) = (*turn, 0);
                }
            })
        },
    ),
];

fn hold(command: &Command) -> Option<super::Hold> {
    match command {
        Command::Renew { hold, .. }
        | Command::Finish { hold, .. }
        | Command::Recover { hold, .. } => Some(*hold),
        Command::Claim { step, .. }
        | Command::TakeUp { step, .. }
        | Command::Gate { step, .. }
        | Command::Skip { step, .. }
        | Command::Free { step } => Some(step.hold),
        Command::Reclaim { from, .. } => Some(*from),
        Command::Accept { .. }
        | Command::TakeOver { .. }
        | Command::HandBack
        | Command::Close { .. } => None,
    }
}

fn step(command: &Command) -> Option<u64> {
    match command {
        Command::Claim { step, .. }
        | Command::TakeUp { step, .. }
        | Command::Gate { step, .. }
        | Command::Skip { step, .. }
        | Command::Free { step } => Some(step.turn),
        _ => None,
    }
}
