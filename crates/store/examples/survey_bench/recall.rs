//! How much of the true top ten is found: of the vectors as they were given, in single precision.

use linprobe_core::{Excluded, Query, RecordId, VectorStore};
use linprobe_store::EmbeddedStore;
use pollster::block_on;
use rayon::prelude::*;

use crate::{DIMENSION, Figure, Outcome, points, print};

const N_QUERIES: u64 = 100;
const TOP_K: usize = 10;

/// A score and its row.
type Scored = (f32, u64);

pub(crate) fn measure(store: &EmbeddedStore, n_rows: u64) -> Outcome<()> {
    let queries: Vec<Vec<f32>> = (0..N_QUERIES).map(points::weights).collect();
    let truth = best(n_rows, &queries);
    let mut n_found = 0;
    for (weights, truth) in queries.iter().zip(&truth) {
        let query = Query { weights, top_k: TOP_K, exclude: &Excluded::new() };
        let hits = block_on(store.search(query))?;
        let is_true = |id: &RecordId| truth.iter().any(|(_, row)| RecordId::from_row(*row) == *id);
        n_found += hits.iter().filter(|hit| is_true(&hit.id)).count();
    }
    let recall = n_found as f64 / (TOP_K * queries.len()) as f64;
    print(&Figure { name: "recall-at-10", value: recall, unit: "share, 100 weights", of: None });
    Ok(())
}

/// The highest scores of each query.
fn best(n_rows: u64, queries: &[Vec<f32>]) -> Vec<Vec<Scored>> {
    let none = || vec![Vec::new(); queries.len()];
    let add_row = |mut best: Vec<Vec<Scored>>, row_idx: u64| {
        if let Ok(point) = points::random_point(row_idx, DIMENSION) {
            for (best, weights) in best.iter_mut().zip(queries) {
                keep(best, (point.embedding.dot(weights), row_idx));
            }
        }
        best
    };
    let merge = |mut all: Vec<Vec<Scored>>, more: Vec<Vec<Scored>>| {
        for (all, more) in all.iter_mut().zip(more) {
            for scored in more {
                keep(all, scored);
            }
        }
        all
    };
    (0..n_rows).into_par_iter().fold(none, add_row).reduce(none, merge)
}

fn keep(best: &mut Vec<Scored>, scored: Scored) {
    let place = best.partition_point(|kept| kept.0 >= scored.0);
    if place < TOP_K {
        best.insert(place, scored);
        best.truncate(TOP_K);
    }
}
