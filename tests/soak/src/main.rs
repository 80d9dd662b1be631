//! `soak [--seed SEED] [--seeds N] [--from SEED] [--minutes M]`: lives many worlds on every core, tells how fast and what
//! happened in them, and stops at the first seed that broke a promise. `--seed` lives one again.

#![expect(clippy::print_stdout, reason = "its report is what it is for")]
#![expect(clippy::expect_used, reason = "no life panics while it adds")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use soak::{Tally, live};

const USAGE: &str = "usage: soak [--seed SEED] [--seeds N] [--from SEED] [--minutes M]";

struct Options {
    from: u64,
    seeds: u64,
    end: Option<Instant>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self {
            from: 0,
            seeds: 2000,
            end: None,
        };
        while let Some(option) = words.next() {
            let number: u64 = words.next()?.parse().ok()?;
            match option.as_str() {
                "--seed" => (options.from, options.seeds) = (number, 1),
                "--seeds" => options.seeds = number,
                "--from" => options.from = number,
                "--minutes" => {
                    options.end = Some(Instant::now() + Duration::from_secs(60 * number));
                    options.seeds = u64::MAX - options.from;
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

fn main() -> ExitCode {
    let Some(options) = Options::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let lived = AtomicU64::new(0);
    let broken = AtomicBool::new(false);
    let tally = Mutex::new(Tally::new());
    let work = || {
        while !broken.load(Ordering::Relaxed) && options.end.is_none_or(|end| Instant::now() < end)
        {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.seeds {
                return;
            }
            let seed = options.from + number;
            match catch_unwind(AssertUnwindSafe(|| live(seed))) {
                Ok(Ok(happened)) => {
                    lived.fetch_add(1, Ordering::Relaxed);
                    add(&mut tally.lock().expect("no life panics here"), happened);
                }
                Ok(Err(promise)) => {
                    broken.store(true, Ordering::Relaxed);
                    eprintln!(
                        "a promise was broken: {promise}\nlive it again: scripts/soak --seed {seed}"
                    );
                }
                Err(_) => {
                    broken.store(true, Ordering::Relaxed);
                    eprintln!("the host panicked\nlive it again: scripts/soak --seed {seed}");
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (lived, seconds) = (lived.into_inner(), began.elapsed().as_secs_f64());
    for (what, times) in tally.into_inner().expect("no life panics here") {
        println!("{times:>12}  {what}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate to one digit")]
    let rate = lived as f64 / seconds;
    println!(
        "{lived} seeds from {} in {seconds:.0} s: {rate:.1} a second",
        options.from
    );
    ExitCode::from(u8::from(broken.into_inner()))
}

fn add(sum: &mut Tally, happened: Tally) {
    for (what, times) in happened {
        *sum.entry(what).or_default() += times;
    }
}
