//! Compiles a workflow to Amazon States Language.
//!
//! One walk in the order of running: what a step may refer to is known when it is reached. Every block ends in a
//! state of its own (`outputs`, `<name>.output`), so that whatever comes before it, skipped or caught, has somewhere
//! to go. `${step-tool}` and the like are filled in where the machine is deployed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::bot::{Bot, Place, Problem, Problems};
use crate::workflow::Expression;
use crate::workflow::plan::{Action, Block, Step, Workflow};
use crate::workflow::scope::{Scope, variable};
use crate::workflow::template::{Template, jsonata};

mod calls;
mod converse;
mod flow;
mod refer;
mod retry;

use crate::workflow::arrange::{Unit, arrange};

/// What a workflow stands among.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The bot whose tools and people it uses.
    pub bot: &'a Bot,
    /// All workflows of the folder, by name.
    pub workflows: &'a BTreeMap<String, Workflow>,
    /// Knows whether an expression is JSONata.
    pub syntax: &'a dyn Syntax,
}

/// Knows whether an expression is JSONata.
pub trait Syntax: Sync {
    /// What is wrong with `expression`, if anything is.
    fn mistake(&self, expression: &str) -> Option<String>;
}

/// A compiled workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The definition, with `${function-name}` in place of what is called.
    pub definition: Value,
}

/// Compiles `workflow`.
///
/// # Errors
/// Everything in it that does not make sense among the tools, people and workflows around it.
pub fn compile(workflow: &Workflow, around: Around<'_>) -> Result<Compiled, Problems> {
    let mut compiler = Compiler {
        workflow,
        around,
        problems: Vec::new(),
    };
    let definition = compiler.machine();
    compiler.check_children();
    compiler.check_triggers();
    let mut problems = compiler.problems;
    if problems.is_empty() {
        return Ok(Compiled { definition });
    }
    problems.sort();
    problems.dedup();
    Err(Problems(problems))
}

/// The states of one flow, in order.
type States = Map<String, Value>;

struct Compiler<'w> {
    workflow: &'w Workflow,
    around: Around<'w>,
    problems: Vec<Problem>,
}

impl<'w> Compiler<'w> {
    fn machine(&mut self) -> Value {
        let workflow = self.workflow;
        let mut scope = Scope::new(workflow);
        let mut states = States::new();
        let first = self.first(&workflow.steps, "outputs");
        states.insert("start".to_owned(), self.start(&first));
        self.block(&workflow.steps, &mut scope, "outputs", &mut states);
        let outputs = self.template(&workflow.outputs, &scope);
        let last = json!({ "Type": "Pass", "Output": outputs, "End": true });
        conclude(&mut states, "outputs", last);
        let mut machine = json!({ "Comment": comment(workflow), "QueryLanguage": "JSONata" });
        if let Some(timeout) = workflow.timeout {
            machine["TimeoutSeconds"] = Value::from(timeout.as_secs());
        }
        machine["StartAt"] = Value::from("start");
        machine["States"] = Value::Object(states);
        machine
    }

    /// Gives the run's inputs their defaults, and a name to everything that expressions may refer to.
    fn start(&self, first: &str) -> Value {
        let defaults: Map<String, Value> = self
            .workflow
            .inputs
            .iter()
            .filter_map(|(name, input)| Some((name.clone(), input.default.clone()?)))
            .collect();
        let inputs = match defaults.is_empty() {
            true => jsonata("$states.input.inputs"),
            false => {
                let defaults = Template::Constant(Value::Object(defaults));
                let scope = Scope::new(self.workflow);
                let defaults = defaults.operand(&scope, &mut Vec::new());
                jsonata(&format!("$merge([{defaults}, $states.input.inputs])"))
            }
        };
        json!({
            "Type": "Pass",
            "Assign": {
                "inputs": inputs,
                "trigger": jsonata("$states.input.trigger"),
                "run": jsonata("$states.input.run"),
            },
            "Next": first,
        })
    }

