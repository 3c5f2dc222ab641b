//! The embedded store: exact, memory-mapped, with no index to build.
//!
//! A folder of three files: `vectors.npy` holds rows of half-precision numbers and is opened by
//! NumPy as it is, `points.db` says whose each row is, and `write.lock` is held by the one writer. On
//! request there is a fourth, `codes.N.i8`: a copy of the rows in half the bytes, which surveys read
//! first.
//! Vectors are appended and synced first, then their ids are committed: only then does a row exist.
//! A replaced or deleted row stays where it is, under a tombstone, until [`compact`] writes the rest
//! to a new file. Every search reads every row,
//! which is as fast as memory is, and the more cores share a search, the less sense it makes to run
//! several at once.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use linprobe_core::{
    Hit, Point, Precision, Query, RecordId, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};

mod alike;
mod answer;
mod bitmap;
mod check;
mod checksum;
mod coarse;
mod codes;
mod compact;
mod contend;
mod floor;
mod grid;
mod kernel;
mod names;
mod points;
mod scan;
mod scope;
mod segment;
mod select;
mod snapshot;
mod writer;

pub use answer::ScoredPoint;
pub use check::{CheckReport, Norms, Violation, check};
pub use compact::{Compaction, Damaged, compact};

use crate::dimension::check_dimension;
use points::Points;
use scope::Scope;
use segment::{Access, Segment};
use snapshot::{Snapshot, Snapshots};
use writer::Writer;

/// Rows that are scored at a time where all are shown.
const PAGE_ROWS: usize = 1 << 17;

/// An exact store of any number of points in a folder, shared by one writing process and any number
/// of reading ones.
///
/// Its methods do not wait for anything but the disk and the processor: they block the thread that
/// polls them. Searches use all threads of the rayon pool that they are called in, so
/// `rayon::ThreadPool::install` sets their number.
#[derive(Debug)]
pub struct EmbeddedStore {
    folder: PathBuf,
    spec: StoreSpec,
    snapshots: Arc<Snapshots>,
    /// The points that there are, where these are not all.
    scope: Option<Scope>,
    /// None in a store that was opened to be read.
    writer: Option<Mutex<Writer>>,
}

impl EmbeddedStore {
    /// Makes an empty store of embeddings with `dimension` coordinates, and the folder where needed.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process makes it, [`StoreError::Io`] where the folder
    /// holds a store already or cannot be written.
    pub fn create(folder: impl AsRef<Path>, dimension: usize) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(io_error(folder))?;
        let lock = lock(folder)?;
        if Points::exist_in(folder)? {
            return Err(io_error(folder)(io::ErrorKind::AlreadyExists.into()));
        }
        Segment::create(folder, dimension)?;
        Points::create(folder, dimension)?;
        sync_folder(folder)?;
        Self::open_locked(folder, lock)
    }

    /// Opens a store to read and write it, and mends what a killed writer left undone.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process has it open for writing, [`StoreError::Corrupt`]
    /// where vectors are missing, [`StoreError::Io`] where there is no store.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        let lock = lock(folder)?;
        Self::open_locked(folder, lock)
    }

    /// Opens the store of a folder, or makes one.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::create`]; [`StoreError::Dimension`] where the folder holds a
    /// store of another dimension.
    pub fn open_or_create(folder: impl AsRef<Path>, dimension: usize) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        if !Points::exist_in(folder)? {
            return Self::create(folder, dimension);
        }
        let store = Self::open(folder)?;
        store.check_dimension(dimension)?;
        Ok(store)
    }

    /// Opens a store to read it, beside a writer or without one. Sees what is written from now on.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where vectors are missing, [`StoreError::Io`] where there is no store.
    pub fn open_read_only(folder: impl AsRef<Path>) -> Result<Self, StoreError> {
        let folder = folder.as_ref();
        let dimension = Points::open(folder, Access::Read)?.dimension()?;
        let store = Self::over(folder, dimension, None);
        store.snapshots.take().map(drop)?;
        Ok(store)
    }

    fn open_locked(folder: &Path, lock: File) -> Result<Self, StoreError> {
        let points = Points::open(folder, Access::Write)?;
        let dimension = points.dimension()?;
        let writer = Writer::open(folder, points, lock)?;
        sync_folder(folder)?;
        Ok(Self::over(folder, dimension, Some(Mutex::new(writer))))
    }

    fn over(folder: &Path, dimension: usize, writer: Option<Mutex<Writer>>) -> Self {
        let spec =
            StoreSpec { kind: "embedded", dimension, precision: Precision::F16, exact: true };
        let snapshots = Arc::new(Snapshots::new(folder, dimension));
        Self { folder: folder.to_owned(), spec, snapshots, scope: None, writer }
    }

    /// The same store, to be read only, as if it had no points but these; what is said of them is as exact and as
    /// fast. [`fetch`](VectorStore::fetch) alone gives every point, so that examples may come from anywhere.
    #[must_use]
    pub fn narrowed(&self, ids: impl IntoIterator<Item = RecordId>) -> Self {
        let scope = Some(Scope::new(ids));
        let (folder, snapshots) = (self.folder.clone(), Arc::clone(&self.snapshots));
        Self { folder, spec: self.spec.clone(), snapshots, scope, writer: None }
    }

    fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let snapshot = self.snapshots.take()?;
        match &self.scope {
            Some(scope) => snapshot.narrowed(scope),
            None => Ok(snapshot),
        }
    }

    /// The folder it is kept in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The bytes that its files take on the disk.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the folder cannot be read.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        let sum = || -> io::Result<u64> {
            fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
        };
        sum().map_err(io_error(&self.folder))
    }

    /// Keeps an int8 copy of the vectors from now on, which surveys read first: a little more than half
    /// the bytes. The list of the highest scores is then still exact. So are the scores of the list
    /// near the boundary, which may miss a point that is nearer than its last one by less than a
    /// hundredth of the weights' length, and mostly far less. Histogram and count above the threshold
    /// are of scores that are wrong by as little, and reports call them estimated. It pays from about a
    /// million points. In an empty store there is nothing to copy, and nothing is done.
    ///
    /// # Errors
    /// The store was opened to be read only, or a failure of the disk: the store is then as it was.
    pub fn keep_int8_copy(&self) -> Result<(), StoreError> {
        self.writer()?.make_codes(&self.folder)
    }

    /// Whether there is an int8 copy that surveys read first.
    ///
    /// # Errors
    /// A failure of the disk.
    pub fn has_int8_copy(&self) -> Result<bool, StoreError> {
        Ok(self.snapshot()?.coarse().is_some())
    }

    /// The lengths of the vectors as they are kept, which are those of embeddings but for rounding.
    ///
    /// # Errors
    /// A failure of the disk.
    pub fn norms(&self) -> Result<Norms, StoreError> {
        Ok(Norms::of(&self.snapshot()?))
    }

    /// Groups of points that are nearly the same: each has at least this cosine with the first of its group. A point is in one group at
    /// most, and none is alone. Among many points one pair in some thousands may be missed, never one of equal vectors.
    ///
    /// # Errors
    /// A failure of the disk.
    pub fn alike(&self, least_cosine: f32) -> Result<Vec<Vec<RecordId>>, StoreError> {
        alike::groups(&self.snapshot()?, least_cosine)
    }

    /// Shows every point with its score by each of some classifiers, which are weights and bias, a
    /// page at a time, in the order in which the points are kept. All are of one moment. Takes the
    /// memory of a page, however many points there are.
    ///
    /// # Errors
    /// [`StoreError::Dimension`], a failure of the disk, or what `visit` fails with.
    pub fn score<E: From<StoreError>>(
        &self,
        classifiers: &[(&[f32], f32)],
        mut visit: impl FnMut(Vec<ScoredPoint>) -> Result<(), E>,
    ) -> Result<(), E> {
        classifiers.iter().try_for_each(|(weights, _)| self.check_dimension(weights.len()))?;
        let snapshot = self.snapshot()?;
        for start in (0..snapshot.n_rows()).step_by(PAGE_ROWS) {
            let rows = start..snapshot.n_rows().min(start + PAGE_ROWS);
            visit(answer::score(&snapshot, rows, classifiers)?)?;
        }
        Ok(())
    }

    fn writer(&self) -> Result<MutexGuard<'_, Writer>, StoreError> {
        match &self.writer {
            Some(writer) => Ok(writer.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Err(io_error(&self.folder)(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                "the store is open to be read only",
            ))),
        }
    }

    fn check_dimension(&self, found: usize) -> Result<(), StoreError> {
        check_dimension(self.spec.dimension, found)
    }
}

