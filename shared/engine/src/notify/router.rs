//! Carries out what is decided: puts letters into people's sessions, holds, climbs, and ends.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Class;
use super::desk::Notices;
use super::fate::fate_of;
use super::notice::{Held, LOOKS, Notice, NoticeState, Recipient, Told};
use super::route::{Case, Decision, Fate, Try, decide};
use super::tray::Batch;
use crate::approval::Links;
use crate::bot::Bot;
use crate::error::{Error, Kind};
use crate::message::Channel;
use crate::runtime::Time;
use crate::turn::Intake;
use crate::view::View;

mod tell;

use tell::session;

/// Input of `statemachines/notify.asl.json`, and what it goes round with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeStart {
    /// Whose notice.
    pub tenant: String,
    /// Which.
    pub notice: String,
    /// How often it is told anew.
    pub round: u32,
    /// When there is something to do.
    pub at: Time,
}

/// Output of `notify-advance`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advanced {
    /// When to come back; absent when nothing is left to do.
    pub next: Option<NoticeStart>,
}

/// The executions that see notices through.
#[async_trait]
pub trait Escalations: Send + Sync {
    /// Starts `statemachines/notify.asl.json`, unless it was started for this notice and round before.
    ///
    /// # Errors
    /// When it could not be started.
    async fn start(&self, start: NoticeStart) -> Result<(), Error>;
}

/// Tells people.
#[derive(Clone)]
pub struct Router {
    /// Keeps notices.
    pub notices: Notices,
    /// Puts letters into people's sessions; brings time and bots.
    pub intake: Intake,
    /// Knows what became of letters.
    pub view: View,
    /// Makes links for people.
    pub links: Arc<dyn Links>,
}

/// The most rounds of letters at once: every way of everybody fails.
const MOST: usize = 50;

impl Router {
    /// `notify-advance`: does what is due, and says when to come back.
    ///
    /// # Errors
    /// When a store failed, or a run could not be told.
    pub async fn handle(&self, start: NoticeStart) -> Result<Advanced, Error> {
        let next = self
            .advance(&start.tenant, &start.notice, start.round)
            .await?;
        self.intake.accept.sessions.durable().await?;
        let next = next.map(|at| NoticeStart { at, ..start });
        Ok(Advanced { next })
    }

    /// Does what is due about a notice; gives when there is more to do.
    pub(crate) async fn advance(
        &self,
        tenant: &str,
        id: &str,
        round: u32,
    ) -> Result<Option<Time>, Error> {
        for _ in 0..MOST {
            let Some(notice) = self.notices.read(tenant, id).await? else {
                return Ok(None);
            };
            if notice.round != round {
                return Ok(None);
            }
            if !notice.is_open() {
                // Whoever closed it may not have come to tell the run.
                self.notices.finish(&notice).await?;
                return Ok(None);
            }
            let notice = self.look(notice).await?;
            let now = self.intake.accept.runtime.now();
            if notice.deadline().is_some_and(|deadline| deadline <= now) {
                self.notices
                    .close(&notice, &NoticeState::Unacknowledged)
                    .await?;
                return Ok(None);
            }
            let bots = &self.intake.accept.bots;
            let bot = bots.find(tenant, notice.place.bot()).await?;
            let mut due: Vec<Time> = notice.deadline().into_iter().collect();
            let mut moved = false;
            for recipient in &notice.recipients {
                match self.decide(&bot, &notice, recipient, now).await? {
                    Decision::Deliver { person, channels } => {
                        self.tell(&bot, &notice, recipient, (&person, channels[0]))
                            .await?;
                        moved = true;
                    }
                    Decision::Hold { person, until } => {
                        self.hold(&notice, recipient, &person, until).await?;
                        due.push(until);
                    }
                    Decision::Wait { until } => due.push(until),
                    Decision::Muted | Decision::Done => {}
                }
                due.extend(self.looks(&bot, &notice, recipient));
            }
            if moved {
                continue;
            }
            let next = due.into_iter().min();
            if next.is_none() {
                self.notices.close(&notice, &end(&bot, &notice)).await?;
            }
            return Ok(next);
        }
        Err(Error::new(Kind::Internal, "a notice goes round and round"))
    }

