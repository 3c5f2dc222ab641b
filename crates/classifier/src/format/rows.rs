//! What a file holds of one classifier or of many: rows of weights, and what is said of them.

use super::{Card, ClassifierFile, ExportError, bytes_of};
use crate::LinearClassifier;

/// One row for each class.
pub(super) struct Rows<'a> {
    /// All of one dimension.
    pub(super) classifiers: Vec<&'a LinearClassifier>,
    /// One for each.
    pub(super) thresholds: Vec<f32>,
    /// The names of the classes; none of a classifier that stands alone.
    pub(super) names: Option<Vec<&'a str>>,
    /// What the metadata say, as JSON.
    pub(super) card: Option<String>,
}

impl<'a> Rows<'a> {
    /// The one row of a classifier that stands alone.
    pub(super) fn of(file: &'a ClassifierFile) -> Result<Self, ExportError> {
        let ClassifierFile { classifier, card } = file;
        Ok(Self {
            classifiers: vec![classifier],
            thresholds: vec![card.as_ref().map_or(0.0, |Card { threshold, .. }| *threshold)],
            names: None,
            card: card.as_ref().map(Card::to_json).transpose()?,
        })
    }

    /// The number of classes and that of weights for each.
    pub(super) fn shape(&self) -> [usize; 2] {
        let dimension = self.classifiers.first().map_or(0, |first| first.dimension());
        [self.classifiers.len(), dimension]
    }

    /// The weights as numbers of four bytes, row by row.
    pub(super) fn weight_bytes(&self) -> Vec<u8> {
        self.classifiers.iter().flat_map(|classifier| bytes_of(classifier.weights())).collect()
    }

    /// The biases likewise.
    pub(super) fn bias_bytes(&self) -> Vec<u8> {
        let biases: Vec<f32> =
            self.classifiers.iter().map(|classifier| classifier.bias()).collect();
        bytes_of(&biases)
    }
}
