//! Logistic regression at its most probable weights, given what the start says: the default.
//!
//! A record's logit is what the start makes of it, plus what the labels have taught:
//!
//! `z(x) = z0(x) + v . (x - mu) + c`
//!
//! Before any label `v` is thought to be `N(0, t I)` and `c` to be `N(0, 4.5^2)`, so a fit is the start as long
//! as nothing contradicts it. The labels' cross-entropy is balanced between the sides; a handful of
//! unlabelled records say that the bulk is irrelevant, and make a fit of nothing but relevant labels
//! possible.
//!
//! Why each part is there, measured: `docs/learning.md`.
//! Source: the prior toward the query is that of `SeeSaw` (Moll et al., 2023).

mod descent;
mod rows;

use super::start_alone;
use crate::{
    Background, Example, LinearClassifier, Start,
    linear::{dot, to_f32},
};

/// The share of the corpus that is thought to be relevant, before any label.
const PRIOR_SHARE: f64 = 0.01;

/// A standard deviation of the scores of the corpus under the start, in logits. The start says which way, and not
/// how sure: if it were steep, the first labels that agree with it would teach nothing.
const START_SLOPE: f64 = 0.3;

/// Standard deviation of the bias around the start's.
const BIAS_DEVIATION: f64 = 4.5;

/// Targets stay within this and one less this: no label is certain.
const MIN_TARGET: f64 = 0.02;

/// How even the say of the sides is: 0, each label as much as any other; 1, each side as much as the other. A
/// little less than even, for where the labels of a rare concept are mostly irrelevant, so is the corpus.
const EVENNESS: f64 = 0.75;

/// Unlabelled records that stand for the bulk.
const N_BULK: usize = 128;

/// What all of them together weigh, for each label, where no label is irrelevant. Every irrelevant label says
/// the same better: of a common concept, the bulk is not irrelevant.
const BULK_WEIGHT: f64 = 0.5;

/// How far labels are thought to move the logit of a record of the corpus: the variance. Whatever
/// the number of dimensions, which share it.
pub(super) const FREEDOM: f64 = 5.0;

/// A part of the default fit, to leave out and see what it is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapPart {
    /// The prior toward the start: weights are then thought to be near zero.
    Start,
    /// The unlabelled records that stand for the bulk.
    Bulk,
    /// The balance of the sides.
    Balance,
}

/// What a fit is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Design<'a> {
    /// Parts that are left out.
    pub(super) without: &'a [MapPart],
    /// How far labels are thought to move the logit of a record of the corpus: the variance.
    pub(super) freedom: f64,
}

impl<'a> Design<'a> {
    /// The default, or the default without some of its parts.
    pub(super) fn without(parts: &'a [MapPart]) -> Self {
        Self { without: parts, freedom: FREEDOM }
    }

    fn has(&self, part: MapPart) -> bool {
        !self.without.contains(&part)
    }
}

/// The fit of examples, each of which counts for so many. Without labels it is the start, calibrated.
pub(super) fn fit(
    start: &Start,
    examples: &[(&Example, f64)],
    background: &Background,
    design: Design<'_>,
) -> LinearClassifier {
    if examples.is_empty() {
        return start_alone(start, &[], background);
    }
    let prior = if design.has(MapPart::Start) {
        Prior::new(start, background)
    } else {
        Prior::nothing(background)
    };
    let terms = terms(&prior, examples, background, design);
    let taught = descent::most_probable(&terms, background, freedom(background, design));
    prior.moved(&taught, background).sharpened(sharpness(start, examples))
}

/// The most probable weights are shrunk toward the start, and the score with them: it is too timid by
/// half once the sides are known. An existing classifier has a scale of its own.
fn sharpness(start: &Start, examples: &[(&Example, f64)]) -> f64 {
    if start.head().is_some() {
        return 1.0;
    }
    let n_relevant: f64 =
        examples.iter().map(|(e, count)| count * f64::from(e.label.grade())).sum();
    1.0 + n_relevant / (n_relevant + 1.0)
}

/// The variance of a weight around the start's.
fn freedom(background: &Background, design: Design<'_>) -> f64 {
    design.freedom / (background.dimension() as f64 * background.variance())
}

