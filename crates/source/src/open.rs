//! One door to every kind of dataset: what stands at the place decides who reads it.
//!
//! The choice goes by the shape of the path alone, never by a guess from contents, so that the same
//! place opens the same way for ever; [`SourceOptions::kind`] overrules it.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use linprobe_core::{Source, SourceError};

use crate::{
    clip_retrieval::{self, ClipRetrieval},
    columnar::{self, Columnar},
    failure::{io, listed, unsupported},
    folder::{self, ImageFolder},
    place::{self, Place},
    shards::{self, Shards},
    table::Table,
    vectors::{self, Vectors},
    video::{self, Videos},
};

/// Opens the dataset at a place: a folder of images, a table, or vectors.
///
/// # Errors
/// [`SourceError::Io`] when there is nothing, or it cannot be read; [`SourceError::Unsupported`]
/// when no reader takes it, or a column, tensor or option does not fit, with a hint that lists what
/// there is.
pub fn open(location: &Path, options: &SourceOptions) -> Result<Box<dyn Source>, SourceError> {
    let canonical = canonical(location)?;
    let kind = match options.kind {
        Some(kind) => kind,
        None if options.every.is_some() => Kind::Videos,
        None => Kind::of(location)?,
    };
    options.check(kind, location)?;
    let fingerprint = fingerprint(kind, &canonical, options);
    let place = Place::new(location, options)?;
    Ok(match kind {
        Kind::Images => Box::new(ImageFolder::open(place, options, fingerprint)?),
        Kind::ClipRetrieval => Box::new(ClipRetrieval::open(location, options, fingerprint)?),
        Kind::Shards => Box::new(Shards::open(&place, options, fingerprint)?),
        Kind::Videos => Box::new(Videos::open(&place, options, fingerprint)?),
        Kind::Columnar => Box::new(Columnar::open(&place, options, fingerprint)?),
        Kind::Npy | Kind::Npz | Kind::Safetensors => {
            Box::new(Vectors::open(location, kind, options, fingerprint)?)
        }
        _ => Box::new(Table::open(&place, kind, options, fingerprint)?),
    })
}

/// The place whichever way it is named; one with braces is told by its folder.
fn canonical(location: &Path) -> Result<PathBuf, SourceError> {
    if shards::expand(location).is_none() {
        return location.canonicalize().map_err(io(location));
    }
    let folder = location.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let root = folder.canonicalize().map_err(io(folder))?;
    Ok(root.join(location.file_name().unwrap_or_default()))
}

