//! The configurations that the card of a dataset names: `configs` in its head, as Hugging Face's `datasets` reads it.

use serde_json::Value;

use crate::FilePattern;

/// One of several datasets in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) is_default: bool,
    /// Its files; all where it names none.
    pub(super) files: Option<Vec<FilePattern>>,
}

/// The configurations of a card.
pub(super) fn configs(card: &Value) -> Vec<Config> {
    let configs = card.get("configs").and_then(Value::as_array);
    configs.into_iter().flatten().filter_map(config).collect()
}

fn config(value: &Value) -> Option<Config> {
    let name = value.get("config_name")?.as_str()?.to_owned();
    let is_default = value.get("default").and_then(Value::as_bool).unwrap_or_default();
    let folder = value.get("data_dir").and_then(Value::as_str).map(|folder| {
        let folder = plain(folder).trim_end_matches('/').to_owned();
        vec![FilePattern { pattern: format!("{folder}/**/*"), split: None }]
    });
    let files = value.get("data_files").map(patterns).filter(|files| !files.is_empty());
    Some(Config { is_default: is_default || name == "default", name, files: files.or(folder) })
}

/// A pattern, several, several by split, or a list of splits with their patterns.
fn patterns(value: &Value) -> Vec<FilePattern> {
    match value {
        Value::String(pattern) => vec![FilePattern { pattern: plain(pattern), split: None }],
        Value::Array(values) => values.iter().flat_map(patterns).collect(),
        Value::Object(members) => match (members.get("path"), members.get("split")) {
            (Some(path), split) => of_split(path, split.and_then(Value::as_str)),
            (None, _) => {
                members.iter().flat_map(|(split, path)| of_split(path, Some(split))).collect()
            }
        },
        _ => Vec::new(),
    }
}

fn of_split(path: &Value, split: Option<&str>) -> Vec<FilePattern> {
    let mut files = patterns(path);
    for file in &mut files {
        file.split = split.map(str::to_owned);
    }
    files
}

fn plain(path: &str) -> String {
    path.trim_start_matches("./").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn files(data_files: &Value) -> Vec<(String, Option<String>)> {
        let card = json!({ "configs": [{ "config_name": "x", "data_files": data_files }] });
        let files = configs(&card).remove(0).files.unwrap_or_default();
        files.into_iter().map(|file| (file.pattern, file.split)).collect()
    }

    #[test]
    fn files_are_named_in_every_form_that_cards_have() {
        let plain = |pattern: &str| (pattern.to_owned(), None);
        let of = |pattern: &str, split: &str| (pattern.to_owned(), Some(split.to_owned()));
        assert_eq!(files(&json!("./a/*.csv")), [plain("a/*.csv")]);
        assert_eq!(files(&json!(["a.csv", "b.csv"])), [plain("a.csv"), plain("b.csv")]);
        let listed =
            json!([{ "split": "train", "path": ["a-*", "b-*"] }, { "split": "test", "path": "c" }]);
        assert_eq!(files(&listed), [of("a-*", "train"), of("b-*", "train"), of("c", "test")]);
        assert_eq!(
            files(&json!({ "test": "c", "train": ["a"] })),
            [of("c", "test"), of("a", "train")]
        );
        assert_eq!(files(&json!(7)), []);
    }

    #[test]
    fn a_card_that_says_nonsense_names_nothing() {
        for card in [json!(null), json!({ "configs": 3 }), json!({ "configs": [1, {}] })] {
            assert_eq!(configs(&card), []);
        }
        let card = json!({ "configs": [{ "config_name": "default", "data_dir": "./x/" }] });
        let [config] = configs(&card).try_into().unwrap();
        assert!(config.is_default);
        assert_eq!(config.files.unwrap()[0].pattern, "x/**/*");
    }
}
