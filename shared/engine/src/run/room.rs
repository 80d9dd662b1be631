//! Room for runs: no more of a workflow at once than it allows.

use serde::{Deserialize, Serialize};

use super::{Begun, RunRef, RunState, Start};
use crate::document::{Amendment, DocumentKey, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::workflow::{Concurrency, WhenFull, Workflow};

/// The most runs that wait for room.
const MAX_WAITING: usize = 500;

/// Which runs of a workflow there are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Room {
    running: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waiting: Vec<String>,
}

/// What came of looking for room.
pub(super) enum Place {
    Taken,
    Behind,
    None,
    InsteadOf(String),
}

impl Start {
    /// Looks for room. Runs that have ended without a word make room too.
    pub(super) async fn enter(&self, workflow: &Workflow, run: &RunRef) -> Result<Place, Error> {
        let Some(concurrency) = workflow.concurrency else {
            return Ok(Place::Taken);
        };
        self.sweep(run).await?;
        let limit = usize::try_from(concurrency.limit).unwrap_or(usize::MAX);
        amend(&*self.documents, &room_key(run), |found: Option<Room>| {
            let mut room = found.unwrap_or_default();
            let place = if room.running.contains(&run.id) {
                return (Amendment::Keep, Ok(Place::Taken));
            } else if room.running.len() < limit && room.waiting.is_empty() {
                room.running.push(run.id.clone());
                Place::Taken
            } else {
                match concurrency.when_full {
                    WhenFull::Skip => return (Amendment::Keep, Ok(Place::None)),
                    WhenFull::Queue if room.waiting.contains(&run.id) => {
                        return (Amendment::Keep, Ok(Place::Behind));
                    }
                    WhenFull::Queue if room.waiting.len() >= MAX_WAITING => {
                        let message =
                            format!("{MAX_WAITING} runs of {} wait already", run.workflow);
                        return (Amendment::Keep, Err(Error::new(Kind::InboxFull, message)));
                    }
                    WhenFull::Queue => {
                        room.waiting.push(run.id.clone());
                        Place::Behind
                    }
                    WhenFull::Replace => {
                        let oldest = room.running.remove(0);
                        room.running.push(run.id.clone());
                        Place::InsteadOf(oldest)
                    }
                }
            };
            (
                Amendment::Save {
                    body: room,
                    expires: None,
                },
                Ok(place),
            )
        })
        .await?
    }

    /// Takes note of runs that have ended, or were never started, in case nobody said so; `run` tells whose and of
    /// which workflow. Gives those that are under way.
    ///
    /// # Errors
    /// When a store failed.
    pub async fn sweep(&self, run: &RunRef) -> Result<Vec<RunRef>, Error> {
        let Some(found) = self.documents.read(&room_key(run)).await? else {
            return Ok(Vec::new());
        };
        let room: Room = parse(found.body)?;
        let mut under_way = Vec::new();
        for id in room.running.into_iter().filter(|id| *id != run.id) {
            let Some(found) = self.read(&run.tenant, &id).await? else {
                Box::pin(self.ended(&RunRef { id, ..run.clone() })).await?;
                continue;
            };
            match self.runs.state(&found.run).await? {
                RunState::Running => under_way.push(found.run),
                RunState::Absent if found.state == Begun::Queued => {
                    self.launch(&found).await?;
                    self.mark(&found.run, Begun::Started).await?;
                }
                RunState::Ended { .. } | RunState::Absent => {
                    Box::pin(self.ended(&found.run)).await?;
                }
            }
        }
        Ok(under_way)
    }

    /// A run has ended: whoever waited longest is next.
    ///
    /// # Errors
    /// When a store failed, or the next could not be started.
    pub async fn ended(&self, run: &RunRef) -> Result<(), Error> {
        let key = room_key(run);
        let next = amend(&*self.documents, &key, |found: Option<Room>| {
            let Some(mut room) = found else {
                return (Amendment::Keep, None);
            };
            if !room.running.contains(&run.id) {
                return (Amendment::Keep, None);
            }
            room.running.retain(|id| *id != run.id);
            let next = (!room.waiting.is_empty()).then(|| room.waiting.remove(0));
            room.running.extend(next.clone());
            (
                Amendment::Save {
                    body: room,
                    expires: None,
                },
                next,
            )
        });
        let Some(id) = next.await? else {
            return Ok(());
        };
        match self.read(&run.tenant, &id).await? {
            Some(waiting) if waiting.state == Begun::Queued => {
                self.launch(&waiting).await?;
                self.mark(&waiting.run, Begun::Started).await
            }
            _ => Box::pin(self.ended(&RunRef { id, ..run.clone() })).await,
        }
    }

    /// Takes a place among the runs of its workflow, if there is one.
    pub(super) async fn make_room(
        &self,
        run: &RunRef,
        concurrency: Concurrency,
    ) -> Result<(), Error> {
        self.sweep(run).await?;
        let limit = usize::try_from(concurrency.limit).unwrap_or(usize::MAX);
        amend(&*self.documents, &room_key(run), |found: Option<Room>| {
            let mut room = found.unwrap_or_default();
            if room.running.contains(&run.id) {
                return (Amendment::Keep, Ok(()));
            }
            if room.running.len() >= limit {
                let message = format!(
                    "as many runs of {} as may be are under way; retry when one has ended",
                    run.workflow
                );
                return (Amendment::Keep, Err(Error::new(Kind::InboxFull, message)));
            }
            room.running.push(run.id.clone());
            let save = Amendment::Save {
                body: room,
                expires: None,
            };
            (save, Ok(()))
        })
        .await?
    }
}

fn room_key(run: &RunRef) -> DocumentKey {
    DocumentKey::new(
        &run.tenant,
        Topic::Room,
        format!("{}.{}", run.bot, run.workflow),
    )
}
