//! What comes of a session: predictions, thresholds, files, comparisons, history.

use linprobe::{ExportForm, PredictionsForm, RankingOrder, ThresholdPolicy};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Record, RoundReport, ShownRecord};
use crate::problem::{Kind, Problem};

/// Which predictions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageOfPredictions {
    /// How many to pass over.
    pub(crate) offset: Option<usize>,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
    /// What comes first.
    #[param(inline)]
    pub(crate) order: Option<Order>,
    /// Only scores from here on.
    pub(crate) min_score: Option<f32>,
    /// Whether a record that is nearly the same as one above it on the page stands under that one.
    pub(crate) fold_duplicates: Option<bool>,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// The highest scores.
    #[default]
    Desc,
    /// The lowest scores.
    Asc,
    /// The scores nearest to the decision boundary.
    Boundary,
}

impl From<Order> for RankingOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Desc => Self::Descending,
            Order::Asc => Self::Ascending,
            Order::Boundary => Self::Boundary,
        }
    }
}

/// Some of the predictions.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract names them so")]
pub(crate) struct Predictions {
    /// How many there are on all pages.
    pub(crate) total: usize,
    pub(crate) predictions: Vec<Prediction>,
    /// Events so far.
    pub(crate) version: u64,
}

/// What the classifier says of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Prediction {
    /// Its place when all are sorted by score, from 1.
    pub(crate) rank: usize,
    pub(crate) score: f32,
    pub(crate) probability: f32,
    pub(crate) record: Record,
    /// What a person said of it.
    pub(crate) label: Option<f32>,
    pub(crate) seen: bool,
    pub(crate) n_folded: usize,
    /// Records of this page that are nearly the same.
    pub(crate) folded: Vec<String>,
}

/// What is wanted of a threshold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) struct Policy {
    pub(crate) policy: PolicyName,
    /// The share, the number or the score that is wanted; `f1` wants none.
    pub(crate) value: Option<f64>,
}

/// What is wanted of a threshold.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyName {
    F1,
    Precision,
    Recall,
    Count,
    Score,
}

impl Policy {
    /// The policy, if it is one.
    pub(crate) fn parse(self) -> Result<ThresholdPolicy, Problem> {
        let value = self.value.map(|value| value.to_string()).unwrap_or_default();
        let text = match self.policy {
            PolicyName::F1 => "f1".to_owned(),
            PolicyName::Precision => format!("precision>={value}"),
            PolicyName::Recall => format!("recall>={value}"),
            PolicyName::Count => format!("count={value}"),
            PolicyName::Score => format!("score={value}"),
        };
        text.parse().map_err(|bad| Problem::new(Kind::BadRequest, bad))
    }
}

/// Which file of a classifier.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ClassifierExport {
    #[param(inline)]
    pub(crate) format: Option<ClassifierForm>,
    /// The threshold on its card; the classifier's own when not given.
    pub(crate) threshold: Option<f32>,
}

/// The form of a classifier file.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClassifierForm {
    #[default]
    Safetensors,
    Json,
    Onnx,
    Npz,
    Torch,
}

impl From<ClassifierForm> for ExportForm {
    fn from(form: ClassifierForm) -> Self {
        match form {
            ClassifierForm::Safetensors => Self::Safetensors,
            ClassifierForm::Json => Self::Json,
            ClassifierForm::Onnx => Self::Onnx,
            ClassifierForm::Npz => Self::Npz,
            ClassifierForm::Torch => Self::Torch,
        }
    }
}

/// Which file of predictions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PredictionsExport {
    #[param(inline)]
    pub(crate) format: Option<TableForm>,
    /// What counts as positive; the classifier's own threshold when not given.
    pub(crate) threshold: Option<f32>,
    #[param(inline)]
    pub(crate) only: Option<Only>,
}

/// The form of a file of predictions.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TableForm {
    #[default]
    Csv,
    Jsonl,
    Parquet,
}

impl From<TableForm> for PredictionsForm {
    fn from(form: TableForm) -> Self {
        match form {
            TableForm::Csv => Self::Csv,
            TableForm::Jsonl => Self::Jsonl,
            TableForm::Parquet => Self::Parquet,
        }
    }
}

/// Which predictions are in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Only {
    Positive,
    #[default]
    All,
}

/// Which file of labels.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LabelsExport {
    #[param(inline)]
    pub(crate) format: Option<LabelsForm>,
}

/// The form of a file of labels.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LabelsForm {
    #[default]
    Csv,
    Jsonl,
    Parquet,
    Prodigy,
    LabelStudio,
    Fiftyone,
}

impl From<LabelsForm> for linprobe::LabelsForm {
    fn from(form: LabelsForm) -> Self {
        match form {
            LabelsForm::Csv => Self::Csv,
            LabelsForm::Jsonl => Self::Jsonl,
            LabelsForm::Parquet => Self::Parquet,
            LabelsForm::Prodigy => Self::Prodigy,
            LabelsForm::LabelStudio => Self::LabelStudio,
            LabelsForm::Fiftyone => Self::FiftyOne,
        }
    }
}

/// A few lines that use the exported classifier.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Snippets {
    pub(crate) python: String,
    pub(crate) rust: String,
    pub(crate) sql: String,
    pub(crate) qdrant: String,
    pub(crate) milvus: String,
    pub(crate) pinecone: String,
}

/// All rounds of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    pub(crate) rounds: Vec<PastRound>,
}

/// A round, what it has brought, and its records.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PastRound {
    #[serde(flatten)]
    pub(crate) report: RoundReport,
    pub(crate) records: Vec<ShownRecord>,
}

/// A new session with what had happened up to the end of a round.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Branch {
    /// Made from that of the old one, when not given.
    pub(crate) name: Option<String>,
    /// 0 for the start.
    pub(crate) round: u32,
}

/// What to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Compare {
    /// `session`, `session@round`, or the name of an imported classifier.
    pub(crate) a: String,
    /// The other one.
    pub(crate) b: String,
    /// How many of the highest scores of each; 100 when not given, 1000 at most.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) k: Option<usize>,
}

/// Two classifiers side by side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Comparison {
    pub(crate) a: Side,
    pub(crate) b: Side,
    pub(crate) agreement: Agreement,
    /// The cosine of the weights.
    pub(crate) cosine: f64,
    /// The records that either ranks highest, the one that has moved furthest first.
    pub(crate) moved: Vec<Moved>,
}

/// One of the two.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Side {
    /// A session or an imported classifier.
    pub(crate) name: String,
    /// The round, where one was named.
    pub(crate) round: Option<u32>,
}

/// Records that both, or one of them, rank among the highest.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Agreement {
    pub(crate) both: usize,
    pub(crate) only_a: usize,
    pub(crate) only_b: usize,
}

/// Where two classifiers put a record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moved {
    pub(crate) record: Record,
    /// From 1; null where it is not among the highest.
    pub(crate) rank_a: Option<usize>,
    pub(crate) rank_b: Option<usize>,
    pub(crate) score_a: f32,
    pub(crate) score_b: f32,
}

/// The classifiers of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Classifiers {
    pub(crate) classifiers: Vec<Classifier>,
}

/// A classifier.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Classifier {
    pub(crate) name: String,
    pub(crate) source: Origin,
    /// The model that it was made with, where it says so.
    pub(crate) model: Option<String>,
    pub(crate) threshold: f32,
}

/// Where a classifier comes from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    Session,
    Imported,
}

/// What to call an imported classifier.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportName {
    pub(crate) name: String,
    /// Which class of a layer of many: its name, or its number from 0.
    pub(crate) class: Option<String>,
}
