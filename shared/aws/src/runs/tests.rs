use serde_json::json;

use super::*;
use crate::call::tests::config;

fn read(event: Value) -> Occurrence {
    occurrence(serde_json::from_value(event).unwrap())
}

#[test]
fn events_are_read_whatever_kind_of_details_they_have() {
    let called = read(json!({
        "timestamp": 1_763_683_200.123, "type": "TaskScheduled", "id": 3, "previousEventId": 2,
        "taskScheduledEventDetails": {
            "resourceType": "lambda", "region": "eu-west-1",
            "parameters": r#"{"Payload":{"step":"refund","token":"t"}}"#,
        },
    }));
    assert_eq!(called.kind, "TaskScheduled");
    assert_eq!(called.at, Time(1_763_683_200_123));
    assert_eq!(called.input.unwrap()["Payload"]["step"], "refund");
    let left = read(json!({
        "timestamp": 1_763_683_201, "type": "TaskStateExited",
        "stateExitedEventDetails": { "name": "refund", "output": r#"{"output":1}"#, "outputDetails": {} },
    }));
    assert_eq!(left.name.as_deref(), Some("refund"));
    assert_eq!(left.output, Some(json!({ "output": 1 })));
    let failed = read(json!({
        "timestamp": 1_763_683_202, "type": "LambdaFunctionFailed",
        "lambdaFunctionFailedEventDetails": { "error": "ToolFailed", "cause": "no answer" },
    }));
    assert_eq!(failed.error.as_deref(), Some("ToolFailed"));
    assert_eq!(failed.cause.as_deref(), Some("no answer"));
    let bare = read(json!({ "timestamp": 1.0, "type": "WaitStateEntered" }));
    assert_eq!(bare.name, None);
}

#[tokio::test]
async fn a_retry_redrives_the_execution_unless_the_service_says_that_it_cannot() {
    let refused = r#"{"__type":"ExecutionNotRedrivable","message":"it runs"}"#;
    let gone = r#"{"__type":"ExecutionDoesNotExist","message":"no such"}"#;
    let broken = r#"{"__type":"InvalidArn","message":"what"}"#;
    let answers = [
        (200, r#"{"redriveDate":1763683200.1}"#),
        (400, refused),
        (400, gone),
        (400, broken),
    ];
    let (script, config) = config("eu-west-1", &answers);
    let machines = WorkflowMachines {
        service: Service::new(&config, "states", "application/x-amz-json-1.0"),
        prefix: "arn:aws:states:eu-west-1:1:stateMachine:confab-workflow-".to_owned(),
    };
    let run = RunRef {
        id: "r1".to_owned(),
        tenant: "acme".to_owned(),
        bot: "shop".to_owned(),
        workflow: "refund".to_owned(),
        parent: None,
        machine: None,
    };
    assert!(machines.retry(&run).await.unwrap());
    assert!(!machines.retry(&run).await.unwrap());
    assert!(!machines.retry(&run).await.unwrap());
    let error = machines.retry(&run).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    let asked = script.asked.lock().unwrap();
    let target = asked[0].headers().get("x-amz-target");
    assert_eq!(target, Some("AWSStepFunctions.RedriveExecution"));
    let body: Value = serde_json::from_slice(asked[0].body().bytes().unwrap()).unwrap();
    let execution = "arn:aws:states:eu-west-1:1:execution:confab-workflow-refund:r1";
    assert_eq!(body, json!({ "executionArn": execution }));
}
