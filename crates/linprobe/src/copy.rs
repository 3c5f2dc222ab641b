//! Moves vectors between stores: of a project, of a folder, of an address.

use std::{path::Path, sync::Arc};

use linprobe_core::VectorStore;
use linprobe_store::{Access, Copied, CopyProgress, EmbeddedStore};

use crate::{
    elsewhere,
    error::ProjectError,
    project::{Project, Surroundings},
};

/// Copies all points from one place to another, and compares what has arrived. A place is the address of a
/// store, the folder of a project, or one with nothing but a store. A run that was stopped is gone on with.
///
/// # Errors
/// [`ProjectError::NotWritten`] when the other place is a project; a store cannot be opened, or fails.
pub fn copy_points(
    from: &str,
    to: &str,
    surroundings: Surroundings,
    report: &mut (dyn FnMut(CopyProgress) + Send),
) -> Result<Copied, ProjectError> {
    let dimension = |store: &dyn VectorStore| store.spec().dimension;
    let copy = |from: &dyn VectorStore, report: &mut (dyn FnMut(CopyProgress) + Send)| {
        let to = to_write(to, dimension(from))?;
        Ok(pollster::block_on(linprobe_store::copy(from, to.as_ref(), report))?)
    };
    if is_address(from) {
        return copy(elsewhere::open(from, Access::Read)?.as_ref(), report);
    }
    let folder = Path::new(from);
    if Project::is_in(folder) {
        return copy(Project::open(folder, surroundings)?.store()?.as_ref(), report);
    }
    copy(&EmbeddedStore::open_read_only(folder)?, report)
}

fn to_write(place: &str, dimension: usize) -> Result<Arc<dyn VectorStore>, ProjectError> {
    if is_address(place) {
        return Ok(elsewhere::open(place, Access::Write { dimension })?);
    }
    let folder = Path::new(place);
    if Project::is_in(folder) {
        return Err(ProjectError::NotWritten { path: folder.into() });
    }
    Ok(Arc::new(EmbeddedStore::open_or_create(folder, dimension)?))
}

fn is_address(place: &str) -> bool {
    place.contains("://")
}
