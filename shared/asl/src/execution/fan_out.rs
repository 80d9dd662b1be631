//! Parallel and Map: threads within a state.

use std::sync::Arc;

use serde_json::Value;

use super::Effect;
use super::evaluation::Readable;
use super::leaving::{Given, limited};
use super::step::{Moved, Step};
use super::thread::{FanOut, Parent, Phase, Thread, ThreadId};
use crate::failure::{EXCEED_TOLERATED_FAILURE_THRESHOLD, Failure};
use crate::history::{Details, Event};
use crate::machine::{Map, State, StateId, Work};

/// AWS runs at most this many iterations of an inline Map at once.
const MAX_CONCURRENCY: u64 = 40;

impl Step<'_> {
    pub(super) fn start_branches(
        &mut self,
        state: &State,
        branches: &[StateId],
        thread: &mut Thread,
    ) -> Result<Moved, Failure> {
        let input = self.arguments(state, thread, Readable::default())?;
        self.log(Event::ParallelStateStarted, || named(state));
        for (index, start) in branches.iter().enumerate() {
            self.spawn_child(thread, *start, Arc::clone(&input), (index, None));
        }
        thread.phase = Phase::FanOut(Box::new(FanOut {
            items: Arc::default(),
            next: 0,
            running: branches.len(),
            results: vec![None; branches.len()],
            concurrency: branches.len(),
            failed: 0,
            tolerated: 0,
        }));
        Ok(Moved::Stays)
    }

    pub(super) fn start_items(
        &mut self,
        state: &State,
        map: &Map,
        thread: &mut Thread,
    ) -> Result<Moved, Failure> {
        let items = self.items(state, map, thread)?;
        let concurrency = match &map.max_concurrency {
            Some(most) => self.whole(state, thread, "MaxConcurrency", most)?,
            None => 0,
        };
        let concurrency = match concurrency {
            0 => MAX_CONCURRENCY,
            most => most.min(MAX_CONCURRENCY),
        };
        let tolerated = self.tolerated(state, map, thread, items.len())?;
        let count = items.len();
        self.log(Event::MapStateStarted, || named(state));
        let mut fan_out = FanOut {
            items: Arc::new(items.into_iter().map(Arc::new).collect()),
            next: 0,
            running: 0,
            results: vec![None; count],
            // At most 40.
            concurrency: concurrency as usize,
            failed: 0,
            tolerated,
        };
        let filled = self.fill(state, map, thread, &mut fan_out);
        if filled.is_ok() && fan_out.running == 0 {
            return self.gather(state, thread, fan_out);
        }
        thread.phase = Phase::FanOut(Box::new(fan_out));
        filled.map(|()| Moved::Stays)
    }

    fn items(&mut self, state: &State, map: &Map, thread: &Thread) -> Result<Vec<Value>, Failure> {
        let array = |value: &Value| value.as_array().cloned();
        if let Some(items) = &map.items {
            return self.evaluate(state, thread, Readable::default(), |scope| {
                items.evaluate_as("array", "Items", scope, array)
            });
        }
        let items = self.evaluate(state, thread, Readable::default(), |scope| {
            Ok(array(scope.input).ok_or_else(|| scope.input.clone()))
        })?;
        items.map_err(|other| {
            let message = format!("Map state input must be an array but was: {other}");
            let error = state.intake.unfit(message);
            self.evaluation_failed(state, thread, error)
        })
    }

    /// How many of `count` items may fail.
    fn tolerated(
        &mut self,
        state: &State,
        map: &Map,
        thread: &Thread,
        count: usize,
    ) -> Result<usize, Failure> {
        let mut tolerated = None;
        if let Some(most) = &map.tolerated_count {
            let most = self.whole(state, thread, "ToleratedFailureCount", most)?;
            tolerated = Some(usize::try_from(most).unwrap_or(usize::MAX));
        }
        if let Some(share) = &map.tolerated_percentage {
            let share = self.number(state, thread, "ToleratedFailurePercentage", share)?;
            // Negative shares become zero, and large ones all items.
            let most = (share / 100.0 * count as f64) as usize;
            tolerated = Some(tolerated.map_or(most, |other: usize| other.min(most)));
        }
        Ok(tolerated.unwrap_or(0))
    }

    /// Starts iterations until as many run as may.
    fn fill(
        &mut self,
        state: &State,
        map: &Map,
        thread: &Thread,
        fan_out: &mut FanOut,
    ) -> Result<(), Failure> {
        while fan_out.running < fan_out.concurrency && fan_out.next < fan_out.items.len() {
            let index = fan_out.next;
            let item = Arc::clone(&fan_out.items[index]);
            let input = match &map.selector {
                Some(selector) => {
                    let readable = Readable {
                        item: Some((index, &item)),
                        ..Readable::default()
                    };
                    let value = self.evaluate(state, thread, readable, |scope| {
                        selector.evaluate(&"ItemSelector", scope)
                    })?;
                    Arc::new(limited(value, &state.name)?)
                }
                None => Arc::clone(&item),
            };
            self.log(Event::MapIterationStarted, || iteration(state, index));
            self.spawn_child(thread, map.processor, input, (index, Some(item)));
            fan_out.next += 1;
            fan_out.running += 1;
        }
        Ok(())
    }

    fn spawn_child(
        &mut self,
        parent: &Thread,
        start: StateId,
        input: Arc<Value>,
        (index, item): (usize, Option<Arc<Value>>),
    ) {
        self.spawn(Thread {
            id: ThreadId(0),
            parent: Some(Parent {
                thread: parent.id,
                index,
                item,
            }),
            state: start,
            input,
            variables: Arc::clone(&parent.variables),
            entered: self.around.now,
            entered_event: 0,
            attempts: Vec::new(),
            phase: Phase::Ready,
        });
    }

    /// A branch or iteration has reached its end.
    pub(super) fn branch_succeeded(&mut self, child: Thread) {
        self.branch_ended(&child, Ok(Arc::clone(&child.input)));
    }

    /// A branch or iteration has failed in `state`.
    pub(super) fn branch_failed(&mut self, state: &State, child: Thread, failure: Failure) {
        let in_branch = child
            .parent
            .as_ref()
            .is_some_and(|parent| parent.item.is_none());
        if in_branch && let Some(aborted) = aborted(state).filter(|_| is_leaf(state)) {
            self.log(aborted, Details::default);
        }
        self.branch_ended(&child, Err(failure));
    }

    fn branch_ended(&mut self, child: &Thread, result: Result<Arc<Value>, Failure>) {
        let Some(around) = &child.parent else {
            return;
        };
        let Some(mut parent) = self.take(around.thread) else {
            return;
        };
        let Some(state) = self.state_of(&parent) else {
            return;
        };
        let Phase::FanOut(fan_out) = std::mem::replace(&mut parent.phase, Phase::Ready) else {
            return self.put(parent);
        };
        let moved = self.joined(state, &mut parent, *fan_out, around.index, result);
        self.settle(state, parent, moved);
    }

    /// Takes in the result of the child at `index`, and starts what may now start.
    fn joined(
        &mut self,
        state: &State,
        parent: &mut Thread,
        mut fan_out: FanOut,
        index: usize,
        result: Result<Arc<Value>, Failure>,
    ) -> Result<Moved, Failure> {
        fan_out.running -= 1;
        let map = match &state.work {
            Work::Map(map) => Some(map),
            _ => None,
        };
        match result {
            Ok(output) => {
                if map.is_some() {
                    self.log(Event::MapIterationSucceeded, || iteration(state, index));
                }
                fan_out.results[index] = Some(output);
            }
            Err(failure) => {
                if map.is_some() {
                    self.log(Event::MapIterationFailed, || iteration(state, index));
                }
                fan_out.failed += 1;
                if fan_out.failed > fan_out.tolerated {
                    let failure = exceeded(&fan_out, failure);
                    parent.phase = Phase::FanOut(Box::new(fan_out));
                    return Err(failure);
                }
            }
        }
        let filled = match map {
            Some(map) => self.fill(state, map, parent, &mut fan_out),
            None => Ok(()),
        };
        if filled.is_ok() && fan_out.running == 0 {
            return self.gather(state, parent, fan_out);
        }
        parent.phase = Phase::FanOut(Box::new(fan_out));
        filled.map(|()| Moved::Stays)
    }

    /// Leaves the state with the results of those that succeeded, in order.
    fn gather(
        &mut self,
        state: &State,
        thread: &mut Thread,
        fan_out: FanOut,
    ) -> Result<Moved, Failure> {
        if matches!(state.work, Work::Map(_)) {
            self.log(Event::MapStateSucceeded, || named(state));
        }
        let results = fan_out.results.into_iter().flatten();
        let results = Value::Array(results.map(Arc::unwrap_or_clone).collect());
        let results = Arc::new(limited(results, &state.name)?);
        self.complete(state, &state.exit, thread, Given::Result(results))
    }

    /// Ends every thread that the thread called `parent` fanned out into.
    pub(super) fn abort_children(&mut self, parent: ThreadId) {
        let is_child = |thread: &&Thread| {
            let around = thread.parent.as_ref();
            around.is_some_and(|around| around.thread == parent)
        };
        let threads = self.execution.threads.iter();
        let children: Vec<_> = threads.filter(is_child).map(|child| child.id).collect();
        for id in children {
            let Some(child) = self.take(id) else {
                continue;
            };
            self.abort_children(id);
            self.cancel(&child);
            let was_entered = !matches!(child.phase, Phase::Ready | Phase::Yielding(_));
            let state = self.machine.state(child.state);
            if let Some(aborted) = state.and_then(aborted).filter(|_| was_entered) {
                self.log(aborted, Details::default);
            }
            if let Some(around) = child.parent.filter(|around| around.item.is_some()) {
                self.log(Event::MapIterationAborted, || Details {
                    index: Some(around.index),
                    ..Details::default()
                });
            }
        }
    }

    /// Says that the thread's task, if it is in one, no longer matters.
    pub(super) fn cancel(&mut self, thread: &Thread) {
        if let Phase::Task(pending) = &thread.phase {
            self.effect(Effect::Cancel {
                task: pending.id,
                child: pending.child.clone(),
            });
        }
    }
}

fn exceeded(fan_out: &FanOut, failure: Failure) -> Failure {
    if fan_out.tolerated == 0 {
        return failure;
    }
    let cause = "The specified tolerated failure threshold was exceeded";
    Failure::new(EXCEED_TOLERATED_FAILURE_THRESHOLD, cause)
}

fn is_leaf(state: &State) -> bool {
    matches!(state.work, Work::Task(_) | Work::Wait(_))
}

fn aborted(state: &State) -> Option<Event> {
    match state.work {
        Work::Task(_) => Some(Event::TaskStateAborted),
        Work::Wait(_) => Some(Event::WaitStateAborted),
        Work::Parallel { .. } => Some(Event::ParallelStateAborted),
        Work::Map(_) => Some(Event::MapStateAborted),
        _ => None,
    }
}

fn named(state: &State) -> Details {
    Details {
        name: Some(Arc::clone(&state.name)),
        ..Details::default()
    }
}

fn iteration(state: &State, index: usize) -> Details {
    Details {
        index: Some(index),
        ..named(state)
    }
}
