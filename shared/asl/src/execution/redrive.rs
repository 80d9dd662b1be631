//! `RedriveExecution`: an execution that ended without success goes on where it was.

use super::step::Step;
use super::thread::{Phase, Thread, ThreadId, after};
use super::{Execution, Outcome, Reaction, Surroundings};
use crate::failure::Failure;
use crate::history::{Details, Event};
use crate::machine::{Kind, StateMachine};

/// Why an execution cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRedrivable {
    /// It is under way.
    #[error("the execution is under way")]
    UnderWay,
    /// It did all it should.
    #[error("the execution has succeeded")]
    Succeeded,
    /// Nothing was kept of where it was.
    #[error("where the execution was is not known any more")]
    Forgotten,
}

impl Execution {
    /// Enters the states again that failed, timed out or were stopped, with the inputs they had; what was left
    /// before is not entered again. Branches and items that have ended well keep their results. Retriers and the
    /// execution's timeout count anew.
    ///
    /// # Errors
    /// See [`NotRedrivable`]; nothing changes then.
    pub fn redrive(
        &mut self,
        machine: &StateMachine,
        around: &Surroundings<'_>,
    ) -> Result<Reaction, NotRedrivable> {
        match &self.outcome {
            None => return Err(NotRedrivable::UnderWay),
            Some(Outcome::Succeeded(_)) => return Err(NotRedrivable::Succeeded),
            Some(_) if self.left.is_empty() => return Err(NotRedrivable::Forgotten),
            Some(_) => {}
        }
        self.outcome = None;
        self.stopped = None;
        self.redriven.push(around.now);
        let limit = machine.timeout_seconds;
        self.deadline = limit.map(|seconds| after(around.now, seconds));
        let left = std::mem::take(&mut self.left);
        let mut step = Step::new(machine, self, around);
        step.log(Event::ExecutionRedriven, Details::default);
        for mut thread in left {
            thread.attempts.clear();
            match thread.phase {
                Phase::FanOut(_) => step.put(thread),
                _ => step.requeue(thread),
            }
        }
        step.run();
        Ok(step.into_reaction())
    }
}

impl Step<'_> {
    /// Keeps where everything is while `failed` fails, in case the execution does.
    pub(super) fn keep_places(&mut self, failed: &Thread) {
        if self.places.is_some() || self.machine.kind == Kind::Express {
            return;
        }
        let mut places = self.execution.threads.clone();
        drop_below(&mut places, failed.id);
        let mut failed = failed.clone();
        failed.phase = Phase::Ready;
        let at = places.partition_point(|other| other.id < failed.id);
        places.insert(at, failed);
        self.places = Some(places);
    }

    /// Ends an execution whose definition no longer has a state.
    pub(super) fn fail_in(&mut self, thread: &Thread, failure: Failure) {
        self.keep_places(thread);
        self.finish(Outcome::Failed(failure));
    }
}

/// Forgets what `parent` fanned out into: it will do so again.
fn drop_below(threads: &mut Vec<Thread>, parent: ThreadId) {
    let is_child = |thread: &Thread| {
        let around = thread.parent.as_ref();
        around.is_some_and(|around| around.thread == parent)
    };
    let children: Vec<ThreadId> = threads
        .iter()
        .filter(|thread| is_child(thread))
        .map(|child| child.id)
        .collect();
    threads.retain(|thread| !is_child(thread));
    for child in children {
        drop_below(threads, child);
    }
}
