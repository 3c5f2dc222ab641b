//! The native form: safetensors with `weight` [1, d] and `bias` [1] in f32, the names and shapes of
//! the state of `torch.nn.Linear(d, 1)`, and the card as JSON under the key `linprobe` of the metadata.

use std::collections::HashMap;

use linprobe_tensors::{Element, Endian, Order};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use super::{
    CARD, ClassifierFile, ExportError, ImportError, MAX_HEADER_BYTES, bytes_of,
    layer::Found,
    tensor::{Layout, Tensor},
};

const WEIGHT: &str = "weight";
const BIAS: &str = "bias";

impl ClassifierFile {
    /// Writes the native form.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, ExportError> {
        let weights = self.classifier.weights();
        let weight = bytes_of(weights);
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
        read(bytes, None)
    }
}

/// Reads a class of a linear layer.
pub(super) fn read(bytes: &[u8], class: Option<&str>) -> Result<ClassifierFile, ImportError> {
    check_header_length(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
    let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
    let tensors = file.iter().map(|(name, tensor)| {
        let numbers = (element_of(tensor.dtype()), Endian::Little);
        let layout = Layout::plain(tensor.shape().to_vec(), Order::C);
        Tensor::new(name, numbers, layout, tensor.data())
    });
    let card = header.metadata().as_ref().and_then(|metadata| metadata.get(CARD).cloned());
    Found { tensors: tensors.collect::<Result<_, _>>()?, card, ..Found::default() }.pick(class)
}

/// Whether bytes begin as the form does: with the length of a JSON object.
pub(super) fn is_likely(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{') && check_header_length(bytes).is_ok()
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

fn element_of(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        other => Element::Other(format!("{other:?}")),
    }
}
