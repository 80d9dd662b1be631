//! What a run writes and does outside: claims, effects, gate, send, finish.

use super::*;

impl Run {
    pub(super) fn renew(&mut self, world: &mut World, next: Phase) -> Stepped {
        let until = self.until(world);
        let hold = self.hold;
        let answer = self.write(world, Command::Renew { hold, until })?;
        Ok(match answer {
            None => Some(self.phase.clone()),
            Some(Applied::Done(_) | Applied::Refused(Refusal::NotLater, _)) => Some(next),
            Some(Applied::Refused(..)) => None,
        })
    }

    /// Makes an earlier hold's claim its own.
    pub(super) fn take_up(
        &mut self,
        world: &mut World,
        plan: PlanId,
        at: usize,
        from: Claim,
    ) -> Stepped {
        let command = Command::TakeUp {
            step: self.at(world.transcript[&plan].turn),
            intent: call(world, plan, at).expect("a call"),
            from,
            by: self.by,
            until: self.until(world),
        };
        Ok(match self.write(world, command)? {
            None => Some(Phase::TakeUp { plan, at, from }),
            Some(Applied::Done(_)) => Some(Phase::Effect { plan, at }),
            Some(Applied::Refused(Refusal::Claimed(claim), _)) if claim.by == self.by => {
                Some(Phase::Effect { plan, at })
            }
            Some(Applied::Refused(..)) => None,
        })
    }

    pub(super) fn claim(&mut self, world: &mut World, plan: PlanId, at: usize) -> Stepped {
        let Some(intent) = call(world, plan, at) else {
            let batch = batch(&world.transcript[&plan], plan);
            let session = world.session.clone();
            return Ok(Some(self.judge(world, &session, batch).unwrap_or(
                Phase::Think {
                    turn: batch,
                    round: self.round + 1,
                },
            )));
        };
        self.by = if self.lost.is_some() {
            self.by
        } else {
            world.fresh()
        };
        let command = Command::Claim {
            step: self.at(world.transcript[&plan].turn),
            chain: self.chain(plan),
            intent,
            by: self.by,
            until: self.until(world),
            calm: None,
            commits: true,
        };
        let answer = self.write(world, command)?;
        match answer {
            None => Ok(Some(Phase::Claim { plan, at })),
            Some(Applied::Done(_)) => {
                self.bound = Some(plan);
                Ok(Some(Phase::Effect { plan, at }))
            }
            Some(Applied::Refused(Refusal::Claimed(claim), _)) => {
                Ok(self.find_claimed(world, plan, at, claim))
            }
            Some(Applied::Refused(Refusal::HandedOff, session)) => {
                if self.awaits_another(world, &session) {
                    world.count("left the turn to another invocation");
                    return Ok(None);
                }
                let batch = batch(&world.transcript[&plan], plan);
                Ok(Some(self.conclude(world, batch, Verdict::HandedOff)))
            }
            Some(Applied::Refused(..)) => Ok(None),
        }
    }

    /// Rule 4: an intent found claimed.
    fn find_claimed(
        &mut self,
        world: &mut World,
        plan: PlanId,
        at: usize,
        claim: Claim,
    ) -> Option<Phase> {
        let intent = call(world, plan, at).expect("a call");
        let done = Phase::Claim { plan, at: at + 1 };
        if world.records.contains_key(&intent) {
            world.count("stored result used");
            return Some(done);
        }
        if claim.fence == self.hold.fence {
            let mine = claim.by == self.by;
            self.bound = if mine { Some(plan) } else { self.bound };
            return mine.then_some(Phase::Effect { plan, at });
        }
        if idempotent(&intent) && world.session.tries <= TRIES {
            world.count("run again with the same key");
            let from = claim;
            return Some(Phase::TakeUp { plan, at, from });
        }
        world.count("unknown");
        world.records.insert(intent, Record::Unknown);
        Some(done)
    }

    /// Whether another invocation under this hold may yet act on its claim: the turn is not ours to end.
    fn awaits_another(&self, world: &World, session: &Session) -> bool {
        session.intents.iter().any(|(intent, claim)| {
            claim.fence == self.hold.fence && !world.records.contains_key(intent)
        })
    }

