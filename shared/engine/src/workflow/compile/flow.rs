//! Steps that order other steps.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::retry::Retried;
use super::{Compiler, States, assign, conclude, nulls};
use crate::workflow::Expression;
use crate::workflow::arrange::{Unit, arrange};
use crate::workflow::plan::{Action, Block, Rule, Step, Wait};
use crate::workflow::scope::{Scope, variable};
use crate::workflow::template::jsonata;

/// The state in which chains run beside each other because of their `needs`.
pub(super) fn together_name(chains: &[Vec<&Step>]) -> String {
    let firsts: Vec<&str> = chains
        .iter()
        .filter_map(|chain| chain.first())
        .map(|step| step.name.as_str())
        .collect();
    let name = firsts.join(" + ");
    match name.len() {
        0..=80 => name,
        _ => format!("{} + {}", firsts[0], firsts.len() - 1),
    }
}

impl<'w> Compiler<'w> {
    pub(super) fn wait(&mut self, wait: &Wait, scope: &Scope<'_>, next: &str) -> Value {
        match wait {
            Wait::For(time) => json!({ "Type": "Wait", "Seconds": time.as_secs(), "Next": next }),
            Wait::Seconds(seconds) => {
                let seconds = self.expression(seconds, scope);
                json!({ "Type": "Wait", "Seconds": jsonata(&seconds), "Next": next })
            }
            Wait::Until(time) => {
                let time = self.expression(time, scope);
                json!({ "Type": "Wait", "Timestamp": jsonata(&time), "Next": next })
            }
        }
    }

    pub(super) fn choose(
        &mut self,
        step: &'w Step,
        rules: &'w [Rule],
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let all = step.names();
        let others = |rule: &Rule| {
            let own = rule.steps.names();
            nulls(all.iter().copied().filter(|name| !own.contains(name)))
        };
        let mut choices = Vec::new();
        let mut choice = json!({ "Type": "Choice" });
        let mut default = (next.to_owned(), nulls(all.iter().copied()));
        for rule in rules {
            let first = self.first(&rule.steps, next);
            match &rule.when {
                Some(when) => {
                    let condition = self.expression(when, scope);
                    let condition = jsonata(&format!("({condition}) ? true : false"));
                    let mut way = json!({ "Condition": condition, "Next": first });
                    assign(&mut way, others(rule));
                    choices.push(way);
                }
                None => default = (first, others(rule)),
            }
        }
        choice["Choices"] = Value::Array(choices);
        choice["Default"] = Value::String(default.0);
        assign(&mut choice, default.1);
        states.insert(step.name.clone(), choice);
        for rule in rules {
            // What one way gives is not known on another.
            let mut inside = scope.clone();
            self.block(&rule.steps, &mut inside, next, states);
        }
        for name in all {
            scope.reveal(name);
        }
    }

    pub(super) fn repeat(
        &mut self,
        step: &'w Step,
        (steps, until, at_most, pause): (&'w Block, &'w Expression, u32, Option<Duration>),
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let name = &step.name;
        let round = format!("round_{name}");
        let (asked, again) = (format!("{name}.until"), format!("{name}.again"));
        let first = self.first(steps, &asked);
        let begin = json!({ "Type": "Pass", "Assign": { &round: 1 }, "Next": first });
        states.insert(name.clone(), begin);
        let mut inside = scope.clone();
        inside.bind("round", format!("${round}"));
        inside.enter(&format!("${round}"));
        self.block(steps, &mut inside, &asked, states);
        let condition = self.expression(until, &inside);
        let exhausted = format!("{name}.exhausted");
        states.insert(
            asked,
            json!({
                "Type": "Choice",
                "Choices": [
                    { "Condition": jsonata(&format!("({condition}) ? true : false")), "Next": next },
                    { "Condition": jsonata(&format!("${round} >= {at_most}")), "Next": exhausted },
                ],
                "Default": again,
                "Assign": { &round: jsonata(&format!("${round} + 1")) },
            }),
        );
        states.insert(
            again,
            match pause {
                Some(pause) => json!({ "Type": "Wait", "Seconds": pause.as_secs(), "Next": first }),
                None => json!({ "Type": "Pass", "Next": first }),
            },
        );
        states.insert(
            exhausted,
            json!({
                "Type": "Fail",
                "Error": "Exhausted",
                "Cause": format!("{name} was repeated {at_most} times in vain"),
            }),
        );
        for name in steps.names() {
            scope.reveal(name);
        }
    }

