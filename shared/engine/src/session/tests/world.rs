//! A provider, webhooks, a sweep and runs that follow the protocol around one session, with every
//! fault that we promise to survive.

use std::collections::{BTreeMap, BTreeSet};

use super::dice::Dice;
use super::items::{Effect, Plan, Record, Sent, Verdict};
use super::ledger::{Broken, Ledger, hold_true};
use super::worker::Run;
use super::{
    Applied, Command, Hold, InvocationId, MessageHash, Origin, OwnerId, Pending, PlanId, Refusal,
    Session, Time,
};

/// The machine under test, or a broken likeness.
pub(super) type Apply = fn(&mut Session, &Command) -> Result<(), Refusal>;

/// The time a worker may spend on one effect or send.
pub(super) const WORK: i64 = 12;
/// The clock skew allowed between two hosts.
pub(super) const SKEW: i64 = 4;
/// A lease that outlives the work on any clock.
pub(super) const LEASE: i64 = WORK + SKEW + 1;
/// Reclaims after which a turn is given up.
pub(super) const TRIES: u32 = 4;
/// Small, so that the generations of seen messages rotate often.
pub(super) const SEEN_CAPACITY: usize = 2;
const INBOX_LIMIT: usize = 6;

/// How this world differs from another.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub(super) seed: u64,
    pub(super) apply: Apply,
    /// How long claim, gate and renew extend the hold.
    pub(super) lease: i64,
    /// Whether to print every command.
    pub(super) told: bool,
}

/// How often each thing happened.
pub(super) type Tally = BTreeMap<&'static str, u64>;

pub(super) struct World {
    pub(super) dice: Dice,
    setting: Setting,
    pub(super) session: Session,
    pub(super) now: i64,
    pub(super) ledger: Ledger,
    pub(super) transcript: BTreeMap<PlanId, Plan>,
    pub(super) records: BTreeMap<String, Record>,
    pub(super) verdicts: BTreeMap<u64, Verdict>,
    pub(super) settled: BTreeMap<u64, Verdict>,
    pub(super) gated: BTreeMap<u64, PlanId>,
    pub(super) spilled: BTreeSet<MessageHash>,
    pub(super) effects: Vec<Effect>,
    pub(super) sends: Vec<Sent>,
    /// Whether the channel drops a repeated send by its key.
    pub(super) keyed: bool,
    /// What the provider delivers until it is acknowledged, and sometimes after.
    mail: Vec<(String, bool)>,
    runs: Vec<Run>,
    /// Copies of commands that are still on their way.
    pub(super) late: Vec<Command>,
    faults: bool,
    pub(super) tally: Tally,
}

impl World {
    /// Lives a random life with faults, then one without, and checks that all is settled.
    pub(super) fn live(setting: Setting) -> Result<Tally, Broken> {
        let mut world = Self::new(setting);
        for _ in 0..220 {
            world.happen()?;
        }
        world.faults = false;
        world.come_to_rest()?;
        world.verify()?;
        Ok(world.tally)
    }

    fn new(setting: Setting) -> Self {
        let mut dice = Dice::new(setting.seed);
        Self {
            keyed: dice.one_in(2),
            dice,
            setting,
            session: Session::default(),
            now: 1_000,
            ledger: Ledger::default(),
            transcript: BTreeMap::new(),
            records: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            settled: BTreeMap::new(),
            gated: BTreeMap::new(),
            spilled: BTreeSet::new(),
            effects: Vec::new(),
            sends: Vec::new(),
            mail: Vec::new(),
            runs: Vec::new(),
            late: Vec::new(),
            faults: true,
            tally: Tally::new(),
        }
    }

    fn happen(&mut self) -> Result<(), Broken> {
        self.now += self.dice.pick(&[0, 0, 1, 1, 2]);
        match self.dice.below(40) {
            0..=2 => self.write_to_the_bot(),
            3 | 4 => self.deliver_again()?,
            5 => self.sweep(),
            6 if self.dice.one_in(2) => {
                self.count("stalled");
                self.now += LEASE + SKEW;
            }
            7 if self.dice.one_in(2) => self.hand_over(),
            8 => self.retry_a_task(),
            9 | 10 => self.land_a_late_command()?,
            _ => self.step_a_run()?,
        }
        Ok(())
    }

    fn write_to_the_bot(&mut self) {
        let number = self.mail.len();
        let kind = if self.dice.one_in(60) { "poison" } else { "m" };
        self.mail.push((format!("{kind}{number}"), false));
    }

    fn deliver_again(&mut self) -> Result<(), Broken> {
        if self.mail.is_empty() {
            return Ok(());
        }
        let place = self.dice.below(self.mail.len() as u64);
        self.webhook(usize::try_from(place).expect("fits"))
    }

    /// A webhook: accept, acknowledge, and start or reclaim as rule 1 says.
    fn webhook(&mut self, place: usize) -> Result<(), Broken> {
        let id = self.mail[place].0.clone();
        if self.mail[place].1 {
            self.count("delivered after the acknowledgement");
        }
        let skew = self.skew();
        let me = OwnerId::of_message(&id);
        let command = Command::Accept {
            message: Pending {
                id,
                text: String::new(),
                at: Time(self.now),
                origin: Origin::Contact,
            },
            owner: me,
            until: self.until(skew),
            inbox_limit: INBOX_LIMIT,
        };
        let answer = self.write(&command)?;
        if self.fault(12) {
            self.count("webhook died after accept");
            return Ok(());
        }
        if let Applied::Refused(Refusal::Full, _) = answer {
            self.count("inbox full");
            return Ok(());
        }
        let (Applied::Done(session) | Applied::Refused(_, session)) = answer;
        self.mail[place].1 = true;
        let Some(hold) = session.hold() else {
            return Ok(());
        };
        let expired = session.lease.is_some_and(|lease| lease.0 < self.now + skew);
        if expired {
            self.start(Run::reclaiming(hold, me, skew));
        } else if hold.owner == me {
            self.start(Run::holding(hold, skew));
        }
        Ok(())
    }

