//! The three paths that are put under schedules, each from a session that stands where it begins.

use std::sync::Arc;

use engine::approval::{Approval, ApprovalStart, Envelope, State};
use engine::document::{DocumentKey, Topic};
use engine::message::Channel;
use engine::runtime::Clock;
use engine::session::{Command, Origin, OwnerId, Pending, PlanId, Session, SessionKey, Terms};
use engine::transcript::{Decision, PlannedCall, Taken, TurnRecord};
use engine::turn::{NumberedCall, Planned, RunOutput, TurnStart};
use serde_json::{Value, json};

use super::functions::{Functions, TIMING};
use super::outside::{asked, contact};
use super::stage::{Stage, draw};
use super::tally::Event;

/// A path: what happens in one schedule of it.
pub(crate) type Path = fn(Stage);

/// Claim, run, record: a plan's calls are carried out by several invocations of two or more holds.
pub(crate) fn calling(stage: Stage) {
    let key = contact(Channel::Web);
    let tools: &[&str] = match draw(5) {
        0 => &["charge"],
        1 => &["note"],
        2 => &["seek"],
        3 => &["charge", "note"],
        _ => &["seek", "charge"],
    };
    let calls = tools.iter().zip(["A1", "B2"]);
    let calls = calls.map(|(tool, order)| {
        let intent = format!("{tool}#1#{order}");
        planned(tool, json!({ "order": order, "amount": 5 }), intent)
    });
    let (start, output) = plan(&stage, &key, calls.collect());
    run(stage, key, move |stage, _| {
        let functions = Functions::new(stage);
        if draw(2) == 0 {
            stage.begin(functions.clone().carry_out(start.clone(), output.clone()));
        }
        stage.begin(functions.clone().carry_out(start, output));
        for _ in 0..draw(3) {
            stage.begin(functions.clone().sweep());
        }
        if draw(4) == 0 {
            stage.begin(stop(functions));
        }
    });
}

/// An operator stops the bot.
async fn stop(functions: Functions) {
    let stopped = functions
        .call
        .switches
        .stop("local", None, "kim", "it went mad");
    drop(stopped.await);
}

/// Gate, send, release: messages come by webhooks, twice and thrice, while runs begin, die and are taken over.
pub(crate) fn turning(stage: Stage) {
    let channel = if draw(3) == 0 {
        Channel::Web
    } else {
        Channel::Sms
    };
    run(stage, contact(channel), |stage, key| {
        let functions = Functions::new(stage);
        if draw(8) == 0 {
            stage.count(Event::NearlyParked);
            let session = Session {
                tries: TIMING.tries - 1,
                ..Session::default()
            };
            let mut store = stage.store();
            store.sessions.insert(key.clone(), Arc::new(session));
        }
        for message in 0..2 {
            let id = format!("m{message}");
            stage.begin(functions.clone().deliver_message(key.clone(), id));
        }
        for _ in 0..draw(3) {
            stage.begin(functions.clone().sweep());
        }
    });
}

/// Ask, decide, use: people answer at once, late or not at all, and others try to use their yes.
pub(crate) fn approving(stage: Stage) {
    let key = contact(Channel::Web);
    if draw(4) > 0 {
        // Most begin where the question stands: the turn that asked is over.
        let start = question(&stage, &key);
        return run(stage, key, move |stage, _| {
            let functions = Functions::new(stage);
            let waits = functions.desk.waits.clone();
            stage.keep(async move { drop(waits.start(start).await) });
            if draw(3) == 0 {
                stage.begin(functions.sweep());
            }
        });
    }
    let calls = vec![planned("wire", asked(), "wire#1?1".to_owned())];
    let (start, output) = plan(&stage, &key, calls);
    run(stage, key, move |stage, _| {
        let functions = Functions::new(stage);
        if draw(2) == 0 {
            stage.begin(functions.clone().carry_out(start.clone(), output.clone()));
        }
        stage.begin(functions.clone().carry_out(start, output));
        if draw(3) == 0 {
            stage.begin(functions.sweep());
        }
    });
}