    /// Compiles what comes one after another; the last leads to `exit`.
    fn sequence(
        &mut self,
        units: &[Unit<'w>],
        scope: &mut Scope<'w>,
        exit: &str,
        states: &mut States,
    ) {
        let mut ended: Option<&str> = None;
        for (at, unit) in units.iter().enumerate() {
            let next = units
                .get(at + 1)
                .map_or(exit.to_owned(), |next| self.entry_of(next));
            if let (Some(by), Unit::One(step)) = (ended, unit) {
                let what = format!("`{}` is never reached: `{by}` ends the run", step.name);
                self.wrong(step.place, what, "remove it, or move it up");
                ended = None;
            }
            match unit {
                Unit::One(step) => {
                    self.step(step, scope, &next, states);
                    ended = ends(step).then_some(step.name.as_str());
                }
                Unit::Together(chains) => self.together(chains, scope, &next, states),
            }
        }
    }

    fn block(&mut self, block: &'w Block, scope: &mut Scope<'w>, exit: &str, states: &mut States) {
        let units = arrange(block, Some(self.workflow), &mut self.problems);
        self.sequence(&units, scope, exit, states);
    }

    /// The state that a block begins with.
    fn first(&self, block: &Block, exit: &str) -> String {
        let units = arrange(block, Some(self.workflow), &mut Vec::new());
        units
            .first()
            .map_or(exit.to_owned(), |unit| self.entry_of(unit))
    }

    fn entry_of(&self, unit: &Unit<'_>) -> String {
        match unit {
            Unit::One(step) => self.entry(step),
            Unit::Together(chains) => flow::together_name(chains),
        }
    }

    /// The state that a step begins with.
    fn entry(&self, step: &Step) -> String {
        match step.when {
            Some(_) => format!("{}.when", step.name),
            None => self.entry_within(step),
        }
    }

    /// The state that a step begins with once it is known to run.
    fn entry_within(&self, step: &Step) -> String {
        match &step.action {
            Action::Tool { tool, .. } if self.asks(tool) => format!("{}.approve", step.name),
            _ => step.name.clone(),
        }
    }

    fn asks(&self, tool: &str) -> bool {
        let tool = self.around.bot.tools.get(tool);
        tool.is_some_and(|tool| tool.approval.is_some())
    }

    fn step(&mut self, step: &'w Step, scope: &mut Scope<'w>, next: &str, states: &mut States) {
        if let Some(when) = &step.when {
            let condition = self.expression(when, scope);
            let run = json!({
                "Condition": jsonata(&format!("({condition}) ? true : false")),
                "Next": self.entry_within(step),
            });
            let mut choice = json!({ "Type": "Choice", "Choices": [run], "Default": next });
            assign(&mut choice, nulls(step.names()));
            states.insert(format!("{}.when", step.name), choice);
        }
        match &step.action {
            Action::Set(value) => {
                let value = self.template(value, scope);
                let state = json!({
                    "Type": "Pass",
                    "Assign": { variable(&step.name): value },
                    "Next": next,
                });
                states.insert(step.name.clone(), state);
            }
            Action::Wait(wait) => {
                let state = self.wait(wait, scope, next);
                states.insert(step.name.clone(), state);
            }
            Action::Fail { error, cause } => {
                let cause = self.text(cause, scope);
                let state = json!({ "Type": "Fail", "Error": error, "Cause": cause });
                states.insert(step.name.clone(), state);
            }
            Action::Choose(rules) => self.choose(step, rules, scope, next, states),
            Action::Repeat {
                steps,
                until,
                at_most,
                pause,
            } => {
                self.repeat(step, (steps, until, *at_most, *pause), scope, next, states);
            }
            Action::Each { .. } => self.each(step, scope, next, states),
            Action::Parallel(branches) => self.parallel(step, branches, scope, next, states),
            Action::Converse { .. } => self.converse(step, scope, next, states),
            _ => self.call(step, scope, next, states),
        }
        if step.has_output() {
            scope.reveal(&step.name);
        }
    }

    fn template(&mut self, template: &Template, scope: &Scope<'_>) -> Value {
        let before = self.problems.len();
        let value = template.resolve(scope, &mut self.problems);
        if self.problems.len() == before {
            self.check_syntax(template);
        }
        value
    }

    /// A template as text: what is not is written as JSON.
    fn text(&mut self, template: &Template, scope: &Scope<'_>) -> Value {
        match template {
            Template::Expression(expression) => {
                let expression = self.expression(expression, scope);
                jsonata(&format!("$string({expression})"))
            }
            Template::Constant(value) if !value.is_string() => Value::String(value.to_string()),
            _ => self.template(template, scope),
        }
    }

    fn expression(&mut self, expression: &Expression, scope: &Scope<'_>) -> String {
        let before = self.problems.len();
        let resolved = expression.resolve(scope, &mut self.problems);
        if self.problems.len() == before {
            self.check(expression);
        }
        resolved
    }

    fn check_syntax(&mut self, template: &Template) {
        let mut expressions = Vec::new();
        template.expressions(&mut expressions);
        for expression in expressions {
            self.check(expression);
        }
    }

    fn check(&mut self, expression: &Expression) {
        if let Some(mistake) = self.around.syntax.mistake(expression.source()) {
            let what = format!("`{}` is not valid JSONata: {mistake}", expression.source());
            self.wrong(expression.place(), what, "see https://docs.jsonata.org");
        }
    }

    fn wrong(&mut self, place: Place, what: impl Into<String>, hint: impl Into<String>) {
        let problem = Problem::new(&self.workflow.file, what).at(Some(place));
        self.problems.push(problem.hint(hint));
    }
}

fn comment(workflow: &Workflow) -> String {
    let Workflow {
        file,
        version,
        description,
        ..
    } = workflow;
    format!("{description} (made from {file}, version {version})")
        .trim_start()
        .replace("${", "$ {")
}

/// Whether nothing behind a step can be reached.
fn ends(step: &Step) -> bool {
    match &step.action {
        _ if step.when.is_some() => false,
        Action::Fail { .. } => true,
        Action::Choose(rules) => {
            rules.last().is_some_and(|rule| rule.when.is_none())
                && rules
                    .iter()
                    .all(|rule| rule.steps.0.last().is_some_and(ends))
        }
        _ => false,
    }
}

/// Adds the state that a flow ends in, unless all of its ways end before.
fn conclude(states: &mut States, name: &str, last: Value) {
    let leads = |state: &Value| {
        let ways = ["Choices", "Catch"]
            .into_iter()
            .filter_map(|field| state.get(field)?.as_array());
        let direct = [state.get("Next"), state.get("Default")]
            .into_iter()
            .flatten();
        let ways = ways.flatten().filter_map(|way| way.get("Next"));
        direct.chain(ways).any(|next| next == name)
    };
    if states.is_empty() || states.values().any(leads) {
        states.insert(name.to_owned(), last);
    }
}

/// What assigns nothing to steps that were not run.
fn nulls<'n>(names: impl IntoIterator<Item = &'n str>) -> Map<String, Value> {
    names
        .into_iter()
        .map(|name| (variable(name), Value::Null))
        .collect()
}

/// Adds assignments to a state or rule.
fn assign(state: &mut Value, assigned: Map<String, Value>) {
    if assigned.is_empty() {
        return;
    }
    if let Value::Object(state) = state {
        let slot = state.entry("Assign").or_insert_with(|| json!({}));
        if let Value::Object(slot) = slot {
            slot.extend(assigned);
        }
    }
}
