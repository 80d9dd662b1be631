//! Signed links: one person, one approval or notice, until it runs out.

use std::time::Duration;

use async_trait::async_trait;
use engine::approval::{Approval, Links};
use engine::bot::Bot;
use engine::error::Error;
use engine::notify::Notice;
use engine::runtime::Time;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::SigningKey;

/// The longest that a notice is held before the wait for a sign begins.
const LONGEST_HOLD: Duration = Duration::from_secs(2 * 86_400);

/// What a link lets its bearer do: see this approval or notice, and decide or acknowledge it as this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) tenant: String,
    /// The approval, or the notice.
    pub(crate) subject: String,
    pub(crate) person: String,
    pub(crate) expires: Time,
}

impl Link {
    /// What is signed. None of the parts but the last, which is checked when it is read, holds a space.
    pub(crate) fn claim(&self) -> String {
        let Self {
            tenant,
            subject,
            person,
            expires,
        } = self;
        format!("{} {tenant} {subject} {person}", expires.0)
    }

    pub(crate) fn of_claim(claim: &str) -> Option<Self> {
        let mut parts = claim.splitn(4, ' ');
        let expires = Time(parts.next()?.parse().ok()?);
        let mut part = || parts.next().map(str::to_owned);
        Some(Self {
            tenant: part()?,
            subject: part()?,
            person: part()?,
            expires,
        })
    }
}

impl SigningKey {
    /// The address at which `person` sees and decides `approval`, where the bot says that approvers reach it.
    #[must_use]
    pub fn link(&self, bot: &Bot, approval: &Approval, person: &str) -> Option<String> {
        let base = bot.approvals.url.as_deref()?.trim_end_matches('/');
        let tenant = approval.session.tenant();
        let token = self.sign_link(&Link {
            tenant: tenant.to_owned(),
            subject: approval.id.clone(),
            person: person.to_owned(),
            expires: approval.expires_at,
        });
        let id = utf8_percent_encode(&approval.id, NON_ALPHANUMERIC);
        Some(format!("{base}/v1/{tenant}/approvals/{id}?token={token}"))
    }
}

impl SigningKey {
    /// The address at which `person` sees and acknowledges `notice`, where the bot says that people reach it.
    #[must_use]
    pub fn notice_link(&self, bot: &Bot, notice: &Notice, person: &str) -> Option<String> {
        let base = bot.approvals.url.as_deref()?.trim_end_matches('/');
        let wanted = notice.acknowledge.as_ref()?;
        let tenant = notice.place.tenant();
        let wait = Duration::from_secs(wanted.seconds) + LONGEST_HOLD;
        let token = self.sign_notice(&Link {
            tenant: tenant.to_owned(),
            subject: notice.id.clone(),
            person: person.to_owned(),
            expires: notice.at.plus(wait),
        });
        let id = utf8_percent_encode(&notice.id, NON_ALPHANUMERIC);
        Some(format!("{base}/v1/{tenant}/notices/{id}?token={token}"))
    }
}

#[async_trait]
impl Links for SigningKey {
    async fn link(
        &self,
        bot: &Bot,
        approval: &Approval,
        person: &str,
    ) -> Result<Option<String>, Error> {
        Ok(Self::link(self, bot, approval, person))
    }

    async fn notice_link(
        &self,
        bot: &Bot,
        notice: &Notice,
        person: &str,
    ) -> Result<Option<String>, Error> {
        Ok(Self::notice_link(self, bot, notice, person))
    }
}
