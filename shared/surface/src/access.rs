//! Who may do what: API keys, tokens of one session, and a tenant that is open.

use std::sync::Arc;
use std::time::Duration;

use engine::bot::secrets::{KeyHolder, Role, Secrets};
use engine::runtime::{Runtime, Time};
use engine::session::SessionKey;
use engine::turn::Bots;
use http::{HeaderMap, Uri, header};
use secrecy::SecretString;

use crate::token::{SigningKey, Token};
use crate::{Problem, path};

/// How long a token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// How long after its end a token still gets a new one for the same session.
const RENEWAL: Duration = Duration::from_secs(24 * 3600);

/// Decides who may do what.
pub struct Access {
    secrets: Arc<Secrets>,
    /// The tenant that needs no key.
    open: Option<String>,
    signing: SigningKey,
    runtime: Runtime,
}

/// What a request wants to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Write and read messages.
    Talk,
    /// Give somebody else a token for it.
    Grant,
    /// Read the trace.
    Trace,
}

impl Access {
    /// Whoever has a key of `secrets` may use its tenant, as far as the key's role goes.
    #[must_use]
    pub fn keyed(secrets: Arc<Secrets>, signing: SigningKey, runtime: Runtime) -> Self {
        Self {
            secrets,
            open: None,
            signing,
            runtime,
        }
    }

    /// Whoever reaches us may use `tenant`; there are no keys.
    #[must_use]
    pub fn open(tenant: &str, signing: SigningKey, runtime: Runtime) -> Self {
        Self {
            secrets: Arc::default(),
            open: Some(tenant.to_owned()),
            signing,
            runtime,
        }
    }

    /// The session that the path names, once the caller may do `right` with it and its bot is here.
    ///
    /// # Errors
    /// When the path names none, the caller may not or the bot is not here.
    pub async fn session(
        &self,
        bots: &dyn Bots,
        uri: &Uri,
        headers: &HeaderMap,
        right: Right,
    ) -> Result<SessionKey, Problem> {
        let key = path::session(uri)?;
        self.allow(headers, &key, right)?;
        bots.find(key.tenant(), key.bot()).await?;
        Ok(key)
    }

    /// Allows `right` on a session to who sent `headers`.
    ///
    /// # Errors
    /// Why not.
    pub fn allow(
        &self,
        headers: &HeaderMap,
        session: &SessionKey,
        right: Right,
    ) -> Result<(), Problem> {
        self.allow_bearer(bearer(headers)?, session, right)
    }

    /// Allows `right` on a session to who presents a key, a token or nothing.
    ///
    /// # Errors
    /// Why not.
    pub fn allow_bearer(
        &self,
        presented: Option<&str>,
        session: &SessionKey,
        right: Right,
    ) -> Result<(), Problem> {
        let Some(presented) = presented else {
            return self.allow_nobody(session.tenant());
        };
        if let Some(holder) = self.secrets.holder(&SecretString::from(presented)) {
            return allow_holder(holder, session, right);
        }
        match self.read(presented) {
            Some(token) if token.expires <= self.runtime.now() => {
                Err(Problem::unauthenticated("the token has run out"))
            }
            Some(token) if token.session == *session && right == Right::Talk => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "a token opens its own conversation only",
            )),
            None => Err(Problem::unauthenticated("the key is not known")),
        }
    }

    /// Who sent `headers`, if they may operate the bots of `tenant`.
    ///
    /// # Errors
    /// Why not.
    pub fn operator(&self, headers: &HeaderMap, tenant: &str) -> Result<String, Problem> {
        let Some(presented) = bearer(headers)? else {
            self.allow_nobody(tenant)?;
            return Ok("whoever runs this host".to_owned());
        };
        match self.secrets.holder(&SecretString::from(presented)) {
            Some(holder) if holder.tenant != tenant => {
                Err(Problem::forbidden("the key is another tenant's"))
            }
            Some(holder) if holder.role < Role::Operator => {
                Err(Problem::forbidden("the key's role does not allow this"))
            }
            Some(holder) => Ok(holder.person.clone()),
            None => Err(Problem::unauthenticated("the key is not known")),
        }
    }

    fn allow_nobody(&self, tenant: &str) -> Result<(), Problem> {
        match self.open.as_deref() {
            Some(open) if tenant == open => Ok(()),
            Some(open) => Err(Problem::forbidden(format!(
                "without a key only the tenant {open} can be used"
            ))),
            None => Err(Problem::unauthenticated(
                "send a key as `Authorization: Bearer KEY`",
            )),
        }
    }

    /// A token for `session` and when it runs out.
    #[must_use]
    pub fn issue(&self, session: &SessionKey) -> (String, Time) {
        let token = Token {
            session: session.clone(),
            expires: self.runtime.now().plus(TOKEN_LIFE),
        };
        (self.signing.sign(&token), token.expires)
    }

    /// The session of a token that may be used, or not any more but exchanged for another.
    #[must_use]
    pub fn renewable(&self, token: &str) -> Option<SessionKey> {
        let token = self.read(token)?;
        (token.expires.plus(RENEWAL) > self.runtime.now()).then_some(token.session)
    }

    fn read(&self, token: &str) -> Option<Token> {
        // Where nobody may ask for a token, the signing key may follow from a text that anybody can guess.
        let can_exist = self.open.is_some() || self.secrets.has_keys();
        can_exist.then(|| self.signing.read(token))?
    }
}

fn allow_holder(holder: &KeyHolder, session: &SessionKey, right: Right) -> Result<(), Problem> {
    if holder.tenant != session.tenant() {
        return Err(Problem::forbidden("the key is another tenant's"));
    }
    let needed = match right {
        Right::Talk | Right::Grant => Role::Client,
        Right::Trace => Role::Viewer,
    };
    if holder.role < needed {
        return Err(Problem::forbidden("the key's role does not allow this"));
    }
    Ok(())
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    });
    let malformed = || Problem::unauthenticated("the Authorization header must be `Bearer KEY`");
    token
        .filter(|token| !token.is_empty())
        .map(Some)
        .ok_or_else(malformed)
}

#[cfg(test)]
mod tests;
