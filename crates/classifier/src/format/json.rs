//! The form for people and for languages without safetensors: an object with `weights`, an array
//! of numbers, `bias`, and the card as `card`. A head has `classes` in place of these two, each with `name`,
//! `weights` and `bias`.

use linprobe_tensors::{Element, Endian, Order};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::{RawValue, to_raw_value};

use super::{
    ClassifierFile, ExportError, ImportError, MAX_JSON_BYTES, bytes_of, hoplite,
    layer::Found,
    rows::Rows,
    tensor::{Layout, Tensor},
};

#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a RawValue>,
    bias: f32,
    weights: &'a [f32],
}

#[derive(Serialize)]
struct WrittenHead<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a RawValue>,
    classes: Vec<WrittenClass<'a>>,
}

#[derive(Serialize)]
struct WrittenClass<'a> {
    name: &'a str,
    bias: f32,
    weights: &'a [f32],
}

/// What tells whose an object is.
#[derive(Deserialize)]
struct Kind {
    beta: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow, default)]
    card: Option<&'a RawValue>,
    bias: Option<f32>,
    weights: Option<Vec<f32>>,
    classes: Option<Vec<ReadRow>>,
}

#[derive(Deserialize)]
struct ReadRow {
    #[serde(default)]
    name: String,
    bias: f32,
    weights: Vec<f32>,
}

impl ClassifierFile {
    /// Writes JSON.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_json(&self) -> Result<Vec<u8>, ExportError> {
        let (weights, bias) = (self.classifier.weights(), self.classifier.bias());
        let card = self.card.as_ref().map(to_raw_value).transpose()?;
        Ok(serde_json::to_vec(&Written { card: card.as_deref(), bias, weights })?)
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// [`ImportError`] when it is something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ImportError> {
        read(bytes, |found| found.pick(None))
    }
}

impl Rows<'_> {
    /// Writes a head.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, ExportError> {
        let card = self.card.clone().map(RawValue::from_string).transpose()?;
        let names = self.names.iter().flatten();
        let classes = names.zip(&self.classifiers).map(|(name, classifier)| WrittenClass {
            name,
            bias: classifier.bias(),
            weights: classifier.weights(),
        });
        Ok(serde_json::to_vec(&WrittenHead { card: card.as_deref(), classes: classes.collect() })?)
    }
}

/// Reads the layer that an object writes down.
pub(super) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    if bytes.len() > MAX_JSON_BYTES {
        return Err(ImportError::JsonTooLong { bytes: bytes.len() });
    }
    if serde_json::from_slice(bytes).is_ok_and(|Kind { beta }| beta.is_some()) {
        return hoplite::read(bytes, take);
    }
    let read: Read<'_> = serde_json::from_slice(bytes).map_err(|error| said(&error))?;
    let card = read.card.map(|json| json.get().to_owned());
    let rows = read.rows()?;
    let is_named = rows.iter().any(|row| !row.name.is_empty());
    let names = rows.iter().filter(|_| is_named).map(|row| row.name.clone()).collect();
    let dimension = rows.first().map_or(0, |row| row.weights.len());
    if let Some(row) = rows.iter().find(|row| row.weights.len() != dimension) {
        let (n, name) = (row.weights.len(), &row.name);
        let reason = format!("the class {name:?} has {n} weights, the first one {dimension}");
        return Err(ImportError::Json { reason });
    }
    let weights: Vec<f32> = rows.iter().flat_map(|row| row.weights.iter().copied()).collect();
    let biases: Vec<f32> = rows.iter().map(|row| row.bias).collect();
    let (weights, biases) = (bytes_of(&weights), bytes_of(&biases));
    let tensors = vec![
        tensor("weight", vec![rows.len(), dimension], &weights)?,
        tensor("bias", vec![rows.len()], &biases)?,
    ];
    take(Found { tensors, classes: names, card })
}

impl Read<'_> {
    /// The classes; of a classifier that stands alone, the one.
    fn rows(self) -> Result<Vec<ReadRow>, ImportError> {
        let refused = |reason: &str| Err(said(&reason));
        match (self.weights, self.bias, self.classes) {
            (None, None, Some(classes)) => Ok(classes),
            (Some(weights), Some(bias), None) => {
                Ok(vec![ReadRow { name: String::new(), bias, weights }])
            }
            (_, _, Some(_)) => refused("classes have weights and bias of their own, none beside"),
            (None, ..) => refused("missing field `weights`"),
            (_, None, _) => refused("missing field `bias`"),
        }
    }
}

fn tensor<'a>(name: &str, shape: Vec<usize>, values: &'a [u8]) -> Result<Tensor<'a>, ImportError> {
    let numbers = (Element::F32, Endian::Little);
    Tensor::new(name, numbers, Layout::plain(shape, Order::C), values)
}

fn said(reason: &dyn std::fmt::Display) -> ImportError {
    ImportError::Json { reason: reason.to_string() }
}
