//! A store of so many rows that all that is kept for each of them shows: how long it takes to open, and
//! the memory that a survey takes beside the mapped file. Rows are short, so that the disk holds them.

use std::{
    fs,
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use linprobe_core::VectorStore;
use linprobe_store::EmbeddedStore;
use pollster::block_on;

use crate::{Figure, Outcome, median, points, print, survey, time};

const DIMENSION: usize = 32;

pub(crate) fn measure(folder: &Path, n_rows: u64, scale: &str) -> Outcome<()> {
    let folder = folder.join("large");
    points::fill(&EmbeddedStore::create(&folder, DIMENSION)?, n_rows)?;
    let opened = (0..9).map(|_| time(|| EmbeddedStore::open_read_only(&folder)));
    let opened = opened.collect::<Outcome<Vec<_>>>()?;
    print(&Figure {
        name: &format!("open-{scale}-ms"),
        value: median(opened.iter().map(|time| time.as_secs_f64() * 1e3)),
        unit: "ms, 32 dimensions",
        of: None,
    });
    let before = anonymous_mb();
    let most = most_memory_while(|| {
        let store = EmbeddedStore::open_read_only(&folder)?;
        let weights = points::weights(0);
        Ok(block_on(store.survey(survey(weights.get(..DIMENSION).unwrap_or_default())))?)
    })?;
    let allowed = 100.0 + 16.0 * n_rows as f64 / 1e6;
    print(&Figure {
        name: &format!("anon-mb-{scale}"),
        value: most - before,
        unit: "MB beside the file",
        of: Some(("100 MB and 16 B a row", allowed)),
    });
    Ok(())
}

/// The most anonymous memory that the process has at any time during some work.
fn most_memory_while<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<f64> {
    let (done, ended) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        let mut most = anonymous_mb();
        while ended.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
            most = most.max(anonymous_mb());
        }
        most
    });
    let result = work();
    drop(done);
    result.map(drop)?;
    watch.join().map_err(|_panic| "the watch over memory failed".into())
}

/// Memory of the process that no file backs, where the system tells it.
fn anonymous_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1e3
}
