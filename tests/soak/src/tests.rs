use super::*;

/// How many worlds `cargo test` lives.
const SEEDS: u64 = 2000;

/// What must have happened at least so often in a hundred worlds, or they are too kind.
const OFTEN: [(&str, u64); 28] = [
    ("power cut", 100),
    ("power cut as a person decided", 2),
    ("power cut as an operator stopped the bot", 1),
    ("delivered again", 1000),
    ("a person took over", 50),
    ("a person decided", 50),
    ("a person decided in a chat", 20),
    ("a decision was refused", 10),
    ("a no", 10),
    ("a question that ran out", 10),
    ("a yes that was used", 50),
    ("paid with a yes", 30),
    ("a contact opted out", 40),
    ("a contact opted in", 30),
    ("silent after opting out", 30),
    ("an operator stopped the bot", 20),
    ("refused, being stopped", 30),
    ("refused, over budget", 8),
    ("the model hung", 20),
    ("the model gave up", 20),
    ("the shop's answer was lost", 30),
    ("the shop was asked what it had done", 5),
    ("the carrier's answer was lost", 5),
    ("answered", 500),
    ("absorbed", 20),
    ("handed off", 50),
    ("unconfirmed", 10),
    ("unknown", 20),
];

#[test]
fn whatever_happens_every_message_is_settled_once_and_nothing_happens_twice() {
    let lived = live_many(0, SEEDS, None);
    if let Some((seed, promise)) = lived.broken {
        panic!("scripts/soak --seed {seed}: {promise}");
    }
    for (what, least) in OFTEN {
        let times = lived.tally.get(what).copied().unwrap_or_default();
        assert!(times >= least * SEEDS / 100, "{what}: only {times} times");
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(live(7).unwrap(), live(7).unwrap());
}
