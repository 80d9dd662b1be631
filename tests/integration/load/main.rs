//! Measures a host from outside and prints a table. `scripts/bench` builds and runs this.
//!
//! Host and generator share the machine: the generator is one thread with prebuilt requests, and its own time
//! is in the table.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

mod disk;
mod host;
#[path = "../http.rs"]
mod http;
mod loops;
mod runs;

use host::{Host, own_cpu};
use loops::{Measured, crowd, open_loop, percentile, turns_in_a_row};
use runs::{questions, runs_in_a_row};

/// How much is measured.
struct Plan {
    /// Sessions at once.
    levels: &'static [usize],
    warm_up: Duration,
    measured: Duration,
    /// Sessions that wait on a slow model.
    waiting: usize,
    /// Runs of a workflow that wait for a person.
    questions: usize,
    /// How long they are watched: in full longer than it takes until they renew their leases.
    watched: Duration,
}

const FULL: Plan = Plan {
    levels: &[1, 8, 32, 128],
    warm_up: Duration::from_secs(1),
    measured: Duration::from_secs(5),
    waiting: 100_000,
    questions: 10_000,
    watched: Duration::from_secs(40),
};

const QUICK: Plan = Plan {
    levels: &[1, 32],
    warm_up: Duration::from_millis(500),
    measured: Duration::from_secs(2),
    waiting: 5_000,
    questions: 500,
    watched: Duration::from_secs(5),
};

const INSTANT: &str = "format = 1\n[default]\ntext = \"Yes, what is it?\"\n";
/// Answers after all measuring is over.
const SLOW: &str = "format = 1\ndelay_ms = 230000\n[default]\ntext = \"Yes, what is it?\"\n";