    pub(super) fn effect(&mut self, world: &mut World, plan: PlanId, at: usize) -> Stepped {
        if world.now - self.issued > WORK {
            world.count("too late for the effect");
            return Ok(None);
        }
        let key = call(world, plan, at).expect("a call");
        let repeat = idempotent(&key) && world.effects.iter().any(|effect| effect.key == key);
        hold_true(
            repeat || world.held_by(self.hold),
            "an effect under an old fence",
        )?;
        world.effects.push(Effect { key, plan });
        world.count("effect");
        Ok(Some(Phase::Record { plan, at }))
    }

    pub(super) fn gate(&mut self, world: &mut World, plan: PlanId) -> Stepped {
        let stored = world.transcript[&plan].clone();
        self.by = if self.lost.is_some() {
            self.by
        } else {
            world.fresh()
        };
        let reply = matches!(stored.says, Says::Reply);
        let command = Command::Gate {
            step: self.at(stored.turn),
            chain: self.chain(plan),
            from: stored.from,
            upto: stored.upto,
            by: self.by,
            until: self.until(world),
            terms: Terms {
                verdict: if reply {
                    Intended::Answered
                } else {
                    Intended::Other
                },
                effects: stored.effects,
                ..Terms::default()
            },
        };
        let answer = self.write(world, command)?;
        Ok(match answer {
            None => Some(Phase::Gate { plan }),
            Some(Applied::Done(_)) => Some(Phase::Send { plan }),
            Some(Applied::Refused(Refusal::HandedOff, _)) => {
                let batch = batch(&stored, plan);
                Some(self.conclude(world, batch, Verdict::HandedOff))
            }
            Some(Applied::Refused(_, session)) => session
                .out
                .as_ref()
                .filter(|out| out.by == self.by && out.fence == self.hold.fence)
                .map(|_| Phase::Send { plan }),
        })
    }

    pub(super) fn send(&mut self, world: &mut World, plan: PlanId) -> Stepped {
        let stored = world.transcript[&plan].clone();
        let Plan {
            turn, from, upto, ..
        } = stored;
        let recovers = matches!(self.phase, Phase::Resend { .. });
        let done = Phase::Finish { turn, recovers };
        if let Says::End(verdict) = stored.says {
            world.pronounce(turn, verdict)?;
            return Ok(Some(done));
        }
        if world.now - self.issued > WORK {
            world.count("too late for the send");
            return Ok(None);
        }
        let repeat = world.keyed && world.sends.iter().any(|sent| sent.turn == turn);
        hold_true(
            repeat || world.held_by(self.hold),
            "a send under an old fence",
        )?;
        world.sends.push(Sent { turn, from, upto });
        Ok(Some(done))
    }

    pub(super) fn finish(&mut self, world: &mut World, turn: u64, recovers: bool) -> Stepped {
        let session = world.session.clone();
        if recovers && self.lost.is_none() {
            let Some(out) = session.out.as_ref().filter(|out| out.turn == turn) else {
                return Ok(None);
            };
            let verdict = evidence(world, out.plan);
            world.pronounce(turn, verdict)?;
        }
        let rotate = match session.to_spill(SEEN_CAPACITY) {
            Some(oldest) => {
                world.spilled.extend(oldest);
                Rotate::Spilled
            }
            None => Rotate::No,
        };
        let next = match session.inbox.is_empty() {
            true => Next::Free,
            false => Next::Round(self.until(world)),
        };
        let (hold, by) = (self.hold, self.by);
        let command = match recovers {
            true => Command::Recover {
                hold,
                turn,
                next,
                rotate,
            },
            false => Command::Finish {
                hold,
                turn,
                by,
                next,
                rotate,
            },
        };
        let answer = self.write(world, command)?;
        Ok(match answer {
            None | Some(Applied::Refused(Refusal::Waiting, _)) => {
                Some(Phase::Finish { turn, recovers })
            }
            Some(Applied::Done(session)) => (session.hold() == Some(hold)).then_some(Phase::Begin),
            Some(Applied::Refused(..)) => None,
        })
    }
}

/// What recover says of an outbox it found, without a keyed send.
fn evidence(world: &mut World, plan: PlanId) -> Verdict {
    let stored = world.transcript[&plan].clone();
    let sent = world.sends.iter().any(|sent| sent.turn == stored.turn);
    match stored.says {
        Says::End(verdict) => verdict,
        _ if world.keyed => Verdict::Answered,
        _ if world.dice.one_in(2) => Verdict::Unconfirmed,
        _ if sent => Verdict::Answered,
        _ => Verdict::Failed,
    }
}
