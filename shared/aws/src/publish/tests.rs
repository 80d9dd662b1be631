use std::collections::BTreeMap;

use engine::error::Kind;
use engine::run::Machines;
use serde_json::{Value, json};

use super::PublishedMachines;
use crate::call::Service;
use crate::call::tests::config;
use crate::runs::WorkflowMachines;

const REFUSED: &str = r#"{"__type":"com.amazonaws.states#InvalidDefinition","message":"no"}"#;

#[tokio::test]
async fn a_version_has_a_machine_of_its_own_that_calls_what_is_live() {
    let made = r#"{"stateMachineArn":"arn","creationDate":1}"#;
    let (script, config) = config("eu-west-1", &[(200, made), (200, made), (400, REFUSED)]);
    let machines = PublishedMachines {
        machines: WorkflowMachines {
            service: Service::new(&config, "states", "application/x-amz-json-1.0"),
            prefix: "arn:aws:states:eu-west-1:1:stateMachine:confab-dev-workflow-".to_owned(),
        },
        functions: "arn:aws:lambda:eu-west-1:1:function:confab-dev-".to_owned(),
        role: "arn:aws:iam::1:role/workflows".to_owned(),
        logs: "arn:aws:logs:eu-west-1:1:log-group:workflows:*".to_owned(),
    };
    let definition = json!({ "States": {
        "look": { "Resource": "${step-tool}", "Comment": "{% ${'a': 1} %}" },
        "old": { "Arguments": { "StateMachineArn": "${workflow-brief}" } },
        "new": { "Arguments": { "StateMachineArn": "${workflow-notes}" } },
    } });
    let children = BTreeMap::from([
        ("brief".to_owned(), None),
        ("notes".to_owned(), Some("00ff".to_owned())),
    ]);
    let machine = machines.make("call", &definition, &children).await.unwrap();
    let again = machines.make("call", &definition, &children).await.unwrap();
    assert_eq!(machine, again);
    let asked: Vec<Value> = {
        let asked = script.asked.lock().unwrap();
        let bodies = asked
            .iter()
            .map(|request| request.body().bytes().unwrap().to_vec());
        bodies
            .map(|body| serde_json::from_slice(&body).unwrap())
            .collect()
    };
    assert_eq!(asked[0], asked[1]);
    let log_group = &asked[0]["loggingConfiguration"]["destinations"][0];
    assert_eq!(
        log_group["cloudWatchLogsLogGroup"]["logGroupArn"],
        machines.logs
    );
    assert_eq!(
        asked[0]["name"],
        format!("confab-dev-workflow-call-{machine}")
    );
    let sent: Value = serde_json::from_str(asked[0]["definition"].as_str().unwrap()).unwrap();
    let states = &sent["States"];
    assert_eq!(
        states["look"]["Resource"],
        "arn:aws:lambda:eu-west-1:1:function:confab-dev-step-tool"
    );
    assert_eq!(states["look"]["Comment"], "{% ${'a': 1} %}");
    let machine = "arn:aws:states:eu-west-1:1:stateMachine:confab-dev-workflow";
    assert_eq!(
        states["old"]["Arguments"]["StateMachineArn"],
        format!("{machine}-brief")
    );
    assert_eq!(
        states["new"]["Arguments"]["StateMachineArn"],
        format!("{machine}-notes-00ff")
    );

    let refused = machines.make("call", &definition, &children).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Invalid);
    let long = machines.make(&"w".repeat(60), &definition, &children).await;
    assert_eq!(long.unwrap_err().kind(), Kind::Invalid);
    let unknown = machines.make("call", &definition, &BTreeMap::new()).await;
    assert_eq!(unknown.unwrap_err().kind(), Kind::Internal);
}
