//! A project, as far as it is not a session.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use linprobe::{
    Cancel, ClassifierFile, IndexOptions, IndexProgress, PredictOptions, Predictions, ProjectError,
    RecordId, StreamOptions, Surroundings, ThresholdPolicy, predict_dataset,
};
use linprobe_server::Desk;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::{
    classifier::{self, Parts},
    error::{OrRaise, or_input},
    given::{Reading, Start, filter},
    long::{self, Report},
    session::Session,
    surroundings::surroundings,
    wire,
};

/// A project that is open.
#[pyclass(frozen, module = "linprobe._native")]
pub(crate) struct Project {
    /// The project itself, and the sessions of it that are open.
    desk: Arc<Desk>,
    surroundings: Surroundings,
}

/// What is called with what was reached; nothing, where nobody looks.
type Show<'py> = Option<Bound<'py, PyAny>>;

/// What to index beside the dataset.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Indexing {
    model: Option<String>,
    batch_size: Option<usize>,
    prune: bool,
    int8: bool,
    reading: Reading,
}

/// A classifier: its weights, its bias, and its card in JSON.
type Given<'py> = (PyReadonlyArray1<'py, f32>, f32, Option<String>);

/// What is predicted, and how.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Predicting {
    dataset: Option<PathBuf>,
    threshold: Option<String>,
    filter: Option<String>,
    working: Option<PathBuf>,
    positive_only: bool,
    reading: Reading,
}

#[pymethods]
impl Project {
    /// Opens the project in a folder, or makes one there.
    #[new]
    fn open(
        py: Python<'_>,
        folder: PathBuf,
        create: bool,
        engine: &str,
        resize: &str,
    ) -> PyResult<Self> {
        let surroundings = surroundings(engine, resize)?;
        let open = || match linprobe::Project::open(&folder, surroundings.clone()) {
            Err(ProjectError::NotAProject { .. }) if create => {
                linprobe::Project::create(&folder, surroundings.clone())
            }
            opened => opened,
        };
        let project = Arc::new(py.detach(open).or_raise()?);
        Ok(Self { desk: Arc::new(Desk::new(project)), surroundings })
    }

