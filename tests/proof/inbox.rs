//! What a turn takes of the inbox.

use engine::session::{Origin, Pending, Session};

use super::setting::{Setting, Slip};

pub(super) fn is_relayed(message: &Pending) -> bool {
    matches!(message.origin, Origin::Person { .. } | Origin::Notice)
}

/// Whether the turn takes one message only, since it keeps dying.
pub(super) fn takes_one(session: &Session, setting: &Setting) -> bool {
    session.tries + 1 >= setting.tries && setting.slip != Slip::RestartsForWhatItCannotTake
}

/// How many messages the next turn takes.
pub(super) fn count(session: &Session, setting: &Setting) -> usize {
    if session.tries + 1 >= setting.tries {
        return 1;
    }
    let handed_off = session.handoff.is_some();
    let together = |message: &&Pending| match handed_off {
        true => !is_relayed(message),
        false => message.origin.is_contact(),
    };
    session.inbox.iter().take_while(together).count().max(1)
}

/// How many of the contact's messages came after arrival `upto`, before the first that is taken alone.
pub(super) fn newer(session: &Session, upto: u64) -> u64 {
    let taken = (upto + 1).saturating_sub(session.head()) as usize;
    let waiting = session.inbox.iter().skip(taken);
    waiting
        .take_while(|message| message.origin.is_contact())
        .count() as u64
}
