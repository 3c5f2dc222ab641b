//! Gives back the space of what was replaced or removed.

use linprobe_store::Damaged;

use crate::{error::ProjectError, inspect::bytes_below, project::Project};

/// What a compaction of a project has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Bytes of all files of the project before it.
    pub bytes_before: u64,
    /// Bytes of all files of the project after it.
    pub bytes_after: u64,
    /// Records whose vectors were damaged and are given up, to be embedded by the next indexing.
    pub n_given_up: u64,
}

impl Project {
    /// Writes the store and the database anew without what is no longer needed. Records, labels and
    /// sessions stay as they are; a kill at any moment leaves the old state or the new one.
    ///
    /// # Errors
    /// The store is open for writing, damaged or has no room; damaged vectors are given up instead
    /// where that is asked for.
    pub fn compact(&self, damaged: Damaged) -> Result<Compacted, ProjectError> {
        let bytes_before = bytes_below(self.folder())?;
        let mut n_given_up = 0;
        if self.store_folder().is_dir() {
            n_given_up = linprobe_store::compact(self.store_folder(), damaged)?.n_damaged;
        }
        self.catalogue().vacuum()?;
        Ok(Compacted { bytes_before, bytes_after: bytes_below(self.folder())?, n_given_up })
    }
}
