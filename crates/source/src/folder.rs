//! A folder of images is a dataset as it is: paths are ids, folders are labels.
//!
//! The folder is listed once, when it is opened, and its paths are kept with what metadata files tell of
//! them; the files themselves are read one at a time. Decoding is for those who know what the model wants.

mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use linprobe_core::{BadRecord, Content, Metadata, Record, RecordId, Records, Source, SourceError};

use self::told::{MetadataFile, Telling};
use crate::{
    SourceOptions, failure,
    failure::unsupported,
    natural,
    place::Place,
    splits::{self, SPLIT},
};

/// The largest image file that is read, in bytes.
pub const MAX_IMAGE_BYTES: u64 = 256 << 20;

/// The endings of image files.
const IMAGES: [&str; 10] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff"];

/// Pictures that are named as examples where many are told of.
const N_NAMED: usize = 3;

/// Image files below a folder, in natural order of their paths.
#[derive(Debug)]
pub(crate) struct ImageFolder {
    place: Place,
    fingerprint: String,
    pictures: Vec<Picture>,
    /// What tells of the pictures.
    metadata: Vec<MetadataFile>,
    /// Whether folders are classes.
    has_classes: bool,
    notes: Vec<String>,
}

/// A file of the folder.
#[derive(Debug)]
struct Picture {
    /// Relative to the root.
    path: PathBuf,
    told: Option<Told>,
}

/// What a metadata file tells of a picture.
#[derive(Debug)]
struct Told {
    /// Which one of them, and the line in it.
    by: (usize, u64),
    /// Its columns as JSON.
    words: Box<str>,
}

impl ImageFolder {
    /// Lists the folder, and reads what is told of its pictures.
    pub(crate) fn open(
        place: Place,
        options: &SourceOptions,
        fingerprint: String,
    ) -> Result<Self, SourceError> {
        let root = place.root();
        let pictures = place.files(is_image)?;
        // They may tell of pictures of every split, from wherever they are.
        let metadata = files_below(root, tells_of_pictures)?;
        if pictures.is_empty() {
            let (reason, hint) = describe(root)?;
            return Err(unsupported(root, reason, hint));
        }
        let below = |file: PathBuf| file.strip_prefix(root).map(Path::to_owned).unwrap_or(file);
        let pictures = pictures.into_iter().map(|file| Picture { path: below(file), told: None });
        let pictures = pictures.collect();
        let mut folder = Self {
            place,
            fingerprint,
            pictures,
            metadata: Vec::new(),
            has_classes: true,
            notes: Vec::new(),
        };
        metadata.iter().try_for_each(|file| folder.enter(file, options))?;
        folder.refuse_columns(options)?;
        folder.note_untold();
        folder.has_classes = folder.metadata.is_empty() || folder.n_classes() > 1;
        Ok(folder)
    }

    /// Reads what a file tells of the pictures. The first to tell of a picture is believed.
    fn enter(&mut self, file: &Path, options: &SourceOptions) -> Result<(), SourceError> {
        let file = match MetadataFile::open(self.place.root(), file, options)? {
            Ok(file) => file,
            Err(reason) => {
                self.notes.push(format!("{} is passed over: {reason}", file.display()));
                return Ok(());
            }
        };
        for Telling { line, picture, words } in file.tellings().filter_map(Result::ok) {
            let by = (self.metadata.len(), line);
            if let Some(place) = self.place_of(bytes(&picture))
                && let Some(picture) = self.pictures.get_mut(place)
            {
                let words = serde_json::to_string(&words).expect("a map of strings is JSON");
                picture.told.get_or_insert(Told { by, words: words.into() });
            }
        }
        self.metadata.push(file);
        Ok(())
    }

    /// Refuses columns that no file could hold.
    fn refuse_columns(&self, options: &SourceOptions) -> Result<(), SourceError> {
        if !self.metadata.is_empty() || (options.label.is_none() && options.metadata.is_none()) {
            return Ok(());
        }
        let reason = "the folder has no metadata file, and so no columns";
        let hint = "leave the column out, or write a metadata.csv with a column file_name";
        Err(unsupported(self.place.root(), reason, hint))
    }

