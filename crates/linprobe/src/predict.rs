//! Predictions: over the records of a project, or over another dataset.
//!
//! Predictions are sorted, so a score and a place for each are held in memory, and for those of a project its
//! id. The records themselves are read again when they are written.

mod working;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use linprobe_classifier::{
    Card, ClassifierFile, CorpusScores, LinearClassifier, ModelCard, ThresholdPolicy,
};
use linprobe_core::{Content, Embedder, Excluded, Query, Record, RecordId, Source, SourceError};
use linprobe_embed::{Embedded, OpenOptions, StreamOptions, embed_stream, precomputed};
use linprobe_source::SourceOptions;

use self::working::{Head, Line, Scored, Working};
use crate::{
    catalogue::{CatalogueRecord, Entry, SkippedRecord},
    dataset,
    error::{ProjectError, from_stream},
    filter::{Filter, Sieve},
    index::Cancel,
    models,
    predictions::{Place, Predictions, Records},
    project::Project,
};

/// Another dataset to predict, and how.
#[derive(Clone, Debug, Default)]
pub struct PredictOptions {
    /// What counts as positive; none for the classifier's own threshold.
    pub threshold: Option<ThresholdPolicy>,
    /// The records that are scored; all when not given.
    pub filter: Option<Filter>,
    /// How the dataset is read.
    pub source: SourceOptions,
    /// The address of the server that embeds, where that was chosen here. What a file of strangers names is sent neither
    /// texts nor a token.
    pub server: Option<String>,
    /// How the work is shared out.
    pub stream: StreamOptions,
    /// Where scores are kept while they are made. A run that was stopped is gone on with by the next one that
    /// names the same file; whoever has what it wanted deletes it. None for a file that goes with the
    /// predictions.
    pub working: Option<PathBuf>,
    /// Ends the run from elsewhere.
    pub cancel: Cancel,
}

impl Project {
    /// Scores every record of the project, or those that a filter lets through.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], [`ProjectError::Filter`], [`ProjectError::ForeignClassifier`] when the classifier was made
    /// with another model, or the store fails.
    pub async fn predict(
        &self,
        file: &ClassifierFile,
        threshold: Option<ThresholdPolicy>,
        filter: Option<&Filter>,
    ) -> Result<Predictions<'_>, ProjectError> {
        let card = file.card.as_ref();
        self.check_classifier(card.map_or("the classifier", |card| &card.name), file)?;
        let store = self.narrowed_store(filter)?;
        let top_k = usize::try_from(store.count().await?).unwrap_or(usize::MAX);
        let weights = file.classifier.weights();
        let query = Query { weights, top_k, exclude: &Excluded::new() };
        let hits = store.search(query).await?;
        let scores = (0..).zip(&hits);
        let bias = file.classifier.bias();
        let places: Vec<Place> =
            scores.map(|(key, hit)| Place { score: hit.score + bias, key }).collect();
        let ids = hits.into_iter().map(|hit| hit.id).collect();
        let threshold = threshold_of(file, threshold, &places)?;
        Ok(Predictions::new(
            places,
            threshold,
            Catalogued { project: self, ids, page: Mutex::default() },
        ))
    }
}

/// Records that are read at a time, in the order of their places.
const PAGE: usize = 1000;

/// Records of a project, by their place.
struct Catalogued<'a> {
    project: &'a Project,
    ids: Vec<RecordId>,
    /// The page that was read last.
    page: Mutex<Page>,
}

#[derive(Default)]
struct Page {
    start: usize,
    records: Vec<CatalogueRecord>,
}

impl Records for Catalogued<'_> {
    fn record(&self, key: u64) -> Result<CatalogueRecord, ProjectError> {
        let place = usize::try_from(key).unwrap_or(usize::MAX);
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if !(page.start..page.start + page.records.len()).contains(&place) {
            let start = place - place % PAGE;
            let ids = &self.ids[start..self.ids.len().min(start + PAGE)];
            *page = Page { start, records: self.project.records_by_id(ids)? };
        }
        Ok(page.records[place - page.start].clone())
    }

    fn columns(&self) -> Result<BTreeSet<String>, ProjectError> {
        self.project.catalogue().columns()
    }
}

