//! What stands before a text: some encoders were trained to read records and what is asked for
//! differently, and tell them apart by words before them.
//!
//! `config_sentence_transformers.json` says which words. Some well-known models name them only in
//! their description; these are known here by their names.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{folder::ModelFolder, open::OpenError};

/// Says what stands before texts.
const CONFIG: &str = "config_sentence_transformers.json";

/// Words before texts, empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompts {
    /// Before what is searched for.
    pub(crate) query: String,
    /// Before a record.
    pub(crate) record: String,
}

impl Prompts {
    /// Reads them, or knows them by the model's name.
    pub(crate) fn open(folder: &mut ModelFolder) -> Result<Self, OpenError> {
        let config: Config = folder.json_if_there(CONFIG)?.unwrap_or_default();
        let mut prompts = config.prompts();
        if prompts == Self::default() {
            prompts = Self::by_name(folder.model_id());
        }
        folder.trace_setting("query prompt", &prompts.query);
        folder.trace_setting("record prompt", &prompts.record);
        Ok(prompts)
    }

    /// Those of models that keep them to their description.
    fn by_name(model_id: &str) -> Self {
        let name = model_id.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
        let is_one_of = |family: &str, sizes: &[&str]| {
            let size = name.strip_prefix(family);
            size.is_some_and(|size| sizes.contains(&size.trim_end_matches("-v2")))
        };
        let sizes = ["small", "base", "large"];
        if is_one_of("e5-", &sizes) || is_one_of("multilingual-e5-", &sizes) {
            Self::of("query: ", "passage: ")
        } else if name.starts_with("nomic-embed-text-v1") {
            Self::of("search_query: ", "search_document: ")
        } else if name.starts_with("bge-") && name.trim_end_matches("-v1.5").ends_with("-en") {
            Self::of("Represent this sentence for searching relevant passages: ", "")
        } else {
            Self::default()
        }
    }

    fn of(query: &str, record: &str) -> Self {
        Self { query: query.to_owned(), record: record.to_owned() }
    }
}

/// `config_sentence_transformers.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    prompts: BTreeMap<String, Option<String>>,
    default_prompt_name: Option<String>,
}

impl Config {
    /// Where the files name nothing for one side, what they name for every text.
    fn prompts(&self) -> Prompts {
        let named = |name: &str| self.prompts.get(name).cloned().flatten();
        let default = self.default_prompt_name.as_deref().and_then(named).unwrap_or_default();
        let first = |names: &[&str]| {
            let mut prompts = names.iter().filter_map(|name| named(name));
            prompts.find(|prompt| !prompt.is_empty()).unwrap_or_else(|| default.clone())
        };
        Prompts { query: first(&["query"]), record: first(&["document", "passage", "corpus"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(config: &str) -> Prompts {
        serde_json::from_str::<Config>(config).unwrap().prompts()
    }

    #[test]
    fn a_record_is_a_document_or_a_passage() {
        let both = r#"{"prompts": {"query": "q: ", "document": "", "passage": "p: "}}"#;
        assert_eq!(prompts(both), Prompts::of("q: ", "p: "));
        assert_eq!(prompts("{}"), Prompts::default());
    }

    #[test]
    fn the_default_prompt_stands_where_no_other_is_named() {
        let config = r#"{"prompts": {"topic": "about: ", "query": "q: "},
                         "default_prompt_name": "topic"}"#;
        assert_eq!(prompts(config), Prompts::of("q: ", "about: "));
    }

    #[test]
    fn well_known_models_are_known_by_their_names() {
        let passage = |name| Prompts::by_name(name).record;
        assert_eq!(passage("intfloat/multilingual-e5-small"), "passage: ");
        assert_eq!(passage("/models/e5-base-v2"), "passage: ");
        assert_eq!(passage("intfloat/multilingual-e5-large-instruct"), "");
        let bge = Prompts::by_name("BAAI/bge-small-en-v1.5");
        assert!(bge.query.starts_with("Represent this sentence") && bge.record.is_empty());
        assert_eq!(Prompts::by_name("BAAI/bge-m3"), Prompts::default());
    }
}
