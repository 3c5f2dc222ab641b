//! Pictures copied or linked into the folders `relevant` and `irrelevant`, by what a classifier has decided.
//!
//! Nothing that is there is written over: what is there as it would be written counts as done, so that a run that was
//! stopped is gone on with; what is there and is something else is left alone and named.

use std::{
    fs,
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

use linprobe_core::{Content, RecordId, Source};
use linprobe_embed::OpenOptions;
use linprobe_source::{Fetched, SourceOptions};

use super::Predictions;
use crate::{catalogue::SkippedRecord, dataset::at_hand, error::ProjectError, project::Project};

/// The names of the folders.
const RELEVANT: &str = "relevant";
const IRRELEVANT: &str = "irrelevant";

/// The longest name of a file, in bytes: what every file system takes, and room for a digest.
const MAX_NAME_BYTES: usize = 120;

/// Names that Windows gives to devices, whatever their ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Where to sort to, and how.
#[derive(Clone, Copy, Debug)]
pub struct Sorting<'a> {
    /// The folder that gets the two folders.
    pub folder: &'a Path,
    /// What to put into them.
    pub by: SortBy,
    /// Whether to look only at what would be done.
    pub is_rehearsal: bool,
}

/// What is put into the folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// Copies of the pictures.
    Copy,
    /// Symbolic links to the files of the dataset.
    Link,
}

/// Where the pictures of predictions are read.
pub enum Pictures<'a> {
    /// The records of a project.
    Project(&'a Project),
    /// Another dataset.
    Dataset(Box<dyn Source>, PathBuf),
}

/// What was done, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Pictures that were put among the relevant.
    pub n_relevant: usize,
    /// And among the others.
    pub n_irrelevant: usize,
    /// Those that were there already.
    pub n_there: usize,
    /// Those that could not be put anywhere, and why.
    pub skipped: Vec<SkippedRecord>,
}

impl Predictions<'_> {
    /// Puts every picture into the folder that its decision names.
    ///
    /// # Errors
    /// [`ProjectError::Io`] when the folders cannot be made; a picture that fails is skipped.
    pub fn sort_into(
        &self,
        sorting: Sorting<'_>,
        pictures: &Pictures<'_>,
    ) -> Result<Sorted, ProjectError> {
        let folders = [RELEVANT, IRRELEVANT].map(|name| sorting.folder.join(name));
        for folder in folders.iter().filter(|_| !sorting.is_rehearsal) {
            fs::create_dir_all(folder)
                .map_err(|source| ProjectError::Io { path: folder.clone(), source })?;
        }
        let [relevant, irrelevant] = folders.each_ref().map(PathBuf::as_path);
        let mut sorted = Sorted::default();
        for prediction in self.iter() {
            let prediction = prediction?;
            let id = prediction.id();
            let (own, other) =
                if prediction.positive { (relevant, irrelevant) } else { (irrelevant, relevant) };
            match put(sorting, pictures, id, (own, other)) {
                Ok(true) if prediction.positive => sorted.n_relevant += 1,
                Ok(true) => sorted.n_irrelevant += 1,
                Ok(false) => sorted.n_there += 1,
                Err(reason) => {
                    let skipped = SkippedRecord::of_content(own, id.clone(), &reason);
                    sorted.skipped.push(skipped);
                }
            }
        }
        Ok(sorted)
    }
}

/// Puts a picture into its own folder; false where it was there.
fn put(
    sorting: Sorting<'_>,
    pictures: &Pictures<'_>,
    id: &RecordId,
    (own, other): (&Path, &Path),
) -> Result<bool, String> {
    let entry = match sorting.by {
        SortBy::Copy => Entry::Copy(pictures.bytes(id)?),
        SortBy::Link => Entry::Link(pictures.file(id)?),
    };
    let name = safe_name(id.as_str(), entry.ending());
    if fs::symlink_metadata(other.join(&name)).is_ok() {
        let other = other.file_name().unwrap_or_default().display();
        return Err(format!("it is among the {other} already, from another run"));
    }
    let path = own.join(name);
    if fs::symlink_metadata(&path).is_ok() {
        let is_same = entry.is_at(&path);
        return if is_same {
            Ok(false)
        } else {
            Err(format!("{} is another file", path.display()))
        };
    }
    if !sorting.is_rehearsal {
        entry.write(&path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(true)
}

impl Pictures<'_> {
    fn bytes(&self, id: &RecordId) -> Result<Vec<u8>, String> {
        let content = match self {
            Self::Project(project) => project.content(id).map_err(|error| error.to_string())?,
            Self::Dataset(source, _) => {
                source.record(id).map_err(|error| error.to_string())?.content
            }
        };
        match content {
            Content::Image(bytes) => Ok(bytes),
            other => Err(format!("it is a {}, no picture", other.kind())),
        }
    }

    /// The file that a picture is, where the dataset is a folder of them.
    fn file(&self, id: &RecordId) -> Result<PathBuf, String> {
        let location = match self {
            Self::Project(project) => project.location_of(id).map_err(|error| error.to_string())?,
            Self::Dataset(_, location) => location.clone(),
        };
        let name = Path::new(id.as_str());
        let is_within = name.components().all(|part| matches!(part, Component::Normal(_)));
        let file = location.join(name);
        match file.canonicalize() {
            Ok(file) if is_within && file.is_file() => Ok(file),
            _ => Err("it is in no file of its own, which --copy-to needs not".to_owned()),
        }
    }
}

impl std::fmt::Debug for Pictures<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pictures")
    }
}

