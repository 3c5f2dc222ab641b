//! Measures the embedded store: rows written a second, and a survey beside a raw read of its file.
//!
//! Prints one JSON line for each figure. The machine may be busy, so surveys and raw reads take
//! turns, and medians are given. `XTASK_BENCH_QUICK=1` takes a tenth of the rows.

use std::{
    error::Error,
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use linprobe_core::{Embedding, Excluded, Point, RecordId, Survey, VectorStore};
use linprobe_store::EmbeddedStore;
use memmap2::Mmap;
use pollster::block_on;
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

const DIMENSION: usize = 512;
const BATCH: u64 = 4096;
const N_TURNS: usize = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let quick = std::env::var_os("XTASK_BENCH_QUICK").is_some_and(|value| value == "1");
    let n_rows: u64 = if quick { 100_000 } else { 1_000_000 };
    let folder = tempfile::tempdir()?;
    let store = EmbeddedStore::create(folder.path(), DIMENSION)?;
    print(&Figure {
        name: "upsert-rows-per-s",
        value: write(&store, n_rows)?,
        unit: "rows/s",
        of: None,
    });

    let map = map(&folder.path().join("vectors.npy"))?;
    for (n_threads, suffix) in [(1, "/1-thread"), (2, "")] {
        let pool = ThreadPoolBuilder::new().num_threads(n_threads).build()?;
        let turns = take_turns(&store, &map, &pool)?;
        report(&turns, n_threads, suffix);
    }
    Ok(())
}

/// Writes random vectors in batches and gives the rows written a second, the last flush included.
/// Making the vectors does not count.
fn write(store: &EmbeddedStore, n_rows: u64) -> Outcome<f64> {
    let mut spent = Duration::ZERO;
    for start in (0..n_rows).step_by(usize::try_from(BATCH)?) {
        let batch = (start..n_rows.min(start + BATCH)).into_par_iter().map(random_point);
        let batch = batch.collect::<Result<Vec<_>, String>>()?;
        let begin = Instant::now();
        block_on(store.upsert(&batch))?;
        spent += begin.elapsed();
    }
    let begin = Instant::now();
    block_on(store.flush())?;
    Ok(n_rows as f64 / (spent + begin.elapsed()).as_secs_f64())
}

fn random_point(row_idx: u64) -> Result<Point, String> {
    let mut state = (row_idx + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let values: Vec<f32> = (0..DIMENSION).map(|_| random(&mut state)).collect();
    let embedding = Embedding::normalize(values).map_err(|error| error.to_string())?;
    Ok(Point { id: RecordId::from_row(row_idx), embedding })
}

/// The next number of an xorshift generator, from -1 to 1.
fn random(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// A survey and a raw read, one after the other.
#[derive(Clone, Copy)]
struct Turn {
    survey: Duration,
    raw: Duration,
}

fn take_turns(store: &EmbeddedStore, map: &Mmap, pool: &ThreadPool) -> Outcome<Vec<Turn>> {
    let weights = random_point(u64::MAX / 3)?.embedding;
    // The first turn brings the pages in and does not count.
    let turns = (0..=N_TURNS).map(|_| {
        let begin = Instant::now();
        let survey = pool.install(|| block_on(store.survey(survey(weights.as_slice()))))?;
        let survey_time = begin.elapsed();
        std::hint::black_box(survey);
        let begin = Instant::now();
        std::hint::black_box(pool.install(|| read(map)));
        Ok(Turn { survey: survey_time, raw: begin.elapsed() })
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

fn report(turns: &[Turn], n_threads: usize, suffix: &str) {
    let survey = median(turns.iter().map(|turn| turn.survey.as_secs_f64()));
    let share = median(turns.iter().map(|turn| turn.raw.as_secs_f64() / turn.survey.as_secs_f64()));
    let threads = if n_threads == 1 { "1 thread" } else { "2 threads" };
    print(&Figure {
        name: &format!("survey-1m-f16/share-of-raw-read{suffix}"),
        value: share,
        unit: &format!("share, {threads}"),
        of: Some(("raw read of the same file", 1.0)),
    });
    print(&Figure {
        name: &format!("survey-1m-f16{suffix}"),
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
    let peer = of.map_or_else(String::new, |(peer, peer_value)| {
        let ratio = value / peer_value;
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

/// Reading at the speed of memory.
mod raw {
    /// The exclusive or of all whole cache lines.
    pub(super) fn xor(bytes: &[u8]) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") {
            return wide(bytes);
        }
        lines(bytes)
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "these instructions are not on every machine")]
    fn wide(bytes: &[u8]) -> u64 {
        #[target_feature(enable = "avx512f")]
        fn with_avx512(bytes: &[u8]) -> u64 {
            lines(bytes)
        }
        // SAFETY: the caller has made sure of them.
        unsafe { with_avx512(bytes) }
    }

    /// Eight lines at a time, each into sums of its own, so that no load waits for another.
    #[expect(clippy::inline_always, reason = "it must be compiled for its caller's instructions")]
    #[inline(always)]
    fn lines(bytes: &[u8]) -> u64 {
        let (words, _) = bytes.as_chunks::<8>();
        let (groups, _) = words.as_chunks::<64>();
        let mut sums = [0_u64; 64];
        for group in groups {
            for (sum, word) in sums.iter_mut().zip(group) {
                *sum ^= u64::from_ne_bytes(*word);
            }
        }
        sums.iter().fold(0, |a, b| a ^ b)
    }
}
