//! A network that loses answers and a table that throttles, between the stores and an emulator of AWS.
//!
//! A lost answer may hide a write that was made. Everything is tried again, so whoever asks must know its
//! own effect when it meets it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws::Store;
use engine::approval::Desk;
use engine::bot::{Bot, MemoryFiles};
use engine::brain::{Brain, Conclusion, Context, Thought};
use engine::budget::Ledger;
use engine::bus::{Herald, NoBus};
use engine::error::Error;
use engine::goal::{Goals, Unreached};
use engine::message::Channel;
use engine::model::{ChatMessage, Deltas};
use engine::session::{SessionKey, Sessions};
use engine::switch::Switches;
use engine::transcript::Verdict;
use engine::turn::{
    Accept, Bots, Crew, Deliver, DeliverOutput, Intake, Receipt, Run, RunInput, RunOutput, Settler,
    Staff, Timing, TurnStart, Turns,
};
use engine::view::{MessageVerdict, View};
use futures::future::join_all;
use ground::tokio_runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::asked::is_whole;
use crate::http::Connection;
use crate::ministack::MiniStack;
use crate::nobody::Nobody;

const TABLE: &str = "lossy";
/// Of so many requests one is answered to nobody, and one is refused before it is made; each at most twice,
/// as the SDK tries four times.
const EVERY: usize = 5;
const MOST: usize = 2;

/// How often requests with this body came, and how many came in all.
#[derive(Default)]
struct Seen(Mutex<(HashMap<Vec<u8>, usize>, usize)>);

#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    Throttled,
    Lost,
}

impl Seen {
    fn fate(&self, request: &[u8]) -> Fate {
        let body = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let mut seen = self.0.lock().unwrap();
        seen.1 += 1;
        let number = seen.1;
        let failed = seen.0.entry(request[body.unwrap()..].to_vec()).or_default();
        let fate = match number % EVERY {
            1 => Fate::Throttled,
            3 => Fate::Lost,
            _ => Fate::Answered,
        };
        if fate == Fate::Answered || *failed >= MOST {
            return Fate::Answered;
        }
        *failed += 1;
        fate
    }
}

/// Passes requests on to `port`, but for those that the network loses.
async fn lose_answers(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen::default());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move { drop(pass_on(stream, port, &seen).await) });
        }
    });
    here
}

