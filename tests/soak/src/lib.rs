//! The whole local host on one thread from a seed: duplicates, reordering, hanging and babbling models, services that
//! lose their answers, people who take sessions over, say yes and no, opt out and stop the bot, bounded money, and power cuts between any two steps. What is acknowledged
//! survives, what is shown stays, every message is settled once, and nothing happens twice.

#![expect(
    clippy::expect_used,
    reason = "a world that cannot be made is a bug here"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use confab::host::Host;
use embedded::VolatileDisk;
use engine::runtime::simulated::Simulation;

mod brain;
mod check;
mod consent;
mod many;
mod money;
mod outside;
mod people;
mod shop;
mod staff;
mod world;

#[cfg(test)]
mod tests;

pub use check::Broken;
pub use many::{Lived, live_many};
pub use outside::{Outside, Tally};

/// The most power cuts of one life.
const CUTS: u64 = 3;

/// The longest time between two of them.
const STRETCH: u64 = 15_000;

/// How long the host is left alone at the end, so that whatever can settle does: some leases and sweeps, and the
/// hour that a question to people stands.
const PEACE: Duration = Duration::from_secs(90 * 60);

/// Lives the world of `seed` to its end and gives what happened in it.
///
/// # Errors
/// [`Broken`] when a promise was.
///
/// # Panics
/// When the host did, or its folder cannot be written.
pub fn live(seed: u64) -> Result<Tally, Broken> {
    let folder = scratch();
    let mut simulation = Simulation::new(seed);
    let runtime = simulation.runtime();
    let outside = Outside::new(&runtime);
    let cuts = runtime.entropy.next_u64() % (CUTS + 1);
    for cut in 0..=cuts {
        let (host, disk) = world::start_host(&runtime, folder.path(), &outside);
        let recovering = Arc::clone(&host);
        simulation
            .block_on(async move { recovering.recover().await })
            .map_err(Broken::from)?;
        people::gather(&host, &outside);
        if cut == cuts {
            outside.make_peace_after(STRETCH);
            simulation.run_for(Duration::from_millis(STRETCH) + PEACE);
            check::hold(&mut simulation, &host, &outside)?;
        } else {
            let millis = runtime.entropy.next_u64() % STRETCH;
            outside.count(until_the_cut(&mut simulation, &outside, millis));
        }
        cut_power(&mut simulation, host, &disk, folder.path());
    }
    drop(simulation);
    Ok(outside.tally())
}

/// Goes on until the power is cut: after so long, or where it hurts. Tells which.
fn until_the_cut(simulation: &mut Simulation, outside: &Outside, millis: u64) -> &'static str {
    let clock = simulation.runtime().clock;
    let end = clock.monotonic() + Duration::from_millis(millis);
    outside.books().doom = None;
    while clock.monotonic() < end {
        if let Some(what) = outside.books().doom {
            return what;
        }
        simulation.step();
    }
    "power cut"
}

fn cut_power(simulation: &mut Simulation, host: Arc<Host>, disk: &VolatileDisk, folder: &Path) {
    disk.cut();
    simulation.crash();
    drop(host);
    disk.restore(&folder.join("db"))
        .expect("a disk that can be restored");
}

/// A folder in memory, where the system has one.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    folder.expect("a scratch folder")
}
