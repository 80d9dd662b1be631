//! Puts letters into people's sessions, or keeps them for later.

use super::Router;
use crate::bot::Bot;
use crate::error::{Error, Kind};
use crate::message::Channel;
use crate::notify::notice::{Held, Notice, Recipient, Told};
use crate::notify::route::{Fate, Try};
use crate::notify::tray::Awaited;
use crate::notify::words;
use crate::runtime::Time;
use crate::session::{Origin, SessionKey};
use crate::turn::Letter;

impl Router {
    /// Keeps a notice until quiet hours end.
    pub(super) async fn hold(
        &self,
        notice: &Notice,
        recipient: &Recipient,
        person: &str,
        until: Time,
    ) -> Result<(), Error> {
        let (tenant, bot) = (notice.place.tenant(), notice.place.bot());
        let whose = [tenant, bot, person];
        let batch = self
            .notices
            .tray(notice, person, |tray| {
                tray.hold(&whose, until, &notice.id, notice.class)
            })
            .await?;
        let held = Held {
            person: person.to_owned(),
            batch: batch.unwrap_or_default(),
        };
        let change = self.notices.change(tenant, &notice.id, |notice| {
            let all = notice.recipients.iter_mut();
            for same in all.filter(|other| other.person == recipient.person) {
                same.held = Some(held.clone());
            }
        });
        change.await.map(drop)
    }

    /// Puts letters into a person's session, and writes down that it did.
    pub(super) async fn tell(
        &self,
        bot: &Bot,
        notice: &Notice,
        recipient: &Recipient,
        way: (&str, Channel),
    ) -> Result<(), Error> {
        let (person, channel) = way;
        let batch = match recipient.held.as_ref().filter(|held| held.person == person) {
            Some(held) => self.seal(notice, held).await?,
            None => None,
        };
        let at = self.intake.accept.runtime.now();
        let mut told = vec![notice.clone()];
        let mut name = format!("notice:{}.{}:{channel}", notice.id, notice.round);
        if let Some(batch) = batch {
            name = format!("notices:{}:{channel}", batch.id);
            for (id, _) in batch.notices.iter().filter(|(id, _)| *id != notice.id) {
                let other = self.notices.read(notice.place.tenant(), id).await?;
                told.extend(other.filter(Notice::is_open));
            }
        }
        // Before the letter: the answer may be here at once.
        for notice in told.iter().filter(|notice| notice.acknowledge.is_some()) {
            let awaited = Awaited {
                notice: notice.id.clone(),
                code: notice.code(),
                channel,
                at,
            };
            let wait = self
                .notices
                .tray(notice, person, |tray| tray.wait_for(awaited.clone()));
            wait.await?;
        }
        let fate = match session(bot, notice, way) {
            Some(key) => self.send(bot, &key, person, &name, &mut told).await?,
            None => Fate::Failed,
        };
        let try_ = Told {
            tried: Try {
                person: person.to_owned(),
                channel,
                at,
                fate,
            },
            letter: name,
            looks: 0,
        };
        for notice in &told {
            self.note(notice, &try_, &recipient.person).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        bot: &Bot,
        key: &SessionKey,
        person: &str,
        name: &str,
        told: &mut [Notice],
    ) -> Result<Fate, Error> {
        let limit = bot.limits.message_chars;
        let letters = match told {
            [one] => {
                let link = match one.acknowledge {
                    Some(_) => self.links.notice_link(bot, one, person).await?,
                    None => None,
                };
                vec![words::alone(one, link.as_deref(), limit)]
            }
            several => words::together(several, limit),
        };
        for (number, text) in letters.iter().enumerate() {
            let id = match number {
                0 => name.to_owned(),
                _ => format!("{name}:{number}"),
            };
            let letter = Letter {
                id: &id,
                text,
                origin: Origin::Notice,
            };
            match self.intake.take(key, letter).await {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), Kind::InboxFull | Kind::Invalid) => {
                    tracing::warn!(session = %key, error = %error.chain(), "a person could not be told");
                    return Ok(Fate::Failed);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Fate::Sent)
    }

    /// Writes a try down with everybody for whom it was made.
    async fn note(&self, notice: &Notice, told: &Told, recipient: &str) -> Result<(), Error> {
        let change = self
            .notices
            .change(notice.place.tenant(), &notice.id, |standing| {
                if standing.round != notice.round {
                    return;
                }
                for other in &mut standing.recipients {
                    let for_them = other.person == recipient
                        || other
                            .held
                            .as_ref()
                            .is_some_and(|held| held.person == told.tried.person);
                    if for_them
                        && !other.tries.iter().any(|known| {
                            known.letter == told.letter && known.tried.person == told.tried.person
                        })
                    {
                        other.tries.push(told.clone());
                    }
                }
            });
        change.await.map(drop)
    }
}

/// The session in which a person is told on a channel.
pub(super) fn session(
    bot: &Bot,
    notice: &Notice,
    (person, channel): (&str, Channel),
) -> Option<SessionKey> {
    let contact = bot.people.get(person)?.contacts.get(&channel)?;
    let (tenant, name) = (notice.place.tenant(), notice.place.bot());
    SessionKey::new(tenant, name, channel, contact).ok()
}
