//! The one table: what lies where, and the store over it.
//!
//! | pk | sk | is |
//! |---|---|---|
//! | `session/<key>` | `turn#<turn>#round#<plan>` | a transcript item |
//! | | `turn#<turn>#effect#<intent>` | what a tool call came to |
//! | | `turn#<turn>#part#<part>` | what a carrier says of one part of a reply |
//! | | `turn#<turn>#verdict` | a verdict other than `answered` |
//! | | `turns` | the session itself |
//! | | `seen#<millis>` | message hashes that fell out of it; expires |
//! | `record/<tenant>/<bot>/<collection>` | `<session>#<intent>` | a durable record of a tool |
//! | `document/<tenant>/<topic>` | `=<id>` | a small document: an approval, a switch, an answer to a request |
//! | | `+<id>` | a counter |
//! | `holds` | `<lease>#<key>` | a hold that was open when the stream was last read; expires |
//!
//! The session sorts right behind its turns, so that one query backwards reads both.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use engine::error::{Error, Kind};
use engine::runtime::Runtime;
use engine::session::SessionKey;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bodies::{Bodies, BodyKey};
use crate::item::{BadItem, Item, field, needed, number, pack, size, text, unpack};
use crate::parked::Parked;
use crate::recent::Recent;
use crate::sockets::Sockets;

/// The sort key of the session itself.
pub(crate) const SESSION: &str = "turns";

/// Longer packed records lie in S3: an item may not be longer than 400 KB.
pub(crate) const MAX_INLINE: usize = 300 * 1024;

/// The engine's ports on one table and one bucket.
pub struct Store {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) bodies: Bodies,
    pub(crate) runtime: Runtime,
    pub(crate) parked: Option<Parked>,
    pub(crate) sockets: Option<Arc<Sockets>>,
    pub(crate) read_ahead: u32,
    pub(crate) recent: Mutex<Option<Recent>>,
}

impl Store {
    /// The store on `table`, with long bodies in `bodies`.
    #[must_use]
    pub fn new(client: Client, table: String, bodies: Bodies, runtime: Runtime) -> Self {
        Self {
            client,
            table,
            bodies,
            runtime,
            parked: None,
            sockets: None,
            read_ahead: 0,
            recent: Mutex::default(),
        }
    }

    /// The same, which also queues turns that it settles as parked.
    #[must_use]
    pub fn parking(mut self, parked: Parked) -> Self {
        self.parked = Some(parked);
        self
    }

    /// The same, which tells `sockets` who watches a session whenever it reads one.
    #[must_use]
    pub fn telling(mut self, sockets: Arc<Sockets>) -> Self {
        self.sockets = Some(sockets);
        self
    }

    /// The same, which reads a session together with its last `turns` turns.
    #[must_use]
    pub fn reading_ahead(mut self, turns: u32) -> Self {
        self.read_ahead = turns;
        self
    }

