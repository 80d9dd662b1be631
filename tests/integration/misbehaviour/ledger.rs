//! Day budgets under many calls at once, on the real store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::budget::{Budget, Fund, Leave, Ledger};
use engine::document::Documents;
use engine::message::Channel;
use engine::model::Usage;
use engine::runtime::simulated::Simulation;
use engine::session::Sessions;

use super::world::{key, open};

/// What was really spent, what might be spent by the calls under way, and how many calls there were.
#[derive(Default)]
struct Spent {
    settled: u64,
    open: u64,
    granted: u64,
    refused: u64,
}

fn money(micro_dollars: u64) -> Usage {
    Usage {
        micro_dollars,
        ..Usage::default()
    }
}

#[test]
fn a_thousand_calls_at_once_never_overspend_and_settle_exactly() {
    const LIMIT: u64 = 900_000;
    const TENANT: u64 = 1_500_000;
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let mut simulation = Simulation::new(seed);
        let (store, _disk) = open(&simulation, folder.path());
        let runtime = simulation.runtime();
        let budget = Budget {
            day_money: Some(LIMIT),
            tenant_day_money: Some(TENANT),
            ..Budget::default()
        };
        let funds = Fund::of(&budget, &key(Channel::Web, "dana"), runtime.now());
        let funds = Arc::new(funds);
        // Three processes on one store.
        let ledgers = [(); 3].map(|()| Arc::new(Ledger::new(store.clone())));
        let spent = Arc::new(Mutex::new(Spent::default()));
        for number in 0..1000 {
            let (runtime, ledger) = (runtime.clone(), Arc::clone(&ledgers[number % 3]));
            let (funds, spent) = (Arc::clone(&funds), Arc::clone(&spent));
            simulation.runtime().spawn(async move {
                let draw = |upto: u64| runtime.entropy.next_u64() % upto;
                let pause = |upto| runtime.clock.sleep(Duration::from_millis(draw(upto)));
                pause(5000).await;
                let most = draw(5000) + 1;
                if matches!(
                    ledger.reserve(&funds, money(most)).await.unwrap(),
                    Leave::Refused(_)
                ) {
                    spent.lock().unwrap().refused += 1;
                    return;
                }
                {
                    let mut spent = spent.lock().unwrap();
                    spent.granted += 1;
                    spent.open += most;
                    assert!(
                        spent.settled + spent.open <= LIMIT,
                        "seed {seed}: more may be spent than the day has"
                    );
                }
                pause(3000).await;
                let actual = draw(most + 1);
                ledger.settle(&funds, money(most), money(actual));
                let mut spent = spent.lock().unwrap();
                spent.open -= most;
                spent.settled += actual;
            });
        }
        simulation.run_for(Duration::from_secs(60));
        let spent = spent.lock().unwrap();
        assert_eq!((spent.granted + spent.refused, spent.open), (1000, 0));
        assert!(
            spent.granted > 300 && spent.refused > 100,
            "seed {seed}: {} were granted, {} refused: too easy",
            spent.granted,
            spent.refused
        );
        for fund in &*funds {
            let unspent: i64 = ledgers.iter().map(|ledger| ledger.unspent(fund)).sum();
            let (store, counter) = (store.clone(), fund.counter().clone());
            let counted = simulation
                .block_on(async move { store.count(&counter, 0, i64::MAX, None).await.unwrap() });
            assert_eq!(
                counted.unwrap() - unspent,
                i64::try_from(spent.settled).unwrap(),
                "seed {seed}: {fund}"
            );
        }
    }
}

#[test]
fn what_a_dead_process_had_set_aside_stays_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = Simulation::new(3);
    let budget = Budget {
        day_money: Some(1000),
        ..Budget::default()
    };
    let now = simulation.runtime().now();
    let funds = Arc::new(Fund::of(&budget, &key(Channel::Web, "dana"), now));
    let mut granted = 0;
    for _ in 0..5 {
        let (store, disk) = open(&simulation, folder.path());
        let ledger = Ledger::new(store.clone());
        let funds = Arc::clone(&funds);
        let leave = simulation.block_on(async move {
            let leave = ledger.reserve(&funds, money(300)).await.unwrap();
            store.durable().await.unwrap();
            leave
        });
        granted += u64::from(leave == Leave::Counted);
        disk.cut();
        simulation.crash();
        disk.restore(&folder.path().join("db")).unwrap();
    }
    assert_eq!(granted, 3);
}

#[test]
fn every_day_has_its_own_budget() {
    let folder = tempfile::tempdir().unwrap();
    let mut simulation = Simulation::new(4);
    let (store, _disk) = open(&simulation, folder.path());
    let runtime = simulation.runtime();
    let leaves = simulation.block_on(async move {
        let budget = Budget {
            day_tokens: Some(10),
            ..Budget::default()
        };
        let ledger = Ledger::new(store);
        let tokens = Usage {
            input_tokens: 6,
            output_tokens: 4,
            ..Usage::default()
        };
        let mut leaves = Vec::new();
        for _ in 0..2 {
            let funds = Fund::of(&budget, &key(Channel::Web, "dana"), runtime.now());
            for _ in 0..2 {
                let leave = ledger.reserve(&funds, tokens).await.unwrap();
                leaves.push(leave == Leave::Counted);
            }
            runtime.clock.sleep(Duration::from_secs(24 * 3600)).await;
        }
        leaves
    });
    assert_eq!(leaves, [true, false, true, false]);
}
