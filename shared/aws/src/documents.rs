//! Small documents and counters: one item each, in a partition by tenant and topic.

use async_trait::async_trait;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use engine::document::{Document, DocumentKey, Documents, Topic};
use engine::error::Error;
use engine::runtime::Time;
use serde_json::Value;

use crate::item::{BadItem, Item, item, needed, number, pack, text, unpack};
use crate::store::{Store, expires as expiry, unavailable};

#[async_trait]
impl Documents for Store {
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error> {
        let found = self.get(place(key)).await?;
        Ok(found.as_ref().map(document).transpose()?)
    }

    async fn save(
        &self,
        key: &DocumentKey,
        version: u64,
        body: Value,
        expires: Option<Time>,
    ) -> Result<bool, Error> {
        let mut kept = place(key);
        kept.insert("body".to_owned(), pack(&body)?);
        kept.insert("version".to_owned(), number(version + 1));
        if let Some(expires) = expires {
            kept.insert("expires".to_owned(), expiry(expires));
        }
        let put = self.client.put_item().table_name(&self.table);
        let put = put.set_item(Some(kept));
        let put = match version {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            _ => put
                .condition_expression("version = :version")
                .expression_attribute_values(":version", number(version)),
        };
        done(put.send().await)
    }

    async fn remove(&self, key: &DocumentKey, version: u64) -> Result<bool, Error> {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete
            .set_key(Some(place(key)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version));
        done(delete.send().await)
    }

    async fn list(
        &self,
        tenant: &str,
        topic: Topic,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Document>, Error> {
        let query = self.client.query().table_name(&self.table);
        let query = query
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", text(partition(tenant, topic)))
            .expression_attribute_values(":after", text(format!("{DOCUMENT}{after}")))
            .consistent_read(true);
        let mut items = query.into_paginator().items().send();
        let mut documents = Vec::new();
        while documents.len() < limit {
            let Some(found) = items.next().await else {
                break;
            };
            documents.push(document(&found.map_err(unavailable)?)?);
        }
        Ok(documents)
    }

    async fn count(
        &self,
        key: &DocumentKey,
        by: i64,
        at_most: i64,
        expires: Option<Time>,
    ) -> Result<Option<i64>, Error> {
        if by > at_most {
            return Ok(None);
        }
        let expires = expires.map_or(AttributeValue::Null(true), expiry);
        let update = self.client.update_item().table_name(&self.table);
        let update = update
            .set_key(Some(counter(key)))
            .condition_expression("attribute_not_exists(total) OR total <= :room")
            .update_expression("ADD total :by SET expires = :expires")
            .expression_attribute_values(":by", number(by))
            .expression_attribute_values(":room", number(i128::from(at_most) - i128::from(by)))
            .expression_attribute_values(":expires", expires)
            .return_values(ReturnValue::UpdatedNew);
        match update.send().await {
            Ok(updated) => Ok(Some(needed(
                &updated.attributes.unwrap_or_default(),
                "total",
            )?)),
            Err(error) if refused(&error) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// What the sort keys of documents begin with; those of counters sort before them.
const DOCUMENT: &str = "=";
const COUNTER: &str = "+";

/// The partition of a tenant's documents about `topic`.
fn partition(tenant: &str, topic: Topic) -> String {
    format!("document/{tenant}/{}", topic.name())
}

fn place(key: &DocumentKey) -> Item {
    named(key, DOCUMENT)
}

fn counter(key: &DocumentKey) -> Item {
    named(key, COUNTER)
}

fn named(key: &DocumentKey, kind: &str) -> Item {
    item([
        ("pk", text(partition(&key.tenant, key.topic))),
        ("sk", text(format!("{kind}{}", key.id))),
    ])
}

fn document(item: &Item) -> Result<Document, BadItem> {
    let sk: String = needed(item, "sk")?;
    Ok(Document {
        id: sk.strip_prefix(DOCUMENT).ok_or(BadItem("sk"))?.to_owned(),
        version: needed(item, "version")?,
        body: unpack(item.get("body").ok_or(BadItem("body"))?)?,
    })
}

/// Whether a conditional write was carried out.
fn done<T, E>(answer: Result<T, SdkError<E>>) -> Result<bool, Error>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match answer {
        Ok(_) => Ok(true),
        Err(error) if refused(&error) => Ok(false),
        Err(error) => Err(unavailable(error)),
    }
}

fn refused<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    code == Some("ConditionalCheckFailedException")
}
