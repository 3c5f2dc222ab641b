//! A session is the loop: a round is shown, labels come in, the classifier is fitted, and its
//! weights are the next query.

use std::sync::Arc;

use linprobe_classifier::{Background, FitError, Label, LinearClassifier, OutOfReach, fit};
use linprobe_core::{Excluded, Histogram, RecordId, StoreError, VectorStore};

use crate::{
    Annotator, Answer, BadHistory, Deed, Event, Groups, Journal, JournalError, LabelCounts,
    Opening, Round, Seat, SessionId, State, Strategy, Undone, View, insight::coarser,
};

/// A labelling session over a store.
///
/// A change is durable when the call that makes it returns. The store is only asked, never written.
/// Where several people label, each of them has a [`seat`](Self::seat); a session that is asked
/// directly is asked from the seat of nobody in particular.
pub struct Session {
    view: View,
    journal: Journal,
    id: SessionId,
}

/// What a fit has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct FitReport {
    /// The classifier.
    pub classifier: LinearClassifier,
    /// How many labels there are.
    pub counts: LabelCounts,
    /// Labels whose record the store has no longer; they are kept, and were left out.
    pub n_missing: u64,
    /// Records in the store.
    pub n_points: u64,
    /// Those at or above the boundary.
    pub n_above: u64,
    /// All scores.
    pub histogram: Histogram,
    /// How far the weights have turned since the last fit, in radians.
    pub angle: f64,
}

impl Session {
    /// Opens a new session, and fits its first classifier to what it starts from.
    ///
    /// # Errors
    /// [`SessionError`]; nothing is written when the opening does not fit the store.
    pub async fn start(
        store: Arc<dyn VectorStore>,
        background: Arc<Background>,
        mut journal: Journal,
        opening: Opening,
    ) -> Result<Self, SessionError> {
        check_dimensions(store.as_ref(), &background, &opening)?;
        let ids: Vec<RecordId> =
            opening.query.examples.iter().filter_map(|example| example.id.clone()).collect();
        check_known(store.as_ref(), &ids).await?;
        let id = journal.create(&opening)?;
        let view = View::new(store, background, State::new(opening));
        let mut session = Self { view, journal, id };
        session.refit().await?;
        Ok(session)
    }

    /// Goes on with a session where it was left.
    ///
    /// # Errors
    /// [`SessionError::Journal`] when its events cannot be read.
    pub async fn resume(
        store: Arc<dyn VectorStore>,
        background: Arc<Background>,
        journal: Journal,
        id: SessionId,
    ) -> Result<Self, SessionError> {
        let view = View::new(store, background, journal.replay(id)?);
        let mut session = Self { view, journal, id };
        if session.state().classifier().is_none() {
            session.refit().await?;
        }
        Ok(session)
    }

    /// Shows one record of each group from now on. Rounds that were given out stay as they are.
    pub fn label_once(&mut self, groups: Arc<Groups>) {
        self.view.groups = groups;
    }

