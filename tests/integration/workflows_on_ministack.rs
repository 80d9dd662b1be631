//! Every construct of workflows gives on MiniStack's Step Functions what its cases say, as it does on our interpreter
//! (`shared/asl/src/workflow_tests.rs`): the same outputs, the same names of errors.
//!
//! The functions are stand-ins in Python. They answer what the run's input says, try by try.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ministack::MiniStack;

const FUNCTIONS: [&str; 7] = [
    "step-tool",
    "step-ask",
    "step-converse",
    "step-http",
    "step-approve",
    "step-wait",
    "step-notify",
];

const ROLE: &str = "arn:aws:iam::000000000000:role/test";

/// A runtime of its own: MiniStack's for Python forgets the names of errors.
const BOOTSTRAP: &str = r"#!/usr/bin/env python3
import json, os, urllib.request

API = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'

def post(url, body, headers={}):
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=30).close()

def tell(operation, body):
    post(os.environ['AWS_ENDPOINT_URL'], body, {
        'Content-Type': 'application/x-amz-json-1.0', 'X-Amz-Target': 'AWSStepFunctions.' + operation,
        'Authorization': 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0',
    })

def handle(event):
    run, step, item, token = event['run'], event['step'], event.get('item'), event.get('token')
    name = step + ' ' + item if item else step
    path = os.path.join(run['folder'], name)
    with open(path, 'a') as calls:
        calls.write('.')
    before = os.path.getsize(path) - 1
    tries = run['answers'].get(name) or run['answers'].get(step)
    given = next((event[key] for key in ('with', 'text', 'prompt', 'url', 'question') if key in event), None)
    answer = tries[min(before, len(tries) - 1)] if tries else given
    error = answer.get('error') if isinstance(answer, dict) else None
    if token and error:
        return tell('SendTaskFailure', {'taskToken': token, 'error': error, 'cause': 'they said so'}), None
    if token:
        return tell('SendTaskSuccess', {'taskToken': token, 'output': json.dumps({'output': answer})}), None
    return {'output': answer}, error

while True:
    with urllib.request.urlopen(API + 'next') as invocation:
        request, event = invocation.headers['Lambda-Runtime-Aws-Request-Id'], json.load(invocation)
    answer, error = handle(event)
    if error:
        post(API + request + '/error', {'errorType': error, 'errorMessage': 'it \x22broke\x22 \x5c \xe9'})
    else:
        post(API + request + '/response', answer)
";

/// What MiniStack does otherwise than AWS, as recorded from AWS or documented there.
const GAPS: [(&str, &str, &str); 3] = [
    (
        "child",
        "its outputs, and its failure",
        "an execution that fails under `.sync:2` gives its own error's name, not `States.TaskFailed`",
    ),
    (
        "needs",
        "first, then both, then the join",
        "Parallel knows no `Assign`",
    ),
    ("parallel", "both", "Parallel knows no `Assign`"),
];

/// One run of a construct.
#[derive(Clone, Deserialize)]
struct Case {
    shows: String,
    #[serde(default = "nothing")]
    inputs: Value,
    #[serde(default)]
    answers: BTreeMap<String, Vec<Value>>,
    output: Option<Value>,
    error: Option<String>,
}

fn nothing() -> Value {
    json!({})
}

fn constructs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/asl/src/workflow_tests/constructs")
}

/// The constructs with their definitions and cases.
fn cases() -> BTreeMap<String, (String, Vec<Case>)> {
    let files = fs::read_dir(constructs()).unwrap();
    let names = files.filter_map(|file| {
        let name = file.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".yaml").map(str::to_owned)
    });
    let read = |name: &str| fs::read_to_string(constructs().join(name)).unwrap();
    names
        .map(|name| {
            let definition = read(&format!("{name}.asl.json"));
            let cases = serde_json::from_str(&read(&format!("{name}.cases.json"))).unwrap();
            (name, (definition, cases))
        })
        .collect()
}

fn machine(name: &str) -> String {
    format!("arn:aws:states:us-east-1:000000000000:stateMachine:{name}")
}

fn address(called: &str) -> String {
    match called.starts_with("workflow-") {
        true => machine(called),
        false => format!("arn:aws:lambda:us-east-1:000000000000:function:{called}"),
    }
}

