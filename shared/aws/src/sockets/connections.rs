//! Which connection watches which session.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::error::{Error, Kind};
use engine::session::SessionKey;

use crate::item::{Item, item, needed, number, text};
use crate::store::{Place, SESSION, Store, expires, unavailable};

/// The most connections that may watch one session: each is told of every event.
const MAX_WATCHERS: usize = 8;
/// API Gateway closes a connection after two hours.
const LIFE: Duration = Duration::from_secs(3 * 3600);

/// An open connection of the WebSocket API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// API Gateway's id for it.
    pub id: String,
    /// The session it watches and talks in.
    pub session: SessionKey,
}

impl Store {
    /// Lets a connection watch its session.
    ///
    /// # Errors
    /// `InboxFull` when too many watch it, and when the store failed.
    pub async fn connect(&self, connection: &Connection) -> Result<(), Error> {
        let kept = item([
            ("pk", text(format!("socket/{}", connection.id))),
            ("sk", text("socket")),
            ("session", text(&connection.session)),
            ("expires", expires(self.runtime.now().plus(LIFE))),
        ]);
        self.put_item(kept, false).await?;
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Place::new(&connection.session, SESSION).key()))
            .condition_expression("attribute_not_exists(#watchers) OR size(#watchers) < :limit")
            .update_expression("ADD #watchers :connection")
            .expression_attribute_names("#watchers", "watchers")
            .expression_attribute_values(":connection", set(&connection.id))
            .expression_attribute_values(":limit", number(MAX_WATCHERS))
            .send()
            .await;
        match sent.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(UpdateItemError::ConditionalCheckFailedException(_)) => Err(Error::new(
                Kind::InboxFull,
                "too many connections watch this session; close one",
            )),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// The connection `id`, if it is open.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn connection(&self, id: &str) -> Result<Option<Connection>, Error> {
        let Some(found) = self.get(socket(id)).await? else {
            return Ok(None);
        };
        let session = needed(&found, "session")?;
        let id = id.to_owned();
        Ok(Some(Connection { id, session }))
    }

    /// Forgets a connection that was closed.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn disconnect(&self, id: &str) -> Result<(), Error> {
        let Some(connection) = self.connection(id).await? else {
            return Ok(());
        };
        self.unwatch(&connection.session, &connection.id).await?;
        let delete = self.client.delete_item().table_name(&self.table);
        let deleted = delete.set_key(Some(socket(id))).send().await;
        deleted.map(drop).map_err(unavailable)
    }

    /// Waits until the watchers of `key` are told what was published, and forgets those that are gone.
    /// A function calls this before it answers: afterwards it is frozen.
    pub async fn tell(&self, key: &SessionKey) {
        let Some(sockets) = &self.sockets else { return };
        let told = async {
            for id in sockets.flush().await? {
                self.unwatch(key, &id).await?;
            }
            Ok::<(), Error>(())
        };
        if let Err(error) = told.await {
            tracing::warn!(error = %error.chain(), "watchers may have missed events");
        }
    }

    async fn unwatch(&self, key: &SessionKey, id: &str) -> Result<(), Error> {
        let update = self.client.update_item().table_name(&self.table);
        let sent = update
            .set_key(Some(Place::new(key, SESSION).key()))
            .update_expression("DELETE #watchers :connection")
            .expression_attribute_names("#watchers", "watchers")
            .expression_attribute_values(":connection", set(id))
            .send()
            .await;
        sent.map(drop).map_err(unavailable)
    }
}

fn socket(id: &str) -> Item {
    item([("pk", text(format!("socket/{id}"))), ("sk", text("socket"))])
}

fn set(id: &str) -> AttributeValue {
    AttributeValue::Ss(vec![id.to_owned()])
}
