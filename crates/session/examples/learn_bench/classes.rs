//! The classes of seven datasets as concepts, with real text vectors to start from.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use half::f16;
use linprobe_classifier::Start;
use linprobe_core::{Embedding, Point, RecordId};
use linprobe_session::simulate::{Concept, Corpus};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The start from a class's own name.
pub(crate) const NAMED: &str = "named";

/// The start from a broader word.
pub(crate) const COARSE: &str = "coarse";

/// Records that a concept has at least.
pub(crate) const MIN_RECORDS: usize = 25;

const DIMENSION: usize = 512;

/// Broader words for the classes of two datasets.
const BROADER: [(&str, &str); 2] = [("fgvc", "airplane"), ("oxford_flowers", "flower")];

/// The records of each class, by dataset and class, and the vectors of phrases.
pub(crate) struct Classes {
    records: BTreeMap<(String, String), BTreeSet<RecordId>>,
    phrases: BTreeMap<String, Embedding>,
}

impl Classes {
    /// Classes whose own name is a phrase.
    pub(crate) fn named(&self, corpus: &Corpus) -> Vec<Concept> {
        let concept = |(class, ids): (&(String, String), &BTreeSet<RecordId>)| {
            Some(concept(class, ids, corpus, (NAMED, self.phrases.get(&plain(&class.1))?)))
        };
        self.large().filter_map(concept).collect()
    }

    /// Classes under a broader word.
    pub(crate) fn coarse(&self, corpus: &Corpus) -> Outcome<Vec<Concept>> {
        let mut concepts = Vec::new();
        for (dataset, word) in BROADER {
            let phrase = self.phrases.get(word).ok_or_else(|| format!("no phrase {word:?}"))?;
            let own = self.large().filter(|((of, _), _)| of == dataset);
            concepts.extend(own.map(|(class, ids)| concept(class, ids, corpus, (COARSE, phrase))));
        }
        Ok(concepts)
    }

    fn large(&self) -> impl Iterator<Item = (&(String, String), &BTreeSet<RecordId>)> {
        self.records.iter().filter(|(_, ids)| ids.len() >= MIN_RECORDS)
    }
}

fn concept(
    (dataset, class): &(String, String),
    relevant: &BTreeSet<RecordId>,
    corpus: &Corpus,
    (start, phrase): (&str, &Embedding),
) -> Concept {
    let direction = Start::from_direction(phrase.clone());
    Concept::new(format!("{dataset}/{class}"), relevant, corpus).starting(start, direction.into())
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', " ")
}

/// Reads `clip_vitb32/*.f16.npy` with `*.labels.npy` beside them, and `clip_text_vitb32`.
pub(crate) fn read(folder: &Path) -> Outcome<(Corpus, Classes)> {
    let phrases = read_phrases(&folder.join("clip_text_vitb32"))?;
    let folder = folder.join("clip_vitb32");
    let names: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("class_names.json"))?)?;
    let (mut points, mut records) = (Vec::new(), BTreeMap::<_, BTreeSet<RecordId>>::new());
    for (stem, path) in vector_files(&folder)? {
        let dataset = stem.split('.').next().unwrap_or_default();
        let labels = read_labels(&path.with_file_name(format!("{stem}.labels.npy")))?;
        for (row, (embedding, label)) in read_vectors(&path)?.into_iter().zip(labels).enumerate() {
            let id = RecordId::new(format!("{stem}/{row}"))?;
            let class = names[dataset][label].as_str().ok_or("a label without a name")?;
            let key = (dataset.to_owned(), class.to_owned());
            records.entry(key).or_default().insert(id.clone());
            points.push(Point { id, embedding });
        }
    }
    Ok((Corpus::new(DIMENSION, points), Classes { records, phrases }))
}

/// Files of vectors and their stems, in order.
fn vector_files(folder: &Path) -> Outcome<Vec<(String, PathBuf)>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = Vec::new();
    for path in paths {
        let path = path?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.extend(name.strip_suffix(".f16.npy").map(|stem| (stem.to_owned(), path.clone())));
    }
    files.sort();
    Ok(files)
}

fn read_phrases(folder: &Path) -> Outcome<BTreeMap<String, Embedding>> {
    let listed: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("text.json"))?)?;
    let listed = listed.as_array().ok_or("text.json is no list")?;
    let vectors = read_vectors(&folder.join("text.f16.npy"))?;
    let names = listed.iter().map(|entry| plain(entry["name"].as_str().unwrap_or_default()));
    Ok(names.zip(vectors).collect())
}

fn read_vectors(path: &Path) -> Outcome<Vec<Embedding>> {
    let bytes = fs::read(path)?;
    let (words, _) = body(&bytes)?.as_chunks();
    let values: Vec<f32> = words.iter().map(|&word| f16::from_le_bytes(word).to_f32()).collect();
    Ok(values.chunks_exact(DIMENSION).map(Embedding::normalize).collect::<Result<_, _>>()?)
}

fn read_labels(path: &Path) -> Outcome<Vec<usize>> {
    let bytes = fs::read(path)?;
    let (words, _) = body(&bytes)?.as_chunks();
    words.iter().map(|&word| Ok(usize::try_from(i32::from_le_bytes(word))?)).collect()
}

/// What follows the header of an npy file of version 1.
fn body(bytes: &[u8]) -> Outcome<&[u8]> {
    let length = bytes.get(8..10).ok_or("not an npy file")?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    Ok(bytes.get(10 + length..).ok_or("not an npy file")?)
}