/// Scores the records of another dataset, with the model that the classifier was made with.
///
/// # Errors
/// [`ProjectError::NoCard`] when the file does not say which, [`ProjectError::StrangeServer`] when it says a server that was not
/// chosen here, or the dataset, the model or
/// the classifier does not fit; [`ProjectError::OtherScores`] when the working file is of something else. A bad
/// record is skipped and reported.
pub fn predict_dataset(
    file: &ClassifierFile,
    location: &Path,
    options: &PredictOptions,
    models: &OpenOptions,
    report: &mut dyn FnMut(usize),
) -> Result<Predictions<'static>, ProjectError> {
    let dataset = dataset::at_hand(location, &options.source, models)?;
    let source = linprobe_source::open(&dataset.location, &dataset.options)?;
    let embedder = embedder_for(file, source.as_ref(), (models, options.server.as_deref()))?;
    let head = head(file, location, embedder.as_ref(), options);
    let mut working = Working::open(options.working.as_deref(), &head)?;
    let mut sieve = options.filter.as_ref().map(Sieve::new);
    let records = source.records().filter(|record| match (record, &mut sieve) {
        (Ok(record), Some(sieve)) => sieve.lets_through(record),
        _ => true,
    });
    let scorer = (embedder.as_ref(), &file.classifier);
    let mut skipped = score(records, &mut working, scorer, options, report)?;
    sieve.map_or(Ok(()), Sieve::check)?;
    let (mut places, unusable) = working.take(location);
    places.sort_by(|a, b| b.score.total_cmp(&a.score));
    skipped.extend(unusable);
    let threshold = threshold_of(file, options.threshold, &places)?;
    let mut predictions = Predictions::new(places, threshold, working);
    predictions.skipped = skipped;
    Ok(predictions)
}

