//! Which files of a repository are wanted.

use std::{collections::BTreeSet, path::Path};

use linprobe_core::SourceError;
use linprobe_hub::{Listing, RepoName};

use super::{SCHEME, card};
use crate::{
    FilePattern, Kind, SourceOptions, columnar,
    failure::{listed, unsupported},
    folder,
    place::{self, Place},
    shards, splits,
};
use card::Config;

/// What was asked for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// The dataset's name, with its revision.
    pub(super) name: RepoName,
    pub(super) path: Option<String>,
    pub(super) options: SourceOptions,
    /// Whether the repository is one that the hub has converted.
    pub(super) is_converted: bool,
}

/// What is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) kind: Kind,
    /// All files that reading it takes.
    pub(super) files: Vec<String>,
    /// How they are found again among others; none where the kind and the split tell.
    pub(super) patterns: Option<Vec<FilePattern>>,
    pub(super) split: Option<String>,
}

impl Wish {
    pub(super) fn of(name: &RepoName, options: &SourceOptions) -> Self {
        Self { name: name.clone(), path: None, options: options.clone(), is_converted: false }
    }

    /// What it is called, whatever the commit.
    pub(super) fn origin(&self) -> String {
        let SourceOptions { config, split, .. } = &self.options;
        let parts = [&self.path, config, split].into_iter().flatten();
        parts.fold(format!("{SCHEME}{}", self.name.id), |origin, part| format!("{origin}:{part}"))
    }

    pub(super) fn nothing_to_read(&self) -> SourceError {
        let hint = "it must hold .parquet or .arrow files, pictures, .tar archives, or .csv, .tsv, .jsonl, \
            .json or .txt files that are not in an archive";
        self.refused("there is nothing in it that can be read", hint)
    }

    fn refused(&self, reason: impl Into<String>, hint: impl Into<String>) -> SourceError {
        unsupported(Path::new(&format!("{SCHEME}{}", self.name)), reason, hint)
    }

    /// The configuration that is meant; none where there is but one dataset.
    fn choose<'a>(&self, configs: &'a [Config]) -> Result<Option<&'a Config>, SourceError> {
        let names: Vec<&str> = configs.iter().map(|config| config.name.as_str()).collect();
        if let Some(asked) = &self.options.config {
            let found = configs.iter().find(|config| config.name == *asked);
            return found.map(Some).ok_or_else(|| {
                let reason = format!("it has no configuration {asked:?}");
                self.refused(reason, format!("configurations: {}", listed(&names)))
            });
        }
        if configs.len() < 2 {
            return Ok(configs.first());
        }
        let default = configs.iter().find(|config| config.is_default);
        default.map(Some).ok_or_else(|| {
            let hint = format!("choose one with --config: {}", listed(&names));
            self.refused("it has several configurations", hint)
        })
    }

    /// Which files are meant, as far as that is known, and the split that remains to be looked for.
    fn patterns(
        &self,
        configs: &[Config],
    ) -> Result<(Option<Vec<FilePattern>>, Option<String>), SourceError> {
        let split = self.options.split.clone();
        if let Some(path) = &self.path {
            let pattern = path.trim_end_matches('/').to_owned();
            let inside = FilePattern { pattern: format!("{pattern}/**/*"), split: None };
            return Ok((Some(vec![FilePattern { pattern, split: None }, inside]), split));
        }
        let chosen = self.choose(configs)?;
        let Some(mut patterns) = chosen.and_then(|config| config.files.clone()) else {
            return Ok((None, split));
        };
        let known: BTreeSet<&str> = patterns.iter().filter_map(|p| p.split.as_deref()).collect();
        let Some(asked) = split.filter(|_| !known.is_empty()) else {
            return Ok((Some(patterns), self.options.split.clone()));
        };
        if !known.iter().any(|split| splits::is_same(split, &asked)) {
            let known: Vec<&str> = known.into_iter().collect();
            return Err(self.no_split(&asked, &known));
        }
        patterns.retain(|p| p.split.as_deref().is_some_and(|split| splits::is_same(split, &asked)));
        Ok((Some(patterns), None))
    }

    fn no_split(&self, asked: &str, there: &[&str]) -> SourceError {
        let hint = format!("splits: {}", listed(there));
        self.refused(format!("it has no split {asked:?}"), hint)
    }
}

