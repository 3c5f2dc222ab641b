//! What a fit promises whatever the method and the labels.

use std::collections::BTreeSet;

use linprobe_classifier::{
    ArticleParams, ArticleRepair, Background, Example, Label, LinearClassifier, Method, Start, fit,
};
use linprobe_core::Embedding;
use proptest::prelude::*;

use crate::world::{DIMENSION, World};

fn is_finite(classifier: &LinearClassifier) -> bool {
    classifier.weights().iter().all(|w| w.is_finite()) && classifier.bias().is_finite()
}

fn label(value: f32) -> Label {
    Label::new(value).unwrap()
}

/// Fits labels of the first records of a world.
fn fit_labels(method: &Method, labels: &[f32]) -> LinearClassifier {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let examples: Vec<Example> = labels
        .iter()
        .zip(&world.corpus)
        .map(|(&value, x)| Example { embedding: x.clone(), label: label(value), round: 1 })
        .collect();
    fit(&Start::from_direction(world.query.clone()), &examples, &background, method).unwrap()
}

#[test]
fn any_labels_give_a_finite_classifier() {
    let cases: [&[f32]; 7] =
        [&[], &[1.0], &[-1.0], &[0.0], &[1.0; 30], &[-1.0; 30], &[0.0, 0.3, -0.7, 1.0, -1.0]];
    for method in Method::ALL {
        for labels in cases {
            assert!(is_finite(&fit_labels(&method, labels)), "{method} {labels:?}");
        }
    }
}

#[test]
fn contradictory_labels_of_one_record_give_a_finite_classifier() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(world.query.clone());
    let said =
        |value| Example { embedding: world.corpus[0].clone(), label: label(value), round: 1 };
    for method in Method::ALL {
        let fitted =
            fit(&start, &[said(1.0), said(-1.0), said(1.0)], &background, &method).unwrap();
        assert!(is_finite(&fitted), "{method}");
    }
}

#[test]
fn a_start_that_the_labels_cancel_out_stays() {
    let start = Embedding::normalize(vec![1.0, 0.0]).unwrap();
    let opposite = Embedding::normalize(vec![-1.0, 0.0]).unwrap();
    let background = Background::estimate(2, []);
    let examples: Vec<Example> = [1.0, -1.0]
        .map(|value| Example { embedding: opposite.clone(), label: label(value), round: 1 })
        .into();
    let from = Start::from_direction(start);
    let fitted = fit(&from, &examples, &background, &Method::Rocchio).unwrap();
    assert!(fitted.weights()[0] > 0.0);
}

#[test]
fn a_zero_label_does_not_turn_the_direction() {
    let methods = [
        Method::WhitenedRocchio,
        Method::Rocchio,
        Method::BackgroundLda,
        Method::LinearSvc,
        Method::Logistic,
        Method::WeakNegatives,
    ];
    for method in methods {
        let (none, zero) = (fit_labels(&method, &[]), fit_labels(&method, &[0.0]));
        let ratio = none.weights()[0] / zero.weights()[0];
        for (a, b) in none.weights().iter().zip(zero.weights()) {
            assert!((a - b * ratio).abs() < 1e-4 * a.abs().max(1e-3), "{method}");
        }
    }
}

#[test]
fn a_lone_timid_label_turns_the_direction_less_than_a_sure_one() {
    let turned = |value: f32| {
        let (none, one) =
            (fit_labels(&Method::Rocchio, &[]), fit_labels(&Method::Rocchio, &[value]));
        let unit = |c: &LinearClassifier| Embedding::normalize(c.weights()).unwrap();
        1.0 - unit(&none).dot(unit(&one).as_slice())
    };
    assert!(turned(0.25) > 0.0);
    assert!(turned(0.25) < turned(1.0));
}

#[test]
fn with_no_labels_the_fit_of_a_head_is_the_head() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let head = LinearClassifier::new(vec![0.5_f32; DIMENSION], -2.5).unwrap();
    let start = Start::from_head(head.clone()).unwrap();
    for method in Method::ALL {
        assert_eq!(fit(&start, &[], &background, &method).unwrap(), head, "{method}");
    }
}

#[test]
fn vectors_of_another_model_are_refused() {
    let world = World::new(10, 1);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(Embedding::normalize(vec![1.0; 3]).unwrap());
    let refused = fit(&start, &[], &background, &Method::default()).unwrap_err();
    assert_eq!((refused.expected, refused.found), (DIMENSION, 3));
}

