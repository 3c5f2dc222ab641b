//! Measures the embedded store beside a raw read of its file: rows written a second, surveys of one
//! and of many classifiers, the cost against the number of rows, what is found of the true top ten,
//! and, with ten million rows, opening and memory.
//!
//! Prints one JSON line for each figure. The machine may be busy, so surveys and raw reads take turns,
//! and medians are given. `XTASK_BENCH_QUICK=1` takes a tenth of the rows. Given a folder, leaves in
//! it the store and the weights that were asked for, so that others can be measured over the same.

use std::{
    error::Error,
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use linprobe_core::{Excluded, Survey, VectorStore};
use linprobe_store::EmbeddedStore;
use memmap2::Mmap;
use pollster::block_on;
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

mod large;
mod points;
mod raw;
mod recall;

const DIMENSION: usize = 512;
const N_TURNS: usize = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let quick = std::env::var_os("XTASK_BENCH_QUICK").is_some_and(|value| value == "1");
    let n_rows: u64 = if quick { 100_000 } else { 1_000_000 };
    let own = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or_else(|| own.path().to_owned(), PathBuf::from);
    points::write_weights(&folder.join("weights.npy"))?;
    let scale = if quick { "100k" } else { "1m" };
    for n_rows in [10_000, 100_000].into_iter().filter(|&n| n < n_rows) {
        survey_cost(&own.path().join(n_rows.to_string()), n_rows)?;
    }
    measure_main(&folder.join("store"), n_rows, scale)?;
    if quick {
        large::measure(own.path(), 1_000_000, "1m")
    } else {
        large::measure(own.path(), 10_000_000, "10m")
    }
}

/// What a survey costs in a store of so many rows.
fn survey_cost(folder: &Path, n_rows: u64) -> Outcome<()> {
    let store = EmbeddedStore::create(folder, DIMENSION)?;
    points::fill(&store, n_rows)?;
    let map = map(&folder.join("vectors.npy"))?;
    let pool = ThreadPoolBuilder::new().num_threads(2).build()?;
    print_cost(n_rows, &take_turns(&store, &map, &pool)?);
    drop(store);
    Ok(std::fs::remove_dir_all(folder)?)
}

fn print_cost(n_rows: u64, turns: &[Turn]) {
    let survey = median(turns.iter().map(|turn| turn.survey.as_secs_f64()));
    let raw = median(turns.iter().map(|turn| turn.raw.as_secs_f64()));
    print(&Figure {
        name: &format!("survey-cost/{n_rows}-rows"),
        value: survey * 1e3,
        unit: "ms, 2 threads",
        of: Some(("raw read of the same file", raw * 1e3)),
    });
}

/// The store that others are measured over, too.
fn measure_main(folder: &Path, n_rows: u64, scale: &str) -> Outcome<()> {
    let store = EmbeddedStore::create(folder, DIMENSION)?;
    let rate = points::fill(&store, n_rows)?;
    print(&Figure { name: "upsert-rows-per-s", value: rate, unit: "rows/s", of: None });
    let map = map(&folder.join("vectors.npy"))?;
    for (n_threads, suffix) in [(1, "/1-thread"), (2, "")] {
        let pool = ThreadPoolBuilder::new().num_threads(n_threads).build()?;
        let turns = take_turns(&store, &map, &pool)?;
        report(&turns, (scale, n_threads), suffix);
        if n_threads == 2 {
            print_cost(n_rows, &turns);
            print_many(&store, &pool)?;
        }
    }
    recall::measure(&store, n_rows)
}

/// What sixteen classifiers cost in one pass, in surveys of one.
fn print_many(store: &EmbeddedStore, pool: &ThreadPool) -> Outcome<()> {
    let weights: Vec<Vec<f32>> = (0..16).map(points::weights).collect();
    let surveys: Vec<Survey<'_>> = weights.iter().map(|weights| survey(weights)).collect();
    let turns = (0..=N_TURNS).map(|_| {
        let one = time(|| pool.install(|| store.survey_all(&surveys[..1])))?;
        let many = time(|| pool.install(|| store.survey_all(&surveys)))?;
        Ok((one, many))
    });
    let turns = turns.collect::<Outcome<Vec<_>>>()?.split_off(1);
    let cost = median(turns.iter().map(|(one, many)| many.as_secs_f64() / one.as_secs_f64()));
    print(&Figure { name: "16-weights-cost", value: cost, unit: "surveys of one", of: None });
    Ok(())
}

