//! Who may do what.

use engine::runtime::Time;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Reply, Request};
use crate::process::{Confab, Setup, example};

use super::{KEYS, support};

/// A host that knows keys.
struct Guarded {
    confab: Confab,
    _data: TempDir,
}

fn guarded() -> Guarded {
    let data = TempDir::new().unwrap();
    let setup = Setup::new(&example("support"), data.path());
    let confab = setup.secrets(KEYS).start();
    Guarded {
        confab,
        _data: data,
    }
}

/// How posting, reading and tracing in `session` is answered.
async fn statuses(client: &Client, session: &str) -> [u16; 3] {
    let status = async |request| client.send(request).await.unwrap().status;
    let messages = client.path(session, "messages");
    [
        status(Request::post(
            &messages,
            json!({ "text": "hello" }).to_string(),
        ))
        .await,
        status(Request::get(&messages)).await,
        status(Request::get(&client.path(session, "turns"))).await,
    ]
}

#[tokio::test]
async fn a_key_opens_its_own_tenant_as_far_as_its_role_goes() {
    let guarded = guarded();
    let nobody = guarded.confab.client("support");
    assert_eq!(statuses(&nobody, "eve").await, [401, 401, 401]);
    assert_eq!(
        statuses(&nobody.with_key("wrong-01234567890"), "eve").await,
        [401, 401, 401]
    );
    assert_eq!(
        statuses(&nobody.with_key("other-01234567890"), "eve").await,
        [403, 403, 403]
    );
    assert_eq!(
        statuses(&nobody.with_key("client-0123456789"), "eve").await,
        [202, 200, 403]
    );
    assert_eq!(
        statuses(&nobody.with_key("viewer-0123456789"), "eve").await,
        [202, 200, 200]
    );
    let other = Client {
        bot: "/v1/other/support".to_owned(),
        ..nobody.with_key("client-0123456789")
    };
    assert_eq!(statuses(&other, "eve").await, [403, 403, 403]);
    let events = nobody
        .send(Request::get(&nobody.path("eve", "events")))
        .await
        .unwrap();
    assert_eq!(events.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(events.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn a_page_may_use_its_own_conversation_only() {
    let guarded = guarded();
    let nobody = guarded.confab.client("support");
    let begin = async |body: Value| {
        nobody
            .send(Request::post("/page/session", body.to_string()))
            .await
            .unwrap()
    };
    let session = |reply: &Reply| reply.json()["session"].as_str().unwrap().to_owned();
    let first = begin(json!({})).await;
    let token = first.json()["token"].as_str().unwrap().to_owned();
    let page = nobody.with_key(&token);
    assert_eq!(statuses(&page, &session(&first)).await, [202, 200, 403]);
    assert_eq!(statuses(&page, "eve").await, [403, 403, 403]);
    assert_eq!(
        session(&begin(json!({ "token": token })).await),
        session(&first)
    );
    assert_ne!(session(&begin(json!({})).await), session(&first));
    let forged = format!("{token}A");
    assert_eq!(
        statuses(&nobody.with_key(&forged), &session(&first)).await,
        [401, 401, 401]
    );
    assert_ne!(
        session(&begin(json!({ "token": forged })).await),
        session(&first)
    );
}

/// What is answered to who asks for a token for `session`.
async fn ask_for_token(client: &Client, session: &str) -> Reply {
    let request = Request::new("POST", &client.path(session, "token"));
    client.send(request).await.unwrap()
}

#[tokio::test]
async fn a_site_gives_a_browser_a_token_for_one_session() {
    let guarded = guarded();
    let nobody = guarded.confab.client("support");
    let site = nobody.with_key("client-0123456789");
    let granted = ask_for_token(&site, "ann").await;
    assert_eq!(granted.status, 201, "{}", granted.text());
    let left = granted.json()["expires"].as_str().unwrap().to_owned();
    assert!(left.parse::<Time>().is_ok(), "{left}");
    let browser = nobody.with_key(granted.json()["token"].as_str().unwrap());
    assert_eq!(statuses(&browser, "ann").await, [202, 200, 403]);
    assert_eq!(statuses(&browser, "eve").await, [403, 403, 403]);
    // A token begets no token, and neither does another tenant's key or none.
    for (client, refusal) in [
        (&browser, (403, "forbidden")),
        (&nobody.with_key("other-01234567890"), (403, "forbidden")),
        (&nobody, (401, "unauthenticated")),
    ] {
        let (status, code) = ask_for_token(client, "ann").await.problem();
        assert_eq!((status, code.as_str()), refusal);
    }
    let unknown = Client {
        bot: "/v1/local/nobody".to_owned(),
        ..site
    };
    let refused = ask_for_token(&unknown, "ann").await;
    assert_eq!(refused.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn where_no_key_is_needed_a_token_needs_none() {
    let support = support();
    let client = support.client();
    let granted = ask_for_token(&client, "gus").await;
    assert_eq!(granted.status, 201, "{}", granted.text());
    let browser = client.with_key(granted.json()["token"].as_str().unwrap());
    assert_eq!(statuses(&browser, "gus").await, [202, 200, 403]);
    assert_eq!(statuses(&browser, "eve").await, [403, 403, 403]);
    let elsewhere = Client {
        bot: "/v1/elsewhere/support".to_owned(),
        ..client
    };
    let refused = ask_for_token(&elsewhere, "gus").await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
}

#[test]
fn a_host_that_others_reach_does_not_start_without_a_key() {
    let data = TempDir::new().unwrap();
    let (status, errors) = Setup::new(&example("support"), data.path())
        .arg("--bind")
        .arg("0.0.0.0")
        .fail();
    assert_eq!(status.code(), Some(3), "{errors}");
    assert!(errors.contains("key"), "{errors}");
}

/// What a POST of `body` under `path` of ada's session is answered with: its status, and the code or state.
async fn attend(client: &Client, verb: &str, body: Value) -> (u16, String) {
    let request = Request::post(&client.path("ada", verb), body.to_string());
    let reply = client.send(request).await.unwrap();
    let said = reply.json();
    let word = ["code", "state", "status"]
        .iter()
        .find_map(|member| said[*member].as_str());
    (reply.status, word.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_operator_takes_a_session_over_in_the_name_of_their_key() {
    let guarded = guarded();
    let nobody = guarded.confab.client("support");
    let operator = nobody.with_key("operator-0123456789");
    let viewer = nobody.with_key("viewer-0123456789");
    let told = |status: u16, word: &str| (status, word.to_owned());
    for verb in [
        "takeover",
        "handback",
        "close",
        "replies",
        "turns/1/redrive",
    ] {
        assert_eq!(
            attend(&viewer, verb, json!({ "text": "Hi" })).await,
            told(403, "forbidden")
        );
        assert_eq!(
            attend(&nobody, verb, json!({ "text": "Hi" })).await,
            told(401, "unauthenticated")
        );
    }
    assert_eq!(
        attend(&operator, "close", json!({})).await,
        told(409, "nothing_said")
    );
    assert_eq!(
        attend(&operator, "replies", json!({ "text": "Hi" })).await,
        told(409, "not_taken_over")
    );
    assert_eq!(
        attend(&operator, "takeover", json!({ "person": "eve" })).await,
        told(200, "handed_off")
    );
    let reply = json!({ "text": "I am Ann", "id": "r1" });
    assert_eq!(
        attend(&operator, "replies", reply.clone()).await,
        told(202, "accepted")
    );
    assert_eq!(
        attend(&operator, "replies", reply).await,
        told(202, "duplicate")
    );
    let site = nobody.with_key("client-0123456789");
    let messages = loop {
        let messages = site.messages("ada", 0, 5).await.unwrap();
        if !messages.is_empty() {
            break messages;
        }
    };
    assert_eq!(messages[0].by.as_deref(), Some("ann"));
    let path = viewer.path("ada", "");
    let standing = viewer
        .send(Request::get(path.trim_end_matches('/')))
        .await
        .unwrap();
    assert_eq!(standing.json()["held_by"], "ann", "{}", standing.text());
    let all = viewer
        .send(Request::get("/v1/local/support/sessions"))
        .await
        .unwrap();
    assert_eq!(
        all.json()["sessions"][0]["session"],
        "local/support/web:ada",
        "{}",
        all.text()
    );
    assert_eq!(attend(&operator, "handback", json!({})).await.0, 200);
    assert_eq!(
        attend(&operator, "close", json!({})).await,
        told(200, "closed")
    );
    assert_eq!(
        attend(&operator, "turns/1/redrive", json!({})).await,
        told(422, "invalid_request")
    );
}

#[tokio::test]
async fn an_operator_stops_a_bot_and_lets_it_go_on() {
    let guarded = guarded();
    let nobody = guarded.confab.client("support");
    let viewer = nobody.with_key("viewer-0123456789");
    let operator = nobody.with_key("operator-0123456789");
    let turn = async |client: &Client, path: &str, body: &str| {
        let request = Request::post(path, body);
        let reply = client.send(request).await.unwrap();
        (reply.status, reply.json())
    };
    let stop = r#"{"reason":"it went mad"}"#;
    let (all, one) = ("/v1/local", "/v1/local/support");
    for (client, expected) in [(&nobody, 401), (&viewer, 403)] {
        for path in [all, one] {
            for verb in ["stop", "resume"] {
                let (status, _) = turn(client, &format!("{path}/{verb}"), stop).await;
                assert_eq!(status, expected, "{path}/{verb}");
            }
        }
    }
    let other = nobody.with_key("other-01234567890");
    assert_eq!(turn(&other, &format!("{all}/stop"), stop).await.0, 403);
    assert_eq!(turn(&operator, "/v1/local/nobody/stop", stop).await.0, 404);
    assert_eq!(
        turn(&operator, &format!("{one}/stop"), r#"{"reason":" "}"#)
            .await
            .0,
        422
    );
    let (status, switch) = turn(&operator, &format!("{one}/stop"), stop).await;
    let stopped = &switch["bots"]["support"];
    assert_eq!(
        (status, &stopped["by"], &stopped["reason"]),
        (200, &json!("ann"), &json!("it went mad"))
    );
    let said = operator.ask("dana", "hello").await;
    assert_eq!(
        said,
        "I am switched off at the moment. Please try again later."
    );
    let (status, switch) = turn(&operator, &format!("{one}/resume"), "").await;
    assert_eq!((status, switch), (200, json!({})));
    let said = operator.ask("erin", "hello").await;
    assert_ne!(
        said,
        "I am switched off at the moment. Please try again later."
    );
}
