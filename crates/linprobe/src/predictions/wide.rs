//! The scores of many classifiers over all records of a project, in one pass, as a Parquet file.
//!
//! Rows come in the order in which the store keeps them, unranked, so that nothing is sorted and no
//! more than a page of them is in memory, however many there are. A row has the record's `id`, and for
//! each classifier its score, a logit, under the classifier's name, and whether that is positive.

use std::{collections::BTreeSet, io::Write, path::Path, sync::Arc};

use linprobe_classifier::ClassifierFile;
use linprobe_core::{Point, StoreError};
use linprobe_store::ScoredPoint;
use parquet::{
    basic::{Compression, LogicalType, Repetition, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, FloatType},
    errors::Result,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};

use super::parquet::column;
use crate::{error::ProjectError, files::write_atomic_with, filter::Filter, project::Project};

/// A classifier, and the name of its columns.
#[derive(Clone, Debug)]
pub struct Scorer {
    /// The name.
    pub name: String,
    /// The classifier; its card, if it has one, says what counts as positive.
    pub file: ClassifierFile,
}

impl Scorer {
    pub(super) fn threshold(&self) -> f32 {
        self.file.card.as_ref().map_or(0.0, |card| card.threshold)
    }

    fn positive_column(&self) -> String {
        format!("{}_positive", self.name)
    }
}

impl Project {
    /// Writes the scores of all records, or of those that a filter lets through, by all classifiers to a Parquet file, whole or not at all, and
    /// reports how many records are done. Returns how many there are.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], a classifier is of another model, two would share a column, or the store or the file fails.
    pub fn predict_wide(
        &self,
        scorers: &[Scorer],
        path: &Path,
        filter: Option<&Filter>,
        report: &mut dyn FnMut(usize),
    ) -> std::result::Result<usize, ProjectError> {
        check_columns(scorers)?;
        for Scorer { name, file } in scorers {
            self.check_classifier(name, file)?;
        }
        let classifiers = scorers.iter().map(|scorer| &scorer.file.classifier);
        let classifiers: Vec<(&[f32], f32)> =
            classifiers.map(|classifier| (classifier.weights(), classifier.bias())).collect();
        let mut n_done = 0;
        let io =
            |error| ProjectError::Io { path: path.into(), source: std::io::Error::other(error) };
        let mut failure = None;
        let written = write_atomic_with(path, |out| {
            let mut table = Table::new(scorers, out).map_err(std::io::Error::other)?;
            let scored = self.score(&classifiers, filter, &mut |page| {
                table.write(&page).map_err(io)?;
                n_done += page.len();
                report(n_done);
                Ok(())
            });
            let closed = scored.and_then(|()| table.close().map_err(io));
            closed.map_err(|error| {
                failure = Some(error);
                std::io::Error::other("the scores end early")
            })
        });
        // What stopped the writer says more than that it was stopped.
        failure.map_or(written, Err)?;
        Ok(n_done)
    }

    /// Shows all points with their scores, a page at a time. A store elsewhere is read, and scored here.
    pub(super) fn score(
        &self,
        classifiers: &[(&[f32], f32)],
        filter: Option<&Filter>,
        visit: &mut dyn FnMut(Vec<ScoredPoint>) -> std::result::Result<(), ProjectError>,
    ) -> std::result::Result<(), ProjectError> {
        let store = match self.remote_store()? {
            Some(store) if filter.is_none() => store,
            _ => return self.narrowed_own(filter)?.score(classifiers, visit),
        };
        let expected = store.spec().dimension;
        if let Some((other, _)) = classifiers.iter().find(|(weights, _)| weights.len() != expected)
        {
            return Err(StoreError::Dimension { expected, found: other.len() }.into());
        }
        let mut after = None;
        loop {
            let page = pollster::block_on(store.scan(after.as_ref(), PAGE))?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            visit(page.into_iter().map(|point| scored(point, classifiers)).collect())?;
        }
    }
}

/// Points of a store elsewhere that are read at a time.
const PAGE: usize = 10_000;

fn scored(Point { id, embedding }: Point, classifiers: &[(&[f32], f32)]) -> ScoredPoint {
    let score = |(weights, bias): &(&[f32], f32)| embedding.dot(weights) + bias;
    ScoredPoint { id, scores: classifiers.iter().map(score).collect() }
}

/// Two classifiers cannot share a column.
fn check_columns(scorers: &[Scorer]) -> std::result::Result<(), ProjectError> {
    let mut columns = BTreeSet::from(["id".to_owned()]);
    let names = scorers.iter().flat_map(|scorer| [scorer.name.clone(), scorer.positive_column()]);
    match names.into_iter().find(|name| !columns.insert(name.clone())) {
        Some(name) => Err(ProjectError::SameColumn { name }),
        None => Ok(()),
    }
}

