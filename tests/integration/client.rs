//! Someone who talks to a host over HTTP.

use std::fmt::Write as _;
use std::io;

use engine::view::{Message, MessageTrace, MessageVerdict, Role, Trace};
use serde_json::{Value, json};

use crate::asked::header;
use crate::http::Connection;

/// Calls a host, each time on a connection of its own.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) port: u16,
    /// The name it calls the host by, if not its address.
    pub(crate) host: Option<String>,
    /// Sent as `Authorization: Bearer …`, if any.
    pub(crate) key: Option<String>,
    /// `/v1/{tenant}/{bot}`
    pub(crate) bot: String,
}

/// An answer with its head and body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A request as it goes over the wire.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) line: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST of JSON.
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::new("POST", path)
        }
        .with("content-type", "application/json")
    }

    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            line: format!("{method} {path} HTTP/1.1").into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Sets a header, in place of the one it had.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The bytes, with the length of the body unless another framing was chosen.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut head = String::from("\r\n");
        let has = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        if !has("host") {
            head += "host: 127.0.0.1\r\n";
        }
        if !has("content-length") && !has("transfer-encoding") {
            write!(head, "content-length: {}\r\n", self.body.len()).unwrap();
        }
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        [&self.line, head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

impl Reply {
    /// The answer to what was sent on `connection`.
    pub(crate) async fn read(connection: &mut Connection) -> io::Result<Self> {
        let answer = connection.answer().await?;
        Ok(Self {
            status: answer.status,
            head: String::from_utf8_lossy(answer.head).into_owned(),
            body: answer.body.to_vec(),
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The status and the problem's code, once the document is one.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{} {}",
            self.status,
            self.text()
        );
        let document = self.json();
        assert_eq!(document["status"], self.status, "{document}");
        assert!(
            document["title"].is_string() && document["detail"].is_string(),
            "{document}"
        );
        (self.status, document["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    /// A client of `bot`, without a key.
    pub(crate) fn new(port: u16, bot: &str) -> Self {
        Self {
            port,
            host: None,
            key: None,
            bot: format!("/v1/local/{bot}"),
        }
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    /// The path of something of a session.
    pub(crate) fn path(&self, session: &str, what: &str) -> String {
        format!("{}/sessions/{session}/{what}", self.bot)
    }

    pub(crate) async fn send(&self, request: Request) -> io::Result<Reply> {
        Reply::read(&mut self.connect(request).await?).await
    }

    /// A connection on which `request` has been sent.
    pub(crate) async fn connect(&self, mut request: Request) -> io::Result<Connection> {
        if let Some(key) = &self.key {
            request = request.with("authorization", &format!("Bearer {key}"));
        }
        if let Some(host) = &self.host {
            request = request.with("host", host);
        }
        let mut connection = Connection::open(self.port).await?;
        // A host that refuses a body may stop reading it; its answer is what counts.
        drop(connection.send(&request.bytes()).await);
        Ok(connection)
    }

    pub(crate) async fn post(&self, session: &str, id: &str, text: &str) -> io::Result<Reply> {
        let body = json!({ "text": text, "id": id }).to_string();
        self.send(Request::post(&self.path(session, "messages"), body))
            .await
    }

    /// The messages after place `after`, waiting at most `wait` seconds for one.
    pub(crate) async fn messages(
        &self,
        session: &str,
        after: u64,
        wait: u64,
    ) -> io::Result<Vec<Message>> {
        let path = self.path(session, &format!("messages?after={after}&wait={wait}"));
        let reply = self.send(Request::get(&path)).await?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Ok(serde_json::from_value(reply.json()["messages"].take()).unwrap())
    }

    /// The messages of a session once the bot has written `replies` of them.
    pub(crate) async fn replies(&self, session: &str, replies: usize) -> Vec<Message> {
        let mut seen: Vec<Message> = Vec::new();
        while seen
            .iter()
            .filter(|message| message.role == Role::Assistant)
            .count()
            < replies
        {
            let after = seen.last().map_or(0, |message| message.seq);
            let news = self.messages(session, after, 25).await.unwrap();
            assert!(!news.is_empty(), "{session}: only {seen:?} in 25 seconds");
            seen.extend(news);
        }
        seen
    }

    /// Says something and gives the reply to it, the first of its session.
    pub(crate) async fn ask(&self, session: &str, text: &str) -> String {
        let posted = self.post(session, "m1", text).await.unwrap();
        assert_eq!(posted.status, 202, "{}", posted.text());
        self.replies(session, 1).await.pop().unwrap().text
    }

    /// The trace of a session once no message of it is pending.
    pub(crate) async fn settled(&self, session: &str) -> Trace {
        loop {
            let trace = self.trace(session).await.unwrap();
            let is_pending = |message: &MessageTrace| message.verdict == MessageVerdict::Pending;
            if !trace.messages.is_empty() && !trace.messages.iter().any(is_pending) {
                return trace;
            }
            let last = self
                .messages(session, 0, 25)
                .await
                .unwrap()
                .pop()
                .map_or(0, |last| last.seq);
            self.messages(session, last, 1).await.unwrap();
        }
    }

    pub(crate) async fn trace(&self, session: &str) -> io::Result<Trace> {
        let reply = self
            .send(Request::get(&self.path(session, "turns")))
            .await?;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Ok(serde_json::from_slice(&reply.body).unwrap())
    }
}
