//! Runs that are due: one for every time of a schedule, however often it is looked at, and whoever looks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Beginning, Start};
use crate::document::{Amendment, DocumentKey, Topic, amend, parse};
use crate::error::{Error, Kind};
use crate::runtime::Time;
use crate::schedule::{Missed, Schedule};
use crate::session::hash64;
use crate::workflow::{Expressions, Trigger, TriggerKind, Workflow};

/// A time that is seen to so much later was missed.
const LATE: Duration = Duration::from_secs(60);

/// The same where another service keeps time: it may take a minute, and calls again after one minute and two.
const LATE_ELSEWHERE: Duration = Duration::from_secs(300);

/// The most missed times that runs are made up for.
const MAX_MADE_UP: usize = 1000;

/// Starts runs when they are due.
pub struct Timetable {
    /// Starts them.
    pub start: Start,
    /// Makes inputs.
    pub expressions: Arc<dyn Expressions>,
    agenda: Mutex<Agenda>,
}

/// What is due when, of these workflows.
#[derive(Default)]
struct Agenda {
    workflows: Vec<Arc<Workflow>>,
    due: BTreeSet<Entry>,
}

/// A schedule that is due at a time; the earliest is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Time,
    /// Whose schedule it is: a place among the workflows, and one among its triggers.
    workflow: usize,
    trigger: usize,
    /// Until when it has been seen to.
    until: Time,
}

/// As it is kept: another schedule begins anew.
#[derive(Serialize, Deserialize)]
struct Kept {
    schedule: String,
    until: Time,
}

/// What a schedule's runs are known by.
pub(super) struct Occasion(String);

impl Occasion {
    pub(super) fn new(bot: &str, workflow: &Workflow, number: usize) -> Self {
        Self(format!("{bot}.{}.{number}", workflow.name))
    }

    /// What expressions read as `$trigger`.
    pub(super) fn happened(&self, schedule: &Schedule, at: Time) -> Value {
        json!({
            "type": "schedule",
            "schedule": schedule.text(),
            "timezone": schedule.zone(),
            "at": at,
        })
    }

    /// What makes it one run, whoever starts it.
    pub(super) fn cause(&self, at: Time) -> String {
        format!("schedule {} {at}", self.0)
    }
}

/// Whether a run is wanted at `now` for a time `at` of a schedule, where each comes by itself: all of them, the latest
/// only, or none that is late.
pub(super) fn is_wanted(kind: &TriggerKind, at: Time, now: Time) -> bool {
    let TriggerKind::Schedule {
        schedule,
        jitter,
        missed,
    } = kind
    else {
        return false;
    };
    let is_late = |at: Time| at.plus(*jitter).plus(LATE_ELSEWHERE) <= now;
    match missed {
        Missed::All => true,
        Missed::Once => !schedule.following(at).is_some_and(is_late),
        Missed::Skip => !is_late(at),
    }
}

/// A schedule of a workflow.
struct Line<'w> {
    key: DocumentKey,
    occasion: Occasion,
    workflow: &'w Workflow,
    trigger: &'w Trigger,
    schedule: &'w Schedule,
    jitter: Duration,
    missed: Missed,
}

impl Timetable {
    /// A timetable that knows nothing yet.
    #[must_use]
    pub fn new(start: Start, expressions: Arc<dyn Expressions>) -> Self {
        Self {
            start,
            expressions,
            agenda: Mutex::default(),
        }
    }

    /// Starts what is due, and gives when something is due next.
    ///
    /// # Errors
    /// When a store failed; what was not started is still due.
    pub async fn tick(
        &self,
        (tenant, bot): (&str, &str),
        workflows: &[Arc<Workflow>],
    ) -> Result<Option<Time>, Error> {
        let now = self.start.runtime.now();
        if !self.agenda().is_of(workflows) {
            let due = self.survey((tenant, bot), workflows, now).await?;
            *self.agenda() = Agenda {
                workflows: workflows.to_vec(),
                due,
            };
        }
        loop {
            let first = self.agenda().due.first().copied();
            let Some(entry) = first.filter(|entry| entry.at <= now) else {
                return Ok(first.map(|entry| entry.at));
            };
            let workflow = workflows.get(entry.workflow);
            let line =
                workflow.and_then(|workflow| Line::new((tenant, bot), workflow, entry.trigger));
            let next = match line {
                Some(line) => {
                    let until = self.see_to(bot, &line, entry.until, now).await?;
                    line.next(until).map(|at| Entry { at, until, ..entry })
                }
                None => None,
            };
            let mut agenda = self.agenda();
            if agenda.is_of(workflows) {
                agenda.due.remove(&entry);
                agenda.due.extend(next);
            }
        }
    }

    /// When each schedule is due next.
    async fn survey(
        &self,
        place: (&str, &str),
        workflows: &[Arc<Workflow>],
        now: Time,
    ) -> Result<BTreeSet<Entry>, Error> {
        let mut due = BTreeSet::new();
        for (number, workflow) in workflows.iter().enumerate() {
            for trigger in 0..workflow.triggers.len() {
                let Some(line) = Line::new(place, workflow, trigger) else {
                    continue;
                };
                let until = self.seen_until(&line, now).await?;
                due.extend(line.next(until).map(|at| Entry {
                    at,
                    workflow: number,
                    trigger,
                    until,
                }));
            }
        }
        Ok(due)
    }

