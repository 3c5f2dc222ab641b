//! A project is a folder: the records of a dataset, their embeddings, and the sessions over them.
//!
//! ```text
//! project.db               records, sources, sessions, labels, classifiers (SQLite)
//! store/                   the embeddings: vectors.npy and points.db
//! background.safetensors   their mean, covariance and a sample of 4,096; made again when it is lost
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use linprobe_classifier::Background;
use linprobe_core::{Content, Embedder, ModelSpec, RecordId, Source, VectorStore};
use linprobe_embed::{OpenOptions, StreamOptions, precomputed};
use linprobe_session::Clock;
use linprobe_source::{Fetched, SourceOptions};
use linprobe_store::EmbeddedStore;

use crate::{
    catalogue::{Catalogue, CatalogueRecord, SkippedRecord},
    config::SourceConfig,
    dataset,
    elsewhere::Target,
    error::ProjectError,
    files::write_atomic,
    index::{self, Cancel, IndexProgress, Indexed, Ledger},
    models,
    opened::Opened,
    shard::Shard,
};

const DATABASE: &str = "project.db";
const STORE: &str = "store";
const BACKGROUND: &str = "background.safetensors";

/// Mean and covariance of this many points differ little from those of all.
const BACKGROUND_SAMPLE: usize = 50_000;
const BACKGROUND_SEED: u64 = 0;

/// A folder with records, their embeddings, and sessions over them.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    catalogue: Catalogue,
    surroundings: Surroundings,
    opened: Opened,
}

/// What a project needs of the world around it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where models come from.
    pub models: OpenOptions,
    /// Tells the time of labels and classifiers.
    pub clock: Clock,
}

/// What to index, and how.
#[derive(Clone, Debug, Default)]
pub struct IndexOptions {
    /// The model to embed with; none for the project's, or the default for the first dataset.
    pub model: Option<String>,
    /// How the dataset is read.
    pub source: SourceOptions,
    /// How the work is shared out.
    pub stream: StreamOptions,
    /// Ends the run from elsewhere.
    pub cancel: Cancel,
    /// Removes the records that the dataset no longer has, once all of it is read. Those that a
    /// session has shown stay.
    pub prune: bool,
    /// Keeps an int8 copy of the vectors from now on, which surveys read first: see
    /// [`EmbeddedStore::keep_int8_copy`]. A project that has one keeps it.
    pub int8_copy: bool,
    /// The store elsewhere that points are written to, by its address. It is the project's from then on; none for
    /// the one that the project has, or else its folder.
    pub store: Option<String>,
    /// Writes to the store elsewhere that the project has. Without it, that is only asked.
    pub write: bool,
    /// The share of the dataset that is indexed, where several machines do it together; none for all of it. Records of
    /// other shards are neither embedded nor pruned.
    pub shard: Option<Shard>,
}

impl Project {
    /// Makes a project in a folder, which is made as well if it is not there.
    ///
    /// # Errors
    /// [`ProjectError::AlreadyAProject`], or the folder cannot be written.
    pub fn create(folder: &Path, surroundings: Surroundings) -> Result<Self, ProjectError> {
        Self::expect_none(folder)?;
        fs::create_dir_all(folder)
            .map_err(|source| ProjectError::Io { path: folder.into(), source })?;
        Catalogue::create(&folder.join(DATABASE))?;
        Self::open(folder, surroundings)
    }

    /// Makes a project in a folder for the model of a name. None is made where the model cannot be opened.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`choose_model`](Self::choose_model).
    pub fn create_for(
        folder: &Path,
        model: &str,
        surroundings: Surroundings,
    ) -> Result<Self, ProjectError> {
        Self::expect_none(folder)?;
        let embedder = linprobe_embed::open(model, &surroundings.models)?;
        let project = Self::create(folder, surroundings)?;
        project.settle_model(embedder.model())?;
        Ok(project)
    }

