//! How downloads get on.

use std::{fmt, sync::Arc};

/// Is told how downloads get on, of several files at a time.
#[derive(Clone, Default)]
pub struct Progress(Option<Callback>);

type Callback = Arc<dyn Fn(&Transfer<'_>) + Send + Sync>;

/// A file on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The file's name in its repository.
    pub file: &'a str,
    /// Bytes that are here.
    pub n_bytes: u64,
    /// Bytes of the whole file.
    pub n_total: u64,
}

impl Progress {
    /// Calls back now and then during a transfer, and at its end.
    pub fn new(callback: impl Fn(&Transfer<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    pub(crate) fn tell(&self, transfer: &Transfer<'_>) {
        if let Some(callback) = &self.0 {
            callback(transfer);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}
