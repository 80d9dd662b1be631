//! Continues after a restart.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::active::Active;
use super::journal::{JournalError, Record, decode};
use super::{ExecutionId, Shared};
use crate::machine::{Kind, StateMachine};
use crate::{Diagnostic, Execution};

/// What [`super::Runner::recover`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Executions that go on.
    pub continued: usize,
    /// Executions that cannot, and why: an unreadable snapshot or definition. They stay as they
    /// are in the journal.
    pub broken: Vec<(ExecutionId, String)>,
}

/// The machines of the executions found, one for each definition.
#[derive(Default)]
pub(super) struct Machines(HashMap<String, Arc<StateMachine>>);

impl Shared {
    pub(super) async fn recover(self: &Arc<Self>) -> Result<Recovered, JournalError> {
        let mut machines = self.registered_machines();
        let mut recovered = Recovered::default();
        let mut found = Vec::new();
        for record in self.journal.unfinished().await? {
            match machines.revive(&record) {
                Ok(active) => found.push(active),
                Err(reason) => recovered.broken.push((record.id, reason)),
            }
        }
        recovered.continued = found.len();
        // All are in memory before the first goes on, so that children are found.
        let mut entered = Vec::with_capacity(found.len());
        for (active, execution) in found {
            let id = active.id.clone();
            self.enter(active, Vec::new());
            entered.push((id, execution));
        }
        for (id, execution) in entered {
            let Some(active) = self.find(&id) else {
                continue;
            };
            self.perform(&active, execution.unanswered());
            for (task, child) in execution.awaited_children() {
                let child = ExecutionId::new(child);
                self.watch_child(&active, task, child).await;
            }
        }
        Ok(recovered)
    }

    pub(super) fn registered_machines(&self) -> Machines {
        let machines = self.machines.read().unwrap_or_else(PoisonError::into_inner);
        let machines = machines.values().map(|registered| &registered.machine);
        let standard = machines.filter(|machine| machine.kind == Kind::Standard);
        Machines(
            standard
                .map(|machine| (machine.definition().to_string(), Arc::clone(machine)))
                .collect(),
        )
    }
}

impl Machines {
    pub(super) fn revive(&mut self, record: &Record) -> Result<(Active, Execution), String> {
        let execution: Execution = decode(&record.snapshot).map_err(|error| error.to_string())?;
        let machine = match self.0.get(&record.definition) {
            Some(machine) => Arc::clone(machine),
            None => {
                let machine = StateMachine::parse(&record.definition, Kind::Standard);
                let machine = Arc::new(machine.map_err(|diagnostics| told(&diagnostics))?);
                self.0
                    .insert(record.definition.clone(), Arc::clone(&machine));
                machine
            }
        };
        let active = Active::new(record.id.clone(), machine, execution.clone());
        Ok((active, execution))
    }
}

fn told(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<_> = diagnostics.iter().map(Diagnostic::to_string).collect();
    lines.join("; ")
}