impl Selection {
    /// Chooses among the files of a repository; none where none of them can be read.
    ///
    /// # Errors
    /// There is no such configuration or split, or there are several and none was asked for.
    pub(super) fn of(listing: &Listing, wish: &Wish) -> Result<Option<Self>, SourceError> {
        let files = listing.files().map(Path::new).filter(|file| !place::is_note(file));
        // What cannot be read at all has no configurations to choose from.
        if kind_of(&files.clone().collect::<Vec<_>>()).is_none() {
            return Ok(None);
        }
        let configs =
            if wish.is_converted { converted(listing) } else { card::configs(listing.card()) };
        let (mut patterns, mut split) = wish.patterns(&configs)?;
        let place = Place::new(
            Path::new(""),
            &SourceOptions { files: patterns.clone(), ..SourceOptions::default() },
        )?;
        let candidates: Vec<&Path> = files.clone().filter(|file| place.matches(file)).collect();
        let Some(kind) = wish.options.kind.or_else(|| kind_of(&candidates)) else {
            return Ok(None);
        };
        let mut chosen: Vec<&Path> =
            candidates.into_iter().filter(|file| is_of_kind(file, kind)).collect();
        if chosen.is_empty() {
            return Ok(None);
        }
        if let Some(asked) = split.clone() {
            let known: BTreeSet<String> = chosen.iter().filter_map(|f| place.split_of(f)).collect();
            if known.is_empty() && splits::is_same(&asked, "train") {
                // What says nothing of splits is to train on.
                patterns = Some(all_of_split(patterns, &asked));
                split = None;
            } else {
                chosen
                    .retain(|f| place.split_of(f).is_some_and(|own| splits::is_same(&own, &asked)));
                if chosen.is_empty() {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    return Err(wish.no_split(&asked, &known));
                }
            }
        }
        if kind == Kind::Images {
            chosen.extend(files.filter(|file| folder::tells_of_pictures(file)));
        }
        let files =
            chosen.into_iter().filter_map(|file| file.to_str().map(str::to_owned)).collect();
        Ok(Some(Self { kind, files, patterns, split }))
    }
}

/// The kind of dataset that files make: what is made for programs comes first, then what most of them are.
fn kind_of(files: &[&Path]) -> Option<Kind> {
    let are_pictures = files.iter().any(|file| folder::is_image(file));
    let telling = |file: &&&Path| !(are_pictures && folder::tells_of_pictures(file));
    let first = [Kind::Columnar, Kind::Shards, Kind::Images].into_iter();
    let mut first = first.filter(|&kind| files.iter().filter(telling).any(|f| is_of_kind(f, kind)));
    let tables = [Kind::JsonLines, Kind::Csv, Kind::Tsv, Kind::Json, Kind::Lines].into_iter();
    let count = |kind: Kind| files.iter().filter(|file| is_of_kind(file, kind)).count();
    first.next().or_else(|| {
        let counted = tables.rev().map(|kind| (count(kind), kind));
        counted.filter(|(n, _)| *n > 0).max_by_key(|(n, _)| *n).map(|(_, kind)| kind)
    })
}

fn is_of_kind(file: &Path, kind: Kind) -> bool {
    match kind {
        Kind::Images => folder::is_image(file),
        Kind::Columnar => columnar::is_part(file),
        Kind::Shards => shards::is_archive(file),
        kind => Kind::of_file(file).is_ok_and(|found| found == kind),
    }
}

/// The same files, which are known to be of a split.
fn all_of_split(patterns: Option<Vec<FilePattern>>, split: &str) -> Vec<FilePattern> {
    let all = || vec![FilePattern { pattern: "**/*".to_owned(), split: None }];
    let patterns = patterns.unwrap_or_else(all).into_iter();
    patterns.map(|file| FilePattern { split: Some(split.to_owned()), ..file }).collect()
}

/// The configurations of a repository that the hub has converted: `config/split/0000.parquet`, or
/// `config/name-split.parquet` as it was before.
fn converted(listing: &Listing) -> Vec<Config> {
    let mut configs: Vec<Config> = Vec::new();
    for file in listing.files() {
        let Some((name, rest)) = file.split_once('/') else { continue };
        let (pattern, split) = match rest.split_once('/') {
            Some((folder, _)) => {
                (format!("{name}/{folder}/*"), folder.trim_start_matches("partial-"))
            }
            None => (file.to_owned(), split_in(rest)),
        };
        let pattern = FilePattern { pattern, split: Some(split.to_owned()) };
        match configs.iter_mut().find(|config| config.name == name) {
            Some(Config { files: Some(files), .. }) if !files.contains(&pattern) => {
                files.push(pattern);
            }
            Some(_) => {}
            None => configs.push(Config {
                name: name.to_owned(),
                is_default: name == "default",
                files: Some(vec![pattern]),
            }),
        }
    }
    configs
}