fn time<T, E: Error + 'static>(work: impl FnOnce() -> Result<T, E>) -> Outcome<Duration> {
    let begin = Instant::now();
    let result = work()?;
    let spent = begin.elapsed();
    std::hint::black_box(&result);
    drop(result);
    Ok(spent)
}

/// A survey and a raw read, one after the other.
#[derive(Clone, Copy)]
struct Turn {
    survey: Duration,
    raw: Duration,
}

fn take_turns(store: &EmbeddedStore, map: &Mmap, pool: &ThreadPool) -> Outcome<Vec<Turn>> {
    let weights = points::weights(0);
    let weights = weights.get(..store.spec().dimension).unwrap_or(&weights);
    // The first turn brings the pages in and does not count.
    let turns = (0..=N_TURNS).map(|_| {
        let survey = time(|| pool.install(|| block_on(store.survey(survey(weights)))))?;
        let begin = Instant::now();
        std::hint::black_box(pool.install(|| read(map)));
        Ok(Turn { survey, raw: begin.elapsed() })
    });
    Ok(turns.collect::<Outcome<Vec<Turn>>>()?.split_off(1))
}

fn survey(weights: &[f32]) -> Survey<'_> {
    static NONE: Excluded = Excluded::new();
    Survey {
        weights,
        bias: 0.01,
        top_k: 100,
        n_boundary: 100,
        threshold: 0.05,
        n_bins: 50,
        exclude: &NONE,
    }
}

/// Loads every cache line of the file and does nothing with it.
fn read(map: &[u8]) -> u64 {
    let n_pieces = rayon::current_num_threads() * 8;
    let piece = map.len().div_ceil(n_pieces).next_multiple_of(4096);
    map.par_chunks(piece).map(raw::xor).reduce(|| 0, |a, b| a ^ b)
}

fn report(turns: &[Turn], (scale, n_threads): (&str, usize), suffix: &str) {
    let survey = median(turns.iter().map(|turn| turn.survey.as_secs_f64()));
    let share = median(turns.iter().map(|turn| turn.raw.as_secs_f64() / turn.survey.as_secs_f64()));
    let threads = if n_threads == 1 { "1 thread" } else { "2 threads" };
    print(&Figure {
        name: &format!("survey-{scale}-f16/share-of-raw-read{suffix}"),
        value: share,
        unit: &format!("share, {threads}"),
        of: Some(("raw read of the same file", 1.0)),
    });
    print(&Figure {
        name: &format!("survey-{scale}-f16{suffix}"),
        value: survey * 1e3,
        unit: &format!("ms, {threads}"),
        of: None,
    });
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A measured figure, and what it is to be compared with.
struct Figure<'a> {
    name: &'a str,
    value: f64,
    unit: &'a str,
    of: Option<(&'a str, f64)>,
}

#[expect(clippy::print_stdout, reason = "the figures are this program's output")]
fn print(figure: &Figure<'_>) {
    let Figure { name, value, unit, of } = figure;
    // A ratio above 1 is a good one: of a share it is the share, of a cost what it is less.
    let is_cost = unit.starts_with('m') || unit.starts_with('M');
    let peer = of.map_or_else(String::new, |(peer, peer_value)| {
        let ratio = if is_cost { peer_value / value } else { value / peer_value };
        format!(r#","peer":"{peer}","peer_value":{peer_value},"ratio":{ratio}"#)
    });
    println!(r#"{{"bench":"store/{name}","value":{value},"unit":"{unit}"{peer}}}"#);
}

#[expect(unsafe_code, reason = "mapping a file is unsafe: another process could cut it short")]
fn map(path: &Path) -> Outcome<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the file is in a folder of this program's own.
    Ok(unsafe { Mmap::map(&file) }?)
}