#[test]
fn the_article_learns_from_the_latest_round_last() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(world.query.clone());
    let method = Method::Article(ArticleParams::default());
    let first: Vec<Example> = (0..5).map(|i| world.example(i, 1)).collect();
    let second: Vec<Example> = (100..105).map(|i| world.example(i, 2)).collect();
    let after_one = fit(&start, &first, &background, &method).unwrap();
    let continued = Start::from_head(after_one).unwrap();
    let expected = fit(&continued, &second, &background, &method).unwrap();
    let both = fit(&start, &[first, second].concat(), &background, &method).unwrap();
    for (a, b) in both.weights().iter().zip(expected.weights()) {
        assert!((a - b).abs() < 1e-6);
    }
}

#[test]
fn a_method_is_read_by_the_name_that_it_writes() {
    for name in Method::NAMES {
        assert_eq!(name.parse::<Method>().unwrap().to_string(), name);
    }
    assert_eq!(Method::NAMES[0].parse::<Method>().unwrap(), Method::default());
    let unknown = "svm".parse::<Method>().unwrap_err().to_string();
    assert!(unknown.contains("hint: one of map-logistic"), "{unknown}");
}

#[test]
fn no_two_methods_share_a_name() {
    let names: BTreeSet<&str> = Method::NAMES.into();
    assert_eq!(names.len(), Method::ALL.len());
}

/// The mean score of the relevant records less that of the irrelevant ones.
fn gap(classifier: &LinearClassifier, examples: &[Example]) -> f32 {
    let mean = |belongs: fn(Label) -> bool| {
        let side: Vec<&Example> = examples.iter().filter(|e| belongs(e.label)).collect();
        side.iter().map(|e| classifier.score(&e.embedding)).sum::<f32>() / side.len() as f32
    };
    mean(Label::is_positive) - mean(Label::is_negative)
}

#[test]
fn what_is_relevant_scores_above_what_is_not() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(world.query.clone());
    let examples: Vec<Example> = (0..40).map(|i| world.example(i, 1)).collect();
    for method in Method::ALL {
        let fitted = fit(&start, &examples, &background, &method).unwrap();
        assert!(gap(&fitted, &examples) > 0.0, "{method}");
        let unseen: Vec<Example> = (10..20).chain(40..400).map(|i| world.example(i, 1)).collect();
        assert!(gap(&fitted, &unseen) > 0.0, "{method}, of other records");
    }
}

#[test]
fn labels_that_are_given_twice_say_the_same_thing() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(world.query.clone());
    let once: Vec<Example> = (15..35).map(|i| world.example(i, 1)).collect();
    let twice = [once.clone(), once.clone()].concat();
    for method in Method::ALL {
        let unit = |examples: &[Example]| {
            let fitted = fit(&start, examples, &background, &method).unwrap();
            Embedding::normalize(fitted.weights()).unwrap()
        };
        let cosine = unit(&once).dot(unit(&twice).as_slice());
        assert!(cosine > 0.9, "{method}: {cosine}");
    }
}

#[test]
fn methods_that_need_both_sides_keep_the_start_while_they_have_one() {
    let world = World::new(400, 20);
    let query = &world.query;
    for (method, labels) in [
        (Method::Logistic, [1.0; 5]),
        (Method::Logistic, [-1.0; 5]),
        (Method::LinearSvc, [-1.0; 5]),
        (Method::WeakNegatives, [-1.0; 5]),
        (Method::BackgroundLda, [-1.0; 5]),
    ] {
        let direction = Embedding::normalize(fit_labels(&method, &labels).weights()).unwrap();
        assert!(direction.dot(query.as_slice()) > 1.0 - 1e-5, "{method}");
    }
}

#[test]
fn unlabelled_records_are_negatives_where_no_label_is() {
    let world = World::new(400, 20);
    for method in [Method::LinearSvc, Method::WeakNegatives] {
        let fitted = fit_labels(&method, &[1.0; 5]);
        let mean = |range: std::ops::Range<usize>| {
            let n = range.len() as f32;
            range.map(|i| fitted.score(&world.corpus[i])).sum::<f32>() / n
        };
        assert!(mean(5..20) > mean(20..400), "{method}");
    }
}

