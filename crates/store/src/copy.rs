//! Moving points from one store to another, so that nobody has to take on trust that all have arrived.
//!
//! A page of points is read, what the other store has of them is compared, and only what is missing or differs is
//! written. So a run that was stopped goes on when it is run again, at the price of reading what is there. In the end
//! everything is read once more from both stores: counts and digests must be the same.

use std::collections::BTreeMap;

use half::f16;
use linprobe_core::{Embedding, Point, Precision, RecordId, StoreError, VectorStore};

/// Points that are read and written at a time.
const PAGE: usize = 4096;

/// How far a copy has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "they are counts, and said to be")]
pub struct CopyProgress {
    /// Points that the source has, as far as is known.
    pub n_points: u64,
    /// Points that were written.
    pub n_written: u64,
    /// Points that were there already, the same.
    pub n_unchanged: u64,
    /// Points that were read again from both stores.
    pub n_verified: u64,
}

/// What a copy has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// How many points were dealt with.
    pub progress: CopyProgress,
    /// Of all ids and embeddings, as the target keeps them: the same for the same points, in whatever order.
    pub digest: u64,
    /// Points of the target that the source does not have; they were left alone.
    pub n_others: u64,
}

/// Copies all points of one store to another, and compares what has arrived.
///
/// # Errors
/// [`StoreError::Dimension`] where the stores differ in it; [`StoreError::Unfit`] where the copy is not what it
/// should be, since somebody else has written meanwhile; or a failure of one of them.
pub async fn copy(
    from: &dyn VectorStore,
    to: &dyn VectorStore,
    report: &mut (dyn FnMut(CopyProgress) + Send),
) -> Result<Copied, StoreError> {
    let (expected, found) = (to.spec().dimension, from.spec().dimension);
    if expected != found {
        return Err(StoreError::Dimension { expected, found });
    }
    let mut copying = Copying { from, to, report, progress: CopyProgress::default() };
    copying.progress.n_points = from.count().await?;
    copying.write().await?;
    to.flush().await?;
    copying.verify().await
}

struct Copying<'a> {
    from: &'a dyn VectorStore,
    to: &'a dyn VectorStore,
    report: &'a mut (dyn FnMut(CopyProgress) + Send),
    progress: CopyProgress,
}

impl Copying<'_> {
    async fn write(&mut self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let mut page = self.from.scan(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            let there = there(self.to, &page).await?;
            let n_read = page.len();
            page.retain(|point| there.get(&point.id) != Some(&self.kept(&point.embedding)));
            if !page.is_empty() {
                self.to.upsert(&page).await?;
            }
            self.progress.n_written += page.len() as u64;
            self.progress.n_unchanged += (n_read - page.len()) as u64;
            (self.report)(self.progress);
        }
    }

    async fn verify(mut self) -> Result<Copied, StoreError> {
        let (mut sent, mut arrived) = (Digest::default(), Digest::default());
        let mut after = None;
        loop {
            let page = self.from.scan(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            for point in &page {
                sent.add(&point.id, &self.kept(&point.embedding));
            }
            for (id, embedding) in &there(self.to, &page).await? {
                arrived.add(id, embedding);
            }
            self.progress.n_verified += page.len() as u64;
            (self.report)(self.progress);
        }
        if sent != arrived {
            return Err(StoreError::Unfit {
                store: format!("the copy in the {} store", self.to.spec().kind),
                reason: format!(
                    "it has {} of {} points, and their digests differ",
                    arrived.n_points, sent.n_points
                ),
                hint: "see that nobody else writes to either store, and copy again".to_owned(),
            });
        }
        let n_others = self.to.count().await?.saturating_sub(arrived.n_points);
        Ok(Copied { progress: self.progress, digest: arrived.sum, n_others })
    }

    /// An embedding as the target gives it back.
    fn kept(&self, embedding: &Embedding) -> Embedding {
        match self.to.spec().precision {
            Precision::F32 => embedding.clone(),
            Precision::F16 => {
                let halves = embedding.as_slice().iter().map(|&x| f16::from_f32(x).to_f32());
                Embedding::normalize(halves.collect::<Vec<_>>())
                    .expect("a coordinate of a unit vector is larger than half precision loses")
            }
        }
    }
}

/// What a store has of a page.
async fn there(
    store: &dyn VectorStore,
    page: &[Point],
) -> Result<BTreeMap<RecordId, Embedding>, StoreError> {
    let ids: Vec<RecordId> = page.iter().map(|point| point.id.clone()).collect();
    let points = store.fetch(&ids).await?;
    Ok(points.into_iter().map(|point| (point.id, point.embedding)).collect())
}

/// A sum over points, in whatever order.
#[derive(Default, PartialEq)]
struct Digest {
    n_points: u64,
    sum: u64,
}

impl Digest {
    fn add(&mut self, id: &RecordId, embedding: &Embedding) {
        let id = crate::sample::rank(id.as_str(), 0);
        let values = embedding.as_slice().iter();
        let hash = values.fold(id, |hash, value| {
            linprobe_core::SplitMix::new(hash ^ u64::from(value.to_bits())).next_u64()
        });
        self.n_points += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}
