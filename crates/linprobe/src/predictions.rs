//! Predictions, and the forms that they are written in.
//!
//! Every form has the same columns: `rank` from 1, `id`, `score` (a logit), `probability`,
//! `positive`, then `label` and `text` as the dataset gives them, then its other columns.

pub mod csv;
pub mod gallery;
pub mod jsonl;
pub mod parquet;
pub mod sort;
pub(crate) mod wide;
pub(crate) mod write_back;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::Path,
};

use linprobe_classifier::probability;
use linprobe_core::RecordId;

use crate::{
    catalogue::{CatalogueRecord, SkippedRecord},
    error::ProjectError,
};

/// What a classifier says of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Its place when all are sorted by score, from 1.
    pub rank: u64,
    /// The logit: `weights . embedding + bias`.
    pub score: f32,
    /// The sigmoid of the score.
    pub probability: f32,
    /// Whether the score reaches the threshold.
    pub positive: bool,
    /// The record.
    pub record: CatalogueRecord,
}

impl Prediction {
    /// The record that it is about.
    pub fn id(&self) -> &RecordId {
        &self.record.id
    }
}

/// What a classifier says of a dataset, best first. Records are read when they are asked for.
pub struct Predictions<'a> {
    /// The lowest score that counts as positive.
    pub threshold: f32,
    /// Records that could not be read or embedded.
    pub skipped: Vec<SkippedRecord>,
    /// Best first.
    places: Vec<Place>,
    records: Box<dyn Records + 'a>,
}

/// A score, and what the record goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) score: f32,
    pub(crate) key: u64,
}

/// Where the records of predictions are read.
pub(crate) trait Records {
    fn record(&self, key: u64) -> Result<CatalogueRecord, ProjectError>;

    /// The names of all columns that are neither text nor label.
    fn columns(&self) -> Result<BTreeSet<String>, ProjectError>;
}

impl<'a> Predictions<'a> {
    /// Of places that come best first.
    pub(crate) fn new(places: Vec<Place>, threshold: f32, records: impl Records + 'a) -> Self {
        Self { threshold, skipped: Vec::new(), places, records: Box::new(records) }
    }

    /// How many there are.
    pub fn n_records(&self) -> usize {
        self.places.len()
    }

    /// How many count as positive.
    pub fn n_positive(&self) -> usize {
        self.places.partition_point(|place| place.score >= self.threshold)
    }

    /// Leaves out those that do not count as positive.
    pub fn keep_positive(&mut self) {
        self.places.truncate(self.n_positive());
    }

    /// All of them, best first.
    ///
    /// # Errors
    /// A record cannot be read.
    pub fn iter(&self) -> impl Iterator<Item = Result<Prediction, ProjectError>> {
        (1..).zip(&self.places).map(|(rank, &Place { score, key })| {
            let (probability, positive) = (probability(score), score >= self.threshold);
            let record = self.records.record(key)?;
            Ok(Prediction { rank, score, probability, positive, record })
        })
    }

    /// The further columns of the dataset, in the order of their names.
    fn columns(&self) -> io::Result<BTreeSet<String>> {
        self.records.columns().map_err(io::Error::other)
    }
}

impl std::fmt::Debug for Predictions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Predictions").field("n_records", &self.n_records()).finish_non_exhaustive()
    }
}

/// The form of a file of predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PredictionsForm {
    /// Comma separated values with a header.
    #[default]
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// Columns, compressed.
    Parquet,
}

impl PredictionsForm {
    /// The ending of such a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
        }
    }

    /// The form that the ending of a file's name means, if it means one.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_string_lossy().to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Writes predictions.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(self, predictions: &Predictions<'_>, out: impl Write + Send) -> io::Result<()> {
        match self {
            Self::Csv => csv::write(predictions, out),
            Self::Jsonl => jsonl::write(predictions, out),
            Self::Parquet => parquet::write(predictions, out),
        }
    }
}

/// The names of the columns that all predictions have.
const FIXED_COLUMNS: [&str; 7] =
    ["rank", "id", "score", "probability", "positive", "label", "text"];

/// The name of a further column; one that is named like a fixed column gets an underscore before it.
fn column_name(metadata: &str) -> String {
    let taken = FIXED_COLUMNS.contains(&metadata);
    if taken { format!("_{metadata}") } else { metadata.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Records for Vec<CatalogueRecord> {
        fn record(&self, key: u64) -> Result<CatalogueRecord, ProjectError> {
            Ok(self[usize::try_from(key).unwrap()].clone())
        }

        fn columns(&self) -> Result<BTreeSet<String>, ProjectError> {
            Ok(self.iter().flat_map(|record| record.metadata.keys().cloned()).collect())
        }
    }

    pub(super) fn predictions() -> Predictions<'static> {
        let record = |id: &str, text: Option<&str>, metadata: &[(&str, &str)]| CatalogueRecord {
            id: RecordId::new(id).unwrap(),
            kind: "text".into(),
            text: text.map(Into::into),
            label: None,
            metadata: metadata.iter().map(|&(k, v)| (k.into(), v.into())).collect(),
        };
        let records = vec![
            record("a", Some("é"), &[]),
            record("a,\"1\"", Some("two\nlines"), &[("rank", "dean")]),
            record("b", None, &[("year", "2020")]),
        ];
        let scores = (0..).zip([2.0, 2.0, -1.5]);
        Predictions::new(scores.map(|(key, score)| Place { score, key }).collect(), 0.0, records)
    }

    #[test]
    fn a_file_is_named_by_the_ending_that_means_its_form() {
        for form in [PredictionsForm::Csv, PredictionsForm::Jsonl, PredictionsForm::Parquet] {
            let name = Path::new("predictions").with_extension(form.ending());
            assert_eq!(PredictionsForm::of(&name), Some(form));
        }
        assert_eq!(PredictionsForm::of(Path::new("A.NDJSON")), Some(PredictionsForm::Jsonl));
        assert_eq!(PredictionsForm::of(Path::new("csv")), None);
    }

    #[test]
    fn every_form_is_written_by_its_own_writer() {
        let first = |form: PredictionsForm| {
            let mut out = Vec::new();
            form.write(&predictions(), &mut out).unwrap();
            out[..4].to_vec()
        };
        assert_eq!(first(PredictionsForm::Csv), b"rank");
        assert_eq!(first(PredictionsForm::Jsonl)[0], b'{');
        assert_eq!(first(PredictionsForm::Parquet), b"PAR1");
    }

    #[test]
    fn the_threshold_itself_counts_as_positive() {
        let mut predictions = predictions();
        predictions.threshold = 2.0;
        let positive: Vec<bool> = predictions.iter().map(|p| p.unwrap().positive).collect();
        assert_eq!((positive.as_slice(), predictions.n_positive()), (&[true, true, false][..], 2));
        predictions.keep_positive();
        assert_eq!(predictions.n_records(), 2);
    }
}
