//! A project: whether its vectors are those of its records, made by its model.

use linprobe_core::{Embedder, Embedding, Excluded, Point, Query, RecordId, VectorStore};
use linprobe_store::Norms;

use super::{Finding, Twins};
use crate::{error::ProjectError, models, project::Project};

/// Rounded to half precision, a vector of unit length is at most this much longer or shorter.
const UNIT: f64 = 2e-3;

/// Records whose contents are embedded again.
const N_EMBEDDED: usize = 24;

/// An embedding that is made again is at least this like the one before: engines round otherwise.
const SAME: f32 = 0.99;

/// Vectors of which this much is their mean say little that tells them apart.
const ALIKE: f64 = 0.97;

/// Vectors that the mean is taken of.
const N_SAMPLED: usize = 2000;

const SEED: u64 = 0;

/// Points that are read at a time.
const PAGE: usize = 10_000;

impl Project {
    /// Looks for mistakes in what is indexed.
    ///
    /// # Errors
    /// [`ProjectError::Empty`], or the database or the store fails.
    pub async fn examine(&self) -> Result<Vec<Finding>, ProjectError> {
        let store = self.store()?;
        let lengths = match self.store_address()? {
            None => lengths(self.embedded_store()?.norms()?),
            Some(_) => Finding::fine("lengths", "scores go by directions, whatever the lengths"),
        };
        Ok(vec![
            lengths,
            self.pairs(store.as_ref()).await?,
            self.skipped_records()?,
            twins(store.as_ref()).await?,
            likeness(store.as_ref()).await?,
            self.embedded_again(store.as_ref()).await?,
        ])
    }

    /// Records without vectors.
    async fn pairs(&self, store: &dyn VectorStore) -> Result<Finding, ProjectError> {
        let (n_records, n_points) = (self.n_records()?, store.count().await?);
        if n_records == n_points {
            return Ok(Finding::fine("pairs", format!("all {n_records} records have a vector")));
        }
        let found = format!("there are {n_records} records and {n_points} vectors");
        let meaning =
            "a run was stopped, or files were copied one by one; some records cannot be found";
        Ok(Finding::wrong("pairs", found, meaning)
            .mended_by("linprobe index, once more over the same datasets"))
    }

    fn skipped_records(&self) -> Result<Finding, ProjectError> {
        Ok(match self.n_skipped()? {
            0 => Finding::fine("skipped", "no record was skipped"),
            n_skipped => {
                let meaning = "they could not be read or embedded, and are not searched";
                Finding::notice("skipped", format!("{n_skipped} records were skipped"), meaning)
                    .mended_by("linprobe inspect --json names them, with the reasons")
            }
        })
    }

    /// Embeds some records again and compares.
    async fn embedded_again(&self, store: &dyn VectorStore) -> Result<Finding, ProjectError> {
        const CHECK: &str = "model";
        if self.catalogue().n_records()? == 0 {
            let found = "the project has no contents to embed again";
            let meaning = "whether the project's model made these vectors, nothing here can tell";
            return Ok(Finding::notice(CHECK, found, meaning));
        }
        let embedder = match self.embedder() {
            Ok(embedder) => embedder,
            Err(error) => {
                let meaning =
                    "without the model no phrase can be searched for, and nothing was compared";
                return Ok(Finding::notice(CHECK, error.to_string(), meaning));
            }
        };
        let points = store.sample(N_EMBEDDED, SEED).await?;
        let mut compared = Compared::default();
        for point in &points {
            let Some(again) = self.embed_again(embedder.as_ref(), &point.id) else { continue };
            compared.n += 1;
            if again.dot(point.embedding.as_slice()) < SAME {
                compared.n_other += 1;
                let owner = owner(store, &again).await?.filter(|owner| *owner != point.id);
                compared.of_others.extend(owner.map(|owner| (point.id.clone(), owner)));
            }
        }
        Ok(compared.finding(CHECK, points.len()))
    }

    /// The embedding of a record's content as it is now; none where either cannot be had.
    fn embed_again(&self, embedder: &dyn Embedder, id: &RecordId) -> Option<Embedding> {
        let source = self.catalogue().source_of(id).ok()??;
        let content = self.opened().content(&source, id).ok()?;
        models::embed_one(embedder, id.as_str(), &content).ok()
    }
}