    /// Names the pictures of which nothing is told, where something is told of others.
    fn note_untold(&mut self) {
        let untold = self.pictures.iter().filter(|picture| picture.told.is_none());
        let n_untold = untold.clone().count();
        if self.metadata.is_empty() || n_untold == 0 {
            return;
        }
        let such_as = if n_untold > N_NAMED { "such as " } else { "" };
        let named = untold.take(N_NAMED).map(|picture| picture.path.display().to_string());
        let named = failure::listed(&named.collect::<Vec<_>>());
        self.notes.push(format!(
            "no metadata file has a row for {n_untold} of {} pictures, which are read all the same: \
             {such_as}{named}",
            self.pictures.len()
        ));
    }

    fn n_classes(&self) -> usize {
        let classes = self.pictures.iter().filter_map(|picture| class_of(&picture.path));
        classes.collect::<BTreeSet<_>>().len()
    }

    /// Those pictures, then what is wrong with the files that tell of all.
    fn chosen<'a>(&'a self, is_wanted: impl Fn(&RecordId) -> bool + Send + 'a) -> Records<'a> {
        let pictures = self.pictures.iter().filter_map(move |picture| match self.id(picture) {
            Ok(id) if is_wanted(&id) => Some(self.read(picture, id).map_err(SourceError::from)),
            Ok(_) => None,
            Err(bad) => Some(Err(bad.into())),
        });
        let files = self.metadata.iter().enumerate();
        let faults = files.flat_map(move |(file_idx, file)| {
            let rows = file.tellings();
            rows.filter_map(move |row| Some(Err(self.fault(file_idx, row)?.into())))
        });
        Box::new(pictures.chain(faults))
    }

    fn id(&self, picture: &Picture) -> Result<RecordId, BadRecord> {
        let bad = |reason: String| BadRecord {
            file: self.place.root().join(&picture.path),
            row: None,
            id: None,
            reason,
        };
        let name = slashed(&picture.path);
        let name = name.ok_or_else(|| bad("the file name is not UTF-8".into()))?;
        RecordId::new(&name).map_err(|reason| bad(reason.to_string()))
    }

    fn read(&self, picture: &Picture, id: RecordId) -> Result<Record, BadRecord> {
        let root = self.place.root();
        let path = root.join(&picture.path);
        let image = match read_image(root, &path) {
            Ok(image) => image,
            Err(reason) => return Err(BadRecord { file: path, row: None, id: Some(id), reason }),
        };
        let (label, metadata) = self.describe(picture);
        Ok(Record { id, content: Content::Image(image), label, metadata })
    }

    /// The label of a picture and what else is known of it: by its row in a metadata file, and by its folders.
    fn describe(&self, picture: &Picture) -> (Option<String>, Metadata) {
        let mut label = class_of(&picture.path).filter(|_| self.has_classes);
        let split = self.place.split_of_record(&self.place.root().join(&picture.path));
        let mut known: Metadata =
            split.map(|split| (SPLIT.to_owned(), split)).into_iter().collect();
        if let Some(Told { by: (file_idx, _), words }) = &picture.told {
            let columns = self.metadata[*file_idx].columns();
            let mut words: Metadata = serde_json::from_str(words).unwrap_or_default();
            if columns.has_label() {
                label = columns.take_label(&mut words);
            }
            columns.keep(&mut words);
            known.extend(words);
        }
        (label, known)
    }

    /// Why a row of a metadata file tells nothing, if that is so.
    fn fault(&self, file_idx: usize, row: Result<Telling, BadRecord>) -> Option<BadRecord> {
        let Telling { line, picture, .. } = match row {
            Ok(telling) => telling,
            Err(bad) => return Some(bad),
        };
        if !self.place.concerns(&self.place.root().join(&picture)) {
            return None;
        }
        let found = self.place_of(bytes(&picture)).and_then(|place| self.pictures.get(place));
        let told = found.map(|picture| &picture.told);
        let picture = picture.display();
        let reason = match told {
            None => format!("there is no picture {picture}"),
            Some(Some(told)) if told.by == (file_idx, line) => return None,
            Some(_) => format!("an earlier row tells of {picture}"),
        };
        Some(self.metadata[file_idx].bad(Some(line), reason))
    }

    /// Where a path is among the pictures.
    fn place_of(&self, path: &[u8]) -> Option<usize> {
        let order = |picture: &Picture| natural::compare(bytes(&picture.path), path);
        self.pictures.binary_search_by(order).ok()
    }
}

