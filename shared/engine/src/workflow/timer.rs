//! What EventBridge Scheduler is told of a workflow's schedules.

use std::time::Duration;

use serde::Serialize;

use crate::bot::{Problem, Problems};
use crate::workflow::{Trigger, TriggerKind, Workflow};

const MINUTE: Duration = Duration::from_secs(60);

/// A schedule of a workflow in the words of EventBridge Scheduler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timer {
    /// Which of the workflow's triggers, counted from 0.
    pub trigger: usize,
    /// `cron(55 6 * * ? *)` or `rate(5 minutes)`.
    pub schedule_expression: String,
    /// Such as `Europe/Lisbon`.
    pub schedule_expression_timezone: String,
    /// What runs are spread over, in minutes; not at all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_window_in_minutes: Option<u64>,
}

impl Workflow {
    /// Its schedules as EventBridge Scheduler keeps them.
    ///
    /// # Errors
    /// Every schedule that the service cannot keep, although this machine can.
    pub fn timers(&self) -> Result<Vec<Timer>, Problems> {
        let mut problems = Vec::new();
        let mut timers = Vec::new();
        for (number, trigger) in self.triggers.iter().enumerate() {
            match timer(number, trigger) {
                Ok(timer) => timers.extend(timer),
                Err((what, hint)) => problems.push(
                    Problem::new(&self.file, what)
                        .at(Some(trigger.place))
                        .hint(hint),
                ),
            }
        }
        match problems.is_empty() {
            true => Ok(timers),
            false => Err(Problems(problems)),
        }
    }
}

fn timer(number: usize, trigger: &Trigger) -> Result<Option<Timer>, (String, &'static str)> {
    let TriggerKind::Schedule {
        schedule, jitter, ..
    } = &trigger.kind
    else {
        return Ok(None);
    };
    let expression = schedule.eventbridge().map_err(|beyond| {
        let what = format!(
            "EventBridge cannot keep `{}`, since {beyond}",
            schedule.text()
        );
        (what, "write a trigger for each of its parts")
    })?;
    if jitter.subsec_nanos() != 0 || jitter.as_secs() % MINUTE.as_secs() != 0 {
        let what = "EventBridge spreads runs over whole minutes".to_owned();
        return Err((what, "write a `jitter` such as `1m`"));
    }
    let minutes = jitter.as_secs() / MINUTE.as_secs();
    Ok(Some(Timer {
        trigger: number,
        schedule_expression: expression,
        schedule_expression_timezone: schedule.zone().to_owned(),
        maximum_window_in_minutes: (minutes > 0).then_some(minutes),
    }))
}
