//! One state of a store, to be read while writers go on.
//!
//! Rows, tombstones and ids must be of one moment, or a point that is being replaced would be missed
//! or found twice. A snapshot is a read transaction of the database together with the rows that it
//! counts and the tombstones that it knows. It sees what other processes have committed, too.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use linprobe_core::{Embedding, NotAnEmbedding, Point, RecordId, StoreError};

use super::{
    bitmap::Bitmap,
    coarse::Coarse,
    codes::{CodeReader, CodeRows},
    names::Names,
    points::{Extent, Points},
    scope::Scope,
    segment::{Access, Rows, Segment},
};

/// Takes snapshots, and keeps what the next one can use again.
#[derive(Debug)]
pub(crate) struct Snapshots {
    folder: PathBuf,
    dimension: usize,
    readers: Mutex<Readers>,
}

#[derive(Debug, Default)]
struct Readers {
    /// Connections that nobody reads from.
    idle: Vec<Points>,
    current: Option<Current>,
}

/// What is known of one generation of the store.
#[derive(Debug)]
struct Current {
    generation: u64,
    segment: Arc<Segment>,
    /// The first `n_dead` tombstones.
    dead: Arc<Bitmap>,
    n_dead: usize,
    /// The int8 copy that was read last.
    codes: Option<Arc<CodeReader>>,
    names: Arc<Names>,
}

/// One state of a store.
#[derive(Debug)]
pub(crate) struct Snapshot<'a> {
    home: &'a Snapshots,
    /// Goes back home at the end.
    points: Option<Points>,
    extent: Extent,
    segment: Arc<Segment>,
    pub(crate) rows: Rows,
    /// Rows that are no points, or none of the scope.
    pub(crate) dead: Arc<Bitmap>,
    n_points: usize,
    codes: Option<Codes>,
    names: Arc<Names>,
}

/// The int8 copy of some of its first rows.
#[derive(Debug)]
struct Codes {
    reader: Arc<CodeReader>,
    rows: CodeRows,
    worst: f64,
}

impl Snapshots {
    pub(crate) fn new(folder: &Path, dimension: usize) -> Self {
        Self { folder: folder.to_owned(), dimension, readers: Mutex::default() }
    }

    /// The present state of the store.
    pub(crate) fn take(&self) -> Result<Snapshot<'_>, StoreError> {
        // Transactions begin under the lock, so that none is older than the tombstones it meets.
        let mut readers = self.readers();
        let points = match readers.idle.pop() {
            Some(points) => points,
            None => Points::open(&self.folder, Access::Read)?,
        };
        let (extent, mut current) = self.begin(&points, readers.current.take())?;
        current.learn_tombstones(&points, extent)?;
        let codes = current.learn_codes(&self.folder, &points, self.dimension)?;
        let dead = Arc::clone(&current.dead);
        let segment = Arc::clone(&current.segment);
        let names = Arc::clone(&current.names);
        readers.current = Some(current);
        drop(readers);
        let rows = segment.rows(extent.n_rows)?;
        let n_points = extent.n_rows.saturating_sub(extent.n_tombstones);
        let points = Some(points);
        Ok(Snapshot { home: self, points, extent, segment, rows, dead, n_points, codes, names })
    }

    /// Begins a transaction of the generation whose vector file is open. A file is opened before the
    /// transaction that shows its generation, since a compaction that ends between the two gives
    /// another one its name.
    fn begin(
        &self,
        points: &Points,
        mut known: Option<Current>,
    ) -> Result<(Extent, Current), StoreError> {
        for _ in 0..MOST_COMPACTIONS_MET {
            let extent = points.begin()?;
            match known {
                Some(current) if current.generation == extent.generation => {
                    return Ok((extent, current));
                }
                _ => points.end()?,
            }
            known = Some(self.open_generation(extent.generation)?);
        }
        Err(points.corrupt("it is compacted again and again"))
    }

    fn open_generation(&self, generation: u64) -> Result<Current, StoreError> {
        let segment = Segment::open(&self.folder, generation, (self.dimension, Access::Read))?;
        let segment = Arc::new(segment);
        let (dead, names) = (Arc::default(), Arc::default());
        Ok(Current { generation, segment, dead, n_dead: 0, codes: None, names })
    }

    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compactions that may end while a snapshot is being taken. There is hardly ever one.
