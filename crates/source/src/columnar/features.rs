//! What the `datasets` library of Hugging Face writes into the schema of a file: which columns hold
//! classes by their numbers, and what these are called.

use std::collections::BTreeMap;

use arrow_schema::Schema;
use serde_json::Value;

/// The key of the schema's metadata that holds it, as JSON.
const KEY: &str = "huggingface";

/// Names of the classes of columns that hold their numbers.
#[derive(Debug, Default)]
pub(super) struct Features {
    classes: BTreeMap<String, Vec<String>>,
}

impl Features {
    pub(super) fn of(schema: &Schema) -> Self {
        let described = schema.metadata().get(KEY);
        let described = described.and_then(|json| serde_json::from_str::<Value>(json).ok());
        let features = described.as_ref().and_then(|d| d.get("info")?.get("features")?.as_object());
        let Some(features) = features else { return Self::default() };
        let named = |(column, feature): (&String, &Value)| {
            let names = feature.get("names")?.as_array()?;
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            Some((column.clone(), names.collect::<Option<Vec<_>>>()?))
        };
        Self { classes: features.iter().filter_map(named).collect() }
    }

    /// The name of a class, where the column holds numbers of classes; -1 stands for none.
    pub(super) fn name(&self, column: &str, value: String) -> Option<String> {
        let Some(names) = self.classes.get(column) else { return Some(value) };
        match value.parse::<i64>() {
            Ok(-1) => None,
            Ok(number) => {
                let name = usize::try_from(number).ok().and_then(|number| names.get(number));
                Some(name.cloned().unwrap_or(value))
            }
            Err(_) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn features(json: &str) -> Features {
        let metadata = HashMap::from([(KEY.to_owned(), json.to_owned())]);
        Features::of(&Schema::empty().with_metadata(metadata))
    }

    #[test]
    fn numbers_of_classes_become_their_names() {
        let features = features(
            r#"{"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
                "year": {"dtype": "int32", "_type": "Value"}}}}"#,
        );
        let name = |column, value: &str| features.name(column, value.to_owned());
        assert_eq!(name("label", "1"), Some("dog".to_owned()));
        assert_eq!(name("label", "-1"), None);
        assert_eq!(name("label", "7"), Some("7".to_owned()), "a number without a name stays");
        assert_eq!(name("year", "1"), Some("1".to_owned()));
    }

    #[test]
    fn a_schema_that_says_nonsense_names_nothing() {
        for json in ["", "[]", r#"{"info": {"features": [1]}}"#, r#"{"info": 3}"#] {
            assert_eq!(features(json).name("label", "0".to_owned()), Some("0".to_owned()));
        }
    }
}
