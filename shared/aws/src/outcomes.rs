//! How turns ended, what carriers say, and what tools keep.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use engine::error::{Error, Kind};
use engine::message::Delivery;
use engine::session::{MessageHash, SessionKey};
use engine::tool::{Record, Records};
use engine::transcript::{Outcomes, Settlement, Verdict};
use engine::turn::Spill;

use crate::item::{item, number, pack, text};
use crate::session::{hash_set, hashes};
use crate::store::{Place, Store, expires, turn_prefix, unavailable};

/// How long a message is recognised at least: carriers redeliver for days.
const REMEMBERED: Duration = Duration::from_secs(8 * 24 * 3600);

#[async_trait]
impl Outcomes for Store {
    async fn settle(
        &self,
        key: &SessionKey,
        turn: u64,
        settlement: Settlement,
    ) -> Result<Settlement, Error> {
        let place = Place::new(key, format!("{}verdict", turn_prefix(turn)));
        let standing = match self.put(place, &settlement, true).await? {
            None => settlement,
            Some(standing) => self.record(&standing).await?,
        };
        // Also when it stood already: whoever settled it may have died before it was queued, and a
        // message queued twice is accepted again once.
        let is_parked = matches!(standing.verdict, Verdict::Failed | Verdict::Unconfirmed);
        if let Some(parked) = self.parked.as_ref().filter(|_| is_parked) {
            parked.park(key, turn, &standing).await?;
        }
        Ok(standing)
    }

    async fn settlements_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Settlement>, Error> {
        let settlements = self.all_since(key, from, "verdict").await?;
        Ok(settlements
            .into_iter()
            .map(|(turn, _, settlement)| (turn, settlement))
            .collect())
    }

    async fn deliver(&self, key: &SessionKey, turn: u64, delivery: Delivery) -> Result<(), Error> {
        let place = Place::new(
            key,
            format!("{}part#{:04}", turn_prefix(turn), delivery.part),
        );
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(place.key()))
            .condition_expression("attribute_not_exists(#state) OR #state < :state")
            .update_expression("SET #state = :state, #body = :body")
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#body", "body")
            .expression_attribute_values(":state", number(delivery.state as u8))
            .expression_attribute_values(":body", pack(&delivery)?)
            .send()
            .await;
        match sent.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) | Err(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    async fn deliveries_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Vec<Delivery>>, Error> {
        let mut deliveries: BTreeMap<u64, Vec<Delivery>> = BTreeMap::new();
        for (turn, _, delivery) in self.all_since(key, from, "part").await? {
            deliveries.entry(turn).or_default().push(delivery);
        }
        Ok(deliveries)
    }
}

#[async_trait]
impl Spill for Store {
    async fn spill(&self, key: &SessionKey, spilled: &[MessageHash]) -> Result<(), Error> {
        let Some(set) = hash_set(spilled) else {
            return Ok(());
        };
        let now = self.runtime.now();
        let mut item = Place::new(key, format!("seen#{:015}", now.0)).key();
        item.insert("seen".to_owned(), set);
        item.insert("expires".to_owned(), expires(now.plus(REMEMBERED)));
        self.put_item(item, false).await.map(drop)
    }

    async fn spilled(
        &self,
        key: &SessionKey,
        wanted: &[MessageHash],
    ) -> Result<Vec<MessageHash>, Error> {
        let mut found = Vec::new();
        for item in self.range(key, "seen#", "seen$").await? {
            found.extend(hashes(&item, "seen")?);
        }
        Ok(wanted
            .iter()
            .copied()
            .filter(|hash| found.contains(hash))
            .collect())
    }
}

#[async_trait]
impl Records for Store {
    async fn keep(&self, record: Record) -> Result<(), Error> {
        let (tenant, bot) = (record.session.tenant(), record.session.bot());
        let kept = item([
            (
                "pk",
                text(format!("record/{tenant}/{bot}/{}", record.collection)),
            ),
            ("sk", text(format!("{}#{}", record.session, record.id))),
            ("body", pack(&record)?),
        ]);
        if crate::item::size(&kept["body"]) > crate::store::MAX_INLINE {
            return Err(Error::new(
                Kind::Invalid,
                "the record is too long to be kept",
            ));
        }
        self.put_item(kept, true).await.map(drop)
    }
}
