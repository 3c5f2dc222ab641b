//! The only writer of whole files: what stands under a name is always complete.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::error::ProjectError;

/// Writes a file whole or not at all: to a name of its own beside the target, synced, renamed over
/// it, the folder synced. Where a link leads to a file, that is written. What is no file, as a pipe or a terminal, is
/// written to as it is.
///
/// # Errors
/// [`ProjectError::Io`] when the folder does not take it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), ProjectError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Like [`write_atomic`], for contents that are written bit by bit.
///
/// # Errors
/// [`ProjectError::Io`] when the folder does not take it or the contents cannot be made.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), ProjectError> {
    replace(path, write).map_err(|source| ProjectError::Io { path: path.into(), source })
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return write(&mut File::options().write(true).open(path)?);
    }
    let target = fs::canonicalize(path);
    let path = target.as_deref().unwrap_or(path);
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_os_string();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let written = File::create(&partial).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    match written.and_then(|()| rename(&partial, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // The first error is the one to report; a leftover is harmless.
            drop(fs::remove_file(&partial));
            Err(error)
        }
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the folder is synced on the next line")]
    fs::rename(from, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("head.safetensors");
        write_atomic(&path, b"old").unwrap();
        write_atomic_with(&path, |file| {
            file.write_all(b"half of the ne")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_what_is_no_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let [path, link] = ["head.json", "link"].map(|name| folder.path().join(name));
        write_atomic(&path, b"old").unwrap();
        std::os::unix::fs::symlink("head.json", &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        write_atomic(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
