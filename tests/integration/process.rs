//! The real binary: started on a folder of its own, killed when nobody needs it any more.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::client::Client;

/// A host in a process of its own; killed when this is dropped.
pub(crate) struct Confab {
    child: Child,
    pub(crate) port: u16,
    events: Mutex<Receiver<Value>>,
    errors: PathBuf,
}

/// How long a host may take to say something that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What to start a host on.
#[derive(Clone)]
pub(crate) struct Setup {
    bot: PathBuf,
    data: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Setup {
    /// The bot in `bot`, with `data` for what is kept.
    pub(crate) fn new(bot: &Path, data: &Path) -> Self {
        Self {
            bot: bot.to_owned(),
            data: data.to_owned(),
            environment: Vec::new(),
            arguments: Vec::new(),
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// What the secrets file says.
    pub(crate) fn secrets(self, text: &str) -> Self {
        let file = self.data.join("secrets.toml");
        fs::create_dir_all(&self.data).unwrap();
        fs::write(&file, text).unwrap();
        self.env("CONFAB_SECRETS_FILE", file.to_str().unwrap())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary("confab"));
        command
            .arg("dev")
            .arg(&self.bot)
            .args(["--port", "0", "--json", "--data"])
            .arg(&self.data);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment.iter().cloned());
        command.stdin(Stdio::null());
        command
    }

    /// Starts the host; returns when it is ready.
    pub(crate) fn start(&self) -> Confab {
        fs::create_dir_all(&self.data).unwrap();
        let errors = self.data.join("stderr");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&errors)
            .unwrap();
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (told, events) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // A test that is over hears nothing more.
                drop(told.send(serde_json::from_str(&line).unwrap_or_default()));
            }
        });
        let mut confab = Confab {
            child,
            port: 0,
            events: Mutex::new(events),
            errors,
        };
        confab.port = confab.event("ready")["port"]
            .as_u64()
            .unwrap()
            .try_into()
            .unwrap();
        confab
    }

    /// Runs a host that is expected to give up at once; gives how it ended and what it said.
    pub(crate) fn fail(&self) -> (ExitStatus, String) {
        let output = self.command().output().unwrap();
        (
            output.status,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

impl Confab {
    /// Ends the process as a power cut would: nothing of it runs any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the event `name` on stdout.
    pub(crate) fn event(&self, name: &str) -> Value {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match events.recv_timeout(PATIENCE) {
                Ok(event) if event["event"] == name => return event,
                Ok(_) => {}
                Err(_) => panic!("confab did not tell `{name}`: {}", self.errors()),
            }
        }
    }

    /// What it wrote to stderr.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(&self.errors).unwrap()
    }

    pub(crate) fn client(&self, bot: &str) -> Client {
        Client::new(self.port, bot)
    }
}

impl Drop for Confab {
    fn drop(&mut self) {
        // A process that is gone already cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary `name` beside this test's own.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace --bins` first",
        path.display()
    );
    path
}

/// A new folder that holds `files`, by path.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The bot in `examples`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}
