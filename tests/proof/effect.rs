//! Effects that happened, and what must hold of them: each once, of the line that is delivered, undone in order.

use std::collections::BTreeMap;

use engine::session::Session;

use super::invariant::{Broken, I2, I5, I9, hold_true};
use super::ledger::Ledger;
use super::run::{Found, Held, Plan, Says};
use super::setting::{Setting, Tool};
use super::tally::{Event, Tally};
use super::world::World;

/// An effect that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Effect {
    pub(crate) tool: Tool,
    pub(crate) turn: u64,
    /// The key that the provider was given.
    pub(crate) key: String,
    /// The plan, while the turn runs.
    pub(crate) plan: Option<u64>,
}

impl Ledger {
    /// Whether the other side knows of a call.
    pub(super) fn has_happened(&self, intent: &str) -> bool {
        self.effects.iter().any(|effect| effect.key == intent)
    }

    /// The effects of a turn belong to the line of plans that passes its gate.
    pub(super) fn one_line(
        &self,
        plans: &BTreeMap<u64, Plan>,
        turn: u64,
        gated: u64,
    ) -> Result<(), Broken> {
        for effect in self.effects.iter().filter(|effect| effect.turn == turn) {
            let line = effect
                .plan
                .is_none_or(|plan| World::continues(plans, gated, plan));
            hold_true(line, I5, "an effect of a plan that was dropped")?;
        }
        Ok(())
    }

    /// What can be undone was, or was tried, where the turn gave up or was superseded.
    pub(super) fn undone(
        &self,
        plans: &BTreeMap<u64, Plan>,
        results: &BTreeMap<String, Found>,
        turn: u64,
        gated: u64,
    ) -> Result<(), Broken> {
        let gives_up = plans
            .get(&gated)
            .is_some_and(|plan| plan.says == Says::Failed);
        let begun = if gives_up && self.committed < turn {
            Some(gated)
        } else {
            let mut undoing = None;
            let mut next = Some(gated);
            while let Some((id, plan)) = next.and_then(|id| Some((id, plans.get(&id)?))) {
                undoing = plan.undoing.map(|_| id).or(undoing);
                next = plan.previous;
            }
            undoing
        };
        let Some(begun) = begun else { return Ok(()) };
        let stands = |effect: &&Effect| {
            effect.tool.can_be_undone()
                && effect.turn == turn
                && effect
                    .plan
                    .is_some_and(|plan| World::continues(plans, begun, plan))
                && results.get(&effect.key) == Some(&Found::Succeeded)
        };
        let left = self
            .effects
            .iter()
            .filter(stands)
            .any(|effect| !results.contains_key(&format!("undo~{}", effect.key)));
        hold_true(
            !left || self.committed == turn,
            I9,
            "an effect was left standing",
        )
    }

    /// An effect is undone: everything after it was before.
    fn undo(&self, results: &BTreeMap<String, Found>, effect: &Effect) -> Result<(), Broken> {
        let of = effect.key.split("undo~").nth(1).unwrap_or_default();
        let of = of.split('@').next().unwrap_or_default();
        let again = self.effects.iter().any(|known| {
            known.tool == Tool::Undo && known.key.split('@').next() == effect.key.split('@').next()
        });
        hold_true(!again, I9, "an effect was undone twice")?;
        let place = self.effects.iter().position(|known| known.key == of);
        hold_true(place.is_some(), I9, "what did not happen was undone")?;
        let after = self.effects.iter().skip(place.unwrap_or_default() + 1);
        // The calls of one plan run at once, in no order.
        let plan = place.map(|place| self.effects[place].plan);
        let later = after
            .filter(|later| later.turn == effect.turn && later.tool.can_be_undone())
            .filter(|later| Some(later.plan) != plan)
            .filter(|later| results.get(&later.key) == Some(&Found::Succeeded));
        let in_order = later
            .clone()
            .all(|later| results.contains_key(&format!("undo~{}", later.key)));
        hold_true(in_order, I9, "an effect was undone before a later one")
    }

    /// An effect happens.
    #[expect(
        clippy::too_many_arguments,
        reason = "the ledger judges by all that is stored"
    )]
    pub(crate) fn effect(
        &mut self,
        session: &Session,
        setting: &Setting,
        hold: Held,
        effect: Effect,
        intent: &str,
        results: &BTreeMap<String, Found>,
        tally: &Tally,
    ) -> Result<(), Broken> {
        if effect.tool == Tool::Undo {
            self.undo(results, &effect)?;
            tally.count(Event::Undone);
        }
        let opened = self.claimed.iter().any(|claimed| claimed == intent);
        hold_true(opened, I2, "an effect that was not claimed")?;
        let known = self
            .effects
            .iter()
            .filter(|known| known.tool == effect.tool && known.turn == effect.turn)
            .filter(|known| match effect.tool {
                // What was undone may be done again, under a new key.
                Tool::Undo => false,
                tool if tool.can_be_undone() => {
                    !results.contains_key(&format!("undo~{}", known.key))
                }
                _ => true,
            });
        let same = known.clone().any(|known| known.key == effect.key);
        let first = known.count() == 0;
        let harmless = effect.tool.is_keyed() && same;
        hold_true(first || harmless, I5, "an effect happened twice")?;
        if setting.clocks.is_some() {
            let denied = results.get(intent) == Some(&Found::Failed);
            let possible = effect.tool.is_repeatable() || !denied;
            hold_true(possible, I5, "an effect happened after it was said not to")?;
            let current = session.hold() == Some(hold.hold());
            hold_true(current || harmless, I2, "an effect under an old fence")?;
        }
        tally.count(if first {
            Event::Effect
        } else {
            Event::EffectAgain
        });
        if first {
            let running = effect.turn > self.gated;
            let plan = effect.plan.filter(|_| running);
            self.effects.push(Effect { plan, ..effect });
        }
        Ok(())
    }
}
