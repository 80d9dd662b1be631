//! A carrier's API on this machine.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::asked::Asked;
use crate::kill::fate::{Fate, Moment};

/// How the carrier treats a request that it has read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Takes it and says so.
    Accepts,
    /// Knows no such number.
    Refuses,
    /// Closes the connection without a word.
    HangsUp,
    /// Never answers.
    StaysSilent,
}

const RECEIPT: &str = r#"{"sid":"SM99","status":"queued","messages":[{"id":"wamid.2"}]}"#;
const REFUSAL: &str = r#"{"code":21211,"message":"no such number"}"#;

/// Takes Twilio's and Meta's requests alike.
pub(crate) struct Carrier {
    port: u16,
    manner: Arc<Mutex<Manner>>,
    sent: watch::Receiver<Vec<Asked>>,
    seen: Mutex<usize>,
}

impl Carrier {
    pub(crate) async fn open(manner: Manner) -> Self {
        Self::under(&Arc::default(), manner).await
    }

    /// Who asks it may die when `fate` says so.
    pub(crate) async fn under(fate: &Arc<Fate>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let manner = Arc::new(Mutex::new(manner));
        let (log, sent) = watch::channel(Vec::new());
        let (log, behaviour) = (Arc::new(log), Arc::clone(&manner));
        let fate = Arc::clone(fate);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (fate, log) = (Arc::clone(&fate), Arc::clone(&log));
                tokio::spawn(serve(stream, Arc::clone(&behaviour), log, fate));
            }
        });
        Self {
            port,
            manner,
            sent,
            seen: Mutex::new(0),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Behaves otherwise from now on.
    pub(crate) fn behave(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// The next request that was not seen yet.
    pub(crate) async fn next(&self) -> Asked {
        let seen = *self.seen.lock().unwrap();
        let mut sent = self.sent.clone();
        let next = sent.wait_for(|sent| sent.len() > seen).await.unwrap()[seen].clone();
        *self.seen.lock().unwrap() += 1;
        next
    }

    pub(crate) fn last(&self) -> Asked {
        self.sent.borrow().last().unwrap().clone()
    }

    /// All requests that came.
    pub(crate) fn sent(&self) -> Vec<Asked> {
        self.sent.borrow().clone()
    }

    /// How many requests came.
    pub(crate) fn count(&self) -> usize {
        self.sent.borrow().len()
    }
}

async fn serve(
    mut stream: TcpStream,
    manner: Arc<Mutex<Manner>>,
    log: Arc<watch::Sender<Vec<Asked>>>,
    fate: Arc<Fate>,
) {
    while let Some(sent) = Asked::read(&mut stream).await {
        // Before the request shows: whoever saw it may want others to be treated otherwise.
        let manner = *manner.lock().unwrap_or_else(PoisonError::into_inner);
        log.send_modify(|all| all.push(sent));
        fate.pass(Moment::Sent).await;
        match manner {
            Manner::Accepts | Manner::Refuses => {
                let (status, body) = match manner {
                    Manner::Refuses => ("400 Bad Request", REFUSAL),
                    _ => ("201 Created", RECEIPT),
                };
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
                // Whoever sent it may be dead.
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                fate.pass(Moment::HalfSent).await;
                if stream.write_all(body.as_bytes()).await.is_err() {
                    return;
                }
            }
            Manner::HangsUp => return,
            Manner::StaysSilent => {
                // Until the host is gone.
                drop(stream.read(&mut [0]).await);
                return;
            }
        }
    }
}
