//! Draws a workflow: as Mermaid, for documents, and as SVG, for pages.

use std::fmt::Write as _;

use crate::workflow::arrange::{Unit, arrange};
use crate::workflow::plan::{Action, Block, Rule, Step, Workflow};

mod drawing;
mod states;
mod svg;
#[cfg(test)]
mod tests;

pub use drawing::{Drawing, Line, Node};
pub use states::StepState;
pub use svg::svg;

/// The workflow as a Mermaid flowchart.
#[must_use]
pub fn mermaid(workflow: &Workflow) -> String {
    let mut chart = Chart {
        text: "flowchart TD\n".to_owned(),
        deep: 1,
    };
    chart.line("start((start))");
    let ends = chart.block(&workflow.steps, vec![("start".to_owned(), None)]);
    chart.line("finish((end))");
    chart.lead(&ends, "finish");
    chart.text
}

struct Chart {
    text: String,
    deep: usize,
}

/// Where a flow stands, and what the arrow from there says.
type From = (String, Option<String>);

impl Chart {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "{}{text}", "    ".repeat(self.deep));
    }

    fn lead(&mut self, from: &[From], to: &str) {
        for (name, label) in from {
            match label {
                Some(label) => self.line(&format!("{name} -->|\"{}\"| {to}", quoted(label))),
                None => self.line(&format!("{name} --> {to}")),
            }
        }
    }

    fn block(&mut self, block: &Block, from: Vec<From>) -> Vec<From> {
        let mut from = from;
        for unit in arrange(block, None, &mut Vec::new()) {
            from = match unit {
                Unit::One(step) => self.step(step, from),
                Unit::Together(chains) => {
                    let mut ends = Vec::new();
                    for chain in chains {
                        let mut here = from.clone();
                        for step in chain {
                            here = self.step(step, here);
                        }
                        ends.extend(here);
                    }
                    ends
                }
            };
        }
        from
    }

    fn step(&mut self, step: &Step, from: Vec<From>) -> Vec<From> {
        let name = format!("s_{}", step.name);
        let text = quoted(&format!("{}: {}", step.name, said(step)));
        let shape = match &step.action {
            Action::Choose(_) => format!("{name}{{\"{text}\"}}"),
            Action::Approve { .. } => format!("{name}[/\"{text}\"/]"),
            Action::Wait(_) | Action::Await { .. } => format!("{name}([\"{text}\"])"),
            Action::Converse { .. } => format!("{name}[/\"{text}\"/]"),
            Action::Fail { .. } => format!("{name}[[\"{text}\"]]"),
            _ => format!("{name}[\"{text}\"]"),
        };
        self.line(&shape);
        let mut from = from;
        if let Some(when) = &step.when {
            from.iter_mut()
                .for_each(|(_, label)| *label = Some(format!("when {}", when.source())));
        }
        self.lead(&from, &name);
        let mut ends = match &step.action {
            Action::Choose(rules) => self.ways(&name, rules),
            Action::Parallel(branches) => {
                let mut ends = Vec::new();
                for (branch, steps) in branches {
                    ends.extend(self.block(steps, vec![(name.clone(), Some(branch.clone()))]));
                }
                ends
            }
            Action::Each { steps, .. } | Action::Repeat { steps, .. } => {
                self.line(&format!(
                    "subgraph {name}_steps [\"{}\"]",
                    quoted(&said(step))
                ));
                self.deep += 1;
                let ends = self.block(steps, vec![(name.clone(), None)]);
                self.deep -= 1;
                self.line("end");
                ends
            }
            Action::Fail { .. } => Vec::new(),
            _ => vec![(name.clone(), None)],
        };
        for catch in &step.catch {
            let on = match catch.on.as_slice() {
                [] => "any error".to_owned(),
                names => names.join(", "),
            };
            ends.extend(self.block(&catch.steps, vec![(name.clone(), Some(on))]));
        }
        if step.when.is_some() {
            ends.extend(
                from.into_iter()
                    .map(|(name, _)| (name, Some("else".to_owned()))),
            );
        }
        ends
    }

    fn ways(&mut self, name: &str, rules: &[Rule]) -> Vec<From> {
        let mut ends = Vec::new();
        for rule in rules {
            let label = rule.when.as_ref().map_or("else", |when| when.source());
            ends.extend(self.block(&rule.steps, vec![(name.to_owned(), Some(label.to_owned()))]));
        }
        if rules.last().is_some_and(|rule| rule.when.is_some()) {
            ends.push((name.to_owned(), Some("else".to_owned())));
        }
        ends
    }
}

/// What a step does, in a few words.
#[must_use]
pub fn said(step: &Step) -> String {
    match &step.action {
        Action::Tool { tool, .. } => format!("tool {tool}"),
        Action::Ask { .. } => "ask the model".to_owned(),
        Action::Converse { with, .. } => format!("talk with {}", with.named()),
        Action::Approve { role, .. } => format!("yes of {role}"),
        Action::Notify(notification) => format!("tell {}", notification.to),
        Action::Http { method, .. } => format!("HTTP {method}"),
        Action::Wait(_) => "wait".to_owned(),
        Action::Await { event, .. } => format!("wait for {event}"),
        Action::Choose(_) => "choose".to_owned(),
        Action::Each {
            variable, items, ..
        } => format!("each {variable} in {}", items.source()),
        Action::Parallel(_) => "at the same time".to_owned(),
        Action::Repeat { until, at_most, .. } => {
            format!("until {}, at most {at_most} times", until.source())
        }
        Action::Workflow { workflow, .. } => format!("workflow {workflow}"),
        Action::Set(_) => "set".to_owned(),
        Action::Fail { error, .. } => format!("fail: {error}"),
    }
}

fn quoted(text: &str) -> String {
    let text: String = text.chars().take(60).collect();
    text.replace('"', "#quot;").replace(['\n', '\r'], " ")
}
