//! Signatures of webhooks: Standard Webhooks, and GitHub's.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::runtime::Time;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::text;

/// How far the sender's clock may be from ours; older requests may be repeated by whoever saw them.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The longest id of a delivery.
const MAX_ID: usize = 200;

/// A request that says it is signed.
pub(super) struct Signed<'r> {
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
    pub(super) now: Time,
}

/// Why a request is not taken to be the sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsigned {
    #[error(
        "sign the request as https://www.standardwebhooks.com says (webhook-id, webhook-timestamp, webhook-signature), or as GitHub does (X-Hub-Signature-256, X-GitHub-Delivery)"
    )]
    Missing,
    #[error("the request was signed more than 5 minutes ago, or the sender's clock is wrong")]
    Stale,
    #[error("the signature is not of this body and the secret of this workflow")]
    Otherwise,
}

impl Signed<'_> {
    /// The id of the delivery, once `secret` is shown to have signed it.
    pub(super) fn delivery(&self, secret: &SecretString) -> Result<String, Unsigned> {
        let secret = secret.expose_secret();
        // Anyone can sign with an empty secret.
        if secret.is_empty() {
            return Err(Unsigned::Otherwise);
        }
        match text(self.headers, "webhook-signature") {
            Some(signatures) => self.standard(secret, signatures),
            None => self.github(secret),
        }
    }

    fn standard(&self, secret: &str, signatures: &str) -> Result<String, Unsigned> {
        let id = self.id("webhook-id")?;
        let at = text(self.headers, "webhook-timestamp").ok_or(Unsigned::Missing)?;
        let seconds: i64 = at.parse().map_err(|_| Unsigned::Missing)?;
        let at_millis = Time(seconds.saturating_mul(1000));
        let apart = self.now.since(at_millis).max(at_millis.since(self.now));
        if apart > TOLERANCE {
            return Err(Unsigned::Stale);
        }
        let key = match secret.strip_prefix("whsec_") {
            Some(encoded) => BASE64_STANDARD
                .decode(encoded)
                .map_err(|_| Unsigned::Otherwise)?,
            None => secret.as_bytes().to_vec(),
        };
        let parts: [&[u8]; 5] = [id.as_bytes(), b".", at.as_bytes(), b".", self.body];
        // While a secret is changed, a sender signs with both.
        let signatures = signatures.split(' ');
        let mut signatures = signatures.filter_map(|signature| signature.strip_prefix("v1,"));
        let is_good = |signature: &str| {
            let decoded = BASE64_STANDARD.decode(signature);
            decoded.is_ok_and(|signature| signs(&key, &parts, &signature))
        };
        match signatures.any(is_good) {
            true => Ok(id.to_owned()),
            false => Err(Unsigned::Otherwise),
        }
    }

    fn github(&self, secret: &str) -> Result<String, Unsigned> {
        let signature = text(self.headers, "x-hub-signature-256").ok_or(Unsigned::Missing)?;
        let id = self.id("x-github-delivery")?;
        let digits = signature.strip_prefix("sha256=");
        let signature = digits.and_then(|digits| hex::decode(digits).ok());
        match signature {
            Some(signature) if signs(secret.as_bytes(), &[self.body], &signature) => {
                Ok(id.to_owned())
            }
            _ => Err(Unsigned::Otherwise),
        }
    }

    fn id(&self, header: &str) -> Result<&str, Unsigned> {
        let id = text(self.headers, header).filter(|id| (1..=MAX_ID).contains(&id.len()));
        id.ok_or(Unsigned::Missing)
    }
}

fn signs(key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.verify_slice(signature).is_ok()
}