    /// Embeds what is new in a dataset, and calls `show` with the number of records that are done, of how many if that
    /// is known, and of those skipped.
    fn index<'py>(
        &self,
        py: Python<'py>,
        location: PathBuf,
        how: Indexing,
        show: Show<'py>,
    ) -> PyResult<wire::IndexRun> {
        let (options, desk) = (how.options()?, Arc::clone(&self.desk));
        let cancel = options.cancel.clone();
        let index = move |report: Report<'_, IndexProgress>| {
            desk.project().index(&location, &options, &mut |progress| report(progress))
        };
        let indexed = long::run(py, &cancel, index, |progress: IndexProgress| match &show {
            Some(show) => {
                let reached = (progress.n_done(), progress.n_records_hint, progress.n_skipped);
                show.call1(reached).map(drop)
            }
            None => Ok(()),
        })?;
        // What is open goes on over what is indexed now.
        self.desk.close_sessions();
        Ok(indexed.or_raise()?.into())
    }

    /// Ranks the records.
    fn search(&self, py: Python<'_>, start: Start, top_k: usize) -> PyResult<Vec<wire::Hit>> {
        let (from, desk) = (start.of(self.desk.project())?, Arc::clone(&self.desk));
        let search = move || pollster::block_on(desk.project().search(&from, top_k));
        let found = long::leave(py, search)?;
        let hit =
            |found: linprobe::Found| wire::Hit { record: found.record.into(), score: found.score };
        Ok(found.or_raise()?.into_iter().map(hit).collect())
    }

    /// Opens a new session; without a name, one that is made from its start.
    fn start_session(
        &self,
        py: Python<'_>,
        start: Start,
        name: Option<String>,
        method: &str,
    ) -> PyResult<Session> {
        let from = start.of(self.desk.project())?;
        let (method, desk) = (or_input(method.parse())?, Arc::clone(&self.desk));
        let open = move || {
            let name = match name {
                Some(name) => name,
                None => desk.project().name_for(&from.description())?,
            };
            pollster::block_on(desk.project().start_session(&name, &from, method))
        };
        let session = long::leave(py, open)?.or_raise()?;
        Ok(Session::new(Arc::clone(&self.desk), self.desk.open(session)))
    }

    /// Goes on with a session.
    fn resume_session(&self, py: Python<'_>, name: &str) -> PyResult<Session> {
        py.detach(|| self.desk.resume(name)).or_raise()?;
        Ok(Session::new(Arc::clone(&self.desk), name.to_owned()))
    }

    /// The names of all sessions, the first one opened first.
    fn sessions(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let sessions = py.detach(|| self.desk.project().sessions()).or_raise()?;
        Ok(sessions.into_iter().map(|session| session.name).collect())
    }

    /// The session in which something has happened last.
    fn latest_session(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let latest = py.detach(|| self.desk.project().latest_session()).or_raise()?;
        Ok(latest.map(|session| session.name))
    }

    /// Finds a classifier by name; with a policy, its threshold is what that asks for.
    fn find_classifier<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        policy: Option<&str>,
    ) -> PyResult<Parts<'py>> {
        let policy: Option<ThresholdPolicy> = or_input(policy.map(str::parse).transpose())?;
        let find = || pollster::block_on(self.desk.project().export_classifier(name, policy));
        classifier::to_python(py, py.detach(find).or_raise()?)
    }

    /// Takes a classifier into the project.
    fn import_classifier(&self, py: Python<'_>, name: &str, given: Given<'_>) -> PyResult<()> {
        let file = from_given(&given)?;
        py.detach(|| self.desk.project().import_classifier(name, &file)).or_raise()
    }

    /// Scores the records of the project, or of another dataset, and calls `show` with the number of those done.
    fn predict<'py>(
        &self,
        py: Python<'py>,
        given: Given<'_>,
        what: Predicting,
        show: Show<'py>,
    ) -> PyResult<Scores<'py>> {
        let file = from_given(&given)?;
        let Predicting { dataset, threshold, filter: words, working, positive_only, reading } =
            what;
        let options = PredictOptions {
            threshold: or_input(threshold.as_deref().map(str::parse).transpose())?,
            filter: filter(words.as_deref())?,
            source: reading.options()?,
            server: self.desk.project().model().or_raise()?.map(|model| model.id),
            working,
            ..PredictOptions::default()
        };
        let (desk, models) = (Arc::clone(&self.desk), self.surroundings.models.clone());
        let cancel = options.cancel.clone();
        let predict = move |report: Report<'_, usize>| {
            let mut predicted = match &dataset {
                Some(dataset) => {
                    predict_dataset(&file, dataset, &options, &models, &mut |n| report(n))?
                }
                None => predict_own(desk.project(), &file, &options)?,
            };
            if positive_only {
                predicted.keep_positive();
            }
            Columns::read(&predicted, &options.cancel)
        };
        let columns = long::run(py, &cancel, predict, |n_done| match &show {
            Some(show) => show.call1((n_done,)).map(drop),
            None => Ok(()),
        })?;
        Ok(columns.or_raise()?.into_python(py))
    }

    /// What is known of a record.
    fn record(&self, py: Python<'_>, id: &str) -> PyResult<wire::Record> {
        let id = record_id(id).or_raise()?;
        Ok(py.detach(|| self.desk.project().record(&id)).or_raise()?.into())
    }

    /// The content of a record, read again from its dataset: a text, the bytes of a picture, or the values of a vector.
    fn content<'py>(&self, py: Python<'py>, id: &str) -> PyResult<Bound<'py, PyAny>> {
        use linprobe::Content;
        let id = record_id(id).or_raise()?;
        match py.detach(|| self.desk.project().content(&id)).or_raise()? {
            Content::Text(text) => Ok(text.into_pyobject(py)?.into_any()),
            Content::Image(bytes) => Ok(pyo3::types::PyBytes::new(py, &bytes).into_any()),
            Content::Vector { values, .. } => Ok(values.into_pyarray(py).into_any()),
        }
    }

    /// The picture of a record as a JPEG that fits into a square.
    fn thumbnail<'py>(
        &self,
        py: Python<'py>,
        id: &str,
        size: u32,
    ) -> PyResult<Bound<'py, pyo3::types::PyBytes>> {
        let id = record_id(id).or_raise()?;
        let jpeg = py.detach(|| self.desk.project().thumbnail(&id, size)).or_raise()?;
        Ok(pyo3::types::PyBytes::new(py, &jpeg))
    }

    /// The model, once one is chosen.
    fn model(&self, py: Python<'_>) -> PyResult<Option<wire::Model>> {
        let model = py.detach(|| self.desk.project().model()).or_raise()?;
        Ok(model.as_ref().map(wire::Model::from))
    }

    /// The number of records.
    fn n_records(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.desk.project().n_records()).or_raise()
    }

    /// The classes of the dataset and how many records each has.
    fn classes(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        py.detach(|| self.desk.project().dataset_labels()).or_raise()
    }

    /// Records that could not be read or embedded.
    fn skipped(&self, py: Python<'_>) -> PyResult<Vec<wire::Skipped>> {
        let skipped = py.detach(|| self.desk.project().skipped()).or_raise()?;
        Ok(skipped.into_iter().map(wire::Skipped::from).collect())
    }

    /// The project's folder.
    fn folder(&self) -> &Path {
        self.desk.project().folder()
    }
}

