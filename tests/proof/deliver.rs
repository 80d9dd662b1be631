//! `turn-deliver` and `turn-fail`: the gate, the send, what a dead hold left in the outbox, giving up.

use engine::session::{Refusal, Session};

use super::run::{Call, Entry, Found, Held, Parcel, Phase, Plan, Run, Says, Undoing, Verdict};
use super::setting::Slip;
use super::step::{Choice, Scene, Stepped, time};
use super::tally::Event;
use super::world::World;

impl World {
    pub(super) fn judge(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        turn: u64,
        plan: u64,
        then: Entry,
        choice: Choice,
    ) -> Stepped {
        let verdict = match &self.plans[&plan].says {
            Says::Failed => Some(Verdict::Failed),
            Says::HandedOff => Some(Verdict::HandedOff),
            Says::Stopped => Some(Verdict::Refused),
            _ if !scene.setting.carrier => None,
            _ if choice == Choice::Evidence => {
                scene.tally.count(Event::EvidenceFound);
                Some(Verdict::Answered)
            }
            _ => Some(Verdict::Unconfirmed),
        };
        if let Some(verdict) = verdict {
            self.ledger.pronounce(turn, verdict);
        }
        if self
            .session()
            .out
            .as_ref()
            .is_none_or(|out| out.turn != turn)
        {
            return Ok(None);
        }
        let (free, rotate) = self.room(scene);
        let _ = hold;
        Ok(Some(Phase::Recover {
            turn,
            free,
            rotate,
            then,
        }))
    }

    pub(super) fn recover(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        (turn, free, rotate, then): (u64, bool, bool, Entry),
    ) -> Stepped {
        Ok(match self.issue(scene, run, 0)? {
            Ok(()) => {
                scene.tally.count(Event::Recovered);
                self.is_held(run.hold).then_some(Phase::Enter(then))
            }
            Err(Refusal::Waiting) if free => Some(Phase::Recover {
                turn,
                free: false,
                rotate,
                then,
            }),
            Err(_) => None,
        })
    }

    /// Whether to let go at the end of the turn, and whether ids change generation; spills those that go.
    fn room(&mut self, scene: Scene<'_>) -> (bool, bool) {
        let oldest = self.session().to_spill(scene.setting.seen_capacity);
        let rotate = oldest.is_some();
        let letters: Vec<usize> = oldest
            .unwrap_or_default()
            .iter()
            .map(|hash| super::world::letter_of_hash(*hash))
            .collect();
        if scene.setting.slip != Slip::ForgetsToSpill {
            for letter in letters {
                scene.tally.count(Event::Spilled);
                self.spilled |= 1 << letter;
            }
        }
        (self.session().inbox.is_empty(), rotate)
    }

