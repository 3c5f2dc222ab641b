//! Where a dataset lies: a file, or those files of a folder that are wanted.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use linprobe_core::SourceError;

use crate::{
    FilePattern, SourceOptions,
    failure::{listed, unsupported},
    folder, splits,
};

/// As the hub's `datasets` matches: `*` stops at a slash, `**` does not.
const GLOB: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// More of these in a part of a pattern are no pattern.
const MOST_INNER_STARS: usize = 4;

/// Files that are names or notes beside a dataset.
const NOTES: [&str; 8] = [
    "readme",
    "license",
    "licence",
    "citation",
    "notice",
    "dataset_info",
    "dataset_infos",
    "state",
];

/// A file, or the files of a folder.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    wanted: Vec<Wanted>,
    /// The split that files must be of.
    split: Option<String>,
}

/// Files that are wanted, and the split that they are.
#[derive(Debug)]
struct Wanted {
    pattern: Pattern,
    split: Option<String>,
}

impl Place {
    /// All that is there.
    pub(crate) fn whole(root: &Path) -> Self {
        Self { root: root.to_owned(), wanted: Vec::new(), split: None }
    }

    /// What the options want of it.
    pub(crate) fn new(root: &Path, options: &SourceOptions) -> Result<Self, SourceError> {
        let mut wanted = Vec::new();
        for FilePattern { pattern, split } in options.files.iter().flatten() {
            let bad = |error: glob::PatternError| {
                let reason = format!("{pattern:?} is no pattern of files: {}", error.msg);
                unsupported(root, reason, "* stands for anything but a slash, ** for folders")
            };
            for plain in without_inner_stars(pattern) {
                let pattern = Pattern::new(&plain).map_err(bad)?;
                wanted.push(Wanted { pattern, split: split.clone() });
            }
        }
        Ok(Self { root: root.to_owned(), wanted, split: options.split.clone() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The file, or the wanted ones of the folder that a reader takes, in natural order.
    pub(crate) fn files(
        &self,
        is_read: impl Fn(&Path) -> bool,
    ) -> Result<Vec<PathBuf>, SourceError> {
        let files = if self.root.is_dir() {
            folder::files_below(&self.root, |file| is_read(file) && self.matches(file))?
        } else {
            vec![self.root.clone()]
        };
        let Some(split) = &self.split else { return Ok(files) };
        let is_of_split =
            |file: &PathBuf| self.split_of(file).is_some_and(|own| splits::is_same(&own, split));
        let (wanted, others): (Vec<_>, Vec<_>) = files.into_iter().partition(is_of_split);
        if wanted.is_empty() {
            let mut there: Vec<String> = others.iter().filter_map(|f| self.split_of(f)).collect();
            there.sort_unstable();
            there.dedup();
            let reason = format!("no file is of the split {split:?}");
            return Err(unsupported(&self.root, reason, format!("splits are {}", listed(&there))));
        }
        Ok(wanted)
    }

    /// The split of a file, by what is known of it, or else by its name and folders.
    pub(crate) fn split_of(&self, file: &Path) -> Option<String> {
        self.known_split(file).or_else(|| splits::of_file(self.below(file)))
    }

    /// The split of a file that is one record.
    pub(crate) fn split_of_record(&self, file: &Path) -> Option<String> {
        self.known_split(file).or_else(|| splits::of_numbered_file(self.below(file)))
    }

    /// Whether a file that is not read itself may have to do with those that are.
    pub(crate) fn concerns(&self, file: &Path) -> bool {
        let is_of_another =
            |split: &String| self.split_of(file).is_some_and(|own| !splits::is_same(&own, split));
        self.matches(file) && !self.split.as_ref().is_some_and(is_of_another)
    }

    fn known_split(&self, file: &Path) -> Option<String> {
        let file = self.below(file);
        let mut known = self.wanted.iter().filter(|wanted| wanted.matches(file));
        known.find_map(|wanted| wanted.split.clone())
    }

    /// Whether a file is wanted, whatever its split.
    pub(crate) fn matches(&self, file: &Path) -> bool {
        let file = self.below(file);
        self.wanted.is_empty() || self.wanted.iter().any(|wanted| wanted.matches(file))
    }

    /// The path from the root, or the name of the file that is the root.
    pub(crate) fn below<'a>(&self, file: &'a Path) -> &'a Path {
        let inner = file.strip_prefix(&self.root).ok().filter(|p| !p.as_os_str().is_empty());
        inner.unwrap_or(Path::new(file.file_name().unwrap_or_default()))
    }
}

impl Wanted {
    fn matches(&self, file: &Path) -> bool {
        self.pattern.matches_path_with(file, GLOB)
    }
}

/// The same as patterns in which `**` is nothing but a whole part, as the crate has it. Within a part it stands for anything, slashes
/// included: for a star, or for a star, folders and a star.
fn without_inner_stars(pattern: &str) -> Vec<String> {
    let mut patterns = vec![String::new()];
    for (place, part) in pattern.split('/').enumerate() {
        let is_last = pattern.split('/').nth(place + 1).is_none();
        let parts = match part {
            "**" if is_last => vec!["**/*".to_owned()],
            part if part == "**" || part.contains("***") => vec![part.to_owned()],
            part if part.matches("**").count() > MOST_INNER_STARS => vec![part.to_owned()],
            part => part.split("**").skip(1).fold(
                vec![part.split("**").next().unwrap_or_default().to_owned()],
                |begun, rest| {
                    let ways = ["*", "*/**/*"].into_iter();
                    ways.flat_map(|way| begun.iter().map(move |b| format!("{b}{way}{rest}")))
                        .collect()
                },
            ),
        };
        let slash = if place == 0 { "" } else { "/" };
        let begun = patterns.iter();
        patterns = begun
            .flat_map(|begun| parts.iter().map(move |part| format!("{begun}{slash}{part}")))
            .collect();
    }
    patterns
}

/// Whether a file is a note beside a dataset rather than a part of it.
pub(crate) fn is_note(file: &Path) -> bool {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    NOTES.contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, file: &str) -> bool {
        let files = Some(vec![FilePattern { pattern: pattern.to_owned(), split: None }]);
        let options = SourceOptions { files, ..SourceOptions::default() };
        Place::new(Path::new(""), &options).unwrap().matches(Path::new(file))
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        assert!(matches("data/train-*", "data/train-0.parquet"));
        assert!(!matches("data/*", "data/a/0.parquet") && !matches("*.csv", "data/a.csv"));
        for pattern in ["**", "**/*", "data/**", "data/**/*", "data/**/*.csv"] {
            assert!(
                matches(pattern, "data/a.csv") && matches(pattern, "data/x/y/a.csv"),
                "{pattern}"
            );
        }
        assert!(matches("**/*.csv", "a.csv") && !matches("data/**", "a.csv"));
    }

    #[test]
    fn two_stars_within_a_part_stand_for_anything() {
        for pattern in ["**.csv", "data/**.csv", "da**a.csv", "data**/a.csv", "d**/**a.csv"] {
            assert!(matches(pattern, "data/x/a.csv"), "{pattern}");
            assert!(matches(pattern, "data/a.csv"), "{pattern}");
            assert!(!matches(pattern, "other/b.txt"), "{pattern}");
        }
        assert!(matches("data/**train**", "data/x/my-train-0/y.csv"));
        assert!(!matches("data/**train**", "data/x/test/y.csv"));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        let files = Some(vec![FilePattern { pattern: "a***b".to_owned(), split: None }]);
        let options = SourceOptions { files, ..SourceOptions::default() };
        let refused = Place::new(Path::new("x"), &options).unwrap_err().to_string();
        assert!(refused.contains("is no pattern of files"), "{refused}");
    }

    #[test]
    fn notes_are_told_from_datasets_by_their_names() {
        assert!(is_note(Path::new("README.txt")) && is_note(Path::new("x/dataset_infos.json")));
        assert!(!is_note(Path::new("train.json")));
    }
}
