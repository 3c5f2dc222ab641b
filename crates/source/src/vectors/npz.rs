//! A zip of npy files, as `np.savez` and `np.savez_compressed` write it.
//!
//! The zip reader gives the directory alone; members are read where they stand, so that several can
//! be read side by side.

use std::{fs::File, io::BufReader, path::Path};

use linprobe_core::SourceError;
use zip::{CompressionMethod, ZipArchive};

use super::{
    array::{Array, Packing, Place},
    npy,
};
use crate::failure::{damaged, io, unsupported};

/// The arrays of an npz file.
pub(crate) fn arrays(path: &Path) -> Result<Vec<Array>, SourceError> {
    let file = File::open(path).map_err(io(path))?;
    let not_a_zip = |e| damaged(path, format!("not an npz file: {e}"));
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(not_a_zip)?;
    let mut arrays = Vec::new();
    for member_idx in 0..archive.len() {
        if let Some((name, place)) = member(path, &mut archive, member_idx)? {
            arrays.push(npy::array_at(name, place)?);
        }
    }
    Ok(arrays)
}

/// A member that is an array, and where it stands.
fn member(
    path: &Path,
    archive: &mut ZipArchive<BufReader<File>>,
    member_idx: usize,
) -> Result<Option<(String, Place)>, SourceError> {
    let not_a_member = |e| damaged(path, format!("not an npz file: {e}"));
    let member = archive.by_index_raw(member_idx).map_err(not_a_member)?;
    let name = member.name().map_err(not_a_member)?.into_owned();
    let Some(name) = name.strip_suffix(".npy") else {
        return Ok(None);
    };
    let packing = match member.compression() {
        CompressionMethod::Stored => Packing::Plain,
        CompressionMethod::Deflated => Packing::Deflated { n_unpacked: member.size() },
        _ => return Err(not_as_numpy(path, name)),
    };
    let Some(offset) = member.data_start().filter(|_| !member.encrypted()) else {
        return Err(not_as_numpy(path, name));
    };
    let n_bytes = member.compressed_size();
    let place = Place { file: path.to_owned(), offset, n_bytes, n_header_bytes: 0, packing };
    Ok(Some((name.to_owned(), place)))
}

fn not_as_numpy(path: &Path, name: &str) -> SourceError {
    let reason = format!("{name} is encrypted, or compressed in a way that NumPy does not use");
    unsupported(path, reason, "write it with np.savez or np.savez_compressed")
}
