//! How turns ended, and what carriers say of each part of a reply.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::error::Error;
use engine::message::Delivery;
use engine::session::SessionKey;
use engine::transcript::{Outcomes, Settlement};
use rusqlite::{OptionalExtension, params};

use crate::store::Store;

#[async_trait]
impl Outcomes for Store {
    async fn settle(
        &self,
        key: &SessionKey,
        turn: u64,
        settlement: Settlement,
    ) -> Result<Settlement, Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            let standing: Option<String> = open
                .connection
                .prepare_cached("SELECT settlement FROM settlement WHERE session = ? AND turn = ?")?
                .query_row(params![id, turn.cast_signed()], |row| row.get(0))
                .optional()?;
            if let Some(standing) = standing {
                return Ok(serde_json::from_str(&standing)?);
            }
            open.begin_of(id)?;
            open.connection
                .prepare_cached(
                    "INSERT INTO settlement (session, turn, settlement) VALUES (?, ?, ?)",
                )?
                .execute(params![
                    id,
                    turn.cast_signed(),
                    serde_json::to_string(&settlement)?
                ])?;
            Ok(settlement)
        })
    }

    async fn settlements_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Settlement>, Error> {
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else {
                return Ok(BTreeMap::new());
            };
            let mut statement = open.connection.prepare_cached(
                "SELECT turn, settlement FROM settlement WHERE session = ? AND turn >= ?",
            )?;
            let mut rows = statement.query(params![entry.id, from.cast_signed()])?;
            let mut settlements = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let settlement: String = row.get(1)?;
                settlements.insert(
                    row.get::<_, i64>(0)?.cast_unsigned(),
                    serde_json::from_str(&settlement)?,
                );
            }
            Ok(settlements)
        })
    }

    async fn deliver(&self, key: &SessionKey, turn: u64, delivery: Delivery) -> Result<(), Error> {
        self.with(|open| {
            let id = open.row(key)?.id;
            let known: Option<String> = open
                .connection
                .prepare_cached("SELECT delivery FROM delivery WHERE session = ? AND turn = ? AND part = ?")?
                .query_row(params![id, turn.cast_signed(), delivery.part], |row| row.get(0))
                .optional()?;
            let known: Option<Delivery> = known.map(|known| serde_json::from_str(&known)).transpose()?;
            if known.is_some_and(|known| known.state >= delivery.state) {
                return Ok(());
            }
            open.begin_of(id)?;
            open.connection
                .prepare_cached("INSERT OR REPLACE INTO delivery (session, turn, part, delivery) VALUES (?, ?, ?, ?)")?
                .execute(params![id, turn.cast_signed(), delivery.part, serde_json::to_string(&delivery)?])?;
            Ok(())
        })
    }

    async fn deliveries_since(
        &self,
        key: &SessionKey,
        from: u64,
    ) -> Result<BTreeMap<u64, Vec<Delivery>>, Error> {
        self.with(|open| {
            let Some(entry) = open.memory.cache.entry(open.connection, key)? else { return Ok(BTreeMap::new()) };
            let mut statement = open.connection.prepare_cached(
                "SELECT turn, delivery FROM delivery WHERE session = ? AND turn >= ? ORDER BY turn, part",
            )?;
            let mut rows = statement.query(params![entry.id, from.cast_signed()])?;
            let mut deliveries: BTreeMap<u64, Vec<Delivery>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                let delivery: String = row.get(1)?;
                let turn = row.get::<_, i64>(0)?.cast_unsigned();
                deliveries.entry(turn).or_default().push(serde_json::from_str(&delivery)?);
            }
            Ok(deliveries)
        })
    }
}
