//! Safetensors: a length, a JSON header, and the values of all tensors without a gap.

use std::{fs::File, io::Read, path::Path};

use linprobe_core::SourceError;
use linprobe_tensors::{Element, Endian, Order};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};

use super::array::{Array, Packing, Place, file_len};
use crate::failure::{damaged, io};

/// The longest header that is read, in bytes: the limit of the format.
const MAX_HEADER_BYTES: u64 = 100_000_000;

const N_LENGTH_BYTES: u64 = 8;

/// The arrays of a safetensors file, by name.
pub(crate) fn arrays(path: &Path) -> Result<Vec<Array>, SourceError> {
    let n_file_bytes = file_len(path).map_err(io(path))?;
    let (header, n_values_at) = read_header(path, n_file_bytes)?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|e| damaged(path, format!("the header is not one of safetensors: {e}")))?;
    let there = n_file_bytes - n_values_at;
    let promised = metadata.data_len() as u64;
    if promised != there {
        let reason = format!("the header promises {promised} bytes of values, {there} are there");
        return Err(damaged(path, reason));
    }
    let mut arrays: Vec<Array> = metadata
        .tensors()
        .into_iter()
        .map(|(name, tensor)| array(path, name, tensor, n_values_at))
        .collect();
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

/// Reads the header, and tells where the values start.
fn read_header(path: &Path, n_file_bytes: u64) -> Result<(Vec<u8>, u64), SourceError> {
    let mut file = File::open(path).map_err(io(path))?;
    let mut length = [0; 8];
    if n_file_bytes < N_LENGTH_BYTES {
        return Err(damaged(path, "the file ends in the header"));
    }
    file.read_exact(&mut length).map_err(io(path))?;
    let n_bytes = u64::from_le_bytes(length);
    if n_bytes > MAX_HEADER_BYTES || n_bytes > n_file_bytes - N_LENGTH_BYTES {
        return Err(damaged(path, format!("a header of {n_bytes} bytes does not fit the file")));
    }
    let mut header = Vec::new();
    file.take(n_bytes).read_to_end(&mut header).map_err(io(path))?;
    Ok((header, N_LENGTH_BYTES + n_bytes))
}

fn array(path: &Path, name: String, tensor: &TensorInfo, n_values_at: u64) -> Array {
    let (start, end) = tensor.data_offsets;
    let place = Place {
        file: path.to_owned(),
        offset: n_values_at + start as u64,
        n_bytes: (end - start) as u64,
        n_header_bytes: 0,
        packing: Packing::Plain,
    };
    Array {
        name,
        element: element_of(tensor.dtype),
        endian: Endian::Little,
        order: Order::C,
        shape: tensor.shape.iter().map(|&n| n as u64).collect(),
        place,
    }
}

fn element_of(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F16 => Element::F16,
        Dtype::BF16 => Element::Bf16,
        Dtype::F32 => Element::F32,
        Dtype::F64 => Element::F64,
        Dtype::I8 => Element::Signed(1),
        Dtype::I16 => Element::Signed(2),
        Dtype::I32 => Element::Signed(4),
        Dtype::I64 => Element::Signed(8),
        Dtype::U8 => Element::Unsigned(1),
        Dtype::U16 => Element::Unsigned(2),
        Dtype::U32 => Element::Unsigned(4),
        Dtype::U64 => Element::Unsigned(8),
        other => Element::Other(format!("{other:?}")),
    }
}
