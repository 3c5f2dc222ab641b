//! Predictions, and the forms that they are written in.
//!
//! Every form has the same columns: `rank` from 1, `id`, `score` (a logit), `probability`,
//! `positive`, then `label` and `text` as the dataset gives them, then its other columns.

pub mod csv;
pub mod jsonl;
pub mod parquet;
pub(crate) mod wide;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::Path,
};

use linprobe_classifier::probability;
use linprobe_core::RecordId;

use crate::catalogue::CatalogueRecord;

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
    /// Ranks scored records, best first, ties by id.
    pub(crate) fn rank(mut scored: Vec<(f32, CatalogueRecord)>, threshold: f32) -> Vec<Self> {
        scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.id.cmp(&y.id)));
        let ranked = (1..).zip(scored);
        ranked
            .map(|(rank, (score, record))| Self {
                rank,
                score,
                probability: probability(score),
                positive: score >= threshold,
                record,
            })
            .collect()
    }

    /// The record that it is about.
    pub fn id(&self) -> &RecordId {
        &self.record.id
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
    pub fn write(self, predictions: &[Prediction], out: impl Write + Send) -> io::Result<()> {
        match self {
            Self::Csv => Ok(csv::write(predictions, out)?),
            Self::Jsonl => jsonl::write(predictions, out),
            Self::Parquet => parquet::write(predictions, out).map_err(io::Error::other),
        }
    }
}

/// The names of the columns that all predictions have.
const FIXED_COLUMNS: [&str; 7] =
    ["rank", "id", "score", "probability", "positive", "label", "text"];

/// The further columns of the dataset, in the order of their names; those that are named like one
/// of the fixed columns get an underscore before them.
fn metadata_columns(predictions: &[Prediction]) -> BTreeSet<&str> {
    predictions.iter().flat_map(|p| p.record.metadata.keys().map(String::as_str)).collect()
}

fn column_name(metadata: &str) -> String {
    let taken = FIXED_COLUMNS.contains(&metadata);
    if taken { format!("_{metadata}") } else { metadata.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn predictions() -> Vec<Prediction> {
        let record = |id: &str, text: Option<&str>, metadata: &[(&str, &str)]| CatalogueRecord {
            id: RecordId::new(id).unwrap(),
            kind: "text".into(),
            text: text.map(Into::into),
            label: None,
            metadata: metadata.iter().map(|&(k, v)| (k.into(), v.into())).collect(),
        };
        let scored = vec![
            (-1.5, record("b", None, &[("year", "2020")])),
            (2.0, record("a,\"1\"", Some("two\nlines"), &[("rank", "dean")])),
            (2.0, record("a", Some("é"), &[])),
        ];
        Prediction::rank(scored, 0.0)
    }

    #[test]
    fn predictions_are_sorted_by_score_then_id() {
        let order: Vec<_> = predictions().iter().map(|p| (p.rank, p.id().to_string())).collect();
        assert_eq!(order, [(1, "a".into()), (2, "a,\"1\"".into()), (3, "b".into())]);
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
        let scored = predictions().into_iter().map(|p| (p.score, p.record)).collect();
        let positive: Vec<_> = Prediction::rank(scored, 2.0).iter().map(|p| p.positive).collect();
        assert_eq!(positive, [true, true, false]);
    }
}
