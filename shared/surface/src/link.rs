//! Signed links: one person, one approval, until it runs out.

use async_trait::async_trait;
use engine::approval::{Approval, Links};
use engine::bot::Bot;
use engine::error::Error;
use engine::runtime::Time;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::SigningKey;

/// What a link lets its bearer do: see this approval, and decide it as this person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) tenant: String,
    pub(crate) approval: String,
    pub(crate) person: String,
    pub(crate) expires: Time,
}

impl Link {
    /// What is signed. None of the parts but the last, which is checked when it is read, holds a space.
    pub(crate) fn claim(&self) -> String {
        let Self {
            tenant,
            approval,
            person,
            expires,
        } = self;
        format!("{} {tenant} {approval} {person}", expires.0)
    }

    pub(crate) fn of_claim(claim: &str) -> Option<Self> {
        let mut parts = claim.splitn(4, ' ');
        let expires = Time(parts.next()?.parse().ok()?);
        let mut part = || parts.next().map(str::to_owned);
        Some(Self {
            tenant: part()?,
            approval: part()?,
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
            approval: approval.id.clone(),
            person: person.to_owned(),
            expires: approval.expires_at,
        });
        let id = utf8_percent_encode(&approval.id, NON_ALPHANUMERIC);
        Some(format!("{base}/v1/{tenant}/approvals/{id}?token={token}"))
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
}
