//! The native form: safetensors with `weight` [k, d] and `bias` [k] in f32, the names and shapes of
//! the state of `torch.nn.Linear(d, k)`, and the card as JSON under the key `linprobe` of the metadata. A classifier
//! that stands alone is one row.

use std::collections::HashMap;

use linprobe_tensors::{Element, Endian, Order};
use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use super::{
    CARD, ClassifierFile, ExportError, ImportError, MAX_HEADER_BYTES,
    layer::Found,
    rows::Rows,
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
        Rows::of(self)?.to_safetensors()
    }

    /// Reads the native form, or the state of any one linear layer in f16, bf16, f32 or f64.
    ///
    /// # Errors
    /// [`ImportError`] when it is something else.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, ImportError> {
        read(bytes, |found| found.pick(None))
    }
}

impl Rows<'_> {
    pub(super) fn to_safetensors(&self) -> Result<Vec<u8>, ExportError> {
        let [n_classes, dimension] = self.shape();
        let (weight, bias) = (self.weight_bytes(), self.bias_bytes());
        let tensors = [
            (WEIGHT, TensorView::new(Dtype::F32, vec![n_classes, dimension], &weight)?),
            (BIAS, TensorView::new(Dtype::F32, vec![n_classes], &bias)?),
        ];
        let card = self.card.clone().map(|card| HashMap::from([(CARD.to_owned(), card)]));
        Ok(safetensors::serialize(tensors, card)?)
    }
}

/// Reads a linear layer.
pub(super) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    check_header_length(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
    let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
    let tensors = file.iter().map(|(name, tensor)| {
        let numbers = (element_of(tensor.dtype()), Endian::Little);
        let layout = Layout::plain(tensor.shape().to_vec(), Order::C);
        Tensor::new(name, numbers, layout, tensor.data())
    });
    let card = header.metadata().as_ref().and_then(|metadata| metadata.get(CARD).cloned());
    take(Found { tensors: tensors.collect::<Result<_, _>>()?, card, ..Found::default() })
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
