//! Fitting turns a start and labels into a classifier. Whatever the method: all labels count
//! unless it says otherwise, their order does not matter, and no choice of labels, be it none, one,
//! all alike or contradictory, gives anything but a finite classifier.

mod article;
mod rocchio;

use std::{fmt, str::FromStr};

use linprobe_core::Embedding;

use crate::{Background, Example, LinearClassifier, Start};

pub use article::{ArticleParams, BadArticleParams};

/// How to fit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Moves the start toward relevant and away from irrelevant records, in the whitened metric.
    #[default]
    WhitenedRocchio,
    /// The same in the plain metric.
    Rocchio,
    /// A few steps of gradient descent on the latest round alone, as the published article has it.
    /// For comparison: it forgets what it started from.
    Article(ArticleParams),
}

/// Fits a classifier.
///
/// # Errors
/// [`FitError`] when the dimensions differ.
pub fn fit(
    start: &Start,
    examples: &[Example],
    background: &Background,
    method: &Method,
) -> Result<LinearClassifier, FitError> {
    check_dimensions(start, examples, background)?;
    let examples = in_canonical_order(examples);
    Ok(match method {
        Method::WhitenedRocchio => rocchio::whitened(start, &examples, background),
        Method::Rocchio => rocchio::plain(start, &examples, background),
        Method::Article(params) => article::fit(start, &examples, *params),
    })
}

fn check_dimensions(
    start: &Start,
    examples: &[Example],
    background: &Background,
) -> Result<(), FitError> {
    let expected = background.dimension();
    let embeddings = examples.iter().map(|example| &example.embedding);
    let mut all = embeddings.chain([start.direction()]).map(Embedding::dimension);
    match all.find(|&dimension| dimension != expected) {
        Some(found) => Err(FitError { expected, found }),
        None => Ok(()),
    }
}

/// By round, then by place, so that sums come out the same in whatever order labels were given.
fn in_canonical_order(examples: &[Example]) -> Vec<&Example> {
    let mut sorted: Vec<&Example> = examples.iter().collect();
    sorted.sort_unstable_by(|a, b| {
        let (ours, theirs) = (a.embedding.as_slice().iter(), b.embedding.as_slice());
        let by_place = || ours.zip(theirs).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
        a.round
            .cmp(&b.round)
            .then_with(|| by_place().unwrap_or(std::cmp::Ordering::Equal))
            .then_with(|| a.label.value().total_cmp(&b.label.value()))
    });
    sorted
}

/// Vectors of another model were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vector has {found} dimensions, the corpus has {expected}")]
pub struct FitError {
    /// The corpus's dimension.
    pub expected: usize,
    /// The vector's.
    pub found: usize,
}

const WHITENED_ROCCHIO: &str = "whitened-rocchio";
const ROCCHIO: &str = "rocchio";
const ARTICLE: &str = "article";

impl Method {
    /// The names of all methods, the default first.
    pub const NAMES: [&'static str; 3] = [WHITENED_ROCCHIO, ROCCHIO, ARTICLE];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhitenedRocchio => WHITENED_ROCCHIO,
            Self::Rocchio => ROCCHIO,
            Self::Article(_) => ARTICLE,
        })
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    /// Reads a name; parameters take their defaults.
    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        match name {
            WHITENED_ROCCHIO => Ok(Self::WhitenedRocchio),
            ROCCHIO => Ok(Self::Rocchio),
            ARTICLE => Ok(Self::Article(ArticleParams::default())),
            _ => Err(UnknownMethod { name: name.to_owned() }),
        }
    }
}

/// A name that names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method {name:?}\nhint: one of {}", Method::NAMES.join(", "))]
pub struct UnknownMethod {
    /// The name given.
    pub name: String,
}
