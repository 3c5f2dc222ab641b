//! What things on the hub are called.

use std::fmt;

/// What a repository holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RepoKind {
    /// A model.
    Model,
    /// A dataset.
    Dataset,
}

impl RepoKind {
    /// What people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
        }
    }

    /// What it is called in addresses of the API and in the cache.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
        }
    }
}

/// The name of something on the hub: `org/name`, or `org/name@revision`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoName {
    /// What it is.
    pub kind: RepoKind,
    /// Whose it is, and its name. Old datasets belong to nobody.
    pub id: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

/// The revision of those who name none.
const MAIN: &str = "main";

impl RepoName {
    /// None where the hub could have no model of that name.
    pub fn model(name: &str) -> Option<Self> {
        Self::parse(RepoKind::Model, name).filter(|name| name.id.contains('/'))
    }

    /// None where the hub could have no dataset of that name.
    pub fn dataset(name: &str) -> Option<Self> {
        Self::parse(RepoKind::Dataset, name)
    }

    /// The same at another revision; none where it can be none.
    pub fn at(&self, revision: &str) -> Option<Self> {
        Self::parse(self.kind, &format!("{}@{revision}", self.id))
    }

    fn parse(kind: RepoKind, name: &str) -> Option<Self> {
        let (id, revision) = name.split_once('@').unwrap_or((name, MAIN));
        let is_name = |part: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            (1..=96).contains(&part.len()) && part.chars().all(allowed) && !part.starts_with('.')
        };
        let is_revision = !revision.is_empty()
            && revision.split('/').all(|part| is_name(part) && !part.contains(".."));
        let is_id = id.split('/').count() <= 2 && id.split('/').all(is_name);
        (is_id && is_revision).then(|| Self {
            kind,
            id: id.to_owned(),
            revision: revision.to_owned(),
        })
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.revision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_on_the_hub_has_an_owner_and_may_have_a_revision() {
        let repo = RepoName::model("sentence-transformers/all-MiniLM-L6-v2").unwrap();
        assert_eq!(repo.to_string(), "sentence-transformers/all-MiniLM-L6-v2@main");
        let repo = RepoName::model("openai/clip-vit-base-patch32@refs/pr/15").unwrap();
        assert_eq!(repo.revision, "refs/pr/15");
        assert_eq!(repo.at("v2").unwrap().to_string(), "openai/clip-vit-base-patch32@v2");
        assert_eq!(repo.at("../v2"), None);
    }

    #[test]
    fn what_cannot_be_a_name_on_the_hub_is_none() {
        for name in
            ["", "bert", "/etc", "../x", "a/b/c", "a/..", "a/b@", "a/b@../c", "a b/c", "./m"]
        {
            assert_eq!(RepoName::model(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_dataset_may_belong_to_nobody() {
        assert_eq!(RepoName::dataset("squad").unwrap().to_string(), "squad@main");
        assert_eq!(RepoName::dataset("a/b/c"), None);
    }
}
