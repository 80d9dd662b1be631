//! The deployed shape: the template on an emulator of AWS, the functions as Lambdas, the turn in Step
//! Functions. One deployment for everything here, as it takes a while.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws::Store;
use engine::message::Channel;
use engine::runtime::{Runtime, Time};
use engine::session::{Command, Origin, OwnerId, Pending, SessionKey, Sessions};
use engine::transcript::Verdict;
use engine::view::{MessageVerdict, Role};
use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use ground::tokio_runtime;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;

use crate::carrier::{Carrier, Manner};
use crate::kill::bot::clerk;
use crate::kill::fate::Fate;
use crate::kill::shop::Shop;
use crate::process::folder;
use crate::signing::{BOT, SCRIPT, SECRETS, field, text_message, whatsapp_message};

mod kills;
mod silence;
mod stack;
mod toll;
mod workflows;

use stack::Stack;
use toll::Toll;

/// A bot that looks things up at a slow place, and one whose model cannot be reached.
const LOOKUPS: &str = r#"
format = 1
name = "lookups"
[model]
use = "scripted"
"#;
const LOOKUPS_SCRIPT: &str = r#"
format = 1
[[reply]]
after_tool = "fetch"
text = "Found it."
[default]
call = { tool = "fetch", arguments = {} }
"#;
const UNREACHABLE: &str = r#"
format = 1
name = "mute"
[model]
use = "openai/gpt-4.1-mini"
base_urls = { openai = "http://127.0.0.1:9/v1" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deployed_shape() {
    let fate = Arc::new(Fate::default());
    let toll = Toll::open(&kills::WATCHED, &fate).await;
    let shop = Shop::open(1, &fate).await;
    let clerk = clerk(shop.port);
    let carrier = Carrier::under(&fate, Manner::Accepts).await;
    let place = Carrier::open(Manner::StaysSilent).await;
    let support = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/support");
    let texts = folder(&[
        ("bot.toml", BOT),
        ("script.toml", SCRIPT),
        ("SOUL.md", "# Echo\n"),
    ]);
    let fetch = format!(
        "format = 1\ndescription = \"Looks it up.\"\nkind = \"http\"\nside_effect = \"pure\"\n\
         [http]\nmethod = \"GET\"\nallow_private = true\nurl = \"{}/it\"\n[parameters]\ntype = \"object\"\n",
        place.url()
    );
    let lookups = folder(&[
        ("bot.toml", LOOKUPS),
        ("script.toml", LOOKUPS_SCRIPT),
        ("SOUL.md", "# Lookups\n"),
        ("tools/fetch.toml", &fetch),
    ]);
    let mute = folder(&[("bot.toml", UNREACHABLE), ("SOUL.md", "# Mute\n")]);
    let door = workflows::bot();
    let bots = [
        &*support,
        texts.path(),
        lookups.path(),
        mute.path(),
        door.path(),
        clerk.path(),
    ];
    let Some(stack) = Stack::deploy(&bots, &carrier.url(), &secrets(), &toll).await else {
        return;
    };
    let stack = Arc::new(stack);
    let killing = kills::killed_functions_settle_every_message_once_and_do_nothing_twice(
        &stack, &fate, &shop, &carrier,
    );
    if kills::wanted().is_some() {
        println!("{}", killing.await);
        return;
    }
    an_order_is_looked_up(&stack).await;
    a_text_message_sent_ten_times_at_once_is_answered_once(&stack, &carrier).await;
    a_whatsapp_message_is_answered(&stack, &carrier).await;
    messages_at_once_are_answered_in_order(&stack).await;
    a_socket_shows_the_turn_as_it_goes(&stack).await;
    a_function_killed_in_a_turn_is_healed(&stack, &place).await;
    a_hold_whose_holder_is_gone_is_swept_up(&stack).await;
    a_parked_message_is_queued_and_redriven(&stack).await;
    workflows::a_run_does_its_steps_and_the_next_one_waits_for_its_end(&stack).await;
    workflows::events_start_runs(&stack).await;
    workflows::what_is_too_long_for_a_state_is_kept(&stack).await;
    workflows::a_workflow_is_published_and_taken_back(&stack).await;
    println!("{}", killing.await);
}

fn secrets() -> String {
    let lines = SECRETS.map(|(name, value)| format!("{name} = \"{value}\"\n"));
    format!(
        "format = 1\n[secrets]\nOPENAI_API_KEY = \"none\"\n{}",
        lines.concat()
    )
}

/// The example's folder, unchanged, answers as on one machine.
async fn an_order_is_looked_up(stack: &Stack) {
    let client = stack.client("support");
    let reply = client.ask("ada", "Where is my order A1003?").await;
    assert!(reply.contains("01505021483926"), "{reply}");
    let trace = client.settled("ada").await;
    assert_eq!(trace.turns.len(), 1, "{trace:?}");
    assert_eq!(
        trace.messages[0].verdict,
        MessageVerdict::Settled(Verdict::Answered)
    );
    let nobody = crate::client::Client {
        key: None,
        ..client
    };
    assert_eq!(nobody.post("ada", "m2", "hello").await.unwrap().status, 401);
}

async fn a_text_message_sent_ten_times_at_once_is_answered_once(stack: &Stack, carrier: &Carrier) {
    let client = stack.client("texts");
    let deliveries = (0..10).map(|_| client.send(text_message("acme", "SM1", "Anybody there?")));
    for reply in join_all(deliveries).await {
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (200, "<Response/>"));
    }
    let sent = carrier.next().await;
    assert_eq!(field(&sent.body, "Body"), "You said: Anybody there?");
    let trace = client.settled("sms:%2B15551234").await;
    assert_eq!(trace.messages.len(), 1, "{trace:?}");
    assert_eq!(carrier.count(), 1);
    let forged = text_message("acme", "SM2", "Let me in").with("x-twilio-signature", "AAAA");
    assert_eq!(client.send(forged).await.unwrap().status, 401);
}

