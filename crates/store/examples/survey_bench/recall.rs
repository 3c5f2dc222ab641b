//! How much of the true top ten is found, of the vectors as a store in half precision has them; and how near to
//! the boundary what is found there is.

use half::f16;
use linprobe_core::{Embedding, Excluded, Query, RecordId, StoreError, VectorStore};
use linprobe_store::EmbeddedStore;
use pollster::block_on;
use rayon::prelude::*;

use crate::{DIMENSION, Figure, Outcome, Scale, points, print, survey};

const N_QUERIES: u64 = 100;
const TOP_K: usize = 10;

/// A score and its row.
type Scored = (f64, u64);

/// The rows with the highest scores, and the weights that they are of.
pub(crate) struct Truth {
    queries: Vec<Vec<f32>>,
    best: Vec<Vec<Scored>>,
}

pub(crate) fn truth(n_rows: u64) -> Truth {
    let queries: Vec<Vec<f32>> = (0..N_QUERIES).map(points::weights).collect();
    let best = best(n_rows, &queries);
    Truth { queries, best }
}

pub(crate) fn print_recall(
    store: &EmbeddedStore,
    truth: &Truth,
    (name, scale): (&str, Scale),
) -> Outcome<()> {
    let mut n_found = 0;
    for (weights, truth) in truth.queries.iter().zip(&truth.best) {
        let query = Query { weights, top_k: TOP_K, exclude: &Excluded::new() };
        let hits = block_on(store.search(query))?;
        let is_true = |id: &RecordId| truth.iter().any(|(_, row)| RecordId::from_row(*row) == *id);
        n_found += hits.iter().filter(|hit| is_true(&hit.id)).count();
    }
    let recall = n_found as f64 / (TOP_K * truth.queries.len()) as f64;
    let unit = format!("share, 100 weights{}", scale.note);
    print(&Figure { name, value: recall, unit: &unit, of: None });
    Ok(())
}

/// How far the places of the boundary list through the int8 copy are from those of all rows.
pub(crate) fn print_boundary(store: &EmbeddedStore, scale: Scale) -> Outcome<()> {
    let mut worst = 0.0_f32;
    for weights in (0..10).map(points::weights) {
        let asked = survey(&weights);
        let found = block_on(store.survey(asked))?.boundary;
        let mut exact: Vec<f32> = Vec::new();
        store.score(&[(&weights, asked.bias)], |page| {
            exact.extend(page.iter().flat_map(|point| &point.scores).map(|score| score.abs()));
            Ok::<(), StoreError>(())
        })?;
        exact.sort_by(f32::total_cmp);
        let length = weights.iter().map(|w| w * w).sum::<f32>().sqrt();
        let off = found.iter().zip(exact).map(|(hit, exact)| (hit.score.abs() - exact) / length);
        worst = off.fold(worst, f32::max);
    }
    let unit = format!("of the weights' length, 10 weights{}", scale.note);
    let figure = Figure {
        name: "boundary-off-i8",
        value: f64::from(worst),
        unit: &unit,
        of: Some(("promise", 1e-3)),
    };
    print(&figure);
    Ok(())
}

/// The highest scores of each query.
fn best(n_rows: u64, queries: &[Vec<f32>]) -> Vec<Vec<Scored>> {
    let none = || vec![Vec::new(); queries.len()];
    let add_row = |mut best: Vec<Vec<Scored>>, row_idx: u64| {
        if let Ok(point) = points::random_point(row_idx, DIMENSION) {
            let row = rounded(&point.embedding);
            for (best, weights) in best.iter_mut().zip(queries) {
                keep(best, (dot(&row, weights), row_idx));
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

/// Coordinates in half precision.
fn rounded(embedding: &Embedding) -> Vec<f64> {
    embedding.as_slice().iter().map(|&x| f16::from_f32(x).to_f64()).collect()
}

fn dot(row: &[f64], weights: &[f32]) -> f64 {
    row.iter().zip(weights).map(|(x, &w)| x * f64::from(w)).sum()
}

fn keep(best: &mut Vec<Scored>, scored: Scored) {
    let place = best.partition_point(|kept| kept.0 >= scored.0);
    if place < TOP_K {
        best.insert(place, scored);
        best.truncate(TOP_K);
    }
}
