//! Where goals are kept, and ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Goal, State};
use crate::approval::{Desk, Waits};
use crate::document::{Amendment, DocumentKey, Documents, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::runtime::{Runtime, Time};
use crate::session::SessionKey;

/// How long goals are remembered after their time: as long as a run that failed may go on.
const KEPT: Duration = Duration::from_secs(14 * 86_400);

/// How many goals of a session may be open, and how many that are over are remembered.
const MOST_OPEN: usize = 8;
const MOST_ENDED: usize = 16;

/// Keeps goals.
#[derive(Clone)]
pub struct Goals {
    /// Time.
    pub runtime: Runtime,
    /// Keeps them.
    pub documents: Arc<dyn Documents>,
    /// The runs that wait for them.
    pub waits: Arc<dyn Waits>,
}

/// The goals of one session, in the order they were opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    goals: Vec<Goal>,
}

impl From<&Desk> for Goals {
    fn from(desk: &Desk) -> Self {
        Self {
            runtime: desk.runtime.clone(),
            documents: desk.documents.clone(),
            waits: desk.waits.clone(),
        }
    }
}

impl Goals {
    /// The goals of a session as they are now, in the order they were opened; those that are over are forgotten some
    /// time later.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn of(&self, session: &SessionKey) -> Result<Vec<Goal>, Error> {
        let Some(found) = self.documents.read(&key(session)).await? else {
            return Ok(Vec::new());
        };
        let now = self.runtime.now();
        let kept: Kept = parse(found.body)?;
        Ok(kept.goals.into_iter().map(|goal| goal.seen(now)).collect())
    }

    /// Writes down what a run wants, and gives it as it stands: a goal that is known already is only given the token
    /// of the later try.
    ///
    /// # Errors
    /// `InboxFull` when too many goals of the session are open, and when the store failed.
    pub(crate) async fn open(&self, session: &SessionKey, wanted: &Goal) -> Result<Goal, Error> {
        let now = self.runtime.now();
        let key = key(session);
        let opened = amend(&*self.documents, &key, |found: Option<Kept>| {
            let mut kept = found.unwrap_or_default();
            if let Some(standing) = kept.goals.iter_mut().find(|goal| goal.id == wanted.id) {
                let same = standing.token == wanted.token;
                standing.token.clone_from(&wanted.token);
                let standing = standing.clone();
                return match same {
                    true => (Amendment::Keep, Some(standing)),
                    false => (kept.save(), Some(standing)),
                };
            }
            kept.forget(now);
            if kept.goals.iter().filter(|goal| goal.is_open()).count() >= MOST_OPEN {
                return (Amendment::Keep, None);
            }
            kept.goals.push(wanted.clone());
            (kept.save(), Some(wanted.clone()))
        });
        opened.await?.ok_or_else(|| {
            let message = format!("{MOST_OPEN} goals are open in this conversation already");
            Error::new(Kind::InboxFull, message)
        })
    }

    /// Says what has become of a goal, unless that was said before, and lets the run go on; gives it as it stands.
    ///
    /// # Errors
    /// When the store failed, or the run could not be told; the caller comes back.
    pub(crate) async fn settle(
        &self,
        session: &SessionKey,
        id: &str,
        by: Option<&str>,
        state: State,
    ) -> Result<Option<Goal>, Error> {
        let key = key(session);
        let settled = amend(&*self.documents, &key, |found: Option<Kept>| {
            let mut kept = found.unwrap_or_default();
            let Some(goal) = kept.goals.iter_mut().find(|goal| goal.id == id) else {
                return (Amendment::Keep, None);
            };
            if !goal.is_open() {
                return (Amendment::Keep, Some(goal.clone()));
            }
            goal.state.clone_from(&state);
            goal.reported_by = by.map(str::to_owned);
            let goal = goal.clone();
            (kept.save(), Some(goal))
        });
        let Some(goal) = settled.await? else {
            return Ok(None);
        };
        self.tell(&goal).await?;
        Ok(Some(goal))
    }

    /// Ends a goal as not met.
    ///
    /// # Errors
    /// When the document could not be read or written, or the run could not be told.
    pub(crate) async fn end(
        &self,
        session: &SessionKey,
        id: &str,
        why: &str,
    ) -> Result<Option<Goal>, Error> {
        let unmet = State::unmet(self.runtime.now(), why);
        self.settle(session, id, None, unmet).await
    }

    /// Ends every open goal of a session as not met: the bot will not pursue them any more. Ending again tells the
    /// runs once more.
    ///
    /// # Errors
    /// When the document could not be read or written, or the run could not be told.
    pub async fn end_all(&self, session: &SessionKey, why: &str) -> Result<(), Error> {
        let Some(found) = self.documents.read(&key(session)).await? else {
            return Ok(());
        };
        let kept: Kept = parse(found.body)?;
        let ended =
            |goal: &Goal| matches!(&goal.state, State::Unmet { why: told, .. } if told == why);
        for goal in kept
            .goals
            .iter()
            .filter(|goal| goal.is_open() || ended(goal))
        {
            self.end(session, &goal.id, why).await?;
        }
        Ok(())
    }

    /// Lets the run that wants the goal go on with what has become of it. One that does not wait any more is no error.
    pub(crate) async fn tell(&self, goal: &Goal) -> Result<(), Error> {
        let mut output = json!({ "output": goal.state.outcome() });
        if let Some(item) = &goal.site.item {
            output["item"] = json!(item);
        }
        self.waits.end(&goal.token, Ok(output)).await
    }
}

impl Kept {
    /// Leaves out what was over long ago.
    fn forget(&mut self, now: Time) {
        for goal in &mut self.goals {
            *goal = goal.clone().seen(now);
        }
        self.goals
            .retain(|goal| goal.is_open() || now < goal.until.plus(KEPT));
        let ended = self.goals.iter().filter(|goal| !goal.is_open()).count();
        let mut surplus = ended.saturating_sub(MOST_ENDED);
        self.goals.retain(|goal| {
            let forgotten = surplus > 0 && !goal.is_open();
            surplus -= usize::from(forgotten);
            !forgotten
        });
    }

    fn save(self) -> Amendment<Self> {
        let last = self.goals.iter().map(|goal| goal.until).max();
        Amendment::Save {
            expires: last.map(|last| last.plus(KEPT)),
            body: self,
        }
    }
}

fn key(session: &SessionKey) -> DocumentKey {
    let id = format!("{}/{}", session.bot(), session.id());
    DocumentKey::new(session.tenant(), Topic::Goal, id)
}
