//! Where the boundary falls: a concept of 1 % in a corpus of 6,000, labelled from the top.

use linprobe_classifier::{
    Background, Confusion, Example, Label, LinearClassifier, Method, Scored, Start, fit,
};

use crate::world::{DIMENSION, World};

struct Loop {
    world: World,
    background: Background,
    examples: Vec<Example>,
    labelled: Vec<usize>,
}

impl Loop {
    fn new() -> Self {
        let world = World::new(6000, 60);
        let background = Background::estimate(DIMENSION, &world.corpus);
        Self { world, background, examples: Vec::new(), labelled: Vec::new() }
    }

    fn fit(&self) -> LinearClassifier {
        let start = Start::from_direction(self.world.query.clone());
        fit(&start, &self.examples, &self.background, &Method::default()).unwrap()
    }

    /// Labels the highest scores that have no label.
    fn round(&mut self, k: usize) {
        let classifier = self.fit();
        let mut order: Vec<usize> =
            (0..self.world.corpus.len()).filter(|i| !self.labelled.contains(i)).collect();
        order.sort_by(|&a, &b| {
            let score = |i: usize| classifier.score(&self.world.corpus[i]);
            score(b).total_cmp(&score(a))
        });
        let round = u32::try_from(self.labelled.len() / k).unwrap() + 1;
        for &i in &order[..k] {
            self.examples.push(self.world.example(i, round));
            self.labelled.push(i);
        }
    }

    fn decisions(&self) -> Confusion {
        let classifier = self.fit();
        let scored: Vec<Scored> = (0..self.world.corpus.len())
            .map(|i| Scored {
                score: classifier.score(&self.world.corpus[i]),
                relevant: self.world.is_relevant(i),
            })
            .collect();
        Confusion::at(0.0, &scored)
    }

    fn n_above(&self) -> u64 {
        let decisions = self.decisions();
        decisions.true_positives + decisions.false_positives
    }
}

#[test]
fn without_labels_few_records_are_above_the_boundary() {
    assert!(Loop::new().n_above() <= 60);
}

#[test]
fn after_some_labels_the_boundary_finds_the_concept() {
    let mut play = Loop::new();
    play.round(5);
    assert!((1..=300).contains(&play.n_above()), "{} above after 5", play.n_above());
    (0..5).for_each(|_| play.round(5));
    assert!(play.decisions().f1() > 0.7, "{:?} after 30", play.decisions());
    (0..4).for_each(|_| play.round(5));
    assert!(play.decisions().f1() > 0.7, "{:?} after 50", play.decisions());
}

#[test]
fn labels_that_are_all_alike_do_not_drive_the_boundary_away() {
    let mut play = Loop::new();
    (0..4).for_each(|_| play.round(10));
    for label in [Label::RELEVANT, Label::IRRELEVANT] {
        play.examples.iter_mut().for_each(|example| example.label = label);
        assert!(play.n_above() < 600, "{} above, all {label:?}", play.n_above());
    }
}