async fn a_whatsapp_message_is_answered(stack: &Stack, carrier: &Carrier) {
    let client = stack.client("texts");
    let message = whatsapp_message("acme", "wamid.1", "Hello");
    assert_eq!(client.send(message).await.unwrap().status, 200);
    let sent = carrier.next().await;
    let body: Value = serde_json::from_str(&sent.body).unwrap();
    assert_eq!(body["text"]["body"], "You said: Hello");
}

async fn messages_at_once_are_answered_in_order(stack: &Stack) {
    let client = stack.client("texts");
    let posts = (0..4).map(|number| {
        let client = &client;
        async move {
            let (id, text) = (format!("m{number}"), format!("message {number}"));
            client.post("bo", &id, &text).await.unwrap().status
        }
    });
    assert_eq!(join_all(posts).await, [202; 4]);
    let trace = client.settled("bo").await;
    assert_eq!(trace.messages.len(), 4, "{trace:?}");
    let answered = MessageVerdict::Settled(Verdict::Answered);
    assert!(
        trace
            .messages
            .iter()
            .all(|message| message.verdict == answered),
        "{trace:?}"
    );
    let messages = client.messages("bo", 0, 0).await.unwrap();
    let replies = messages
        .iter()
        .filter(|message| message.role == Role::Assistant);
    assert_eq!(replies.count(), trace.turns.len(), "{messages:?}");
    assert!(messages.is_sorted_by(|one, next| one.seq < next.seq && one.turn <= next.turn));
}

async fn a_socket_shows_the_turn_as_it_goes(stack: &Stack) {
    let address = |token: &str| {
        let url = stack.output("SocketsUrl").replacen("http", "ws", 1);
        format!("{url}?tenant=acme&bot=support&session=fay&token={token}")
    };
    assert!(connect_async(address("guessed")).await.is_err());
    let (mut socket, _) = connect_async(address(stack::KEY)).await.unwrap();
    let say = json!({ "id": "m1", "text": "Where is my order A1003?" }).to_string();
    socket.send(say.into()).await.unwrap();
    let mut shown = Vec::new();
    while shown.last().is_none_or(|last| last != "turn.ended") {
        let frame = socket.next().await.unwrap().unwrap();
        let frame: Value = serde_json::from_str(frame.to_text().unwrap()).unwrap();
        let name = frame["type"].as_str().or(frame["status"].as_str());
        shown.push(name.unwrap().to_owned());
    }
    shown.retain(|name| name != "accepted");
    shown.dedup();
    // A table is read without a claim, so its function does not learn who watches.
    assert_eq!(shown, ["turn.started", "text.delta", "reply", "turn.ended"]);
    socket.close(None).await.unwrap();
}

