//! `pytorch_model.bin`: all of it is read into memory, as single precision, where safetensors are mapped.

use std::{collections::HashMap, fs::File, path::Path, rc::Rc};

use candle_core::{DType, Device, Tensor};
use linprobe_tensors::{Element, Storage, TorchError, TorchFile, View};

/// Reads the tensors of a file.
///
/// # Errors
/// [`WeightsError`], before anything is allocated that is larger than the file.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Tensor>, WeightsError> {
    let mut file = TorchFile::open(File::open(path).map_err(TorchError::from)?)?;
    let mut storages = HashMap::new();
    let mut tensors = HashMap::new();
    for (name, view) in file.tensors().to_vec() {
        let storage = match storages.get(&view.storage.key) {
            Some(storage) => storage,
            None => storages
                .entry(Rc::clone(&view.storage.key))
                .or_insert(values(&view.storage, &file.storage(&view.storage)?)?),
        };
        tensors.insert(name, tensor(&view, storage)?);
    }
    Ok(tensors)
}

/// Why a file of weights is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum WeightsError {
    /// The file is.
    #[error(transparent)]
    File(#[from] TorchError),
    /// The engine refused a tensor.
    #[error("its tensors cannot be read: {0}")]
    Engine(#[from] candle_core::Error),
}

/// All values of a storage, in single precision.
fn values(storage: &Storage, bytes: &[u8]) -> Result<Tensor, WeightsError> {
    let dtype = match storage.element {
        Element::F16 => DType::F16,
        Element::Bf16 => DType::BF16,
        Element::F32 => DType::F32,
        Element::F64 => DType::F64,
        Element::Signed(8) => DType::I64,
        Element::Unsigned(1) => DType::U8,
        _ => return Err(TorchError::Encoding.into()),
    };
    let values = Tensor::from_raw_buffer(bytes, dtype, &[storage.n_values], &Device::Cpu)?;
    Ok(values.to_dtype(DType::F32)?)
}

/// A tensor of the values of its storage.
fn tensor(view: &View, storage: &Tensor) -> Result<Tensor, WeightsError> {
    if view.is_contiguous() {
        let n_values = view.shape.iter().product();
        return Ok(storage.narrow(0, view.offset, n_values)?.reshape(view.shape.clone())?);
    }
    let mut idxs = vec![u32::try_from(view.offset).map_err(|_too_large| TorchError::Shape)?];
    for (&size, &stride) in view.shape.iter().zip(&view.strides) {
        let along = |idx: u32| (0..size).map(move |at| idx as usize + at * stride);
        idxs = idxs
            .into_iter()
            .flat_map(along)
            .map(|idx| u32::try_from(idx).map_err(|_too_large| TorchError::Shape))
            .collect::<Result<_, _>>()?;
    }
    let idxs = Tensor::new(idxs, &Device::Cpu)?;
    Ok(storage.index_select(&idxs, 0)?.reshape(view.shape.clone())?)
}
