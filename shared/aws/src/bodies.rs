//! Long bodies in S3. Items hold where they lie.

use std::fmt;
use std::str::FromStr;

use aws_sdk_s3::primitives::ByteStream;
use engine::error::{Error, Kind};
use engine::session::{Pending, SessionKey, hash64};

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
    pub(crate) fn of_item(session: &SessionKey, sk: &str) -> Self {
        Self::new("items", session, &[sk])
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
pub struct Bodies {
    /// Speaks with S3.
    pub client: aws_sdk_s3::Client,
    /// The bucket.
    pub bucket: String,
}

impl Bodies {
    /// Keeps `body` at `key`; a second one is the same body.
    pub(crate) async fn put(&self, key: &BodyKey, body: Vec<u8>) -> Result<(), Error> {
        let put = self.client.put_object().bucket(&self.bucket).key(&key.0);
        let sent = put.body(ByteStream::from(body)).send().await;
        sent.map(drop).map_err(|error| {
            Error::new(Kind::Unavailable, "a long text could not be kept").because(error)
        })
    }

    /// The body at `key`.
    pub(crate) async fn get(&self, key: &BodyKey) -> Result<Vec<u8>, Error> {
        let unreadable = || Error::new(Kind::Unavailable, "a long text could not be read");
        let get = self.client.get_object().bucket(&self.bucket).key(&key.0);
        let found = get
            .send()
            .await
            .map_err(|error| unreadable().because(error))?;
        let body = found.body.collect().await;
        Ok(body.map_err(|error| unreadable().because(error))?.to_vec())
    }
}
