//! Predictions: over the records of a project, or over another dataset.
//!
//! All predictions are held in memory, since they are sorted: a score, an id and what the dataset
//! says of each record.

use std::{convert::Infallible, path::Path, sync::Arc};

use linprobe_classifier::{ClassifierFile, CorpusScores, LinearClassifier, ThresholdPolicy};
use linprobe_core::{Content, Embedder, Excluded, Histogram, Hit, Query, Source, SourceError};
use linprobe_embed::{Embedded, OpenOptions, StreamOptions, embed_stream, precomputed};
use linprobe_source::SourceOptions;

use crate::{
    catalogue::{CatalogueRecord, Entry, SkippedRecord},
    error::{ProjectError, from_stream},
    models,
    predictions::Prediction,
    project::Project,
};

/// What a classifier says of a dataset.
#[derive(Clone, Debug, Default)]
pub struct Predictions {
    /// All of them, best first.
    pub ranked: Vec<Prediction>,
    /// The lowest score that counts as positive.
    pub threshold: f32,
    /// Records that could not be read or embedded.
    pub skipped: Vec<SkippedRecord>,
}

impl Predictions {
    /// How many count as positive.
    pub fn n_positive(&self) -> usize {
        self.ranked.iter().filter(|prediction| prediction.positive).count()
    }
}

/// Another dataset to predict, and how.
#[derive(Clone, Debug, Default)]
pub struct PredictOptions {
    /// What counts as positive; none for the classifier's own threshold.
    pub threshold: Option<ThresholdPolicy>,
    /// How the dataset is read.
    pub source: SourceOptions,
    /// How the work is shared out.
    pub stream: StreamOptions,
}

impl Project {
    /// Scores every record of the project.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], or the store fails.
    pub async fn predict(
        &self,
        file: &ClassifierFile,
        threshold: Option<ThresholdPolicy>,
    ) -> Result<Predictions, ProjectError> {
        let store = self.store()?;
        let top_k = usize::try_from(store.count().await?).unwrap_or(usize::MAX);
        let weights = file.classifier.weights();
        let query = Query { weights, top_k, exclude: &Excluded::new() };
        let hits = store.search(query).await?;
        let scored = hits.into_iter().map(|hit| {
            let record = self.record(&hit.id)?;
            Ok((hit.score + file.classifier.bias(), record))
        });
        let scored: Vec<_> = scored.collect::<Result<_, ProjectError>>()?;
        let threshold = threshold_of(file, threshold, &scored)?;
        Ok(Predictions::new(scored, threshold, Vec::new()))
    }
}

/// Scores every record of another dataset, with the model that the classifier was made with.
///
/// # Errors
/// [`ProjectError::NoCard`] when the file does not say which, or the dataset, the model or
/// the classifier does not fit. A bad record is skipped and reported.
pub fn predict_dataset(
    file: &ClassifierFile,
    location: &Path,
    options: &PredictOptions,
    models: &OpenOptions,
    report: &mut dyn FnMut(usize),
) -> Result<Predictions, ProjectError> {
    let source = linprobe_source::open(location, &options.source)?;
    let embedder = embedder_for(file, source.as_ref(), models)?;
    let mut skipped = Vec::new();
    let mut failure = None;
    let readable = source.records().map_while(|record| match record {
        Ok(record) => Some(Some(Entry::split(NO_SOURCE, record))),
        Err(SourceError::Record(bad)) => {
            skipped.push(SkippedRecord::from(bad));
            Some(None)
        }
        Err(error) => {
            failure = Some(error);
            None
        }
    });
    let mut scoring = Scoring::new(&file.classifier, location);
    embed_stream(embedder.as_ref(), readable.flatten(), &options.stream, |batch| {
        scoring.land(batch);
        report(scoring.scored.len());
        Ok::<(), Infallible>(())
    })
    .map_err(from_stream)?;
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    skipped.append(&mut scoring.skipped);
    let threshold = threshold_of(file, options.threshold, &scoring.scored)?;
    Ok(Predictions::new(scoring.scored, threshold, skipped))
}

/// Entries of a dataset that belongs to no project.
const NO_SOURCE: i64 = 0;

/// Scores what comes from the model.
struct Scoring<'a> {
    classifier: &'a LinearClassifier,
    location: &'a Path,
    scored: Vec<(f32, CatalogueRecord)>,
    skipped: Vec<SkippedRecord>,
}

impl<'a> Scoring<'a> {
    fn new(classifier: &'a LinearClassifier, location: &'a Path) -> Self {
        Self { classifier, location, scored: Vec::new(), skipped: Vec::new() }
    }

    fn land(&mut self, batch: Vec<Embedded<Entry>>) {
        for Embedded { tag: Entry { record, .. }, embedding } in batch {
            match embedding {
                Ok(embedding) => self.scored.push((self.classifier.score(&embedding), record)),
                Err(bad) => {
                    self.skipped.push(SkippedRecord::of_content(self.location, record.id, &bad));
                }
            }
        }
    }
}

/// The embedder for another dataset: the model that the classifier's card names; for vectors, what
/// takes those of its dimension.
fn embedder_for(
    file: &ClassifierFile,
    source: &dyn Source,
    options: &OpenOptions,
) -> Result<Arc<dyn Embedder>, ProjectError> {
    let content = models::first_content(source);
    let dimension = file.classifier.dimension();
    let embedder = match (&content, &file.card) {
        (Some(Content::Vector { .. }), _) => precomputed(models::PRECOMPUTED, dimension),
        (_, None) => return Err(ProjectError::NoCard),
        (_, Some(card)) => models::open_carded(&card.model, dimension, options)?,
    };
    if let Some(content) = &content {
        models::check_takes(embedder.model(), content)?;
    }
    Ok(embedder)
}

/// The classifier's own threshold, or what a policy makes of the scores.
fn threshold_of(
    file: &ClassifierFile,
    asked: Option<ThresholdPolicy>,
    scored: &[(f32, CatalogueRecord)],
) -> Result<f32, ProjectError> {
    let policy = match asked {
        None => return Ok(file.card.as_ref().map_or(0.0, |card| card.threshold)),
        Some(ThresholdPolicy::Score(score)) => return Ok(score),
        Some(policy) => policy,
    };
    let hits = scored.iter().map(|(score, record)| Hit { id: record.id.clone(), score: *score });
    let mut hits: Vec<Hit> = hits.collect();
    hits.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    Ok(CorpusScores::new(&hits, &Histogram::default()).choose(policy)?.score)
}

impl Predictions {
    fn new(
        scored: Vec<(f32, CatalogueRecord)>,
        threshold: f32,
        skipped: Vec<SkippedRecord>,
    ) -> Self {
        Self { ranked: Prediction::rank(scored, threshold), threshold, skipped }
    }
}
