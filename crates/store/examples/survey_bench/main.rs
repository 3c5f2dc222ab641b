//! Measures the embedded store beside a raw read of its files: rows written a second, surveys of one
//! and of many classifiers, with the int8 copy and without it, the cost against the number of rows, what
//! is found of the true top ten, and, with ten million rows, opening and memory.
//!
//! Prints one JSON line for each figure. The machine may be busy, so surveys and raw reads take turns,
//! and medians are given. `XTASK_BENCH_QUICK=1` takes fewer rows under the same names, and the units
//! say how many. Given a folder, leaves in it the smaller store and the weights that were asked for, so
//! that others can be measured over the same.

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

mod cpu;
mod large;
mod points;
mod raw;
mod recall;

const DIMENSION: usize = 512;
const N_TURNS: usize = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// So many rows, by the name of their figures. A quick run says how many there really are.
#[derive(Clone, Copy)]
struct Scale {
    name: &'static str,
    n_rows: u64,
    note: &'static str,
}

fn main() -> Outcome<()> {
    let quick = std::env::var_os("XTASK_BENCH_QUICK").is_some_and(|value| value == "1");
    let [small, large] = if quick {
        [
            Scale { name: "1m", n_rows: 100_000, note: ", only 100,000 rows" },
            Scale { name: "10m", n_rows: 400_000, note: ", only 400,000 rows" },
        ]
    } else {
        [
            Scale { name: "1m", n_rows: 1_000_000, note: "" },
            Scale { name: "10m", n_rows: 10_000_000, note: "" },
        ]
    };
    let own = tempfile::tempdir()?;
    let folder = std::env::args_os().nth(1).map_or_else(|| own.path().to_owned(), PathBuf::from);
    points::write_weights(&folder.join("weights.npy"))?;
    for n_rows in [10_000, 100_000].into_iter().filter(|&n| n < small.n_rows) {
        small_cost(&own.path().join(n_rows.to_string()), n_rows)?;
    }
    measure_main(&folder.join("store"), small)?;
    large::measure(&own.path().join("large"), large)
}

/// What a survey costs in a store of few rows.
fn small_cost(folder: &Path, n_rows: u64) -> Outcome<()> {
    let store = EmbeddedStore::create(folder, DIMENSION)?;
    points::fill(&store, n_rows)?;
    let pool = pool(2)?;
    print_cost("f16", n_rows, &turns_over_rows(&store, &pool)?);
    store.keep_int8_copy()?;
    print_cost("i8", n_rows, &turns_over_copy(&store, &pool)?);
    drop(store);
    Ok(std::fs::remove_dir_all(folder)?)
}

fn pool(n_threads: usize) -> Outcome<ThreadPool> {
    Ok(ThreadPoolBuilder::new().num_threads(n_threads).build()?)
}

fn print_cost(what: &str, n_rows: u64, turns: &[Turn]) {
    let survey = median(turns.iter().map(|turn| turn.survey.wall.as_secs_f64()));
    let raw = median(turns.iter().map(|turn| turn.raw.wall.as_secs_f64()));
    print(&Figure {
        name: &format!("survey-cost-{what}/{n_rows}-rows"),
        value: survey * 1e3,
        unit: "ms, 2 threads",
        of: Some(("raw read of the same file", raw * 1e3)),
    });
}

/// The store that others are measured over, too.
fn measure_main(folder: &Path, scale: Scale) -> Outcome<()> {
    let store = EmbeddedStore::create(folder, DIMENSION)?;
    let rate = points::fill(&store, scale.n_rows)?;
    let unit = format!("rows/s{}", scale.note);
    print(&Figure { name: "upsert-rows-per-s", value: rate, unit: &unit, of: None });
    report(&turns_over_rows(&store, &pool(1)?)?, (scale, "f16"), 1);
    let two = pool(2)?;
    let turns = turns_over_rows(&store, &two)?;
    report(&turns, (scale, "f16"), 2);
    print_cost("f16", scale.n_rows, &turns);
    for n_weights in [2, 16] {
        print_many(&store, &two, (n_weights, "", scale))?;
    }
    let truth = recall::truth(scale.n_rows);
    recall::print_recall(&store, &truth, ("recall-at-10", scale))?;
    store.keep_int8_copy()?;
    print_cost("i8", scale.n_rows, &turns_over_copy(&store, &two)?);
    print_many(&store, &two, (16, "-i8", scale))?;
    recall::print_recall(&store, &truth, ("recall-at-10-i8", scale))?;
    recall::print_boundary(&store, scale)
}