/// A file that is being written.
struct Table<'a, W: Write + Send> {
    scorers: &'a [Scorer],
    writer: SerializedFileWriter<W>,
}

impl<'a, W: Write + Send> Table<'a, W> {
    fn new(scorers: &'a [Scorer], out: W) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = Arc::new(properties.build());
        Ok(Self { scorers, writer: SerializedFileWriter::new(out, schema(scorers)?, properties)? })
    }

    /// Writes a page as a row group.
    fn write(&mut self, page: &[ScoredPoint]) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        let ids: Vec<_> = page.iter().map(|point| ByteArray::from(point.id.as_str())).collect();
        column::<ByteArrayType, W>(&ids, None, &mut group)?;
        for (scorer_idx, scorer) in self.scorers.iter().enumerate() {
            let scores: Vec<f32> = page.iter().map(|point| point.scores[scorer_idx]).collect();
            column::<FloatType, W>(&scores, None, &mut group)?;
            let positive = scores.iter().map(|score| *score >= scorer.threshold());
            column::<BoolType, W>(&positive.collect::<Vec<_>>(), None, &mut group)?;
        }
        group.close().map(drop)
    }

    fn close(self) -> Result<()> {
        self.writer.close().map(drop)
    }
}

fn schema(scorers: &[Scorer]) -> Result<TypePtr> {
    let id = Type::primitive_type_builder("id", Physical::BYTE_ARRAY)
        .with_logical_type(Some(LogicalType::String));
    let mut fields = vec![id.with_repetition(Repetition::REQUIRED).build()?];
    for scorer in scorers {
        let positive = scorer.positive_column();
        let columns = [(&scorer.name, Physical::FLOAT), (&positive, Physical::BOOLEAN)];
        for (name, physical) in columns {
            let field = Type::primitive_type_builder(name, physical);
            fields.push(field.with_repetition(Repetition::REQUIRED).build()?);
        }
    }
    let fields = fields.into_iter().map(Arc::new).collect();
    Type::group_type_builder("scores").with_fields(fields).build().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs::File};

    use linprobe_classifier::LinearClassifier;
    use linprobe_embed::OpenOptions;
    use linprobe_session::Clock;
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::RowAccessor,
    };

    use super::*;
    use crate::project::{IndexOptions, Surroundings};

    fn project(folder: &Path) -> Project {
        let texts: Vec<String> = (0..300).map(|n| format!("star {n} of the galaxy")).collect();
        let dataset = folder.join("texts.txt");
        crate::files::write_atomic(&dataset, texts.join("\n").as_bytes()).unwrap();
        let surroundings = Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) };
        let project = Project::create(&folder.join("project"), surroundings).unwrap();
        project.index(&dataset, &IndexOptions::default(), &mut |_| ()).unwrap();
        project
    }

    fn scorer(name: &str, seed: f32) -> Scorer {
        let weights: Vec<f32> = (0..256).map(|i| (i as f32 * seed).sin()).collect();
        let classifier = LinearClassifier::new(weights, 0.1).unwrap();
        Scorer { name: name.to_owned(), file: ClassifierFile { classifier, card: None } }
    }

    #[test]
    fn every_record_has_the_scores_that_each_classifier_gives_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        let scorers = ["a", "b", "c", "d"].map(|name| scorer(name, f32::from(name.as_bytes()[0])));
        let path = folder.path().join("scores.parquet");
        assert_eq!(project.predict_wide(&scorers, &path, None, &mut |_| ()).unwrap(), 300);

        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 300);
        for (scorer_idx, scorer) in scorers.iter().enumerate() {
            let alone = pollster::block_on(project.predict(&scorer.file, None, None)).unwrap();
            let alone: BTreeMap<String, (f32, bool)> = alone
                .iter()
                .map(Result::unwrap)
                .map(|p| (p.id().to_string(), (p.score, p.positive)))
                .collect();
            for row in &rows {
                let (score, positive) = alone[row.get_string(0).unwrap().as_str()];
                assert!((row.get_float(1 + 2 * scorer_idx).unwrap() - score).abs() < 1e-6);
                assert_eq!(row.get_bool(2 + 2 * scorer_idx).unwrap(), positive);
            }
        }
    }

    #[test]
    fn a_classifier_of_another_dimension_is_refused_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        let classifier = LinearClassifier::new(vec![1.0; 3], 0.0).unwrap();
        let file = ClassifierFile { classifier, card: None };
        let path = folder.path().join("scores.parquet");
        let refused =
            project.predict_wide(&[Scorer { name: "x".into(), file }], &path, None, &mut |_| ());
        assert!(matches!(refused, Err(ProjectError::ForeignClassifier { .. })), "{refused:?}");
        assert!(!path.exists());
    }
}
