//! Fitting turns a start and labels into a classifier. Whatever the method: all labels count
//! unless it says otherwise, their order does not matter, and no choice of labels, be it none, one,
//! all alike or contradictory, gives anything but a finite classifier.

mod article;
mod background_lda;
mod labelled;
mod linear_svc;
mod logistic;
mod map_logistic;
mod minimize;
mod risk;
mod rocchio;
mod seesaw;
mod weak_negatives;

use std::{cmp::Ordering, fmt, str::FromStr};

use linprobe_core::Embedding;

use crate::{Background, Example, LinearClassifier, Start, calibrate};

use article::Article;
use map_logistic::Design;

pub use article::{ArticleParams, ArticleRepair, BadArticleParams};
pub use labelled::{Counted, LabelledParams, UnfitLabels, fit_labelled};
pub use map_logistic::MapPart;

/// How to fit. All but the default are there to compare with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Method {
    /// Logistic regression at its most probable weights, the start and the background being the prior.
    #[default]
    MapLogistic,
    /// The same without one of its parts.
    AblatedMapLogistic(MapPart),
    /// Moves the start toward relevant and away from irrelevant records, in the whitened metric.
    WhitenedRocchio,
    /// The same in the plain metric, with weights 1, 0.5 and 0.25.
    Rocchio,
    /// The same with weights 1, 0.75 and 0.25.
    EagerRocchio,
    /// Discriminant analysis against the background, added to the start.
    BackgroundLda,
    /// `SeeSaw`'s class-balanced loss with a prior toward the query.
    SeeSaw,
    /// The same with its prior on how neighbours differ.
    SeeSawNeighbours,
    /// The support vector machine of Forager.
    LinearSvc,
    /// Logistic regression, without regard to the start.
    Logistic,
    /// Perch's logistic loss, unlabelled records being weak negatives.
    WeakNegatives,
    /// A few steps of gradient descent on the latest round alone, as the published article has it.
    /// It forgets what it started from.
    Article(ArticleParams),
    /// The same as published, with a defect repaired.
    RepairedArticle(ArticleRepair),
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
    Ok(dispatch(start, &examples, background, *method))
}

fn dispatch(
    start: &Start,
    examples: &[&Example],
    background: &Background,
    method: Method,
) -> LinearClassifier {
    use seesaw::Prior;

    let article = |params, repair| Article { params, repair }.fit(start, examples);
    let rocchio = |forces| rocchio::plain(start, examples, background, forces);
    let seesaw = |prior| seesaw::fit(start, examples, background, prior);
    let map_logistic = |without: &[MapPart]| {
        let counted: Vec<_> = examples.iter().map(|&example| (example, 1.0)).collect();
        map_logistic::fit(start, &counted, background, Design::without(without))
    };
    match method {
        Method::MapLogistic => map_logistic(&[]),
        Method::AblatedMapLogistic(part) => map_logistic(&[part]),
        Method::WhitenedRocchio => rocchio::whitened(start, examples, background),
        Method::Rocchio => rocchio(rocchio::CLASSIC),
        Method::EagerRocchio => rocchio(rocchio::EAGER),
        Method::BackgroundLda => background_lda::fit(start, examples, background),
        Method::SeeSaw => seesaw(Prior::Query),
        Method::SeeSawNeighbours => seesaw(Prior::QueryAndNeighbours),
        Method::LinearSvc => linear_svc::fit(start, examples, background),
        Method::Logistic => logistic::fit(start, examples, background),
        Method::WeakNegatives => weak_negatives::fit(start, examples, background),
        Method::Article(params) => article(params, None),
        Method::RepairedArticle(repair) => article(ArticleParams::PUBLISHED, Some(repair)),
    }
}

/// The start, calibrated by the labels: what is left where a method has no fit for them.
fn start_alone(start: &Start, examples: &[&Example], background: &Background) -> LinearClassifier {
    let query: Vec<f64> = start.direction().as_slice().iter().map(|&q| f64::from(q)).collect();
    calibrate::calibrate(start, examples, background, &|_| query.clone())
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
    sorted.sort_unstable_by(|a, b| canonical_order(a, b));
    sorted
}

fn canonical_order(a: &Example, b: &Example) -> Ordering {
    let (ours, theirs) = (a.embedding.as_slice().iter(), b.embedding.as_slice());
    let by_place = || ours.zip(theirs).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne());
    a.round
        .cmp(&b.round)
        .then_with(|| by_place().unwrap_or(Ordering::Equal))
        .then_with(|| a.label.value().total_cmp(&b.label.value()))
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

impl Method {
    /// All methods, the default first; parameters have their defaults.
    pub const ALL: [Self; 18] = [
        Self::MapLogistic,
        Self::AblatedMapLogistic(MapPart::Start),
        Self::AblatedMapLogistic(MapPart::Bulk),
        Self::AblatedMapLogistic(MapPart::Balance),
        Self::WhitenedRocchio,
        Self::Rocchio,
        Self::EagerRocchio,
        Self::BackgroundLda,
        Self::SeeSaw,
        Self::SeeSawNeighbours,
        Self::LinearSvc,
        Self::Logistic,
        Self::WeakNegatives,
        Self::Article(ArticleParams::PUBLISHED),
        Self::RepairedArticle(ArticleRepair::Cumulative),
        Self::RepairedArticle(ArticleRepair::Targets),
        Self::RepairedArticle(ArticleRepair::Normalized),
        Self::RepairedArticle(ArticleRepair::All),
    ];

    /// Their names.
    pub const NAMES: [&'static str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut i = 0;
        while i < names.len() {
            names[i] = Self::ALL[i].name();
            i += 1;
        }
        names
    };

    /// The name, by which [`FromStr`] finds the method again; of parameters it tells nothing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MapLogistic => "map-logistic",
            Self::AblatedMapLogistic(MapPart::Start) => "map-logistic-without-start",
            Self::AblatedMapLogistic(MapPart::Bulk) => "map-logistic-without-bulk",
            Self::AblatedMapLogistic(MapPart::Balance) => "map-logistic-without-balance",
            Self::WhitenedRocchio => "whitened-rocchio",
            Self::Rocchio => "rocchio",
            Self::EagerRocchio => "rocchio-eager",
            Self::BackgroundLda => "background-lda",
            Self::SeeSaw => "seesaw",
            Self::SeeSawNeighbours => "seesaw-data",
            Self::LinearSvc => "linear-svc",
            Self::Logistic => "logistic",
            Self::WeakNegatives => "weak-negatives",
            Self::Article(_) => "article",
            Self::RepairedArticle(ArticleRepair::Cumulative) => "article-cumulative",
            Self::RepairedArticle(ArticleRepair::Targets) => "article-targets",
            Self::RepairedArticle(ArticleRepair::Normalized) => "article-normalized",
            Self::RepairedArticle(ArticleRepair::All) => "article-repaired",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    /// Reads a name; parameters take their defaults.
    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let unknown = || UnknownMethod { name: name.to_owned() };
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(unknown)
    }
}

/// A name that names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method {name:?}\nhint: one of {}", Method::NAMES.join(", "))]
pub struct UnknownMethod {
    /// The name given.
    pub name: String,
}