fn turns_over_rows(store: &EmbeddedStore, pool: &ThreadPool) -> Outcome<Vec<Turn>> {
    take_turns(store, &map(&store.folder().join("vectors.npy"))?, pool)
}

fn turns_over_copy(store: &EmbeddedStore, pool: &ThreadPool) -> Outcome<Vec<Turn>> {
    take_turns(store, &map(&copy_in(store.folder())?)?, pool)
}

/// The file of the int8 copy.
fn copy_in(folder: &Path) -> Outcome<PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "i8") {
            return Ok(path);
        }
    }
    Err("there is no int8 copy".into())
}

/// What several classifiers cost in one pass, in surveys of one.
fn print_many(
    store: &EmbeddedStore,
    pool: &ThreadPool,
    (n_weights, suffix, scale): (u64, &str, Scale),
) -> Outcome<()> {
    let name = format!("{n_weights}-weights-cost{suffix}");
    let weights: Vec<Vec<f32>> = (0..n_weights).map(points::weights).collect();
    let surveys: Vec<Survey<'_>> = weights.iter().map(|weights| survey(weights)).collect();
    let turns = (0..=N_TURNS).map(|_| {
        let one = spent(|| Ok(pool.install(|| block_on(store.survey_all(&surveys[..1])))?))?;
        let many = spent(|| Ok(pool.install(|| block_on(store.survey_all(&surveys)))?))?;
        Ok((one, many))
    });
    let turns = turns.collect::<Outcome<Vec<_>>>()?.split_off(1);
    let of_both: [(&str, Measure); 2] = [("", |spent| spent.wall), ("-cpu", |spent| spent.cpu)];
    for (ending, of) in of_both {
        let cost = |(one, many): &(Spent, Spent)| of(many).as_secs_f64() / of(one).as_secs_f64();
        print(&Figure {
            name: &format!("{name}{ending}"),
            value: median(turns.iter().map(cost)),
            unit: &format!("surveys of one{}", scale.note),
            of: None,
        });
    }
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
    survey: Spent,
    raw: Spent,
}

/// The time that something took, and that of all processors together: where others work on the same
/// ones, only the second says what it costs.
#[derive(Clone, Copy)]
struct Spent {
    wall: Duration,
    cpu: Duration,
}

/// One of the two.
type Measure = fn(&Spent) -> Duration;

fn spent<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<Spent> {
    let (begin, cpu) = (Instant::now(), cpu::time());
    std::hint::black_box(work()?);
    Ok(Spent { wall: begin.elapsed(), cpu: cpu::time().saturating_sub(cpu) })
}

fn take_turns(store: &EmbeddedStore, map: &Mmap, pool: &ThreadPool) -> Outcome<Vec<Turn>> {
    let weights = points::weights(0);
    let survey = survey(&weights);
    // The first turn brings the pages in and does not count.
    let turns = (0..=N_TURNS).map(|_| {
        Ok(Turn {
            survey: spent(|| Ok(pool.install(|| block_on(store.survey(survey)))?))?,
            raw: spent(|| Ok(pool.install(|| read(map))))?,
        })
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

fn report(turns: &[Turn], (scale, what): (Scale, &str), n_threads: usize) {
    let survey = median(turns.iter().map(|turn| turn.survey.wall.as_secs_f64()));
    let share = |of: Measure| {
        let share = |turn: &Turn| of(&turn.raw).as_secs_f64() / of(&turn.survey).as_secs_f64();
        median(turns.iter().map(share))
    };
    let (suffix, threads) =
        if n_threads == 1 { ("/1-thread", "1 thread") } else { ("", "2 threads") };
    let Scale { name, note, .. } = scale;
    print(&Figure {
        name: &format!("survey-{name}-{what}/share-of-raw-read{suffix}"),
        value: share(|spent| spent.wall),
        unit: &format!("share, {threads}{note}"),
        of: Some(("raw read of the same file", 1.0)),
    });
    print(&Figure {
        name: &format!("survey-{name}-{what}/share-of-raw-read-cpu{suffix}"),
        value: share(|spent| spent.cpu),
        unit: &format!("share of processor time, {threads}{note}"),
        of: Some(("raw read of the same file", 1.0)),
    });
    print(&Figure {
        name: &format!("survey-{name}-{what}{suffix}"),
        value: survey * 1e3,
        unit: &format!("ms, {threads}{note}"),
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
