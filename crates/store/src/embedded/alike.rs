//! Points that are nearly the same, among all of them.
//!
//! To compare each with each takes the square of their number. So they are sorted into buckets by the sides of random planes on which
//! they lie (Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC 2002), and compared within a bucket, again and
//! again with other planes: what is alike falls into the same bucket at least once, nearly always. A bucket is split only while it
//! is large, so few points are all compared. The planes go through the middle of the points, which embeddings of a model are to one
//! side of.

use std::collections::BTreeSet;

use half::slice::HalfFloatSliceExt;
use linprobe_core::{RecordId, SplitMix, StoreError, dot};
use rayon::prelude::*;

use super::{segment::Rows, snapshot::Snapshot};

/// How often points are sorted into buckets. Of two with a cosine of .98, one pair in some thousands is missed among a million.
const N_TABLES: usize = 24;

/// The planes of a table, and the bits of a place in it.
const N_PLANES: usize = 32;

/// A bucket of more points is split by the next plane.
const BUCKET: usize = 256;

/// Points that the middle is taken of.
const N_AVERAGED: usize = 10_000;

/// Where each point falls in each table.
type Places = [u32; N_TABLES];

/// Groups of points of which each has a cosine of at least this with the first of its group, which was written before the others. A
/// point is in one group at most, and none is alone.
pub(crate) fn groups(
    snapshot: &Snapshot<'_>,
    least_cosine: f32,
) -> Result<Vec<Vec<RecordId>>, StoreError> {
    let rows: Vec<usize> =
        (0..snapshot.n_rows()).filter(|&row| !snapshot.leaves_out(row)).collect();
    let points = Points { vectors: &snapshot.rows, rows: &rows, least_cosine };
    let groups = led(points.pairs());
    let groups = groups.into_iter().map(|group| {
        let rows: Vec<usize> = group.into_iter().map(|point| rows[point]).collect();
        snapshot.ids_of(&rows)
    });
    groups.collect()
}

/// The points to compare, by their place among the rows.
struct Points<'a> {
    vectors: &'a Rows,
    rows: &'a [usize],
    least_cosine: f32,
}

/// Two points that are alike, the one that was written first before the other.
type Pair = (usize, usize);

impl Points<'_> {
    /// Every pair that is found, sorted.
    fn pairs(&self) -> Vec<Pair> {
        let planes = Planes::through(&self.middle());
        let all = (0..self.rows.len()).into_par_iter();
        let places: Vec<Places> = all.map(|point| planes.places(&self.vector(point))).collect();
        let tables = (0..N_TABLES).into_par_iter().flat_map_iter(|table| {
            let mut order: Vec<usize> = (0..self.rows.len()).collect();
            order.sort_unstable_by_key(|&point| (places[point][table], point));
            let mut pairs = Vec::new();
            self.compare(&order, 0, &|point| places[point][table], &mut pairs);
            pairs
        });
        let mut pairs: Vec<Pair> = tables.collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        pairs
    }

    /// Compares the points of a bucket, which are sorted by their places, or of its parts.
    fn compare(
        &self,
        bucket: &[usize],
        n_bits: usize,
        place: &dyn Fn(usize) -> u32,
        pairs: &mut Vec<Pair>,
    ) {
        if bucket.len() > BUCKET && n_bits < N_PLANES {
            let bit = 1 << (N_PLANES - 1 - n_bits);
            let middle = bucket.partition_point(|&point| place(point) & bit == 0);
            let (below, above) = bucket.split_at(middle);
            self.compare(below, n_bits + 1, place, pairs);
            self.compare(above, n_bits + 1, place, pairs);
            return;
        }
        let mut points = bucket.to_vec();
        points.sort_unstable();
        let is_one_and_the_same = points.len() > BUCKET;
        let mut met: Vec<(usize, Vec<f32>)> = Vec::new();
        for &point in &points {
            let vector = self.vector(point);
            let mut alike =
                met.iter().filter(|(_, other)| dot(other, &vector) >= self.least_cosine);
            // What no plane tells apart is mostly one and the same: the first of it is enough to compare with.
            if is_one_and_the_same {
                match alike.next() {
                    Some((first, _)) => pairs.push((*first, point)),
                    None => met.push((point, vector)),
                }
            } else {
                pairs.extend(alike.map(|(other, _)| (*other, point)));
                met.push((point, vector));
            }
        }
    }

    /// A vector, made of unit length.
    fn vector(&self, point: usize) -> Vec<f32> {
        let row = self.vectors.row(self.rows[point]);
        let mut vector = row.map(HalfFloatSliceExt::to_f32_vec).unwrap_or_default();
        let length = dot(&vector, &vector).sqrt();
        if length > 0.0 {
            for x in &mut vector {
                *x /= length;
            }
        }
        vector
    }

    /// The mean of some of the vectors.
    fn middle(&self) -> Vec<f32> {
        let step = self.rows.len().div_ceil(N_AVERAGED).max(1);
        let sampled: Vec<usize> = (0..self.rows.len()).step_by(step).collect();
        let mut middle = vec![0.0; self.vectors.dimension()];
        for &point in &sampled {
            let vector = self.vector(point);
            middle.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += x / sampled.len() as f32);
        }
        middle
    }
}

