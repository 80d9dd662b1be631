//! Who may do what: API keys, tokens of one session, and a tenant that is open.

use std::sync::Arc;
use std::time::Duration;

use engine::approval::Approval;
use engine::bot::Bot;
use engine::bot::secrets::{KeyHolder, Role, Secrets};
use engine::notify::Notice;
use engine::runtime::{Runtime, Time};
use engine::session::SessionKey;
use engine::turn::Bots;
use http::{HeaderMap, Uri, header};
use secrecy::SecretString;

use crate::link::Link;
use crate::token::{SigningKey, Token};
use crate::{Problem, path};

/// How long a token is good.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// How long after its end a token still gets a new one for the same session.
const RENEWAL: Duration = Duration::from_secs(24 * 3600);

/// What an operator is called where nobody has a key and none was named.
const NAMELESS: &str = "operator";

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
    /// Take it over, answer in it, end it.
    Operate,
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

    /// Whether whoever reaches us needs no key.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
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
            return self.nobody(session.tenant());
        };
        if let Some(holder) = self.secrets.holder(&SecretString::from(presented)) {
            return allow_holder(holder, session, right);
        }
        match self.read(presented) {
            Some(token) if token.expires <= self.runtime.now() => {
                Err(Problem::unauthenticated("the token has run out"))
            }
            Some(token) if token.session == *session && token.may(right) => Ok(()),
            Some(_) => Err(Problem::forbidden(
                "a token opens its own conversation only",
            )),
            None => Err(Problem::unauthenticated("the key is not known")),
        }
    }

    /// Who asks something of a whole tenant with at least the role `needed`: the person that the key names,
    /// or nobody in particular where no keys are needed.
    ///
    /// # Errors
    /// Why not.
    pub fn tenant(
        &self,
        headers: &HeaderMap,
        tenant: &str,
        needed: Role,
    ) -> Result<Option<String>, Problem> {
        let Some(presented) = bearer(headers)? else {
            return self.nobody(tenant).map(|()| None);
        };
        let Some(holder) = self.secrets.holder(&SecretString::from(presented)) else {
            return Err(match self.read(presented) {
                Some(_) => Problem::forbidden("a token opens its own conversation only"),
                None => Problem::unauthenticated("the key is not known"),
            });
        };
        allow_role(holder, tenant, needed)?;
        Ok(Some(holder.person.clone()))
    }

    /// A link by which `person` sees and decides `approval`, where the bot says that approvers reach it.
    #[must_use]
    pub fn link(&self, bot: &Bot, approval: &Approval, person: &str) -> Option<String> {
        self.signing.link(bot, approval, person)
    }

    /// A link by which `person` says that they know what `notice` says, where the bot says that people reach it.
    #[must_use]
    pub fn notice_link(&self, bot: &Bot, notice: &Notice, person: &str) -> Option<String> {
        self.signing.notice_link(bot, notice, person)
    }

    /// The person whom a signed link lets see and decide an approval.
    ///
    /// # Errors
    /// When it was not signed here, is for another approval or has run out.
    pub fn linked(&self, token: &str, tenant: &str, approval: &str) -> Result<String, Problem> {
        self.holder_of(self.signing.read_link(token), tenant, approval)
    }

    /// The person whom a signed link lets see and acknowledge a notice.
    ///
    /// # Errors
    /// As [`Access::linked`].
    pub fn noticed(&self, token: &str, tenant: &str, notice: &str) -> Result<String, Problem> {
        self.holder_of(self.signing.read_notice(token), tenant, notice)
    }

    fn holder_of(
        &self,
        link: Option<Link>,
        tenant: &str,
        subject: &str,
    ) -> Result<String, Problem> {
        let can_exist = self.open.is_some() || self.secrets.has_keys();
        let link = link.filter(|_| can_exist);
        let link = link
            .filter(|link| link.tenant == tenant && link.subject == subject)
            .ok_or_else(|| Problem::unauthenticated("the link is not valid here"))?;
        // Who comes late is to see what became of it; a decision is refused by its own time.
        let stale = link.expires.plus(RENEWAL) <= self.runtime.now();
        match stale {
            true => Err(Problem::unauthenticated("the link has run out")),
            false => Ok(link.person),
        }
    }

    fn nobody(&self, tenant: &str) -> Result<(), Problem> {
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

    /// Who operates the session, by their key, or by the name `asked` for where no key is needed.
    ///
    /// # Errors
    /// Why they may not.
    pub fn operator(
        &self,
        headers: &HeaderMap,
        session: &SessionKey,
        asked: Option<&str>,
    ) -> Result<String, Problem> {
        let presented = bearer(headers)?;
        self.allow_bearer(presented, session, Right::Operate)?;
        let known = presented.and_then(|presented| {
            let holder = self.secrets.holder(&SecretString::from(presented));
            let by_key = holder.map(|holder| holder.person.clone());
            by_key.or_else(|| self.read(presented)?.person)
        });
        Ok(known.unwrap_or_else(|| asked.unwrap_or(NAMELESS).to_owned()))
    }

    /// A token for `session` and when it runs out.
    #[must_use]
    pub fn issue(&self, session: &SessionKey) -> (String, Time) {
        self.sign(session, None)
    }

    /// A token with which `person` operates `session`, for who can sign one.
    #[must_use]
    pub fn vouch(&self, session: &SessionKey, person: &str) -> String {
        self.sign(session, Some(person.to_owned())).0
    }

    fn sign(&self, session: &SessionKey, person: Option<String>) -> (String, Time) {
        let token = Token {
            session: session.clone(),
            expires: self.runtime.now().plus(TOKEN_LIFE),
            person,
        };
        (self.signing.sign(&token), token.expires)
    }

    /// The session of a token that may be used, or not any more but exchanged for another.
    #[must_use]
    pub fn renewable(&self, token: &str) -> Option<SessionKey> {
        let token = self.read(token).filter(|token| token.person.is_none())?;
        (token.expires.plus(RENEWAL) > self.runtime.now()).then_some(token.session)
    }

    fn read(&self, token: &str) -> Option<Token> {
        // Where nobody may ask for a token, the signing key may follow from a text that anybody can guess.
        let can_exist = self.open.is_some() || self.secrets.has_keys();
        can_exist.then(|| self.signing.read(token))?
    }
}

impl Token {
    fn may(&self, right: Right) -> bool {
        match right {
            Right::Talk => true,
            Right::Trace | Right::Operate => self.person.is_some(),
            Right::Grant => false,
        }
    }
}

fn allow_holder(holder: &KeyHolder, session: &SessionKey, right: Right) -> Result<(), Problem> {
    let needed = match right {
        Right::Talk | Right::Grant => Role::Client,
        Right::Trace => Role::Viewer,
        Right::Operate => Role::Operator,
    };
    allow_role(holder, session.tenant(), needed)
}

fn allow_role(holder: &KeyHolder, tenant: &str, needed: Role) -> Result<(), Problem> {
    if holder.tenant != tenant {
        return Err(Problem::forbidden("the key is another tenant's"));
    }
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
