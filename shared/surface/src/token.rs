//! Signed permissions to use one session for a while, for who must not have a key: pages in browsers.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use engine::runtime::Time;
use engine::session::SessionKey;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::link::Link;

/// What a signature is for: one for another purpose does not fit.
const SESSION: &[u8] = b"confab session token\0";
const APPROVAL: &[u8] = b"confab approval link\0";
const NOTICE: &[u8] = b"confab notice link\0";

/// Signs and recognises tokens.
#[derive(Clone)]
pub struct SigningKey([u8; 64]);

/// A permission to use one session until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) session: SessionKey,
    pub(crate) expires: Time,
    /// The person of the house whom it stands for, who may do there what an operator may; else the contact.
    pub(crate) person: Option<String>,
}

impl SigningKey {
    /// A key of random bytes.
    #[must_use]
    pub fn new(key: [u8; 64]) -> Self {
        Self(key)
    }

    /// A key that follows from `secret`: another secret is another key, and who cannot write down all of
    /// the secret cannot sign.
    #[must_use]
    pub fn derived(secret: &SecretString) -> Self {
        let mut seed = [0; 64];
        seed[..32].copy_from_slice(&Sha256::digest(secret.expose_secret()));
        let mac = Self(seed).mac(b"confab signing key\0");
        let mut key = [0; 64];
        key[..32].copy_from_slice(&mac.finalize().into_bytes());
        Self(key)
    }

    /// `token` as text that only this key makes.
    pub(crate) fn sign(&self, token: &Token) -> String {
        let mut claim = format!("{} {}", token.expires.0, token.session);
        if let Some(person) = &token.person {
            claim = format!("{claim}\n{person}");
        }
        self.seal(SESSION, &claim)
    }

    /// `link` as text that only this key makes.
    pub(crate) fn sign_link(&self, link: &Link) -> String {
        self.seal(APPROVAL, &link.claim())
    }

    /// What [`SigningKey::sign_link`] made the text of, expired or not.
    pub(crate) fn read_link(&self, text: &str) -> Option<Link> {
        Link::of_claim(&self.open(APPROVAL, text)?)
    }

    /// A link to a notice as text that only this key makes, and that opens no approval.
    pub(crate) fn sign_notice(&self, link: &Link) -> String {
        self.seal(NOTICE, &link.claim())
    }

    /// What [`SigningKey::sign_notice`] made the text of, expired or not.
    pub(crate) fn read_notice(&self, text: &str) -> Option<Link> {
        Link::of_claim(&self.open(NOTICE, text)?)
    }

    /// What [`SigningKey::sign`] made the text of, expired or not.
    pub(crate) fn read(&self, text: &str) -> Option<Token> {
        let claim = self.open(SESSION, text)?;
        // A session's name may have spaces, but nothing that ends a line.
        let (claim, person) = match claim.split_once('\n') {
            Some((claim, person)) => (claim, Some(person.to_owned())),
            None => (claim.as_str(), None),
        };
        let (expires, session) = claim.split_once(' ')?;
        Some(Token {
            session: session.parse().ok()?,
            expires: Time(expires.parse().ok()?),
            person,
        })
    }

    fn seal(&self, purpose: &[u8], claim: &str) -> String {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claim);
        let signature = self.tag(purpose, &payload).finalize().into_bytes();
        format!("{payload}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn open(&self, purpose: &[u8], text: &str) -> Option<String> {
        let (payload, signature) = text.split_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.tag(purpose, payload).verify_slice(&signature).ok()?;
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    fn tag(&self, purpose: &[u8], payload: &str) -> Hmac<Sha256> {
        let mut mac = self.mac(purpose);
        mac.update(payload.as_bytes());
        mac
    }

    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(purpose);
        mac
    }
}

#[cfg(test)]
mod tests;
