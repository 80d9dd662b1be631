//! Steps that call something: a function, or another machine.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::retry::{self, Retried};
use super::{Compiler, States, assign, nulls};
use crate::bot::Risk;
use crate::workflow::fault::ERROR;
use crate::workflow::plan::{Action, Step};
use crate::workflow::scope::{Scope, variable};
use crate::workflow::template::jsonata;

/// Seconds that one try may take when the step does not say.
const TIMEOUT: u64 = 60;

/// Seconds that a model is given.
const MODEL_TIMEOUT: u64 = 280;

/// Seconds that an event is waited for when the step does not say.
const AWAITED: u64 = 86_400;

/// Seconds after a question has run out in which the machine is told so.
const ANSWERED: u64 = 600;
/// Seconds that quiet hours last at most, with what clocks may add to them.
const QUIET: u64 = 2 * 86_400;

impl<'w> Compiler<'w> {
    /// Compiles a step that calls something.
    pub(super) fn call(
        &mut self,
        step: &'w Step,
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let (function, mut payload) = match &step.action {
            Action::Tool { tool, with, .. } => {
                self.check_tool(step);
                let with = self.arguments(with, scope);
                if self.asks(tool) {
                    self.approval_of(step, tool, &with, scope, next, states);
                }
                ("step-tool", json!({ "tool": tool, "with": with }))
            }
            Action::Ask {
                prompt,
                system,
                answer,
            } => {
                let mut payload = json!({ "prompt": self.text(prompt, scope) });
                if let Some(system) = system {
                    payload["system"] = self.text(system, scope);
                }
                if let Some(answer) = answer {
                    payload["answer"] = answer.clone();
                }
                ("step-ask", payload)
            }
            Action::Notify(notification) => {
                self.check_person(notification);
                let text = self.text(&notification.text, scope);
                let class = &notification.class;
                let mut payload = json!({ "to": notification.to, "class": class, "text": text });
                if let Some(seconds) = notification.acknowledge.map(|wait| wait.as_secs()) {
                    let escalate = notification.escalate.iter().map(Duration::as_secs);
                    let escalate: Vec<u64> = escalate.collect();
                    payload["acknowledge"] = json!({ "seconds": seconds, "escalate": escalate });
                    // The wait begins when the first is told, which may be when quiet hours end.
                    let longest = seconds + QUIET;
                    let state = ("step-notify", longest + ANSWERED);
                    return self.outside(step, payload, state, scope, next, states);
                }
                ("step-notify", payload)
            }
            Action::Http {
                method,
                url,
                headers,
                body,
                side_effect,
                idempotency_header,
                allow_private,
            } => {
                let headers: Map<String, Value> = headers
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                    .collect();
                let mut payload = json!({
                    "method": method,
                    "url": self.text(url, scope),
                    "headers": headers,
                    "side_effect": side_effect,
                });
                if let Some(body) = body {
                    payload["body"] = self.template(body, scope);
                }
                if *allow_private {
                    payload["allow_private"] = Value::Bool(true);
                }
                if let Some(header) = idempotency_header {
                    payload["idempotency_header"] = Value::from(header.as_str());
                }
                ("step-http", payload)
            }
            Action::Approve {
                question,
                role,
                needed,
                expires,
                details,
                ..
            } => {
                self.check_role(step);
                let mut payload = json!({
                    "question": self.text(question, scope),
                    "details": self.template(details, scope),
                    "role": role,
                    "needed": needed,
                    "seconds": expires.as_secs(),
                });
                if self.workflow.risk != Risk::default() {
                    payload["risk"] = json!(self.workflow.risk);
                }
                let state = ("step-approve", expires.as_secs() + ANSWERED);
                return self.outside(step, payload, state, scope, next, states);
            }
            Action::Await {
                event,
                place,
                equals,
            } => {
                self.check_event(event, *place);
                let seconds = step.timeout.map_or(AWAITED, |timeout| timeout.as_secs());
                let payload = json!({
                    "event": event,
                    "where": self.arguments(equals, scope),
                    "seconds": seconds,
                });
                return self.outside(step, payload, ("step-wait", seconds), scope, next, states);
            }
            Action::Workflow { workflow, with, .. } => {
                let with = self.arguments(with, scope);
                return self.child(step, workflow, with, scope, next, states);
            }
            _ => return,
        };
        self.identify(step, scope, &mut payload);
        if let Some(cache) = &step.cache {
            let key = self.template(&cache.key, scope);
            payload["cache"] = json!({ "key": key, "seconds": cache.keep.as_secs() });
        }
        if matches!(&step.action, Action::Tool { tool, .. } if self.asks(tool)) {
            payload["approval"] = jsonata(&format!("$approval_{}", step.name));
        }
        let usual = if function == "step-ask" {
            MODEL_TIMEOUT
        } else {
            TIMEOUT
        };
        let mut state = json!({
            "Type": "Task",
            "Resource": format!("${{{function}}}"),
            "Arguments": payload,
            "TimeoutSeconds": step.timeout.map_or(usual, |timeout| timeout.as_secs()),
            "Assign": { variable(&step.name): jsonata("$states.result.output") },
            "Next": next,
        });
        self.handlers(step, scope, next, &mut state, Retried::Function, states);
    }

