//! The Hugging Face hub, as far as models need it.

use std::{fmt, path::PathBuf, sync::Arc};

/// Where the hub and its cache are.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// The cache: a folder `models--org--name` for every model.
    pub cache: PathBuf,
    /// The address of the hub.
    pub endpoint: String,
    /// Proves who asks, for models that are not public.
    pub token: Option<String>,
    /// Makes no request at all.
    pub offline: bool,
}

/// Is told how downloads get on.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<dyn Fn(&Download<'_>) + Send + Sync>>);

/// A download under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download<'a> {
    /// The file's name in its repository.
    pub file: &'a str,
    /// Bytes that are here.
    pub n_bytes: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

impl Progress {
    /// Calls back now and then during a download, and at its end.
    pub fn new(callback: impl Fn(&Download<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            cache: PathBuf::from("."),
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            offline: false,
        }
    }
}
