//! Where notices are kept, acknowledged and closed.

use std::sync::Arc;
use std::time::Duration;

use super::notice::{Notice, NoticeState};
use super::tray::{Awaited, Tray};
use crate::approval::{Desk, Waits};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::Error;
use crate::run::StepOutput;
use crate::runtime::Runtime;

/// How long notices and trays are kept.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Keeps notices.
#[derive(Clone)]
pub struct Notices {
    /// Time.
    pub runtime: Runtime,
    /// Keeps them.
    pub documents: Arc<dyn Documents>,
    /// What waits for signs.
    pub waits: Arc<dyn Waits>,
}

impl From<&Desk> for Notices {
    fn from(desk: &Desk) -> Self {
        Self {
            runtime: desk.runtime.clone(),
            documents: desk.documents.clone(),
            waits: desk.waits.clone(),
        }
    }
}

impl Notices {
    /// Writes down what is to be told. What was written down before stands, except that another token is told of its
    /// end, and that what came to nothing is told anew.
    pub(crate) async fn open(&self, wanted: Notice) -> Result<Notice, Error> {
        let key = key(&wanted, &wanted.id);
        amend(&*self.documents, &key, |found: Option<Notice>| {
            let Some(mut standing) = found else {
                return (self.save(&wanted), wanted.clone());
            };
            if standing.token == wanted.token && standing.state != NoticeState::Unreached {
                return (Amendment::Keep, standing);
            }
            if matches!(
                standing.state,
                NoticeState::Unacknowledged | NoticeState::Unreached
            ) {
                let round = standing.round + 1;
                standing = Notice {
                    round,
                    ..wanted.clone()
                };
            }
            standing.token.clone_from(&wanted.token);
            (self.save(&standing), standing)
        })
        .await
    }

    /// The notice as it is now.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn read(&self, tenant: &str, id: &str) -> Result<Option<Notice>, Error> {
        let key = DocumentKey::new(tenant, Topic::Notice, id);
        let found = self.documents.read(&key).await?;
        found.map(|found| parse(found.body)).transpose()
    }

    /// Changes a notice that is open; gives it as it is then.
    pub(crate) async fn change(
        &self,
        tenant: &str,
        id: &str,
        mut with: impl FnMut(&mut Notice),
    ) -> Result<Option<Notice>, Error> {
        let key = DocumentKey::new(tenant, Topic::Notice, id);
        amend(&*self.documents, &key, |found: Option<Notice>| {
            let Some(mut notice) = found else {
                return (Amendment::Keep, None);
            };
            let before = notice.clone();
            if notice.is_open() {
                with(&mut notice);
            }
            match notice == before {
                true => (Amendment::Keep, Some(notice)),
                false => (self.save(&notice), Some(notice)),
            }
        })
        .await
    }

    fn save(&self, notice: &Notice) -> Amendment<Notice> {
        Amendment::Save {
            body: notice.clone(),
            expires: Some(self.runtime.now().plus(KEPT)),
        }
    }

    /// `person`, who was told, says that they know. Saying it again tells whatever waits once more.
    ///
    /// # Errors
    /// When a store failed, or what waits could not be told.
    pub async fn acknowledge(
        &self,
        tenant: &str,
        id: &str,
        person: &str,
    ) -> Result<Option<Notice>, Error> {
        let now = self.runtime.now();
        let closed = self.change(tenant, id, |notice| {
            if notice.acknowledge.is_some() {
                notice.state = NoticeState::Acknowledged {
                    by: person.to_owned(),
                    acknowledged_at: now,
                };
            }
        });
        match closed.await? {
            Some(notice) if !notice.is_open() => self.finish(&notice).await.map(|()| Some(notice)),
            other => Ok(other),
        }
    }

    /// Ends a notice that is open as `state` says; gives it as it ended.
    pub(crate) async fn close(&self, notice: &Notice, state: &NoticeState) -> Result<(), Error> {
        let closed = self.change(notice.place.tenant(), &notice.id, |standing| {
            if standing.round == notice.round {
                standing.state = state.clone();
            }
        });
        match closed.await? {
            Some(closed) if !closed.is_open() => self.finish(&closed).await,
            _ => Ok(()),
        }
    }

    /// Tells the run, and forgets that a sign is awaited.
    pub(crate) async fn finish(&self, notice: &Notice) -> Result<(), Error> {
        if let Some(token) = &notice.token {
            let output = notice.outcome().map(|outcome| {
                serde_json::json!(StepOutput {
                    item: notice.item.clone(),
                    ..StepOutput::new(outcome)
                })
            });
            self.waits.end(token, output).await?;
        }
        if notice.acknowledge.is_some() {
            for person in notice.tried() {
                self.tray(notice, person, |tray| tray.forget(&notice.id))
                    .await?;
            }
        }
        Ok(())
    }

    /// Changes what lies before a person.
    pub(super) async fn tray<O>(
        &self,
        notice: &Notice,
        person: &str,
        mut with: impl FnMut(&mut Tray) -> O,
    ) -> Result<O, Error> {
        let key = tray_key(notice.place.tenant(), notice.place.bot(), person);
        let expires = Some(self.runtime.now().plus(KEPT));
        amend(&*self.documents, &key, |found: Option<Tray>| {
            let before = found.unwrap_or_default();
            let mut tray = before.clone();
            let outcome = with(&mut tray);
            match tray == before {
                true => (Amendment::Keep, outcome),
                false => (
                    Amendment::Save {
                        body: tray,
                        expires,
                    },
                    outcome,
                ),
            }
        })
        .await
    }

    /// What a person's sign is awaited for.
    pub(crate) async fn awaited(
        &self,
        tenant: &str,
        bot: &str,
        person: &str,
    ) -> Result<Vec<Awaited>, Error> {
        let found = self.documents.read(&tray_key(tenant, bot, person)).await?;
        let tray: Option<Tray> = found.map(|found| parse(found.body)).transpose()?;
        Ok(tray.unwrap_or_default().awaited)
    }
}

fn key(notice: &Notice, id: &str) -> DocumentKey {
    DocumentKey::new(notice.place.tenant(), Topic::Notice, id)
}

fn tray_key(tenant: &str, bot: &str, person: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Tray, format!("{bot}.{person}"))
}