    fn arguments(
        &mut self,
        with: &'w [(String, crate::workflow::Template)],
        scope: &Scope<'_>,
    ) -> Value {
        let argument = |(name, value): &(String, _)| (name.clone(), self.template(value, scope));
        Value::Object(with.iter().map(argument).collect())
    }

    /// What makes the call one and the same however often it is made.
    pub(super) fn identify(&self, step: &Step, scope: &Scope<'_>, payload: &mut Value) {
        payload["run"] = jsonata("$run");
        payload["step"] = Value::from(step.name.as_str());
        if let Some(item) = scope.item() {
            payload["item"] = jsonata(&item);
        }
    }

    /// A step that waits for what people say or what happens elsewhere.
    fn outside(
        &mut self,
        step: &'w Step,
        mut payload: Value,
        (function, seconds): (&str, u64),
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        self.identify(step, scope, &mut payload);
        let mut state = waiting(function, payload, seconds);
        state["Assign"] = json!({ variable(&step.name): jsonata("$states.result.output") });
        state["Next"] = Value::from(next);
        self.handlers(step, scope, next, &mut state, Retried::Function, states);
    }

    /// Asks before a call whose tool wants a person's yes; the function knows whether this call does.
    fn approval_of(
        &mut self,
        step: &'w Step,
        tool: &str,
        with: &Value,
        scope: &Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let rule = self
            .around
            .bot
            .tools
            .get(tool)
            .and_then(|tool| tool.approval.as_ref());
        let seconds = rule.map_or(0, |rule| rule.expires.as_secs());
        let mut payload = json!({ "tool": tool, "with": with });
        self.identify(step, scope, &mut payload);
        let mut state = waiting("step-approve", payload, seconds + ANSWERED);
        state["Assign"] =
            json!({ format!("approval_{}", step.name): jsonata("$states.result.output.approval") });
        state["Next"] = Value::from(step.name.as_str());
        state["Retry"] = retry::of_function();
        let catch = self.catchers(step, scope, next, None);
        if !catch.is_empty() {
            state["Catch"] = Value::Array(catch);
        }
        states.insert(format!("{}.approve", step.name), state);
    }

