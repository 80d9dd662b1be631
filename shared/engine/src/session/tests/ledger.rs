//! What became of every message ever accepted, kept beside the machine, and what must always hold.

use super::{Command, Handled, Intended, Session, Terms};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    Out(u64),
    Skipped,
    Settled(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) id: String,
    pub(super) fate: Fate,
}

/// What was broken, in words.
pub(super) type Broken = String;

pub(super) fn hold_true(truth: bool, broken: &str) -> Result<(), Broken> {
    if truth {
        Ok(())
    } else {
        Err(broken.to_owned())
    }
}

/// Every accepted message in order of arrival; number one comes first.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) arrivals: Vec<Arrival>,
    owners: std::collections::BTreeMap<u64, super::OwnerId>,
}

impl Ledger {
    /// Follows an accepted command and checks all that must hold after it.
    pub(super) fn follow(
        &mut self,
        before: &Session,
        command: &Command,
        after: &Session,
    ) -> Result<(), Broken> {
        match command {
            Command::Accept { message, .. } => self.arrivals.push(Arrival {
                id: message.id.clone(),
                fate: Fate::Waiting,
            }),
            Command::Gate {
                step, from, upto, ..
            } => self.turn(*from, *upto, Fate::Waiting, Fate::Out(step.turn))?,
            Command::Skip { from, count, .. } => {
                let upto = from + *count as u64 - 1;
                self.turn(*from, upto, Fate::Waiting, Fate::Skipped)?;
            }
            Command::Finish { .. } | Command::Recover { .. } => {
                let out = before.out.as_ref().ok_or("settled an empty outbox")?;
                let (old, new) = (Fate::Out(out.turn), Fate::Settled(out.turn));
                self.turn(out.from, out.upto, old, new)?;
                hold_true(
                    after.last.map(|last: Handled| last.turn) == Some(out.turn),
                    "last",
                )?;
                hold_true(after.plan.is_none(), "the turn ended and left a plan")?;
            }
            _ => {}
        }
        authority(before, command)?;
        self.places(after)?;
        self.holders(after)?;
        moves(before, command, after)?;
        shape(after)
    }

    fn turn(&mut self, from: u64, upto: u64, old: Fate, new: Fate) -> Result<(), Broken> {
        for number in from..=upto {
            let place = usize::try_from(number).expect("fits") - 1;
            let arrival = self
                .arrivals
                .get_mut(place)
                .ok_or("settled what never came")?;
            if arrival.fate != old {
                return Err(format!("{arrival:?} became {new:?}"));
            }
            arrival.fate = new;
        }
        Ok(())
    }

    /// Each message is in exactly one of inbox, outbox and the past.
    fn places(&self, session: &Session) -> Result<(), Broken> {
        let waiting = self.arrivals.iter().filter(|a| a.fate == Fate::Waiting);
        let inbox = session.inbox.iter().map(|message| &message.id);
        hold_true(
            waiting.map(|a| &a.id).eq(inbox),
            "the inbox is not what waits",
        )?;
        let mut out = (1..).zip(&self.arrivals).filter_map(|(number, arrival)| {
            matches!(arrival.fate, Fate::Out(_)).then_some((number, arrival.fate))
        });
        let same = match &session.out {
            None => out.next().is_none(),
            Some(held) => out.eq((held.from..=held.upto).map(|n| (n, Fate::Out(held.turn)))),
        };
        hold_true(same, "the outbox is not what left the inbox")?;
        hold_true(
            session.arrivals == self.arrivals.len() as u64,
            "arrivals miscounted",
        )
    }

    fn holders(&mut self, session: &Session) -> Result<(), Broken> {
        let Some(owner) = session.owner else {
            return Ok(());
        };
        let first = *self.owners.entry(session.fence).or_insert(owner);
        hold_true(first == owner, "two owners under one fence")
    }
}

/// Whether the command was this caller's to give.
fn authority(before: &Session, command: &Command) -> Result<(), Broken> {
    let speaks = matches!(
        command,
        Command::Claim { .. }
            | Command::Gate {
                terms: Terms {
                    verdict: Intended::Answered,
                    ..
                },
                ..
            }
    );
    hold_true(!speaks || before.handoff.is_none(), "talked over a person")?;
    if let (Command::Recover { hold, turn, .. }, Some(out)) = (command, &before.out) {
        let left = out.turn == *turn && out.fence < hold.fence;
        hold_true(left, "recovered what nobody had left")?;
    }
    Ok(())
}

fn moves(before: &Session, command: &Command, after: &Session) -> Result<(), Broken> {
    let let_go = before.owner.is_some() && after.owner.is_none();
    let ended = let_go || matches!(command, Command::Reclaim { .. });
    hold_true(
        after.fence == before.fence + u64::from(ended),
        "fence miscounted holds",
    )?;
    let gated = after.out.is_some() && before.out.is_none();
    let delivered = before.delivered + u64::from(gated);
    hold_true(after.delivered == delivered, "delivered miscounted gates")
}

fn shape(session: &Session) -> Result<(), Broken> {
    let held = session.owner.is_some();
    hold_true(held == session.lease.is_some(), "owner and lease part")?;
    hold_true(
        held || session.inbox.is_empty() && session.out.is_none() && session.plan.is_none(),
        "free with work left",
    )?;
    let running = session.delivered + u64::from(session.out.is_none());
    hold_true(
        session
            .commit
            .is_none_or(|turn| session.plan.is_some() && turn == running),
        "a commit point without its plan",
    )?;
    hold_true(
        session.plan.is_some() || session.intents.is_empty(),
        "intents without a plan",
    )?;
    let out = session.out.as_ref();
    hold_true(
        out.is_none_or(|out| out.turn == session.delivered),
        "an old outbox",
    )?;
    let known = |hash| session.seen.contains(&hash) || session.seen_old.contains(&hash);
    let remembered = session.inbox.iter().all(|message| known(message.hash()));
    hold_true(remembered, "a waiting message forgotten")
}
