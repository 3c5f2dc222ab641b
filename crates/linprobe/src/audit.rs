//! Thresholds and audited numbers of classifiers: of a session by its audits, of any other by what its
//! own probabilities promise.

use linprobe_classifier::{
    AuditCard, Card, ClassifierFile, CorpusScores, IntervalCard, LinearClassifier, Threshold,
    ThresholdPolicy,
};
use linprobe_core::{Excluded, Histogram, Survey};
use linprobe_session::{AuditBasis, AuditReport, Insight, Interval, View, shown};

use crate::{classifiers::model_card, error::ProjectError, model_page::Scores, project::Project};

/// The decisions of a classifier that nobody chose a threshold for.
const AT_THE_BOUNDARY: ThresholdPolicy = ThresholdPolicy::Score(0.0);

/// Highest scores that are told apart, and bins of the rest.
const N_LISTED: usize = 4096;
const N_BINS: usize = 4096;

/// A threshold and what is known of the decisions at it.
#[derive(Clone, Debug, PartialEq)]
pub enum ChosenThreshold {
    /// By the classifier's own probabilities: an expectation.
    Expected(Threshold),
    /// By the audits of its session.
    Audited(Box<AuditReport>),
}

impl ChosenThreshold {
    /// Scores (logits) at or above it count as relevant.
    pub fn score(&self) -> f32 {
        match self {
            Self::Expected(threshold) => threshold.score,
            Self::Audited(report) => report.threshold,
        }
    }
}

impl Project {
    /// Chooses a threshold for a classifier over the project's records.
    ///
    /// # Errors
    /// [`ProjectError::UnknownClassifier`] when there is none of this name, or no threshold gives what
    /// is asked for.
    pub async fn choose_threshold(
        &self,
        name: &str,
        policy: ThresholdPolicy,
    ) -> Result<ChosenThreshold, ProjectError> {
        if self.is_session(name)? {
            let session = self.resume_session(name).await?;
            return choose_threshold(session.view(), policy).await;
        }
        let file = self.find_classifier(name)?;
        Ok(ChosenThreshold::Expected(self.expected_threshold(&file, policy).await?))
    }

    /// A classifier to take elsewhere, with its threshold and what is known of it on the card: for a
    /// policy the threshold that it asks for, else the classifier's own.
    ///
    /// # Errors
    /// [`ProjectError::UnknownClassifier`] when there is none of this name, or no threshold gives what
    /// is asked for.
    pub async fn export_classifier(
        &self,
        name: &str,
        policy: Option<ThresholdPolicy>,
    ) -> Result<ClassifierFile, ProjectError> {
        let mut file = self.find_classifier(name)?;
        if file.card.is_none() {
            file.card = Some(self.foreign_card(name, &file.classifier)?);
        }
        if policy.is_none() && !self.is_session(name)? {
            return Ok(file);
        }
        let chosen = self.choose_threshold(name, policy.unwrap_or(AT_THE_BOUNDARY)).await?;
        if let Some(card) = &mut file.card {
            card.threshold = chosen.score();
            card.audit = match &chosen {
                ChosenThreshold::Audited(report) => Some(audit_card(report)),
                ChosenThreshold::Expected(_) => None,
            };
        }
        Ok(file)
    }

    /// A card for a classifier that came without one: it was taken for one of the project's model.
    pub(crate) fn foreign_card(
        &self,
        name: &str,
        classifier: &LinearClassifier,
    ) -> Result<Card, ProjectError> {
        let model = self.model()?.ok_or(ProjectError::Empty)?;
        Ok(Card {
            format: Card::FORMAT,
            name: name.to_owned(),
            model: model_card(&model),
            dimension: classifier.dimension(),
            threshold: 0.0,
            method: "unknown".to_owned(),
            n_labels: 0,
            n_positive: 0,
            n_negative: 0,
            n_rounds: 0,
            created: self.now(),
            start: "a classifier that was trained elsewhere".to_owned(),
            audit: None,
        })
    }

    /// What a classifier makes of the records: of a session as people have labelled them, of any other by what its
    /// own probabilities promise.
    pub(crate) async fn scores(&self, name: &str, threshold: f32) -> Result<Scores, ProjectError> {
        let (kind, policy) = (self.kind()?, ThresholdPolicy::Score(threshold));
        if self.is_session(name)? {
            let insight = self.resume_session(name).await?.view().insight(policy).await?;
            let Insight { histogram, thresholds, expected, .. } = insight;
            return Ok(Scores { kind, histogram, thresholds, expected });
        }
        let (corpus, histogram) = self.corpus(&self.find_classifier(name)?, policy).await?;
        let (histogram, thresholds) = shown(&corpus, &histogram);
        Ok(Scores { kind, histogram, thresholds, expected: corpus.choose(policy)? })
    }

    /// Whether a name means the classifier of a session.
    fn is_session(&self, name: &str) -> Result<bool, ProjectError> {
        let is_imported = self.catalogue().classifier(name)?.is_some();
        Ok(!is_imported && self.sessions()?.iter().any(|session| session.name == name))
    }

    async fn expected_threshold(
        &self,
        file: &ClassifierFile,
        policy: ThresholdPolicy,
    ) -> Result<Threshold, ProjectError> {
        Ok(self.corpus(file, policy).await?.0.choose(policy)?)
    }

    /// All scores, finely enough to choose any threshold, and their histogram.
    async fn corpus(
        &self,
        file: &ClassifierFile,
        policy: ThresholdPolicy,
    ) -> Result<(CorpusScores, Histogram), ProjectError> {
        let threshold = if let ThresholdPolicy::Score(score) = policy { score } else { 0.0 };
        let survey = Survey {
            weights: file.classifier.weights(),
            bias: file.classifier.bias(),
            top_k: N_LISTED,
            n_boundary: 0,
            threshold,
            n_bins: N_BINS,
            exclude: &Excluded::new(),
        };
        let report = self.store()?.survey(survey).await?;
        let mut scores = CorpusScores::new(&report.top, &report.histogram);
        scores.split_at(threshold, report.n_above);
        Ok((scores, report.histogram))
    }
}

/// Chooses a threshold for the last classifier of a session: by its audits, or else by what is expected.
///
/// # Errors
/// [`ProjectError::Session`] when no threshold gives what is asked for, or the store fails.
pub async fn choose_threshold(
    view: &View,
    policy: ThresholdPolicy,
) -> Result<ChosenThreshold, ProjectError> {
    Ok(match view.audit_report(policy).await? {
        Some(report) => ChosenThreshold::Audited(Box::new(report)),
        None => ChosenThreshold::Expected(view.threshold(policy).await?),
    })
}

fn audit_card(report: &AuditReport) -> AuditCard {
    let how = match report.basis {
        AuditBasis::Drawn => "drawn at random with known odds for this classifier, judged blind",
        AuditBasis::Reweighted => {
            "drawn at random for an earlier classifier, judged blind, re-weighted by their odds"
        }
    };
    let estimated = if report.estimated { "; counts of the store are estimates" } else { "" };
    AuditCard {
        precision: interval_card(report.precision),
        recall: interval_card(report.recall),
        f1: interval_card(report.f1),
        n_relevant: interval_card(report.n_relevant),
        n_points: report.n_points,
        n_judged: report.n_judged,
        n_known: report.n_known,
        basis: format!("{how}{estimated}; intervals of 90 %"),
    }
}

fn interval_card(Interval { low, estimate, high }: Interval) -> IntervalCard {
    IntervalCard { low, estimate, high }
}
