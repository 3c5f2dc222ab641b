//! What the last classifiers made of the whole store. A fit is looked at more than once, by whoever asks for
//! it and when it is compared with the next one; a look at every point is taken once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use linprobe_classifier::LinearClassifier;
use linprobe_core::SurveyReport;

/// Classifiers that are remembered: the last one, and that before it.
const N_KEPT: usize = 2;

/// Surveys at the boundary, the last one first.
#[derive(Debug, Default)]
pub(crate) struct Surveys(Mutex<VecDeque<Kept>>);

#[derive(Debug)]
struct Kept {
    classifier: LinearClassifier,
    /// That of the store.
    version: u64,
    report: Arc<SurveyReport>,
}

impl Surveys {
    /// What a classifier made of a version of the store, if it is remembered.
    pub(crate) fn find(
        &self,
        classifier: &LinearClassifier,
        version: u64,
    ) -> Option<Arc<SurveyReport>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &&Kept| kept.version == version && kept.classifier == *classifier;
        kept.iter().find(same).map(|kept| Arc::clone(&kept.report))
    }

    /// Remembers it.
    pub(crate) fn keep(
        &self,
        classifier: &LinearClassifier,
        version: u64,
        report: &Arc<SurveyReport>,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (classifier, report) = (classifier.clone(), Arc::clone(report));
        kept.push_front(Kept { classifier, version, report });
        kept.truncate(N_KEPT);
    }
}
