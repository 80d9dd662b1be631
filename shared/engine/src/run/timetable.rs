//! Runs that are due: one for every time of a schedule, however often it is looked at, and whoever looks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
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
    /// Until when each schedule has been seen to, and when it is due next.
    seen: Mutex<BTreeMap<String, Seen>>,
    quiet: Mutex<Quiet>,
}

/// Before `until` nothing is due, as far as the workflows of this turn go.
#[derive(Clone, Copy, Default)]
struct Quiet {
    turn: u64,
    until: Option<Time>,
}

#[derive(Clone, Copy)]
struct Seen {
    until: Time,
    next: Option<Time>,
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
            seen: Mutex::default(),
            quiet: Mutex::default(),
        }
    }

    /// Forgets what is due, because the workflows are others now.
    pub fn turn(&self) {
        self.seen().clear();
        let mut quiet = self.quiet();
        quiet.turn += 1;
        quiet.until = None;
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
        let quiet = *self.quiet();
        if quiet
            .until
            .is_some_and(|until| self.start.runtime.now() < until)
        {
            return Ok(quiet.until);
        }
        let mut earliest: Option<Time> = None;
        for workflow in workflows {
            for line in lines(tenant, bot, workflow) {
                let next = self.line(bot, &line).await?;
                earliest = earliest.into_iter().chain(next).min();
            }
        }
        let mut now = self.quiet();
        if now.turn == quiet.turn {
            now.until = earliest;
        }
        Ok(earliest)
    }

    async fn line(&self, bot: &str, line: &Line<'_>) -> Result<Option<Time>, Error> {
        let now = self.start.runtime.now();
        let seen = self.seen().get(&line.key.id).copied();
        let seen = match seen {
            Some(seen) => seen,
            None => self.remember(line, now).await?,
        };
        if seen.next.is_none_or(|next| now < next) {
            return Ok(seen.next);
        }
        let due = due(line, seen.until, now);
        for at in &due.runs {
            self.begin(bot, line, *at).await?;
        }
        self.keep(line, due.until).await?;
        let next = line.schedule.next(due.until).map(|at| line.shifted(at));
        let seen = Seen {
            until: due.until,
            next,
        };
        self.seen().insert(line.key.id.clone(), seen);
        Ok(next)
    }

    /// Until when the schedule was seen to; one that is new is due from now on.
    async fn remember(&self, line: &Line<'_>, now: Time) -> Result<Seen, Error> {
        let found = self.start.documents.read(&line.key).await?;
        let kept: Option<Kept> = found.map(|found| parse(found.body)).transpose()?;
        let until = match kept.filter(|kept| kept.schedule == line.text()) {
            Some(kept) => kept.until,
            None => {
                self.keep(line, now).await?;
                now
            }
        };
        let next = line.schedule.next(until).map(|at| line.shifted(at));
        let seen = Seen { until, next };
        self.seen().insert(line.key.id.clone(), seen);
        Ok(seen)
    }

    async fn begin(&self, bot: &str, line: &Line<'_>, at: Time) -> Result<(), Error> {
        let trigger = line.occasion.happened(line.schedule, at);
        let inputs = line
            .trigger
            .inputs(line.workflow, &trigger, &*self.expressions);
        let beginning = Beginning {
            tenant: line.key.tenant.clone(),
            bot: bot.to_owned(),
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

    fn quiet(&self) -> std::sync::MutexGuard<'_, Quiet> {
        self.quiet.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(line: &Line<'_>, at: Time, error: &Error) {
    tracing::error!(workflow = line.workflow.name, %at, error = %error.chain(), "a run that was due could not be started");
}

impl Line<'_> {
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

fn lines<'w>(tenant: &str, bot: &str, workflow: &'w Workflow) -> Vec<Line<'w>> {
    let triggers = workflow.triggers.iter().enumerate();
    let line = |(number, trigger): (usize, &'w Trigger)| match &trigger.kind {
        TriggerKind::Schedule {
            schedule,
            jitter,
            missed,
        } => {
            let occasion = Occasion::new(bot, workflow, number);
            Some(Line {
                key: DocumentKey::new(tenant, Topic::Schedule, occasion.0.clone()),
                occasion,
                workflow,
                trigger,
                schedule,
                jitter: *jitter,
                missed: *missed,
            })
        }
        _ => None,
    };
    triggers.filter_map(line).collect()
}

#[cfg(test)]
mod tests;