    /// Makes sure that no project is in a folder, before anything is downloaded for one.
    pub(crate) fn expect_none(folder: &Path) -> Result<(), ProjectError> {
        if folder.join(DATABASE).exists() {
            return Err(ProjectError::AlreadyAProject { path: folder.into() });
        }
        Ok(())
    }

    /// Opens the project in a folder.
    ///
    /// # Errors
    /// [`ProjectError::NotAProject`], [`ProjectError::FormatVersion`], or the database fails.
    pub fn open(folder: &Path, surroundings: Surroundings) -> Result<Self, ProjectError> {
        if !Self::is_in(folder) {
            return Err(ProjectError::NotAProject { path: folder.into() });
        }
        let catalogue = Catalogue::open(&folder.join(DATABASE))?;
        Ok(Self { folder: folder.into(), catalogue, surroundings, opened: Opened::default() })
    }

    /// Whether there is a project in a folder.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(DATABASE).is_file()
    }

    /// Chooses the model that records will be embedded with, for ever.
    ///
    /// # Errors
    /// [`ProjectError::OtherModel`] when another is chosen already, or it cannot be opened.
    pub fn choose_model(&self, name: &str) -> Result<Arc<dyn Embedder>, ProjectError> {
        let embedder = self.open_model(name)?;
        self.settle_model(embedder.model())?;
        Ok(embedder)
    }

    fn open_model(&self, name: &str) -> Result<Arc<dyn Embedder>, ProjectError> {
        let models = &self.surroundings.models;
        Ok(match self.model()? {
            Some(chosen) => linprobe_embed::open(name, &models.to_reopen(&chosen.fingerprint))?,
            None => linprobe_embed::open(name, models)?,
        })
    }

    /// The model that records are embedded with, once one is chosen.
    ///
    /// # Errors
    /// The database fails.
    pub fn model(&self) -> Result<Option<ModelSpec>, ProjectError> {
        self.catalogue.model()
    }

    /// Embeds the records of a dataset that are new or have changed: a path, or a name on the hub. Goes on where a run that was
    /// killed has stopped, and reports how far it has come each time something is written.
    ///
    /// # Errors
    /// What stops a run: the dataset, the model or the store fails as a whole, or it is cancelled. A
    /// bad record does not; see [`skipped`](Self::skipped).
    pub fn index(
        &self,
        location: &Path,
        options: &IndexOptions,
        report: &mut (dyn FnMut(IndexProgress) + Send),
    ) -> Result<Indexed, ProjectError> {
        let dataset = dataset::at_hand(location, &options.source, &self.surroundings.models)?;
        let Fetched { location, options: reading, mut notes } = dataset;
        self.opened.close_sources();
        let source = linprobe_source::open(&location, &reading)?;
        let embedder = self.embedder_for(source.as_ref(), options.model.as_deref())?;
        let dimension = embedder.model().dimension;
        let target = self.target(options, dimension)?;
        let store = target.store();
        let config = SourceConfig::new(&location, &reading);
        let key = self.catalogue.enter_source(source.fingerprint(), &config)?;
        let hint = source.n_records_hint();
        let ledger = Ledger::new(&self.catalogue, store, (key, &location), hint, report);
        let mut ledger = ledger.of_shard(options.shard);
        if options.prune {
            ledger = ledger.pruning(&self.records_of_sessions()?)?;
        }
        let how = (&options.stream, &options.cancel);
        let progress = index::index(source.as_ref(), embedder.as_ref(), how, ledger)?;
        pollster::block_on(store.flush())?;
        if let (true, Target::Own(own)) = (options.int8_copy, &target) {
            own.keep_int8_copy()?;
        }
        // While others write, a background would soon be that of a part, and costs a look at every point.
        let is_shared = options.shard.is_some() && matches!(target, Target::Elsewhere(_));
        if progress.n_embedded + progress.n_pruned > 0 && !is_shared {
            self.refresh_background(store)?;
        }
        notes.extend_from_slice(source.notes());
        if progress.n_done() == 0 && options.shard.is_none() {
            notes.push("the dataset has no records".to_owned());
        }
        Ok(Indexed { progress, notes, skipped: self.catalogue.skipped_of(key)? })
    }

    /// What the project knows of a record.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`], or the database fails.
    pub fn record(&self, id: &RecordId) -> Result<CatalogueRecord, ProjectError> {
        let unknown = || ProjectError::UnknownRecord { id: id.clone() };
        match self.catalogue.record(id)? {
            Some(record) => Ok(record),
            None => self.record_elsewhere(id)?.ok_or_else(unknown),
        }
    }

    /// The content of a record, read again from its dataset.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`], or the dataset is no longer there.
    pub fn content(&self, id: &RecordId) -> Result<Content, ProjectError> {
        match self.catalogue.source_of(id)? {
            Some(config) => self.opened.content(&config, id),
            None => self.content_elsewhere(id),
        }
    }

    /// The file or folder in which the dataset of a record is.
    pub(crate) fn location_of(&self, id: &RecordId) -> Result<PathBuf, ProjectError> {
        let config = self.catalogue.source_of(id)?;
        config
            .map(|config| config.location)
            .ok_or_else(|| ProjectError::UnknownRecord { id: id.clone() })
    }

    /// Records in the order in which they were indexed, at most `limit` of those after one.
    ///
    /// # Errors
    /// [`ProjectError::UnknownRecord`] when there is no record to come after, or the database fails.
    pub fn records(
        &self,
        after: Option<&RecordId>,
        limit: usize,
    ) -> Result<Vec<CatalogueRecord>, ProjectError> {
        if let Some(id) = after {
            self.record(id)?;
        }
        match self.remote_store()? {
            Some(store) if self.catalogue.n_records()? == 0 => {
                let points = pollster::block_on(store.scan(after, limit))?;
                self.records_by_id(&points.into_iter().map(|point| point.id).collect::<Vec<_>>())
            }
            _ => self.catalogue.records(after, limit),
        }
    }

    /// Counts the records; of a store elsewhere, its points.
    ///
    /// # Errors
    /// The database or the store fails.
    pub fn n_records(&self) -> Result<u64, ProjectError> {
        match self.remote_store()? {
            Some(store) => Ok(pollster::block_on(store.count())?),
            None => self.catalogue.n_records(),
        }
    }

    /// The kind that most records are of, `text`, `image` or `vector`; none in an empty project.
    ///
    /// # Errors
    /// The database fails.
    pub fn kind(&self) -> Result<Option<String>, ProjectError> {
        let kind = self.catalogue.kind()?;
        Ok(if kind.is_none() && self.store_address()?.is_some() {
            Some("vector".into())
        } else {
            kind
        })
    }

    /// Counts the records that could not be read or embedded, as each source was last indexed.
    ///
    /// # Errors
    /// The database fails.
    pub fn n_skipped(&self) -> Result<u64, ProjectError> {
        self.catalogue.n_skipped()
    }

    /// Records that could not be read or embedded, as each source was last indexed.
    ///
    /// # Errors
    /// The database fails.
    pub fn skipped(&self) -> Result<Vec<SkippedRecord>, ProjectError> {
        self.catalogue.skipped()
    }

    /// The classes of the dataset and how many records each has, largest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn dataset_labels(&self) -> Result<Vec<(String, u64)>, ProjectError> {
        self.catalogue.labels()
    }

    /// The store of the project's points, to ask only.
    ///
    /// # Errors
    /// [`ProjectError::Empty`] when nothing is indexed yet, or the store fails.
    pub fn store(&self) -> Result<Arc<dyn VectorStore>, ProjectError> {
        match self.remote_store()? {
            Some(store) => Ok(store),
            None => Ok(self.embedded_store()?),
        }
    }

    /// The store in the project's folder, where it has no other.
    pub(crate) fn embedded_store(&self) -> Result<Arc<EmbeddedStore>, ProjectError> {
        self.opened.store(|| {
            if self.catalogue.n_records()? == 0 {
                return Err(ProjectError::Empty);
            }
            Ok(EmbeddedStore::open_read_only(self.store_folder())?)
        })
    }

    /// The project's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn store_folder(&self) -> PathBuf {
        self.folder.join(STORE)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(crate) fn opened(&self) -> &Opened {
        &self.opened
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.surroundings.clock
    }

    /// The time, in RFC 3339.
    pub(crate) fn now(&self) -> String {
        let now_ms = self.clock().now_ms().cast_signed();
        jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().to_string()
    }

    /// The project's model, opened.
    pub(crate) fn embedder(&self) -> Result<Arc<dyn Embedder>, ProjectError> {
        let model = self.catalogue.model()?.ok_or(ProjectError::Empty)?;
        self.opened.embedder(|| models::reopen(&model, &self.surroundings.models))
    }

    /// Mean, covariance and a sample of the project's embeddings: what was kept, if it is of as many
    /// points as there are now, since a run may have been killed before it wrote them anew.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], or the store fails.
    pub fn background(&self) -> Result<Arc<Background>, ProjectError> {
        let store = self.store()?;
        let n_points = pollster::block_on(store.count())?.min(BACKGROUND_SAMPLE as u64);
        let is_current = |background: &Background| background.n_points() == n_points;
        if let Some(background) = self.opened.background().filter(|kept| is_current(kept)) {
            return Ok(background);
        }
        let kept = fs::read(self.folder.join(BACKGROUND)).ok();
        let kept = kept.and_then(|bytes| Background::from_bytes(&bytes).ok());
        match kept.filter(is_current) {
            Some(background) => Ok(self.opened.keep_background(background)),
            None => self.refresh_background(store.as_ref()),
        }
    }

    fn refresh_background(&self, store: &dyn VectorStore) -> Result<Arc<Background>, ProjectError> {
        let sample = pollster::block_on(store.sample(BACKGROUND_SAMPLE, BACKGROUND_SEED))?;
        let embeddings = sample.iter().map(|point| &point.embedding);
        let background = Background::estimate(store.spec().dimension, embeddings);
        write_atomic(&self.folder.join(BACKGROUND), &background.to_bytes()?)?;
        Ok(self.opened.keep_background(background))
    }

    pub(crate) fn settle_model(&self, model: &ModelSpec) -> Result<(), ProjectError> {
        match self.catalogue.model()? {
            Some(chosen) => models::same_model(&chosen, model),
            None => self.catalogue.set_model(model),
        }
    }

    /// The embedder for a dataset: the project's, or the one asked for, or what the kind of its
    /// records suggests; it is the project's from then on if it takes them. Vectors are taken as they are, as vectors of
    /// the project's model.
    fn embedder_for(
        &self,
        source: &dyn Source,
        asked: Option<&str>,
    ) -> Result<Arc<dyn Embedder>, ProjectError> {
        let (content, chosen) = (models::first_content(source), self.model()?);
        let embedder = match (asked, &chosen, &content) {
            (Some(name), ..) => self.open_model(name)?,
            (None, Some(model), _) => models::reopen(model, &self.surroundings.models)?,
            (None, None, Some(Content::Vector { values, .. })) => {
                precomputed(models::PRECOMPUTED, values.len())
            }
            (None, None, Some(Content::Image(_))) => return Err(ProjectError::NoModel),
            (None, None, _) => self.open_model(models::BUILTIN)?,
        };
        let spec = embedder.model();
        if let Some(chosen) = &chosen {
            models::same_model(chosen, spec)?;
        }
        let Some(content) = content else { return Ok(embedder) };
        models::check_takes(spec, &content)?;
        self.settle_model(spec)?;
        let made_elsewhere = matches!(content, Content::Vector { .. });
        Ok(if made_elsewhere { precomputed(&spec.id, spec.dimension) } else { embedder })
    }
}
