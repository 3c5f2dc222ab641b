//! What the last looks at every point have told. A fit is looked at more than once, by whoever asks for it
//! and when it is compared with the next one; a look at every point is taken once. What records were labelled is
//! read from the store once, too, since that may be far away.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use linprobe_classifier::LinearClassifier;
use linprobe_core::{Embedding, RecordId, SurveyReport};

use crate::{
    Strategy,
    strategy::{Lists, Plan},
};

/// Classifiers that are remembered: the last one, and that before it.
const N_KEPT: usize = 2;

/// Embeddings by the ids of their records.
pub(crate) type Embeddings = BTreeMap<RecordId, Embedding>;

/// What is remembered of a session.
#[derive(Debug, Default)]
pub(crate) struct Surveys(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    /// Surveys at the boundary, the last one first.
    reports: VecDeque<Kept>,
    shortlist: Option<Shortlist>,
    /// Embeddings that were read, and the version of the store that had them.
    embeddings: (u64, Arc<Embeddings>),
    /// How many records a round was last asked for, and how they were chosen.
    habit: Option<(usize, Strategy)>,
}

#[derive(Debug)]
struct Kept {
    classifier: LinearClassifier,
    /// That of the store.
    version: u64,
    report: Arc<SurveyReport>,
}

/// What a round is chosen from.
#[derive(Clone, Debug)]
pub(crate) struct Shortlist {
    /// Of the session: another event may be another label, or another record that was seen.
    pub(crate) n_events: u64,
    /// That of the store.
    pub(crate) version: u64,
    pub(crate) plan: Plan,
    pub(crate) lists: Arc<Lists>,
}

impl Surveys {
    /// What a classifier made of a version of the store, if it is remembered.
    pub(crate) fn find(
        &self,
        classifier: &LinearClassifier,
        version: u64,
    ) -> Option<Arc<SurveyReport>> {
        let same = |kept: &&Kept| kept.version == version && kept.classifier == *classifier;
        self.lock().reports.iter().find(same).map(|kept| Arc::clone(&kept.report))
    }

    /// Remembers it.
    pub(crate) fn keep(
        &self,
        classifier: &LinearClassifier,
        version: u64,
        report: &Arc<SurveyReport>,
    ) {
        let (classifier, report) = (classifier.clone(), Arc::clone(report));
        let reports = &mut self.lock().reports;
        reports.push_front(Kept { classifier, version, report });
        reports.truncate(N_KEPT);
    }

    /// What the last round, or the next one, was to be chosen from.
    pub(crate) fn shortlist(&self) -> Option<Shortlist> {
        self.lock().shortlist.clone()
    }

    pub(crate) fn keep_shortlist(&self, shortlist: Shortlist) {
        self.lock().shortlist = Some(shortlist);
    }

    /// What was read of this version of the store.
    pub(crate) fn embeddings(&self, version: u64) -> Arc<Embeddings> {
        let (of, embeddings) = &self.lock().embeddings;
        if *of == version { Arc::clone(embeddings) } else { Arc::default() }
    }

    pub(crate) fn keep_embeddings(&self, version: u64, embeddings: &Arc<Embeddings>) {
        self.lock().embeddings = (version, Arc::clone(embeddings));
    }

    /// How a round was last asked for: the next one will be asked for in the same way.
    pub(crate) fn habit(&self) -> Option<(usize, Strategy)> {
        self.lock().habit
    }

    pub(crate) fn keep_habit(&self, k: usize, strategy: Strategy) {
        self.lock().habit = Some((k, strategy));
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
