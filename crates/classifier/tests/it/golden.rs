//! What torch and scikit-learn make of the same numbers: see `fixtures/classifier/generate.py`.

use linprobe_classifier::{
    ArticleParams, Background, Confusion, Example, Label, Method, Scored, Start, average_precision,
    brier_score, fit,
};
use linprobe_core::Embedding;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    trajectories: Vec<Trajectory>,
    metrics: Vec<Metrics>,
    fits: Fits,
}

#[derive(Deserialize)]
struct Fits {
    start: Vec<f32>,
    examples: Vec<GoldenExample>,
    corpus: Vec<Vec<f32>>,
    methods: Vec<Head>,
}

#[derive(Deserialize)]
struct Head {
    name: String,
    weights: Vec<f32>,
    bias: f32,
}

#[derive(Deserialize)]
struct Trajectory {
    learning_rate: f64,
    start: Vec<f32>,
    examples: Vec<GoldenExample>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct GoldenExample {
    embedding: Vec<f32>,
    label: f32,
}

#[derive(Deserialize)]
struct Step {
    weights: Vec<f32>,
    bias: f32,
}

#[derive(Deserialize)]
struct Metrics {
    name: String,
    scores: Vec<f32>,
    probabilities: Vec<f32>,
    relevant: Vec<bool>,
    threshold: f32,
    average_precision: f64,
    brier_score: f64,
    precision: f64,
    recall: f64,
    f1: f64,
}

fn golden() -> Golden {
    let text = include_str!("../../../../fixtures/classifier/golden.json");
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_article_takes_the_steps_that_torch_takes() {
    for trajectory in golden().trajectories {
        let start = Start::from_direction(Embedding::normalize(trajectory.start).unwrap());
        let background = Background::estimate(start.direction().dimension(), []);
        let examples: Vec<Example> = trajectory.examples.into_iter().map(example).collect();
        assert_eq!(trajectory.steps.len(), 50);
        for (step, iterations) in trajectory.steps.iter().zip(1..) {
            let params = ArticleParams::new(trajectory.learning_rate, iterations).unwrap();
            let fitted = fit(&start, &examples, &background, &Method::Article(params)).unwrap();
            for (ours, theirs) in fitted.weights().iter().zip(&step.weights) {
                assert!((ours - theirs).abs() < 1e-5, "step {iterations}: {ours}, {theirs}");
            }
            assert!((fitted.bias() - step.bias).abs() < 1e-5, "step {iterations}");
        }
    }
}

#[test]
fn methods_find_what_the_programs_of_their_authors_find() {
    let Fits { start, examples, corpus, methods } = golden().fits;
    let start = Start::from_direction(Embedding::normalize(start).unwrap());
    let embed = |row| Embedding::normalize(row).unwrap();
    let corpus: Vec<Embedding> = corpus.into_iter().map(embed).collect();
    let background = Background::estimate(start.direction().dimension(), &corpus);
    let examples: Vec<Example> = examples.into_iter().map(example).collect();
    assert_eq!(methods.len(), 5);
    for Head { name, weights, bias } in methods {
        let fitted = fit(&start, &examples, &background, &name.parse().unwrap()).unwrap();
        for (ours, theirs) in fitted.weights().iter().zip(&weights) {
            assert!((ours - theirs).abs() < 1e-4, "{name}: {ours}, {theirs}");
        }
        assert!((fitted.bias() - bias).abs() < 1e-4, "{name}: {}, {bias}", fitted.bias());
    }
}

fn example(golden: GoldenExample) -> Example {
    let embedding = Embedding::normalize(golden.embedding).unwrap();
    Example { embedding, label: Label::new(golden.label).unwrap(), round: 1 }
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    for golden in golden().metrics {
        let scored = pair(&golden.scores, &golden.relevant);
        let counts = Confusion::at(golden.threshold, &scored);
        let probabilities = pair(&golden.probabilities, &golden.relevant);
        for (ours, theirs) in [
            (average_precision(&scored), golden.average_precision),
            (brier_score(&probabilities), golden.brier_score),
            (counts.precision(), golden.precision),
            (counts.recall(), golden.recall),
            (counts.f1(), golden.f1),
        ] {
            assert!((ours - theirs).abs() < 1e-12, "{}: {ours}, {theirs}", golden.name);
        }
    }
}

fn pair(scores: &[f32], relevant: &[bool]) -> Vec<Scored> {
    let pairs = scores.iter().zip(relevant);
    pairs.map(|(&score, &relevant)| Scored { score, relevant }).collect()
}
