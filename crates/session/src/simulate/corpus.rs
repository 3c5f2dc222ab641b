//! Points as one matrix, for a laboratory that scores all of them after every round.
//!
//! Scoring reads the matrix once from front to back and sums in f32: 27,723 x 512 take some
//! milliseconds on one core. Splits are lists of rows, so that any number of them share the matrix.

use linprobe_classifier::LinearClassifier;
use linprobe_core::{Embedding, Point, RecordId, dot};

/// Every point of a dataset, in the order given.
#[derive(Debug)]
pub struct Corpus {
    dimension: usize,
    ids: Vec<RecordId>,
    /// One embedding after the other.
    values: Vec<f32>,
}

impl Corpus {
    /// Takes points. Those of another dimension are left out.
    pub fn new(dimension: usize, points: impl IntoIterator<Item = Point>) -> Self {
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        for point in points {
            if point.embedding.dimension() == dimension {
                values.extend_from_slice(point.embedding.as_slice());
                ids.push(point.id);
            }
        }
        Self { dimension, ids, values }
    }

    /// The number of coordinates.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, row by row.
    pub fn ids(&self) -> &[RecordId] {
        &self.ids
    }

    /// The rows of the points that belong to a concept.
    pub fn rows(&self, belongs: impl Fn(&RecordId) -> bool) -> Vec<usize> {
        (0..self.len()).filter(|&row| belongs(&self.ids[row])).collect()
    }

    /// The embedding of a row.
    /// The embedding of a row.
    pub fn embedding(&self, row: usize) -> Embedding {
        Embedding::normalize(self.values(row)).expect("an embedding was taken in")
    }

    pub(crate) fn values(&self, row: usize) -> &[f32] {
        &self.values[row * self.dimension..][..self.dimension]
    }

    /// The score of every row.
    pub(crate) fn score(&self, classifier: &LinearClassifier) -> Vec<f32> {
        let (weights, bias) = (classifier.weights(), classifier.bias());
        let rows = self.values.chunks_exact(self.dimension);
        rows.map(|row| dot(row, weights) + bias).collect()
    }

    /// The cosines of every row with some of them: one list for each.
    pub(crate) fn cosines(&self, with: &[usize]) -> Vec<Vec<f32>> {
        let others: Vec<&[f32]> = with.iter().map(|&row| self.values(row)).collect();
        let mut cosines = vec![Vec::with_capacity(self.len()); with.len()];
        for row in self.values.chunks_exact(self.dimension) {
            for (list, other) in cosines.iter_mut().zip(&others) {
                list.push(dot(row, other));
            }
        }
        cosines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Corpus {
        let rows = [vec![3.0, 4.0], vec![1.0, 0.0, 0.0], vec![0.0, 1.0]];
        let point = |(row, values): (u64, Vec<f32>)| Point {
            id: RecordId::from_row(row),
            embedding: Embedding::normalize(values).unwrap(),
        };
        Corpus::new(2, (0..).zip(rows).map(point))
    }

    #[test]
    fn points_of_another_dimension_shift_no_row() {
        let corpus = corpus();
        assert_eq!(corpus.ids(), [RecordId::from_row(0), RecordId::from_row(2)]);
        assert_eq!(corpus.embedding(1).as_slice(), [0.0, 1.0]);
        assert_eq!(corpus.rows(|id| *id == RecordId::from_row(2)), [1]);
    }

    #[test]
    fn every_row_is_scored_as_the_classifier_scores_it() {
        let corpus = corpus();
        let classifier = LinearClassifier::new(vec![2.0, -1.0], 0.5).unwrap();
        for (row, score) in corpus.score(&classifier).into_iter().enumerate() {
            assert!((score - classifier.score(&corpus.embedding(row))).abs() < 1e-6);
        }
        let cosines = corpus.cosines(&[1]);
        assert!((cosines[0][0] - 0.8).abs() < 1e-6 && (cosines[0][1] - 1.0).abs() < 1e-6);
    }
}
