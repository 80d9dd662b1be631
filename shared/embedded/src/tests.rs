use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl::runner::{FunctionError, Functions, Place, Runner};
use asl::{Kind, Outcome, StateMachine};
use async_trait::async_trait;
use engine::runtime::simulated::Simulation;
use engine::runtime::{Runtime, Time};
use engine::session::{Applied, Command, Origin, OwnerId, Pending, SessionKey, Sessions};
use engine::transcript::{Outcomes, Settlement, Verdict};
use futures::FutureExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{FlushTask, Store, VolatileDisk};

/// A store on a disk whose power can be cut.
struct Machine {
    simulation: Simulation,
    folder: TempDir,
    disk: Arc<VolatileDisk>,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(VolatileDisk::new(folder.path().join("synced")));
        Self {
            simulation: Simulation::new(seed),
            folder,
            disk,
        }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("confab.db")
    }

    fn open(&self) -> Arc<Store> {
        let flush = FlushTask::new(self.simulation.runtime(), Duration::from_millis(5));
        Store::open(&self.database(), self.disk.clone(), Arc::new(flush)).unwrap()
    }

    /// Loses what was not synced; `store` must be the only handle.
    fn cut_power(&mut self, store: Arc<Store>) {
        self.disk.cut();
        self.simulation.crash();
        assert_eq!(
            Arc::strong_count(&store),
            1,
            "somebody still uses the store"
        );
        drop(store);
        self.disk.restore(&self.database()).unwrap();
        self.disk = Arc::new(VolatileDisk::new(self.folder.path().join("synced")));
    }
}

fn key() -> SessionKey {
    "local/shop/web:ada".parse().unwrap()
}

fn accept(id: &str) -> Command {
    Command::Accept {
        message: Pending {
            id: id.to_owned(),
            text: "hello".to_owned(),
            at: Time(0),
            origin: Origin::Contact,
        },
        owner: OwnerId::of_message(id),
        until: Time(1000),
        inbox_limit: 10,
    }
}

#[test]
fn what_is_durable_survives_a_power_cut_and_the_rest_goes_as_a_whole() {
    for seed in 0..20 {
        let mut machine = Machine::new(seed);
        let store = machine.open();
        let user = Arc::clone(&store);
        machine.simulation.block_on(async move {
            user.apply(&key(), accept("kept")).await.unwrap();
            user.durable().await.unwrap();
            user.apply(&key(), accept("lost")).await.unwrap();
        });
        machine.cut_power(store);
        let store = machine.open();
        let session = machine
            .simulation
            .block_on(async move { store.load(&key()).await.unwrap() });
        let ids: Vec<&str> = session
            .inbox
            .iter()
            .map(|message| message.id.as_str())
            .collect();
        assert_eq!(ids, ["kept"], "seed {seed}");
    }
}

#[test]
fn a_restarted_store_knows_which_sessions_are_held() {
    let mut machine = Machine::new(1);
    let store = machine.open();
    let user = Arc::clone(&store);
    machine.simulation.block_on(async move {
        let applied = user.apply(&key(), accept("one")).await.unwrap();
        assert!(matches!(applied, Applied::Done(_)));
        user.durable().await.unwrap();
    });
    machine.cut_power(store);
    let store = machine.open();
    let held = machine.simulation.block_on(async move {
        let early = store.expired(Time(1000), 10).await.unwrap();
        (early, store.expired(Time(1001), 10).await.unwrap())
    });
    assert_eq!(held, (Vec::new(), vec![key()]));
}

/// Functions that note their calls and pass tokens out.
#[derive(Default)]
struct Notebook(Mutex<Vec<String>>, Mutex<Option<String>>);

#[async_trait]
impl Functions for Notebook {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, FunctionError> {
        self.0.lock().unwrap().push(function.to_owned());
        if let Some(token) = payload["token"].as_str() {
            *self.1.lock().unwrap() = Some(token.to_owned());
        }
        Ok(json!({"from": function}))
    }
}

