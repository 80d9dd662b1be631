//! Sessions that talk to a host: one after the other's reply, at a given rate, or without waiting.

use std::fmt::Write as _;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::http::{Answer, Connection};

/// Turns of one conversation; then the next one begins on the same connection.
const CONVERSATION: u64 = 20;
/// Connections that fill a host with waiting turns.
pub(crate) const POSTERS: usize = 64;

const BODY: &str = r#"{"text":"Is anybody there?"}"#;

/// How long each turn took.
#[derive(Default)]
pub(crate) struct Measured {
    /// In an open loop from the moment the turn was due, so that a late start is not hidden.
    pub(crate) times: Vec<Duration>,
    /// How late the turns of an open loop were begun: what the generator itself added.
    pub(crate) lags: Vec<Duration>,
}

/// A turn of an open loop that has its reply.
struct Spoken {
    speaker: Speaker,
    lag: Duration,
    took: Duration,
}

/// The time below which the share `rank` of `times` is.
pub(crate) fn percentile(times: &mut [Duration], rank: f64) -> Duration {
    times.sort_unstable();
    let at = (times.len() as f64 * rank) as usize;
    times.get(at).or(times.last()).copied().unwrap_or_default()
}

/// One contact with a connection of its own.
struct Speaker {
    connection: Connection,
    name: String,
    conversation: u64,
    turn: u64,
    post: String,
    get: String,
}

impl Speaker {
    async fn open(port: u16, name: String) -> io::Result<Self> {
        let connection = Connection::open(port).await?;
        Ok(Self {
            connection,
            name,
            conversation: 0,
            turn: CONVERSATION,
            post: String::new(),
            get: String::new(),
        })
    }

    /// Posts a message and reads the reply to it; gives the time between.
    async fn turn(&mut self) -> io::Result<Duration> {
        if self.turn == CONVERSATION {
            self.turn = 0;
            self.conversation += 1;
            self.post = post(&format!("{}-{}", self.name, self.conversation));
        }
        self.turn += 1;
        // A conversation of one message per turn has its replies at the even places.
        let after = 2 * self.turn - 1;
        self.get.clear();
        let (name, conversation) = (&self.name, self.conversation);
        let written = write!(
            self.get,
            "GET /v1/local/bench/sessions/{name}-{conversation}/messages?after={after}&wait=25 HTTP/1.1\r\n\
             host: localhost\r\n\r\n"
        );
        written.map_err(io::Error::other)?;
        let begun = Instant::now();
        self.connection.send(self.post.as_bytes()).await?;
        expect(self.connection.answer().await?, 202, b"\"accepted\"")?;
        self.connection.send(self.get.as_bytes()).await?;
        expect(self.connection.answer().await?, 200, b"\"assistant\"")?;
        Ok(begun.elapsed())
    }
}

fn post(session: &str) -> String {
    format!(
        "POST /v1/local/bench/sessions/{session}/messages HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    )
}

/// The body of an answer that is as it should be.
pub(crate) fn expect<'a>(answer: Answer<'a>, status: u16, word: &[u8]) -> io::Result<&'a [u8]> {
    let says = |body: &[u8]| word.is_empty() || body.windows(word.len()).any(|bytes| bytes == word);
    if answer.status == status && says(answer.body) {
        return Ok(answer.body);
    }
    let text = [answer.head, answer.body].concat();
    Err(io::Error::other(format!(
        "the host answered: {}",
        String::from_utf8_lossy(&text)
    )))
}

/// `sessions` at once, each posting as soon as it has its reply, for as long as `time`.
pub(crate) async fn turns_in_a_row(
    port: u16,
    sessions: usize,
    time: Duration,
) -> io::Result<Measured> {
    let mut speaking = JoinSet::new();
    let run = fresh();
    let end = Instant::now() + time;
    for session in 0..sessions {
        speaking.spawn(async move {
            let mut speaker = Speaker::open(port, format!("closed-{run}-{session}")).await?;
            let mut times = Vec::new();
            while Instant::now() < end {
                times.push(speaker.turn().await?);
            }
            io::Result::Ok(times)
        });
    }
    let mut measured = Measured::default();
    while let Some(done) = speaking.join_next().await {
        measured.times.extend(done.map_err(io::Error::other)??);
    }
    Ok(measured)
}

/// `rate` turns a second at even distances, however long each takes, for as long as `time`.
pub(crate) async fn open_loop(port: u16, rate: f64, time: Duration) -> io::Result<Measured> {
    let run = fresh();
    let mut due = pace(rate, time);
    let (done, mut finished) = mpsc::unbounded_channel::<io::Result<Spoken>>();
    let (mut idle, mut opened, mut speaking) = (Vec::new(), 0, 0);
    let mut measured = Measured::default();
    let mut is_over = false;
    while !is_over || speaking > 0 {
        tokio::select! {
            tick = due.recv(), if !is_over => {
                let Some(due) = tick else {
                    is_over = true;
                    continue;
                };
                let speaker = match idle.pop() {
                    Some(speaker) => Some(speaker),
                    None => {
                        opened += 1;
                        None
                    }
                };
                let (done, name) = (done.clone(), format!("open-{run}-{opened}"));
                speaking += 1;
                tokio::spawn(async move {
                    // Nobody waits any more once another turn has failed.
                    drop(done.send(speak(speaker, port, name, due).await));
                });
            }
            Some(turn) = finished.recv() => {
                let Spoken { speaker, lag, took } = turn?;
                speaking -= 1;
                measured.times.push(took);
                measured.lags.push(lag);
                idle.push(speaker);
            }
        }
    }
    Ok(measured)
}

async fn speak(
    speaker: Option<Speaker>,
    port: u16,
    name: String,
    due: Instant,
) -> io::Result<Spoken> {
    let lag = due.elapsed();
    let mut speaker = match speaker {
        Some(speaker) => speaker,
        None => Speaker::open(port, name).await?,
    };
    speaker.turn().await?;
    let took = due.elapsed();
    Ok(Spoken { speaker, lag, took })
}

/// The moments at which turns are due, from a thread: timers of the runtime are too coarse.
fn pace(rate: f64, time: Duration) -> mpsc::UnboundedReceiver<Instant> {
    let (tick, ticks) = mpsc::unbounded_channel();
    let begun = Instant::now();
    thread::spawn(move || {
        for number in 0_u32.. {
            let due = Duration::from_secs_f64(f64::from(number) / rate);
            thread::sleep(due.saturating_sub(begun.elapsed()));
            if due > time || tick.send(begun + due).is_err() {
                return;
            }
        }
    });
    ticks
}

/// One message in each of `sessions` sessions; nobody reads the replies.
pub(crate) async fn crowd(port: u16, sessions: usize) -> io::Result<()> {
    let mut posting = JoinSet::new();
    for poster in 0..POSTERS {
        posting.spawn(async move {
            let mut connection = Connection::open(port).await?;
            for session in (poster..sessions).step_by(POSTERS) {
                connection
                    .send(post(&format!("crowd-{session}")).as_bytes())
                    .await?;
                expect(connection.answer().await?, 202, b"\"accepted\"")?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(done) = posting.join_next().await {
        done.map_err(io::Error::other)??;
    }
    Ok(())
}

/// A number that no other run against the same host has.
fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
