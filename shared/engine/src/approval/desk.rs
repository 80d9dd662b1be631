//! Where approvals are kept, decided and used.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Answer, Approval, Approver, Command, Envelope, Refusal, State};
use crate::bot::{ApprovalRule, Bot, Tool};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Time};
use crate::session::SessionKey;
use crate::turn::Bots;

/// How many days a store keeps an approval after it ran out.
const KEPT_DAYS: u64 = 90;

/// The most documents read at once while approvals are listed.
const PAGE: usize = 200;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Input of `statemachines/approval.asl.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalStart {
    /// The session whose bot asks.
    pub session: SessionKey,
    /// The approval; also the execution's name.
    pub approval: String,
    /// How long the question stands, in seconds.
    pub seconds: u64,
}

/// The executions that wait for people.
#[async_trait]
pub trait Waits: Send + Sync {
    /// Starts `statemachines/approval.asl.json`, unless it was started for this approval before.
    ///
    /// # Errors
    /// When it could not be started.
    async fn start(&self, start: ApprovalStart) -> Result<(), Error>;

    /// Lets the execution that waits for `token` go on. One that does not wait any more is no error.
    ///
    /// # Errors
    /// When it could not be told.
    async fn go_on(&self, token: &str) -> Result<(), Error>;

    /// Ends the task of a run that waits for `token`, with what it gives or with an error and its cause. One
    /// that does not wait any more is no error.
    ///
    /// # Errors
    /// When it could not be told.
    async fn end(&self, token: &str, with: Result<Value, Error>) -> Result<(), Error>;
}

/// Keeps approvals, and lets those who may decide them.
#[derive(Clone)]
pub struct Desk {
    /// Time.
    pub runtime: Runtime,
    /// Keeps them.
    pub documents: Arc<dyn Documents>,
    /// Finds bots, for their people.
    pub bots: Arc<dyn Bots>,
    /// What waits for decisions.
    pub waits: Arc<dyn Waits>,
}

fn key(tenant: &str, id: &str) -> DocumentKey {
    DocumentKey::new(tenant, Topic::Approval, id)
}

fn save(approval: Approval) -> Amendment<Approval> {
    let days = std::time::Duration::from_secs(KEPT_DAYS * 24 * 3600);
    Amendment::Save {
        expires: Some(approval.expires_at.plus(days)),
        body: approval,
    }
}

impl Desk {
    /// Asks whether `tool` may be called with `arguments`; asking again changes nothing.
    ///
    /// # Errors
    /// When a store failed or the wait could not be started; the caller comes back.
    pub async fn ask(
        &self,
        bot: &Bot,
        (session, turn): (&SessionKey, u64),
        (tool, rule): (&Tool, &ApprovalRule),
        arguments: &Value,
    ) -> Result<Approval, Error> {
        let now = self.runtime.now();
        let asked = Approval {
            id: Approval::id_of(session, turn, &tool.offer.name, arguments),
            session: session.clone(),
            envelope: Envelope::new(session, tool, rule, arguments),
            requested_at: now,
            expires_at: now.plus(rule.expires),
            role: rule.role.clone(),
            needed: rule.needed,
            requester: bot.people.behind(session).map(|(id, _)| id.to_owned()),
            decisions: Vec::new(),
            state: State::Pending,
            token: None,
            tells: None,
        };
        self.open(asked).await
    }

    /// Puts a question to people; putting it again changes nothing but who is told.
    ///
    /// # Errors
    /// As [`Desk::ask`].
    pub async fn open(&self, asked: Approval) -> Result<Approval, Error> {
        let key = key(asked.session.tenant(), &asked.id);
        let approval = amend(
            &*self.documents,
            &key,
            |found: Option<Approval>| match found {
                Some(mut standing) if standing.tells != asked.tells => {
                    standing.tells.clone_from(&asked.tells);
                    (save(standing.clone()), standing)
                }
                Some(standing) => (Amendment::Keep, standing),
                None => (save(asked.clone()), asked.clone()),
            },
        );
        let approval = approval.await?;
        let start = ApprovalStart {
            session: approval.session.clone(),
            approval: approval.id.clone(),
            seconds: approval.expires_at.since(approval.requested_at).as_secs(),
        };
        self.waits.start(start).await?;
        Ok(approval)
    }

    /// The approval as it is now; one whose time is over shows as expired.
    ///
    /// # Errors
    /// `NotFound` when there is none, or when the store failed.
    pub async fn read(&self, tenant: &str, id: &str) -> Result<Approval, Error> {
        let found = self.documents.read(&key(tenant, id)).await?;
        let found = found.ok_or_else(|| missing(id))?;
        Ok(seen(parse(found.body)?, self.runtime.now()))
    }

    /// A tenant's approvals, the oldest first.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn list(&self, tenant: &str) -> Result<Vec<Approval>, Error> {
        Self::all(&*self.documents, tenant, self.runtime.now()).await
    }

    /// A tenant's approvals in a store, the oldest first, as they are to be seen at `now`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn all(
        documents: &dyn Documents,
        tenant: &str,
        now: Time,
    ) -> Result<Vec<Approval>, Error> {
        let mut approvals = Vec::new();
        let mut after = String::new();
        loop {
            let page = documents
                .list(tenant, Topic::Approval, &after, PAGE)
                .await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            for document in page {
                approvals.push(seen(parse(document.body)?, now));
            }
        }
        approvals.sort_by(|one: &Approval, other| {
            (one.requested_at, &one.id).cmp(&(other.requested_at, &other.id))
        });
        Ok(approvals)
    }

    /// A person decides. Deciding the same again tells whatever waits once more.
    ///
    /// # Errors
    /// `NotFound` when there is no such approval, `Forbidden` when nobody is called `person`, or when a
    /// store failed.
    pub async fn decide(
        &self,
        (tenant, id): (&str, &str),
        person: &str,
        answer: Answer,
        reason: Option<&str>,
    ) -> Result<Result<Approval, Refusal>, Error> {
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        if reason.is_some_and(|reason| reason.chars().nth(MAX_REASON).is_some()) {
            let message = format!("a reason has at most {MAX_REASON} characters");
            return Err(Error::new(Kind::Invalid, message));
        }
        let session = self.read(tenant, id).await?.session;
        let bot = self.bots.find(session.tenant(), session.bot()).await?;
        let Some(known) = bot.people.get(person) else {
            let message = format!(
                "`{person}` is nobody in people.toml of {}; a person there must decide",
                bot.name
            );
            return Err(Error::new(Kind::Forbidden, message));
        };
        let by = Approver {
            person,
            roles: &known.roles,
        };
        let command = Command::Decide { by, answer, reason };
        let decided = self.change(tenant, id, &command).await?;
        if let Ok(approval) = &decided
            && approval.state != State::Pending
            && let Some(token) = &approval.token
        {
            self.waits.go_on(token).await?;
        }
        Ok(decided)
    }

    /// Changes an approval as [`Approval::apply`] says.
    ///
    /// # Errors
    /// `NotFound` when there is no such approval, or when the store failed.
    pub async fn change(
        &self,
        tenant: &str,
        id: &str,
        command: &Command<'_>,
    ) -> Result<Result<Approval, Refusal>, Error> {
        let now = self.runtime.now();
        let key = key(tenant, id);
        let changed = amend(&*self.documents, &key, |found| {
            let Some(mut approval): Option<Approval> = found else {
                return (Amendment::Keep, None);
            };
            let before = approval.clone();
            match approval.apply(command, now) {
                Ok(()) if approval == before => (Amendment::Keep, Some(Ok(before))),
                Ok(()) => (save(approval.clone()), Some(Ok(approval))),
                Err(refusal) => (Amendment::Keep, Some(Err(refusal))),
            }
        });
        changed.await?.ok_or_else(|| missing(id))
    }
}

/// What is shown of an approval: when its time is over, the machine that says so may be on its way.
fn seen(mut approval: Approval, now: Time) -> Approval {
    if approval.state == State::Pending && now >= approval.expires_at {
        approval.state = State::Expired {
            decided_at: approval.expires_at,
        };
    }
    approval
}

fn missing(id: &str) -> Error {
    Error::new(Kind::NotFound, format!("there is no approval {id}"))
}
