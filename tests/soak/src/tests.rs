use super::*;

#[test]
fn whatever_happens_every_message_is_settled_once_and_nothing_happens_twice() {
    let mut tally = Tally::new();
    for seed in 0..20 {
        let lived = live(seed).unwrap_or_else(|broken| panic!("soak --seed {seed}: {broken}"));
        for (what, times) in lived {
            *tally.entry(what).or_default() += times;
        }
    }
    println!("{tally:#?}");
}

#[test]
fn the_same_seed_is_the_same_life() {
    assert_eq!(live(7).unwrap(), live(7).unwrap());
}
