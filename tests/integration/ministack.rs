//! A `MiniStack` of our own for as long as a test runs.

#![expect(clippy::expect_used, reason = "a test that cannot go on panics")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Long enough to install it.
const START: Duration = Duration::from_secs(240);

/// One start at a time, as the first installs.
static STARTING: Mutex<()> = Mutex::new(());

pub(crate) struct MiniStack {
    process: Child,
    port: u16,
    /// Where functions find AWS.
    functions: u16,
    /// Where it unpacks the code of functions: half a gigabyte for the whole stack.
    _code: TempDir,
}

impl MiniStack {
    /// Starts on a free port and waits until it answers. `None`, loudly, with
    /// `CONFAB_SKIP_MINISTACK=1`, for a machine that cannot install it.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[], None)
    }

    /// The same, but who calls must sign, and may do what its role allows. Functions find AWS at the port `toll`.
    pub(crate) fn start_guarded(toll: u16) -> Option<Self> {
        Self::start_with(&[("AUTH", "true")], Some(toll))
    }

    /// The same, but executions do not wait: neither in Wait states nor between tries.
    pub(crate) fn start_hurried() -> Option<Self> {
        Self::start_with(&[("SFN_WAIT_SCALE", "0")], None)
    }

    fn start_with(settings: &[(&str, &str)], toll: Option<u16>) -> Option<Self> {
        if std::env::var("CONFAB_SKIP_MINISTACK").is_ok_and(|skip| skip == "1") {
            eprintln!(
                "\n*** SKIPPED: CONFAB_SKIP_MINISTACK=1, nothing was tried on MiniStack ***\n"
            );
            return None;
        }
        let _one = STARTING
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let functions = toll.unwrap_or(port);
        let code = tempfile::tempdir().expect("a folder");
        let process = Command::new(root.join("scripts/ministack"))
            .arg(port.to_string())
            .env("TMPDIR", code.path())
            // Functions inherit it.
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{functions}"))
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("scripts/ministack");
        let mut ministack = Self {
            process,
            port,
            functions,
            _code: code,
        };
        ministack.wait();
        Some(ministack)
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while self.try_send("GET", "/_ministack/health", "", "").is_err() {
            let ended = self.process.try_wait().expect("a process");
            assert!(
                ended.is_none() && started.elapsed() < START,
                "MiniStack did not start ({ended:?}). Run `scripts/ministack {}` to see why; \
                 without a network, set CONFAB_SKIP_MINISTACK=1",
                self.port,
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills every process that runs the function `name`, as Lambda may at any moment; gives how many.
    pub(crate) fn kill_function(&self, name: &str) -> usize {
        let running = processes(self.functions);
        let wanted = running.filter(|process| process.is("AWS_LAMBDA_FUNCTION_NAME", name));
        wanted.map(|process| process.kill()).count()
    }

    /// The services, as a function would reach them.
    pub(crate) fn cloud(&self) -> aws::Cloud {
        Self::cloud_at(self.port)
    }

    /// The services behind another port.
    pub(crate) fn cloud_at(port: u16) -> aws::Cloud {
        let variable = |name: &str| match name {
            "AWS_REGION" => Some("us-east-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            "AWS_ENDPOINT_URL" => Some(format!("http://127.0.0.1:{port}")),
            _ => None,
        };
        aws::Cloud::from_lookup(variable).expect("every variable")
    }

    pub(crate) fn dynamodb(&self, operation: &str, body: &Value) -> (u16, Value) {
        self.call("dynamodb", &format!("DynamoDB_20120810.{operation}"), body)
    }

    pub(crate) fn stepfunctions(&self, operation: &str, body: &Value) -> (u16, Value) {
        self.call("states", &format!("AWSStepFunctions.{operation}"), body)
    }

    /// Lambda speaks REST: `POST /2015-03-31/functions` creates one.
    pub(crate) fn lambda(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.send(method, path, &headers("lambda", None), body)
    }

    /// The same where it may fail.
    pub(crate) fn try_lambda(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> std::io::Result<Value> {
        let answer = self.try_send(method, path, &headers("lambda", None), &body.to_string());
        answer.map(|(_, answer)| answer)
    }

    pub(crate) fn create_bucket(&self, name: &str) {
        let headers = headers("s3", None);
        let created = self.try_send("PUT", &format!("/{name}"), &headers, "");
        let (status, answer) = created.expect("an answer from MiniStack");
        assert_eq!(status, 200, "{answer}");
    }

    /// Any service that names its operation in `X-Amz-Target`.
    pub(crate) fn call(&self, service: &str, target: &str, body: &Value) -> (u16, Value) {
        self.send("POST", "/", &headers(service, Some(target)), body)
    }

    fn send(&self, method: &str, path: &str, headers: &str, body: &Value) -> (u16, Value) {
        self.try_send(method, path, headers, &body.to_string())
            .expect("an answer from MiniStack")
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> std::io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        parse(&answer).ok_or_else(|| std::io::Error::other(answer))
    }
}

/// A process that runs a function.
struct Process {
    id: String,
    environment: Vec<u8>,
}

impl Process {
    fn variable(&self, name: &str) -> Option<String> {
        let mut set = self.environment.split(|byte| *byte == 0);
        set.find_map(|set| {
            let (known, value) = std::str::from_utf8(set).ok()?.split_once('=')?;
            (known == name).then(|| value.to_owned())
        })
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.variable(name).is_some_and(|set| set == value)
    }

    fn kill(&self) {
        let killed = Command::new("kill").args(["-KILL", &self.id]).status();
        killed.expect("kill");
    }
}

/// Those that run functions whose AWS is at `port`.
fn processes(port: u16) -> impl Iterator<Item = Process> {
    let all = std::fs::read_dir("/proc").expect("processes");
    let read = all.filter_map(|entry| {
        let path = entry.ok()?.path();
        Some(Process {
            id: path.file_name()?.to_str()?.to_owned(),
            environment: std::fs::read(path.join("environ")).ok()?,
        })
    });
    let aws = format!("http://127.0.0.1:{port}");
    read.filter(move |process| {
        process.variable("AWS_LAMBDA_FUNCTION_NAME").is_some()
            && process.is("AWS_ENDPOINT_URL", &aws)
    })
}

/// The functions that run and whose AWS is at `port`, with the keys that they sign with.
pub(crate) fn functions(port: u16) -> Vec<(String, String)> {
    let named = |process: Process| {
        let name = process.variable("AWS_LAMBDA_FUNCTION_NAME")?;
        Some((name, process.variable("AWS_ACCESS_KEY_ID")?))
    };
    processes(port).filter_map(named).collect()
}

impl Drop for MiniStack {
    /// Also while a test panics. The group holds what it started: functions it runs.
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let ended = Command::new("kill").args(["-KILL", "--", &group]).status();
        if !ended.is_ok_and(|status| status.success()) {
            eprintln!("MiniStack {} may still run", self.process.id());
        }
        self.process.wait().ok();
    }
}

fn headers(service: &str, target: Option<&str>) -> String {
    let target = target.map_or(String::new(), |target| {
        format!("X-Amz-Target: {target}\r\n")
    });
    format!(
        "Content-Type: application/x-amz-json-1.0\r\n{target}Authorization: AWS4-HMAC-SHA256 \
         Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0\r\n"
    )
}

fn parse(answer: &str) -> Option<(u16, Value)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if body.is_empty() { "null" } else { body };
    Some((status, serde_json::from_str(body).ok()?))
}