#[async_trait]
impl VectorStore for EmbeddedStore {
    fn spec(&self) -> &StoreSpec {
        &self.spec
    }

    async fn upsert(&self, points: &[Point]) -> Result<(), StoreError> {
        points.iter().try_for_each(|point| self.check_dimension(point.embedding.dimension()))?;
        self.writer()?.upsert(points)
    }

    async fn delete(&self, ids: &[RecordId]) -> Result<u64, StoreError> {
        self.writer()?.delete(ids)
    }

    async fn search(&self, query: Query<'_>) -> Result<Vec<Hit>, StoreError> {
        let survey = Survey {
            weights: query.weights,
            bias: 0.0,
            top_k: query.top_k,
            n_boundary: 0,
            threshold: f32::INFINITY,
            n_bins: 0,
            exclude: query.exclude,
        };
        Ok(self.survey(survey).await?.top)
    }

    async fn survey(&self, survey: Survey<'_>) -> Result<SurveyReport, StoreError> {
        let mut reports = self.survey_all(&[survey]).await?;
        Ok(reports.pop().expect("every survey has a report"))
    }

    /// In one pass. The more there are, the less each costs, since the rows are read once; each takes
    /// four bytes of memory a row.
    async fn survey_all(&self, surveys: &[Survey<'_>]) -> Result<Vec<SurveyReport>, StoreError> {
        surveys.iter().try_for_each(|survey| self.check_dimension(survey.weights.len()))?;
        answer::survey(&self.snapshot()?, surveys)
    }

    async fn fetch(&self, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
        answer::fetch(&self.snapshot()?, ids)
    }

    async fn in_scope(&self, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, StoreError> {
        let holds = |id: &&RecordId| self.scope.as_ref().is_none_or(|scope| scope.holds(id));
        Ok(ids.iter().filter(holds).cloned().collect())
    }

    async fn scan(&self, after: Option<&RecordId>, limit: usize) -> Result<Vec<Point>, StoreError> {
        answer::scan(&self.snapshot()?, after, limit)
    }

    async fn sample(&self, n_points: usize, seed: u64) -> Result<Vec<Point>, StoreError> {
        answer::sample(&self.snapshot()?, n_points, seed)
    }

    async fn count(&self) -> Result<u64, StoreError> {
        Ok(self.snapshot()?.n_points())
    }

    async fn version(&self) -> Result<u64, StoreError> {
        Ok(self.snapshots.take()?.version())
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.writer()?.flush()
    }
}

/// Takes the lock of the writer. The system drops it when the process ends, however it ends.
fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("write.lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(io_error(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path, source }),
    }
}

/// Makes the names of new files durable. Only POSIX knows how to.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(folder).and_then(|file| file.sync_all()).map_err(io_error(folder))?;
    }
    Ok(())
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    |source| StoreError::Io { path: path.to_owned(), source }
}
