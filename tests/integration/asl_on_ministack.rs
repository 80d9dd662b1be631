//! `statemachines/turn.asl.json` runs alike on our interpreter and on MiniStack's Step Functions.
//!
//! The functions are stand-ins that do what a script in the payload's `owner` says, one word each time, so both
//! sides call the same pure functions: Rust here, Python there.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use asl::runner::{FunctionError, Functions, MemoryJournal, Place, Runner};
use asl::{Kind, StateMachine};
use async_trait::async_trait;
use engine::runtime::simulated::Simulation;
use serde_json::{Value, json};

use crate::ministack::MiniStack;

const FUNCTIONS: [&str; 4] = ["turn-run", "tool-call", "turn-deliver", "turn-fail"];

/// Words: `tools`, `deliver`, `wait`, `round`, `stop` is what a function answers next, `Name!` the error it fails
/// with. What begins with `later` waits first.
const SCRIPTS: [&str; 14] = [
    "stop",
    "deliver stop",
    "tools deliver stop",
    "tools tools deliver stop",
    "deliver round deliver stop",
    "tools deliver round tools deliver round stop",
    "Invalid! stop",
    "deliver Internal! round deliver stop",
    "Unavailable! stop",
    "Invalid! tools deliver stop",
    "deliver Internal! tools tools deliver round stop",
    "later stop",
    "wait wait tools deliver stop",
    "later wait deliver round wait deliver stop",
];

/// Long ago on either clock, so that nobody waits.
const UNTIL: &str = "2026-01-01T00:00:00Z";

const PYTHON: &str = r"
def handler(event, context):
    name = context.function_name
    words = event['owner'].split(' ')
    if name == 'tool-call':
        return None
    if name == 'turn-fail':
        words = words[1:]
    elif words[0].endswith('!'):
        raise type(words[0][:-1], (Exception,), {})('as the script says')
    answer = {'next': words[0], 'session': event['session'], 'owner': ' '.join(words[1:]), 'fence': event['fence']}
    if words[0] in ('tools', 'deliver'):
        answer.update({'turn': 1, 'plan': '00aa', 'bound': None})
    if words[0] == 'tools':
        answer['calls'] = [0, 1]
    if words[0] == 'wait':
        answer['until'] = '2026-01-01T00:00:00Z'
    return answer
";

struct Scripted;

#[async_trait]
impl Functions for Scripted {
    async fn invoke(&self, function: &str, event: Value) -> Result<Value, FunctionError> {
        let name = function.rsplit(':').next().unwrap();
        let owner = event["owner"].as_str().unwrap();
        let mut words: Vec<&str> = owner.split(' ').collect();
        match name {
            "tool-call" => return Ok(Value::Null),
            "turn-fail" => drop(words.remove(0)),
            _ => {
                if let Some(error) = words[0].strip_suffix('!') {
                    return Err(FunctionError::raised(error, "as the script says"));
                }
            }
        }
        let next = words.remove(0);
        let mut answer = json!({
            "next": next, "session": event["session"], "owner": words.join(" "), "fence": event["fence"],
        });
        if matches!(next, "tools" | "deliver") {
            answer["turn"] = json!(1);
            answer["plan"] = json!("00aa");
            answer["bound"] = Value::Null;
        }
        if next == "tools" {
            answer["calls"] = json!([0, 1]);
        }
        if next == "wait" {
            answer["until"] = json!(UNTIL);
        }
        Ok(answer)
    }
}

fn arn(function: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:function:{function}")
}

fn definition() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../statemachines/turn.asl.json");
    asl::substitute(&std::fs::read_to_string(path).unwrap(), |name| {
        Some(arn(name))
    })
    .unwrap()
}

fn input(script: &str) -> Value {
    let (owner, until) = match script.strip_prefix("later ") {
        Some(script) => (script, Some(UNTIL)),
        None => (script, None),
    };
    let mut input = json!({"session": "local/shop/web:ada", "owner": owner, "fence": 3});
    if let Some(until) = until {
        input["until"] = json!(until);
    }
    input
}