/// What the labels have taught: weights of centred embeddings, and a bias.
struct Taught {
    weights: Vec<f64>,
    bias: f64,
}

/// A label, or an unlabelled record of the bulk.
struct Term<'a> {
    x: &'a [f32],
    /// The logit of the start.
    offset: f64,
    /// The probability asked for.
    target: f64,
    /// How many labels it counts for.
    weight: f64,
}

fn terms<'a>(
    prior: &Prior,
    examples: &[(&'a Example, f64)],
    background: &'a Background,
    design: Design<'_>,
) -> Vec<Term<'a>> {
    let term = |x: &'a [f32], target, weight| Term { x, offset: prior.logit(x), target, weight };
    let grade = |example: &Example| f64::from(example.label.grade());
    let n: f64 = examples.iter().map(|(_, count)| count).sum();
    let relevant: f64 = examples.iter().map(|(example, count)| count * grade(example)).sum();
    let balance = if design.has(MapPart::Balance) {
        Balance::new(relevant, n - relevant)
    } else {
        Balance { relevant: 1.0, irrelevant: 1.0 }
    };
    let labelled = examples.iter().map(|(example, count)| {
        let target = grade(example).clamp(MIN_TARGET, 1.0 - MIN_TARGET);
        term(example.embedding.as_slice(), target, count * balance.weight(grade(example)))
    });
    let n_bulk = if design.has(MapPart::Bulk) { N_BULK } else { 0 };
    let rows = background.sample().rows().take(n_bulk);
    let n_irrelevant = n - relevant;
    let weight = BULK_WEIGHT * n / (1.0 + n_irrelevant) / rows.len() as f64;
    let bulk = rows.map(|x| term(x, PRIOR_SHARE, weight));
    labelled.chain(bulk).collect()
}

/// Gives both sides nearly the same say, whichever has more labels, in total as much as without. Each side
/// counts one label more than it has, so that a lone label does not outweigh all others.
struct Balance {
    relevant: f64,
    irrelevant: f64,
}

impl Balance {
    fn new(n_relevant: f64, n_irrelevant: f64) -> Self {
        let side = |n: f64| (n + 1.0).powf(-EVENNESS);
        let (relevant, irrelevant) = (side(n_relevant), side(n_irrelevant));
        let total = n_relevant * relevant + n_irrelevant * irrelevant;
        let scale = (n_relevant + n_irrelevant) / total;
        Self { relevant: relevant * scale, irrelevant: irrelevant * scale }
    }

    fn weight(&self, grade: f64) -> f64 {
        grade * self.relevant + (1.0 - grade) * self.irrelevant
    }
}

/// The start as a logit.
struct Prior {
    weights: Vec<f64>,
    bias: f64,
}

impl Prior {
    /// An existing classifier is its own prior. Else the direction's scores are thought to be those of
    /// two equal Gaussians, the corpus and the few relevant records.
    fn new(start: &Start, background: &Background) -> Self {
        let wide = |weights: &[f32]| weights.iter().map(|&w| f64::from(w)).collect();
        if let Some(head) = start.head() {
            return Self { weights: wide(head.weights()), bias: f64::from(head.bias()) };
        }
        let mut weights: Vec<f64> = wide(start.direction().as_slice());
        let projection = background.project(&weights);
        let scale = START_SLOPE / projection.deviation;
        for weight in &mut weights {
            *weight *= scale;
        }
        let odds = PRIOR_SHARE / (1.0 - PRIOR_SHARE);
        let bias = odds.ln() - START_SLOPE * START_SLOPE / 2.0 - scale * projection.mean;
        Self { weights, bias }
    }

    /// All records are alike.
    fn nothing(background: &Background) -> Self {
        let weights = vec![0.0; background.dimension()];
        Self { weights, bias: (PRIOR_SHARE / (1.0 - PRIOR_SHARE)).ln() }
    }

    fn logit(&self, x: &[f32]) -> f64 {
        dot(&self.weights, x) + self.bias
    }

