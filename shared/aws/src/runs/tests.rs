use serde_json::json;

use super::*;

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
