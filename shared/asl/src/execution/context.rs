//! `$states.context`.

use serde_json::{Map, Value, json};

use super::Execution;
use super::evaluation::Readable;
use super::thread::Thread;
use crate::machine::{State, Work};

/// The context object as `thread` sees it.
pub(super) fn object(
    execution: &Execution,
    thread: &Thread,
    state: &State,
    readable: Readable<'_>,
) -> Value {
    let identity = &execution.identity;
    let mut here = Map::new();
    here.insert("Name".to_owned(), Value::from(&*state.name));
    let entered = thread.entered.to_string();
    here.insert("EnteredTime".to_owned(), Value::from(entered));
    if matches!(
        state.work,
        Work::Task(_) | Work::Parallel { .. } | Work::Map(_)
    ) {
        here.insert("RetryCount".to_owned(), Value::from(thread.retry_count()));
    }
    let mut context = json!({
        "Execution": {
            "Id": &*identity.execution_id,
            "Input": &*execution.input,
            "StartTime": execution.started.to_string(),
            "Name": &*identity.execution_name,
            "RoleArn": &*identity.role_arn,
            "RedriveCount": execution.redriven.len(),
        },
        "StateMachine": { "Id": &*identity.machine_id, "Name": &*identity.machine_name },
        "State": here,
    });
    if let Some(at) = execution.redriven.last() {
        context["Execution"]["RedriveTime"] = Value::from(at.to_string());
    }
    if let Some((index, value)) = readable.item.or_else(|| item(execution, thread)) {
        context["Map"] = json!({ "Item": { "Index": index, "Value": value } });
    }
    if let Some(token) = readable.token {
        context["Task"] = json!({ "Token": token });
    }
    context
}

/// The item of the nearest Map around `thread`.
fn item<'a>(execution: &'a Execution, thread: &'a Thread) -> Option<(usize, &'a Value)> {
    let mut parent = thread.parent.as_ref()?;
    loop {
        if let Some(item) = &parent.item {
            return Some((parent.index, item));
        }
        let mut others = execution.threads.iter();
        let around = others.find(|other| other.id == parent.thread)?;
        parent = around.parent.as_ref()?;
    }
}
