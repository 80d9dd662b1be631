//! Commands that no worker in its right mind would send, on the verge of being accepted.

use super::dice::Dice;
use super::{
    Chain, Claim, Command, Consent, Hold, Intended, InvocationId, Next, Origin, OwnerId, Pending,
    PlanId, Rotate, Session, Step, Terms, Time,
};

/// Small, so that the generations of seen messages rotate often.
const SEEN_CAPACITY: usize = 3;

/// Draws commands that fit the session as it is, each detail now and then off by a little.
pub(super) struct Adversary {
    dice: Dice,
    now: i64,
}

impl Adversary {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            now: 1_000,
        }
    }

    pub(super) fn command(&mut self, session: &Session) -> Command {
        self.now += self.dice.pick(&[0, 1, 5, 40]);
        if session.owner.is_none() && session.delivered > 0 && self.dice.one_in(2) {
            let turn = self.near(session.delivered);
            return Command::Close { turn };
        }
        if self.dice.one_in(15) {
            return self.take_over(session);
        }
        match self.dice.below(16) {
            0..=3 => self.accept(),
            4 => self.reclaim(session),
            5 => Command::Renew {
                hold: self.hold(session),
                until: self.until(),
            },
            6 | 7 => Command::Claim {
                step: self.step(session),
                chain: self.chain(session),
                intent: self.dice.pick(&["charge:#1", "mail.\"2\""]).to_owned(),
                by: self.invocation(),
                until: self.until(),
                calm: self.upto(session),
                commits: !self.dice.one_in(3),
            },
            8 | 9 => self.gate(session),
            10 | 11 => self.finish(session),
            12 => Command::Recover {
                hold: self.hold(session),
                turn: self.near(session.delivered),
                next: self.next(),
                rotate: self.rotate(session),
            },
            13 => Command::Skip {
                step: self.step(session),
                from: self.near(session.head()),
                count: self.dice.pick(&[1, 1, 2]),
            },
            14 => self.take_up(session),
            _ => Command::Free {
                step: self.step(session),
            },
        }
    }

    fn take_up(&mut self, session: &Session) -> Command {
        let claims: Vec<_> = session.intents.iter().collect();
        let (intent, from) = match claims.as_slice() {
            [] => {
                let fence = session.fence;
                (
                    "charge:#1".to_owned(),
                    Claim {
                        fence,
                        by: self.invocation(),
                    },
                )
            }
            claims => {
                let (intent, claim) = self.dice.pick(claims);
                (intent.clone(), *claim)
            }
        };
        let stale = Claim {
            fence: from.fence,
            by: self.invocation(),
        };
        Command::TakeUp {
            step: self.step(session),
            intent,
            from: if self.dice.one_in(4) { stale } else { from },
            by: self.invocation(),
            until: self.until(),
        }
    }

    fn accept(&mut self) -> Command {
        let message = Pending {
            id: format!("m{}", self.dice.below(12)),
            text: "\"Où?\" \u{1f98a}\n".to_owned(),
            at: Time(self.now),
            origin: self.origin(),
        };
        Command::Accept {
            owner: OwnerId::of_message(&message.id),
            message,
            until: self.until(),
            inbox_limit: 4,
        }
    }

    fn origin(&mut self) -> Origin {
        let name = "ann \"a\"".to_owned();
        match self.dice.below(8) {
            0 => Origin::Person { name },
            1 => Origin::Approval { id: name },
            _ => Origin::Contact,
        }
    }

    fn reclaim(&mut self, session: &Session) -> Command {
        Command::Reclaim {
            from: self.hold(session),
            now: Time(self.now),
            owner: OwnerId(self.dice.next()),
            until: self.until(),
        }
    }

    fn gate(&mut self, session: &Session) -> Command {
        let from = self.near(session.head());
        Command::Gate {
            step: self.step(session),
            chain: self.chain(session),
            from,
            upto: from + self.dice.pick(&[0, 0, 1, 2]),
            by: self.invocation(),
            until: self.until(),
            terms: Terms {
                verdict: self.dice.pick(&[Intended::Answered, Intended::Other]),
                calm: self.dice.one_in(3),
                effects: self.near(session.intents.len() as u64),
                spent: self.dice.pick(&[0, 0, 250]),
                tokens: self.dice.pick(&[0, 0, 90]),
                consent: self.consent(),
            },
        }
    }

    /// Now and then, a person takes the session over, hands it back or ends the conversation.
    fn take_over(&mut self, session: &Session) -> Command {
        let person = self
            .dice
            .pick(&["ann@example.com", "ann@example.com", "bo"]);
        let turn = self.near(session.delivered);
        match self.dice.below(4) {
            0 | 1 => Command::TakeOver {
                person: person.to_owned(),
            },
            2 => Command::HandBack,
            _ => Command::Close { turn },
        }
    }

    fn upto(&mut self, session: &Session) -> Option<u64> {
        let upto = self.near(session.arrivals);
        self.dice.pick(&[None, Some(upto)])
    }

    fn consent(&mut self) -> Option<Consent> {
        let consent = self.dice.pick(&[Consent::OptOut, Consent::OptIn]);
        self.dice.one_in(5).then_some(consent)
    }

    fn finish(&mut self, session: &Session) -> Command {
        let sender = session.out.as_ref().map(|out| out.by);
        let other = self.invocation();
        Command::Finish {
            hold: self.hold(session),
            turn: self.near(session.delivered),
            by: sender.filter(|_| !self.dice.one_in(8)).unwrap_or(other),
            next: self.next(),
            rotate: self.rotate(session),
        }
    }

    fn hold(&mut self, session: &Session) -> Hold {
        let owner = session.owner.filter(|_| !self.dice.one_in(12));
        Hold {
            owner: owner.unwrap_or(OwnerId(7)),
            fence: self.near(session.fence),
        }
    }

    fn step(&mut self, session: &Session) -> Step {
        Step {
            hold: self.hold(session),
            turn: self.near(session.delivered + 1),
        }
    }

    fn chain(&mut self, session: &Session) -> Chain {
        let other = PlanId(self.dice.below(3));
        let bound = session.plan.filter(|_| !self.dice.one_in(6));
        let previous = self.dice.pick(&[None, bound, Some(PlanId(1))]);
        let plan = self.dice.pick(&[bound.unwrap_or(other), other]);
        Chain { plan, previous }
    }

    fn next(&mut self) -> Next {
        let until = self.until();
        self.dice.pick(&[Next::Free, Next::Round(until)])
    }

    fn rotate(&mut self, session: &Session) -> Rotate {
        let full = session.to_spill(SEEN_CAPACITY).is_some();
        if full { Rotate::Spilled } else { Rotate::No }
    }

    fn invocation(&mut self) -> InvocationId {
        InvocationId(self.dice.below(4))
    }

    fn until(&mut self) -> Time {
        Time(self.now + self.dice.pick(&[10, 20]))
    }

    fn near(&mut self, number: u64) -> u64 {
        match self.dice.below(20) {
            0 => number + 1,
            1 => number.saturating_sub(1),
            _ => number,
        }
    }
}