    /// Until when the schedule was seen to; one that is new is due from now on.
    async fn seen_until(&self, line: &Line<'_>, now: Time) -> Result<Time, Error> {
        let found = self.start.documents.read(&line.key).await?;
        let kept: Option<Kept> = found.map(|found| parse(found.body)).transpose()?;
        match kept.filter(|kept| kept.schedule == line.text()) {
            Some(kept) => Ok(kept.until),
            None => {
                self.keep(line, now).await?;
                Ok(now)
            }
        }
    }

    /// Starts the runs for times after `until`, and gives until when it has now been seen to.
    async fn see_to(
        &self,
        bot: &str,
        line: &Line<'_>,
        until: Time,
        now: Time,
    ) -> Result<Time, Error> {
        let due = due(line, until, now);
        for at in &due.runs {
            self.begin(bot, line, *at).await?;
        }
        self.keep(line, due.until).await?;
        Ok(due.until)
    }

    async fn begin(&self, bot: &str, line: &Line<'_>, at: Time) -> Result<(), Error> {
        let trigger = line.occasion.happened(line.schedule, at);
        let inputs = line
            .trigger
            .inputs(line.workflow, &trigger, &*self.expressions);
        let beginning = Beginning {
            tenant: line.key.tenant.clone(),
            bot: bot.to_owned(),
            machine: None,
            inputs: match inputs {
                Ok(inputs) => inputs,
                Err(error) => {
                    refused(line, at, &error);
                    return Ok(());
                }
            },
            trigger,
            cause: Some(line.occasion.cause(at)),
        };
        match self.start.begin(line.workflow, beginning).await {
            Ok(_) => Ok(()),
            // Coming back to it would not help, and would keep what is due later from being started.
            Err(error) if matches!(error.kind(), Kind::Invalid | Kind::InboxFull) => {
                refused(line, at, &error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn keep(&self, line: &Line<'_>, until: Time) -> Result<(), Error> {
        amend(
            &*self.start.documents,
            &line.key,
            |found: Option<Kept>| match found {
                Some(kept) if kept.schedule == line.text() && kept.until >= until => {
                    (Amendment::Keep, ())
                }
                _ => {
                    let body = Kept {
                        schedule: line.text(),
                        until,
                    };
                    (
                        Amendment::Save {
                            body,
                            expires: None,
                        },
                        (),
                    )
                }
            },
        )
        .await
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Agenda {
    /// Whether these are the workflows it is of.
    fn is_of(&self, workflows: &[Arc<Workflow>]) -> bool {
        self.workflows.len() == workflows.len()
            && self
                .workflows
                .iter()
                .zip(workflows)
                .all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

fn refused(line: &Line<'_>, at: Time, error: &Error) {
    tracing::error!(workflow = line.workflow.name, %at, error = %error.chain(), "a run that was due could not be started");
}

impl<'w> Line<'w> {
    /// The schedule that the trigger `number` of `workflow` is, if it is one.
    fn new((tenant, bot): (&str, &str), workflow: &'w Workflow, number: usize) -> Option<Self> {
        let trigger = workflow.triggers.get(number)?;
        let TriggerKind::Schedule {
            schedule,
            jitter,
            missed,
        } = &trigger.kind
        else {
            return None;
        };
        let occasion = Occasion::new(bot, workflow, number);
        Some(Self {
            key: DocumentKey::new(tenant, Topic::Schedule, occasion.0.clone()),
            occasion,
            workflow,
            trigger,
            schedule,
            jitter: *jitter,
            missed: *missed,
        })
    }

    /// When the run for the first time after `until` is started.
    fn next(&self, until: Time) -> Option<Time> {
        self.schedule.next(until).map(|at| self.shifted(at))
    }

    fn text(&self) -> String {
        format!("{} {}", self.schedule.text(), self.schedule.zone())
    }

    /// When the run for `at` is started: later by a part of the jitter, the same for everybody who asks.
    fn shifted(&self, at: Time) -> Time {
        let jitter = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        match jitter {
            0 => at,
            _ => {
                let hash = hash64(&["jitter", &self.key.id, &at.0.to_string()]);
                at.plus(Duration::from_millis(hash % jitter))
            }
        }
    }
}

struct Due {
    runs: Vec<Time>,
    until: Time,
}

/// The times after `until` for which a run is to be started now.
fn due(line: &Line<'_>, until: Time, now: Time) -> Due {
    let mut times = Vec::new();
    let mut last = until;
    while let Some(at) = line.schedule.next(last) {
        if line.shifted(at) > now {
            break;
        }
        last = at;
        times.push(at);
        if times.len() > MAX_MADE_UP {
            times.remove(0);
        }
    }
    let latest = times.last().copied();
    let runs = match line.missed {
        Missed::All => times,
        Missed::Once => latest.into_iter().collect(),
        Missed::Skip => latest
            .filter(|at| now.since(line.shifted(*at)) < LATE)
            .into_iter()
            .collect(),
    };
    Due { runs, until: last }
}

#[cfg(test)]
mod tests;
