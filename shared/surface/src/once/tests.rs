use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use engine::document::Document;
use engine::error::Error;
use engine::runtime::simulated::Simulation;
use http::Request;
use serde_json::{Value, json};

use super::*;

/// Documents that others see between any two steps.
struct Memory {
    kept: Mutex<BTreeMap<String, (u64, Value)>>,
    runtime: Runtime,
}

impl Memory {
    async fn others_go_first(&self) {
        let millis = self.runtime.entropy.next_u64() % 3;
        self.runtime
            .clock
            .sleep(Duration::from_millis(millis))
            .await;
    }
}

#[async_trait]
impl Documents for Memory {
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error> {
        self.others_go_first().await;
        let kept = self.kept.lock().unwrap();
        Ok(kept.get(&key.id).map(|(version, body)| Document {
            id: key.id.clone(),
            version: *version,
            body: body.clone(),
        }))
    }

    async fn save(
        &self,
        key: &DocumentKey,
        version: u64,
        body: Value,
        _expires: Option<Time>,
    ) -> Result<bool, Error> {
        self.others_go_first().await;
        let mut kept = self.kept.lock().unwrap();
        let fits = kept.get(&key.id).map_or(0, |(version, _)| *version) == version;
        if fits {
            kept.insert(key.id.clone(), (version + 1, body));
        }
        Ok(fits)
    }

    async fn remove(&self, key: &DocumentKey, version: u64) -> Result<bool, Error> {
        self.others_go_first().await;
        let mut kept = self.kept.lock().unwrap();
        let fits = kept
            .get(&key.id)
            .is_some_and(|(found, _)| *found == version);
        if fits {
            kept.remove(&key.id);
        }
        Ok(fits)
    }

    async fn list(
        &self,
        _tenant: &str,
        _topic: Topic,
        _after: &str,
        _limit: usize,
    ) -> Result<Vec<Document>, Error> {
        Ok(Vec::new())
    }

    async fn count(
        &self,
        _key: &DocumentKey,
        _by: i64,
        _at_most: i64,
        _expires: Option<Time>,
    ) -> Result<Option<i64>, Error> {
        Ok(None)
    }
}

/// A place where requests arrive, and how often their work was begun.
#[derive(Clone)]
struct Desk {
    once: Once,
    begun: Arc<Mutex<u64>>,
}

const PATH: &str = "/v1/local/shop/sessions/ada/replies";

impl Desk {
    fn new(simulation: &Simulation) -> Self {
        let runtime = simulation.runtime();
        let documents = Arc::new(Memory {
            kept: Mutex::default(),
            runtime: runtime.clone(),
        });
        Self {
            once: Once { documents, runtime },
            begun: Arc::default(),
        }
    }

    /// A request under the key `k`; its work takes a second. Gives the answer's body, or the problem's code.
    async fn ask(
        self,
        path: &'static str,
        body: &'static str,
        works: bool,
    ) -> Result<String, &'static str> {
        let request = Request::post(path).header("idempotency-key", "k");
        let (head, body) = request.body(body).unwrap().into_parts();
        let work = async {
            let number = {
                let mut begun = self.begun.lock().unwrap();
                *begun += 1;
                *begun
            };
            self.once.runtime.clock.sleep(Duration::from_secs(1)).await;
            match works {
                true => crate::response::json(StatusCode::OK, &json!(number)),
                false => Err(Problem::forbidden("not today")),
            }
        };
        let answer = self
            .once
            .answer("local", &head, body.as_bytes(), work)
            .await;
        let text = |answer: Response| String::from_utf8(answer.into_body()).unwrap();
        answer.map(text).map_err(|problem| problem.code())
    }
}

fn first() -> Result<String, &'static str> {
    Ok("1".to_owned())
}

#[test]
fn the_same_request_is_answered_alike_and_another_is_refused_until_the_answer_is_forgotten() {
    let mut simulation = Simulation::new(1);
    let desk = Desk::new(&simulation);
    let clock = simulation.runtime().clock;
    simulation.block_on(async move {
        let ask = |path, body| desk.clone().ask(path, body, true);
        assert_eq!(ask(PATH, "a").await, first());
        assert_eq!(ask(PATH, "a").await, first());
        assert_eq!(ask(PATH, "b").await, Err("key_reused"));
        assert_eq!(ask("/elsewhere", "a").await, Err("key_reused"));
        clock.sleep(Duration::from_secs(61)).await;
        assert_eq!(ask(PATH, "b").await, Ok("2".to_owned()));
    });
}

#[test]
fn a_failure_frees_the_key() {
    let mut simulation = Simulation::new(1);
    let desk = Desk::new(&simulation);
    simulation.block_on(async move {
        assert_eq!(desk.clone().ask(PATH, "a", false).await, Err("forbidden"));
        assert_eq!(desk.clone().ask(PATH, "b", true).await, Ok("2".to_owned()));
    });
}

#[test]
fn of_many_at_once_one_is_carried_out() {
    for seed in 0..200 {
        let mut simulation = Simulation::new(seed);
        let desk = Desk::new(&simulation);
        let asked = (0..4).map(|_| desk.clone().ask(PATH, "a", true));
        let answers = simulation.block_on(futures::future::join_all(asked.collect::<Vec<_>>()));
        assert_eq!(*desk.begun.lock().unwrap(), 1, "seed {seed}: {answers:?}");
        let others = answers
            .iter()
            .filter(|answer| **answer == Err("request_running"));
        assert_eq!(others.count(), 3, "seed {seed}: {answers:?}");
    }
}

#[test]
fn who_dies_in_between_holds_the_key_for_five_minutes() {
    let mut simulation = Simulation::new(1);
    let desk = Desk::new(&simulation);
    let runtime = simulation.runtime();
    simulation.block_on(async move {
        let ask = || desk.clone().ask(PATH, "a", true);
        let cut = runtime.timeout(Duration::from_millis(500), ask()).await;
        assert!(cut.is_err(), "the work was not cut off");
        assert_eq!(ask().await, Err("request_running"));
        runtime.clock.sleep(Duration::from_secs(290)).await;
        assert_eq!(ask().await, Err("request_running"));
        runtime.clock.sleep(Duration::from_secs(20)).await;
        assert_eq!(ask().await, Ok("2".to_owned()));
    });
}
