//! A session begins with a direction: of words, of examples, of any vector, or of a classifier
//! that somebody trained before.

use linprobe_core::{Embedding, NotAnEmbedding};

use crate::{Background, LinearClassifier};

/// How far negative phrases push away, against the pull of the positive ones.
const NEGATIVE_PHRASES: f64 = 0.5;

/// The direction that a fit starts from, and is held to while labels are few.
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    direction: Embedding,
    head: Option<LinearClassifier>,
}

impl Start {
    /// Starts from a direction.
    pub fn from_direction(direction: Embedding) -> Self {
        Self { direction, head: None }
    }

    /// Starts from an existing classifier: with no labels, the fit is this classifier.
    ///
    /// # Errors
    /// [`NotAnEmbedding`] when its weights are zero.
    pub fn from_head(head: LinearClassifier) -> Result<Self, NotAnEmbedding> {
        Ok(Self { direction: Embedding::normalize(head.weights())?, head: Some(head) })
    }

    /// The direction, of unit length.
    pub fn direction(&self) -> &Embedding {
        &self.direction
    }

    /// The classifier that was started from.
    pub fn head(&self) -> Option<&LinearClassifier> {
        self.head.as_ref()
    }
}

/// One direction for several phrases: the mean of the positive ones less half the mean of the
/// negative ones.
///
/// # Errors
/// [`NoStart`] when there is no positive phrase, the dimensions differ or nothing is left.
pub fn combine(positive: &[Embedding], negative: &[Embedding]) -> Result<Embedding, NoStart> {
    let toward = mean(positive)?.ok_or(NoStart::NothingPositive)?;
    let away = mean(negative)?.unwrap_or_else(|| vec![0.0; toward.len()]);
    if away.len() != toward.len() {
        return Err(NoStart::Dimension { expected: toward.len(), found: away.len() });
    }
    let pairs = toward.iter().zip(&away);
    normalize(pairs.map(|(toward, away)| toward - NEGATIVE_PHRASES * away).collect())
}

/// One direction for examples without words: from the middle of the corpus to the mean of the
/// positive ones, in the whitened metric. Works with one positive example and no negative.
///
/// # Errors
/// [`NoStart`] when there is no positive example, the dimensions differ or nothing is left.
pub fn from_examples(
    positive: &[Embedding],
    background: &Background,
) -> Result<Embedding, NoStart> {
    let mean = mean(positive)?.ok_or(NoStart::NothingPositive)?;
    if mean.len() != background.dimension() {
        return Err(NoStart::Dimension { expected: background.dimension(), found: mean.len() });
    }
    let centered: Vec<f64> = mean.iter().zip(background.mean()).map(|(m, mu)| m - mu).collect();
    normalize(background.whiten(&centered))
}

/// The mean of some embeddings, in f64; none of none.
fn mean(embeddings: &[Embedding]) -> Result<Option<Vec<f64>>, NoStart> {
    let Some(first) = embeddings.first() else { return Ok(None) };
    let mut mean = vec![0.0; first.dimension()];
    for embedding in embeddings {
        if embedding.dimension() != mean.len() {
            let found = embedding.dimension();
            return Err(NoStart::Dimension { expected: mean.len(), found });
        }
        for (sum, &x) in mean.iter_mut().zip(embedding.as_slice()) {
            *sum += f64::from(x) / embeddings.len() as f64;
        }
    }
    Ok(Some(mean))
}

fn normalize(values: Vec<f64>) -> Result<Embedding, NoStart> {
    let values: Vec<f32> = values.into_iter().map(crate::linear::to_f32).collect();
    Ok(Embedding::normalize(values)?)
}

/// Why phrases or examples give no direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStart {
    /// Nothing says what is looked for.
    #[error(
        "nothing says what is looked for\nhint: give at least one phrase or example that is not negative"
    )]
    NothingPositive,
    /// The vectors come from different models.
    #[error("the vector has {found} dimensions, {expected} are expected")]
    Dimension {
        /// The dimension of the others.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// They cancel out.
    #[error("the phrases or examples cancel out: {0}")]
    NoDirection(#[from] NotAnEmbedding),
}
