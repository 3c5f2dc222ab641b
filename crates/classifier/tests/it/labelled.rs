//! What the fit of labels alone promises: counts are repetitions, and every choice of labels has an answer.

use linprobe_classifier::{
    Background, Counted, Example, Label, LabelledParams, LinearClassifier, UnfitLabels,
    fit_labelled,
};
use linprobe_core::Embedding;

use crate::world::{DIMENSION, World};

fn counted(example: Example, count: f64) -> Counted {
    Counted { example, count }
}

/// Every fifth record of a world is relevant.
fn world() -> (World, Vec<Example>) {
    let world = World::new(200, 40);
    let examples = (0..100).map(|i| world.example(if i % 5 == 0 { i / 5 } else { 40 + i }, 1));
    let examples = examples.collect();
    (world, examples)
}

fn fit(examples: &[Counted]) -> LinearClassifier {
    fit_labelled(examples, None, LabelledParams::default()).unwrap()
}

fn differ(a: &LinearClassifier, b: &LinearClassifier) -> f32 {
    let weights = a.weights().iter().zip(b.weights());
    let largest = a.weights().iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
    let apart = weights.map(|(a, b)| (a - b).abs()).fold((a.bias() - b.bias()).abs(), f32::max);
    apart / largest
}

#[test]
fn labels_alone_tell_the_rest_of_the_records_apart() {
    let (world, examples) = world();
    let corpus = Background::estimate(DIMENSION, &world.corpus);
    let examples: Vec<Counted> = examples.into_iter().map(|e| counted(e, 1.0)).collect();
    let held_out = (20..40).chain(140..200);
    for background in [None, Some(&corpus)] {
        let fitted = fit_labelled(&examples, background, LabelledParams::default()).unwrap();
        let right = |&i: &usize| (fitted.score(&world.corpus[i]) > 0.0) == world.is_relevant(i);
        let n_right = held_out.clone().filter(right).count();
        assert!(n_right >= 76, "{n_right} of 80");
    }
}

#[test]
fn an_example_that_counts_for_n_is_worth_n_examples() {
    let (_, examples) = world();
    let count = |i: usize| i % 4;
    let weighed: Vec<Counted> =
        examples.iter().enumerate().map(|(i, e)| counted(e.clone(), count(i) as f64)).collect();
    let repeated: Vec<Counted> = examples
        .iter()
        .enumerate()
        .flat_map(|(i, e)| (0..count(i)).map(|_| counted(e.clone(), 1.0)))
        .collect();
    let apart = differ(&fit(&weighed), &fit(&repeated));
    assert!(apart < 1e-5, "{apart}");
}

#[test]
fn what_counts_for_nothing_is_not_there_and_order_does_not_matter() {
    let (_, examples) = world();
    let mut all: Vec<Counted> =
        (0..).zip(examples).map(|(i, e)| counted(e, f64::from(i % 3))).collect();
    let there: Vec<Counted> = all.iter().filter(|c| c.count > 0.0).cloned().collect();
    let fitted = fit(&there);
    assert_eq!(fit(&all), fitted);
    all.reverse();
    assert_eq!(fit(&all), fitted);
}

#[test]
fn more_freedom_leaves_the_start_further_behind() {
    let (_, examples) = world();
    let examples: Vec<Counted> = examples.into_iter().map(|e| counted(e, 1.0)).collect();
    let at = |freedom| fit_labelled(&examples, None, LabelledParams { freedom }).unwrap();
    let (timid, usual, bold) = (at(1e-6), at(5.0), at(500.0));
    let turned = |fitted: &LinearClassifier| timid.cosine(fitted).unwrap();
    assert!(turned(&bold) < turned(&usual) && turned(&usual) < 0.999);
}

#[test]
fn relevant_records_that_lie_where_all_lie_give_a_finite_classifier() {
    let x = Embedding::normalize(vec![1.0, 2.0]).unwrap();
    let example = |label| Example { embedding: x.clone(), label, round: 0 };
    let examples = [Label::RELEVANT, Label::IRRELEVANT, Label::IRRELEVANT];
    let fitted = fit(&examples.map(|label| counted(example(label), 1.0)));
    assert!(fitted.score(&x).is_finite());
    assert!(fit(&[counted(example(Label::RELEVANT), 1.0)]).score(&x) > 0.0);
}

#[test]
fn what_does_not_fit_is_named() {
    let (world, examples) = world();
    let relevant = || counted(examples[0].clone(), 1.0);
    let refused = |examples: &[Counted], corpus: Option<&Background>| {
        fit_labelled(examples, corpus, LabelledParams::default()).unwrap_err()
    };
    let irrelevant = counted(examples[1].clone(), 1.0);
    assert_eq!(refused(&[irrelevant], None), UnfitLabels::NothingRelevant);
    assert_eq!(refused(&[], None), UnfitLabels::NothingRelevant);
    let negative = counted(examples[1].clone(), -1.0);
    let found = refused(&[relevant(), negative], None);
    assert_eq!(found, UnfitLabels::Count { position: 1, count: -1.0 });
    let corpus = Background::estimate(3, &world.corpus);
    let found = refused(&[relevant()], Some(&corpus));
    assert_eq!(found, UnfitLabels::Dimension { position: 0, expected: 3, found: DIMENSION });
    let freedom = LabelledParams { freedom: 0.0 };
    let found = fit_labelled(&[relevant()], None, freedom).unwrap_err();
    assert_eq!(found, UnfitLabels::Freedom { freedom: 0.0 });
}
