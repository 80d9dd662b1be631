//! The conversations of a data folder, read while a host may be writing them.

use std::sync::Arc;

use embedded::{SessionSummary, Store};
use engine::session::{Session, SessionKey};
use engine::view::View;

use super::Place;
use super::failure::Failure;
use super::wording::plain;
use crate::assemble::{Env, data_path, database_path};

#[cfg(test)]
mod tests;

/// The most sessions that are searched for a name.
const SEARCHED: usize = 10_000;

/// How many names are offered instead of one that is not there.
const OFFERED: usize = 3;

/// Conversations as of the moment they were opened.
pub(super) struct Conversations {
    store: Arc<Store>,
}

impl Conversations {
    pub(super) fn open(place: &Place, env: &Env) -> Result<Self, Failure> {
        let data = data_path(&place.bot, place.data.as_deref(), env);
        let database = database_path(&data);
        if !database.exists() {
            return Err(Failure::wrong(
                format!("there are no conversations in {} yet", data.display()),
                "begin one with `confab chat` or `confab dev`, or name another bot's folder or --data",
            ));
        }
        let store = Store::open_read_only(&database)?;
        Ok(Self { store })
    }

    /// At most `limit` sessions, the newest first.
    pub(super) fn list(&self, limit: usize) -> Result<Vec<SessionSummary>, Failure> {
        Ok(self.store.sessions("", limit)?)
    }

    /// The session that a person calls `name`.
    pub(super) fn find(&self, name: &str) -> Result<SessionKey, Failure> {
        let sessions = self.list(SEARCHED)?;
        let keys: Vec<SessionKey> = sessions.into_iter().map(|session| session.key).collect();
        match called(&keys, name).as_slice() {
            [key] => Ok((*key).clone()),
            [] => Err(Failure::wrong(
                format!("there is no session {name}"),
                suggestion(&keys, name),
            )),
            several => {
                let names: Vec<&str> = several.iter().map(|key| key.as_str()).collect();
                Err(Failure::wrong(
                    format!("{name} may be any of {}", names.join(", ")),
                    "write the whole name of the one you mean",
                ))
            }
        }
    }

    pub(super) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(super) fn view(&self) -> View {
        View {
            sessions: self.store.clone(),
            transcripts: self.store.clone(),
            results: self.store.clone(),
            outcomes: self.store.clone(),
        }
    }
}

/// What a session is doing.
pub(super) fn state(session: &Session) -> String {
    let is_closed = session.closed.is_some_and(|turn| turn == session.delivered);
    let state = match (&session.handoff, session.owner, session.inbox.is_empty()) {
        (Some(person), _, _) => return format!("with {}", plain(person)),
        (None, Some(_), _) => "answering",
        (None, None, false) => "waiting",
        (None, None, true) if is_closed => "closed",
        (None, None, true) if session.opted_out => "opted out",
        (None, None, true) => "idle",
    };
    state.to_owned()
}

/// The sessions that `name` may mean: by the whole key, else by channel and contact, else by contact.
fn called<'a>(keys: &'a [SessionKey], name: &str) -> Vec<&'a SessionKey> {
    let by = |same: &dyn Fn(&SessionKey) -> bool| -> Vec<&'a SessionKey> {
        keys.iter().filter(|key| same(key)).collect()
    };
    let web = format!("web:{name}");
    let ways = [
        by(&|key| key.as_str() == name),
        by(&|key| key.id() == name),
        by(&|key| key.id() == web),
        by(&|key| key.contact() == name),
    ];
    ways.into_iter()
        .find(|keys| !keys.is_empty())
        .unwrap_or_default()
}

fn suggestion(keys: &[SessionKey], name: &str) -> String {
    let distance = |key: &&SessionKey| {
        let ways = [key.contact(), key.id(), key.as_str()];
        let distances = ways.map(|way| strsim::damerau_levenshtein(way, name));
        distances.into_iter().min().unwrap_or(usize::MAX)
    };
    let mut near: Vec<(usize, &SessionKey)> =
        keys.iter().map(|key| (distance(&key), key)).collect();
    near.retain(|(distance, _)| *distance <= (name.chars().count() / 3).max(1));
    near.sort();
    near.truncate(OFFERED);
    let near: Vec<&str> = near.iter().map(|(_, key)| key.id()).collect();
    if near.is_empty() {
        "`confab sessions` lists those there are".to_owned()
    } else {
        format!("did you mean {}?", near.join(" or "))
    }
}