#[test]
fn seesaw_without_labels_that_differ_stays_near_its_query() {
    let world = World::new(400, 20);
    let fitted = fit_labels(&Method::SeeSaw, &[1.0; 30]);
    let direction = Embedding::normalize(fitted.weights()).unwrap();
    assert!(direction.dot(world.query.as_slice()) > 0.9);
}

#[test]
fn the_prior_on_neighbours_shrinks_their_differences() {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let labels: Vec<f32> = (0..40_u8).map(|i| if i < 20 { 1.0 } else { -1.0 }).collect();
    let spread = |method: &Method| {
        let fitted = fit_labels(method, &labels);
        let unit = Embedding::normalize(fitted.weights()).unwrap();
        let covariance = background.neighbour_covariance();
        let at = |i: usize| f64::from(unit.as_slice()[i]);
        (0..DIMENSION)
            .flat_map(|i| (0..DIMENSION).map(move |j| (i, j)))
            .map(|(i, j)| at(i) * covariance[(i, j)] * at(j))
            .sum::<f64>()
    };
    let (with, without) = (spread(&Method::SeeSawNeighbours), spread(&Method::SeeSaw));
    assert!(with < 0.95 * without, "{with}, {without}");
}

/// The weights after two rounds of five labels, of which the first are relevant.
fn after_two_rounds(method: &Method) -> LinearClassifier {
    let world = World::new(400, 20);
    let background = Background::estimate(DIMENSION, &world.corpus);
    let start = Start::from_direction(world.query.clone());
    let rounds = (0..5).map(|i| (i, 1)).chain((100..105).map(|i| (i, 2)));
    let examples: Vec<Example> = rounds.map(|(i, round)| world.example(i, round)).collect();
    fit(&start, &examples, &background, method).unwrap()
}

#[test]
fn each_repair_of_the_article_does_what_it_says() {
    let length = |c: &LinearClassifier| c.weights().iter().map(|w| w * w).sum::<f32>().sqrt();
    let article = after_two_rounds(&Method::Article(ArticleParams::PUBLISHED));
    let repaired = |repair| after_two_rounds(&Method::RepairedArticle(repair));
    let normalized = repaired(ArticleRepair::Normalized);
    assert!((length(&normalized) - 1.0).abs() < 1e-6);
    assert!((length(&article) - 1.0).abs() > 0.1);
    // Five irrelevant labels with targets of -1 push harder than with targets of 0.
    assert!(repaired(ArticleRepair::Targets).bias() > article.bias());
    // The relevant labels of the first round still pull in the second.
    let world = World::new(400, 20);
    let score = |c: &LinearClassifier| c.score(&world.corpus[0]);
    assert!(score(&repaired(ArticleRepair::Cumulative)) > score(&article));
    let all = repaired(ArticleRepair::All);
    assert!((length(&all) - 1.0).abs() < 1e-6);
    assert!(all.bias() > normalized.bias());
}

#[test]
fn a_cumulative_article_is_the_article_while_there_is_one_round() {
    let cumulative = Method::RepairedArticle(ArticleRepair::Cumulative);
    let labels = [1.0, -1.0, 0.5, 1.0];
    let article = fit_labels(&Method::Article(ArticleParams::PUBLISHED), &labels);
    assert_eq!(fit_labels(&cumulative, &labels), article);
}

#[test]
fn the_parameters_of_the_article_are_checked() {
    for (learning_rate, iterations) in [(0.0, 5), (f64::NAN, 5), (-1.0, 5), (0.2, 0)] {
        assert!(ArticleParams::new(learning_rate, iterations).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_order_of_labels_does_not_matter(
        labels in prop::collection::vec((0_usize..60, -1.0_f32..=1.0, 1_u32..4), 1..20),
        rotation in 0_usize..20,
    ) {
        let world = World::new(60, 10);
        let background = Background::estimate(DIMENSION, &world.corpus);
        let start = Start::from_direction(world.query.clone());
        let mut examples: Vec<Example> = labels
            .iter()
            .map(|&(i, value, round)| Example {
                embedding: world.corpus[i].clone(), label: label(value), round
            })
            .collect();
        for method in Method::ALL {
            let before = fit(&start, &examples, &background, &method).unwrap();
            let n = examples.len();
            examples.rotate_left(rotation % n);
            examples.reverse();
            prop_assert_eq!(&fit(&start, &examples, &background, &method).unwrap(), &before);
        }
    }
}