    fn sweep(&mut self) {
        let skew = self.skew();
        let expired = self
            .session
            .lease
            .is_some_and(|lease| lease.0 < self.now + skew);
        if let (Some(hold), true) = (self.session.hold(), expired) {
            let me = OwnerId(self.dice.next());
            self.start(Run::reclaiming(hold, me, skew));
        }
    }

    fn start(&mut self, run: Run) {
        if self.fault(12) {
            self.count("start lost");
            return;
        }
        if self.fault(10) {
            self.count("execution ran twice");
            let by = self.fresh();
            self.runs.push(run.clone().retried(by));
        }
        let by = self.fresh();
        self.runs.push(run.retried(by));
    }

    fn hand_over(&mut self) {
        let takes_over = self.session.handoff.is_none() && self.dice.one_in(5);
        self.session.handoff = takes_over.then(|| {
            self.count("handed over");
            "ann".to_owned()
        });
    }

    /// The orchestrator retries a task while the first try may still be at work.
    fn retry_a_task(&mut self) {
        if let Some(place) = self.some_run() {
            self.count("task retried");
            let by = self.fresh();
            let retried = self.runs[place].clone().retried(by);
            self.runs.push(retried);
        }
    }

    /// A client that gave up waiting sends again; the first try may still arrive.
    fn land_a_late_command(&mut self) -> Result<(), Broken> {
        let Some(command) = self.late.pop() else {
            return Ok(());
        };
        if let Applied::Done(_) = self.write(&command)? {
            self.count("late command landed");
        }
        Ok(())
    }

    fn some_run(&mut self) -> Option<usize> {
        let runs = self.runs.len() as u64;
        (runs > 0).then(|| usize::try_from(self.dice.below(runs)).expect("fits"))
    }

    fn step_a_run(&mut self) -> Result<(), Broken> {
        let Some(place) = self.some_run() else {
            return Ok(());
        };
        let run = self.runs.swap_remove(place);
        if self.fault(40) {
            self.count(run.phase.crash());
            return Ok(());
        }
        if let Some(run) = run.step(self)? {
            self.runs.push(run);
        }
        Ok(())
    }

    /// No more faults: the provider delivers what was not acknowledged, the sweep sweeps.
    fn come_to_rest(&mut self) -> Result<(), Broken> {
        for _ in 0..2_000 {
            if let Some(place) = self.mail.iter().position(|(_, acknowledged)| !acknowledged) {
                self.webhook(place)?;
            }
            self.now += 1;
            if !self.runs.is_empty() {
                self.step_a_run()?;
            } else if self.session.owner.is_some() {
                self.now += self.setting.lease + SKEW + 1;
                self.sweep();
            } else if self.mail.iter().all(|(_, acknowledged)| *acknowledged) {
                return Ok(());
            }
        }
        Err(format!("never came to rest: {:?}", self.session))
    }

    /// One atomic command, with every invariant checked after it.
    pub(super) fn write(&mut self, command: &Command) -> Result<Applied, Broken> {
        let before = self.session.clone();
        let answer = (self.setting.apply)(&mut self.session, command);
        self.tell(|| format!("{command:?} -> {answer:?}"));
        if let Err(refusal) = answer {
            hold_true(before == self.session, "a refusal changed the session")?;
            return Ok(Applied::Refused(refusal, before.into()));
        }
        self.ledger.follow(&before, command, &self.session)?;
        if let (Command::Finish { .. } | Command::Recover { .. }, Some(out)) = (command, before.out)
        {
            let verdict = self.verdicts.get(&out.turn).copied();
            let verdict = verdict.unwrap_or(Verdict::Answered);
            self.settled.insert(out.turn, verdict);
            self.gated.insert(out.turn, out.plan);
            self.count(verdict.name());
        }
        Ok(Applied::Done(self.session.clone().into()))
    }

    /// The ids that the provider counts as delivered.
    pub(super) fn delivered(&self) -> impl Iterator<Item = &String> {
        self.mail
            .iter()
            .filter(|(_, acknowledged)| *acknowledged)
            .map(|(id, _)| id)
    }

    /// Writes the verdict of turn `turn` unless it has one.
    pub(super) fn pronounce(&mut self, turn: u64, verdict: Verdict) -> Result<(), Broken> {
        let said = *self.verdicts.entry(turn).or_insert(verdict);
        let settled = self.settled.get(&turn);
        hold_true(settled.is_none_or(|was| *was == said), "a second verdict")
    }

    pub(super) fn tell(&self, what: impl FnOnce() -> String) {
        if self.setting.told {
            println!("{} {}", self.now, what());
        }
    }

    pub(super) fn held_by(&self, hold: Hold) -> bool {
        self.session.hold() == Some(hold)
    }

    pub(super) fn until(&self, skew: i64) -> Time {
        Time(self.now + skew + self.setting.lease)
    }

    pub(super) fn fault(&mut self, odds: u64) -> bool {
        self.faults && self.dice.one_in(odds)
    }

    pub(super) fn fresh(&mut self) -> InvocationId {
        InvocationId(self.dice.next())
    }

    fn skew(&mut self) -> i64 {
        self.dice.pick(&[-SKEW / 2, 0, SKEW / 2])
    }

    pub(super) fn count(&mut self, event: &'static str) {
        *self.tally.entry(event).or_default() += 1;
    }
}