/// What a run comes to: its status, its output and the states it entered.
type Run = (String, Value, Vec<String>);

fn run_here(definition: &str, script: &str) -> Run {
    let mut simulation = Simulation::new(1);
    let runtime = simulation.runtime();
    let runner = Runner::new(
        runtime,
        Arc::new(Scripted),
        Arc::new(MemoryJournal::default()),
        Place::default(),
    );
    runner.register(
        "turn",
        Arc::new(StateMachine::parse(definition, Kind::Express).unwrap()),
    );
    let input = input(script);
    let (outcome, history) = simulation
        .block_on(async move { runner.trace_express("turn", "one", input).await.unwrap() });
    let output = match &outcome {
        asl::Outcome::Succeeded(output) => (**output).clone(),
        _ => Value::Null,
    };
    let history = serde_json::to_value(&history).unwrap();
    (outcome.status().to_owned(), output, entered(&history))
}

/// The names of the entered states in order, from a history as `GetExecutionHistory` gives it or as ours.
/// MiniStack's history leaves out what happens inside a Map, so that is left out here too.
fn entered(history: &Value) -> Vec<String> {
    let events = history.as_array().unwrap().iter();
    let entered = events.filter(|event| {
        event["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("StateEntered"))
    });
    entered
        .map(|event| {
            let name = &event["stateEnteredEventDetails"]["name"];
            let name = if name.is_null() { &event["name"] } else { name };
            name.as_str()
                .unwrap_or_else(|| panic!("no name in {event}"))
                .to_owned()
        })
        .filter(|name| name != "Call tool")
        .collect()
}

fn deploy(ministack: &MiniStack, definition: &str) {
    let zip = Command::new("python3")
        .args(["-c", "import sys,io,zipfile,base64\nb=io.BytesIO()\nz=zipfile.ZipFile(b,'w')\nz.writestr('f.py',sys.argv[1])\nz.close()\nprint(base64.b64encode(b.getvalue()).decode())", PYTHON])
        .output()
        .unwrap();
    let zip = String::from_utf8(zip.stdout).unwrap();
    for function in FUNCTIONS {
        let (status, answer) = ministack.lambda(
            "POST",
            "/2015-03-31/functions",
            &json!({
                "FunctionName": function, "Runtime": "python3.11", "Handler": "f.handler",
                "Role": "arn:aws:iam::000000000000:role/test", "Code": {"ZipFile": zip.trim()},
            }),
        );
        assert_eq!(status, 201, "{answer}");
    }
    let (status, answer) = ministack.stepfunctions(
        "CreateStateMachine",
        &json!({"name": "turn", "definition": definition, "roleArn": "arn:aws:iam::000000000000:role/test"}),
    );
    assert_eq!(status, 200, "{answer}");
}

fn run_there(ministack: &MiniStack, number: usize, script: &str) -> Run {
    let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:turn";
    let start = json!({"stateMachineArn": machine, "name": format!("run-{number}"), "input": input(script).to_string()});
    let (status, started) = ministack.stepfunctions("StartExecution", &start);
    assert_eq!(status, 200, "{started}");
    let execution = json!({"executionArn": started["executionArn"]});
    for _ in 0..600 {
        let (_, described) = ministack.stepfunctions("DescribeExecution", &execution);
        if described["status"] != "RUNNING" {
            let output = described["output"]
                .as_str()
                .map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
            let (_, history) = ministack.stepfunctions("GetExecutionHistory", &execution);
            return (
                described["status"].as_str().unwrap().to_owned(),
                output,
                entered(&history["events"]),
            );
        }
        // There is no way to wait for the end of an execution but to ask.
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{script}: the execution does not end");
}

#[test]
fn the_turn_machine_runs_alike_here_and_on_step_functions() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    let definition = definition();
    deploy(&ministack, &definition);
    for (number, script) in SCRIPTS.iter().enumerate() {
        let here = run_here(&definition, script);
        let there = run_there(&ministack, number, script);
        assert_eq!(here, there, "script {script:?}");
        assert_eq!(here.0, "SUCCEEDED", "script {script:?}");
    }
}
