//! Forms that are zips of arrays: NumPy's `.npz`, and the state dict that PyTorch's `torch.load` opens without running
//! anything.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::{ClassifierFile, ExportError};

/// The beginning of a pickle, of the oldest version that PyTorch reads: an ordered dict, and the opening of its items.
const OPENING: &[u8] = b"\x80\x02ccollections\nOrderedDict\n)R(";

/// What closes the items, and the pickle.
const CLOSING: &[u8] = b"u.";

/// Values begin at a multiple of so many bytes, so that they can be mapped.
const ALIGNMENT: u16 = 64;

impl ClassifierFile {
    /// Writes a zip of NumPy arrays: `weight` [1, d], `bias` [1] and `threshold` [], all f4, and `card`, a string.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_npz(&self) -> Result<Vec<u8>, ExportError> {
        let (weights, bias) = (self.classifier.weights(), self.classifier.bias());
        let threshold = self.card.as_ref().map_or(0.0, |card| card.threshold);
        let shape = format!("(1, {})", weights.len());
        let mut members = vec![
            ("weight.npy", npy("<f4", &shape, &bytes_of(weights))),
            ("bias.npy", npy("<f4", "(1,)", &bytes_of(&[bias]))),
            ("threshold.npy", npy("<f4", "()", &bytes_of(&[threshold]))),
        ];
        if let Some(card) = &self.card {
            let card: Vec<char> = serde_json::to_string(card)?.chars().collect();
            let units: Vec<u8> = card.iter().flat_map(|&c| u32::from(c).to_le_bytes()).collect();
            members.push(("card.npy", npy(&format!("<U{}", card.len()), "()", &units)));
        }
        Ok(zipped(&members)?)
    }

    /// Writes what `torch.save` makes of the state dict of a `torch.nn.Linear(d, 1)`: it is opened by
    /// `torch.load(path, weights_only=True)`.
    ///
    /// # Errors
    /// [`ExportError`]; not known to happen.
    pub fn to_torch(&self) -> Result<Vec<u8>, ExportError> {
        let (weights, bias) = (self.classifier.weights(), self.classifier.bias());
        let n = weights.len();
        let pickle = [
            OPENING,
            &tensor("weight", "0", n, &[1, n], &[n, 1]),
            &tensor("bias", "1", 1, &[1], &[1]),
            CLOSING,
        ];
        Ok(zipped(&[
            ("classifier/data.pkl", pickle.concat()),
            ("classifier/byteorder", b"little".to_vec()),
            ("classifier/data/0", bytes_of(weights)),
            ("classifier/data/1", bytes_of(&[bias])),
            ("classifier/version", b"3\n".to_vec()),
        ])?)
    }
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An array in NumPy's format 1.0.
fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = length - 1);
    let length = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
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

fn zipped(members: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ZipError> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_alignment(ALIGNMENT);
    for (name, content) in members {
        writer.start_file(*name, options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}
