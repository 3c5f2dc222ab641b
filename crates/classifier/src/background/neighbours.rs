//! The covariance of the differences between neighbours: a graph of the sample's records, seen as a
//! quadratic form of weights.
//!
//! `w' M w` is how much scores differ along the edges of the graph, so a penalty on it asks for
//! the same score where records lie side by side. The graph itself is used up here: what is left
//! has d x d numbers, whatever the number of records. Everything runs on the caller's thread: a
//! caller among others of one pool would wait for itself if this shared its work with them.

use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};

use super::Sample;

/// Neighbours that each record is tied to.
const N_NEIGHBOURS: usize = 10;

/// The cosine distance at which a tie is 1/e as strong as between equals.
const REACH: f64 = 0.03;

/// Rows whose cosines to all others are held at once: 4 MB of a full sample.
const BLOCK: usize = 256;

/// `sum a d d' / sum a` over all ties, zeros where there are none.
pub(super) fn covariance(sample: &Sample) -> Mat<f64> {
    let ties = ties(sample);
    let rows: Vec<&[f32]> = sample.rows().collect();
    let d = sample.dimension();
    let strength: f64 = ties.iter().map(|tie| tie.strength).sum();
    let mut covariance = Mat::zeros(d, d);
    if strength > 0.0 {
        let x = Mat::from_fn(d, rows.len(), |i, row| f64::from(rows[row][i]));
        let pulls = pulls(x.as_ref(), &ties);
        let scale = 1.0 / strength;
        matmul(covariance.as_mut(), Accum::Replace, &x, pulls.transpose(), scale, Par::Seq);
    }
    covariance
}

/// Two records of which one is among the nearest of the other.
struct Tie {
    ends: [usize; 2],
    strength: f64,
}

/// Each pair once, in order.
fn ties(sample: &Sample) -> Vec<Tie> {
    let (n_rows, d) = (sample.n_rows(), sample.dimension());
    let rows = MatRef::from_row_major_slice(sample.values(), n_rows, d);
    let mut ties: Vec<Tie> = Vec::with_capacity(n_rows * N_NEIGHBOURS);
    for first in (0..n_rows).step_by(BLOCK) {
        let block = rows.subrows(first, BLOCK.min(n_rows - first));
        // A column holds the cosines of one record, so that each is contiguous.
        let mut cosines = Mat::<f32>::zeros(n_rows, block.nrows());
        matmul(cosines.as_mut(), Accum::Replace, rows, block.transpose(), 1.0, Par::Seq);
        for i in 0..block.nrows() {
            ties.extend(nearest(cosines.col_as_slice(i), first + i));
        }
    }
    ties.sort_unstable_by_key(|tie| tie.ends);
    ties.dedup_by_key(|tie| tie.ends);
    ties
}

/// The ties of a record to its nearest others; of equals, to the first.
fn nearest(cosines: &[f32], own: usize) -> impl Iterator<Item = Tie> {
    let mut others: Vec<usize> = (0..cosines.len()).filter(|&other| other != own).collect();
    let rank = |&a: &usize, &b: &usize| cosines[b].total_cmp(&cosines[a]).then(a.cmp(&b));
    if others.len() > N_NEIGHBOURS {
        others.select_nth_unstable_by(N_NEIGHBOURS, rank);
        others.truncate(N_NEIGHBOURS);
    }
    others.into_iter().map(move |other| Tie {
        ends: [own.min(other), own.max(other)],
        strength: ((f64::from(cosines[other]) - 1.0) / REACH).exp(),
    })
}

/// The graph's Laplacian times the records, one a column: how its ties pull at each.
fn pulls(x: MatRef<'_, f64>, ties: &[Tie]) -> Mat<f64> {
    let mut pulls = Mat::zeros(x.nrows(), x.ncols());
    for Tie { ends: [a, b], strength } in ties {
        for i in 0..x.nrows() {
            let pull = strength * (x[(i, *a)] - x[(i, *b)]);
            pulls[(i, *a)] += pull;
            pulls[(i, *b)] -= pull;
        }
    }
    pulls
}