async fn pass_on(mut stream: TcpStream, port: u16, seen: &Seen) -> std::io::Result<()> {
    const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#;
    let mut received = Vec::new();
    loop {
        while !is_whole(&received) {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        let fate = seen.fate(&received);
        if fate == Fate::Throttled {
            let length = THROTTLED.len();
            let head = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {length}\r\n\r\n");
            stream
                .write_all(format!("{head}{THROTTLED}").as_bytes())
                .await?;
            received.clear();
            continue;
        }
        let mut there = Connection::open(port).await?;
        there.send(&received).await?;
        let answer = there.answer().await?;
        if fate == Fate::Lost {
            return Ok(());
        }
        stream
            .write_all(&[answer.head, answer.body].concat())
            .await?;
        received.clear();
    }
}

/// Says what it was told.
struct Echo(Arc<Bot>);

#[async_trait]
impl Brain for Echo {
    async fn think(&self, context: Context<'_>, _: &mut dyn Deltas) -> Thought {
        let said = context
            .conversation
            .iter()
            .rev()
            .find_map(|message| match message {
                ChatMessage::User { text } => Some(text.clone()),
                _ => None,
            });
        Thought {
            conclusion: Conclusion::Reply(said.unwrap_or_default()),
            model_calls: Vec::new(),
        }
    }
}

#[async_trait]
impl Bots for Echo {
    async fn find(&self, _: &str, _: &str) -> Result<Arc<Bot>, Error> {
        Ok(self.0.clone())
    }
}

#[async_trait]
impl Crew for Echo {
    async fn staff(&self, _: &str, _: &str) -> Result<Staff, Error> {
        let (bot, brain) = (self.0.clone(), Arc::new(Self(self.0.clone())));
        Ok(Staff { bot, brain })
    }
}

struct Queue(mpsc::UnboundedSender<TurnStart>);

#[async_trait]
impl Turns for Queue {
    async fn start(&self, turn: TurnStart) -> Result<(), Error> {
        self.0.send(turn).unwrap();
        Ok(())
    }
}

/// The functions of a turn, in the order of the state machine.
#[derive(Clone)]
struct Machine {
    run: Run,
    deliver: Deliver,
}

impl Machine {
    async fn carry_out(self, start: TurnStart) {
        let mut input = RunInput {
            start,
            turn: None,
            previous: None,
            waited: 0,
            retries: 0,
        };
        while let RunOutput::Deliver(parcel) = self.run.handle(input).await.unwrap() {
            match self.deliver.handle(parcel).await.unwrap() {
                DeliverOutput::Stop => return,
                DeliverOutput::Round {
                    start,
                    turn,
                    previous,
                } => {
                    input = RunInput {
                        start,
                        turn: Some(turn),
                        previous,
                        waited: 0,
                        retries: 0,
                    };
                }
            }
        }
    }
}

#[tokio::test]
async fn every_message_is_answered_once_though_answers_are_lost_and_writes_are_throttled() {
    let Some(ministack) = MiniStack::start() else {
        return;
    };
    crate::session_on_ministack::create_table(&ministack, TABLE);
    let port = lose_answers(ministack.port()).await;
    let cloud = MiniStack::cloud_at(port);
    let bodies = cloud.bodies("unused");
    let runtime = tokio_runtime();
    let store = Store::new(cloud.dynamodb(), TABLE.to_owned(), bodies, runtime.clone());
    let store = Arc::new(store);
    let bot = "format = 1\nname = \"shop\"\n[model]\nuse = \"scripted\"\n";
    let files = MemoryFiles::default()
        .with("bot.toml", bot)
        .with("script.toml", "format = 1\n[default]\ntext = \"unused\"\n")
        .with("SOUL.md", "# Echo\n");
    let echo = Arc::new(Echo(Arc::new(Bot::load(&files).unwrap().bot)));
    let timing = Timing::default();
    let (turns, mut started) = mpsc::unbounded_channel();
    let intake = Intake {
        accept: Accept {
            runtime: runtime.clone(),
            sessions: store.clone(),
            bots: echo.clone(),
            timing,
        },
        outcomes: store.clone(),
        turns: Arc::new(Queue(turns)),
    };
    let herald = Herald {
        bus: Arc::new(NoBus),
        view: View {
            sessions: store.clone(),
            transcripts: store.clone(),
            results: store.clone(),
            outcomes: store.clone(),
        },
    };
    let desk = Desk {
        runtime: runtime.clone(),
        documents: store.clone(),
        bots: echo.clone(),
        waits: Arc::new(Nobody),
    };
    let unreached = Unreached {
        goals: Goals::from(&desk),
        transcripts: store.clone(),
    };
    let machine = Machine {
        run: Run {
            runtime: runtime.clone(),
            sessions: store.clone(),
            transcripts: store.clone(),
            results: store.clone(),
            outcomes: store.clone(),
            spill: store.clone(),
            crew: echo.clone(),
            carriers: Arc::new(Nobody),
            desk,
            secrets: Arc::new(Nobody),
            ledger: Arc::new(Ledger::new(store.clone())),
            switches: Arc::new(Switches::new(runtime.clone(), store.clone())),
            events: Arc::new(Nobody),
            timing,
            herald: herald.clone(),
        },
        deliver: Deliver {
            settler: Settler {
                runtime,
                sessions: store.clone(),
                spill: store.clone(),
                timing,
                herald,
            },
            transcripts: store.clone(),
            outcomes: store.clone(),
            carriers: Arc::new(Nobody),
            events: Arc::new(Nobody),
            unreached,
        },
    };
    let keys: Vec<SessionKey> = (0..6)
        .map(|number| {
            SessionKey::new("local", "shop", Channel::Web, &format!("c{number}")).unwrap()
        })
        .collect();
    for message in 0..5 {
        let posts = keys
            .iter()
            .map(|key| intake.post(key, message_id(message), message_id(message)));
        for receipt in join_all(posts).await {
            // A lost answer to an acceptance makes its own retry a duplicate.
            assert!(matches!(
                receipt.unwrap(),
                Receipt::Accepted | Receipt::Duplicate
            ));
        }
        let mut running = Vec::new();
        while let Ok(turn) = started.try_recv() {
            running.push(machine.clone().carry_out(turn));
        }
        assert_eq!(
            running.len(),
            keys.len(),
            "a turn was not started, or twice"
        );
        join_all(running).await;
    }
    let view = View {
        sessions: store.clone(),
        transcripts: store.clone(),
        results: store.clone(),
        outcomes: store.clone(),
    };
    for key in &keys {
        let trace = view.trace(key).await.unwrap();
        let answered = MessageVerdict::Settled(Verdict::Answered);
        let verdicts: Vec<_> = trace
            .messages
            .iter()
            .map(|message| message.verdict)
            .collect();
        assert_eq!(verdicts, [answered; 5], "{key}");
        assert_eq!(trace.turns.len(), 5, "{key}");
        assert_eq!(
            store.load(key).await.unwrap().owner,
            None,
            "{key} is held by nobody"
        );
    }
}

fn message_id(number: usize) -> &'static str {
    ["m0", "m1", "m2", "m3", "m4"][number]
}
