//! Random points and weights, the same in every run.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use linprobe_core::{Embedding, Point, RecordId, VectorStore};
use linprobe_store::EmbeddedStore;
use pollster::block_on;
use rayon::prelude::*;

use crate::{DIMENSION, Outcome};

const BATCH: u64 = 4096;

/// Weights that are written down for others.
const N_WEIGHTS: u64 = 100;

/// Writes random vectors in batches and gives the rows written a second, the last flush included.
/// Making the vectors does not count.
pub(crate) fn fill(store: &EmbeddedStore, n_rows: u64) -> Outcome<f64> {
    let dimension = store.spec().dimension;
    let mut spent = Duration::ZERO;
    for start in (0..n_rows).step_by(usize::try_from(BATCH)?) {
        let rows = (start..n_rows.min(start + BATCH)).into_par_iter();
        let batch = rows.map(|row_idx| random_point(row_idx, dimension));
        let batch = batch.collect::<Result<Vec<_>, String>>()?;
        let begin = Instant::now();
        block_on(store.upsert(&batch))?;
        spent += begin.elapsed();
    }
    let begin = Instant::now();
    block_on(store.flush())?;
    Ok(n_rows as f64 / (spent + begin.elapsed()).as_secs_f64())
}

/// The point of a row.
pub(crate) fn random_point(row_idx: u64, dimension: usize) -> Result<Point, String> {
    let mut state = (row_idx + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let values: Vec<f32> = (0..dimension).map(|_| random(&mut state)).collect();
    let embedding = Embedding::normalize(values).map_err(|error| error.to_string())?;
    Ok(Point { id: RecordId::from_row(row_idx), embedding })
}

/// Weights as training makes them: the sum of some embeddings, less the sum of others.
pub(crate) fn weights(seed: u64) -> Vec<f32> {
    let mut weights = vec![0.0; DIMENSION];
    for n in 0..8 {
        let mut state = (u64::MAX / 3 + seed * 8 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for weight in &mut weights {
            *weight += random(&mut state) * 0.1;
        }
    }
    weights
}

/// Writes the first weights as a file that NumPy reads.
pub(crate) fn write_weights(path: &Path) -> Outcome<()> {
    let shape = format!("({N_WEIGHTS}, {DIMENSION})");
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"\x93NUMPY\x01\x00\x76\x00")?;
    out.write_all(format!("{header:<117}\n").as_bytes())?;
    for value in (0..N_WEIGHTS).flat_map(weights) {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(out.flush()?)
}

/// The next number of an xorshift generator, from -1 to 1.
fn random(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}
