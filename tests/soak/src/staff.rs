//! People of the house: who takes sessions over, who says yes and no, and who stops the bot.

use std::sync::Arc;
use std::time::Duration;

use confab::host::Host;
use engine::approval::{Answer, Approval, State};
use engine::message::Channel;
use engine::session::{Command, Origin, SessionKey, Sessions};
use engine::turn::Letter;

use crate::outside::Outside;
use crate::people::key_of;

/// Who may say yes to payments.
pub(crate) const MANAGERS: [&str; 2] = ["ana", "ben"];

/// Takes the session over, writes to the contact, and hands it back.
pub(crate) async fn person(host: Arc<Host>, session: usize, outside: Outside) {
    let key = key_of(session);
    let name = "ana".to_owned();
    outside.pause(10_000).await;
    let person = name.clone();
    if host
        .store()
        .apply(&key, Command::TakeOver { person })
        .await
        .is_err()
    {
        return;
    }
    outside.books().taken.insert(key.clone());
    outside.count("a person took over");
    outside.pause(3000).await;
    let id = format!("ana{session}-{}", outside.draw(1000));
    let letter = Letter {
        id: &id,
        text: "This is Ana.",
        origin: Origin::Person { name },
    };
    if host.intake().take(&key, letter).await.is_ok() {
        outside.books().acknowledged.insert(id);
    }
    outside.pause(3000).await;
    if host.store().apply(&key, Command::HandBack).await.is_ok() {
        outside.count("a person handed back");
    }
}

/// Looks at what waits for a yes now and then, and decides some of it, one way or another.
pub(crate) async fn approvers(host: Arc<Host>, outside: Outside) {
    loop {
        let longest = if outside.is_peace() { 1_200_000 } else { 4000 };
        outside.pause(longest).await;
        let Ok(all) = host.desk().list("local").await else {
            return;
        };
        for approval in all {
            // Of some nobody ever takes notice.
            if approval.state == State::Pending && !approval.id.starts_with(['0', '1', '2', '3']) {
                answer(&host, &approval, &outside).await;
            }
        }
    }
}

async fn answer(host: &Host, approval: &Approval, outside: &Outside) {
    let (person, answer) = match outside.draw(8) {
        0 => ("dan", Answer::Yes),
        1 => ("ben", Answer::No),
        2 => ("ben", Answer::Yes),
        3 => ("ana", Answer::Yes),
        4 => return in_chat(host, approval, outside).await,
        _ => return,
    };
    let may = MANAGERS.contains(&person);
    if may && answer == Answer::Yes {
        outside.allows(approval);
    }
    let place = ("local", approval.id.as_str());
    let decided = host.desk().decide(place, person, answer, None).await;
    outside.tempts("power cut as a person decided");
    match decided {
        Ok(Ok(_)) if !may => outside
            .books()
            .breaks(format!("{person} decided {place:?}")),
        Ok(Ok(_)) => outside.count("a person decided"),
        Ok(Err(_)) => outside.count("a decision was refused"),
        // The power may be cut.
        Err(_) => {}
    }
}

/// Ana says yes in her own chat.
async fn in_chat(host: &Host, approval: &Approval, outside: &Outside) {
    let key = SessionKey::new("local", "shop", Channel::Web, "ana").expect("a key");
    outside.allows(approval);
    let (id, text) = (
        format!("yes-{}", approval.id),
        format!("yes {}", approval.code()),
    );
    if host.intake().post(&key, &id, &text).await.is_ok() {
        outside.count("a person decided in a chat");
    }
}

/// Whether the bot runs, as far as its operator knows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Switch {
    #[default]
    On,
    /// Since so long.
    Off(Duration),
    /// The power was cut, or may be, before that was certain.
    Unsure,
}

/// Stops the bot, in some lives, and lets it go on; also when the power was cut between the two.
pub(crate) async fn operator(host: Arc<Host>, outside: Outside) {
    let switches = host.switches();
    let bot = Some("shop");
    if outside.books().switch == Switch::On {
        if outside.draw(4) > 0 {
            return;
        }
        outside.pause(12_000).await;
        outside.books().switch = Switch::Unsure;
        let stopped = switches.stop("local", bot, "kim", "mad").await;
        outside.tempts("power cut as an operator stopped the bot");
        if stopped.is_err() || host.store().durable().await.is_err() {
            return;
        }
        let now = outside.runtime.clock.monotonic();
        outside.books().switch = Switch::Off(now);
        outside.count("an operator stopped the bot");
    }
    outside.pause(10_000).await;
    outside.books().switch = Switch::Unsure;
    let resumed = switches.resume("local", bot).await;
    if resumed.is_ok() && host.store().durable().await.is_ok() {
        outside.books().switch = Switch::On;
    }
}