    fn classifier(&self) -> LinearClassifier {
        let weights: Vec<f32> = self.weights.iter().map(|&w| to_f32(w)).collect();
        LinearClassifier::new(weights, to_f32(self.bias))
            .expect("as many weights as the start has, clamped to finite ones")
    }

    /// Folds in what the labels have taught, and the centring.
    fn moved(mut self, taught: &Taught, background: &Background) -> Self {
        let update = &taught.weights;
        self.bias += taught.bias - dot(update, background.mean());
        self.weights.iter_mut().zip(update).for_each(|(w, u)| *w += u);
        self
    }

    /// With the same boundary, and logits so many times as large.
    fn sharpened(mut self, sharpness: f64) -> LinearClassifier {
        self.bias *= sharpness;
        for weight in &mut self.weights {
            *weight *= sharpness;
        }
        self.classifier()
    }
}

#[cfg(test)]
mod tests {
    use linprobe_core::Embedding;

    use super::*;
    use crate::Label;

    const DIMENSION: usize = 12;

    fn embedding(seed: usize) -> Embedding {
        let noise = |i: usize| ((seed * 131 + i * 17 + 5) as f64 * 12.9898).sin() * 43_758.547;
        let value = |i: usize| to_f32(noise(i).fract() / (1.0 + i as f64) + 0.3);
        Embedding::normalize((0..DIMENSION).map(value).collect::<Vec<_>>()).unwrap()
    }

    fn background() -> Background {
        let corpus: Vec<Embedding> = (0..300).map(embedding).collect();
        Background::estimate(DIMENSION, &corpus)
    }

    fn examples(n: usize) -> Vec<Example> {
        let grades = [1.0, -1.0, -1.0, 0.5, -1.0, 0.0];
        let label = |i: usize| Label::new(grades[i % grades.len()]).unwrap();
        (0..n)
            .map(|i| Example { embedding: embedding(1000 + i), label: label(i), round: 1 })
            .collect()
    }

    #[test]
    fn at_the_most_probable_weights_the_gradient_is_zero() {
        let background = background();
        let prior = Prior::new(&Start::from_direction(embedding(7)), &background);
        // A number of terms that leaves some for a last, smaller group.
        let examples = examples(41);
        let examples: Vec<_> = examples.iter().map(|example| (example, 1.0)).collect();
        let design = Design::without(&[]);
        let terms = terms(&prior, &examples, &background, design);
        let freedom = freedom(&background, design);
        let taught = descent::most_probable(&terms, &background, freedom);
        let mut gradient: Vec<f64> = taught.weights.iter().map(|v| v / freedom).collect();
        for term in &terms {
            let centered = term.x.iter().zip(background.mean()).map(|(&x, mu)| f64::from(x) - mu);
            let y: Vec<f64> = centered.collect();
            let logit = term.offset + taught.bias + dot(&taught.weights, &y);
            let slope = term.weight * (crate::linear::sigmoid(logit) - term.target);
            gradient.iter_mut().zip(y).for_each(|(g, y)| *g += slope * y);
        }
        let scale = taught.weights.iter().map(|v| (v / freedom).abs()).fold(0.0, f64::max);
        assert!(gradient.iter().all(|g| g.abs() < 2e-2 * scale), "{gradient:?} of {scale}");
    }

    #[test]
    fn both_sides_have_the_same_say_and_together_as_much_as_without() {
        let balance = Balance::new(2.0, 18.0);
        assert!((2.0 * balance.weight(1.0) + 18.0 * balance.weight(0.0) - 20.0).abs() < 1e-12);
        assert!(balance.weight(1.0) > balance.weight(0.5));
        assert!(balance.weight(0.5) > balance.weight(0.0));
        let alone = Balance::new(0.0, 5.0);
        assert!((alone.weight(0.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_labels_the_corpus_is_below_the_boundary() {
        let background = background();
        let start = Start::from_direction(embedding(7));
        let classifier = fit(&start, &[], &background, Design::without(&[]));
        let rows = background.sample().rows();
        let above =
            rows.filter(|x| dot(classifier.weights(), x) + f64::from(classifier.bias()) > 0.0);
        assert_eq!(above.count(), 0);
    }
}
