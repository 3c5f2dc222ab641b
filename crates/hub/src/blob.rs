//! A file on its way: it stands under another name until it is whole, so that one that broke off is
//! taken up again and never taken for the file.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    HubError,
    cache::{create_parent, place},
};

/// Bytes between two words of progress.
const CHUNK: usize = 1 << 20;

/// What is here of a blob.
#[derive(Debug)]
pub(super) struct PartialBlob {
    path: PathBuf,
    file: File,
    n_bytes: u64,
    n_total: u64,
}

impl PartialBlob {
    /// Takes up what an earlier transfer left, or starts with nothing.
    pub(super) fn open(blob: &Path, n_total: u64) -> Result<Self, HubError> {
        create_parent(blob)?;
        let path = blob.with_added_extension("incomplete");
        let open = || {
            let mut options = File::options();
            let file = options.create(true).truncate(false).read(true).write(true).open(&path)?;
            Ok((file.metadata()?.len(), file))
        };
        let (n_bytes, file) =
            open().map_err(|source: io::Error| HubError::Io { path: path.clone(), source })?;
        let mut partial = Self { path, file, n_bytes, n_total };
        if n_bytes > n_total {
            partial.restart()?;
        }
        Ok(partial)
    }

    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub(super) fn is_whole(&self) -> bool {
        self.n_bytes == self.n_total
    }

    /// Forgets what is here.
    pub(super) fn restart(&mut self) -> Result<(), HubError> {
        self.n_bytes = 0;
        self.file.set_len(0).map_err(|source| self.io_error(source))
    }

    /// Appends what comes, and tells the numbers of bytes that are here and in all.
    pub(super) fn append(
        &mut self,
        body: impl Read,
        broken: impl Fn(io::Error) -> HubError,
        told: impl Fn(u64, u64),
    ) -> Result<(), HubError> {
        let mut body = body.take(self.n_total - self.n_bytes);
        let mut chunk = vec![0; CHUNK];
        self.file.seek(SeekFrom::End(0)).map_err(|source| self.io_error(source))?;
        while !self.is_whole() {
            let n_read = match body.read(&mut chunk).map_err(&broken)? {
                0 => return Err(broken(io::ErrorKind::UnexpectedEof.into())),
                n_read => n_read,
            };
            self.file.write_all(&chunk[..n_read]).map_err(|source| self.io_error(source))?;
            self.n_bytes += n_read as u64;
            told(self.n_bytes, self.n_total);
        }
        Ok(())
    }

    /// Checks the whole, and gives it its final name.
    pub(super) fn finish(self, blob: &Path, etag: &str, name: &str) -> Result<(), HubError> {
        let check = || {
            (&self.file).seek(SeekFrom::Start(0))?;
            has_digest(&self.file, etag)
        };
        if !check().map_err(|source| self.io_error(source))? {
            fs::remove_file(&self.path).map_err(|source| self.io_error(source))?;
            let reason = format!("its sha256 is not {etag}");
            return Err(HubError::Damaged { file: name.to_owned(), reason });
        }
        place(&self.file, &self.path, blob).map_err(|source| self.io_error(source))
    }

    fn io_error(&self, source: io::Error) -> HubError {
        HubError::Io { path: self.path.clone(), source }
    }
}

/// Whether a file is the one that its etag stands for. The etag of a large file is its SHA-256; that
/// of a small one is git's, which is not checked.
pub(super) fn has_digest(contents: impl Read, etag: &str) -> io::Result<bool> {
    const SHA256_DIGITS: usize = 64;
    if etag.len() != SHA256_DIGITS {
        return Ok(true);
    }
    let mut digest = Sha256::new();
    let mut reader = BufReader::with_capacity(CHUNK, contents);
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            break;
        }
        digest.update(chunk);
        let n_bytes = chunk.len();
        reader.consume(n_bytes);
    }
    Ok(hex(digest.finalize()).eq(etag.chars()))
}

/// Bytes as digits of base 16.
pub(super) fn hex(bytes: impl IntoIterator<Item = u8>) -> impl Iterator<Item = char> {
    let digits = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16))
}