/// How to read a dataset, where its looks do not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// The kind of dataset; told by folder contents and file ending when not given.
    pub kind: Option<Kind>,
    /// The column of ids in a table, with dots into nested JSON (`meta.id`). When not given: a
    /// column named `id`, `_id`, `uuid`, `guid`, `key`, `idx` or `index`, in any case, or else the
    /// index of the row from 0.
    pub id: Option<String>,
    /// The column of texts in a table, with dots into nested JSON (`data.text`). When not given: a
    /// column named `text`, `content`, `sentence`, `body`, `description`, `title`, `review`,
    /// `question`, `utterance`, `comment`, `message`, `document`, `query`, `prompt`, `abstract`,
    /// `summary`, `headline`, `caption`, `tweet` or `post`, the first of these that there is, or else the only
    /// column of words.
    ///
    /// Columns without names are numbered from 1: those of a csv whose first row holds a number, of
    /// a tsv whose first row holds no name listed here, of JSON arrays in place of objects. Of two
    /// such columns the one with longer values is the text, the other the label.
    pub text: Option<String>,
    /// The column of labels in a table, or in the metadata files of a folder of pictures. When not given: a column named `label`, `labels`, `class`,
    /// `category`, `intent`, `target`, `section`, `topic` or `tag`, if there is one.
    pub label: Option<String>,
    /// The further columns that become metadata; all others when not given.
    pub metadata: Option<Vec<String>>,
    /// The texts of vectors: one a line (`.txt`, `.jsonl`), or an array of strings (`.npy`). When
    /// not given: the member `texts`, or `NAME.texts.*` or `texts.*` beside the vectors.
    pub texts: Option<PathBuf>,
    /// The ids of vectors: one a line, or an array (`.npy`) of strings or integers. When not given:
    /// the member `ids`, or `NAME.ids.*` or `ids.*` beside the vectors.
    pub ids: Option<PathBuf>,
    /// The labels of vectors: one a line, or an array (`.npy`) of strings or integers. When not
    /// given: the member `labels`, or `NAME.labels.*` or `labels.*` beside the vectors.
    pub labels: Option<PathBuf>,
    /// The array of vectors inside an npz or safetensors file. When not given: the only matrix
    /// there, or the one named `embeddings`, `vectors` or `x`. Of Parquet and Arrow files, the column
    /// of vectors; when not given, and no text is there, the only one, or the one named so.
    pub tensor: Option<String>,
    /// Those files of a folder that are read; all when not given.
    pub files: Option<Vec<FilePattern>>,
    /// The split that files of a folder must be of, by their names and folders, such as `train`.
    pub split: Option<String>,
    /// What the dataset is called, where that stays and the place changes, as that of a dataset of the hub does with every
    /// commit. When not given, its place tells it from all others.
    pub origin: Option<String>,
    /// Of a dataset on the hub that has several configurations, the one that is meant.
    pub config: Option<String>,
    /// Of a dataset on the hub, the branch, tag or commit; `main` when not given.
    pub revision: Option<String>,
    /// Of videos, the time between the frames that are read; a second when not given.
    pub every: Option<Duration>,
}

/// Files of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    /// Their paths from the folder: `*` stands for anything but a slash, `**` for any folders.
    pub pattern: String,
    /// The split that they are, where that is known.
    pub split: Option<String>,
}

impl SourceOptions {
    /// Refuses what has no meaning for a kind of dataset, rather than overlook it.
    fn check(&self, kind: Kind, location: &Path) -> Result<(), SourceError> {
        let columns = [
            ("id", self.id.is_some()),
            ("text", self.text.is_some()),
            ("label", self.label.is_some()),
            ("metadata", self.metadata.is_some()),
        ];
        let beside = [
            ("texts", self.texts.is_some()),
            ("ids", self.ids.is_some()),
            ("labels", self.labels.is_some()),
        ];
        let tensor = [("tensor", self.tensor.is_some())];
        let files = [("files", self.files.is_some()), ("split", self.split.is_some())];
        let hub = [("config", self.config.is_some()), ("revision", self.revision.is_some())];
        let refused = match kind {
            Kind::Lines | Kind::Videos => [&columns[..], &beside, &tensor].concat(),
            Kind::Images => [&columns[..2], &beside, &tensor].concat(),
            Kind::Npy => [&columns[..], &tensor, &files].concat(),
            Kind::Npz | Kind::Safetensors => [&columns[..], &files].concat(),
            Kind::Csv | Kind::Tsv | Kind::JsonLines | Kind::Json => [&beside[..], &tensor].concat(),
            Kind::Columnar => beside.to_vec(),
            Kind::Shards => [&columns[..1], &beside, &tensor].concat(),
            Kind::ClipRetrieval => [&columns[..1], &beside, &tensor, &files].concat(),
        };
        let every = [("every", self.every.is_some() && kind != Kind::Videos)];
        match refused.iter().chain(&hub).chain(&every).find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(unsupported(
                location,
                format!("the option {name} has no meaning for {kind}"),
                format!("leave {name} out, or name another kind: {}", Kind::names()),
            )),
        }
    }
}

