//! The session item as a part of a state: the shipped type, told apart by all that decides what happens.

use std::hash::{Hash, Hasher};

use engine::session::{Out, Session};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item(pub(crate) Session);

impl Hash for Item {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // A field that comes to the session must be thought of here.
        let Session {
            inbox,
            arrivals,
            seen,
            seen_old,
            owner,
            lease,
            fence,
            delivered,
            plan,
            commit,
            intents,
            out,
            tries,
            handoff,
            last,
            opted_out: _,
            closed: _,
            spent,
            tokens: _,
        } = &self.0;
        inbox.len().hash(hasher);
        for message in inbox {
            message.id.hash(hasher);
        }
        (arrivals, seen, seen_old, owner, lease).hash(hasher);
        (fence, delivered, plan, commit).hash(hasher);
        for (intent, claim) in intents {
            (intent, claim.fence, claim.by).hash(hasher);
        }
        if let Some(Out {
            turn,
            plan,
            from,
            upto,
            by,
            fence,
        }) = out
        {
            (turn, plan, from, upto, by, fence).hash(hasher);
        }
        // The plan in `last` decides nothing: it names an item of the transcript.
        let last = last.map(|last| last.turn);
        (tries, handoff, last, spent).hash(hasher);
    }
}
