//! How every step of a workflow stands in a run of it: those that were reached, and those that were not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Drawing;
use crate::run::{RunRecord, RunStatus, StepStatus};
use crate::workflow::arrange::{Unit, arrange};
use crate::workflow::plan::{Action, Block, Step, Workflow};

/// How a step stands in a run, all of its items together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It has not begun, and may still.
    Upcoming,
    /// It is under way.
    Running,
    /// It waits for a person.
    Waiting,
    /// It is done.
    Succeeded,
    /// It failed; the run may have gone on another way.
    Failed,
    /// It was under way when the run ended.
    Stopped,
    /// The run went, or ended, without it.
    Skipped,
}

impl Drawing {
    /// A workflow with how each of its steps stands in a run.
    #[must_use]
    pub fn of_run(workflow: &Workflow, record: &RunRecord) -> Self {
        let mut reached: BTreeMap<&str, StepState> = BTreeMap::new();
        for step in &record.steps {
            let known = reached.entry(&step.step).or_insert(StepState::Upcoming);
            *known = known.and(StepState::from(step.status));
        }
        let mut reader = Reader {
            reached,
            states: BTreeMap::new(),
        };
        let is_over = !matches!(record.status, RunStatus::Queued | RunStatus::Running);
        reader.block(&workflow.steps, is_over);
        let mut drawing = Self::of(workflow);
        for node in &mut drawing.nodes {
            node.state = reader.states.get(node.step.as_str()).copied();
        }
        drawing
    }
}

/// Tells from the steps that were reached how all of them stand.
struct Reader<'a> {
    reached: BTreeMap<&'a str, StepState>,
    states: BTreeMap<&'a str, StepState>,
}

impl<'a> Reader<'a> {
    /// `is_over`: no step of the block begins any more.
    fn block(&mut self, block: &'a Block, is_over: bool) {
        let units = arrange(block, None, &mut Vec::new());
        let mut is_past = is_over;
        for unit in units.into_iter().rev() {
            match unit {
                Unit::One(step) => {
                    self.step(step, is_past);
                    is_past |= self.has_begun(step);
                }
                Unit::Together(chains) => {
                    let mut begun = false;
                    for chain in chains {
                        let mut is_past = is_past;
                        for step in chain.into_iter().rev() {
                            self.step(step, is_past);
                            is_past |= self.has_begun(step);
                            begun |= is_past;
                        }
                    }
                    is_past |= begun;
                }
            }
        }
    }

    /// `is_past`: the run is beyond it.
    fn step(&mut self, step: &'a Step, is_past: bool) {
        let state = self.state(step, is_past);
        self.states.insert(&step.name, state);
        let has_ended = is_past || !matches!(state, StepState::Upcoming | StepState::Running);
        let begun = |way: &&Block| way.0.iter().any(|step| self.has_begun(step));
        let taken: Vec<&Block> = step.blocks().into_iter().filter(begun).collect();
        let ways = matches!(step.action, Action::Choose(_));
        let caught = step.blocks().len() - step.catch.len();
        for (at, block) in step.blocks().into_iter().enumerate() {
            let is_other = taken.iter().all(|taken| !std::ptr::eq(*taken, block));
            let is_over = match at >= caught {
                // What catches is done after the step.
                true => is_past || is_other && (state == StepState::Succeeded || !taken.is_empty()),
                false if ways => is_past || is_other && !taken.is_empty(),
                false => has_ended,
            };
            self.block(block, is_over);
        }
    }

    fn state(&self, step: &Step, is_past: bool) -> StepState {
        let own = self.reached.get(step.name.as_str()).copied();
        // What is repeated is known by what is in it: its own state is only where it begins.
        if let Action::Repeat { steps, .. } = &step.action {
            let mut inside = StepState::Upcoming;
            steps.walk(&mut |step| {
                if let Some(state) = self.reached.get(step.name.as_str()) {
                    inside = inside.and(*state);
                }
            });
            return match inside.and(own.unwrap_or(StepState::Upcoming)) {
                StepState::Upcoming if is_past => StepState::Skipped,
                StepState::Succeeded | StepState::Failed if !is_past => StepState::Running,
                other => other,
            };
        }
        match own {
            Some(state) => state,
            None if is_past => StepState::Skipped,
            None => StepState::Upcoming,
        }
    }

    fn has_begun(&self, step: &Step) -> bool {
        self.reached.contains_key(step.name.as_str())
            || step
                .blocks()
                .iter()
                .any(|block| block.0.iter().any(|step| self.has_begun(step)))
    }
}

impl StepState {
    /// What is told of two items: the state that asks for attention most.
    fn and(self, other: Self) -> Self {
        match other.weight() > self.weight() {
            true => other,
            false => self,
        }
    }

    fn weight(self) -> u8 {
        match self {
            Self::Skipped | Self::Upcoming => 0,
            Self::Succeeded => 1,
            Self::Stopped => 2,
            Self::Failed => 3,
            Self::Running => 4,
            Self::Waiting => 5,
        }
    }
}

impl From<StepStatus> for StepState {
    fn from(status: StepStatus) -> Self {
        match status {
            StepStatus::Running => Self::Running,
            StepStatus::Waiting => Self::Waiting,
            StepStatus::Succeeded => Self::Succeeded,
            StepStatus::Failed => Self::Failed,
            StepStatus::Stopped => Self::Stopped,
        }
    }
}
