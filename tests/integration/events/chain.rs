//! One turn by hand, state by state, as `statemachines/turn.asl.json` runs it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lambda::{Answer, Function};
use super::{check_log, ground, sample};
use crate::ministack::MiniStack;

/// Functions, started when they are first called.
struct Functions {
    environment: BTreeMap<String, String>,
    running: BTreeMap<&'static str, Function>,
}

impl Functions {
    fn call(&mut self, name: &'static str, input: &Value) -> Value {
        let start = || Function::start(name, &self.environment);
        let function = self.running.entry(name).or_insert_with(start);
        match function.invoke(&input.to_string()) {
            Answer::Response(output) => output,
            Answer::Error(kind) => panic!("{name} failed with {kind}"),
        }
    }
}

/// The input of the only execution that was started.
fn started(ministack: &MiniStack, machine: &str) -> Value {
    let (_, listed) =
        ministack.stepfunctions("ListExecutions", &json!({ "stateMachineArn": machine }));
    let executions = listed["executions"].as_array().unwrap();
    assert_eq!(executions.len(), 1, "{listed}");
    let execution = json!({ "executionArn": executions[0]["executionArn"] });
    let (_, described) = ministack.stepfunctions("DescribeExecution", &execution);
    serde_json::from_str(described["input"].as_str().unwrap()).unwrap()
}

/// The members `names` of `from`.
fn pick(from: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), from[name].clone()))
        .collect()
}

#[test]
fn a_message_becomes_a_turn_a_tool_call_and_a_reply() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    let environment = ground(&ministack);
    let machine = environment["CONFAB_TURN_MACHINE"].clone();
    let mut functions = Functions {
        environment,
        running: BTreeMap::new(),
    };
    let message = serde_json::from_str(&sample("webhook-web", "message")).unwrap();
    let answer = functions.call("webhook-web", &message);
    assert_eq!(answer["statusCode"], 202, "{answer}");
    let start = started(&ministack, &machine);
    assert_eq!(start["session"], "local/support/web:vera");

    let planned = functions.call("turn-run", &start);
    assert_eq!(planned["next"], "tools", "{planned}");
    for call in planned["calls"].as_array().unwrap() {
        let mut input = pick(
            &planned,
            &["session", "owner", "fence", "turn", "plan", "bound"],
        );
        input["call"] = call.clone();
        functions.call("tool-call", &input);
    }
    let mut round = pick(&planned, &["session", "owner", "fence", "turn"]);
    round["previous"] = planned["plan"].clone();
    let reply = functions.call("turn-run", &round);
    assert_eq!(reply["next"], "deliver", "{reply}");
    let delivered = functions.call("turn-deliver", &reply);
    assert_eq!(delivered, json!({ "next": "stop" }));
    // A task that is retried finds its work done.
    assert_eq!(functions.call("turn-deliver", &reply), delivered);

    let read = sample("api-messages", "messages").replace("/lea/", "/vera/");
    let shown = functions.call("api-messages", &serde_json::from_str(&read).unwrap());
    let shown: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    let texts: Vec<_> = shown["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["text"])
        .collect();
    assert_eq!(texts.len(), 2, "{shown}");
    assert!(
        texts[1].as_str().unwrap().contains("01505021483926"),
        "{shown}"
    );
    for function in functions.running.values() {
        check_log(function, 0);
    }
}

#[test]
fn what_a_call_sets_going_is_started_and_what_is_due_is_said() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    let environment = ground(&ministack);
    let workflow = format!("{}unlock_door", environment["CONFAB_WORKFLOW_MACHINES"]);
    let reminders = environment["CONFAB_REMINDER_MACHINE"].clone();
    let turns = environment["CONFAB_TURN_MACHINE"].clone();
    let mut functions = Functions {
        environment,
        running: BTreeMap::new(),
    };
    for case in ["open-door", "remind"] {
        let input = serde_json::from_str(&sample("tool-call", case)).unwrap();
        functions.call("tool-call", &input);
    }
    let run = started(&ministack, &workflow);
    assert_eq!(run["inputs"], json!({ "who": "the plumber" }));
    assert_eq!(run["trigger"]["session"], "local/household/web:pia");
    let reminder = started(&ministack, &reminders);
    assert_eq!(reminder["tenant"], "local", "{reminder}");
    assert!(reminder["at"].is_string(), "{reminder}");

    for _ in 0..2 {
        let due = serde_json::from_str(&sample("reminder-tell", "due")).unwrap();
        functions.call("reminder-tell", &due);
    }
    let start = started(&ministack, &turns);
    assert_eq!(start["session"], "local/household/web:rui");
    let said = functions.call("turn-run", &start);
    let expected = "You wanted to be reminded: the laundry";
    assert!(said.to_string().contains(expected), "{said}");
    for function in functions.running.values() {
        check_log(function, 0);
    }
}