/// What is put into a folder.
enum Entry {
    Copy(Vec<u8>),
    Link(PathBuf),
}

impl Entry {
    /// The ending that a name should have; none where the id has one.
    fn ending(&self) -> Option<&'static str> {
        let Self::Copy(bytes) = self else { return None };
        let format = image::guess_format(bytes).ok()?;
        format.extensions_str().first().copied()
    }

    fn is_at(&self, path: &Path) -> bool {
        match self {
            Self::Copy(bytes) => {
                let is_file = fs::symlink_metadata(path)
                    .is_ok_and(|there| there.is_file() && there.len() == bytes.len() as u64);
                is_file && fs::read(path).is_ok_and(|there| there == *bytes)
            }
            Self::Link(target) => fs::read_link(path).is_ok_and(|there| there == *target),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Copy(bytes) => {
                let folder = path.parent().unwrap_or(Path::new("."));
                let mut file = for_everybody(&mut tempfile::Builder::new()).tempfile_in(folder)?;
                file.write_all(bytes)?;
                file.as_file().sync_all()?;
                Ok(file.persist_noclobber(path).map(drop)?)
            }
            Self::Link(target) => link(target, path),
        }
    }
}

/// A copy is no secret, as temporary files are.
#[cfg(unix)]
fn for_everybody<'a, 'b, 'c>(
    file: &'a mut tempfile::Builder<'b, 'c>,
) -> &'a mut tempfile::Builder<'b, 'c> {
    use std::os::unix::fs::PermissionsExt;
    file.permissions(fs::Permissions::from_mode(0o666))
}

#[cfg(windows)]
fn for_everybody<'a, 'b, 'c>(
    file: &'a mut tempfile::Builder<'b, 'c>,
) -> &'a mut tempfile::Builder<'b, 'c> {
    file
}

#[cfg(unix)]
fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, path)
}

/// A name that every file system takes, and that no other id has: one that had to be changed carries a digest of the
/// id.
fn safe_name(id: &str, ending: Option<&str>) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let plain: String = id.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let (stem, own) = match plain.rsplit_once('.') {
        Some((stem, own)) if !own.is_empty() && own.len() <= 5 && !stem.is_empty() => (stem, own),
        _ => (plain.as_str(), ending.unwrap_or("img")),
    };
    let first = stem.split('.').next().unwrap_or_default();
    let is_device = DEVICES.iter().any(|device| first.eq_ignore_ascii_case(device));
    let whole = format!("{stem}.{own}");
    if whole == id && whole.len() <= MAX_NAME_BYTES && !stem.starts_with('.') && !is_device {
        return whole;
    }
    let stem: String = stem.trim_start_matches('.').chars().take(MAX_NAME_BYTES / 4).collect();
    let digest = blake3::hash(id.as_bytes()).to_hex();
    let digest = digest.get(..16).unwrap_or_default();
    format!("{stem}-{digest}.{own}")
}

/// Opens another dataset, to read its pictures: wherever it is, as predictions read it.
///
/// # Errors
/// [`ProjectError::Source`] when it cannot be read, [`ProjectError::Fetch`] when it cannot be brought here.
pub fn pictures_of(
    dataset: &Path,
    options: &SourceOptions,
    models: &OpenOptions,
) -> Result<Pictures<'static>, ProjectError> {
    let Fetched { location, options, .. } = at_hand(dataset, options, models)?;
    Ok(Pictures::Dataset(linprobe_source::open(&location, &options)?, location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_differ() {
        assert_eq!(safe_name("cat 1.jpg", None), "cat_1-f22745ccca916343.jpg");
        assert_eq!(safe_name("cat.jpg", Some("png")), "cat.jpg");
        for id in [
            "../../etc/passwd",
            "a/b.jpg",
            "CON.jpg",
            ".hidden.png",
            "17",
            "é\u{0}.png",
            "a:b.png",
            &"x".repeat(500),
        ] {
            let name = safe_name(id, Some("png"));
            let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
            assert!(name.chars().all(is_plain) && !name.starts_with('.'), "{name}");
            assert!(
                name.len() <= 200 && name.contains('.') && !name.eq_ignore_ascii_case("con.jpg"),
                "{name}"
            );
        }
        assert_ne!(safe_name("a/b.jpg", None), safe_name("a_b.jpg", None));
        assert_ne!(safe_name("a b.jpg", None), safe_name("a/b.jpg", None));
    }
}