/// A kind of dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A folder of image files.
    Images,
    /// Values parted by commas, as RFC 4180 has them.
    Csv,
    /// Values parted by tabs.
    Tsv,
    /// A JSON value on each line.
    JsonLines,
    /// One JSON array, or an object of arrays, each a split.
    Json,
    /// A text on each line.
    Lines,
    /// A NumPy array, or a folder of them.
    Npy,
    /// A zip of NumPy arrays.
    Npz,
    /// Tensors with a JSON header.
    Safetensors,
    /// Parquet or Arrow, Feather too, or a folder of such files.
    Columnar,
    /// Tar archives of samples, as `WebDataset` has them, or a folder of such files.
    Shards,
    /// A folder that clip-retrieval has written.
    ClipRetrieval,
    /// A video, or a folder of them.
    Videos,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Images,
        Self::Csv,
        Self::Tsv,
        Self::JsonLines,
        Self::Json,
        Self::Lines,
        Self::Npy,
        Self::Npz,
        Self::Safetensors,
        Self::Columnar,
        Self::Shards,
        Self::ClipRetrieval,
        Self::Videos,
    ];

    /// Its name, which [`FromStr`] takes: `images`, `csv`, `tsv`, `jsonl`, `json`, `lines`, `npy`,
    /// `npz`,
    /// `safetensors`, `parquet`, `webdataset`, `clip-retrieval` or `video`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Json => "json",
            Self::Lines => "lines",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Safetensors => "safetensors",
            Self::Columnar => "parquet",
            Self::Shards => "webdataset",
            Self::ClipRetrieval => "clip-retrieval",
            Self::Videos => "video",
        }
    }

    fn names() -> String {
        listed(&Self::ALL.map(Self::name))
    }

    /// Tells the kind of what stands at a place.
    fn of(location: &Path) -> Result<Self, SourceError> {
        if location.is_dir() { Self::of_folder(location) } else { Self::of_file(location) }
    }

    fn of_folder(root: &Path) -> Result<Self, SourceError> {
        if clip_retrieval::is_one(root) {
            return Ok(Self::ClipRetrieval);
        }
        if folder::has_image(root)? {
            return Ok(Self::Images);
        }
        if !vectors::shards(root)?.is_empty() {
            return Ok(Self::Npy);
        }
        let whole = Place::whole(root);
        if !whole.files(columnar::is_part)?.is_empty() {
            return Ok(Self::Columnar);
        }
        if !whole.files(shards::is_archive)?.is_empty() {
            return Ok(Self::Shards);
        }
        if !whole.files(video::is_video)?.is_empty() {
            return Ok(Self::Videos);
        }
        if let Some(kind) = Self::of_tables(&whole)? {
            return Ok(kind);
        }
        let (reason, hint) = folder::describe(root)?;
        Err(unsupported(root, reason, hint))
    }

    /// The kind of a folder that holds tables of one kind, and nothing else but notes.
    fn of_tables(whole: &Place) -> Result<Option<Self>, SourceError> {
        let mut kinds = Vec::new();
        for file in whole.files(|file| !place::is_note(file))? {
            match Self::of_file(&file) {
                Ok(kind) if kind.is_table() => kinds.push(kind),
                _ => return Ok(None),
            }
        }
        Ok(kinds.first().copied().filter(|first| kinds.iter().all(|kind| kind == first)))
    }

    /// Whether many files of the kind are one table. Of texts they are more often many texts.
    fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv | Self::JsonLines | Self::Json)
    }

    /// The kind of a file by its name.
    pub(crate) fn of_file(path: &Path) -> Result<Self, SourceError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let (name, packed) = match name.strip_suffix(".gz") {
            Some(inner) => (inner.to_owned(), true),
            None => (name, false),
        };
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            "json" => Ok(Self::Json),
            "txt" => Ok(Self::Lines),
            "npy" if !packed => Ok(Self::Npy),
            "npz" if !packed => Ok(Self::Npz),
            "tar" if !packed => Ok(Self::Shards),
            "safetensors" if !packed => Ok(Self::Safetensors),
            _ if !packed && video::is_video(path) => Ok(Self::Videos),
            _ if !packed && columnar::is_columnar(path) => Ok(Self::Columnar),
            _ => Err(unknown_file(path, ending, packed)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

/// A name that names no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of dataset is named {name:?}\nhint: there are {}", Kind::names())]
pub struct UnknownKind {
    /// The name.
    pub name: String,
}

fn unknown_file(path: &Path, ending: &str, packed: bool) -> SourceError {
    let hint = match ending {
        "zip" | "tgz" => "unpack it into a folder".to_owned(),
        "npy" | "npz" | "safetensors" | "tar" | "parquet" if packed => {
            "unpack it with gunzip".to_owned()
        }
        _ if folder::is_image(path) => "open the folder that it stands in".to_owned(),
        _ => format!(
            "supported are folders of images, .npy, .parquet or .tar files, {}; or name the kind of this one",
            ".csv, .tsv, .jsonl, .ndjson, .json, .txt (each also .gz), .npy, .npz, .safetensors, .parquet, .arrow and .tar"
        ),
    };
    let reason = match ending {
        "" => "a file without an ending can be anything".to_owned(),
        _ if packed => format!(".{ending}.gz files are not read"),
        _ => format!(".{ending} files are not read"),
    };
    unsupported(path, reason, hint)
}

/// A digest of kind, place and options. Each part carries its length, so that no two choices
/// give the same bytes.
fn fingerprint(kind: Kind, canonical: &Path, options: &SourceOptions) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    match &options.origin {
        Some(origin) => add(origin.as_bytes()),
        None => add(canonical.as_os_str().as_encoded_bytes()),
    }
    let SourceOptions { id, text, label, metadata, texts, ids, labels, tensor, .. } = options;
    for column in [id, text, label, tensor] {
        add(&[u8::from(column.is_some())]);
        add(column.as_deref().unwrap_or_default().as_bytes());
    }
    for file in [texts, ids, labels] {
        add(&[u8::from(file.is_some())]);
        add(file.as_deref().unwrap_or(Path::new("")).as_os_str().as_encoded_bytes());
    }
    add(&[u8::from(metadata.is_some())]);
    metadata.iter().flatten().for_each(|column| add(column.as_bytes()));
    // What was not there before is added where it is given alone, so that older fingerprints stand.
    if let Some(split) = &options.split {
        add(b"split");
        add(split.as_bytes());
    }
    if let Some(every) = &options.every {
        add(b"every");
        add(&every.as_millis().to_le_bytes());
    }
    if let (Some(files), None) = (&options.files, &options.origin) {
        add(b"files");
        for file in files {
            add(file.pattern.as_bytes());
        }
    }
    let digest = hasher.finalize().to_hex();
    format!("{kind}-{}", digest.get(..32).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "xlsx".parse::<Kind>().unwrap_err().to_string();
        assert!(error.contains("\nhint: there are images, csv, "), "{error}");
    }

    #[test]
    fn a_file_is_told_by_its_ending_in_any_case_and_under_gzip() {
        let of = |name: &str| Kind::of_file(Path::new(name)).ok();
        assert_eq!(of("a.CSV"), Some(Kind::Csv));
        assert_eq!(of("a.b.ndjson.gz"), Some(Kind::JsonLines));
        assert_eq!(of("a.txt.GZ"), Some(Kind::Lines));
        assert_eq!(of("a.npz"), Some(Kind::Npz));
        assert_eq!(of("a.npy.gz"), None);
        assert_eq!(of("csv"), None);
    }

    #[test]
    fn a_fingerprint_tells_places_and_options_apart() {
        let of = |place: &str, options: &SourceOptions| {
            fingerprint(Kind::Csv, Path::new(place), options)
        };
        let plain = SourceOptions::default();
        let text = SourceOptions { text: Some("a".into()), ..SourceOptions::default() };
        let label = SourceOptions { label: Some("a".into()), ..SourceOptions::default() };
        let none_kept = SourceOptions { metadata: Some(vec![]), ..SourceOptions::default() };
        let all = [
            of("/a", &plain),
            of("/b", &plain),
            of("/a", &text),
            of("/a", &label),
            of("/a", &none_kept),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(one.starts_with("csv-"), "{one}");
            assert!(!all[..i].contains(one), "{all:?}");
        }
        assert_eq!(of("/a", &text), of("/a", &text.clone()));
    }
}
