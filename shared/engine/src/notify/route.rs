//! Where a person is told, and when: a decision from what is known, and nothing else.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Class;
use crate::bot::{People, Person};
use crate::message::Channel;
use crate::runtime::Time;

/// A try to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Whom: the one it is for, or whoever stands in for them.
    pub person: String,
    /// Where.
    pub channel: Channel,
    /// When.
    pub at: Time,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was sent, for all that is known.
    Sent,
    /// It is known that it did not arrive.
    Failed,
}

/// What a decision is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Now.
    pub now: Time,
    /// The people of the house.
    pub people: &'a People,
    /// Who is to be told.
    pub person: &'a str,
    /// How much it matters.
    pub class: Class,
    /// How much what it is told together with matters; it goes where that goes.
    pub together: Class,
    /// How long to wait for a sign from each who was told before the next way is taken; the last one counts for all
    /// further ways. Empty when nobody waits for a sign.
    pub ladder: &'a [Duration],
    /// What was tried, in order.
    pub tries: &'a [Try],
    /// Whether somebody has said that they know.
    pub acknowledged: bool,
}

/// What to do about a person who is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Tell `person` now on the first of these channels; on the next when that is known to have failed.
    Deliver {
        /// Whom.
        person: String,
        /// Where, in order; never empty.
        channels: Vec<Channel>,
    },
    /// Tell nobody before `until`, when the quiet hours of `person` end.
    Hold {
        /// Whose.
        person: String,
        /// Until when.
        until: Time,
    },
    /// Whoever was told has until then to give a sign.
    Wait {
        /// Until when.
        until: Time,
    },
    /// The person does not want to be told such things.
    Muted,
    /// There is nothing left to do.
    Done,
}

/// What to do now.
#[must_use]
pub fn decide(case: &Case<'_>) -> Decision {
    let Case {
        now,
        people,
        class,
        tries,
        ..
    } = *case;
    if case.acknowledged {
        return Decision::Done;
    }
    if people
        .get(case.person)
        .is_some_and(|known| known.mute.contains(&class))
    {
        return Decision::Muted;
    }
    let ways = ways(case);
    let untried = |way: &&(&str, Channel)| {
        !tries
            .iter()
            .any(|tried| (tried.person.as_str(), tried.channel) == **way)
    };
    let Some((person, _)) = ways.iter().find(untried).copied() else {
        return Decision::Done;
    };
    if let Some(last) = tries.last().filter(|last| last.fate == Fate::Sent) {
        let standing = tries
            .iter()
            .filter(|tried| tried.fate == Fate::Sent)
            .count();
        let Some(pause) = case.ladder.get(standing - 1).or(case.ladder.last()) else {
            return Decision::Done;
        };
        let until = last.at.plus(*pause);
        if now < until {
            return Decision::Wait { until };
        }
    }
    let quiet = people.get(person).and_then(|known| known.quiet.as_ref());
    if let Some(until) = quiet
        .filter(|_| class != Class::Urgent)
        .and_then(|quiet| quiet.until(now))
    {
        return Decision::Hold {
            person: person.to_owned(),
            until,
        };
    }
    let own = ways
        .iter()
        .filter(untried)
        .filter(|(who, _)| *who == person);
    Decision::Deliver {
        person: person.to_owned(),
        channels: own.map(|(_, channel)| *channel).collect(),
    }
}

/// Every way to the person and to those who stand in for them, in order.
fn ways<'a>(case: &Case<'a>) -> Vec<(&'a str, Channel)> {
    let mut ways = Vec::new();
    let mut chain: Vec<&str> = Vec::new();
    let mut next = Some(case.person);
    while let Some((id, known)) = next.and_then(|id| Some((id, case.people.get(id)?))) {
        if chain.contains(&id) {
            break;
        }
        chain.push(id);
        if !known.mute.contains(&case.class) {
            let channels = channels(known, case.together);
            ways.extend(channels.into_iter().map(|channel| (id, channel)));
        }
        next = known.backup.as_deref();
    }
    ways
}

/// Where a person is told: as they prefer, then where what matters so much is seen.
fn channels(person: &Person, class: Class) -> Vec<Channel> {
    let usual = match class {
        Class::Urgent | Class::Important => [Channel::Sms, Channel::Whatsapp, Channel::Web],
        Class::Informative | Class::Ambient => [Channel::Web, Channel::Whatsapp, Channel::Sms],
    };
    let mut channels = person.prefer.clone();
    channels.extend(
        usual
            .into_iter()
            .filter(|channel| !person.prefer.contains(channel)),
    );
    channels.retain(|channel| person.contacts.contains_key(channel));
    channels
}
