//! Long bodies in S3. Items hold where they lie.

use std::fmt;
use std::str::FromStr;

use engine::error::{Error, Kind};
use engine::session::{Pending, SessionKey, hash64};

use crate::call::Bucket;

/// Where a body lies in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BodyKey(String);

impl BodyKey {
    /// Of a message that waits: gone with the bucket's lifecycle once its turn has copied it.
    pub(crate) fn of_pending(session: &SessionKey, message: &Pending) -> Self {
        // With the text: who sends another one under a known id must not replace what waits.
        Self::new("pending", session, &[&message.id, &message.text])
    }

    /// Of an item of the table.
    pub(crate) fn of_item(session: &SessionKey, sk: &str, body: &str) -> Self {
        // With the body: who comes too late to write the item must not replace what it says.
        Self::new("items", session, &[sk, body])
    }

    fn new(kind: &str, session: &SessionKey, name: &[&str]) -> Self {
        let (session, name) = (hash64(&[session.as_str()]), hash64(name));
        Self(format!("bodies/{kind}/{session:016x}/{name:016x}"))
    }
}

impl fmt::Display for BodyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BodyKey {
    type Err = ();

    fn from_str(key: &str) -> Result<Self, ()> {
        key.starts_with("bodies/")
            .then(|| Self(key.to_owned()))
            .ok_or(())
    }
}

/// The bucket of long bodies.
#[derive(Clone, Debug)]
pub struct Bodies(pub(crate) Bucket);

impl Bodies {
    /// Keeps `body` at `key`; a second one is the same body.
    pub(crate) async fn put(&self, key: &BodyKey, body: Vec<u8>) -> Result<(), Error> {
        self.0.put(&key.0, body).await.map_err(|error| {
            Error::new(Kind::Unavailable, "a long text could not be kept").because(error)
        })
    }

    /// The body at `key`.
    pub(crate) async fn get(&self, key: &BodyKey) -> Result<Vec<u8>, Error> {
        self.0.get(&key.0).await.map_err(|error| {
            Error::new(Kind::Unavailable, "a long text could not be read").because(error)
        })
    }
}
