//! What the disk itself takes.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Often enough for a 99th percentile.
const SYNCS: usize = 2000;

/// The times to have 4 KiB on disk: appended to a file in `folder`, and written over what was there.
pub(crate) fn sync_times(folder: &Path) -> io::Result<[Vec<Duration>; 2]> {
    let mut file = File::create(folder.join("sync"))?;
    let mut appended = Vec::new();
    let mut overwritten = Vec::new();
    for times in [&mut appended, &mut overwritten] {
        file.rewind()?;
        for _ in 0..SYNCS {
            let begun = Instant::now();
            file.write_all(&[1; 4096])?;
            file.sync_data()?;
            times.push(begun.elapsed());
        }
    }
    Ok([appended, overwritten])
}