/// Step Functions calls the tool again; it only reads, so that is all there is to it.
async fn a_function_killed_in_a_turn_is_healed(stack: &Stack, place: &Carrier) {
    let client = stack.client("lookups");
    assert_eq!(
        client
            .post("cy", "m1", "What does it say?")
            .await
            .unwrap()
            .status,
        202
    );
    place.next().await;
    place.behave(Manner::Accepts);
    assert_eq!(stack.kill("tool-call"), 1);
    let replies = client.replies("cy", 1).await;
    assert_eq!(replies.last().unwrap().text, "Found it.");
    assert_eq!(place.count(), 2);
}

/// As when a webhook's function dies between its write and the start of the turn.
async fn a_hold_whose_holder_is_gone_is_swept_up(stack: &Stack) {
    let key = SessionKey::new("acme", "texts", Channel::Web, "dee").unwrap();
    let cloud = stack.ministack.cloud();
    let bodies = cloud.bodies(stack.output("Bucket"));
    let runtime: Runtime = tokio_runtime();
    let table = stack.output("Table").to_owned();
    let store = Store::new(cloud.dynamodb(), table, bodies, runtime.clone());
    let an_hour_ago = Time(runtime.now().0 - 3_600_000);
    let accept = Command::Accept {
        message: Pending {
            id: "m1".to_owned(),
            text: "Anybody there?".to_owned(),
            at: an_hour_ago,
            origin: Origin::Contact,
        },
        owner: OwnerId(7),
        until: an_hour_ago,
        inbox_limit: 64,
    };
    store.apply(&key, accept).await.unwrap();
    // The stream brings the hold to its function within moments; the sweep finds it then.
    let mut swept = json!({ "started": 0 });
    while swept["started"] == 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        swept = stack.invoke("job-sweep", &json!({}));
    }
    let replies = stack.client("texts").replies("dee", 1).await;
    assert_eq!(replies.last().unwrap().text, "You said: Anybody there?");
}

async fn a_parked_message_is_queued_and_redriven(stack: &Stack) {
    let client = stack.client("mute");
    let apology = client.ask("eve", "Anybody there?").await;
    assert!(apology.starts_with("Sorry"), "{apology}");
    let trace = client.settled("eve").await;
    assert_eq!(
        trace.messages[0].verdict,
        MessageVerdict::Settled(Verdict::Failed)
    );
    let parked = receive(stack, "ParkedQueue");
    assert_eq!(
        (&parked["session"], &parked["turn"]),
        (&json!("acme/mute/web:eve"), &json!(1))
    );
    // What StartMessageMoveTask does with the whole queue.
    let body = parked.to_string();
    let message = json!({"QueueUrl": stack.output("RedriveQueue"), "MessageBody": body});
    queue(stack, "SendMessage", &message);
    let again = client.replies("eve", 2).await;
    let asked = again
        .iter()
        .filter(|message| message.text == "Anybody there?");
    assert_eq!(asked.count(), 2, "{again:?}");
}

/// The next message of a queue.
fn receive(stack: &Stack, name: &str) -> Value {
    let receive = json!({"QueueUrl": stack.output(name), "WaitTimeSeconds": 10});
    let received = queue(stack, "ReceiveMessage", &receive);
    let body = received["Messages"][0]["Body"].as_str();
    serde_json::from_str(body.unwrap()).unwrap()
}

fn queue(stack: &Stack, operation: &str, input: &Value) -> Value {
    let target = format!("AmazonSQS.{operation}");
    let (status, answer) = stack.ministack.call("sqs", &target, input);
    assert_eq!(status, 200, "{answer}");
    answer
}
