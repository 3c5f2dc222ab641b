//! Records.

use std::collections::BTreeMap;

use linprobe::{CatalogueRecord, PictureSize};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The longest text that is sent, in characters.
const MAX_TEXT: usize = 20_000;

/// What a record consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RecordKind {
    Text,
    Image,
    Vector,
}

impl RecordKind {
    /// By its name in the library.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "image" => Self::Image,
            "vector" => Self::Vector,
            _ => Self::Text,
        }
    }
}

/// One thing of the dataset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) kind: RecordKind,
    /// What a person can read of it, 20,000 characters at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Whether there is more of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) truncated: Option<bool>,
    /// Of a picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    /// The class that the dataset gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    /// The other columns.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Of a picture: where it stands in the dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

impl Record {
    /// A record, and the size of its picture where it is one.
    pub(crate) fn new(record: CatalogueRecord, size: Option<PictureSize>) -> Self {
        let CatalogueRecord { id, kind, text, label, metadata } = record;
        let kind = RecordKind::named(&kind);
        let cut = text.as_deref().and_then(|text| text.char_indices().nth(MAX_TEXT));
        let text = match (text, cut) {
            (Some(text), Some((end, _))) => text.get(..end).map(str::to_owned),
            (text, _) => text,
        };
        Self {
            path: (kind == RecordKind::Image).then(|| id.to_string()),
            id: id.to_string(),
            kind,
            text,
            truncated: cut.map(|_| true),
            width: size.map(|size| size.width),
            height: size.map(|size| size.height),
            label,
            metadata,
        }
    }
}

/// Some of the records, in the order in which they were indexed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Records {
    pub(crate) records: Vec<Record>,
    /// The last of them, to ask for those after it; null at the end.
    pub(crate) next: Option<String>,
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageOfRecords {
    /// Those after this one.
    pub(crate) after: Option<String>,
    /// How many, 500 at most.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<usize>,
}

/// How large a thumbnail.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThumbnailSize {
    /// 128, 256 or 512 pixels.
    pub(crate) size: Option<u32>,
}

/// What to search for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Search {
    pub(crate) start: Start,
    /// How many, 500 at most.
    #[schema(minimum = 1, maximum = 500)]
    pub(crate) k: Option<usize>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hits {
    pub(crate) hits: Vec<Hit>,
}

/// A record that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    /// A cosine, or a classifier's logit.
    pub(crate) score: f32,
    pub(crate) record: Record,
}

/// Where a search or a session starts: any of these together, but a classifier only by itself or with
/// examples.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Start {
    /// What is looked for, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) phrases: Vec<String>,
    /// What it is not, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) not_phrases: Vec<String>,
    /// Records that are examples of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) records: Vec<String>,
    /// Records that are counterexamples.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) not_records: Vec<String>,
    /// Uploads that are examples of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(crate) uploads: Vec<String>,
    /// A vector in the space of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vector: Option<Vec<f32>>,
    /// The records that are looked at, as in `split = 'train' and year > 2020`; all when not given.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<String>,
    /// The name of a session or an imported classifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) classifier: Option<String>,
}

/// Something that was uploaded, for an hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Upload {
    /// Its name in `start.uploads`.
    pub(crate) upload: String,
    pub(crate) kind: RecordKind,
}
