//! Classifier files: weights, a bias, and a card that says where they come from.
//!
//! No form can run code, all are read by other tools as they are, and what is read is checked
//! before it is believed: sizes against named limits, then shapes, then every number.
//! Linear layers of other tools are read as well, of as many classes as they have; one of these becomes the
//! classifier, or all become a [`Head`]. Bytes in, bytes out: files belong to the caller.

mod card;
mod head;
mod hoplite;
mod json;
mod layer;
mod npz;
mod onnx;
mod rows;
mod safetensors;
mod tensor;
mod torch;
mod zipped;

pub(crate) use card::NEWEST_FORMAT;
pub use card::{AuditCard, Card, IntervalCard, ModelCard};
pub use head::{BadHead, Head, HeadClass, ReadClass};

use layer::Found;

use crate::{BadClassifier, LinearClassifier};

/// The most weights that an imported classifier may have.
pub const MAX_DIMENSION: usize = 65_536;

/// The longest header of a safetensors file, in bytes; the card is part of it.
pub const MAX_HEADER_BYTES: u64 = 8 << 20;

/// The longest file that is read at all, in bytes: layers of a good many thousand classes are no longer.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The longest JSON file, in bytes.
pub const MAX_JSON_BYTES: usize = 64 << 20;

/// The key of the card in the metadata of files.
const CARD: &str = "linprobe";

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
    /// The encoder in front of it is larger than the format allows.
    #[error(
        "an ONNX model has 2 GiB at most, and the encoder alone has more\nhint: export the classifier alone"
    )]
    TooLarge,
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
    /// It is longer than any classifier.
    #[error("the file has {bytes} bytes, at most {MAX_FILE_BYTES} are read")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// It is a pickle, and nothing else.
    #[error(
        "the file is a pickle, which could run anything and is never read\nhint: save it with \
         safetensors, with torch.save of PyTorch 1.6 or later, or what scikit-learn has fitted with \
         np.savez(path, coef_=m.coef_, intercept_=m.intercept_, classes_=m.classes_)"
    )]
    Pickle,
    /// It has none of the forms that are read.
    #[error(
        "the file is no classifier\nhint: one is safetensors, JSON, ONNX, an .npz of NumPy or a file of torch.save"
    )]
    NoForm,
    /// It has such a form, and cannot be read, or computes something else.
    #[error("not a classifier in {form}: {reason}")]
    Unreadable {
        /// The form, in words.
        form: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is missing.
    #[error(
        "the file has no tensor {name:?}, it has: {found}\nhint: a linear layer is a tensor \"weight\" [n, d] \
         and a tensor \"bias\" [n], or scikit-learn's \"coef_\" and \"intercept_\"; without a bias, save zeros"
    )]
    NoTensor {
        /// The tensor's name.
        name: String,
        /// The names of those there are.
        found: String,
    },
    /// There are others than these two.
    #[error(
        "the file has a tensor {name:?}, too\nhint: only one linear layer can be imported; save its weight \
         and bias alone"
    )]
    ForeignTensor {
        /// The name of the first such tensor.
        name: String,
    },
    /// A tensor has the wrong shape, or is not there as a whole.
    #[error(
        "the tensor {name:?} has the shape {found:?}\nhint: a linear layer of n classes has weights \
         [n, d] and a bias [n]"
    )]
    Shape {
        /// The tensor's name.
        name: String,
        /// Its shape.
        found: Vec<usize>,
    },
    /// A tensor holds something else than floating-point numbers.
    #[error("the tensor {name:?} holds {found}\nhint: store it as F32, F64, F16 or BF16")]
    Dtype {
        /// The tensor's name.
        name: String,
        /// Its type of number.
        found: String,
    },
    /// The names of its classes are no names.
    #[error(
        "the names of the classes are of type {found}\nhint: save them as texts: classes_=m.classes_.astype(str)"
    )]
    Classes {
        /// Their type.
        found: String,
    },
    /// It has not as many names as classes.
    #[error("the file names {n_named} classes, its layer has {n_classes}")]
    ClassNames {
        /// How many it names.
        n_named: usize,
        /// How many there are.
        n_classes: usize,
    },
    /// It has many classes, and none was chosen.
    #[error(
        "the file has {n_classes} classes: {classes}\nhint: choose one, with --class or as FILE:CLASS"
    )]
    ManyClasses {
        /// How many there are.
        n_classes: usize,
        /// Their names or numbers.
        classes: String,
    },
    /// It has no class of the name that was chosen.
    #[error("the file has no class {class:?}\nhint: it has {classes}")]
    NoSuchClass {
        /// The class chosen.
        class: String,
        /// The names or numbers of those there are.
        classes: String,
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
        "the card has format {found}, this version reads up to {NEWEST_FORMAT}\nhint: update linprobe"
    )]
    NewerFormat {
        /// The format that the card names.
        found: u32,
    },
}

impl ClassifierFile {
    /// Reads a file of any form, told by how it begins. Of a linear layer of many classes, one is chosen: by
    /// its name, else by its number, from 0.
    ///
    /// # Errors
    /// [`ImportError`] when it is no classifier, or has many and none is chosen.
    pub fn read(bytes: &[u8], class: Option<&str>) -> Result<Self, ImportError> {
        found_in(bytes, |found| found.pick(class))
    }
}

/// Reads the linear layer of a file of any form.
fn found_in<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    match bytes {
        _ if safetensors::is_likely(bytes) => safetensors::read(bytes, take),
        [b'P', b'K', ..] if zipped::has_pickle(bytes) => torch::read(bytes, take),
        [b'P', b'K', ..] => npz::read(bytes, take),
        [b'{' | b' ' | b'\t' | b'\r' | b'\n', ..] => json::read(bytes, take),
        [0x08, ..] => onnx::read(bytes, take),
        [0x80, ..] => Err(ImportError::Pickle),
        _ => Err(ImportError::NoForm),
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A classifier of checked size.
fn classifier(weights: Vec<f32>, bias: f32) -> Result<LinearClassifier, ImportError> {
    if weights.len() > MAX_DIMENSION {
        return Err(ImportError::TooManyWeights { found: weights.len() });
    }
    Ok(LinearClassifier::new(weights, bias)?)
}