fn deploy(ministack: &MiniStack, constructs: &BTreeMap<String, (String, Vec<Case>)>) {
    let zip = Command::new("python3")
        .args(["-c", "import sys,io,zipfile,base64\nb=io.BytesIO()\nz=zipfile.ZipFile(b,'w')\ni=zipfile.ZipInfo('bootstrap')\ni.external_attr=0o755<<16\nz.writestr(i,sys.argv[1])\nz.close()\nprint(base64.b64encode(b.getvalue()).decode())", BOOTSTRAP])
        .output()
        .unwrap();
    let zip = String::from_utf8(zip.stdout).unwrap();
    for function in FUNCTIONS {
        let made = ministack.lambda(
            "POST",
            "/2015-03-31/functions",
            &json!({
                "FunctionName": function, "Runtime": "provided.al2023", "Handler": "bootstrap",
                "Role": ROLE, "Code": {"ZipFile": zip.trim()}, "Timeout": 60,
                "Environment": {"Variables": {"AWS_ENDPOINT_URL": ministack.url()}},
            }),
        );
        assert_eq!(made.0, 201, "{}", made.1);
    }
    for (name, (definition, _)) in constructs {
        let definition = asl::substitute(definition, |called| Some(address(called))).unwrap();
        let name = format!("workflow-{name}");
        let create = json!({"name": name, "definition": definition, "roleArn": ROLE});
        let (status, answer) = ministack.stepfunctions("CreateStateMachine", &create);
        assert_eq!(status, 200, "{name}: {answer}");
    }
}

/// What is wrong with what the run of a case comes to, if anything is.
fn differs(ministack: &MiniStack, construct: &str, number: usize, case: &Case) -> Option<String> {
    let calls = TempDir::new().unwrap();
    let input = json!({
        "run": {
            "id": format!("r{number}"), "tenant": "local", "bot": "shop", "workflow": construct,
            "answers": case.answers, "folder": calls.path(),
        },
        "trigger": { "type": "manual" },
        "inputs": case.inputs,
    });
    let start = json!({
        "stateMachineArn": machine(&format!("workflow-{construct}")), "name": format!("r{number}"),
        "input": input.to_string(),
    });
    let (status, started) = ministack.stepfunctions("StartExecution", &start);
    assert_eq!(status, 200, "{started}");
    let execution = json!({"executionArn": started["executionArn"]});
    let mut described = Value::Null;
    for _ in 0..1200 {
        described = ministack.stepfunctions("DescribeExecution", &execution).1;
        if described["status"] != "RUNNING" {
            break;
        }
        // There is no way to wait for the end of an execution but to ask.
        thread::sleep(Duration::from_millis(100));
    }
    // What failed has an output too, there.
    let output = described["output"].as_str();
    let output = output.filter(|_| described["status"] == "SUCCEEDED");
    let output = output.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let error = described["error"].as_str().map(str::to_owned);
    let same = match (&output, &case.output) {
        (Some(output), Some(wanted)) => alike(output, wanted),
        (None, None) => error == case.error,
        _ => false,
    };
    let gap = GAPS
        .iter()
        .any(|(name, shows, _)| *name == construct && *shows == case.shows);
    match (same, gap) {
        (true, true) => Some(format!(
            "{construct}: {}: MiniStack has mended this",
            case.shows
        )),
        (false, false) => Some(format!("{construct}: {}: {described}", case.shows)),
        _ => None,
    }
}

/// Whether two values are equal; numbers by value, as Python writes some with a point.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, one): (&String, &Value)| {
                other.get(name).is_some_and(|other| alike(one, other))
            };
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

#[test]
fn every_construct_gives_on_step_functions_what_it_gives_here() {
    let Some(ministack) = MiniStack::start_hurried() else {
        return;
    };
    let constructs = cases();
    deploy(&ministack, &constructs);
    let ministack = &ministack;
    let differences: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = constructs
            .iter()
            .map(|(name, (_, cases))| {
                scope.spawn(move || {
                    let cases = cases.iter().enumerate();
                    let differences =
                        cases.filter_map(|(number, case)| differs(ministack, name, number, case));
                    differences.collect::<Vec<_>>()
                })
            })
            .collect();
        runs.into_iter()
            .flat_map(|run| run.join().unwrap())
            .collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