/// The planes of all tables.
struct Planes {
    /// One after the other, each with as many coordinates as a vector.
    normals: Vec<f32>,
    /// How far each is from the origin, along its normal.
    offsets: Vec<f32>,
    dimension: usize,
}

impl Planes {
    /// Planes through a point, the same ones each time.
    fn through(middle: &[f32]) -> Self {
        let dimension = middle.len();
        let mut random = SplitMix::new(0);
        let sign = |_| if random.next_u64() & 1 == 0 { 1.0 } else { -1.0 };
        let normals: Vec<f32> = (0..N_TABLES * N_PLANES * dimension).map(sign).collect();
        let offsets = normals.chunks_exact(dimension.max(1)).map(|normal| dot(normal, middle));
        Self { offsets: offsets.collect(), normals, dimension }
    }

    fn places(&self, vector: &[f32]) -> Places {
        let mut places = [0; N_TABLES];
        let normals = self.normals.chunks_exact(self.dimension.max(1));
        for (plane, (normal, offset)) in normals.zip(&self.offsets).enumerate() {
            let side = u32::from(dot(normal, vector) > *offset);
            let place = &mut places[plane / N_PLANES];
            *place = *place << 1 | side;
        }
        places
    }
}

/// Groups by the first of them: a point belongs to the first that it is alike and that belongs to no other.
fn led(pairs: Vec<Pair>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut taken = BTreeSet::new();
    for (leader, follower) in pairs {
        if taken.contains(&leader) || taken.contains(&follower) {
            continue;
        }
        taken.insert(follower);
        match groups.last_mut().filter(|group| group.first() == Some(&leader)) {
            Some(group) => group.push(follower),
            None => groups.push(vec![leader, follower]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use linprobe_core::{Embedding, Point, VectorStore};

    use super::*;
    use crate::EmbeddedStore;

    /// Vectors about a common direction, as those of a model are, and of every tenth one a near-duplicate.
    fn store(folder: &std::path::Path, n_points: u64) -> EmbeddedStore {
        let store = EmbeddedStore::create(folder, 32).unwrap();
        let noise =
            |seed: u64, n: u64| SplitMix::new(seed * 32 + n).below(2000) as f32 / 1000.0 - 1.0;
        let vector = |seed: u64| -> Vec<f32> { (0..32).map(|n| 1.0 + noise(seed, n)).collect() };
        let points = (0..n_points).map(|n| {
            let values = match n % 10 {
                9 => (0..).zip(vector(n - 9)).map(|(i, x)| x + 0.2 * noise(n, i)).collect(),
                _ => vector(n),
            };
            let embedding = Embedding::normalize(values).unwrap();
            Point { id: RecordId::new(format!("{n:06}")).unwrap(), embedding }
        });
        pollster::block_on(store.upsert(&points.collect::<Vec<_>>())).unwrap();
        store
    }

    /// Each pair, by comparing each with each.
    fn every_pair(store: &EmbeddedStore, least: f32) -> Vec<(RecordId, RecordId)> {
        let points = pollster::block_on(store.scan(None, usize::MAX)).unwrap();
        let mut pairs = Vec::new();
        for (n, second) in points.iter().enumerate() {
            for first in &points[..n] {
                if first.embedding.dot(second.embedding.as_slice()) >= least {
                    pairs.push((first.id.clone(), second.id.clone()));
                }
            }
        }
        pairs
    }

    #[test]
    fn what_is_nearly_the_same_is_found_among_many() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path(), 4000);
        let groups = store.alike(0.98).unwrap();
        let pairs = every_pair(&store, 0.98);
        assert!(pairs.len() > 200, "{}", pairs.len());
        let together = |(a, b): &&(RecordId, RecordId)| {
            groups.iter().any(|group| group.contains(a) && group.contains(b))
        };
        assert_eq!(pairs.iter().filter(together).count(), pairs.len());
        for group in &groups {
            let points = pollster::block_on(store.fetch(group)).unwrap();
            for point in &points[1..] {
                let cosine = points[0].embedding.dot(point.embedding.as_slice());
                assert!(cosine >= 0.979, "{} {}: {cosine}", points[0].id, point.id);
            }
        }
    }

    #[test]
    fn many_that_are_the_same_are_one_group_and_what_is_left_out_is_in_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(folder.path(), 4).unwrap();
        let embedding = Embedding::normalize(vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let ids: Vec<RecordId> =
            (0..1000).map(|n| RecordId::new(format!("{n:04}")).unwrap()).collect();
        let points = ids.iter().map(|id| Point { id: id.clone(), embedding: embedding.clone() });
        pollster::block_on(store.upsert(&points.collect::<Vec<_>>())).unwrap();
        pollster::block_on(store.delete(&ids[..2])).unwrap();
        assert_eq!(store.alike(0.98).unwrap(), [ids[2..].to_vec()]);
        assert_eq!(store.narrowed(ids[5..8].to_vec()).alike(0.98).unwrap(), [ids[5..8].to_vec()]);
        assert_eq!(store.narrowed([ids[9].clone()]).alike(0.98).unwrap(), [] as [Vec<_>; 0]);
    }
}
