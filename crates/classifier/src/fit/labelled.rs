//! The fit where labels are all there is: no phrase and no classifier to start from, and perhaps no corpus, as with a table of
//! features and classes.
//!
//! It is the default fit. The start is the direction in which the relevant examples lie from the middle, in the whitened
//! metric. The middle and the metric are those of the corpus, if there is one, and unlabelled records of it stand for the
//! bulk; else they are those of the examples, and nothing stands for a bulk that nobody has seen.

use linprobe_core::Embedding;

use super::{
    MapPart, canonical_order,
    map_logistic::{self, Design, FREEDOM},
};
use crate::{Background, Example, LinearClassifier, Start, linear::to_f32};

/// An example that counts for so many.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// The example.
    pub example: Example,
    /// How many it counts for; it need not be whole. Of zero it is as if it were not there.
    pub count: f64,
}

/// How to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelledParams {
    /// How far labels are thought to move the logit of an ordinary record: the variance, above 0. The smaller, the closer
    /// the fit stays to its start.
    pub freedom: f64,
}

impl Default for LabelledParams {
    fn default() -> Self {
        Self { freedom: FREEDOM }
    }
}

/// Why labels give no classifier.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum UnfitLabels {
    /// Nothing is relevant.
    #[error("no example with a count is relevant\nhint: give at least one label above 0")]
    NothingRelevant,
    /// An example has another length than the first, or than the corpus.
    #[error("example {position} has {found} dimensions, {expected} are expected")]
    Dimension {
        /// Its place, from 0.
        position: usize,
        /// What the corpus or the first example has.
        expected: usize,
        /// What it has.
        found: usize,
    },
    /// A count is below 0 or not finite.
    #[error("example {position} counts for {count}\nhint: a count is a finite number from 0 on")]
    Count {
        /// Its place, from 0.
        position: usize,
        /// The count.
        count: f64,
    },
    /// The variance is no variance.
    #[error("the freedom is {freedom}\nhint: it is a finite number above 0")]
    Freedom {
        /// What was given.
        freedom: f64,
    },
}

/// Fits a classifier to labels alone. An example that counts for n is worth as much as n times the same.
///
/// # Errors
/// [`UnfitLabels`] when nothing is relevant, or a number does not fit.
pub fn fit_labelled(
    examples: &[Counted],
    corpus: Option<&Background>,
    params: LabelledParams,
) -> Result<LinearClassifier, UnfitLabels> {
    let LabelledParams { freedom } = params;
    if !(freedom.is_finite() && freedom > 0.0) {
        return Err(UnfitLabels::Freedom { freedom });
    }
    check(examples, corpus)?;
    let counted = in_canonical_order(examples);
    let mut without = Vec::new();
    let own;
    let background = if let Some(corpus) = corpus {
        corpus
    } else {
        without.push(MapPart::Bulk);
        own = background_of(&counted)?;
        &own
    };
    let direction = direction(&counted, background)?;
    if direction.is_none() {
        without.push(MapPart::Start);
    }
    // Without that part of the fit, the start is not looked at.
    let start = direction.unwrap_or_else(|| counted[0].0.embedding.clone());
    let design = Design { without: &without, freedom };
    Ok(map_logistic::fit(&Start::from_direction(start), &counted, background, design))
}

fn check(examples: &[Counted], corpus: Option<&Background>) -> Result<(), UnfitLabels> {
    let first = examples.first().map(|counted| counted.example.embedding.dimension());
    let expected = corpus.map(Background::dimension).or(first).unwrap_or_default();
    for (position, Counted { example, count }) in examples.iter().enumerate() {
        let (found, count) = (example.embedding.dimension(), *count);
        if found != expected {
            return Err(UnfitLabels::Dimension { position, expected, found });
        }
        if !(count.is_finite() && count >= 0.0) {
            return Err(UnfitLabels::Count { position, count });
        }
    }
    Ok(())
}

/// Those that count, so that sums come out the same in whatever order they were given.
fn in_canonical_order(examples: &[Counted]) -> Vec<(&Example, f64)> {
    let counted = examples.iter().filter(|counted| counted.count > 0.0);
    let mut sorted: Vec<_> = counted.map(|counted| (&counted.example, counted.count)).collect();
    sorted.sort_unstable_by(|(a, a_count), (b, b_count)| {
        canonical_order(a, b).then_with(|| a_count.total_cmp(b_count))
    });
    sorted
}

fn background_of(counted: &[(&Example, f64)]) -> Result<Background, UnfitLabels> {
    let (first, _) = counted.first().ok_or(UnfitLabels::NothingRelevant)?;
    let embeddings = counted.iter().map(|&(example, count)| (&example.embedding, count));
    Ok(Background::of_counted(first.embedding.dimension(), embeddings))
}

/// From the middle to the mean of the relevant, each by how relevant it is; none where these are the same.
fn direction(
    counted: &[(&Example, f64)],
    background: &Background,
) -> Result<Option<Embedding>, UnfitLabels> {
    let (mut sum, mut total) = (vec![0.0; background.dimension()], 0.0);
    for (example, count) in counted.iter().filter(|(example, _)| example.label.is_positive()) {
        let weight = count * f64::from(example.label.value());
        total += weight;
        let values = example.embedding.as_slice();
        sum.iter_mut().zip(values).for_each(|(sum, &x)| *sum += weight * f64::from(x));
    }
    if total <= 0.0 {
        return Err(UnfitLabels::NothingRelevant);
    }
    let centered = sum.iter().zip(background.mean()).map(|(sum, mean)| sum / total - mean);
    let away = background.whiten(&centered.collect::<Vec<_>>());
    Ok(Embedding::normalize(away.into_iter().map(to_f32).collect::<Vec<_>>()).ok())
}