const MOST_COMPACTIONS_MET: usize = 16;

impl Current {
    fn learn_tombstones(&mut self, points: &Points, extent: Extent) -> Result<(), StoreError> {
        if extent.n_tombstones > self.n_dead {
            let new = points.tombstones_after(self.n_dead)?;
            Arc::make_mut(&mut self.dead).extend(new);
            self.n_dead = extent.n_tombstones;
        }
        Ok(())
    }

    /// The int8 copy as it is now, if there is one of this generation.
    fn learn_codes(
        &mut self,
        folder: &Path,
        points: &Points,
        dimension: usize,
    ) -> Result<Option<Codes>, StoreError> {
        let extent = points.codes()?.filter(|extent| extent.generation == self.generation);
        let Some(extent) = extent else { return Ok(None) };
        if self.codes.as_ref().is_none_or(|known| known.number != extent.number) {
            let opened = CodeReader::open(folder, points, (extent.number, dimension))?;
            self.codes = opened.map(Arc::new);
        }
        let Some(reader) = &self.codes else { return Ok(None) };
        let rows = reader.rows(extent.n_rows);
        let reader = Arc::clone(reader);
        Ok(rows.map(|rows| Codes { reader, rows, worst: extent.worst }))
    }
}

impl Snapshot<'_> {
    /// The database, as it was at that moment.
    pub(crate) fn points(&self) -> &Points {
        self.points.as_ref().expect("it is taken only when the snapshot is dropped")
    }

    /// Whose each of some rows is.
    pub(crate) fn ids_of(&self, rows: &[usize]) -> Result<Vec<RecordId>, StoreError> {
        self.names.ids_of(rows, self.points())
    }

    /// The row of each of some points, be they in scope or not; none of one that there is not.
    pub(crate) fn rows_of<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a RecordId>,
    ) -> Result<Vec<Option<usize>>, StoreError> {
        let is_alive = |row_idx| row_idx < self.extent.n_rows && !self.dead.contains(row_idx);
        self.names.rows_of(ids, self.points(), is_alive)
    }

    /// Leaves out what is not in a scope.
    pub(crate) fn narrowed(mut self, scope: &Scope) -> Result<Self, StoreError> {
        self.dead = scope.outside(self.points(), self.extent)?;
        self.n_points = self.extent.n_rows - self.dead.count();
        Ok(self)
    }

    /// How many points there are.
    pub(crate) fn n_points(&self) -> u64 {
        self.n_points as u64
    }

    /// Whether a row of a point is left out.
    pub(crate) fn leaves_out(&self, row_idx: usize) -> bool {
        self.dead.contains(row_idx)
    }

    /// Another one after each change: each writes a row, buries one, or makes another generation.
    pub(crate) fn version(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.extent.hash(&mut hasher);
        hasher.finish()
    }

    /// How many rows there are, the dead included.
    pub(crate) fn n_rows(&self) -> usize {
        self.extent.n_rows
    }

    /// The int8 copy, if there is one.
    pub(crate) fn coarse(&self) -> Option<Coarse<'_>> {
        let Codes { reader, rows, worst } = self.codes.as_ref()?;
        Some(Coarse { codes: rows, grid: &reader.grid, worst: *worst, rows: &self.rows })
    }

    /// Reads the point whose row it is.
    pub(crate) fn point(&self, id: RecordId, row_idx: usize) -> Result<Point, StoreError> {
        self.named(id, row_idx, self.rows.embedding(row_idx))
    }

    /// The point of a row, of which the embedding has been read.
    pub(crate) fn named(
        &self,
        id: RecordId,
        row_idx: usize,
        embedding: Option<Result<Embedding, NotAnEmbedding>>,
    ) -> Result<Point, StoreError> {
        let corrupt = |reason| self.segment.corrupt(format!("row {row_idx}, {reason}"));
        let embedding =
            embedding.ok_or_else(|| corrupt("which has an id, is missing".to_owned()))?;
        Ok(Point { id, embedding: embedding.map_err(|bad| corrupt(bad.to_string()))? })
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // A connection that cannot end its transaction is closed instead.
        if let Some(points) = self.points.take().filter(|points| points.end().is_ok()) {
            self.home.readers().idle.push(points);
        }
    }
}
