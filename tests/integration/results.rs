//! What a call came to, in each store: the first word stands, but for what is under way.

use engine::runtime::Time;
use engine::session::{InvocationId, SessionKey};
use engine::transcript::{PlannedCall, Settled, ToolResult, ToolResults, ToolStatus, Truth};
use serde_json::json;

const FIRST: InvocationId = InvocationId(1);
const SECOND: InvocationId = InvocationId(2);
const THIRD: InvocationId = InvocationId(3);

fn under_way(by: InvocationId) -> ToolResult {
    let call = PlannedCall {
        id: "c1".to_owned(),
        tool: "pay".to_owned(),
        arguments: json!({}),
        intent: "pay#1".to_owned(),
        approval: None,
        undoes: None,
        tainted: false,
    };
    ToolResult::under_way(&call, 1, by, Time(1))
}

fn came_to(by: InvocationId, status: ToolStatus) -> ToolResult {
    ToolResult {
        status,
        content: json!({ "said": status }),
        ..under_way(by)
    }
}

/// Plays what may come in which order, when a call was taken up twice and its first two callers wake again.
pub(crate) async fn a_call_that_was_taken_up_ends_as_its_last_caller_says(
    results: &dyn ToolResults,
    key: &SessionKey,
) {
    let record = async |result| results.record(key, "pay#1", result).await.unwrap();
    let conclude = async |from, result| {
        let standing = results.conclude(key, "pay#1", from, result);
        standing.await.unwrap()
    };
    assert_eq!(record(under_way(SECOND)).await, under_way(SECOND));
    let late = came_to(FIRST, ToolStatus::Failed);
    assert_eq!(record(late.clone()).await, under_way(SECOND));
    assert_eq!(conclude(FIRST, late.clone()).await, under_way(SECOND));
    assert_eq!(conclude(SECOND, under_way(THIRD)).await, under_way(THIRD));
    let woken = came_to(SECOND, ToolStatus::Failed);
    assert_eq!(conclude(SECOND, woken).await, under_way(THIRD));
    let done = came_to(THIRD, ToolStatus::Succeeded);
    assert_eq!(conclude(THIRD, done.clone()).await, done);
    assert_eq!(record(late).await, done);
    let again = came_to(THIRD, ToolStatus::Failed);
    assert_eq!(conclude(THIRD, again).await, done);
    let found = results.result(key, "pay#1").await.unwrap();
    assert_eq!(found, Some(done.clone()));

    // A person's word comes before that of who made the call, and stands.
    let settled = Settled {
        truth: Truth::DidNot,
        by: "ann".to_owned(),
        at: Time(2),
    };
    let first = results.record(key, "pay#2", under_way(FIRST));
    assert_eq!(first.await.unwrap(), under_way(FIRST));
    for _ in 0..2 {
        let word = results.settle_result(key, "pay#2", &settled);
        word.await.unwrap();
    }
    let standing = results.conclude(key, "pay#2", FIRST, done);
    let said = ToolResult {
        settled: Some(settled.clone()),
        ..under_way(FIRST)
    };
    assert_eq!(standing.await.unwrap(), said);
}

#[test]
fn results_are_kept_so_on_one_machine() {
    let mut simulation = engine::runtime::simulated::Simulation::new(1);
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = crate::misbehaviour::world::open(&simulation, folder.path());
    simulation.block_on(async move {
        let key = "local/shop/web:dana".parse().unwrap();
        a_call_that_was_taken_up_ends_as_its_last_caller_says(&*store, &key).await;
    });
}