fn main() -> io::Result<()> {
    let plan = match std::env::args().nth(1).as_deref() {
        None => FULL,
        Some("--quick") => QUICK,
        Some(_) => return Err(io::Error::other("usage: load [--quick]")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(measure(&plan))
}

/// Where things are: the binary beside our own, and folders on the disk that it is on.
struct Place {
    binary: PathBuf,
    folder: TempDir,
}

impl Place {
    fn new() -> io::Result<Self> {
        let beside = std::env::current_exe()?;
        let beside = beside.parent().unwrap_or(Path::new("."));
        Ok(Self {
            binary: beside.join("confab"),
            folder: TempDir::with_prefix_in("bench-", beside)?,
        })
    }

    /// A host of its own data folder, whose model follows `script`.
    fn start(&self, name: &str, script: &str) -> io::Result<Host> {
        self.start_with(name, script, &[])
    }

    fn start_with(&self, name: &str, script: &str, more: &[(&str, &str)]) -> io::Result<Host> {
        let bot = self.folder.path().join(name);
        let own = [
            ("bot.toml", BOT),
            ("script.toml", script),
            ("SOUL.md", "# Bench\n\nYou answer at once.\n"),
        ];
        for (name, text) in own.iter().chain(more) {
            let path = bot.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(&bot))?;
            std::fs::write(path, text)?;
        }
        Host::start(&self.binary, &bot, &bot.join("data"))
    }
}

const BOT: &str = "format = 1\nname = \"bench\"\n[model]\nuse = \"scripted\"\ntimeout_seconds = 240\nidle_seconds = 240\n";

async fn measure(plan: &Plan) -> io::Result<()> {
    let place = Place::new()?;
    let [mut appended, mut overwritten] = disk::sync_times(place.folder.path())?;
    say(&format!(
        "Model instant, load generator on the same {} cores, every message fsynced before it is acknowledged.\n",
        std::thread::available_parallelism()?
    ));
    say("| what | value |\n|---|---|");
    row(
        "the disk's fsync of 4 KiB",
        &format!(
            "appended {}; overwritten {}",
            spread(&mut appended),
            spread(&mut overwritten)
        ),
    );
    row(
        "time to ready, median of 5",
        &micros(time_to_ready(&place)?),
    );
    let host = place.start("instant", INSTANT)?;
    row("memory idle", &mebibytes(host.memory()?));
    let mut peak: f64 = 0.0;
    for level in plan.levels {
        let speed = throughput(&host, *level, plan).await?;
        peak = peak.max(speed);
    }
    latency(&host, peak / 2.0, plan).await?;
    drop(host);
    workflows(&place, plan).await?;
    asking(&place, plan).await?;
    waiting(&place, plan).await
}

/// Rows for runs of a workflow of three steps.
async fn workflows(place: &Place, plan: &Plan) -> io::Result<()> {
    let host = place.start_with("workflows", INSTANT, &runs::FILES)?;
    for at_once in [1, 32] {
        workflow(&host, at_once, plan).await?;
    }
    Ok(())
}

async fn workflow(host: &Host, at_once: usize, plan: &Plan) -> io::Result<()> {
    runs_in_a_row(host.port, at_once, plan.warm_up).await?;
    let (begun, cpu) = (Instant::now(), host.cpu()?);
    let Measured { mut times, .. } = runs_in_a_row(host.port, at_once, plan.measured).await?;
    let (took, runs) = (begun.elapsed(), times.len() as f64);
    row(
        &format!("workflow of three steps, {at_once} at once, closed loop"),
        &format!(
            "{:.0} runs/s; a run takes {} p50, {} p99; CPU per run: host {}",
            runs / took.as_secs_f64(),
            micros(percentile(&mut times, 0.5)),
            micros(percentile(&mut times, 0.99)),
            micros((host.cpu()? - cpu).div_f64(runs)),
        ),
    );
    Ok(())
}

/// A row for runs that wait for a person's yes.
async fn asking(place: &Place, plan: &Plan) -> io::Result<()> {
    let host = place.start_with("asking", INSTANT, &runs::FILES)?;
    let (idle, begun) = (host.memory()?, Instant::now());
    questions(host.port, plan.questions).await?;
    let (took, full) = (begun.elapsed(), host.memory()?);
    row(
        &format!("{} runs waiting for a yes", plan.questions),
        &format!(
            "{} in all, {:.1} KiB per run; all had asked after {:.1} s",
            mebibytes(full),
            (full - idle) as f64 / plan.questions as f64 / 1024.0,
            took.as_secs_f64(),
        ),
    );
    Ok(())
}

fn time_to_ready(place: &Place) -> io::Result<Duration> {
    let mut times = Vec::new();
    for round in 0..5 {
        times.push(place.start(&format!("ready-{round}"), INSTANT)?.ready);
    }
    Ok(percentile(&mut times, 0.5))
}

/// A row for `sessions` at once in a closed loop; gives the turns per second.
async fn throughput(host: &Host, sessions: usize, plan: &Plan) -> io::Result<f64> {
    turns_in_a_row(host.port, sessions, plan.warm_up).await?;
    let (begun, cpu, own) = (Instant::now(), host.cpu()?, own_cpu()?);
    let Measured { mut times, .. } = turns_in_a_row(host.port, sessions, plan.measured).await?;
    let (took, turns) = (begun.elapsed(), times.len());
    let per_turn = |cpu: Duration| micros(cpu.div_f64(turns as f64));
    let speed = turns as f64 / took.as_secs_f64();
    row(
        &format!("{sessions} sessions at once, closed loop"),
        &format!(
            "{speed:.0} turns/s; a turn takes {} p50, {} p99; CPU per turn: host {}, generator {}",
            micros(percentile(&mut times, 0.5)),
            micros(percentile(&mut times, 0.99)),
            per_turn(host.cpu()? - cpu),
            per_turn(own_cpu()? - own),
        ),
    );
    Ok(speed)
}

async fn latency(host: &Host, rate: f64, plan: &Plan) -> io::Result<()> {
    open_loop(host.port, rate, plan.warm_up).await?;
    let (cpu, own) = (host.cpu()?, own_cpu()?);
    let Measured {
        mut times,
        mut lags,
    } = open_loop(host.port, rate, plan.measured).await?;
    let turns = times.len() as f64;
    let per_turn = |cpu: Duration| micros(cpu.div_f64(turns));
    row(
        &format!("first byte of the POST to the reply readable, open loop at {rate:.0} turns/s"),
        &format!(
            "{} p50, {} p99, {} at most; of it the generator's lag {} p50, {} p99; CPU per turn: host {}, generator {}",
            micros(percentile(&mut times, 0.5)),
            micros(percentile(&mut times, 0.99)),
            micros(percentile(&mut times, 1.0)),
            micros(percentile(&mut lags, 0.5)),
            micros(percentile(&mut lags, 0.99)),
            per_turn(host.cpu()? - cpu),
            per_turn(own_cpu()? - own),
        ),
    );
    Ok(())
}

/// A row for turns that wait on a slow model.
async fn waiting(place: &Place, plan: &Plan) -> io::Result<()> {
    let sessions = plan.waiting;
    let host = place.start("slow", SLOW)?;
    let idle = host.memory()?;
    let begun = Instant::now();
    crowd(host.port, sessions).await?;
    let took = begun.elapsed();
    let (full, cpu) = (host.memory()?, host.cpu()?);
    tokio::time::sleep(plan.watched).await;
    let load = (host.cpu()? - cpu).as_secs_f64() / plan.watched.as_secs_f64();
    row(
        &format!("{sessions} sessions waiting on a slow model"),
        &format!(
            "{} in all, {:.1} KiB per turn; accepted in {:.1} s; {:.0} % of a core while they wait",
            mebibytes(host.memory()?.max(full)),
            (full - idle) as f64 / sessions as f64 / 1024.0,
            took.as_secs_f64(),
            load * 100.0
        ),
    );
    Ok(())
}

fn row(what: &str, value: &str) {
    say(&format!("| {what} | {value} |"));
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

fn spread(times: &mut [Duration]) -> String {
    format!(
        "{} p50, {} p99, {} at most",
        micros(percentile(times, 0.5)),
        micros(percentile(times, 0.99)),
        micros(percentile(times, 1.0))
    )
}

fn micros(time: Duration) -> String {
    match time.as_micros() {
        micros @ ..1000 => format!("{micros} µs"),
        micros => format!("{:.2} ms", micros as f64 / 1000.0),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
