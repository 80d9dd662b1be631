use std::path::PathBuf;
use std::sync::Arc;

use embedded::{FileDisk, FlushThread, Store};
use engine::runtime::Time;
use engine::session::{Command, Origin, OwnerId, Pending, SessionKey, Sessions};
use tempfile::tempdir;

use super::{Conversations, called, state, suggestion};
use crate::assemble::{Env, database_path};
use crate::cli::Place;
use crate::cli::failure::Failure;

fn keys() -> Vec<SessionKey> {
    let keys = [
        "local/support/web:terminal",
        "local/support/sms:+15550100",
        "acme/support/sms:+15550100",
        "local/support/sms:terminal",
    ];
    keys.map(|key| key.parse().unwrap()).to_vec()
}

fn found(name: &str) -> Vec<String> {
    let keys = keys();
    let found = called(&keys, name);
    found.into_iter().map(ToString::to_string).collect()
}

#[test]
fn a_session_is_found_by_every_name_it_goes_by() {
    assert_eq!(
        found("local/support/web:terminal"),
        ["local/support/web:terminal"]
    );
    assert_eq!(found("web:terminal"), ["local/support/web:terminal"]);
    assert_eq!(found("terminal"), ["local/support/web:terminal"]);
    assert_eq!(
        found("acme/support/sms:+15550100"),
        ["acme/support/sms:+15550100"]
    );
    assert_eq!(found("+15550100").len(), 2);
}

#[test]
fn a_misspelt_name_is_recognised() {
    assert_eq!(found("terminl"), [""; 0]);
    assert!(suggestion(&keys(), "terminl").contains("web:terminal"));
    assert!(suggestion(&keys(), "nobody").contains("confab sessions"));
}

fn open(data: PathBuf) -> Result<Conversations, Failure> {
    let place = Place {
        bot: data.clone(),
        data: Some(data),
    };
    Conversations::open(&place, &Env::from_lookup(|_| None).unwrap())
}

#[tokio::test]
async fn conversations_are_read_while_a_host_writes() {
    let data = tempdir().unwrap();
    let flush = Arc::new(FlushThread::start().unwrap());
    let database = database_path(data.path());
    let store = Store::open(&database, Arc::new(FileDisk), flush).unwrap();
    let message = Pending {
        id: "m1".to_owned(),
        text: "hello".to_owned(),
        at: Time(1),
        origin: Origin::Contact,
    };
    let accept = Command::Accept {
        owner: OwnerId::of_message(&message.id),
        message,
        until: Time(1000),
        inbox_limit: 10,
    };
    store.apply(&keys()[0], accept).await.unwrap();
    store.durable().await.unwrap();

    let conversations = open(data.path().to_owned()).unwrap();
    assert_eq!(conversations.find("terminal").unwrap(), keys()[0]);
    let listed = conversations.list(10).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(state(&listed[0].session), "answering");
}

#[test]
fn a_folder_without_conversations_says_so() {
    let data = tempdir().unwrap();
    assert!(matches!(
        open(data.path().to_owned()),
        Err(Failure::Wrong(_))
    ));
}