impl Source for ImageFolder {
    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Pictures, then what is wrong with the files that tell of them.
    fn records(&self) -> Records<'_> {
        self.chosen(|_| true)
    }

    /// Pictures that are not wanted are not opened.
    fn records_among<'a>(
        &'a self,
        is_wanted: &'a (dyn Fn(&RecordId) -> bool + Sync),
    ) -> Records<'a> {
        self.chosen(is_wanted)
    }

    fn n_records_hint(&self) -> Option<u64> {
        Some(self.pictures.len() as u64)
    }

    /// Reads one file, if it was there when the folder was opened: ids like `../a.jpg` never are.
    fn record(&self, id: &RecordId) -> Result<Record, SourceError> {
        let place = self.place_of(native(id).as_bytes());
        match place.and_then(|place| self.pictures.get(place)) {
            Some(picture) => Ok(self.read(picture, self.id(picture)?)?),
            None => Err(SourceError::NotFound { id: id.clone() }),
        }
    }

    fn notes(&self) -> &[String] {
        &self.notes
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
    if target.starts_with(&root) || blobs_of(&root).is_some_and(|blobs| target.starts_with(blobs)) {
        Ok(())
    } else {
        Err("a link that leaves the folder is not followed".to_owned())
    }
}

/// Where the files are of a folder that is all links: a snapshot of a dataset in the hub's cache, or the listing of a bucket among
/// what was downloaded.
fn blobs_of(root: &Path) -> Option<PathBuf> {
    let listings = root.parent()?;
    if is_digest(root) && is_digest(listings) && listings.join("latest").is_file() {
        return Some(listings.join("blobs"));
    }
    let repository = listings.parent().filter(|_| listings.ends_with("snapshots"))?;
    let is_dataset = repository.file_name()?.to_str()?.starts_with("datasets--");
    is_dataset.then(|| repository.join("blobs"))
}

/// Whether a folder is called by a digest, as those of buckets are.
fn is_digest(folder: &Path) -> bool {
    let name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.len() == 32 && name.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// Whether the name of a file says that it tells of the pictures beside it.
pub(crate) fn tells_of_pictures(file: &Path) -> bool {
    told::kind_of(file).is_some()
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
        let hint =
            "name a folder of images, .npy, .parquet, .tar, .csv or .jsonl files, or a single file";
        return Ok(("the folder is empty".to_owned(), hint.to_owned()));
    }
    let found: Vec<String> = counts.iter().map(|(ending, n)| format!("{n} {ending}")).collect();
    let hint = format!("it holds {}; to read one of its files, name it", failure::listed(&found));
    Ok(("the folder holds no images, no .npy, .parquet or .tar files".to_owned(), hint))
}

/// The class that folders tell: the first one below the split, or else the first one.
pub(crate) fn class_of(file: &Path) -> Option<String> {
    let folders = file.parent()?.iter().map(OsStr::to_string_lossy);
    let folders: Vec<_> = folders.collect();
    let split = folders.iter().position(|folder| splits::is_split(folder));
    let below = split.and_then(|split| folders.get(split + 1));
    let first = folders.first().filter(|_| split != Some(0));
    below.or(first).map(ToString::to_string)
}

/// The path with forward slashes, whatever the system's separator.
pub(crate) fn slashed(relative: &Path) -> Option<String> {
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

    #[test]
    fn the_first_folder_below_the_split_is_the_label() {
        let class = |name: &str| class_of(Path::new(name));
        let class = |name: &str| class(name).unwrap_or_default();
        assert_eq!(class("x.jpg"), "");
        assert_eq!(class("cat/x.jpg"), "cat");
        assert_eq!(class("cat/tabby/x.jpg"), "cat");
        assert_eq!(class("train/cat/x.jpg"), "cat");
        assert_eq!(class("images/Val/cat/x.jpg"), "cat");
        assert_eq!(class("Val/x.jpg"), "");
        assert_eq!(class("cat/train/x.jpg"), "cat");
    }

    #[test]
    fn hidden_files_and_the_shadows_of_macos_are_passed_over() {
        assert!(is_hidden(OsStr::new(".DS_Store")));
        assert!(is_hidden(OsStr::new("__MACOSX")));
        assert!(!is_hidden(OsStr::new("a.jpg")));
    }
}
