//! What each sample is to be answered with.

use serde_json::Value;

use super::lambda::Answer;

/// What an answer must be.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    /// A status and text in its body: of HTTP, or of a frame.
    Status(u16, &'static str),
    /// A problem document: status and code.
    Problem(u16, &'static str),
    /// Where the state machine goes.
    Next(&'static str),
    /// This JSON.
    Json(&'static str),
    /// JSON with this text in it.
    Has(&'static str),
    /// How many messages of a batch go back to the queue.
    Back(usize),
    /// `errorType`
    Error(&'static str),
}

use Expected::{Back, Error, Has, Json, Next, Problem, Status};

/// Every function with every sample and its answer.
pub(super) const CASES: &[(&str, &[(&str, Expected)])] = &[
    (
        "api-approvals",
        &[
            ("approve", Status(200, "\"state\":\"granted\"")),
            ("deny", Status(200, "\"state\":\"denied\"")),
            ("forged-link", Problem(401, "unauthenticated")),
            ("list", Status(200, "\"approvals\":[")),
            ("not-for-viewers", Problem(403, "forbidden")),
            ("show", Status(200, "\"tool_name\":\"request_refund\"")),
        ],
    ),
    (
        "approval-ask",
        &[
            ("no-such-approval", Error("NotFound")),
            ("pending", Json(r#"{"asked":1}"#)),
        ],
    ),
    (
        "approval-tell",
        &[("denied", Json("null")), ("no-approval", Error("Invalid"))],
    ),
    (
        "api-messages",
        &[
            ("health", Status(200, "ok")),
            ("messages", Status(200, "\"role\":\"assistant\"")),
            ("not-for-clients", Problem(403, "forbidden")),
            ("openapi", Status(200, "/v1/{tenant}/{bot}/sessions")),
            ("turns", Status(200, "\"verdict\":\"answered\"")),
        ],
    ),
    (
        "api-unknown",
        &[
            ("happened", Status(200, "\"truth\":\"happened\"")),
            ("list", Status(200, "\"id\":\"00000000000000e7\"")),
            ("not-for-viewers", Problem(403, "forbidden")),
            ("not-there", Problem(404, "not_found")),
            ("otherwise", Problem(409, "settled_otherwise")),
        ],
    ),
    (
        "api-sessions",
        &[
            (
                "standing",
                Status(200, "\"last_heard\":\"2026-11-20T10:00:00.000Z\""),
            ),
            ("not-for-viewers", Problem(403, "forbidden")),
            ("takeover", Status(200, "\"held_by\":\"ana\"")),
            ("takeover-again", Status(200, "\"held_by\":\"ana\"")),
            ("key-of-another", Problem(422, "key_reused")),
            ("reply", Status(202, "\"status\":\"accepted\"")),
            ("handback", Status(200, "\"state\":")),
            ("reply-not-taken", Problem(409, "not_taken_over")),
            ("close-nothing", Problem(409, "nothing_said")),
            ("redrive-not-parked", Problem(422, "invalid_request")),
        ],
    ),
    (
        "api-operate",
        &[
            ("not-for-viewers", Problem(403, "forbidden")),
            ("resume-all", Status(200, "{}")),
            ("stop", Status(200, "\"reason\":\"it went mad\"")),
        ],
    ),
    (
        "api-runs",
        &[
            ("workflows", Status(200, "\"name\":\"changed_hours\"")),
            ("start", Status(202, "\"workflow\":\"changed_hours\"")),
            ("start-again", Status(202, "\"workflow\":\"changed_hours\"")),
            ("start-other", Problem(422, "key_reused")),
            ("start-wrong", Problem(422, "invalid_request")),
            ("not-for-viewers", Problem(403, "forbidden")),
            ("list", Status(200, "\"trigger\":\"manual\"")),
            ("show", Status(200, "\"inputs\":{\"day\":\"Tuesday\"}")),
            ("value-nothing", Problem(404, "not_found")),
            ("cancel-nothing", Problem(404, "not_found")),
            ("retry-nothing", Problem(404, "not_found")),
        ],
    ),
    (
        "job-runs",
        &[
            ("no-such-execution", Error("NotFound")),
            ("succeeded", Json("null")),
        ],
    ),
    (
        "job-sweep",
        &[
            ("not-an-object", Error("Invalid")),
            ("scheduled", Json(r#"{"started":1}"#)),
        ],
    ),
    (
        "queue-redrive",
        &[
            ("not-a-batch", Error("Invalid")),
            ("not-parked", Back(1)),
            ("one-of-two", Back(1)),
            ("parked", Back(0)),
        ],
    ),
    (
        "socket-connect",
        &[
            ("no-context", Error("Invalid")),
            ("no-session", Problem(400, "invalid_query")),
            ("no-token", Problem(401, "unauthenticated")),
            ("open", Status(200, "")),
        ],
    ),
    ("socket-disconnect", &[("close", Status(200, ""))]),
    (
        "socket-message",
        &[
            ("message", Status(202, "\"status\":\"accepted\"")),
            ("not-json", Problem(400, "malformed_json")),
            ("unknown-connection", Problem(401, "unauthenticated")),
        ],
    ),
    (
        "api-notices",
        &[("forged-link", Problem(401, "unauthenticated"))],
    ),
    (
        "notify-advance",
        &[
            ("gone", Json(r#"{"next":null}"#)),
            ("no-notice", Error("Invalid")),
        ],
    ),
    (
        "step-notify",
        &[("nobody", Error("NotFound")), ("told", Has("\"held\":"))],
    ),
    (
        "step-approve",
        &[
            ("no-need", Json("null")),
            ("no-token", Error("Invalid")),
            ("question", Json("null")),
        ],
    ),
    (
        "step-ask",
        &[
            ("no-such-bot", Error("NotFound")),
            ("question", Has("\"model\":\"scripted\"")),
        ],
    ),
    (
        "step-http",
        &[
            ("no-method", Error("Invalid")),
            ("nobody-there", Error("ToolFailed")),
        ],
    ),
    (
        "step-tool",
        &[
            ("lookup", Has("\"tracking\":\"01505021483926\"")),
            ("no-such-tool", Error("NotFound")),
            ("no-yes", Error("Denied")),
        ],
    ),
    (
        "stream-holds",
        &[("batch", Json("null")), ("no-change", Error("Invalid"))],
    ),
    (
        "tool-call",
        &[
            ("long-arguments", Json("null")),
            ("lookup", Json("null")),
            ("no-call", Error("Invalid")),
            ("open-door", Json("null")),
            ("refund", Json("null")),
            ("remind", Json("null")),
        ],
    ),
    (
        "turn-deliver",
        &[
            ("long-reply", Next("stop")),
            ("more-waiting", Next("round")),
            ("no-such-plan", Error("Invalid")),
            ("reply", Next("stop")),
        ],
    ),
    (
        "turn-fail",
        &[
            ("no-error", Error("Invalid")),
            ("timeout", Next("stop")),
            ("unavailable", Next("stop")),
        ],
    ),
    (
        "turn-run",
        &[
            ("lost", Next("stop")),
            ("no-owner", Error("Invalid")),
            ("round", Next("deliver")),
            ("start", Next("tools")),
        ],
    ),
    (
        "webhook-run",
        &[
            ("bad-signature", Problem(401, "bad_signature")),
            ("github", Status(202, "\"trigger\":\"webhook\"")),
            ("github-again", Status(202, "\"trigger\":\"webhook\"")),
            ("no-day", Problem(422, "invalid_request")),
            ("no-such-workflow", Problem(404, "not_found")),
            ("stale", Problem(401, "bad_signature")),
        ],
    ),
    (
        "webhook-twilio",
        &[
            ("bad-signature", Problem(401, "bad_signature")),
            ("message", Status(200, "<Response/>")),
            ("status", Status(200, "<Response/>")),
        ],
    ),
    (
        "webhook-web",
        &[
            ("duplicate", Status(202, "\"status\":\"duplicate\"")),
            ("message", Status(202, "\"status\":\"accepted\"")),
            ("no-key", Problem(401, "unauthenticated")),
            ("not-http", Error("Invalid")),
            ("not-json", Problem(400, "malformed_json")),
            ("token", Status(201, "\"token\":")),
        ],
    ),
    (
        "webhook-whatsapp",
        &[
            ("bad-signature", Problem(401, "bad_signature")),
            ("challenge", Status(200, "1158201444")),
            ("message", Status(200, "")),
            ("status", Status(200, "")),
            ("wrong-token", Problem(401, "bad_signature")),
        ],
    ),
    (
        "workflow-start",
        &[
            ("due", Json("\"60da1621fb323162dd94d57885e429c1\"")),
            ("due-again", Json("\"60da1621fb323162dd94d57885e429c1\"")),
            ("late", Json("null")),
            ("no-such-trigger", Error("NotFound")),
            ("occurrence", Json("\"38be0a4937cb4b72bd2f28d7afea6e63\"")),
        ],
    ),
    (
        "api-events",
        &[
            ("changed", Status(202, "\"event\":\"closing-day\"")),
            ("confabs-own", Problem(422, "invalid_request")),
            ("not-for-viewers", Problem(403, "forbidden")),
        ],
    ),
    (
        "job-event",
        &[
            ("changed", Has("\"steps\":0")),
            ("nothing-waits", Json(r#"{"runs":[],"steps":0}"#)),
        ],
    ),
    (
        "step-wait",
        &[("no-token", Error("Invalid")), ("shipped", Json("null"))],
    ),
    (
        "reminder-tell",
        &[
            ("disarmed", Json("null")),
            ("due", Json("null")),
            ("no-such-reminder", Error("NotFound")),
        ],
    ),
    (
        "step-converse",
        &[
            ("begins", Json("null")),
            ("nobody", Error("NotFound")),
            ("time-is-up", Has(r#""why":"time is up""#)),
            ("with-a-person", Json("null")),
        ],
    ),
    (
        "api-workflows",
        &[
            ("publish", Status(201, "{\"number\":1,")),
            ("publish-again", Status(200, "{\"number\":1,")),
            ("publish-edited", Status(201, "{\"number\":2,")),
            (
                "versions",
                Status(200, "\"by\":\"ana's boss\",\"live\":true}]}"),
            ),
            ("rollback", Status(200, "{\"number\":1,")),
            ("rollback-further", Problem(404, "not_found")),
            ("publish-wrong", Problem(422, "invalid_request")),
            ("publish-scheduled", Problem(422, "invalid_request")),
            ("not-for-operators", Problem(403, "forbidden")),
        ],
    ),
];

impl Expected {
    /// How many failures the function logs.
    pub(super) fn failures(self) -> usize {
        match self {
            Error(_) => 1,
            Back(count) => count,
            Status(..) | Problem(..) | Next(_) | Json(_) | Has(_) => 0,
        }
    }

    /// Fails unless `answer`, of the sample `name`, is as expected.
    pub(super) fn check(self, name: &str, answer: &Answer) {
        let said = match (self, answer) {
            (Error(expected), Answer::Error(kind)) => return assert_eq!(kind, expected, "{name}"),
            (_, Answer::Response(said)) => said,
            (_, Answer::Error(_)) => panic!("{name}: {answer:?}"),
        };
        let body = said["body"].as_str().unwrap_or_default();
        match self {
            Error(kind) => panic!("{name}: not {kind} but {said}"),
            Status(status, text) => {
                assert_eq!(said["statusCode"], status, "{name}: {said}");
                assert!(body.contains(text), "{name}: {said}");
            }
            Problem(status, code) => {
                let document: Value = serde_json::from_str(body).unwrap();
                let found = (&said["statusCode"], &document["status"], &document["code"]);
                let wanted = (&status.into(), &status.into(), &code.into());
                assert_eq!(found, wanted, "{name}: {said}");
            }
            Next(next) => assert_eq!(said["next"], next, "{name}: {said}"),
            Json(text) => assert_eq!(said.to_string(), text, "{name}"),
            Has(text) => assert!(said.to_string().contains(text), "{name}: {said}"),
            Back(count) => {
                let back = said["batchItemFailures"].as_array().unwrap();
                assert_eq!(back.len(), count, "{name}: {said}");
            }
        }
    }
}
