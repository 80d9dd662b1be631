//! Lambda for one function: a process of its binary and the Runtime API that hands it events.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::process::binary;

const API: &str = "/2018-06-01/runtime/invocation";

/// How long a function may take to say something.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running function, killed when this is dropped.
pub(crate) struct Function {
    name: String,
    child: Child,
    calls: Receiver<Call>,
    log: NamedTempFile,
}

/// What an invocation came to.
#[derive(Debug)]
pub(crate) enum Answer {
    Response(Value),
    /// `errorType` of what was reported.
    Error(String),
}

/// A request of the function to the Runtime API.
struct Call {
    path: String,
    body: Vec<u8>,
    connection: TcpStream,
}

impl Function {
    /// Starts `name` in `environment`, which is all that it sees.
    pub(crate) fn start(name: &str, environment: &BTreeMap<String, String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let log = NamedTempFile::new().unwrap();
        let child = Command::new(binary(name))
            .env_clear()
            .envs(environment)
            .env(
                "AWS_LAMBDA_RUNTIME_API",
                listener.local_addr().unwrap().to_string(),
            )
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}"))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "1")
            .stdin(Stdio::null())
            .stdout(log.reopen().unwrap())
            .stderr(log.reopen().unwrap())
            .spawn()
            .unwrap();
        let (told, calls) = channel();
        thread::spawn(move || serve(&listener, &told));
        Self {
            name: name.to_owned(),
            child,
            calls,
            log,
        }
    }

    /// Hands over `event`; returns what the function answers.
    pub(crate) fn invoke(&mut self, event: &str) -> Answer {
        const ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let head = format!(
            "Content-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {ID}\r\n\
             Lambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:{}\r\n\
             Lambda-Runtime-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0\r\n",
            (now + PATIENCE).as_millis(),
            self.name,
        );
        let mut next = self.receive();
        assert_eq!(
            next.path,
            format!("{API}/next"),
            "{}: {}",
            self.name,
            next.text()
        );
        next.answer(200, &head, event);
        let mut answer = self.receive();
        answer.answer(202, "", "");
        let said: Value = serde_json::from_str(&answer.text()).unwrap();
        if answer.path == format!("{API}/{ID}/response") {
            return Answer::Response(said);
        }
        assert_eq!(answer.path, format!("{API}/{ID}/error"), "{}", self.name);
        Answer::Error(said["errorType"].as_str().unwrap().to_owned())
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    fn receive(&self) -> Call {
        let call = self.calls.recv_timeout(PATIENCE);
        call.unwrap_or_else(|_| panic!("{} said nothing: {}", self.name, self.log()))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // A process that is gone already cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Call {
    /// The next one on `connection`, until it is closed.
    fn read(connection: &mut BufReader<TcpStream>) -> Option<Self> {
        let line = read_line(connection)?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        loop {
            let header = read_line(connection)?.to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            assert!(!header.starts_with("transfer-encoding"), "{header}");
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        let connection = connection.get_ref().try_clone().unwrap();
        Some(Self {
            path,
            body,
            connection,
        })
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn answer(&mut self, status: u16, head: &str, body: &str) {
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {status} OK\r\nContent-Length: {length}\r\n{head}\r\n{body}");
        self.connection.write_all(answer.as_bytes()).unwrap();
    }
}

fn read_line(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    // A function that is killed resets its connections.
    let read = connection.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// Passes every call on every connection on, until nobody wants to know.
fn serve(listener: &TcpListener, calls: &Sender<Call>) {
    for connection in listener.incoming() {
        let (connection, calls) = (connection.unwrap(), calls.clone());
        thread::spawn(move || {
            let mut connection = BufReader::new(connection);
            while let Some(call) = Call::read(&mut connection) {
                if calls.send(call).is_err() {
                    break;
                }
            }
        });
    }
}