impl Project {
    /// The project itself, and the sessions of it that are open.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// What it was opened with.
    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }
}

fn predict_own<'a>(
    project: &'a linprobe::Project,
    file: &ClassifierFile,
    options: &PredictOptions,
) -> Result<Predictions<'a>, ProjectError> {
    let PredictOptions { threshold, filter, .. } = options;
    pollster::block_on(project.predict(file, *threshold, filter.as_ref()))
}

impl Indexing {
    fn options(self) -> PyResult<IndexOptions> {
        let defaults = StreamOptions::default();
        let batch_size = self.batch_size.map(NonZeroUsize::try_from).transpose();
        let batch_size = or_input(batch_size)?.unwrap_or(defaults.batch_size);
        Ok(IndexOptions {
            model: self.model,
            source: self.reading.options()?,
            stream: StreamOptions { batch_size, ..defaults },
            prune: self.prune,
            int8_copy: self.int8,
            ..IndexOptions::default()
        })
    }
}

fn from_given((weights, bias, card): &Given<'_>) -> PyResult<ClassifierFile> {
    classifier::from_python(or_input(weights.as_slice())?, *bias, card.as_deref())
}

/// The id of a record, if a text can be one.
pub(crate) fn record_id(name: &str) -> Result<RecordId, ProjectError> {
    RecordId::new(name).map_err(|reason| ProjectError::BadId { name: name.to_owned(), reason })
}

/// The columns of predictions, best first.
#[derive(Default)]
struct Columns {
    ids: Vec<String>,
    scores: Vec<f32>,
    probabilities: Vec<f32>,
    positive: Vec<bool>,
    labels: Vec<Option<String>>,
    texts: Vec<Option<String>>,
    metadata: BTreeMap<String, Vec<Option<String>>>,
    threshold: f32,
    skipped: Vec<wire::Skipped>,
}

/// The same as dict.
#[derive(IntoPyObject)]
struct Scores<'py> {
    id: Vec<String>,
    score: Bound<'py, PyArray1<f32>>,
    probability: Bound<'py, PyArray1<f32>>,
    positive: Bound<'py, PyArray1<bool>>,
    label: Vec<Option<String>>,
    text: Vec<Option<String>>,
    metadata: BTreeMap<String, Vec<Option<String>>>,
    threshold: f32,
    skipped: Vec<wire::Skipped>,
}

impl Columns {
    fn read(predictions: &Predictions<'_>, cancel: &Cancel) -> Result<Self, ProjectError> {
        let skipped = predictions.skipped.iter().cloned().map(wire::Skipped::from).collect();
        let mut columns = Self { threshold: predictions.threshold, skipped, ..Self::default() };
        for prediction in predictions.iter() {
            if cancel.is_cancelled() {
                return Err(ProjectError::Cancelled);
            }
            columns.add(prediction?);
        }
        Ok(columns)
    }

    fn add(&mut self, prediction: linprobe::Prediction) {
        let linprobe::Prediction { score, probability, positive, record, rank: _ } = prediction;
        let n_before = self.ids.len();
        for (name, value) in record.metadata {
            let column = self.metadata.entry(name).or_default();
            column.resize(n_before, None);
            column.push(Some(value));
        }
        self.ids.push(record.id.to_string());
        self.scores.push(score);
        self.probabilities.push(probability);
        self.positive.push(positive);
        self.labels.push(record.label);
        self.texts.push(record.text);
    }

    fn into_python(mut self, py: Python<'_>) -> Scores<'_> {
        let n_records = self.ids.len();
        self.metadata.values_mut().for_each(|column| column.resize(n_records, None));
        Scores {
            id: self.ids,
            score: self.scores.into_pyarray(py),
            probability: self.probabilities.into_pyarray(py),
            positive: self.positive.into_pyarray(py),
            label: self.labels,
            text: self.texts,
            metadata: self.metadata,
            threshold: self.threshold,
            skipped: self.skipped,
        }
    }
}