    /// Finds out what became of messages, when it is time to.
    async fn look(&self, notice: Notice) -> Result<Notice, Error> {
        let now = self.intake.accept.runtime.now();
        let mut seen = Vec::new();
        for told in notice
            .recipients
            .iter()
            .flat_map(|recipient| &recipient.tries)
        {
            let passed = LOOKS
                .iter()
                .filter(|look| told.tried.at.plus(**look) <= now)
                .count();
            if told.tried.fate == Fate::Failed || !is_carried(told) || passed <= told.looks {
                continue;
            }
            let bots = &self.intake.accept.bots;
            let bot = bots.find(notice.place.tenant(), notice.place.bot()).await?;
            let fate = match session(&bot, &notice, (&told.tried.person, told.tried.channel)) {
                Some(key) => fate_of(&self.view, &key, &told.letter).await?,
                None => Fate::Sent,
            };
            seen.push((told.letter.clone(), passed, fate));
        }
        if seen.is_empty() {
            return Ok(notice);
        }
        let changed = self
            .notices
            .change(notice.place.tenant(), &notice.id, |notice| {
                for told in notice
                    .recipients
                    .iter_mut()
                    .flat_map(|recipient| &mut recipient.tries)
                {
                    if let Some((_, looks, fate)) =
                        seen.iter().find(|(letter, ..)| *letter == told.letter)
                    {
                        (told.looks, told.tried.fate) = (*looks, *fate);
                    }
                }
            });
        Ok(changed.await?.unwrap_or(notice))
    }

    /// When to look what became of messages, where something could be done about it.
    fn looks(&self, bot: &Bot, notice: &Notice, recipient: &Recipient) -> Option<Time> {
        let last = recipient.tries.last()?;
        let failed = tries(recipient, Some(Fate::Failed));
        let ladder = notice.ladder();
        let case = case(bot, notice, recipient, last.tried.at, (&ladder, &failed));
        let look = LOOKS.get(last.looks)?;
        let useful = last.tried.fate == Fate::Sent
            && is_carried(last)
            && (notice.acknowledge.is_some() || decide(&case) != Decision::Done);
        useful.then(|| last.tried.at.plus(*look))
    }

    async fn decide(
        &self,
        bot: &Bot,
        notice: &Notice,
        recipient: &Recipient,
        now: Time,
    ) -> Result<Decision, Error> {
        let (ladder, tries) = (notice.ladder(), tries(recipient, None));
        let case = case(bot, notice, recipient, now, (&ladder, &tries));
        let decision = decide(&case);
        if let (Decision::Deliver { person, .. }, Some(held)) = (&decision, &recipient.held)
            && *person == held.person
            && let Some(batch) = self.seal(notice, held).await?
        {
            return Ok(decide(&Case {
                together: batch.class(),
                ..case
            }));
        }
        Ok(decision)
    }

    async fn seal(&self, notice: &Notice, held: &Held) -> Result<Option<Batch>, Error> {
        let seal = self
            .notices
            .tray(notice, &held.person, |tray| tray.seal(&held.batch));
        seal.await
    }
}

/// How a notice ends about which nothing is left to do.
fn end(bot: &Bot, notice: &Notice) -> NoticeState {
    let muted = |recipient: &Recipient| {
        let known = bot.people.get(&recipient.person);
        known.is_some_and(|known| known.mute.contains(&notice.class))
    };
    if notice.acknowledge.is_some() {
        NoticeState::Unacknowledged
    } else if notice.told().is_empty() && !notice.recipients.iter().all(muted) {
        NoticeState::Unreached
    } else {
        NoticeState::Told
    }
}

fn case<'a>(
    bot: &'a Bot,
    notice: &Notice,
    recipient: &'a Recipient,
    now: Time,
    (ladder, tries): (&'a [std::time::Duration], &'a [Try]),
) -> Case<'a> {
    let class: Class = notice.class;
    Case {
        now,
        people: &bot.people,
        person: &recipient.person,
        class,
        together: class,
        ladder,
        tries,
        acknowledged: !notice.is_open(),
    }
}

/// What was tried, the last of it as if it had come to `last`.
fn tries(recipient: &Recipient, last: Option<Fate>) -> Vec<Try> {
    let mut tries: Vec<Try> = recipient
        .tries
        .iter()
        .map(|told| told.tried.clone())
        .collect();
    if let (Some(fate), Some(tried)) = (last, tries.last_mut()) {
        tried.fate = fate;
    }
    tries
}

/// Whether a carrier takes it, which may fail; on the web it is there once it is written down.
fn is_carried(told: &Told) -> bool {
    told.tried.channel != Channel::Web
}
