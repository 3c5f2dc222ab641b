//! Arrays in `NumPy`'s own format: a header, and the values.

use std::path::Path;

use linprobe_core::SourceError;
use linprobe_tensors::{NpyError, NpyHeader};

use super::array::{Array, Packing, Place, file_len};
use crate::failure::{damaged, io};

/// The array of an npy file, named after the file.
pub(crate) fn array(path: &Path) -> Result<Array, SourceError> {
    let place = Place {
        file: path.to_owned(),
        offset: 0,
        n_bytes: file_len(path).map_err(io(path))?,
        n_header_bytes: 0,
        packing: Packing::Plain,
    };
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    array_at(name, place)
}

/// The array of an npy file that stands at a place in another.
pub(crate) fn array_at(name: String, mut place: Place) -> Result<Array, SourceError> {
    let reader = place.open_at(0).map_err(io(&place.file))?;
    let header = match NpyHeader::read(reader) {
        Ok(header) => header,
        Err(NpyError::Io(error)) => return Err(io(&place.file)(error)),
        Err(fault @ NpyError::Format(_)) => {
            return Err(damaged(&place.file, format!("{name} is no npy array: {fault}")));
        }
    };
    place.n_header_bytes = header.n_bytes;
    let NpyHeader { element, endian, order, shape, .. } = header;
    Ok(Array { name, element, endian, order, shape, place })
}
