//! `DynamoDB` items: attribute values, and records as compact bodies.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use engine::error::{Error, Kind};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One item: attribute values by name.
pub type Item = HashMap<String, AttributeValue>;

/// Shorter bodies stay readable: they fit one write unit of 1,024 bytes as they are.
const DEFLATED_FROM: usize = 700;

/// What records have in common, so that a plain turn's fits a write unit: deflated bodies continue it.
/// Bodies name it by their first byte; it never changes, a better one gets another.
const COMMON: &[u8] = include_bytes!("item/common.txt");
const CONTINUES_COMMON: u8 = 1;

/// The longest body that is inflated; longer ones were never written.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// An attribute that is missing or of another type than it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("attribute `{0}` is missing or malformed")]
pub struct BadItem(pub &'static str);

impl From<BadItem> for Error {
    fn from(bad: BadItem) -> Self {
        Self::new(Kind::Internal, "an item of the table cannot be read").because(bad)
    }
}

/// Text, from whatever can be shown as text.
pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A map of the given fields.
#[must_use]
pub(crate) fn map<'a>(
    fields: impl IntoIterator<Item = (&'a str, AttributeValue)>,
) -> AttributeValue {
    AttributeValue::M(item(fields))
}

/// An item of the given attributes.
#[must_use]
pub(crate) fn item<'a>(fields: impl IntoIterator<Item = (&'a str, AttributeValue)>) -> Item {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What the text or number `name` reads as; nothing when the item has none.
///
/// # Errors
/// [`BadItem`] when it is of another type or does not parse.
pub(crate) fn field<T: FromStr>(item: &Item, name: &'static str) -> Result<Option<T>, BadItem> {
    let read = |value: &AttributeValue| match value {
        AttributeValue::S(text) | AttributeValue::N(text) => {
            text.parse().map_err(|_| BadItem(name))
        }
        _ => Err(BadItem(name)),
    };
    item.get(name).map(read).transpose()
}

/// What the text or number `name` reads as.
///
/// # Errors
/// [`BadItem`] also when there is none.
pub(crate) fn needed<T: FromStr>(item: &Item, name: &'static str) -> Result<T, BadItem> {
    field(item, name)?.ok_or(BadItem(name))
}

/// `record` as the attribute `body`: JSON, deflated when that saves a write unit.
pub(crate) fn pack(record: &impl Serialize) -> Result<AttributeValue, Error> {
    let unwritable = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Kind::Internal, "a record cannot be written").because(error)
    };
    let json = serde_json::to_string(record).map_err(|error| unwritable(error.into()))?;
    if json.len() < DEFLATED_FROM {
        return Ok(AttributeValue::S(json));
    }
    deflate(json.as_bytes())
        .map(|bytes| AttributeValue::B(Blob::new(bytes)))
        .map_err(|error| unwritable(error.into()))
}

/// The record that [`pack`] wrote.
pub(crate) fn unpack<T: DeserializeOwned>(value: &AttributeValue) -> Result<T, BadItem> {
    let bad = BadItem("body");
    match value {
        AttributeValue::S(json) => serde_json::from_str(json).map_err(|_| bad),
        AttributeValue::B(deflated) => {
            let json = inflate(deflated.as_ref()).ok_or_else(|| bad.clone())?;
            serde_json::from_slice(&json).map_err(|_| bad)
        }
        _ => Err(bad),
    }
}

/// How many bytes a packed record takes.
pub(crate) fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 0,
    }
}

fn deflate(json: &[u8]) -> io::Result<Vec<u8>> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(COMMON)?;
    // Ends a block, and with it a byte.
    deflated.flush()?;
    let common = deflated.get_ref().len();
    deflated.write_all(json)?;
    let mut bytes = deflated.finish()?.split_off(common);
    bytes.insert(0, CONTINUES_COMMON);
    Ok(bytes)
}

fn inflate(deflated: &[u8]) -> Option<Vec<u8>> {
    let (&CONTINUES_COMMON, rest) = deflated.split_first()? else {
        return None;
    };
    let length = u16::try_from(COMMON.len()).ok()?;
    // A stored block: its kind, its length and the complement of that.
    let head = [
        [0].as_slice(),
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
    ]
    .concat();
    let mut json = Vec::new();
    DeflateDecoder::new(head.chain(COMMON).chain(rest))
        .take(MAX_BODY)
        .read_to_end(&mut json)
        .ok()?;
    Some(json.split_off(COMMON.len()))
}

#[cfg(test)]
mod tests;