fn lengths(Norms { min, max, .. }: Norms) -> Finding {
    if (min - 1.0).abs() < UNIT && (max - 1.0).abs() < UNIT {
        return Finding::fine("lengths", "all vectors are of unit length");
    }
    let meaning = "scores are no cosines, and long vectors come first whatever they mean";
    Finding::wrong("lengths", format!("vectors have lengths from {min:.4} to {max:.4}"), meaning)
        .mended_by(
            "linprobe inspect --check, then linprobe compact --give-up-damaged and linprobe index",
        )
}

/// Vectors that are there twice.
async fn twins(store: &dyn VectorStore) -> Result<Finding, ProjectError> {
    let mut twins = Twins::default();
    let mut after = None;
    loop {
        let points = store.scan(after.as_ref(), PAGE).await?;
        let Some(last) = points.last() else { break };
        for Point { id, embedding } in &points {
            twins.meet(id, bytemuck::cast_slice(embedding.as_slice()));
        }
        after = Some(last.id.clone());
    }
    Ok(twins.finding("duplicates", "vector"))
}

/// How much of the vectors is the same in all of them.
async fn likeness(store: &dyn VectorStore) -> Result<Finding, ProjectError> {
    let points = store.sample(N_SAMPLED, SEED).await?;
    let mut mean = vec![0.0; store.spec().dimension];
    for point in &points {
        let values = point.embedding.as_slice();
        mean.iter_mut()
            .zip(values)
            .for_each(|(sum, &x)| *sum += f64::from(x) / points.len() as f64);
    }
    let shared = mean.iter().map(|x| x * x).sum::<f64>();
    let found = format!("two records have a cosine of {shared:.2} on average");
    if shared < ALIKE || points.len() < 2 {
        return Ok(Finding::fine("likeness", found));
    }
    let meaning = "the model tells these records hardly apart: it may be of another kind of content, or was given \
         what it was not trained on";
    Ok(Finding::notice("likeness", found, meaning)
        .mended_by("try another model: linprobe init DIR --model NAME"))
}

/// The record whose vector an embedding is.
async fn owner(
    store: &dyn VectorStore,
    embedding: &Embedding,
) -> Result<Option<RecordId>, ProjectError> {
    let query = Query { weights: embedding.as_slice(), top_k: 1, exclude: &Excluded::new() };
    let hits = store.search(query).await?;
    Ok(hits.into_iter().find(|hit| hit.score >= SAME).map(|hit| hit.id))
}

/// Contents that were embedded again.
#[derive(Default)]
struct Compared {
    n: usize,
    n_other: usize,
    /// Records whose content has the vector of another one, and that one.
    of_others: Vec<(RecordId, RecordId)>,
}

impl Compared {
    fn finding(&self, check: &'static str, n_sampled: usize) -> Finding {
        let Self { n, n_other, of_others } = self;
        if *n == 0 {
            let meaning = "the datasets are no longer where they were: pictures cannot be shown, nor anything embedded again";
            return Finding::notice(
                check,
                format!("none of {n_sampled} records could be read again"),
                meaning,
            );
        }
        if let Some((record, other)) = of_others.first() {
            let found = format!(
                "{} of {n} contents have the vector of another record, such as {record} that of {other}",
                of_others.len()
            );
            let meaning = "ids and contents have been shifted against each other: what is shown is not what was scored";
            return Finding::wrong(check, found, meaning).mended_by(REINDEX);
        }
        if *n_other > 0 {
            let found = format!("{n_other} of {n} contents, embedded again, give another vector");
            let meaning = "the contents have changed since they were indexed, or another model or processing made the vectors";
            return Finding::wrong(check, found, meaning).mended_by(REINDEX);
        }
        Finding::fine(
            check,
            format!("{n} contents, embedded again, give the vectors that are stored"),
        )
    }
}

const REINDEX: &str = "linprobe index over the dataset as it is now; vectors that were made elsewhere must be made again there";
