//! What triggers let through and give, from what happened.

use engine::runtime::simulated::Simulation;
use engine::workflow::Workflow;
use serde_json::{Value, json};

use crate::Evaluator;

const WORKFLOW: &str = r#"
inputs:
  order: string
  note: {type: string, default: none}
  tags: {type: list, default: []}
  raw: {type: string, default: ""}
on:
  - event: call.ended
    filter: $trigger.seconds > 30
    with:
      order: "${ $trigger.order }"
      note: "Called for ${ $trigger.seconds } s"
      tags: ["${ $trigger.kind }", constant]
      raw: "$${ as it stands }"
steps:
  done: {set: 1}
"#;

fn workflow() -> Workflow {
    Workflow::read("workflows/w.yaml", WORKFLOW).unwrap_or_else(|problems| panic!("{problems}"))
}

fn inputs(happened: &Value) -> Result<Value, String> {
    let workflow = workflow();
    let evaluator = Evaluator {
        runtime: Simulation::new(1).runtime(),
    };
    let inputs = workflow.triggers[0].inputs(&workflow, happened, &evaluator);
    inputs.map_err(|error| error.to_string())
}

fn passes(happened: &Value) -> Result<bool, String> {
    let workflow = workflow();
    let evaluator = Evaluator {
        runtime: Simulation::new(1).runtime(),
    };
    let passes = workflow.triggers[0].passes(&workflow, happened, &evaluator);
    passes.map_err(|error| error.to_string())
}

#[test]
fn inputs_are_made_of_what_happened_and_what_it_does_not_say_is_left_out() {
    let happened = json!({ "order": "A1", "seconds": 40, "kind": "support" });
    let made = json!({
        "order": "A1", "note": "Called for 40 s", "tags": ["support", "constant"], "raw": "${ as it stands }",
    });
    assert_eq!(inputs(&happened), Ok(made));
    let made = inputs(&json!({ "seconds": 40 })).unwrap();
    assert_eq!(made.get("order"), None);
    assert_eq!(made["note"], "Called for 40 s");
}

#[test]
fn a_filter_says_for_which_events_a_run_is_wanted() {
    assert_eq!(passes(&json!({ "seconds": 31 })), Ok(true));
    assert_eq!(passes(&json!({ "seconds": 30 })), Ok(false));
    assert_eq!(passes(&json!({})), Ok(false));
    let told = passes(&json!({ "seconds": "long" })).unwrap_err();
    assert!(
        told.starts_with("the `filter` of a trigger of w does not fit what came:"),
        "{told}"
    );
}
