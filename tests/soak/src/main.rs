//! `soak [--seed SEED] [--seeds N] [--from SEED] [--minutes M]`: lives many worlds on every core, tells how fast and what
//! happened in them, and stops at the first seed that broke a promise. `--seed` lives one again.

#![expect(clippy::print_stdout, reason = "its report is what it is for")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use soak::live_many;
use tracing_subscriber::filter::{EnvFilter, LevelFilter};

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
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::builder()
                .with_default_directive(LevelFilter::OFF.into())
                .from_env_lossy(),
        )
        .with_writer(std::io::stderr)
        .init();
    let began = Instant::now();
    let lived = live_many(options.from, options.seeds, options.end);
    let seconds = began.elapsed().as_secs_f64();
    for (what, times) in &lived.tally {
        println!("{times:>12}  {what}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate to one digit")]
    let rate = lived.seeds as f64 / seconds;
    println!(
        "{} seeds from {} in {seconds:.0} s: {rate:.1} a second",
        lived.seeds, options.from
    );
    let Some((seed, promise)) = lived.broken else {
        return ExitCode::SUCCESS;
    };
    eprintln!("a promise was broken: {promise}\nlive it again: scripts/soak --seed {seed}");
    ExitCode::FAILURE
}
