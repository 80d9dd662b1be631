//! What functions ask of AWS passes here on its way to the emulator, one request at a time, so that a function can be
//! killed before its n-th request is done, or after that and before it hears of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::asked::{header, is_whole};
use crate::http::Connection;
use crate::kill::fate::{Fate, Moment};
use crate::ministack::functions;

/// The way from functions to AWS.
pub(super) struct Toll {
    pub(super) port: u16,
    /// Where the emulator is, once it is up.
    pub(super) ahead: watch::Sender<u16>,
}

/// Who passes.
struct Gate {
    port: u16,
    watched: &'static [&'static str],
    fate: Arc<Fate>,
    /// Functions by the key that they sign with, which is their role's.
    known: Mutex<HashMap<String, &'static str>>,
}

impl Toll {
    /// Tells `fate` of what the functions `watched` ask, by their folders' names.
    pub(super) async fn open(watched: &'static [&'static str], fate: &Arc<Fate>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ahead, to) = watch::channel(0);
        let gate = Arc::new(Gate {
            port,
            watched,
            fate: Arc::clone(fate),
            known: Mutex::default(),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (gate, to) = (Arc::clone(&gate), *to.borrow());
                // Whoever asked may be dead.
                tokio::spawn(async move { drop(gate.pass_on(stream, to).await) });
            }
        });
        Self { port, ahead }
    }
}

impl Gate {
    async fn pass_on(&self, mut stream: TcpStream, to: u16) -> std::io::Result<()> {
        let mut received = Vec::new();
        let mut ahead = Connection::open(to).await?;
        loop {
            while !is_whole(&received) {
                if stream.read_buf(&mut received).await? == 0 {
                    return Ok(());
                }
            }
            let function = self.who(&received);
            if let Some(function) = function {
                self.fate.pass(Moment::Calls(function)).await;
            }
            if ahead.send(&received).await.is_err() {
                ahead = Connection::open(to).await?;
                ahead.send(&received).await?;
            }
            let answer = match ahead.answer().await {
                Ok(answer) => [answer.head, answer.body].concat(),
                // It was kept open for too long.
                Err(_) => {
                    ahead = Connection::open(to).await?;
                    ahead.send(&received).await?;
                    let answer = ahead.answer().await?;
                    [answer.head, answer.body].concat()
                }
            };
            if let Some(function) = function {
                self.fate.pass(Moment::Answers(function)).await;
            }
            stream.write_all(&answer).await?;
            received.clear();
        }
    }

    /// The function that signed a request, if it is watched.
    fn who(&self, request: &[u8]) -> Option<&'static str> {
        let head = String::from_utf8_lossy(request);
        let credential = header(&head, "authorization")?.split_once("Credential=")?.1;
        let key = credential.split('/').next()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(key) {
            for (function, signs_with) in functions(self.port) {
                let name = self
                    .watched
                    .iter()
                    .find(|name| function.strip_prefix("confab-dev-") == Some(**name));
                known.insert(signs_with, name.copied().unwrap_or_default());
            }
        }
        known.get(key).copied().filter(|name| !name.is_empty())
    }
}