fn runner(runtime: Runtime, store: &Arc<Store>, notebook: &Arc<Notebook>) -> Runner {
    let machine = json!({
        "QueryLanguage": "JSONata",
        "StartAt": "First",
        "States": {
            "First": {"Type": "Task", "Resource": "arn:aws:lambda:local:000000000000:function:first", "Next": "Pause"},
            "Pause": {"Type": "Wait", "Seconds": 60, "Next": "Ask"},
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Arguments": {"FunctionName": "ask", "Payload": {"token": "{% $states.context.Task.Token %}"}},
                "Next": "Last",
            },
            "Last": {"Type": "Task", "Resource": "arn:aws:lambda:local:000000000000:function:last", "End": true},
        },
    });
    let machine = StateMachine::parse(&machine.to_string(), Kind::Standard).unwrap();
    let runner = Runner::new(runtime, notebook.clone(), store.clone(), Place::default());
    runner.register("errand", Arc::new(machine));
    runner
}

#[test]
fn a_standard_execution_goes_on_after_every_power_cut_and_repeats_no_finished_step() {
    let mut machine = Machine::new(3);
    let notebook = Arc::new(Notebook::default());
    let store = machine.open();
    let errand = runner(machine.simulation.runtime(), &store, &notebook);
    let starter = errand.clone();
    let id = machine.simulation.block_on(async move {
        starter
            .start("errand", Some("one"), json!({}))
            .await
            .unwrap()
    });
    machine.simulation.run_for(Duration::from_secs(30));
    drop(errand);
    machine.cut_power(store);

    let store = machine.open();
    let errand = runner(machine.simulation.runtime(), &store, &notebook);
    let starter = errand.clone();
    machine
        .simulation
        .block_on(async move { starter.recover().await.unwrap() });
    machine.simulation.run_for(Duration::from_secs(120));
    let token = notebook
        .1
        .lock()
        .unwrap()
        .clone()
        .expect("the token was not passed out");
    drop(errand);
    machine.cut_power(store);

    let store = machine.open();
    let errand = runner(machine.simulation.runtime(), &store, &notebook);
    let outcome = machine.simulation.block_on(async move {
        errand.recover().await.unwrap();
        errand
            .send_task_success(&token, json!("yes"))
            .await
            .unwrap();
        errand.outcome(&id).await.unwrap()
    });
    assert!(
        matches!(outcome, Some(Outcome::Succeeded(_))),
        "{outcome:?}"
    );
    let calls: Vec<String> = notebook
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|call| call.rsplit(':').next().unwrap().to_owned())
        .collect();
    assert_eq!(calls, ["first", "ask", "last"]);
}

#[test]
fn a_session_is_durable_without_waiting_for_others() {
    let mut machine = Machine::new(5);
    let store = machine.open();
    let other: SessionKey = "local/shop/web:bob".parse().unwrap();
    machine.simulation.block_on(async move {
        store.apply(&key(), accept("one")).await.unwrap();
        store.durable().await.unwrap();
        store.apply(&other, accept("two")).await.unwrap();
        assert!(store.durable_of(&key()).now_or_never().is_some());
        assert!(store.durable_of(&other).now_or_never().is_none());
        store.durable_of(&other).await.unwrap();
        assert!(store.durable_of(&other).now_or_never().is_some());
    });
}

#[test]
fn a_session_is_durable_with_its_outcomes() {
    let mut machine = Machine::new(6);
    let store = machine.open();
    machine.simulation.block_on(async move {
        store.apply(&key(), accept("one")).await.unwrap();
        store.durable().await.unwrap();
        let settlement = Settlement {
            verdict: Verdict::Failed,
            reason: "no model answers".to_owned(),
            at: Time(0),
        };
        store.settle(&key(), 1, settlement).await.unwrap();
        assert!(store.durable_of(&key()).now_or_never().is_none());
        store.durable_of(&key()).await.unwrap();
    });
}
