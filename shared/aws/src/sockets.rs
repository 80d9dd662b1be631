//! Events to the connections of a WebSocket API.
//!
//! A session's item names the connections that watch it, so every read of the session finds them and a
//! session that nobody watches costs nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::operation::post_to_connection::PostToConnectionError;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use engine::error::{Error, Kind};
use engine::event::{Event, Events};
use engine::runtime::Runtime;
use engine::session::SessionKey;
use futures::StreamExt;
use futures::channel::{mpsc, oneshot};
use futures::future::join_all;

mod connections;

pub use connections::Connection;

/// Tells watchers in the background, in order.
pub struct Sockets {
    watched: Mutex<Watched>,
    queue: mpsc::UnboundedSender<Job>,
}

/// Who watches the session that this invocation works on.
#[derive(Default)]
struct Watched {
    session: Option<SessionKey>,
    connections: BTreeSet<String>,
}

enum Job {
    Tell(Event, Vec<String>),
    /// Sends one connection a frame of its own.
    Answer(String, Vec<u8>),
    /// Says which connections were found gone, once all before is done.
    Flush(oneshot::Sender<BTreeSet<String>>),
}

impl Sockets {
    /// Tells the connections that `client` speaks with.
    #[must_use]
    pub fn new(client: Client, runtime: &Runtime) -> Self {
        let (queue, jobs) = mpsc::unbounded();
        runtime.spawn(work(client, jobs));
        Self {
            watched: Mutex::default(),
            queue,
        }
    }

    /// The session is watched by these, as its item says.
    pub(crate) fn watched_by(&self, key: &SessionKey, connections: &BTreeSet<String>) {
        *self.watched() = Watched {
            session: Some(key.clone()),
            connections: connections.clone(),
        };
    }

    /// Sends `frame` to one connection.
    ///
    /// # Errors
    /// When events are told no more.
    pub async fn answer(&self, connection: &str, frame: Vec<u8>) -> Result<(), Error> {
        let job = Job::Answer(connection.to_owned(), frame);
        drop(self.queue.unbounded_send(job));
        self.flush().await.map(drop)
    }

    /// Waits until everything published is told; gives the connections that are gone.
    pub(crate) async fn flush(&self) -> Result<BTreeSet<String>, Error> {
        let (done, told) = oneshot::channel();
        let stopped = || Error::new(Kind::Internal, "events are told no more");
        self.queue
            .unbounded_send(Job::Flush(done))
            .map_err(|_| stopped())?;
        told.await.map_err(|_| stopped())
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events for Sockets {
    fn is_watched(&self, key: &SessionKey) -> bool {
        let watched = self.watched();
        watched.session.as_ref() == Some(key) && !watched.connections.is_empty()
    }

    fn publish(&self, key: &SessionKey, event: Event) {
        if !self.is_watched(key) {
            return;
        }
        let connections = self.watched().connections.iter().cloned().collect();
        // Nobody works on the queue any more only when the process ends.
        drop(self.queue.unbounded_send(Job::Tell(event, connections)));
    }
}

/// Posts events one after another; what piled up of a growing text goes out in one piece.
async fn work(client: Client, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut gone = BTreeSet::new();
    let mut next = jobs.next().await;
    while let Some(job) = next.take() {
        match job {
            Job::Answer(id, frame) => gone.extend(post(&client, id, frame).await),
            Job::Flush(done) => drop(done.send(std::mem::take(&mut gone))),
            Job::Tell(mut event, connections) => {
                while let Ok(following) = jobs.try_recv() {
                    if let Some(other) = append(&mut event, following) {
                        next = Some(other);
                        break;
                    }
                }
                let open = connections.into_iter().filter(|id| !gone.contains(id));
                let frame = serde_json::to_vec(&event).unwrap_or_default();
                let posts = open.map(|id| post(&client, id, frame.clone()));
                gone.extend(join_all(posts).await.into_iter().flatten());
            }
        }
        if next.is_none() {
            next = jobs.next().await;
        }
    }
}

/// Adds the text that `job` brings to the text of `event`, or gives the job back.
fn append(event: &mut Event, job: Job) -> Option<Job> {
    match (event, job) {
        (
            Event::TextDelta { turn, text },
            Job::Tell(
                Event::TextDelta {
                    turn: same,
                    text: more,
                },
                _,
            ),
        ) if *turn == same => {
            text.push_str(&more);
            None
        }
        (_, job) => Some(job),
    }
}

/// Posts `frame`; gives the connection if it is gone.
async fn post(client: &Client, id: String, frame: Vec<u8>) -> Option<String> {
    let post = client.post_to_connection().connection_id(&id);
    let posted = post.data(Blob::new(frame)).send().await;
    match posted.map_err(aws_sdk_apigatewaymanagement::error::SdkError::into_service_error) {
        Ok(_) => None,
        Err(PostToConnectionError::GoneException(_)) => Some(id),
        Err(error) => {
            let error = Error::new(Kind::Unavailable, "an event could not be told").because(error);
            tracing::warn!(error = %error.chain(), "a watcher missed an event");
            None
        }
    }
}
