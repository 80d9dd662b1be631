//! A session with its latest turns, read in one query.

use aws_sdk_dynamodb::types::AttributeValue;
use engine::error::Error;
use engine::session::{Handled, Hold, SessionKey};

use crate::item::{Item, text};
use crate::session::{Stored, read};
use crate::store::{SESSION, Store, partition, turn_item, turn_prefix, unavailable};

/// Items read beyond one per turn: calls, results and reports of the latest turns.
const SPARE: u32 = 8;

/// The latest items of a session.
pub(crate) struct Recent {
    key: SessionKey,
    /// In order of their sort keys.
    items: Vec<Item>,
    /// The first turn of which every item is here.
    complete_from: u64,
}

impl Recent {
    pub(crate) fn is_of(&self, key: &SessionKey) -> bool {
        self.key == *key
    }

    /// Every item from turn `from` on, if all are here.
    pub(crate) fn since(&self, from: u64) -> Option<Vec<Item>> {
        let reaches = |item: &&Item| turn_item(item).is_some_and(|(turn, ..)| turn >= from);
        (self.complete_from <= from).then(|| self.items.iter().filter(reaches).cloned().collect())
    }

    /// Whether it holds the round that `handled` names.
    fn shows(&self, handled: Handled) -> bool {
        let wanted = format!("{}round#{}", turn_prefix(handled.turn), handled.plan);
        let same = |item: &Item| item.get("sk") == Some(&AttributeValue::S(wanted.clone()));
        self.items.iter().any(same)
    }
}

impl Store {
    /// The session and its latest turns as one query sees them.
    pub(crate) async fn read_recent(
        &self,
        key: &SessionKey,
        consistent: bool,
    ) -> Result<(Stored, Recent), Error> {
        let limit = self.read_ahead + SPARE;
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :turns AND :session")
            .expression_attribute_values(":pk", text(partition(key)))
            .expression_attribute_values(":turns", text(turn_prefix(0)))
            .expression_attribute_values(":session", text(SESSION))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(unavailable)?;
        let cut = page.last_evaluated_key.is_some();
        let mut items = page.items.unwrap_or_default();
        items.reverse();
        let session = match items.last().map(turn_item) {
            Some(None) => items.pop().unwrap_or_default(),
            _ => Item::new(),
        };
        let oldest = items.first().and_then(turn_item).map(|(turn, ..)| turn);
        let recent = Recent {
            key: key.clone(),
            items,
            // The oldest turn of a page that was cut may have more items.
            complete_from: if cut {
                oldest.map_or(0, |turn| turn + 1)
            } else {
                0
            },
        };
        Ok((read(&session)?, recent))
    }

    /// The same at half the price, if what it shows fits `hold` and is whole.
    pub(crate) async fn read_recent_held(
        &self,
        key: &SessionKey,
        hold: Hold,
    ) -> Result<(Stored, Recent), Error> {
        let (stored, recent) = self.read_recent(key, false).await?;
        let whole = stored
            .session
            .newest()
            .is_none_or(|newest| recent.shows(newest));
        if stored.session.hold() == Some(hold) && whole {
            return Ok((stored, recent));
        }
        self.read_recent(key, true).await
    }
}