    /// The seat of somebody: what is done from there is theirs.
    pub fn seat(&mut self, by: Option<Annotator>) -> Seat<'_> {
        Seat::new(self, by)
    }

    /// The next records to label, as [`Seat::next_round`] has them.
    ///
    /// # Errors
    /// [`SessionError`] when the store or the journal fails.
    pub async fn next_round(
        &mut self,
        k: usize,
        strategy: Strategy,
    ) -> Result<Round, SessionError> {
        self.seat(None).next_round(k, strategy).await
    }

    /// Labels a record, shown or not; a label that it has is replaced. The same label once more
    /// changes nothing.
    ///
    /// # Errors
    /// [`SessionError::UnknownRecord`] when the store has no such record, or store or journal fail.
    pub async fn label(&mut self, id: &RecordId, label: Label) -> Result<(), SessionError> {
        self.seat(None).answer(id, Answer::Labelled(label), None).await.map(drop)
    }

    /// Passes a record over: it is not shown again, and keeps the label that it may have.
    ///
    /// # Errors
    /// [`SessionError::UnknownRecord`] when the store has no such record, or store or journal fail.
    pub async fn skip(&mut self, id: &RecordId) -> Result<(), SessionError> {
        self.seat(None).answer(id, Answer::Skipped, None).await.map(drop)
    }

    /// Passes over all that is open, so that the next round is a new one. Returns how many were.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn skip_rest(&mut self) -> Result<usize, SessionError> {
        self.seat(None).answer_rest(Answer::Skipped)
    }

    /// Takes back the last answer that still stands, as [`Seat::undo`] does.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn undo(&mut self) -> Result<Option<Undone>, SessionError> {
        self.seat(None).undo(None)
    }

    /// Lets all records be shown again, the labelled ones too. Labels stay.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn reset_seen(&mut self) -> Result<(), SessionError> {
        self.seat(None).reset_seen(None).map(drop)
    }

    /// Fits the classifier to all labels, and surveys the store with it.
    ///
    /// # Errors
    /// [`SessionError`] when the store or the journal fails.
    pub async fn fit(&mut self) -> Result<FitReport, SessionError> {
        let before = self.state().classifier().cloned();
        let n_missing = self.refit().await?;
        let classifier = self.classifier().clone();
        let survey = self.view.survey(0.0).await?;
        let angle = before.map_or(0.0, |before| angle(&before, &classifier));
        Ok(FitReport {
            classifier,
            counts: self.state().counts(),
            n_missing,
            n_points: survey.n_points,
            n_above: survey.n_above,
            histogram: coarser(&survey.histogram),
            angle,
        })
    }

    /// Fits the classifier to all labels and no more, and writes it down if it is another. Returns
    /// the number of labels that were left out, since the store has no longer their records.
    ///
    /// # Errors
    /// [`SessionError`] when the store or the journal fails.
    pub async fn refit(&mut self) -> Result<u64, SessionError> {
        let view = self.view.clone();
        let examples = view.examples().await?;
        let state = view.state();
        let start = &state.query().start;
        let classifier = fit(start, &examples.examples, view.background(), state.method())?;
        if state.classifier() != Some(&classifier) {
            let round = state.round();
            drop(view);
            self.record(vec![Event::Fitted { round, classifier }.into()])?;
        }
        Ok(examples.n_missing)
    }

    /// The session as it is now, to be asked while it goes on.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The classifier of the last fit.
    pub fn classifier(&self) -> &LinearClassifier {
        self.view.classifier()
    }

    /// All that has happened, folded: rounds, labels, what was seen, fits.
    pub fn state(&self) -> &State {
        self.view.state()
    }

    /// Which session of its journal this is.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The store that is asked.
    pub fn store(&self) -> &Arc<dyn VectorStore> {
        &self.view.store
    }

    /// What the session has seen came from the store. `&mut`, so that the future can be sent: a
    /// database connection cannot be shared between threads.
    pub(crate) async fn check_known(&mut self, id: &RecordId) -> Result<(), SessionError> {
        if self.state().seen().contains(id) {
            return Ok(());
        }
        check_known(self.view.store.as_ref(), std::slice::from_ref(id)).await
    }

    /// The time by the clock that events are written with, in milliseconds since 1970 (UTC).
    pub(crate) fn now_ms(&self) -> u64 {
        self.journal.now_ms()
    }

    /// The journal first: what is not durable has not happened. All of it or, on error, none.
    pub(crate) fn record(&mut self, deeds: Vec<Deed>) -> Result<(), SessionError> {
        let at_ms = self.journal.append(self.id, self.state().n_events(), &deeds)?;
        let state = Arc::make_mut(&mut self.view.state);
        Ok(deeds.into_iter().try_for_each(|deed| state.apply(Deed { at_ms, ..deed }))?)
    }
}

async fn check_known(store: &dyn VectorStore, ids: &[RecordId]) -> Result<(), SessionError> {
    let found: Excluded = store.fetch(ids).await?.into_iter().map(|point| point.id).collect();
    match ids.iter().find(|id| !found.contains(*id)) {
        Some(id) => Err(SessionError::UnknownRecord { id: id.clone() }),
        None => Ok(()),
    }
}

fn check_dimensions(
    store: &dyn VectorStore,
    background: &Background,
    opening: &Opening,
) -> Result<(), SessionError> {
    let expected = store.spec().dimension;
    let examples = opening.query.examples.iter().map(|example| example.embedding.dimension());
    let start = opening.query.start.direction().dimension();
    let mut all = examples.chain([start, background.dimension()]);
    match all.find(|&found| found != expected) {
        Some(found) => Err(SessionError::Store(StoreError::Dimension { expected, found })),
        None => Ok(()),
    }
}

/// The angle between the weights of two classifiers, in radians; 0 where one of them has no direction.
pub(crate) fn angle(a: &LinearClassifier, b: &LinearClassifier) -> f64 {
    a.cosine(b).map_or(0.0, f64::acos)
}

/// Why a session cannot do what it was asked, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Name a record of the store.
    #[error("no record {id:?} in the store", id = id.as_str())]
    UnknownRecord {
        /// The id asked for.
        id: RecordId,
    },
    /// Judge a record of an audit.
    #[error("no audit has drawn {id:?}", id = id.as_str())]
    NotInAudit {
        /// The id given.
        id: RecordId,
    },
    /// Ask for another threshold.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    /// See the store's error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See the journal's error.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Start with vectors of the model of the store.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// Resume the session: it is not as its events have left it.
    #[error("the session is damaged\nhint: resume it")]
    History(#[from] BadHistory),
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id)
            .field("state", self.state())
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}
