//! Contacts who write, watch and are impatient.

use std::sync::Arc;

use confab::host::Host;
use engine::message::Channel;
use engine::session::SessionKey;
use engine::view::Role;

use crate::outside::Outside;
use crate::staff::{approvers, operator, person};

pub(crate) const SESSIONS: usize = 3;
pub(crate) const MESSAGES: usize = 4;

pub(crate) fn key_of(session: usize) -> SessionKey {
    let channel = if session.is_multiple_of(2) {
        Channel::Web
    } else {
        Channel::Sms
    };
    SessionKey::new("local", "shop", channel, &format!("+1555{session}")).expect("a key")
}

pub(crate) fn id_of(session: usize, message: usize) -> String {
    format!("s{session}m{message}")
}

/// The session that a text tells of, if it does.
pub(crate) fn session_in(text: &str) -> Option<usize> {
    (0..SESSIONS)
        .find(|session| (0..MESSAGES).any(|message| text.contains(&id_of(*session, message))))
}

/// Starts everybody.
pub(crate) fn gather(host: &Arc<Host>, outside: &Outside) {
    for session in 0..SESSIONS {
        let runtime = &outside.runtime;
        runtime.spawn(contact(Arc::clone(host), session, outside.clone()));
        runtime.spawn(reader(Arc::clone(host), session, outside.clone()));
        if outside.draw(4) == 0 {
            runtime.spawn(person(Arc::clone(host), session, outside.clone()));
        }
    }
    outside
        .runtime
        .spawn(approvers(Arc::clone(host), outside.clone()));
    outside
        .runtime
        .spawn(operator(Arc::clone(host), outside.clone()));
}

/// Posts a session's messages in order, each up to three times at once, until it is acknowledged.
async fn contact(host: Arc<Host>, session: usize, outside: Outside) {
    for message in 0..MESSAGES {
        let id = id_of(session, message);
        let known = outside.books().acknowledged.contains(&id);
        if known && outside.draw(2) == 0 {
            continue;
        }
        for _ in 0..outside.draw(3) {
            let (host, id, outside) = (Arc::clone(&host), id.clone(), outside.clone());
            outside.runtime.clone().spawn(async move {
                outside.pause(5000).await;
                outside.count("delivered again");
                post(&host, session, id, &outside).await;
            });
        }
        post(&host, session, id, &outside).await;
        outside.pause(4000).await;
    }
}

async fn post(host: &Host, session: usize, id: String, outside: &Outside) {
    let text = outside.text_of(&id, session);
    if host
        .intake()
        .post(&key_of(session), &id, &text)
        .await
        .is_ok()
    {
        outside.books().acknowledged.insert(id);
    }
}

/// Reads the conversation now and then; what it was shown once it must be shown for ever.
async fn reader(host: Arc<Host>, session: usize, outside: Outside) {
    let key = key_of(session);
    while let Ok(messages) = host.view().messages(&key, 0).await {
        for message in messages {
            if message.role != Role::User {
                outside.show((key.clone(), message.seq), message.text);
            }
        }
        let longest = if outside.is_peace() { 120_000 } else { 2000 };
        outside.pause(longest).await;
    }
}
