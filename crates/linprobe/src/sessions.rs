//! Sessions of a project: by name, over its store, in its database.

use std::collections::BTreeSet;

use linprobe_classifier::{Card, ClassifierFile, Method};
use linprobe_core::RecordId;
use linprobe_session::{Journal, LabelCounts, Opening, Session, SessionId, SessionSummary, State};

use crate::{
    classifiers::model_card, error::ProjectError, project::Project, session_log::records_of,
    start::StartFrom,
};

impl Project {
    /// Every session, the first one opened first. One in which nothing has happened since the last
    /// call is not read again.
    ///
    /// # Errors
    /// The database fails.
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, ProjectError> {
        let journal = self.journal()?;
        let heads = journal.heads()?.into_iter();
        let summaries = heads.map(|head| match self.opened().summary(head) {
            Some(kept) => Ok(kept),
            None => Ok(self.opened().keep_summary(journal.summary(head)?)),
        });
        summaries.collect()
    }

    /// The session in which something has happened last.
    ///
    /// # Errors
    /// The database fails.
    pub fn latest_session(&self) -> Result<Option<SessionSummary>, ProjectError> {
        Ok(self.sessions()?.into_iter().max_by_key(|session| session.updated_ms))
    }

    /// Opens a new session.
    ///
    /// # Errors
    /// The name is taken, nothing is given to start from, or the model does not take it;
    /// [`ProjectError::Filter`] and [`ProjectError::NothingLetThrough`] when no record is left.
    pub async fn start_session(
        &self,
        name: &str,
        from: &StartFrom,
        method: Method,
    ) -> Result<Session, ProjectError> {
        self.check_new_name(name)?;
        let store = self.narrowed_store(from.filter.as_ref())?;
        if let Some(filter) = &from.filter
            && store.count().await? == 0
        {
            return Err(ProjectError::NothingLetThrough { filter: filter.to_string() });
        }
        let background = self.background()?;
        let query = self.origin(from, store.as_ref(), &background).await?;
        let opening = Opening { name: name.to_owned(), query, method };
        let mut session = Session::start(store, background, self.journal()?, opening).await?;
        session.label_once(self.kept_duplicates()?);
        Ok(session)
    }

    /// Goes on with a session.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when there is none of this name, with those that there are.
    pub async fn resume_session(&self, name: &str) -> Result<Session, ProjectError> {
        let id = self.session_id(name)?;
        let journal = self.journal()?;
        let store = match journal.opening(id)?.query.filter {
            Some(filter) => self.narrowed_store_again(&filter.parse()?)?,
            None => self.store()?,
        };
        let mut session = Session::resume(store, self.background()?, journal, id).await?;
        session.label_once(self.kept_duplicates()?);
        Ok(session)
    }

    /// The classifier of a session as a file, with its card.
    ///
    /// # Errors
    /// The database fails.
    pub fn classifier_of(&self, state: &State) -> Result<Option<ClassifierFile>, ProjectError> {
        let model = self.model()?.ok_or(ProjectError::Empty)?;
        Ok(state.fits().last().map(|fit| {
            let LabelCounts { n_labels, n_positive, n_negative } = fit.counts;
            let card = Card {
                format: Card::FORMAT,
                name: state.name().to_owned(),
                model: model_card(&model),
                dimension: fit.classifier.dimension(),
                threshold: 0.0,
                method: state.method().to_string(),
                n_labels,
                n_positive,
                n_negative,
                n_rounds: fit.round,
                created: self.now(),
                start: state.query().description.clone(),
                audit: None,
            };
            ClassifierFile { classifier: fit.classifier.clone(), card: Some(card) }
        }))
    }

    /// Opens a new session with all that had happened in another up to the end of a round: until the
    /// next round was given out. 0 is the start.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when there is none of this name, or the new name is taken.
    pub async fn branch_session(
        &self,
        name: &str,
        round: u32,
        new_name: &str,
    ) -> Result<Session, ProjectError> {
        let id = self.session_id(name)?;
        self.check_new_name(new_name)?;
        self.journal()?.branch(id, round, new_name)?;
        self.resume_session(new_name).await
    }

    /// What the events of a session have left.
    pub(crate) fn session_state(&self, name: &str) -> Result<State, ProjectError> {
        let id = self.session_id(name)?;
        Ok(self.journal()?.replay(id)?)
    }

    pub(crate) fn session_id(&self, name: &str) -> Result<SessionId, ProjectError> {
        if let Some(id) = self.journal()?.find(name)? {
            return Ok(id);
        }
        let names = self.sessions()?.into_iter().map(|session| session.name);
        Err(ProjectError::unknown("session", name, names))
    }

    /// The classifier of a session by name.
    pub(crate) fn session_classifier(
        &self,
        name: &str,
    ) -> Result<Option<ClassifierFile>, ProjectError> {
        let journal = self.journal()?;
        match journal.find(name)? {
            Some(id) => self.classifier_of(&journal.replay(id)?),
            None => Ok(None),
        }
    }

    /// Every record that a session has shown, labelled or audited.
    pub(crate) fn records_of_sessions(&self) -> Result<BTreeSet<RecordId>, ProjectError> {
        let journal = self.journal()?;
        let mut met = BTreeSet::new();
        for head in journal.heads()? {
            let state = journal.replay(head.id)?;
            met.extend(records_of(&state).into_iter().cloned());
        }
        Ok(met)
    }

    pub(crate) fn journal(&self) -> Result<Journal, ProjectError> {
        Ok(Journal::open(&self.database(), self.clock().clone())?)
    }
}
