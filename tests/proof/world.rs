//! A state: the session item, what is stored beside it, the runs, the letters, and what is owed.

use std::collections::BTreeMap;

use engine::runtime::Time;
use engine::session::{
    Command, Hold, InvocationId, MessageHash, Origin, OwnerId, Pending, PlanId, Refusal, Session,
};

use super::desk::{Approval, Desk};
use super::invariant::{Broken, I6, I8, hold_true};
use super::item::Item;
use super::ledger::Ledger;
use super::run::{Found, Held, Plan, Run};
use super::setting::{Faults, From, Setting};
use super::tally::{Event, Tally};

/// The time at which every state stands: the lease is kept as what is left of it.
pub(crate) const NOW: i64 = 100;
/// After every lease.
const EVER: i64 = 1_000;

const IDS: [&str; 4] = ["m0", "m1", "m2", "m3"];

/// What the provider knows of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Mail {
    Unsent,
    Unacknowledged,
    Acknowledged,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) session: Item,
    pub(crate) runs: Vec<Run>,
    pub(crate) mail: Vec<Mail>,
    pub(crate) plans: BTreeMap<u64, Plan>,
    pub(crate) results: BTreeMap<String, Found>,
    /// Letters whose ids were spilled, as bits.
    pub(crate) spilled: u32,
    pub(crate) ledger: Ledger,
    pub(crate) desk: Desk,
    /// Undos that were planned, with the fence of the hold that did.
    pub(crate) undoing: Vec<(u64, String)>,
    pub(crate) left: Faults,
    pub(crate) broken: Option<Broken>,
}

