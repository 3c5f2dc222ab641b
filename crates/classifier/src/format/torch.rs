//! What PyTorch's `torch.save` makes of a linear layer: its state dict, or the whole module. Nothing of it is run.

use std::{collections::BTreeMap, io::Cursor, rc::Rc};

use linprobe_tensors::{Endian, TorchError, TorchFile};

use super::{
    ClassifierFile, ExportError, ImportError,
    layer::Found,
    rows::Rows,
    tensor::{Layout, Tensor},
    zipped::zipped,
};

/// The beginning of a pickle, of the oldest version that PyTorch reads: an ordered dict, and the opening of its items.
const OPENING: &[u8] = b"\x80\x02ccollections\nOrderedDict\n)R(";

/// What closes the items, and the pickle.
const CLOSING: &[u8] = b"u.";

impl ClassifierFile {
    /// Writes what `torch.save` makes of the state dict of a `torch.nn.Linear(d, 1)`: it is opened by
    /// `torch.load(path, weights_only=True)`.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_torch(&self) -> Result<Vec<u8>, ExportError> {
        Rows::of(self)?.to_torch()
    }
}

impl Rows<'_> {
    pub(super) fn to_torch(&self) -> Result<Vec<u8>, ExportError> {
        let [n_classes, n] = self.shape();
        let pickle = [
            OPENING,
            &tensor("weight", "0", n_classes * n, &[n_classes, n], &[n, 1]),
            &tensor("bias", "1", n_classes, &[n_classes], &[1]),
            CLOSING,
        ];
        Ok(zipped(&[
            ("classifier/data.pkl", pickle.concat()),
            ("classifier/byteorder", b"little".to_vec()),
            ("classifier/data/0", self.weight_bytes()),
            ("classifier/data/1", self.bias_bytes()),
            ("classifier/version", b"3\n".to_vec()),
        ])?)
    }
}

/// Reads the layer of a state dict or of a module.
pub(super) fn read<T>(
    bytes: &[u8],
    take: impl FnOnce(Found<'_>) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    let mut file = TorchFile::open(Cursor::new(bytes)).map_err(unreadable)?;
    let views = file.tensors().to_vec();
    let mut storages = BTreeMap::new();
    for (_, view) in &views {
        let key = Rc::clone(&view.storage.key);
        if let std::collections::btree_map::Entry::Vacant(storage) = storages.entry(key) {
            storage.insert(file.storage(&view.storage).map_err(unreadable)?);
        }
    }
    let tensors = views.iter().map(|(name, view)| {
        let numbers = (view.storage.element.clone(), Endian::Little);
        let values = storages.get(&view.storage.key).map_or(&[][..], Vec::as_slice);
        Tensor::new(name, numbers, Layout::from(view), values)
    });
    take(Found { tensors: tensors.collect::<Result<_, _>>()?, ..Found::default() })
}

#[expect(clippy::needless_pass_by_value, reason = "is mapped over errors")]
fn unreadable(error: TorchError) -> ImportError {
    ImportError::Unreadable { form: "a file of torch.save", reason: error.to_string() }
}

/// An item of the dict, pickled: a name and a tensor of single precision whose values stand in a member of the zip.
fn tensor(name: &str, member: &str, n_values: usize, shape: &[usize], stride: &[usize]) -> Vec<u8> {
    let storage = [
        b"(".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(member),
        text("cpu"),
        integer(n_values),
        b"tQ".to_vec(),
    ];
    let parts = [
        text(name),
        b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec(),
        storage.concat(),
        integer(0),
        tuple(shape),
        tuple(stride),
        // No gradient is asked for, and no hooks are there.
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    parts.concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

fn integer(n: usize) -> Vec<u8> {
    let bytes = i32::try_from(n).unwrap_or(i32::MAX).to_le_bytes();
    [b"J", &bytes[..]].concat()
}

fn tuple(numbers: &[usize]) -> Vec<u8> {
    let items: Vec<u8> = numbers.iter().flat_map(|&n| integer(n)).collect();
    [b"(", &items[..], b"t"].concat()
}
