//! What every request shares.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{desk::Desk, guard::Guard, problem::Problem, workspace::Workspace};

/// What every request shares.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) workspace: Workspace,
    /// Folders that datasets may be indexed from, canonical.
    pub(crate) data_roots: Vec<PathBuf>,
    /// How long a record may be left open before somebody else gets it.
    pub(crate) patience: Duration,
    pub(crate) guard: Guard,
}

/// The state of the router.
pub(crate) type Shared = Arc<Served>;

impl Served {
    /// The project of a name, opened.
    pub(crate) fn desk(&self, slug: &str) -> Result<Arc<Desk>, Problem> {
        self.workspace.desk(slug)
    }
}
