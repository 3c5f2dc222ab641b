//! A project whose points are in a store elsewhere: a table or a collection that a team has already.
//!
//! The store is asked and, unless somebody says so when indexing, never written. What was seen and labelled stays in
//! the project's own database, as always. Of records that the project has not indexed itself it knows the ids, and the
//! texts where the store's address names a column or a field of them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use linprobe_core::{Content, Metadata, ModelSpec, RecordId, StoreError, VectorStore};
use linprobe_embed::precomputed;
use linprobe_store::{Access, EmbeddedStore, MemoryStore, RemoteStore, Variables};

use crate::{
    catalogue::CatalogueRecord,
    error::ProjectError,
    models,
    project::{IndexOptions, Project, Surroundings},
};

/// The kind of a record that is known by its vector alone.
const VECTOR: &str = "vector";

impl Project {
    /// Makes a project in a folder, over the store of an address, such as
    /// `postgres://user@host/database?table=schema.name`. Its vectors are those of a model, or of nobody knows which;
    /// then no phrase can be searched for.
    ///
    /// # Errors
    /// The store cannot be opened, or holds vectors of another dimension than the model's; or as
    /// [`create`](Self::create) and [`choose_model`](Self::choose_model).
    pub fn create_over(
        folder: &Path,
        address: &str,
        model: Option<&str>,
        surroundings: Surroundings,
    ) -> Result<Self, ProjectError> {
        Self::expect_none(folder)?;
        let store = open(address, Access::Read)?;
        let dimension = store.spec().dimension;
        let model: ModelSpec = match model {
            Some(name) => linprobe_embed::open(name, &surroundings.models)?.model().clone(),
            None => precomputed(models::PRECOMPUTED, dimension).model().clone(),
        };
        if model.dimension != dimension {
            let (expected, found) = (dimension, model.dimension);
            return Err(StoreError::Dimension { expected, found }.into());
        }
        let project = Self::create(folder, surroundings)?;
        project.settle_model(&model)?;
        project.catalogue().set_store(store.address())?;
        // It is open, and its password is known to nobody else.
        project.opened().remote(|| Ok(store))?;
        Ok(project)
    }

    /// The address of the store that the project's points are in, without a password; none where they are in its
    /// folder.
    ///
    /// # Errors
    /// The database fails.
    pub fn store_address(&self) -> Result<Option<String>, ProjectError> {
        self.catalogue().store_address()
    }

    /// What is known of records that the store has, in the order of the ids.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`], or the database or the store fails.
    pub fn records_by_id(&self, ids: &[RecordId]) -> Result<Vec<CatalogueRecord>, ProjectError> {
        self.read_ahead(ids)?;
        ids.iter().map(|id| self.record(id)).collect()
    }

    /// The store elsewhere, if the project has one, to ask only.
    pub(crate) fn remote_store(&self) -> Result<Option<Arc<dyn RemoteStore>>, ProjectError> {
        let Some(address) = self.store_address()? else { return Ok(None) };
        self.opened().remote(|| open(&address, Access::Read)).map(Some)
    }

    /// What is known of a record that the project has not indexed, if the store has it.
    pub(crate) fn record_elsewhere(
        &self,
        id: &RecordId,
    ) -> Result<Option<CatalogueRecord>, ProjectError> {
        if let Some(known) = self.opened().described(id) {
            return Ok(Some(known));
        }
        let Some(store) = self.remote_store()? else { return Ok(None) };
        let ids = std::slice::from_ref(id);
        if pollster::block_on(store.fetch(ids))?.is_empty() {
            return Ok(None);
        }
        self.read_ahead(ids)?;
        Ok(self.opened().described(id))
    }

    /// The content of a record that the project has not indexed: its vector, and what can be read of it.
    pub(crate) fn content_elsewhere(&self, id: &RecordId) -> Result<Content, ProjectError> {
        let CatalogueRecord { text, .. } = self.record(id)?;
        let point = pollster::block_on(self.store()?.fetch(std::slice::from_ref(id)))?.pop();
        let point = point.ok_or_else(|| ProjectError::UnknownRecord { id: id.clone() })?;
        Ok(Content::Vector { values: point.embedding.as_slice().to_vec(), text })
    }

    /// Reads at once what can be read of those records that are in a store elsewhere, so that
    /// [`record`](Self::record) has each of them at hand.
    ///
    /// # Errors
    /// The database or the store fails.
    pub fn read_ahead(&self, ids: &[RecordId]) -> Result<(), ProjectError> {
        let Some(store) = self.remote_store()? else { return Ok(()) };
        let mut unknown = Vec::new();
        for id in ids {
            if self.opened().described(id).is_none() && self.catalogue().record(id)?.is_none() {
                unknown.push(id.clone());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let mut texts = pollster::block_on(store.texts(&unknown))?;
        self.opened().keep_described(unknown.into_iter().map(|id| described(id, &mut texts)));
        Ok(())
    }

    /// Where an index run writes its points. Before a record could be read that tells a model there are none, and no
    /// store is made for vectors of a dimension that may be another.
    pub(crate) fn target(
        &self,
        options: &IndexOptions,
        dimension: usize,
    ) -> Result<Target, ProjectError> {
        if self.model()?.is_none() {
            return Ok(Target::Nowhere(MemoryStore::new(dimension)));
        }
        let kept = self.store_address()?;
        let store = match (&options.store, kept) {
            (None, None) => {
                let own = EmbeddedStore::open_or_create(self.store_folder(), dimension)?;
                return Ok(Target::Own(Box::new(own)));
            }
            (None, Some(store)) if !options.write => {
                return Err(StoreError::ReadOnly { store }.into());
            }
            (None, Some(kept)) => open(&kept, Access::Write { dimension })?,
            (Some(given), kept) => {
                let store = open(given, Access::Write { dimension })?;
                self.check_store(store.address(), kept)?;
                store
            }
        };
        self.catalogue().set_store(store.address())?;
        Ok(Target::Elsewhere(store))
    }

    /// Points of a project are in one store.
    fn check_store(&self, given: &str, kept: Option<String>) -> Result<(), ProjectError> {
        let has_own = || Ok::<_, ProjectError>(self.catalogue().n_records()? > 0);
        let project = match kept {
            Some(kept) if kept != given => kept,
            None if has_own()? => "its own folder".to_owned(),
            _ => return Ok(()),
        };
        Err(ProjectError::OtherStore { project, given: given.to_owned() })
    }
}

/// Where points are written.
pub(crate) enum Target {
    /// The project's folder.
    Own(Box<EmbeddedStore>),
    /// A store elsewhere.
    Elsewhere(Arc<dyn RemoteStore>),
    /// Nothing is to be kept.
    Nowhere(MemoryStore),
}

impl Target {
    pub(crate) fn store(&self) -> &dyn VectorStore {
        match self {
            Self::Own(store) => store.as_ref(),
            Self::Elsewhere(store) => store.as_ref(),
            Self::Nowhere(store) => store,
        }
    }
}

/// Opens a store by its address.
pub(crate) fn open(address: &str, access: Access) -> Result<Arc<dyn RemoteStore>, ProjectError> {
    Ok(pollster::block_on(linprobe_store::open(address, access, &Variables::default()))?)
}

fn described(id: RecordId, texts: &mut BTreeMap<RecordId, String>) -> CatalogueRecord {
    let text = texts.remove(&id);
    CatalogueRecord { id, kind: VECTOR.to_owned(), text, label: None, metadata: Metadata::new() }
}
