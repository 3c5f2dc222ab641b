//! `pytorch_model.bin`: a zip archive of storages, and a pickle that says which tensor is where in them.
//!
//! All is read into memory, as single precision, where safetensors are mapped.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
    rc::Rc,
};

use candle_core::{DType, Device, Tensor};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::pickle::{self, PickleError, Storage, View};

/// What a pickle of names and shapes may take; that of the largest models takes some hundred KiB.
const MAX_PICKLE_BYTES: u64 = 16 << 20;

/// Reads the tensors of a file.
///
/// # Errors
/// [`TorchError`], before anything is allocated that is larger than the file.
pub(super) fn read(path: &Path) -> Result<HashMap<String, Tensor>, TorchError> {
    let mut archive = Archive::open(path)?;
    let bytes = archive.bytes("data.pkl", Some(MAX_PICKLE_BYTES))?;
    let views = pickle::read(&bytes)?;
    let mut storages = HashMap::new();
    let mut tensors = HashMap::new();
    let mut n_gathered = 0;
    for (name, view) in views {
        let n_values = n_values(&view).ok_or(TorchError::Shape)?;
        n_gathered += if is_contiguous(&view) { 0 } else { n_values };
        // Of one storage a few bytes of pickle could otherwise make any number of tensors.
        if n_gathered as u64 > archive.n_bytes {
            return Err(TorchError::Shape);
        }
        let storage = match storages.get(&view.storage.key) {
            Some(storage) => storage,
            None => storages
                .entry(Rc::clone(&view.storage.key))
                .or_insert(archive.storage(&view.storage)?),
        };
        tensors.insert(name, tensor(&view, storage)?);
    }
    Ok(tensors)
}

/// Why a file of weights is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum TorchError {
    /// It is no archive: older files are bare pickles.
    #[error("it is not a zip archive, as PyTorch has written them since 1.6")]
    Archive(#[from] ZipError),
    /// The pickle is refused.
    #[error("its pickle is not that of a state dict: {0}")]
    Pickle(#[from] PickleError),
    /// What the pickle speaks of is not there.
    #[error("its tensors do not lie in its storages")]
    Shape,
    /// It is compressed, or of another byte order.
    #[error("its storages are not written as PyTorch writes them on PCs")]
    Encoding,
    /// The engine refused a tensor.
    #[error("its tensors cannot be read: {0}")]
    Engine(#[from] candle_core::Error),
    /// The system failed.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The archive, all of which is in one folder of any name.
struct Archive {
    zip: ZipArchive<File>,
    root: String,
    n_bytes: u64,
}

impl Archive {
    fn open(path: &Path) -> Result<Self, TorchError> {
        let file = File::open(path)?;
        let n_bytes = file.metadata()?.len();
        let zip = ZipArchive::new(file)?;
        let pickle = zip
            .file_names()
            .filter_map(Result::ok)
            .find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned));
        let root = pickle.ok_or(PickleError::NoStateDict)?;
        let mut archive = Self { zip, root, n_bytes };
        match archive.bytes("byteorder", Some(16)) {
            Ok(order) if order != b"little" => Err(TorchError::Encoding),
            // Files of before PyTorch 2.1 do not say.
            _ => Ok(archive),
        }
    }

    /// A file of the archive, up to so many bytes.
    fn bytes(&mut self, name: &str, limit: Option<u64>) -> Result<Vec<u8>, TorchError> {
        let entry = match self.zip.by_name(&format!("{}{name}", self.root)) {
            Err(ZipError::FileNotFound) => return Err(TorchError::Shape),
            entry => entry?,
        };
        // What is stored as it is cannot be longer than the archive.
        if entry.compression() != CompressionMethod::Stored {
            return Err(TorchError::Encoding);
        }
        if limit.is_some_and(|limit| entry.size() > limit) {
            return Err(TorchError::Shape);
        }
        let mut bytes = Vec::new();
        entry.take(limit.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// All values of a storage, in single precision.
    fn storage(&mut self, storage: &Storage) -> Result<Tensor, TorchError> {
        let bytes = self.bytes(&format!("data/{}", storage.key), None)?;
        let n_bytes = storage.n_values.checked_mul(storage.dtype.size_in_bytes());
        if n_bytes != Some(bytes.len()) {
            return Err(TorchError::Shape);
        }
        let values =
            Tensor::from_raw_buffer(&bytes, storage.dtype, &[storage.n_values], &Device::Cpu)?;
        Ok(values.to_dtype(DType::F32)?)
    }
}

/// A tensor of the values of its storage.
fn tensor(view: &View, storage: &Tensor) -> Result<Tensor, TorchError> {
    if is_contiguous(view) {
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

/// The number of a tensor's values; none where there are none, or some lie outside its storage, or
/// more than once in the tensor.
fn n_values(view: &View) -> Option<usize> {
    if view.shape.len() != view.strides.len() {
        return None;
    }
    let n_values = view.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size))?;
    let last =
        view.shape.iter().zip(&view.strides).try_fold(view.offset, |last, (&size, &stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        })?;
    let is_inside = n_values > 0 && last < view.storage.n_values;
    (is_inside && n_values <= view.storage.n_values).then_some(n_values)
}

/// Whether values follow each other as they do in the tensor.
fn is_contiguous(view: &View) -> bool {
    let mut expected = 1;
    view.shape.iter().zip(&view.strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size;
        fits
    })
}