/// The word in a file's name that is a split, or else the first.
fn split_in(file: &str) -> &str {
    let mut words = file.split(['-', '_', '.']);
    let first = words.clone().next().unwrap_or(file);
    words.find(|word| splits::is_split(word)).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn listing(files: &[&str], card: &Value) -> Listing {
        let siblings: Vec<Value> = files.iter().map(|file| json!({ "rfilename": file })).collect();
        let listing = json!({ "sha": "0", "siblings": siblings, "cardData": card });
        serde_json::from_value(listing).unwrap()
    }

    fn wish(config: Option<&str>, split: Option<&str>) -> Wish {
        let (config, split) = (config.map(str::to_owned), split.map(str::to_owned));
        let options = SourceOptions { split, config, ..SourceOptions::default() };
        Wish::of(&RepoName::dataset("a/b").unwrap(), &options)
    }

    fn select(files: &[&str], card: &Value, wish: &Wish) -> Selection {
        Selection::of(&listing(files, card), wish).unwrap().unwrap()
    }

    fn refusal(files: &[&str], card: &Value, wish: &Wish) -> String {
        Selection::of(&listing(files, card), wish).unwrap_err().to_string()
    }

    const PARQUET: [&str; 5] = [
        "README.md",
        ".gitattributes",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/test-00000-of-00001.parquet",
    ];

    #[test]
    fn a_split_is_told_by_names_where_the_card_says_nothing() {
        let none = Value::Null;
        let all = select(&PARQUET, &none, &wish(None, None));
        assert_eq!((all.kind, all.files.len(), all.patterns), (Kind::Columnar, 3, None));
        let train = select(&PARQUET, &none, &wish(None, Some("train")));
        assert_eq!(train.files, PARQUET[2..4]);
        assert_eq!(train.split.as_deref(), Some("train"));
        let refused = refusal(&PARQUET, &none, &wish(None, Some("validation")));
        assert!(
            refused.ends_with("it has no split \"validation\"\nhint: splits: test and train"),
            "{refused}"
        );
    }

    #[test]
    fn the_card_says_which_files_are_of_a_configuration_and_a_split() {
        let card = json!({ "configs": [
            { "config_name": "full", "data_files": [
                { "split": "train", "path": "data/train-*" }, { "split": "val", "path": "data/test-*" },
            ] },
            { "config_name": "small", "data_files": "data/test-*" },
        ] });
        let refused = refusal(&PARQUET, &card, &wish(None, None));
        assert!(
            refused
                .contains("several configurations\nhint: choose one with --config: full and small"),
            "{refused}"
        );
        let refused = refusal(&PARQUET, &card, &wish(Some("tiny"), None));
        assert!(
            refused.contains("no configuration \"tiny\"\nhint: configurations: full and small"),
            "{refused}"
        );
        let held_out = select(&PARQUET, &card, &wish(Some("full"), Some("validation")));
        assert_eq!(held_out.files, [PARQUET[4]]);
        assert_eq!((held_out.patterns.unwrap().len(), held_out.split), (1, None));
        assert_eq!(select(&PARQUET, &card, &wish(Some("full"), None)).files.len(), 3);
        assert_eq!(select(&PARQUET, &card, &wish(Some("small"), Some("test"))).files, [PARQUET[4]]);
    }

    #[test]
    fn a_default_configuration_needs_no_name() {
        let card = json!({ "configs": [
            { "config_name": "a", "data_files": "data/test-*" },
            { "config_name": "b", "data_files": "data/train-*", "default": true },
        ] });
        assert_eq!(select(&PARQUET, &card, &wish(None, None)).files, PARQUET[2..4]);
    }

    #[test]
    fn pictures_come_with_what_tells_of_them() {
        let files = ["README.md", "train/1.jpg", "test/1.jpg", "train/metadata.csv", "LICENSE.txt"];
        let train = select(&files, &Value::Null, &wish(None, Some("train")));
        assert_eq!(
            (train.kind, train.files),
            (Kind::Images, vec!["train/1.jpg".into(), "train/metadata.csv".into()])
        );
        let kind = |files: &[&str]| select(files, &Value::Null, &wish(None, None)).kind;
        assert_eq!(kind(&["banner.png", "data/0.parquet"]), Kind::Columnar);
        assert_eq!(kind(&["banner.png", "000.tar"]), Kind::Shards);
        assert_eq!(kind(&["a.jsonl", "b.jsonl", "c.csv"]), Kind::JsonLines);
        assert_eq!(kind(&["metadata.csv"]), Kind::Csv);
    }

    #[test]
    fn files_without_a_split_are_to_train_on() {
        let chosen = select(&["all.jsonl"], &Value::Null, &wish(None, Some("train")));
        assert_eq!(chosen.files, ["all.jsonl"]);
        assert_eq!(chosen.patterns.unwrap()[0].split.as_deref(), Some("train"));
    }

    #[test]
    fn a_converted_repository_is_laid_out_by_configuration_and_split() {
        let files = [
            "full_size/train/0000.parquet",
            "full_size/train/0001.parquet",
            "full_size/validation/0000.parquet",
            "320px/partial-train/0000.parquet",
            "old/imagenette-test.parquet",
        ];
        let wish = |config, split| Wish { is_converted: true, ..wish(config, split) };
        assert!(
            refusal(&files, &Value::Null, &wish(None, None)).contains("full_size, 320px and old")
        );
        let train = select(&files, &Value::Null, &wish(Some("full_size"), Some("train")));
        assert_eq!(train.files, files[..2]);
        assert_eq!(
            select(&files, &Value::Null, &wish(Some("320px"), Some("train"))).files,
            files[3..4]
        );
        assert_eq!(
            select(&files, &Value::Null, &wish(Some("old"), Some("test"))).files,
            files[4..]
        );
    }

    #[test]
    fn nothing_is_selected_where_nothing_can_be_read() {
        let files = ["README.md", "imagenette.py", "data.zip", "dataset_infos.json"];
        assert_eq!(Selection::of(&listing(&files, &Value::Null), &wish(None, None)).unwrap(), None);
    }
}
