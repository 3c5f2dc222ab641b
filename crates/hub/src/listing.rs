//! What a commit consists of.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The files of a commit, and what its card says to programs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listing {
    /// The commit that the revision stands for now.
    pub sha: String,
    siblings: Vec<Sibling>,
    #[serde(default, rename = "cardData")]
    card: Value,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Listing {
    /// That of a commit of which nothing is known but some files.
    pub fn of_files<'a>(commit: &str, files: impl IntoIterator<Item = &'a str>) -> Self {
        let sibling = |file: &str| Sibling { rfilename: file.to_owned() };
        let siblings = files.into_iter().map(sibling).collect();
        Self { sha: commit.to_owned(), siblings, card: Value::Null }
    }

    /// Every file, by its path. One whose path leads anywhere else than below the repository is none.
    pub fn files(&self) -> impl Iterator<Item = &str> + Clone {
        self.siblings
            .iter()
            .map(|sibling| sibling.rfilename.as_str())
            .filter(|path| is_inside(path))
    }

    /// Whether there is such a file.
    pub fn has(&self, file: &str) -> bool {
        self.files().any(|listed| listed == file)
    }

    /// The head of the card, as JSON; null where there is none.
    pub fn card(&self) -> &Value {
        &self.card
    }
}

fn is_inside(path: &str) -> bool {
    let is_plain = |part| matches!(part, Component::Normal(_));
    !path.is_empty() && !path.contains(['\\', '\0']) && Path::new(path).components().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_leads_elsewhere_is_none() {
        let names = ["a/b.csv", "../x", "/etc/passwd", "a/../../x", "", "a\\..\\b"];
        let siblings: Vec<_> = names.map(|name| serde_json::json!({ "rfilename": name })).into();
        let listing = serde_json::json!({ "sha": "0", "siblings": siblings });
        let listing: Listing = serde_json::from_value(listing).unwrap();
        assert_eq!(listing.files().collect::<Vec<_>>(), ["a/b.csv"]);
        assert!(!listing.has("../x") && listing.card().is_null());
    }
}
