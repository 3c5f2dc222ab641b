//! Zips, as NumPy and PyTorch read them.

use std::io::{Cursor, Write};

use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// Values begin at a multiple of so many bytes, so that they can be mapped.
const ALIGNMENT: u16 = 64;

pub(super) fn zipped(members: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ZipError> {
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

/// Whether a zip is one of PyTorch's.
pub(super) fn has_pickle(bytes: &[u8]) -> bool {
    ZipArchive::new(Cursor::new(bytes)).is_ok_and(|zip| {
        zip.file_names().filter_map(Result::ok).any(|name| name.ends_with("data.pkl"))
    })
}
