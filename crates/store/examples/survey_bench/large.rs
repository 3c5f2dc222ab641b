//! A store of so many rows that all that is kept for each of them shows: how long it takes to open, the
//! memory that a survey takes beside the mapped files, and what the int8 copy is worth.

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

use crate::{
    DIMENSION, Figure, Outcome, Scale, median, points, pool, print, print_cost, print_many, report,
    survey, time, turns_over_copy, turns_over_rows,
};

pub(crate) fn measure(folder: &Path, scale: Scale) -> Outcome<()> {
    let store = EmbeddedStore::create(folder, DIMENSION)?;
    points::fill(&store, scale.n_rows)?;
    let two = pool(2)?;
    let turns = turns_over_rows(&store, &two)?;
    print_cost("f16", scale.n_rows, &turns);
    report(&turns, (scale, "f16"), 2);
    print_many(&store, &two, (16, &format!("-{}", scale.name), scale))?;
    print_opening(folder, scale)?;
    let mut memory = memory_of_a_survey(folder)?;
    let spent = time(|| store.keep_int8_copy())?;
    let (rate, unit) = (scale.n_rows as f64 / spent.as_secs_f64(), format!("rows/s{}", scale.note));
    print(&Figure { name: "int8-copy-rows-per-s", value: rate, unit: &unit, of: None });
    let turns = turns_over_copy(&store, &two)?;
    print_cost("i8", scale.n_rows, &turns);
    report(&turns, (scale, "i8"), 2);
    memory = memory.max(memory_of_a_survey(folder)?);
    let allowed = 100.0 + 16.0 * scale.n_rows as f64 / 1e6;
    print(&Figure {
        name: &format!("anon-mb-{}", scale.name),
        value: memory,
        unit: &format!("MB beside the files{}", scale.note),
        of: Some(("100 MB and 16 B a row", allowed)),
    });
    drop(store);
    Ok(fs::remove_dir_all(folder)?)
}

fn print_opening(folder: &Path, scale: Scale) -> Outcome<()> {
    let opened = (0..9).map(|_| time(|| EmbeddedStore::open_read_only(folder)));
    let opened = opened.collect::<Outcome<Vec<_>>>()?;
    print(&Figure {
        name: &format!("open-{}-ms", scale.name),
        value: median(opened.iter().map(|time| time.as_secs_f64() * 1e3)),
        unit: &format!("ms{}", scale.note),
        of: None,
    });
    Ok(())
}

/// The most anonymous memory of the whole process while a store is opened and surveyed.
fn memory_of_a_survey(folder: &Path) -> Outcome<f64> {
    most_memory_while(|| {
        let store = EmbeddedStore::open_read_only(folder)?;
        Ok(block_on(store.survey(survey(&points::weights(0))))?)
    })
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
