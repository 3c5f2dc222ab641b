//! Classifier files: weights, a bias, and a card that says where they come from.
//!
//! No form can run code, all are read by other tools as they are, and what is read is checked
//! before it is believed: sizes against named limits, then shapes, then every number.
//! Bytes in, bytes out: files belong to the caller.

mod card;
mod json;
mod onnx;
mod safetensors;
mod zipped;

pub(crate) use card::FORMAT;
pub use card::{AuditCard, Card, IntervalCard, ModelCard};

use crate::{BadClassifier, LinearClassifier};

/// The most weights that an imported classifier may have.
pub const MAX_DIMENSION: usize = 65_536;

/// The longest header of a safetensors file, in bytes; the card is part of it.
pub const MAX_HEADER_BYTES: u64 = 1 << 20;

/// The longest JSON file, in bytes.
pub const MAX_JSON_BYTES: usize = 4 << 20;

/// A classifier and its card.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierFile {
    /// The classifier.
    pub classifier: LinearClassifier,
    /// Where it comes from; files of other tools have none.
    pub card: Option<Card>,
}

/// Why a classifier cannot be written; not known to happen.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The tensors cannot be.
    #[error("cannot write the classifier as safetensors")]
    Safetensors(#[from] ::safetensors::SafeTensorError),
    /// The card cannot be.
    #[error("cannot write the classifier as JSON")]
    Json(#[from] serde_json::Error),
    /// The members of a zip cannot be.
    #[error("cannot write the classifier as a zip")]
    Zip(#[from] zip::result::ZipError),
}

/// Why a file is no classifier, or none that can be read here.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is not safetensors at all, or cut short.
    #[error(
        "not a safetensors file: {reason}\nhint: export it with safetensors, not with torch.save or pickle"
    )]
    NotSafetensors {
        /// What is wrong with it.
        reason: String,
    },
    /// Its header claims more than any classifier needs.
    #[error(
        "the header claims {bytes} bytes, at most {MAX_HEADER_BYTES} are read\nhint: the file is damaged, or holds more than one linear layer"
    )]
    HeaderTooLong {
        /// The length claimed.
        bytes: u64,
    },
    /// It has a form that is written and not read.
    #[error(
        "classifiers are written in this form, and not read\nhint: import the .safetensors or .json file of the same classifier"
    )]
    ExportOnly,
    /// A tensor is missing.
    #[error(
        "the file has no tensor {name:?}, it has: {found}\nhint: a linear classifier is a tensor \"weight\" [1, d] and a tensor \"bias\" [1]"
    )]
    NoTensor {
        /// The tensor's name.
        name: &'static str,
        /// The names of those there are.
        found: String,
    },
    /// There are others than these two.
    #[error("the file has a tensor {name:?}\nhint: only one linear layer can be imported")]
    ForeignTensor {
        /// The name of the first such tensor.
        name: String,
    },
    /// A tensor has the wrong shape.
    #[error("the tensor {name:?} has the shape {found:?}, {expected} is expected")]
    Shape {
        /// The tensor's name.
        name: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that it should have.
        expected: &'static str,
    },
    /// A tensor holds something else than floating-point numbers.
    #[error("the tensor {name:?} holds {found}\nhint: store it as F32, F64, F16 or BF16")]
    Dtype {
        /// The tensor's name.
        name: &'static str,
        /// Its type of number.
        found: String,
    },
    /// It has more weights than any embedding.
    #[error("the classifier has {found} weights, at most {MAX_DIMENSION} are read")]
    TooManyWeights {
        /// How many it has.
        found: usize,
    },
    /// The numbers are no classifier.
    #[error(transparent)]
    Classifier(#[from] BadClassifier),
    /// The JSON file is longer than any classifier.
    #[error("the file has {bytes} bytes, at most {MAX_JSON_BYTES} are read as JSON")]
    JsonTooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not JSON, or says something else.
    #[error(
        "not a classifier in JSON: {reason}\nhint: an object with \"weights\", an array of numbers, and \"bias\""
    )]
    Json {
        /// What is wrong with it.
        reason: String,
    },
    /// The card cannot be read.
    #[error("the card of the classifier cannot be read: {reason}")]
    Card {
        /// What is wrong with it.
        reason: String,
    },
    /// A later version wrote the file.
    #[error(
        "the card has format {found}, this version reads up to {FORMAT}\nhint: update linprobe"
    )]
    NewerFormat {
        /// The format that the card names.
        found: u32,
    },
}

/// A classifier of checked size.
fn classifier(weights: Vec<f32>, bias: f32) -> Result<LinearClassifier, ImportError> {
    if weights.len() > MAX_DIMENSION {
        return Err(ImportError::TooManyWeights { found: weights.len() });
    }
    Ok(LinearClassifier::new(weights, bias)?)
}
