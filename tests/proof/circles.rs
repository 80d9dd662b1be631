//! Whether a world can go round in circles: then a message might never settle although nothing goes wrong any
//! more.
//!
//! Faults are counted in the state, so a circle has none in it. Where no state is reached from itself and every
//! last state is at rest, every run of events comes to rest, however it is scheduled. Worlds with clocks are
//! left out: there a thought may renew its lease for ever, and it is `Timing::think` that ends it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use super::model::{Action, Proof};
use super::setting::Setting;
use super::world::World;

/// A state on the way, and what may still happen in it.
struct Step {
    world: World,
    name: u64,
    actions: Vec<Action>,
}

fn name(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

impl Step {
    fn new(proof: &Proof, world: World) -> Self {
        let mut actions = Vec::new();
        proof.actions(&world, &mut actions);
        let name = name(&world);
        Self {
            world,
            name,
            actions,
        }
    }
}

/// The first circle, or last state that is not at rest, that a world can come to; else how many states it has.
pub(crate) fn search(setting: Setting) -> Result<usize, String> {
    let proof = Proof::new(setting);
    // Whether all that follows was looked at; false while a state is on the way.
    let mut seen: HashMap<u64, bool> = HashMap::new();
    let mut way: Vec<Step> = proof
        .init_states()
        .into_iter()
        .map(|world| Step::new(&proof, world))
        .collect();
    for step in &way {
        seen.insert(step.name, false);
    }
    while let Some(step) = way.last_mut() {
        let Some(action) = step.actions.pop() else {
            seen.insert(step.name, true);
            way.pop();
            continue;
        };
        let Some(next) = proof.next_state(&step.world, action) else {
            continue;
        };
        let before = step.name;
        let next = Step::new(&proof, next);
        match seen.get(&next.name) {
            Some(true) => {}
            // Nothing changed.
            Some(false) if next.name == before => {}
            Some(false) => return Err(format!("{action:?} leads back to {:#?}", next.world)),
            None => {
                if next.actions.is_empty() && !next.world.is_at_rest() {
                    return Err(format!("nothing follows {action:?}: {:#?}", next.world));
                }
                seen.insert(next.name, false);
                way.push(next);
            }
        }
    }
    Ok(seen.len())
}
