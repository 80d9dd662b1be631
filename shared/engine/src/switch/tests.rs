use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{PROMISE, Switches};
use crate::document::{Document, DocumentKey, Documents, Topic};
use crate::error::Error;
use crate::runtime::Time;
use crate::runtime::simulated::Simulation;

/// Keeps one document.
#[derive(Default)]
struct One(Mutex<Option<Value>>);

#[async_trait]
impl Documents for One {
    async fn read(&self, key: &DocumentKey) -> Result<Option<Document>, Error> {
        let body = self.0.lock().unwrap().clone();
        Ok(body.map(|body| Document {
            id: key.id.clone(),
            body,
            version: 1,
        }))
    }

    async fn save(
        &self,
        _: &DocumentKey,
        _: u64,
        body: Value,
        _: Option<Time>,
    ) -> Result<bool, Error> {
        *self.0.lock().unwrap() = Some(body);
        Ok(true)
    }

    async fn remove(&self, _: &DocumentKey, _: u64) -> Result<bool, Error> {
        unreachable!()
    }

    async fn list(&self, _: &str, _: Topic, _: &str, _: usize) -> Result<Vec<Document>, Error> {
        unreachable!()
    }

    async fn count(
        &self,
        _: &DocumentKey,
        _: i64,
        _: i64,
        _: Option<Time>,
    ) -> Result<Option<i64>, Error> {
        unreachable!()
    }
}

#[test]
fn a_stop_is_known_everywhere_when_it_is_as_old_as_is_promised() {
    // However fresh what a process knows was when another process wrote the stop.
    for age in (0..=1500).step_by(100).map(Duration::from_millis) {
        let mut simulation = Simulation::new(1);
        let (runtime, documents) = (simulation.runtime(), Arc::new(One::default()));
        simulation.block_on(async move {
            let here = Switches::new(runtime.clone(), documents.clone());
            let other = Switches::new(runtime.clone(), documents);
            let knows = async || here.of("local").await.unwrap().stopped("shop").is_some();
            assert!(!knows().await);
            runtime.clock.sleep(age).await;
            let stop = other.stop("local", Some("shop"), "kim", "it went mad");
            stop.await.unwrap();
            runtime.clock.sleep(PROMISE).await;
            assert!(knows().await, "it was {age:?} old at the stop");
        });
    }
}
