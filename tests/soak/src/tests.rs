use super::*;

/// What must have happened at least so often, or the worlds are too kind.
const OFTEN: [(&str, u64); 12] = [
    ("power cut", 100),
    ("delivered again", 1000),
    ("a person took over", 50),
    ("the model hung", 20),
    ("the model gave up", 30),
    ("the shop's answer was lost", 30),
    ("the carrier's answer was lost", 5),
    ("answered", 500),
    ("absorbed", 3),
    ("handed off", 50),
    ("unconfirmed", 10),
    ("unknown", 20),
];

#[test]
fn whatever_happens_every_message_is_settled_once_and_nothing_happens_twice() {
    let mut tally = Tally::new();
    for seed in 0..100 {
        let lived = live(seed).unwrap_or_else(|broken| panic!("soak --seed {seed}: {broken}"));
        for (what, times) in lived {
            *tally.entry(what).or_default() += times;
        }
    }
    for (what, least) in OFTEN {
        let times = tally.get(what).copied().unwrap_or_default();
        assert!(times >= least, "{what}: only {times} times");
    }
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(live(7).unwrap(), live(7).unwrap());
}
