//! What a workflow refers to outside of itself: tools, people, other workflows.

use serde_json::Value;

use super::Compiler;
use crate::bot::problem::{did_you_mean, listed};
use crate::bot::{Place, ToolKind};
use crate::bus;
use crate::goal::REPORT_GOAL;
use crate::workflow::plan::{Action, Input, Notification, Step, Workflow};
use crate::workflow::scope::Scope;
use crate::workflow::template::Template;
use crate::workflow::trigger::{Trigger, TriggerKind};

/// How deep workflows may run workflows.
const MAX_NESTING: usize = 5;

impl<'w> Compiler<'w> {
    pub(super) fn check_tool(&mut self, step: &Step) {
        let Action::Tool {
            tool: name,
            place,
            with,
        } = &step.action
        else {
            return;
        };
        if name == REPORT_GOAL {
            let what = format!("`{name}` needs a conversation, and a run has none");
            return self.wrong(*place, what, "use `converse`");
        }
        let Some(tool) = self.around.bot.tools.get(name) else {
            let names = self.around.bot.tools.keys().map(String::as_str);
            let hint =
                did_you_mean(name, names).unwrap_or_else(|| format!("add tools/{name}.toml"));
            return self.wrong(*place, format!("there is no tool `{name}`"), hint);
        };
        if let ToolKind::Workflow { workflow } = &tool.kind {
            let what = format!("`{name}` starts a workflow from a conversation");
            let hint = format!("run it as a step: `workflow: {workflow}`");
            return self.wrong(*place, what, hint);
        }
        if let ToolKind::Reminder(_) = &tool.kind {
            let what = format!("`{name}` needs a conversation, and a run has none");
            let hint = "use `wait`, and `notify` for who is to be told";
            return self.wrong(*place, what, hint);
        }
        let schema = tool.parameters();
        let properties = schema.get("properties").and_then(Value::as_object);
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (argument, value) in with {
            let Some(property) = properties.and_then(|properties| properties.get(argument)) else {
                if closed {
                    let names = properties
                        .into_iter()
                        .flatten()
                        .map(|(name, _)| name.as_str());
                    let hint = did_you_mean(argument, names.clone());
                    let hint = hint.unwrap_or_else(|| format!("it takes {}", listed(names)));
                    self.wrong(step.place, format!("`{name}` takes no `{argument}`"), hint);
                }
                continue;
            };
            if let Some(value) = value.constant()
                && let Ok(validator) = jsonschema::options().offline().build(property)
                && let Err(error) = validator.validate(value)
            {
                let what = format!("`{argument}` of `{name}` does not fit: {error}");
                self.wrong(step.place, what, format!("see tools/{name}.toml"));
            }
        }
        let required = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for missing in required.filter_map(Value::as_str) {
            if !with.iter().any(|(argument, _)| argument == missing) {
                let what = format!("`{name}` needs `{missing}`");
                self.wrong(step.place, what, format!("add `{missing}:` under `with:`"));
            }
        }
    }

    pub(super) fn check_role(&mut self, step: &Step) {
        let Action::Approve {
            role,
            place,
            needed,
            ..
        } = &step.action
        else {
            return;
        };
        if let Some((what, hint)) = self.around.bot.people.shortage(role, *needed) {
            self.wrong(*place, what, hint);
        }
    }

    pub(super) fn check_person(&mut self, notification: &Notification) {
        let Notification { to, place, .. } = notification;
        let people = &self.around.bot.people;
        let roles = people.roles();
        if people.get(to).is_none() && !roles.contains(to.as_str()) {
            let hint = did_you_mean(to, people.names().chain(roles));
            let hint = hint.unwrap_or_else(|| format!("add `[people.{to}]` to people.toml"));
            self.wrong(
                *place,
                format!("`{to}` is neither a person nor a role"),
                hint,
            );
            return;
        }
        let mut told: Vec<_> = people.with_role(to).map(|(_, known)| known).collect();
        told.extend(people.get(to));
        if told.iter().all(|known| known.contacts.is_empty()) {
            self.wrong(
                *place,
                format!("nobody can tell `{to}` anything: people.toml says no contact"),
                "add `sms`, `whatsapp` or `web` there",
            );
        }
    }

