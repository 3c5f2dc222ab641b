//! A folder of images is a dataset as it is: paths are ids, folders are labels.
//!
//! The folder is listed once, when it is opened, and its paths are kept; the files themselves are
//! read one at a time. Decoding is for those who know what the model wants.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

use crate::{failure, failure::unsupported, natural};

/// The largest image file that is read, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

/// The endings of image files.
const IMAGES: [&str; 10] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff"];

/// First folders that name a split of the dataset, and not a class.
const SPLITS: [&str; 5] = ["train", "val", "valid", "validation", "test"];

/// Image files below a folder, in natural order of their paths.
#[derive(Debug)]
pub(crate) struct ImageFolder {
    root: PathBuf,
    fingerprint: String,
    /// Relative to the root.
    files: Vec<PathBuf>,
}

impl ImageFolder {
    /// Lists the folder.
    pub(crate) fn open(root: &Path, fingerprint: String) -> Result<Self, SourceError> {
        let below = |file: &PathBuf| file.strip_prefix(root).unwrap_or(file).to_owned();
        let files: Vec<PathBuf> = files_below(root, is_image)?.iter().map(below).collect();
        if files.is_empty() {
            let (reason, hint) = describe(root)?;
            return Err(unsupported(root, reason, hint));
        }
        Ok(Self { root: root.to_owned(), fingerprint, files })
    }

    fn read(&self, file: &Path) -> Result<Record, BadRecord> {
        let path = self.root.join(file);
        let bad = |id: Option<&RecordId>, reason: String| BadRecord {
            file: path.clone(),
            row: None,
            id: id.cloned(),
            reason,
        };
        let name = slashed(file).ok_or_else(|| bad(None, "the file name is not UTF-8".into()))?;
        let id = RecordId::new(&name).map_err(|reason| bad(None, reason.to_string()))?;
        let image = read_image(&self.root, &path).map_err(|reason| bad(Some(&id), reason))?;
        let (label, metadata) = classes(&name);
        Ok(Record { id, content: Content::Image(image), label, metadata })
    }
}

impl Source for ImageFolder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn records(&self) -> Records<'_> {
        Box::new(self.files.iter().map(|file| Ok(self.read(file)?)))
    }

    fn n_records_hint(&self) -> Option<u64> {
        Some(self.files.len() as u64)
    }

    /// Reads one file, if it was there when the folder was opened: ids like `../a.jpg` never are.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let found = self
            .files
            .binary_search_by(|file| natural::compare(bytes(file), native(id).as_bytes()))
            .ok()
            .and_then(|place| self.files.get(place));
        match found {
            Some(file) => Ok(self.read(file)?),
            None => Err(SourceError::NotFound { id: id.clone() }),
        }
    }
}

