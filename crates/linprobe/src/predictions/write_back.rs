//! The scores of a classifier, written back to the store that the points are in elsewhere.
//!
//! Nothing is written before somebody has seen what would be. A run that was stopped is run again: the same scores are
//! written over themselves.

use linprobe_core::Hit;
use linprobe_store::{Access, ScoredPoint};

use super::wide::Scorer;
use crate::{elsewhere, error::ProjectError, filter::Filter, project::Project};

/// What writing scores back would do, or has done.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteBack {
    /// The address of the store, without a password.
    pub store: String,
    /// How many records have a score.
    pub n_records: usize,
    /// How many of them the classifier takes as relevant.
    pub n_positive: usize,
    /// The lowest and the highest score; none of no records.
    pub range: Option<[f32; 2]>,
    /// How many records were written to; none where it was only looked at what would be.
    pub n_written: Option<u64>,
}

impl Project {
    /// Writes the scores of all records, or of those that a filter lets through, to a column of the store elsewhere; or
    /// only looks at what would be written, and whether it could be. Reports how many records are done.
    ///
    /// # Errors
    /// [`ProjectError::NoStoreElsewhere`], [`ProjectError::Store`] where there is no such column or it may not be
    /// written, or as [`predict_wide`](Self::predict_wide).
    pub fn write_back(
        &self,
        scorer: &Scorer,
        (column, write): (&str, bool),
        filter: Option<&Filter>,
        report: &mut dyn FnMut(usize),
    ) -> Result<WriteBack, ProjectError> {
        self.check_classifier(&scorer.name, &scorer.file)?;
        let asked = self.remote_store()?.ok_or(ProjectError::NoStoreElsewhere)?;
        pollster::block_on(asked.check_score_column(column))?;
        let dimension = asked.spec().dimension;
        let target = write
            .then(|| elsewhere::open(asked.address(), Access::Write { dimension }))
            .transpose()?;
        let mut done = WriteBack {
            store: asked.address().to_owned(),
            n_records: 0,
            n_positive: 0,
            range: None,
            n_written: target.as_ref().map(|_| 0),
        };
        let classifier = (scorer.file.classifier.weights(), scorer.file.classifier.bias());
        self.score(&[classifier], filter, &mut |page| {
            let hits: Vec<Hit> = page.into_iter().filter_map(hit).collect();
            if let (Some(target), Some(n_written)) = (&target, &mut done.n_written) {
                *n_written += pollster::block_on(target.write_scores(column, &hits))?;
            }
            done.count(&hits, scorer.threshold());
            report(done.n_records);
            Ok(())
        })?;
        Ok(done)
    }
}

impl WriteBack {
    fn count(&mut self, hits: &[Hit], threshold: f32) {
        self.n_records += hits.len();
        for Hit { score, .. } in hits {
            self.n_positive += usize::from(*score >= threshold);
            let [low, high] = self.range.unwrap_or([*score; 2]);
            self.range = Some([low.min(*score), high.max(*score)]);
        }
    }
}

/// The score of a point by the one classifier.
fn hit(ScoredPoint { id, scores }: ScoredPoint) -> Option<Hit> {
    scores.first().map(|&score| Hit { id, score })
}