    pub(super) fn gate(&mut self, scene: Scene<'_>, run: &Run, parcel: Parcel) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        if scene.setting.slip == Slip::SendsBeforeTheGate && scene.setting.carrier {
            let session = self.session().clone();
            self.ledger.send(&session, scene.setting, run.hold, turn)?;
        }
        let answer = self.issue(scene, run, 0)?;
        let mine = |session: &Session| {
            session
                .out
                .as_ref()
                .is_some_and(|out| out.by.0 == parcel.by)
        };
        Ok(match answer {
            Ok(()) => Some(self.passed(scene, parcel)),
            Err(_) if mine(self.session()) => Some(self.passed(scene, parcel)),
            Err(refusal @ (Refusal::Superseded | Refusal::HandedOff)) => {
                if refusal == Refusal::Superseded {
                    scene.tally.count(Event::GateRefusedCalm);
                    self.ledger.superseded += 1;
                }
                Some(Phase::Enter(match parcel.bound {
                    Some(previous) => Entry::GoOn { turn, previous },
                    None => Entry::Again,
                }))
            }
            Err(_) => None,
        })
    }

    fn passed(&mut self, scene: Scene<'_>, parcel: Parcel) -> Phase {
        let (free, rotate) = self.room(scene);
        match self.plans[&parcel.plan].says {
            Says::Failed => Phase::Settle {
                parcel,
                free,
                rotate,
                verdict: Verdict::Failed,
            },
            Says::HandedOff => Phase::Settle {
                parcel,
                free,
                rotate,
                verdict: Verdict::HandedOff,
            },
            Says::Stopped => Phase::Settle {
                parcel,
                free,
                rotate,
                verdict: Verdict::Refused,
            },
            _ if scene.setting.carrier => Phase::Send {
                parcel,
                free,
                rotate,
            },
            _ => Phase::Finish {
                parcel,
                free,
                rotate,
            },
        }
    }

    pub(super) fn send(
        &mut self,
        scene: Scene<'_>,
        hold: Held,
        parcel: Parcel,
        (free, rotate): (bool, bool),
        choice: Choice,
    ) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        let settle = |verdict| Phase::Settle {
            parcel,
            free,
            rotate,
            verdict,
        };
        if parcel.left < 0 && scene.setting.slip != Slip::BeginsTooLate {
            scene.tally.count(Event::TooLate);
            return Ok(Some(settle(Verdict::Unconfirmed)));
        }
        if self.plans[&parcel.plan].says == Says::Words {
            scene.tally.count(Event::Relayed);
        }
        if choice != Choice::NotDoneUnseen && scene.setting.slip != Slip::SendsBeforeTheGate {
            let session = self.session().clone();
            self.ledger.send(&session, scene.setting, hold, turn)?;
        }
        Ok(Some(match choice {
            Choice::DoneUnseen | Choice::NotDoneUnseen => {
                self.left.timeouts -= 1;
                settle(Verdict::Unconfirmed)
            }
            _ => Phase::Finish {
                parcel,
                free,
                rotate,
            },
        }))
    }

    pub(super) fn finish(
        &mut self,
        scene: Scene<'_>,
        run: &Run,
        parcel: Parcel,
        free: bool,
        rotate: bool,
    ) -> Stepped {
        let turn = self.plans[&parcel.plan].turn;
        let on = |world: &Self| {
            world
                .is_held(run.hold)
                .then_some(Phase::Enter(Entry::Again))
        };
        Ok(match self.issue(scene, run, 0)? {
            Ok(()) => on(self),
            Err(Refusal::Waiting) if free => Some(Phase::Finish {
                parcel,
                free: false,
                rotate,
            }),
            Err(Refusal::NotInOutbox) => {
                let session = self.session();
                let last = session.last.is_some_and(|last| last.turn == turn);
                (session.out.is_none() && last).then(|| on(self)).flatten()
            }
            Err(_) => None,
        })
    }

    /// `turn-fail`.
    pub(super) fn fail(&mut self, scene: Scene<'_>, hold: Held) -> Option<Phase> {
        let session = self.session();
        if !self.is_held(hold) || session.out.is_some() || session.inbox.is_empty() {
            return None;
        }
        let settled = |intent: &String| self.results.contains_key(intent);
        if !session.intents.keys().all(settled) {
            return None;
        }
        let bound = session.plan.map(|plan| plan.0);
        let mut undo = self.next_undo(scene.setting, bound);
        while let Some(tried) = undo.take_if(|call| self.was_tried(hold, call)) {
            // The functions that were to make it failed.
            scene.tally.count(Event::UndoGivenUp);
            self.results.insert(tried.intent, Found::Unknown);
            undo = self.next_undo(scene.setting, bound);
        }
        if let Some(call) = &undo {
            self.undoing.push((hold.fence, call.intent.clone()));
        }
        let session = self.session();
        let known = bound.and_then(|plan| self.plans.get(&plan));
        let undoes = undo.is_some();
        let plan = Plan {
            turn: session.delivered + 1,
            fence: hold.fence,
            round: known.map_or(0, |plan| plan.round + 1),
            from: session.head(),
            upto: match known {
                Some(plan) if undoes => plan.upto,
                _ => session.arrivals,
            },
            previous: bound,
            repeats: 0,
            finish: false,
            calm: false,
            effects: session.intents.len() as u64,
            undoing: undoes.then_some(Undoing::Failed),
            says: undo.map_or(Says::Failed, |call| Says::Call(vec![call])),
        };
        if undoes {
            scene.tally.count(Event::UndoPlanned);
        }
        let plan = self.write_down(plan);
        Some(self.output(scene, plan, bound))
    }

    /// Whether this hold has planned the undo before.
    fn was_tried(&self, hold: Held, call: &Call) -> bool {
        let planned =
            |(fence, intent): &(u64, String)| *fence == hold.fence && *intent == call.intent;
        self.undoing.iter().any(planned)
    }

    pub(super) fn deliver(&self, scene: Scene<'_>, plan: u64, bound: Option<u64>) -> Phase {
        Phase::Gate(Parcel {
            plan,
            bound,
            by: self.fresh_by(&[]),
            left: time(scene.setting),
        })
    }
}