/// A question that stands, and the execution that waits for its answer.
fn question(stage: &Stage, key: &SessionKey) -> ApprovalStart {
    let tool = &stage.0.bot.tools["wire"];
    let rule = tool
        .approval
        .as_ref()
        .unwrap_or_else(|| panic!("wire asks nobody"));
    let now = stage.now();
    let approval = Approval {
        id: Approval::id_of(key, 1, "wire", &asked()),
        session: key.clone(),
        envelope: Envelope::new(key, tool, rule, &asked()),
        requested_at: now,
        expires_at: now.plus(rule.expires),
        role: rule.role.clone(),
        needed: rule.needed,
        requester: None,
        decisions: Vec::new(),
        state: State::Pending,
        token: None,
        tells: None,
    };
    let body = serde_json::to_value(&approval).unwrap_or_default();
    let document = DocumentKey::new(key.tenant(), Topic::Approval, &approval.id);
    stage.store().documents.insert(document, (1, body));
    ApprovalStart {
        session: key.clone(),
        approval: approval.id,
        seconds: rule.expires.as_secs(),
    }
}

/// Runs a path to its end and judges it.
fn run(stage: Stage, key: SessionKey, begin: impl FnOnce(&Stage, &SessionKey) + Send + 'static) {
    shuttle::future::block_on(async move {
        begin(&stage, &key);
        Functions::new(&stage).come_to_rest(&key).await;
        if stage.verify(&key) {
            stage.count(Event::Plain);
        }
    });
}

fn planned(tool: &str, arguments: Value, intent: String) -> PlannedCall {
    PlannedCall {
        id: tool.to_owned(),
        tool: tool.to_owned(),
        arguments,
        intent,
        approval: None,
        undoes: None,
        tainted: false,
    }
}

/// A session whose first message was accepted and whose turn has planned `calls`.
fn plan(stage: &Stage, key: &SessionKey, calls: Vec<PlannedCall>) -> (TurnStart, RunOutput) {
    let now = stage.now();
    let message = Pending {
        id: "m0".to_owned(),
        text: "hello".to_owned(),
        at: now,
        origin: Origin::Contact,
    };
    let accept = Command::Accept {
        message: message.clone(),
        owner: OwnerId(1),
        until: now.plus(TIMING.lease),
        inbox_limit: 10,
    };
    let mut session = Session::default();
    let accepted = session.apply(&accept);
    stage.must(accepted.is_ok(), "the first message was refused");
    stage.follow(key, &Session::default(), &accept, &session);
    let numbered = |(number, call): (usize, &PlannedCall)| NumberedCall {
        number,
        calm: None,
        planned: Some(call.clone()),
    };
    let numbered = calls.iter().enumerate().map(numbered).collect();
    let record = TurnRecord {
        turn: 1,
        plan: PlanId(1),
        previous: None,
        follows: None,
        round: 0,
        fence: session.fence,
        from: 1,
        upto: 1,
        messages: vec![Taken::of(&message, false)],
        finish: false,
        decision: Decision::Tools {
            text: String::new(),
            calls,
            undoing: None,
        },
        terms: Terms::default(),
        bot: String::new(),
        soul: String::new(),
        model_calls: Vec::new(),
        at: now,
        millis: 0,
    };
    let hold = session.hold();
    let mut store = stage.store();
    store.sessions.insert(key.clone(), Arc::new(session));
    store.records.insert(key.clone(), vec![Arc::new(record)]);
    drop(store);
    let start = TurnStart {
        session: key.clone(),
        hold: hold.unwrap_or_else(|| panic!("nobody holds the session")),
        until: None,
    };
    let planned = Planned {
        start: start.clone(),
        turn: 1,
        plan: PlanId(1),
        bound: None,
    };
    let output = RunOutput::Tools {
        planned,
        calls: numbered,
    };
    (start, output)
}