    fn child(
        &mut self,
        step: &'w Step,
        workflow: &str,
        with: Value,
        scope: &mut Scope<'w>,
        next: &str,
        states: &mut States,
    ) {
        let place = scope
            .item()
            .map_or(String::new(), |item| format!(" & '.' & {item}"));
        let tried = "$string($states.context.State.RetryCount)";
        let name = format!("$run.id & '.{}'{place} & '.' & {tried}", step.name);
        // Taken up again, it is another execution of the same run, whose finished effects stand.
        let again = "($states.context.Execution.RedriveCount > 0 ? '~' & $string($states.context.Execution.RedriveCount) : '')";
        let run = format!(
            "{{'id': {name}, 'tenant': $run.tenant, 'bot': $run.bot, 'workflow': \"{workflow}\", 'parent': $run.id}}"
        );
        let mut state = json!({
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {
                "StateMachineArn": format!("${{workflow-{workflow}}}"),
                "Name": jsonata(&format!("$substring($hash({name} & {again}, 'SHA-256'), 0, 64)")),
                "Input": {
                    "run": jsonata(&run),
                    "trigger": { "type": "workflow", "run": jsonata("$run.id") },
                    "inputs": with,
                },
            },
            "Assign": { variable(&step.name): jsonata("$states.result.Output") },
            "Next": next,
        });
        if let Some(timeout) = step.timeout {
            state["TimeoutSeconds"] = Value::from(timeout.as_secs());
        }
        self.handlers(step, scope, next, &mut state, Retried::Flow, states);
    }

    /// Adds what happens when the step fails, and the steps that catch it.
    pub(super) fn handlers(
        &mut self,
        step: &'w Step,
        scope: &mut Scope<'w>,
        next: &str,
        state: &mut Value,
        retried: Retried,
        states: &mut States,
    ) {
        let retry = retry::of_step(step, retried);
        if !retry.is_empty() {
            state["Retry"] = Value::Array(retry);
        }
        let caught: Vec<&str> = step
            .catch
            .iter()
            .flat_map(|catch| catch.steps.names())
            .collect();
        assign(state, nulls(caught.iter().copied()));
        let mut handlers = States::new();
        let catch = self.catchers(step, scope, next, Some(&mut handlers));
        if !catch.is_empty() {
            state["Catch"] = Value::Array(catch);
        }
        states.insert(step.name.clone(), state.take());
        states.extend(handlers);
        for name in caught {
            scope.reveal(name);
        }
    }

    /// The catchers of a step; compiles their steps into `handlers`, if they are wanted.
    fn catchers(
        &mut self,
        step: &'w Step,
        scope: &Scope<'w>,
        next: &str,
        mut handlers: Option<&mut States>,
    ) -> Vec<Value> {
        let error = format!("error_{}", step.name);
        let all = step.names();
        let mut catchers = Vec::with_capacity(step.catch.len());
        for catch in &step.catch {
            let mut inside = scope.clone();
            inside.bind("error", format!("${error}"));
            let own = catch.steps.names();
            let mut assigned = nulls(all.iter().copied().filter(|name| !own.contains(name)));
            assigned.insert(error.clone(), jsonata(ERROR));
            if let Some(gives) = &catch.gives {
                // The variable with the error is there only after the catcher has assigned it.
                let mut here = scope.clone();
                here.bind("error", format!("({ERROR})"));
                assigned.insert(variable(&step.name), self.template(gives, &here));
            }
            inside.reveal(&step.name);
            let on = match catch.on.as_slice() {
                [] => vec!["States.ALL".to_owned()],
                some => some.to_vec(),
            };
            let first = self.first(&catch.steps, next);
            catchers.push(json!({ "ErrorEquals": on, "Assign": assigned, "Next": first }));
            if let Some(handlers) = handlers.as_deref_mut() {
                self.block(&catch.steps, &mut inside, next, handlers);
            }
        }
        catchers
    }
}

/// A state that waits for what happens elsewhere, so many seconds.
pub(super) fn waiting(function: &str, payload: Value, seconds: u64) -> Value {
    let mut payload = payload;
    payload["token"] = jsonata("$states.context.Task.Token");
    json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": { "FunctionName": format!("${{{function}}}"), "Payload": payload },
        "TimeoutSeconds": seconds,
    })
}
