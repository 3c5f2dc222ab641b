//! `torch.save`: a zip archive of storages, and a pickle that says which tensor is where in them.

use std::io::{self, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use crate::pickle::{self, PickleError, Storage, View};

/// What a pickle of names and shapes may take; that of the largest models takes some hundred KiB.
const MAX_PICKLE_BYTES: u64 = 4 << 20;

/// A file of tensors, all of which lie in their storages.
#[derive(Debug)]
pub struct TorchFile<R> {
    archive: Archive<R>,
    tensors: Vec<(String, View)>,
}

/// Why a file of tensors is refused.
#[derive(Debug, thiserror::Error)]
pub enum TorchError {
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
    /// The system failed.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl<R: Read + Seek> TorchFile<R> {
    /// Reads which tensors there are.
    ///
    /// # Errors
    /// [`TorchError`], before anything is allocated that is larger than the file.
    pub fn open(file: R) -> Result<Self, TorchError> {
        let mut archive = Archive::open(file)?;
        let pickle = archive.bytes("data.pkl", Some(MAX_PICKLE_BYTES))?;
        let tensors = pickle::read(&pickle)?;
        let mut n_gathered = 0_u64;
        for (_, view) in &tensors {
            let n_values = view.n_values().ok_or(TorchError::Shape)?;
            // Of one storage a few bytes of pickle could otherwise make any number of tensors.
            n_gathered += if view.is_contiguous() { 0 } else { n_values as u64 };
            if n_gathered > archive.n_bytes {
                return Err(TorchError::Shape);
            }
        }
        Ok(Self { archive, tensors })
    }

    /// The tensors and their names, in the order of the file.
    pub fn tensors(&self) -> &[(String, View)] {
        &self.tensors
    }

    /// All values of a storage, the lowest byte of each first.
    ///
    /// # Errors
    /// [`TorchError`] when it is not as long as the pickle says.
    pub fn storage(&mut self, storage: &Storage) -> Result<Vec<u8>, TorchError> {
        let bytes = self.archive.bytes(&format!("data/{}", storage.key), None)?;
        let n_bytes = storage.element.n_bytes().checked_mul(storage.n_values as u64);
        if n_bytes == Some(bytes.len() as u64) { Ok(bytes) } else { Err(TorchError::Shape) }
    }
}

/// The archive, all of which is in one folder of any name.
#[derive(Debug)]
struct Archive<R> {
    zip: ZipArchive<R>,
    root: String,
    n_bytes: u64,
    /// Bytes that were read from it: more than it has, where members lie over each other.
    n_read: u64,
}

impl<R: Read + Seek> Archive<R> {
    fn open(mut file: R) -> Result<Self, TorchError> {
        let n_bytes = file.seek(SeekFrom::End(0))?;
        let zip = ZipArchive::new(file)?;
        let pickle = zip
            .file_names()
            .filter_map(Result::ok)
            .find_map(|name| name.strip_suffix("data.pkl").map(str::to_owned));
        let root = pickle.ok_or(PickleError::NoStateDict)?;
        let mut archive = Self { zip, root, n_bytes, n_read: 0 };
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
        self.n_read = self.n_read.saturating_add(entry.size());
        if limit.is_some_and(|limit| entry.size() > limit) || self.n_read > self.n_bytes {
            return Err(TorchError::Shape);
        }
        let mut bytes = Vec::new();
        entry.take(limit.unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl View {
    /// The number of its values; none where there are none, or some lie outside its storage, or more
    /// than once in the tensor.
    pub(crate) fn n_values(&self) -> Option<usize> {
        if self.shape.len() != self.strides.len() {
            return None;
        }
        let n_values = self.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size))?;
        let mut axes = self.shape.iter().zip(&self.strides);
        let last = axes.try_fold(self.offset, |last, (&size, &stride)| {
            last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
        })?;
        let is_inside = n_values > 0 && last < self.storage.n_values;
        (is_inside && n_values <= self.storage.n_values).then_some(n_values)
    }

    /// Whether values follow each other as they do in the tensor.
    pub fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
    }
}
