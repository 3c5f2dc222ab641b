//! Pictures and texts that somebody brought to start from: kept in memory, for an hour, and never on
//! the disk.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use linprobe::Content;

use crate::lock::lock;

/// The largest upload, in bytes.
pub(crate) const MAX_BYTES: usize = 20 << 20;

/// How long one is kept.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// All uploads of a project together, in bytes; then the oldest goes.
const MAX_TOTAL: usize = 200 << 20;

/// What was uploaded.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<BTreeMap<String, Upload>>);

#[derive(Debug)]
struct Upload {
    content: Content,
    at: Instant,
}

impl Uploads {
    /// Keeps a content under a new name.
    pub(crate) fn keep(&self, name: String, content: Content) {
        let mut uploads = lock(&self.0);
        uploads.retain(|_, upload| upload.at.elapsed() < KEPT_FOR);
        while uploads.values().map(Upload::n_bytes).sum::<usize>() > MAX_TOTAL {
            let oldest = uploads.iter().min_by_key(|(_, upload)| upload.at);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { break };
            uploads.remove(&oldest);
        }
        uploads.insert(name, Upload { content, at: Instant::now() });
    }

    /// The content of a name.
    pub(crate) fn content(&self, name: &str) -> Option<Content> {
        let uploads = lock(&self.0);
        let fresh = uploads.get(name).filter(|upload| upload.at.elapsed() < KEPT_FOR);
        fresh.map(|upload| upload.content.clone())
    }
}

impl Upload {
    fn n_bytes(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.len(),
            Content::Image(bytes) => bytes.len(),
            Content::Vector { values, .. } => size_of_val(values.as_slice()),
        }
    }
}