/// Scores the records that are not done yet, and gives those that could not be read.
fn score(
    mut records: impl Iterator<Item = Result<Record, SourceError>> + Send,
    working: &mut Working,
    (embedder, classifier): (&dyn Embedder, &LinearClassifier),
    options: &PredictOptions,
    report: &mut dyn FnMut(usize),
) -> Result<Vec<SkippedRecord>, ProjectError> {
    let mut skipped = pass_over(&mut records, working)?;
    let mut failure = None;
    let wanted = records.take_while(|_| !options.cancel.is_cancelled());
    let readable = wanted.map_while(|record| match record {
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
    embed_stream(embedder, readable.flatten(), &options.stream, |batch| {
        let line = |Embedded { tag, embedding }: Embedded<Entry>| match embedding {
            Ok(embedding) => Line::Scored(Scored::new(classifier.score(&embedding), tag.record)),
            Err(bad) => Line::unusable(&tag.record.id, &bad),
        };
        working.append(batch.into_iter().map(line).collect())?;
        report(working.n_lines());
        Ok::<(), ProjectError>(())
    })
    .map_err(from_stream)?;
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    if options.cancel.is_cancelled() {
        return Err(ProjectError::Cancelled);
    }
    Ok(skipped)
}

/// What decides whether two runs write the same scores.
fn head(
    file: &ClassifierFile,
    location: &Path,
    embedder: &dyn Embedder,
    options: &PredictOptions,
) -> Head {
    let mut classifier = blake3::Hasher::new();
    classifier.update(bytemuck::cast_slice(file.classifier.weights()));
    classifier.update(&file.classifier.bias().to_le_bytes());
    Head {
        dataset: location.into(),
        classifier: classifier.finalize().to_hex().to_string(),
        model: embedder.model().fingerprint.clone(),
        filter: options.filter.as_ref().map(ToString::to_string),
    }
}

/// Passes over the records that are done, and gives those that could not be read on the way.
fn pass_over(
    records: &mut dyn Iterator<Item = Result<Record, SourceError>>,
    working: &Working,
) -> Result<Vec<SkippedRecord>, ProjectError> {
    let (mut skipped, mut last) = (Vec::new(), None);
    let mut n_passed = 0;
    while n_passed < working.n_lines() {
        match records.next() {
            Some(Ok(record)) => {
                n_passed += 1;
                last = Some(record.id);
            }
            Some(Err(SourceError::Record(bad))) => skipped.push(bad.into()),
            Some(Err(error)) => return Err(error.into()),
            None => {
                last = None;
                break;
            }
        }
    }
    working.expect_last(last.as_ref())?;
    Ok(skipped)
}

/// Entries of a dataset that belongs to no project.
const NO_SOURCE: i64 = 0;

/// The embedder for another dataset: the model that the classifier's card names; for vectors, what
/// takes those of its dimension.
fn embedder_for(
    file: &ClassifierFile,
    source: &dyn Source,
    (options, server): (&OpenOptions, Option<&str>),
) -> Result<Arc<dyn Embedder>, ProjectError> {
    let content = models::first_content(source);
    let dimension = file.classifier.dimension();
    let embedder = match (&content, &file.card) {
        (Some(Content::Vector { .. }), _) => precomputed(models::PRECOMPUTED, dimension),
        (_, None) => return Err(ProjectError::NoCard),
        (_, Some(Card { model: ModelCard { id, .. }, .. }))
            if id.contains("://") && server != Some(id) =>
        {
            return Err(ProjectError::StrangeServer { address: id.clone() });
        }
        (_, Some(card)) => models::open_carded(&card.model, dimension, options)?,
    };
    if let Some(content) = &content {
        models::check_takes(embedder.model(), content)?;
    }
    Ok(embedder)
}

/// The classifier's own threshold, or what a policy makes of the scores, which come best first.
fn threshold_of(
    file: &ClassifierFile,
    asked: Option<ThresholdPolicy>,
    places: &[Place],
) -> Result<f32, ProjectError> {
    match asked {
        None => Ok(file.card.as_ref().map_or(0.0, |card| card.threshold)),
        Some(ThresholdPolicy::Score(score)) => Ok(score),
        Some(policy) => {
            let scores = CorpusScores::listed(places.iter().map(|place| place.score));
            Ok(scores.choose(policy)?.score)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const N_ROWS: u16 = 200;

    /// Vectors of two coordinates around a circle; the third one is zero and has no direction.
    fn vectors(n_rows: u16) -> Vec<u8> {
        let shape = format!("({n_rows}, 2)");
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        bytes.extend(format!("{header:<117}\n").into_bytes());
        for row in 0..n_rows {
            let (sin, cos) = f32::from(row).sin_cos();
            let length = if row == 2 { 0.0 } else { 1.0 };
            bytes.extend([cos * length, sin * length].into_iter().flat_map(f32::to_le_bytes));
        }
        bytes
    }

    fn classifier(weights: [f32; 2]) -> ClassifierFile {
        let classifier = LinearClassifier::new(weights, -0.1).unwrap();
        ClassifierFile { classifier, card: None }
    }

    struct Stage(tempfile::TempDir);

    impl Stage {
        fn new() -> Self {
            let stage = Self(tempfile::tempdir().unwrap());
            stage.write_dataset(N_ROWS);
            stage
        }

        fn write_dataset(&self, n_rows: u16) {
            crate::write_atomic(&self.0.path().join("vectors.npy"), &vectors(n_rows)).unwrap();
        }

        fn working(&self) -> PathBuf {
            self.0.path().join("out.csv.scores")
        }

        fn predict(&self, weights: [f32; 2]) -> Result<Predictions<'static>, ProjectError> {
            let options = PredictOptions { working: Some(self.working()), ..Default::default() };
            let dataset = self.0.path().join("vectors.npy");
            let file = classifier(weights);
            predict_dataset(&file, &dataset, &options, &OpenOptions::default(), &mut |_| ())
        }

        fn table(&self, weights: [f32; 2]) -> String {
            let mut out = Vec::new();
            crate::predictions::csv::write(&self.predict(weights).unwrap(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        }
    }

    #[test]
    fn a_run_that_was_stopped_in_a_line_is_gone_on_with() {
        let stage = Stage::new();
        let whole = stage.table([1.0, 0.5]);
        let written = fs::read(stage.working()).unwrap();
        for end in [written.len() - 1, written.len() / 2, written.len() / 3, 10, 0] {
            crate::write_atomic(&stage.working(), &written[..end]).unwrap();
            let predictions = stage.predict([1.0, 0.5]).unwrap();
            let skipped: Vec<&str> =
                predictions.skipped.iter().filter_map(|s| Some(s.id.as_ref()?.as_str())).collect();
            assert_eq!(skipped, ["2"], "at {end}");
            drop(predictions);
            assert!(
                stage.table([1.0, 0.5]) == whole && fs::read(stage.working()).unwrap() == written
            );
        }
    }

    #[test]
    fn what_was_scored_is_not_scored_again() {
        let stage = Stage::new();
        stage.table([1.0, 0.5]);
        let written = fs::read_to_string(stage.working()).unwrap();
        let first = written.lines().nth(1).unwrap();
        let other = first.replacen("\"score\":", "\"score\":100", 1);
        let marked = written.replacen(first, &other, 1);
        crate::write_atomic(&stage.working(), &marked.as_bytes()[..marked.len() * 2 / 3]).unwrap();
        let best = stage.predict([1.0, 0.5]).unwrap().iter().next().unwrap().unwrap();
        assert_eq!((best.id().as_str(), best.score > 99.0), ("0", true));
    }

    #[test]
    fn scores_of_something_else_are_left_alone_and_named() {
        let stage = Stage::new();
        stage.table([1.0, 0.5]);
        let written = fs::read(stage.working()).unwrap();
        let refused = |weights| match stage.predict(weights) {
            Err(ProjectError::OtherScores { holds, .. }) => holds,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused([1.0, 0.6]), "another classifier, model or dataset");
        stage.write_dataset(N_ROWS / 2);
        assert!(refused([1.0, 0.5]).contains("before it was changed"));
        assert!(fs::read(stage.working()).unwrap() == written);
        crate::write_atomic(&stage.working(), b"name,age\nAda,36\n").unwrap();
        assert_eq!(refused([1.0, 0.5]), "something else than scores");
    }

    #[test]
    fn a_run_that_is_cancelled_says_so_and_is_gone_on_with() {
        let stage = Stage::new();
        let cancel = Cancel::default();
        let options = PredictOptions {
            working: Some(stage.working()),
            cancel: cancel.clone(),
            ..Default::default()
        };
        let dataset = stage.0.path().join("vectors.npy");
        let predict = |report: &mut dyn FnMut(usize)| {
            let file = classifier([1.0, 0.5]);
            predict_dataset(&file, &dataset, &options, &OpenOptions::default(), report)
        };
        cancel.cancel();
        assert!(matches!(predict(&mut |_| ()), Err(ProjectError::Cancelled)));
        assert_eq!(stage.predict([1.0, 0.5]).unwrap().n_records(), usize::from(N_ROWS) - 1);
    }

    #[test]
    fn two_runs_do_not_write_the_same_scores() {
        let stage = Stage::new();
        let first = stage.predict([1.0, 0.5]).unwrap();
        let second = stage.predict([1.0, 0.5]);
        assert!(matches!(second, Err(ProjectError::ScoresInUse { .. })), "{second:?}");
        drop(first);
        assert!(stage.predict([1.0, 0.5]).is_ok());
    }
}
