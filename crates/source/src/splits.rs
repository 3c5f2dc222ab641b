//! Which part of a dataset a path tells of: the one to train on, to validate with, or to test with.

use std::{
    borrow::Cow,
    path::{Component, Path},
};

/// The column that holds it.
pub(crate) const SPLIT: &str = "split";

/// Names of splits as Hugging Face's `datasets` knows them; those of a line mean the same.
const SPLITS: [&[&str]; 3] = [
    &["train", "training"],
    &["validation", "valid", "val", "dev"],
    &["test", "testing", "eval", "evaluation"],
];

/// What parts the words of a file's name.
const BETWEEN_WORDS: [char; 4] = ['-', '_', '.', ' '];

/// Whether a name is that of a split of a dataset.
pub(crate) fn is_split(name: &str) -> bool {
    SPLITS.iter().any(|names| names.iter().any(|split| split.eq_ignore_ascii_case(name)))
}

/// Whether two names are of one split, as `val` and `validation` are.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    let has = |names: &[&str], name: &str| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    a.eq_ignore_ascii_case(b) || SPLITS.iter().any(|names| has(names, a) && has(names, b))
}

/// The split that a folder or the beginning of a name tells, as in `data/train-00000-of-00002.parquet`.
pub(crate) fn of_file(file: &Path) -> Option<String> {
    of_name(file).or_else(|| of_folders(file))
}

/// The split of a file that is one record: its name tells it where nothing but a number follows, as in
/// `test_0001.jpg`, since `train station.jpg` is of no split.
pub(crate) fn of_numbered_file(file: &Path) -> Option<String> {
    let is_numbered = |split: &String| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let rest = stem.get(split.len()..).unwrap_or_default();
        rest.contains(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || BETWEEN_WORDS.contains(&c))
    };
    of_folders(file).or_else(|| of_name(file).filter(is_numbered))
}

fn of_name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy();
    let first = stem.split(BETWEEN_WORDS).next().unwrap_or_default();
    is_split(first).then(|| first.to_owned())
}

fn of_folders(file: &Path) -> Option<String> {
    let mut folders = file.parent()?.components().filter_map(|folder| match folder {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    folders.find(|name| is_split(name)).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_tells_its_split_by_its_first_word_or_a_folder() {
        let split = |file: &str| of_file(Path::new(file));
        assert_eq!(split("data/train-00000-of-00002.parquet").as_deref(), Some("train"));
        assert_eq!(split("plain_text/validation/0000.parquet").as_deref(), Some("validation"));
        assert_eq!(split("Test.csv").as_deref(), Some("Test"));
        assert_eq!(split("trains.csv"), None);
    }

    #[test]
    fn a_picture_tells_it_by_a_folder_or_before_its_number() {
        let split = |file: &str| of_numbered_file(Path::new(file));
        assert_eq!(split("images/val/cat/1.jpg").as_deref(), Some("val"));
        assert_eq!(split("test_0001.jpg").as_deref(), Some("test"));
        assert_eq!(split("train station 2.jpg"), None);
        assert_eq!(split("train.jpg"), None);
    }
}
