//! What the environment says of stores: who asks, and with which password.

use std::{collections::BTreeMap, env, fmt};

/// The variables that are read: those of libpq, and those in which engines' own clients look for keys.
const NAMES: [&str; 14] = [
    "HOME",
    "MILVUS_TOKEN",
    "PGDATABASE",
    "PGHOST",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGUSER",
    "PINECONE_API_KEY",
    "PINECONE_CONTROLLER_HOST",
    "QDRANT_API_KEY",
    "USER",
];

/// The variables that stores look at. They hold passwords, so they are not shown.
#[derive(Clone)]
pub struct Variables(BTreeMap<&'static str, String>);

impl Default for Variables {
    /// As the environment of this process has them.
    fn default() -> Self {
        Self::from_lookup(|name| env::var(name).ok())
    }
}

impl Variables {
    /// Looks the variables up by name. An empty one is as none.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let found = NAMES.into_iter().filter_map(|name| Some((name, lookup(name)?)));
        Self(found.filter(|(_, value)| !value.is_empty()).collect())
    }

    #[cfg(any(feature = "pgvector", feature = "rest"))]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(NAMES.contains(&name), "{name}");
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
