//! The native form: safetensors with `weight` [1, d] and `bias` [1] in f32, the names and shapes of
//! the state of `torch.nn.Linear(d, 1)`, and the card as JSON under the key `linprobe` of the metadata.

use std::collections::HashMap;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use super::{
    Card, ClassifierFile, ExportError, ImportError, MAX_DIMENSION, MAX_HEADER_BYTES, classifier,
};

const CARD: &str = "linprobe";
const WEIGHT: &str = "weight";
const BIAS: &str = "bias";

impl ClassifierFile {
    /// Writes the native form.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ExportError> {
        let weights = self.classifier.weights();
        let weight: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
        let bias = self.classifier.bias().to_le_bytes();
        let tensors = [
            (WEIGHT, TensorView::new(Dtype::F32, vec![1, weights.len()], &weight)?),
            (BIAS, TensorView::new(Dtype::F32, vec![1], &bias)?),
        ];
        let card = self.card.as_ref().map(serde_json::to_string).transpose()?;
        let metadata = card.map(|card| HashMap::from([(CARD.to_owned(), card)]));
        Ok(safetensors::serialize(tensors, metadata)?)
    }

    /// Reads the native form, or the state of any one linear layer in f16, bf16, f32 or f64.
    ///
    /// # Errors
    /// [`ImportError`] when it is something else.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, ImportError> {
        check_header_length(bytes)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        refuse_others(&tensors)?;
        let weights = numbers(WEIGHT, &weight(&tensors)?)?;
        let bias = numbers(BIAS, &bias(&tensors)?)?;
        let classifier = classifier(weights, bias.first().copied().unwrap_or_default())?;
        let card = header.metadata().as_ref().and_then(|metadata| metadata.get(CARD));
        let card = card.map(|json| Card::read(json, &classifier)).transpose()?;
        Ok(Self { classifier, card })
    }
}

/// Before anything is parsed: the length is the first thing that a hostile file lies about.
fn check_header_length(bytes: &[u8]) -> Result<(), ImportError> {
    let Some((length, _)) = bytes.split_first_chunk() else {
        return Err(not_safetensors(SafeTensorError::HeaderTooSmall));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER_BYTES {
        return Err(ImportError::HeaderTooLong { bytes: length });
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "is mapped over errors")]
fn not_safetensors(error: SafeTensorError) -> ImportError {
    ImportError::NotSafetensors { reason: error.to_string() }
}

/// A file with further layers computes something else than its `weight` and `bias` do.
fn refuse_others(tensors: &SafeTensors<'_>) -> Result<(), ImportError> {
    let others = tensors.names().into_iter().filter(|name| ![WEIGHT, BIAS].contains(name));
    match (others.min(), tensors.tensor(WEIGHT)) {
        (Some(name), Ok(_)) => Err(ImportError::ForeignTensor { name: name.to_owned() }),
        _ => Ok(()),
    }
}

fn weight<'a>(tensors: &SafeTensors<'a>) -> Result<TensorView<'a>, ImportError> {
    let tensor = tensor(tensors, WEIGHT)?;
    match *tensor.shape() {
        [1, found] if found > MAX_DIMENSION => Err(ImportError::TooManyWeights { found }),
        [1, d] if d > 0 => Ok(tensor),
        _ => Err(wrong_shape(WEIGHT, &tensor, "[1, d]")),
    }
}

fn bias<'a>(tensors: &SafeTensors<'a>) -> Result<TensorView<'a>, ImportError> {
    let tensor = tensor(tensors, BIAS)?;
    if tensor.shape() == [1] { Ok(tensor) } else { Err(wrong_shape(BIAS, &tensor, "[1]")) }
}

fn tensor<'a>(
    tensors: &SafeTensors<'a>,
    name: &'static str,
) -> Result<TensorView<'a>, ImportError> {
    tensors.tensor(name).map_err(|error| match error {
        SafeTensorError::TensorNotFound(_) => {
            let mut names = tensors.names();
            names.sort_unstable();
            let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            ImportError::NoTensor { name, found }
        }
        other => not_safetensors(other),
    })
}

fn wrong_shape(name: &'static str, tensor: &TensorView<'_>, expected: &'static str) -> ImportError {
    ImportError::Shape { name, found: tensor.shape().to_vec(), expected }
}

fn numbers(name: &'static str, tensor: &TensorView<'_>) -> Result<Vec<f32>, ImportError> {
    let bytes = tensor.data();
    Ok(match tensor.dtype() {
        Dtype::F32 => words(bytes).map(f32::from_le_bytes).collect(),
        Dtype::F64 => words(bytes).map(|word| narrow(f64::from_le_bytes(word))).collect(),
        Dtype::F16 => words(bytes).map(|word| f16::from_le_bytes(word).to_f32()).collect(),
        Dtype::BF16 => words(bytes).map(|word| bf16::from_le_bytes(word).to_f32()).collect(),
        other => return Err(ImportError::Dtype { name, found: format!("{other:?}") }),
    })
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}

/// A number that f32 cannot hold becomes an infinity, which no classifier accepts.
#[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
fn narrow(value: f64) -> f32 {
    value as f32
}
