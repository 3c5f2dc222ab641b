//! The form for people and for languages without safetensors: an object with `weights`, an array
//! of numbers, `bias`, and the card as `card`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Card, ClassifierFile, ExportError, ImportError, MAX_JSON_BYTES, classifier};

#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<&'a Card>,
    bias: f32,
    weights: &'a [f32],
}

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow, default)]
    card: Option<&'a RawValue>,
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
        Ok(serde_json::to_vec(&Written { card: self.card.as_ref(), bias, weights })?)
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// [`ImportError`] when it is something else.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ImportError> {
        if bytes.len() > MAX_JSON_BYTES {
            return Err(ImportError::JsonTooLong { bytes: bytes.len() });
        }
        let read: Read<'_> = serde_json::from_slice(bytes)
            .map_err(|error| ImportError::Json { reason: error.to_string() })?;
        let classifier = classifier(read.weights, read.bias)?;
        let card = read.card.map(|json| Card::read(json.get(), &classifier)).transpose()?;
        Ok(Self { classifier, card })
    }
}