    pub(super) fn each(
        &mut self,
        step: &'w Step,
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let Action::Each {
            items,
            variable: item,
            at_once,
            steps,
            gives,
        } = &step.action
        else {
            return;
        };
        if scope.binds(item) {
            let what = format!("`${item}` is the item of an `each` around this one already");
            self.wrong(
                step.place,
                what,
                "give the inner one a name of its own: `as: line`",
            );
        }
        let items = self.expression(items, scope);
        let index = format!("{item}_index");
        let (begin, output) = (
            format!("{}.{item}", step.name),
            format!("{}.output", step.name),
        );
        let mut inside = scope.clone();
        inside.bind(item, format!("${item}"));
        inside.bind(&index, format!("${index}"));
        inside.enter(&format!("${index}"));
        let mut body = States::new();
        body.insert(
            begin.clone(),
            json!({
                "Type": "Pass",
                "Assign": {
                    item: jsonata("$states.input.value"),
                    &index: jsonata("$states.input.index"),
                },
                "Next": self.first(steps, &output),
            }),
        );
        self.block(steps, &mut inside, &output, &mut body);
        let gives = match (gives, steps.0.iter().rev().find(|step| step.has_output())) {
            (Some(gives), _) => self.template(gives, &inside),
            (None, Some(last)) => jsonata(&format!("${}", variable(&last.name))),
            (None, None) => Value::Null,
        };
        conclude(
            &mut body,
            &output,
            json!({ "Type": "Pass", "Output": gives, "End": true }),
        );
        let mut state = json!({
            "Type": "Map",
            // A filter that leaves one item gives the item, and one that leaves none nothing.
            "Items": jsonata(&format!("$append([], {items})")),
            "ItemSelector": {
                "value": jsonata("$states.context.Map.Item.Value"),
                "index": jsonata("$states.context.Map.Item.Index"),
            },
            "MaxConcurrency": at_once,
            "ItemProcessor": {
                "ProcessorConfig": { "Mode": "INLINE" },
                "StartAt": begin,
                "States": body,
            },
            "Assign": { variable(&step.name): jsonata("$states.result") },
            "Next": next,
        });
        self.handlers(step, scope, next, &mut state, Retried::Flow, states);
    }

    pub(super) fn parallel(
        &mut self,
        step: &'w Step,
        branches: &'w [(String, Block)],
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let mut flows = Vec::with_capacity(branches.len());
        for (branch, steps) in branches {
            let units = arrange(steps, Some(self.workflow), &mut self.problems);
            flows.push(self.branch(&format!("{}.{branch}", step.name), &units, scope));
        }
        let mut state = json!({
            "Type": "Parallel",
            "Branches": flows,
            "Assign": { variable(&step.name): jsonata("$merge($states.result)") },
            "Next": next,
        });
        self.handlers(step, scope, next, &mut state, Retried::Flow, states);
    }

    /// Chains that their `needs` let run beside each other.
    pub(super) fn together(
        &mut self,
        chains: &[Vec<&'w Step>],
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let name = together_name(chains);
        let first = chains.first().and_then(|chain| chain.first());
        let held = format!("together_{}", first.map_or("", |step| step.name.as_str()));
        let mut flows = Vec::with_capacity(chains.len());
        for chain in chains {
            let label = format!(
                "{}.then",
                chain.first().map_or("", |step| step.name.as_str())
            );
            let units: Vec<Unit<'w>> = chain.iter().map(|step| Unit::One(step)).collect();
            flows.push(self.branch(&label, &units, scope));
        }
        states.insert(
            name,
            json!({
                "Type": "Parallel",
                "Branches": flows,
                "Assign": { &held: jsonata("$merge($states.result)") },
                "Next": next,
            }),
        );
        for step in chains.iter().flatten().flat_map(|step| step.names()) {
            scope.reveal_as(step, format!("${held}.{step}"));
        }
    }

    /// A flow with variables of its own, which gives what its steps gave.
    fn branch(&mut self, label: &str, units: &[Unit<'w>], scope: &Scope<'w>) -> Value {
        let output = format!("{label}.output");
        let mut inside = scope.clone();
        let mut states = States::new();
        self.sequence(units, &mut inside, &output, &mut states);
        let given: Map<String, Value> = units
            .iter()
            .flat_map(Unit::names)
            .map(|name| (name.to_owned(), jsonata(inside.reads(name))))
            .collect();
        let start = units
            .first()
            .map_or(output.clone(), |first| self.entry_of(first));
        conclude(
            &mut states,
            &output,
            json!({ "Type": "Pass", "Output": given, "End": true }),
        );
        json!({ "StartAt": start, "States": states })
    }
}