impl World {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            session: Item::default(),
            runs: Vec::new(),
            mail: vec![Mail::Unsent; setting.letters.len()],
            plans: BTreeMap::new(),
            results: BTreeMap::new(),
            spilled: 0,
            ledger: Ledger::default(),
            desk: Desk::default(),
            undoing: Vec::new(),
            left: setting.faults,
            broken: None,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session.0
    }

    /// One atomic command, with every invariant checked after it.
    pub(crate) fn write(
        &mut self,
        setting: &Setting,
        tally: &Tally,
        command: &Command,
    ) -> Result<Result<(), Refusal>, Broken> {
        let before = self.session.0.clone();
        if let Err(refusal) = (setting.apply)(&mut self.session.0, command) {
            self.may_refuse(command, &refusal)?;
            return Ok(Err(refusal));
        }
        self.may_open(&before, command)?;
        if let Command::Gate { .. } = command {
            self.undoing.clear();
        }
        self.ledger.follow(
            setting,
            &self.plans,
            &self.results,
            &before,
            command,
            &self.session.0,
            tally,
        )?;
        Ok(Ok(()))
    }

    /// After its commit point no message stops a turn.
    fn may_refuse(&self, command: &Command, refusal: &Refusal) -> Result<(), Broken> {
        let (Command::Claim { step, .. } | Command::Gate { step, .. }) = command else {
            return Ok(());
        };
        let stopped = *refusal == Refusal::Superseded && self.ledger.committed == step.turn;
        hold_true(!stopped, I8, "a turn was superseded after its commit point")
    }

    /// What the shipped conditions are there for, told from what is stored beside the session.
    fn may_open(&self, before: &Session, command: &Command) -> Result<(), Broken> {
        let (step, plan) = match command {
            Command::Claim { step, chain, .. } | Command::Gate { step, chain, .. } => {
                (step, self.plans.get(&chain.plan.0))
            }
            _ => return Ok(()),
        };
        hold_true(
            before.hold() == Some(step.hold),
            I6,
            "opened under an old fence",
        )?;
        let running = before.out.is_none() && self.ledger.gated + 1 == step.turn;
        hold_true(running, I6, "opened for a turn that had passed its gate")?;
        let Some(plan) = plan else {
            return hold_true(false, I6, "opened for a plan that nobody wrote down");
        };
        let calm = !plan.calm
            || self.ledger.committed == step.turn
            || self.ledger.fates.len() as u64 == plan.upto;
        hold_true(calm, I6, "opened for a superseded turn")?;
        if let Command::Gate { .. } = command {
            let settled = before
                .intents
                .keys()
                .all(|intent| self.results.contains_key(intent));
            hold_true(settled, I6, "the gate opened past an open effect")?;
        }
        let speaks = matches!(command, Command::Claim { .. }) || plan.says.speaks();
        hold_true(
            !speaks || before.handoff.is_none(),
            I6,
            "opened while a person is in charge",
        )?;
        Ok(())
    }

    /// Until when a hold lasts that is extended now.
    pub(crate) fn until(setting: &Setting) -> Time {
        Time(NOW + setting.clocks.map_or(1, |clocks| i64::from(clocks.lease)))
    }

    /// The time by the fastest clock.
    pub(crate) fn now(setting: &Setting) -> Time {
        Time(
            setting
                .clocks
                .map_or(EVER, |clocks| NOW + i64::from(clocks.skew)),
        )
    }

    /// Whether the hold may be taken over: it ran out on the fastest clock, and without clocks always. While
    /// runs are alive it counts as a fault.
    pub(crate) fn is_reclaimable(&self, setting: &Setting) -> bool {
        let over = self
            .session()
            .lease
            .is_some_and(|lease| lease < Self::now(setting));
        over && (self.runs.is_empty() || self.left.early > 0)
    }

    /// Accounts for a takeover while runs are alive.
    pub(crate) fn take_early(&mut self, tally: &Tally) {
        if !self.runs.is_empty() {
            tally.count(Event::TakenOverAlive);
            self.left.early -= 1;
        }
    }

    /// The lowest invocation that nothing names.
    pub(crate) fn fresh_by(&self, taken: &[u64]) -> u64 {
        let named = |by: &u64| {
            taken.contains(by)
                || self
                    .session()
                    .out
                    .as_ref()
                    .is_some_and(|out| out.by.0 == *by)
                || self
                    .session()
                    .intents
                    .values()
                    .any(|claim| claim.by.0 == *by)
                || self.runs.iter().any(|run| run.phase.names(*by))
        };
        (1..).find(|by| !named(by)).unwrap_or_default()
    }

    /// The lowest owner that nothing names.
    pub(crate) fn fresh_owner(&self) -> u64 {
        let named = |owner: &u64| {
            self.session().owner == Some(OwnerId(*owner))
                || self.runs.iter().any(|run| run.hold.owner == *owner)
        };
        (1..).find(|owner| !named(owner)).unwrap_or_default()
    }

    /// Writes a transcript item.
    pub(crate) fn write_down(&mut self, plan: Plan) -> u64 {
        let id = (1..)
            .find(|id| !self.plans.contains_key(id))
            .unwrap_or_default();
        self.plans.insert(id, plan);
        id
    }

    /// Whether `plan` is `earlier` or continues it.
    pub(crate) fn continues(plans: &BTreeMap<u64, Plan>, plan: u64, earlier: u64) -> bool {
        let mut next = Some(plan);
        while let Some(plan) = next {
            if plan == earlier {
                return true;
            }
            next = plans.get(&plan).and_then(|plan| plan.previous);
        }
        false
    }

    /// Puts what does not matter in order: whose turn it is among equal runs, plans that nobody names.
    pub(crate) fn tidy(&mut self) {
        self.runs.sort_unstable();
        let mut named: Vec<u64> = Vec::with_capacity(8);
        named.extend(self.session().plan.map(|plan| plan.0));
        named.extend(self.session().out.as_ref().map(|out| out.plan.0));
        named.extend(self.runs.iter().flat_map(|run| run.phase.plans()).flatten());
        named.extend(self.ledger.plans());
        let mut at = 0;
        while at < named.len() {
            let before = self.plans.get(&named[at]).and_then(|plan| plan.previous);
            named.extend(before.filter(|plan| !named.contains(plan)));
            at += 1;
        }
        self.plans.retain(|id, _| named.contains(id));
    }

    /// Nothing is left to do.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.runs.is_empty()
            && self.session().owner.is_none()
            && self.mail.iter().all(|mail| *mail != Mail::Unacknowledged)
            && self.desk.approval != Approval::Pending
    }

    /// What must be true of a world in which nothing is left to do, or that does not come to rest.
    pub(crate) fn verify(&self, setting: &Setting) -> Result<(), Broken> {
        let faults = u32::from(setting.faults.crashes)
            + u32::from(setting.faults.early)
            + u32::from(setting.faults.failures);
        let worn = self.session().tries > setting.tries + faults + 2;
        hold_true(!worn, I8, "the hold is taken over again and again")?;
        let restless = usize::from(self.ledger.superseded) > 3 * self.mail.len() + 3;
        hold_true(!restless, I8, "a turn is superseded again and again")?;
        if self.is_at_rest() {
            let sent =
                (0..self.mail.len()).filter(|letter| self.mail[*letter] == Mail::Acknowledged);
            self.ledger.verify(sent)?;
        }
        Ok(())
    }
}

pub(crate) fn id_of(letter: usize) -> &'static str {
    IDS[letter]
}

pub(crate) fn letter_of(id: &str) -> usize {
    IDS.iter()
        .position(|known| *known == id)
        .unwrap_or(IDS.len())
}

pub(crate) fn message(setting: &Setting, letter: usize) -> Pending {
    Pending {
        id: id_of(letter).to_owned(),
        text: String::new(),
        at: Time(0),
        origin: match setting.letters[letter] {
            From::Contact | From::Redrive => Origin::Contact,
            From::Approval => Origin::Approval { id: String::new() },
            From::Person => Origin::Person {
                name: String::new(),
            },
        },
    }
}

pub(crate) fn letter_of_hash(hash: MessageHash) -> usize {
    let known = |id: &&str| MessageHash::of(id) == hash;
    IDS.iter().position(known).unwrap_or(IDS.len())
}

pub(crate) fn invocation(by: u64) -> InvocationId {
    InvocationId(by)
}

pub(crate) fn plan_id(plan: u64) -> PlanId {
    PlanId(plan)
}

impl Held {
    pub(crate) fn hold(self) -> Hold {
        Hold {
            owner: OwnerId(self.owner),
            fence: self.fence,
        }
    }
}

impl std::convert::From<Hold> for Held {
    fn from(hold: Hold) -> Self {
        Self {
            owner: hold.owner.0,
            fence: hold.fence,
        }
    }
}
