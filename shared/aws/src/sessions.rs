//! Sessions on the table: each command is one conditional `UpdateItem`.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use engine::error::{Error, Kind};
use engine::runtime::Time;
use engine::session::{Applied, Command, Hold, Session, SessionKey, Sessions};

use crate::bodies::BodyKey;
use crate::session::{Stored, read, update};
use crate::store::{Place, SESSION, Store, unavailable};

/// Longer texts wait in S3: a full inbox of shorter ones stays far below the limit of an item.
const MAX_WAITING: usize = 2 * 1024;

#[async_trait]
impl Sessions for Store {
    async fn apply(&self, key: &SessionKey, command: Command) -> Result<Applied, Error> {
        let parted = self.part(key, &command).await?;
        let update = update(&command, parted.as_ref());
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Place::new(key, SESSION).key()))
            .condition_expression(update.condition)
            .update_expression(update.update)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values((!update.values.is_empty()).then_some(update.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(done) => {
                let stored = read(&done.attributes.unwrap_or_default())?;
                self.watch(key, &stored);
                // Only who skips goes on to read what waits.
                let stored = match command {
                    Command::Skip { .. } => self.join(stored).await?,
                    _ => stored.session,
                };
                Ok(Applied::Done(Arc::new(stored)))
            }
            Err(error) => match error.into_service_error() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    let old = read(&failed.item.unwrap_or_default())?.session;
                    let refusal = old.refusal(&command).ok_or_else(|| {
                        let message = "the table refused a command that the session allows";
                        Error::new(Kind::Internal, message)
                    })?;
                    Ok(Applied::Refused(refusal, Arc::new(old)))
                }
                error => Err(unavailable(error)),
            },
        }
    }

    async fn load(&self, key: &SessionKey) -> Result<Arc<Session>, Error> {
        let stored = if self.read_ahead > 0 {
            let (stored, recent) = self.read_recent(key, true).await?;
            self.remember(Some(recent));
            stored
        } else {
            let item = self.get(Place::new(key, SESSION).key()).await?;
            read(&item.unwrap_or_default())?
        };
        self.watch(key, &stored);
        Ok(Arc::new(self.join(stored).await?))
    }

    async fn load_held(&self, key: &SessionKey, hold: Hold) -> Result<Arc<Session>, Error> {
        if self.read_ahead == 0 {
            return self.load(key).await;
        }
        let (stored, recent) = self.read_recent_held(key, hold).await?;
        self.remember(Some(recent));
        self.watch(key, &stored);
        Ok(Arc::new(self.join(stored).await?))
    }

    async fn expired(&self, now: Time, limit: usize) -> Result<Vec<SessionKey>, Error> {
        self.expired_holds(now, limit).await
    }

    async fn durable(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl Store {
    fn watch(&self, key: &SessionKey, stored: &Stored) {
        if let Some(sockets) = &self.sockets {
            sockets.watched_by(key, &stored.watchers);
        }
    }

    /// Puts the text of an accepted message into S3 when it is long, before the item names it.
    async fn part(&self, key: &SessionKey, command: &Command) -> Result<Option<BodyKey>, Error> {
        let Command::Accept { message, .. } = command else {
            return Ok(None);
        };
        if message.text.len() <= MAX_WAITING {
            return Ok(None);
        }
        let body = BodyKey::of_pending(key, message);
        self.bodies
            .put(&body, message.text.clone().into_bytes())
            .await?;
        Ok(Some(body))
    }

    /// The session with the texts that lie in S3.
    async fn join(&self, stored: Stored) -> Result<Session, Error> {
        let mut session = stored.session;
        for (place, key) in stored.parted {
            let text = self.bodies.get(&key).await?;
            session.inbox[place].text = String::from_utf8_lossy(&text).into_owned();
        }
        Ok(session)
    }
}
