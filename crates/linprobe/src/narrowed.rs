//! A project as if it had no records but those that a filter lets through.

use std::sync::Arc;

use linprobe_core::{RecordId, VectorStore};
use linprobe_store::EmbeddedStore;

use crate::{
    error::ProjectError,
    filter::{Filter, Sieve, all_fields},
    project::Project,
};

impl Project {
    /// Reads a filter over the project's records.
    ///
    /// # Errors
    /// [`ProjectError::Filter`], with the place of the mistake and the fields that records have.
    pub fn filter(&self, text: &str) -> Result<Filter, ProjectError> {
        match text.parse::<Filter>() {
            Ok(filter) => Ok(filter),
            Err(mut bad) => {
                bad.fields = all_fields(self.catalogue().columns()?);
                Err(bad.into())
            }
        }
    }

    /// The store, without what a filter does not let through. All records are looked at once, here;
    /// what is asked of the store afterwards takes no longer than without a filter. Records that are indexed
    /// later are not among them.
    pub(crate) fn narrowed_store(
        &self,
        filter: Option<&Filter>,
    ) -> Result<Arc<dyn VectorStore>, ProjectError> {
        match filter {
            Some(_) => Ok(self.narrowed_own(filter)?),
            None => self.store(),
        }
    }

    /// The same of the store in the project's folder, where it has no other.
    pub(crate) fn narrowed_own(
        &self,
        filter: Option<&Filter>,
    ) -> Result<Arc<EmbeddedStore>, ProjectError> {
        let Some(filter) = filter else { return self.embedded_store() };
        self.check_filters()?;
        let mut sieve = Sieve::new(filter);
        let ids = self.let_through(&mut sieve)?;
        sieve.check()?;
        Ok(Arc::new(self.embedded_store()?.narrowed(ids)))
    }

    /// The same for a filter that was good once. Columns may have left the dataset since; that must keep nobody
    /// from the labels of a session.
    pub(crate) fn narrowed_store_again(
        &self,
        filter: &Filter,
    ) -> Result<Arc<dyn VectorStore>, ProjectError> {
        self.check_filters()?;
        let ids = self.let_through(&mut Sieve::new(filter))?;
        Ok(Arc::new(self.embedded_store()?.narrowed(ids)))
    }

    /// A filter goes by what the catalogue knows of records, and leaves out rows of the project's own store.
    fn check_filters(&self) -> Result<(), ProjectError> {
        match self.store_address()? {
            Some(store) => Err(ProjectError::FilterElsewhere { store }),
            None => Ok(()),
        }
    }

    fn let_through(&self, sieve: &mut Sieve<'_>) -> Result<Vec<RecordId>, ProjectError> {
        let mut ids = Vec::new();
        self.catalogue().each_record(|record| {
            if sieve.lets_through(&record) {
                ids.push(record.id);
            }
        })?;
        Ok(ids)
    }
}
