//! Holds that may have lost their holder, without an index that every turn pays for.
//!
//! The table's stream costs nothing to read. Of each stretch of it the holds that are still open at its
//! end are noted under their lease; most turns begin and end within one stretch. The sweep reads the notes
//! that are due.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::error::Error;
use engine::runtime::Time;
use engine::session::SessionKey;
use serde::Deserialize;

use crate::item::{Item, item, needed, text};
use crate::session::read;
use crate::store::{Place, SESSION, Store, expires, session_of, unavailable};

const HOLDS: &str = "holds";

/// How long a note outlives its lease when nobody sweeps.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Which holds are open after a stretch of the stream: each session's lease, or nothing when it is free.
#[derive(Debug, Default)]
pub struct OpenHolds(BTreeMap<SessionKey, Option<Time>>);

/// What the stream shows of an item: `{"pk": {"S": …}, "sk": {"S": …}, "lease": {"N": …}}` and more.
#[derive(Debug, Deserialize)]
pub struct Image {
    pk: Text,
    sk: Text,
    lease: Option<Number>,
}

#[derive(Debug, Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Number {
    #[serde(rename = "N")]
    number: String,
}

impl OpenHolds {
    /// The next change in the stream: an item as it became. Other items than sessions say nothing.
    pub fn see(&mut self, new: &Image) {
        let session = session_of(&new.pk.text).filter(|_| new.sk.text == SESSION);
        if let Some(session) = session {
            let lease = new
                .lease
                .as_ref()
                .and_then(|lease| lease.number.parse().ok());
            self.0.insert(session, lease.map(Time));
        }
    }
}

impl Store {
    /// Notes the holds that are open.
    ///
    /// # Errors
    /// When the store failed; noting them again does no harm.
    pub async fn note(&self, holds: &OpenHolds) -> Result<(), Error> {
        for (key, lease) in &holds.0 {
            let Some(lease) = lease else { continue };
            let note = item([
                ("pk", text(HOLDS)),
                ("sk", text(format!("{:015}#{key}", lease.0))),
                ("session", text(key)),
                ("expires", expires(lease.plus(KEPT))),
            ]);
            self.put_item(note, false).await?;
        }
        Ok(())
    }

    /// At most `limit` sessions among the notes whose lease ended before `now`. A note of a hold that has
    /// ended or goes on is dropped: whatever happened to it since was noted for itself.
    pub(crate) async fn expired_holds(
        &self,
        now: Time,
        limit: usize,
    ) -> Result<Vec<SessionKey>, Error> {
        let due = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :now")
            .expression_attribute_values(":pk", text(HOLDS))
            .expression_attribute_values(":now", text(format!("{:015}", now.0)))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(unavailable)?;
        let mut expired = Vec::new();
        for note in due.items.unwrap_or_default() {
            let key: SessionKey = needed(&note, "session")?;
            let found = self.get(Place::new(&key, SESSION).key()).await?;
            let session = read(&found.unwrap_or_default())?.session;
            if session.lease.is_some_and(|lease| lease < now) {
                expired.push(key);
            } else {
                self.drop_note(&note).await?;
            }
        }
        Ok(expired)
    }

    async fn drop_note(&self, note: &Item) -> Result<(), Error> {
        let key = item([
            ("pk", text(HOLDS)),
            ("sk", text(needed::<String>(note, "sk")?)),
        ]);
        let delete = self.client.delete_item().table_name(&self.table);
        delete
            .set_key(Some(key))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}