/// Reads an image file that stands below a root.
pub(crate) fn read_image(root: &Path, path: &Path) -> Result<Vec<u8>, String> {
    refuse_leaving(root, path)?;
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > MAX_IMAGE_BYTES {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    match bytes.len() as u64 {
        0 => Err("the file is empty".to_owned()),
        n_bytes if n_bytes > MAX_IMAGE_BYTES => Err(too_large(n_bytes)),
        _ => Ok(bytes),
    }
}

/// Follows links only where they stay below the root, in the middle of a path as at its end: what was
/// a folder when it was listed may be a link now.
fn refuse_leaving(root: &Path, path: &Path) -> Result<(), String> {
    fs::symlink_metadata(path).map_err(|e| e.to_string())?;
    let target = path.canonicalize().map_err(|e| format!("a link to nothing: {e}"))?;
    let root = root.canonicalize().map_err(|e| e.to_string())?;
    if target.starts_with(root) {
        Ok(())
    } else {
        Err("a link that leaves the folder is not followed".to_owned())
    }
}

/// Whether a name is that of a split of a dataset.
pub(crate) fn is_split(name: &str) -> bool {
    SPLITS.iter().any(|split| split.eq_ignore_ascii_case(name))
}

/// Whether the name of a file says that it is an image.
pub(crate) fn is_image(path: &Path) -> bool {
    ending(path).is_some_and(|ending| is_image_ending(&ending))
}

/// Whether an ending, in lower case, is one of an image file.
pub(crate) fn is_image_ending(ending: &str) -> bool {
    IMAGES.contains(&ending)
}

/// Whether an image stands anywhere below a folder.
pub(crate) fn has_image(root: &Path) -> Result<bool, SourceError> {
    for file in Walk::new(root) {
        if is_image(&file?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Why a folder without images or vectors is no dataset, and what would help.
pub(crate) fn describe(root: &Path) -> Result<(String, String), SourceError> {
    let mut counts = BTreeMap::<String, u64>::new();
    for file in Walk::new(root) {
        *counts.entry(ending(&file?).unwrap_or_else(|| "no ending".to_owned())).or_default() += 1;
    }
    if counts.is_empty() {
        let hint = "name a folder of images, .npy, .parquet or .tar files, or a single file";
        return Ok(("the folder is empty".to_owned(), hint.to_owned()));
    }
    let found: Vec<String> = counts.iter().map(|(ending, n)| format!("{n} {ending}")).collect();
    let hint = format!("it holds {}; to read one of its files, name it", failure::listed(&found));
    Ok(("the folder holds no images, no .npy, .parquet or .tar files".to_owned(), hint))
}

/// The label of a file and what else its folders tell.
fn classes(name: &str) -> (Option<String>, Metadata) {
    let mut folders = name.split('/').collect::<Vec<_>>();
    folders.pop();
    let mut folders = folders.into_iter().peekable();
    let split = folders.next_if(|first| is_split(first));
    let metadata = split.map(|split| ("split".to_owned(), split.to_owned())).into_iter().collect();
    (folders.next().map(str::to_owned), metadata)
}

/// The path with forward slashes, whatever the system's separator.
fn slashed(relative: &Path) -> Option<String> {
    let names: Option<Vec<&str>> = relative
        .components()
        .map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    Some(names?.join("/"))
}

fn native(id: &RecordId) -> String {
    id.as_str().replace('/', std::path::MAIN_SEPARATOR_STR)
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn ending(path: &Path) -> Option<String> {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase())
}

pub(crate) fn too_large(n_bytes: u64) -> String {
    format!("the file has {n_bytes} bytes, at most {MAX_IMAGE_BYTES} are read")
}

/// The files below a folder that are wanted, in natural order.
pub(crate) fn files_below(
    root: &Path,
    is_wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, SourceError> {
    let wanted = |file: &Result<PathBuf, SourceError>| match file {
        Ok(file) => is_wanted(file),
        Err(_) => true,
    };
    let mut files = Walk::new(root).filter(wanted).collect::<Result<Vec<_>, _>>()?;
    natural::sort(&mut files);
    Ok(files)
}

/// The files below a folder, in no order. Hidden ones and the shadows that macOS puts into zips are
/// passed over; linked folders are not entered, for what they hold inside the root is met anyway.
struct Walk {
    folders: Vec<PathBuf>,
    reading: Option<(PathBuf, fs::ReadDir)>,
}

impl Walk {
    fn new(root: &Path) -> Self {
        Self { folders: vec![root.to_owned()], reading: None }
    }

    /// Gives a file, or keeps a folder for later.
    fn file_or_enter(&mut self, entry: &fs::DirEntry) -> io::Result<Option<PathBuf>> {
        if is_hidden(&entry.file_name()) {
            return Ok(None);
        }
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            self.folders.push(path);
            return Ok(None);
        }
        Ok((!(kind.is_symlink() && path.is_dir())).then_some(path))
    }
}

impl Iterator for Walk {
    type Item = Result<PathBuf, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((folder, entries)) = &mut self.reading else {
                let folder = self.folders.pop()?;
                match fs::read_dir(&folder) {
                    Ok(entries) => self.reading = Some((folder, entries)),
                    Err(e) => return Some(Err(failure::io(&folder)(e))),
                }
                continue;
            };
            let folder = folder.clone();
            let Some(entry) = entries.next() else {
                self.reading = None;
                continue;
            };
            if let Some(file) = entry.and_then(|entry| self.file_or_enter(&entry)).transpose() {
                return Some(file.map_err(failure::io(&folder)));
            }
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name == "__MACOSX" || name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label_and_split(name: &str) -> (Option<String>, Option<String>) {
        let (label, mut metadata) = classes(name);
        (label, metadata.remove("split"))
    }

    #[test]
    fn the_first_folder_that_is_no_split_is_the_label() {
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(label_and_split("x.jpg"), (None, None));
        assert_eq!(label_and_split("cat/x.jpg"), (some("cat"), None));
        assert_eq!(label_and_split("cat/tabby/x.jpg"), (some("cat"), None));
        assert_eq!(label_and_split("train/cat/x.jpg"), (some("cat"), some("train")));
        assert_eq!(label_and_split("Val/x.jpg"), (None, some("Val")));
        assert_eq!(label_and_split("cat/train/x.jpg"), (some("cat"), None));
    }

    #[test]
    fn hidden_files_and_the_shadows_of_macos_are_passed_over() {
        assert!(is_hidden(OsStr::new(".DS_Store")));
        assert!(is_hidden(OsStr::new("__MACOSX")));
        assert!(!is_hidden(OsStr::new("a.jpg")));
    }
}
