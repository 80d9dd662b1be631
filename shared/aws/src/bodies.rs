//! Long bodies in S3. Items hold where they lie.

use std::fmt;
use std::str::FromStr;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use engine::error::{Error, Kind};
use engine::session::{Pending, SessionKey, hash64};

mod call;
#[cfg(test)]
mod tests;

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
pub struct Bodies(call::Call);

impl Bodies {
    /// The bucket `name`. Emulators serve buckets by path.
    pub(crate) fn new(config: &SdkConfig, name: &str) -> Self {
        let region = config.region().map_or("", |region| region.as_ref());
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = match config.endpoint_url() {
            Some(url) => format!("{}/{name}", url.trim_end_matches('/')),
            None => format!("https://{name}.s3.{region}.amazonaws.com{suffix}"),
        };
        Self(call::call(config, &url))
    }

    /// Keeps `body` at `key`; a second one is the same body.
    pub(crate) async fn put(&self, key: &BodyKey, body: Vec<u8>) -> Result<(), Error> {
        let kept = self.call("PUT", key, SdkBody::from(body)).await;
        kept.map(drop).map_err(|error| {
            Error::new(Kind::Unavailable, "a long text could not be kept").because(error)
        })
    }

    /// The body at `key`.
    pub(crate) async fn get(&self, key: &BodyKey) -> Result<Vec<u8>, Error> {
        let read = self.call("GET", key, SdkBody::empty()).await;
        read.map_err(|error| {
            Error::new(Kind::Unavailable, "a long text could not be read").because(error)
        })
    }

    async fn call(&self, method: &str, key: &BodyKey, body: SdkBody) -> Result<Vec<u8>, BoxError> {
        let mut request = HttpRequest::new(body);
        request.set_method(method)?;
        request.set_uri(format!("/{key}"))?;
        Ok(self.0.invoke(request).await?)
    }
}
