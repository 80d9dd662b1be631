//! What is in a workflow: walks over its steps.

use std::collections::BTreeSet;

use super::{Action, Block, Step, Workflow};
use crate::workflow::trigger::TriggerKind;

impl Workflow {
    /// The events that start it, or that its steps wait for.
    #[must_use]
    pub fn events(&self) -> BTreeSet<&str> {
        let triggers = self.triggers.iter();
        let mut events: BTreeSet<&str> = triggers
            .filter_map(|trigger| match &trigger.kind {
                TriggerKind::Event { name, .. } => Some(name.as_str()),
                _ => None,
            })
            .collect();
        self.steps.walk(&mut |step| {
            if let Action::Await { event, .. } = &step.action {
                events.insert(event);
            }
        });
        events
    }

    /// The workflows that its steps start and wait for.
    #[must_use]
    pub fn children(&self) -> BTreeSet<&str> {
        let mut children = BTreeSet::new();
        self.steps.walk(&mut |step| {
            if let Action::Workflow { workflow, .. } = &step.action {
                children.insert(workflow.as_str());
            }
        });
        children
    }

    /// Whether a step of it has the bot talk with somebody.
    #[must_use]
    pub fn converses(&self) -> bool {
        let mut converses = false;
        self.steps.walk(&mut |step| {
            converses |= matches!(step.action, Action::Converse { .. });
        });
        converses
    }

    /// The [`version`](Self::version) of a file with this text.
    #[must_use]
    pub fn version_of(text: &str) -> String {
        crate::bot::hash(text)
    }

    /// The names of the secrets that its requests and webhooks need.
    #[must_use]
    pub fn secret_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.steps.walk(&mut |step| {
            if let Action::Http { headers, .. } = &step.action {
                let values = headers
                    .iter()
                    .flat_map(|(_, value)| value.split("{secret:").skip(1));
                names.extend(values.filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())));
            }
        });
        names.extend(
            self.triggers
                .iter()
                .filter_map(|trigger| match &trigger.kind {
                    TriggerKind::Webhook { secret, .. } => Some(secret.clone()),
                    _ => None,
                }),
        );
        names
    }
}

impl Block {
    /// The names of all steps whose outputs are visible after the block: those of `parallel` and `each` are not.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().flat_map(Step::names).collect()
    }

    /// The steps, and those inside them, in written order.
    pub fn walk<'b>(&'b self, visit: &mut dyn FnMut(&'b Step)) {
        for step in &self.0 {
            visit(step);
            for block in step.blocks() {
                block.walk(visit);
            }
        }
    }
}

impl Step {
    /// Its name, if it gives something, and those of the steps inside it that are visible after it.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let own = self.has_output().then_some(self.name.as_str());
        let inside: Vec<&Block> = match &self.action {
            Action::Choose(rules) => rules.iter().map(|rule| &rule.steps).collect(),
            Action::Repeat { steps, .. } => vec![steps],
            _ => Vec::new(),
        };
        let caught = self.catch.iter().map(|catch| &catch.steps);
        let inner = inside.into_iter().chain(caught).flat_map(Block::names);
        own.into_iter().chain(inner).collect()
    }

    /// Whether expressions may ask for its output.
    #[must_use]
    pub fn has_output(&self) -> bool {
        !matches!(
            self.action,
            Action::Choose(_) | Action::Repeat { .. } | Action::Wait(_) | Action::Fail { .. }
        )
    }

    /// The blocks inside it.
    #[must_use]
    pub fn blocks(&self) -> Vec<&Block> {
        let mut blocks: Vec<&Block> = match &self.action {
            Action::Choose(rules) => rules.iter().map(|rule| &rule.steps).collect(),
            Action::Each { steps, .. } | Action::Repeat { steps, .. } => vec![steps],
            Action::Parallel(branches) => branches.iter().map(|(_, steps)| steps).collect(),
            _ => Vec::new(),
        };
        blocks.extend(self.catch.iter().map(|catch| &catch.steps));
        blocks
    }
}