    /// What was read with the session, if it was `key`'s.
    pub(crate) fn with_recent<T>(
        &self,
        key: &SessionKey,
        look: impl FnOnce(&Recent) -> Option<T>,
    ) -> Option<T> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        look(recent.as_ref().filter(|recent| recent.is_of(key))?)
    }

    pub(crate) fn remember(&self, recent: Option<Recent>) {
        *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = recent;
    }

    /// Puts `record` at `place` unless `once` and something is there; gives what was there.
    pub(crate) async fn put(
        &self,
        place: Place<'_>,
        record: &impl Serialize,
        once: bool,
    ) -> Result<Option<Item>, Error> {
        let item = self.item(place, record).await?;
        self.put_item(item, once).await
    }

    /// Puts `record` at `place` if what `old` says is still there; says whether it did.
    pub(crate) async fn replace(
        &self,
        place: Place<'_>,
        old: &Item,
        record: &impl Serialize,
    ) -> Result<bool, Error> {
        let item = self.item(place, record).await?;
        let attribute = if old.contains_key("body") {
            "body"
        } else {
            "body_at"
        };
        let old = old.get(attribute).ok_or(BadItem(attribute))?;
        let put = self.client.put_item().table_name(&self.table);
        let put = put
            .set_item(Some(item))
            .condition_expression(format!("{attribute} = :old"))
            .expression_attribute_values(":old", old.clone());
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.into_service_error() {
                PutItemError::ConditionalCheckFailedException(_) => Ok(false),
                error => Err(unavailable(error)),
            },
        }
    }

    /// The item that holds `record` at `place`; a long one lies in the bucket then.
    async fn item(&self, place: Place<'_>, record: &impl Serialize) -> Result<Item, Error> {
        let mut item = place.key();
        let body = pack(record)?;
        if size(&body) <= MAX_INLINE {
            item.insert("body".to_owned(), body);
        } else {
            let json = serde_json::to_string(record).map_err(|error| {
                Error::new(Kind::Internal, "a record cannot be written").because(error)
            })?;
            let long = BodyKey::of_item(place.session, &place.sk, &json);
            self.bodies.put(&long, json.into_bytes()).await?;
            item.insert("body_at".to_owned(), text(long));
        }
        Ok(item)
    }

    /// Puts `item`, unless `once` and something is there; gives what was there.
    pub(crate) async fn put_item(&self, item: Item, once: bool) -> Result<Option<Item>, Error> {
        let mut put = self.client.put_item().table_name(&self.table);
        put = put.set_item(Some(item));
        if once {
            put = put
                .condition_expression("attribute_not_exists(pk)")
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
        }
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.into_service_error() {
                PutItemError::ConditionalCheckFailedException(failed) => {
                    Ok(Some(failed.item.unwrap_or_default()))
                }
                error => Err(unavailable(error)),
            },
        }
    }

    /// The item of `key`; strongly consistent.
    pub(crate) async fn get(&self, key: Item) -> Result<Option<Item>, Error> {
        let get = self.client.get_item().table_name(&self.table);
        let found = get.set_key(Some(key)).consistent_read(true).send().await;
        Ok(found.map_err(unavailable)?.item)
    }

    /// The items of a session with a sort key from `from` up to `upto`, in order; strongly consistent.
    pub(crate) async fn range(
        &self,
        session: &SessionKey,
        from: &str,
        upto: &str,
    ) -> Result<Vec<Item>, Error> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :upto")
            .expression_attribute_values(":pk", text(partition(session)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":upto", text(upto))
            .consistent_read(true);
        let items = query.into_paginator().items().send();
        items
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(unavailable)
    }

    /// The record that an item holds.
    pub(crate) async fn record<T: DeserializeOwned>(&self, item: &Item) -> Result<T, Error> {
        if let Some(body) = item.get("body") {
            return Ok(unpack(body)?);
        }
        let long: BodyKey = needed(item, "body_at")?;
        let json = self.bodies.get(&long).await?;
        Ok(serde_json::from_slice(&json).map_err(|_| BadItem("body_at"))?)
    }
}

/// Where an item of a session lies.
pub(crate) struct Place<'a> {
    pub(crate) session: &'a SessionKey,
    pub(crate) sk: String,
}

impl<'a> Place<'a> {
    pub(crate) fn new(session: &'a SessionKey, sk: impl Into<String>) -> Self {
        let sk = sk.into();
        Self { session, sk }
    }

    pub(crate) fn key(&self) -> Item {
        crate::item::item([
            ("pk", text(partition(self.session))),
            ("sk", text(&self.sk)),
        ])
    }
}

/// The partition of a session.
pub(crate) fn partition(session: &SessionKey) -> String {
    format!("session/{session}")
}

/// The session of a partition.
pub(crate) fn session_of(pk: &str) -> Option<SessionKey> {
    pk.strip_prefix("session/")?.parse().ok()
}

/// The sort key under which everything of `turn` begins.
pub(crate) fn turn_prefix(turn: u64) -> String {
    format!("turn#{turn:012}#")
}

/// The turn and the kind of a turn's item: `(12, "round")`.
pub(crate) fn turn_item(item: &Item) -> Option<(u64, String, String)> {
    let sk: String = field(item, "sk").ok().flatten()?;
    let mut parts = sk.splitn(4, '#');
    let (first, turn, kind) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next().unwrap_or_default();
    (first == "turn").then_some((turn.parse().ok()?, kind.to_owned(), rest.to_owned()))
}

/// Seconds since 1970 after which the table may drop an item.
pub(crate) fn expires(after: engine::runtime::Time) -> AttributeValue {
    number(after.0 / 1000)
}

/// What the store did not answer; trying again may help.
pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Unavailable, "the table did not answer").because(error)
}