    /// The workflows that this one runs: that they are there, take what they are given, and end.
    pub(super) fn check_children(&mut self) {
        let workflow = self.workflow;
        for (step, name, place, with) in children(workflow) {
            match self.around.workflows.get(name) {
                Some(child) => self.check_inputs(child, with, step.place),
                None => {
                    let names = self.around.workflows.keys().map(String::as_str);
                    let hint = did_you_mean(name, names);
                    let hint = hint.unwrap_or_else(|| format!("add workflows/{name}.yaml"));
                    self.wrong(place, format!("there is no workflow `{name}`"), hint);
                }
            }
        }
        if let Some(way) = self.deepest(workflow, &mut Vec::new()) {
            let what = match way.iter().filter(|name| **name == workflow.name).count() {
                2.. => format!("the workflow runs itself: {}", way.join(" > ")),
                _ => format!(
                    "workflows run each other more than {MAX_NESTING} deep: {}",
                    way.join(" > ")
                ),
            };
            let place = children(workflow)
                .first()
                .map_or(Place { line: 1, column: 1 }, |child| child.2);
            self.wrong(place, what, "break the chain");
        }
    }

    /// A way through workflows that is too long, if there is one.
    fn deepest(&self, workflow: &'w Workflow, way: &mut Vec<&'w str>) -> Option<Vec<&'w str>> {
        let again = way.contains(&workflow.name.as_str());
        way.push(&workflow.name);
        if again || way.len() > MAX_NESTING + 1 {
            return Some(way.clone());
        }
        for (_, name, _, _) in children(workflow) {
            if let Some(child) = self.around.workflows.get(name)
                && let Some(found) = self.deepest(child, way)
            {
                return Some(found);
            }
        }
        way.pop();
        None
    }

    /// What a trigger gives must be what the workflow takes.
    pub(super) fn check_triggers(&mut self) {
        let scope = Scope::new(self.workflow);
        for trigger in &self.workflow.triggers {
            for (_, template) in &trigger.with {
                self.template(template, &scope);
            }
            if let TriggerKind::Event {
                filter: Some(filter),
                ..
            } = &trigger.kind
            {
                self.expression(filter, &scope);
            }
            let Trigger { kind, with, place } = trigger;
            if let TriggerKind::Event { name, .. } = kind {
                self.check_event(name, *place);
            }
            if let TriggerKind::Webhook {
                event: Some(event), ..
            } = kind
                && bus::is_own(event)
            {
                let what = format!("`{event}` is for Confab to tell");
                self.wrong(*place, what, "call the event otherwise");
            }
            self.check_inputs(self.workflow, with, *place);
        }
    }

    /// Confab tells of some events only; what others tell is theirs to know.
    pub(super) fn check_event(&mut self, name: &str, place: Place) {
        if bus::is_own(name) && !bus::OWN.contains(&name) {
            let hint = did_you_mean(name, bus::OWN);
            let hint = hint.unwrap_or_else(|| format!("it tells of {}", listed(bus::OWN)));
            self.wrong(place, format!("Confab does not tell of `{name}`"), hint);
        }
    }

    fn check_inputs(&mut self, of: &Workflow, with: &[(String, Template)], place: Place) {
        for (name, value) in with {
            match of.inputs.get(name) {
                None => {
                    let hint = did_you_mean(name, of.inputs.keys().map(String::as_str));
                    let hint = hint.unwrap_or_else(|| format!("see `inputs` in {}", of.file));
                    self.wrong(
                        place,
                        format!("`{}` takes no input `{name}`", of.name),
                        hint,
                    );
                }
                Some(Input { kind, .. }) => {
                    if let Some(value) = value.constant()
                        && !kind.admits(value)
                    {
                        let what =
                            format!("the input `{name}` of `{}` is no {}", of.name, kind.name());
                        self.wrong(place, what, format!("see `inputs` in {}", of.file));
                    }
                }
            }
        }
        for (name, input) in &of.inputs {
            if !input.is_optional() && !with.iter().any(|(given, _)| given == name) {
                let what = format!("`{}` needs the input `{name}`", of.name);
                self.wrong(place, what, format!("add `{name}:` under `with:`"));
            }
        }
    }
}

type Child<'w> = (&'w Step, &'w str, Place, &'w [(String, Template)]);

/// The steps that run workflows.
fn children(workflow: &Workflow) -> Vec<Child<'_>> {
    let mut children = Vec::new();
    workflow.steps.walk(&mut |step| {
        if let Action::Workflow {
            workflow,
            place,
            with,
        } = &step.action
        {
            children.push((step, workflow.as_str(), *place, with.as_slice()));
        }
    });
    children
}
