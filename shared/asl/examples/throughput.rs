//! How many turn-like Express executions one core runs in a second, functions being instant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asl::runner::{FunctionError, Functions, MemoryJournal, Place, Runner};
use asl::{Kind, Outcome, StateMachine};
use async_trait::async_trait;
use engine::runtime::{Clock, Entropy, Runtime, Spawn, Time};
use futures::future::{BoxFuture, FutureExt, pending};
use serde_json::{Value, json};

const TURN: &str = r#"{
  "QueryLanguage": "JSONata",
  "StartAt": "Run turn",
  "States": {
    "Run turn": {
      "Type": "Task",
      "Resource": "arn:aws:states:::lambda:invoke",
      "Arguments": { "FunctionName": "turn-run", "Payload": "{% $states.input %}" },
      "Output": "{% $states.result.Payload %}",
      "TimeoutSeconds": 60,
      "Retry": [{ "ErrorEquals": ["Transient"], "MaxAttempts": 2 }],
      "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Failed" }],
      "Next": "Route"
    },
    "Route": {
      "Type": "Choice",
      "Choices": [
        { "Condition": "{% $states.input.kind = 'tools' and $states.input.round < 8 %}", "Next": "Failed" },
        { "Condition": "{% $states.input.kind = 'reply' %}", "Next": "Deliver" }
      ],
      "Default": "Failed"
    },
    "Deliver": {
      "Type": "Task",
      "Resource": "turn-deliver",
      "Arguments": {
        "session": "{% $states.input.session %}",
        "fence": "{% $states.input.fence %}",
        "turn": "{% $states.input.turn %}"
      },
      "TimeoutSeconds": 30,
      "Next": "Loop or end"
    },
    "Loop or end": {
      "Type": "Choice",
      "Choices": [{ "Condition": "{% $exists($states.input.more) %}", "Next": "Run turn" }],
      "Default": "Done"
    },
    "Done": { "Type": "Succeed" },
    "Failed": { "Type": "Fail", "Error": "Turn.Failed" }
  }
}"#;

/// The same in JSONPath.
const TURN_IN_JSON_PATH: &str = r#"{
  "StartAt": "Run turn",
  "States": {
    "Run turn": {
      "Type": "Task",
      "Resource": "arn:aws:states:::lambda:invoke",
      "Parameters": { "FunctionName": "turn-run", "Payload.$": "$" },
      "OutputPath": "$.Payload",
      "TimeoutSeconds": 60,
      "Retry": [{ "ErrorEquals": ["Transient"], "MaxAttempts": 2 }],
      "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Failed" }],
      "Next": "Route"
    },
    "Route": {
      "Type": "Choice",
      "Choices": [
        {
          "And": [
            { "Variable": "$.kind", "StringEquals": "tools" },
            { "Variable": "$.round", "NumericLessThan": 8 }
          ],
          "Next": "Failed"
        },
        { "Variable": "$.kind", "StringEquals": "reply", "Next": "Deliver" }
      ],
      "Default": "Failed"
    },
    "Deliver": {
      "Type": "Task",
      "Resource": "turn-deliver",
      "Parameters": { "session.$": "$.session", "fence.$": "$.fence", "turn.$": "$.turn" },
      "TimeoutSeconds": 30,
      "Next": "Loop or end"
    },
    "Loop or end": {
      "Type": "Choice",
      "Choices": [{ "Variable": "$.more", "IsPresent": true, "Next": "Run turn" }],
      "Default": "Done"
    },
    "Done": { "Type": "Succeed" },
    "Failed": { "Type": "Fail", "Error": "Turn.Failed" }
  }
}"#;

/// Answers at once.
struct Instantly;

#[async_trait]
impl Functions for Instantly {
    async fn invoke(&self, _function: &str, payload: Value) -> Result<Value, FunctionError> {
        Ok(payload)
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Time {
        Time(1_767_225_600_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(pending())
    }
}

struct Counting(std::sync::atomic::AtomicU64);

impl Entropy for Counting {
    fn next_u64(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        self.0.fetch_add(step, std::sync::atomic::Ordering::Relaxed)
    }
}

struct Nowhere;

impl Spawn for Nowhere {
    fn spawn(&self, _task: BoxFuture<'static, ()>) {}
}

fn main() {
    let runtime = Runtime {
        clock: Arc::new(Still),
        entropy: Arc::new(Counting(1.into())),
        spawn: Arc::new(Nowhere),
    };
    let journal = Arc::new(MemoryJournal::default());
    let runner = Runner::new(runtime, Arc::new(Instantly), journal, Place::default());
    for (name, definition) in [("JSONata", TURN), ("JSONPath", TURN_IN_JSON_PATH)] {
        match StateMachine::parse(definition, Kind::Express) {
            Ok(machine) => runner.register(name, Arc::new(machine)),
            Err(errors) => panic!("the turn machine is refused: {errors:?}"),
        }
    }
    let input = json!({
        "session": "support#sms#+15550100", "fence": 7, "turn": 12, "kind": "reply", "round": 0,
        "messages": ["01890000-0000-7000-8000-000000000000", "01890000-0000-7000-8000-000000000001"]
    });
    for name in ["JSONata", "JSONPath"].repeat(3) {
        let count = 100_000;
        let started = Instant::now();
        for _ in 0..count {
            // Nothing ever waits, so one poll is a whole run.
            let outcome = runner.run_express(name, input.clone()).now_or_never();
            assert!(matches!(outcome, Some(Ok(Outcome::Succeeded(_)))));
        }
        let each = started.elapsed() / count;
        let rate = 1.0 / each.as_secs_f64();
        #[expect(
            clippy::print_stdout,
            reason = "the measure is the point of this program"
        )]
        {
            println!("{name}: {rate:.0} executions/s, {each:?} each");
        }
    }
}
