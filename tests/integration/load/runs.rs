//! Runs of workflows: each started as soon as the last has ended, or waiting for a person.

use std::io;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::loops::{Measured, POSTERS, expect};

/// What a bot with these workflows has besides its own files.
pub(crate) const FILES: [(&str, &str); 5] = [
    ("orders.csv", "order,state\nA1,sent\n"),
    (
        "people.toml",
        "format = 1\n[people.ann]\nroles = [\"manager\"]\n",
    ),
    ("tools/look_up.toml", LOOK_UP),
    ("workflows/three.yaml", THREE),
    ("workflows/question.yaml", QUESTION),
];
const LOOK_UP: &str = r#"
format = 1
description = "Looks up an order."
kind = "table"
[parameters]
type = "object"
required = ["order"]
properties.order = { type = "string", description = "Its number." }
[table]
file = "orders.csv"
match = ["order"]
"#;
const THREE: &str = r#"
description: Three calls of a tool.
outputs: {state: "${ $steps.third.rows[0].state }"}
steps:
  first: {tool: look_up, with: {order: A1}}
  second: {tool: look_up, with: {order: "${ $steps.first.rows[0].order }"}}
  third: {tool: look_up, with: {order: "${ $steps.second.rows[0].order }"}}
"#;
const QUESTION: &str = r"
description: Waits for a yes.
steps:
  ask: {approve: May it be done?, role: manager, expires: 1d}
";

/// A client on a connection of its own.
struct Starter(Connection);

impl Starter {
    async fn open(port: u16) -> io::Result<Self> {
        Ok(Self(Connection::open(port).await?))
    }

    /// Starts a run; gives its id.
    async fn start(&mut self, workflow: &str) -> io::Result<String> {
        let post = format!(
            "POST /v1/local/workflows/{workflow}/runs HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        self.0.send(post.as_bytes()).await?;
        let body = expect(self.0.answer().await?, 202, b"\"id\"")?;
        let started: Value = serde_json::from_slice(body)?;
        Ok(started["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn get(&mut self, path: &str, word: &[u8]) -> io::Result<&[u8]> {
        let get = format!("GET /v1/local/{path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.send(get.as_bytes()).await?;
        expect(self.0.answer().await?, 200, word)
    }
}

/// `at_once` clients that start runs of three steps one after the other's end, for as long as `time`. A run takes from
/// its POST until its record can be read.
pub(crate) async fn runs_in_a_row(
    port: u16,
    at_once: usize,
    time: Duration,
) -> io::Result<Measured> {
    let mut running = JoinSet::new();
    let end = Instant::now() + time;
    for _ in 0..at_once {
        running.spawn(async move {
            let mut starter = Starter::open(port).await?;
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                let run = starter.start("three").await?;
                let path = format!("runs/{run}?wait=25");
                starter.get(&path, b"\"status\":\"succeeded\"").await?;
                times.push(begun.elapsed());
            }
            io::Result::Ok(times)
        });
    }
    let mut measured = Measured::default();
    while let Some(done) = running.join_next().await {
        measured.times.extend(done.map_err(io::Error::other)??);
    }
    Ok(measured)
}

/// Starts `runs` runs that ask a person, and returns when each has asked.
pub(crate) async fn questions(port: u16, runs: usize) -> io::Result<()> {
    let mut starting = JoinSet::new();
    for starter in 0..POSTERS {
        starting.spawn(async move {
            let runs = (starter..runs).step_by(POSTERS);
            let mut starter = Starter::open(port).await?;
            for _ in runs {
                starter.start("question").await?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(done) = starting.join_next().await {
        done.map_err(io::Error::other)??;
    }
    let mut reader = Starter::open(port).await?;
    loop {
        let listed: Value = serde_json::from_slice(reader.get("approvals", b"").await?)?;
        if listed["approvals"].as_array().map_or(0, Vec::len) == runs {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
