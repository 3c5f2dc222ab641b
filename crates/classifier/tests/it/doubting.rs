//! Labels that the others speak against, and those that they do not.

use linprobe_classifier::{Background, Doubt, DoubtReason, Example, Label, Method, Start, doubts};
use linprobe_core::Embedding;

use crate::world::{DIMENSION, World};

const N_RELEVANT: usize = 40;

struct Session {
    world: World,
    background: Background,
}

impl Session {
    fn new() -> Self {
        let world = World::new(800, N_RELEVANT);
        let background = Background::estimate(DIMENSION, &world.corpus);
        Self { world, background }
    }

    /// True labels of the first relevant records, and of irrelevant ones.
    fn examples(&self, n_relevant: usize, n_irrelevant: usize) -> Vec<Example> {
        let rows = (0..n_relevant).chain(N_RELEVANT..N_RELEVANT + n_irrelevant);
        rows.map(|row| self.world.example(row, 1)).collect()
    }

    fn doubts(&self, examples: &[Example]) -> Vec<Doubt> {
        let start = Start::from_direction(self.world.query.clone());
        doubts(&start, examples, &self.background, &Method::default()).unwrap()
    }
}

fn turn(example: &mut Example) {
    example.label = Label::new(-example.label.value()).unwrap();
}

#[test]
fn a_flipped_label_of_either_side_is_doubted() {
    let session = Session::new();
    for flipped in [3, 25] {
        let mut examples = session.examples(20, 20);
        turn(&mut examples[flipped]);
        let found = session.doubts(&examples);
        let doubt = found.iter().find(|doubt| doubt.example_idx == flipped);
        let Some(Doubt { reason: DoubtReason::Unexpected { probability }, .. }) = doubt else {
            panic!("{flipped} is not among {found:?}");
        };
        let says_relevant = flipped < 20;
        assert_eq!(*probability > 0.5, says_relevant, "{probability}");
    }
}

#[test]
fn true_labels_are_hardly_doubted() {
    let session = Session::new();
    assert!(session.doubts(&session.examples(20, 20)).len() <= 2);
}

#[test]
fn the_most_doubtful_label_comes_first_and_each_once() {
    let session = Session::new();
    let mut examples = session.examples(20, 20);
    for flipped in [2, 7, 30] {
        turn(&mut examples[flipped]);
    }
    let found = session.doubts(&examples);
    let surprise = |doubt: &Doubt| match doubt.reason {
        DoubtReason::Unexpected { probability } => {
            (probability - f64::from(examples[doubt.example_idx].label.grade())).abs()
        }
        DoubtReason::Contradicted { cosine, .. } => cosine,
    };
    assert!(found.is_sorted_by(|a, b| surprise(a) >= surprise(b)), "{found:?}");
    let mut named: Vec<usize> = found.iter().map(|doubt| doubt.example_idx).collect();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), found.len());
}

#[test]
fn few_labels_of_a_side_speak_against_nothing() {
    let session = Session::new();
    let mut examples = session.examples(2, 20);
    turn(&mut examples[10]);
    turn(&mut examples[0]);
    assert_eq!(session.doubts(&examples), []);
    assert_eq!(session.doubts(&[]), []);
}

#[test]
fn near_duplicates_with_opposite_labels_name_each_other() {
    let session = Session::new();
    let mut examples = session.examples(0, 4);
    let mut twin = examples[1].clone();
    let blurred: Vec<f32> = twin.embedding.as_slice().iter().map(|x| x + 0.01).collect();
    twin.embedding = Embedding::normalize(blurred).unwrap();
    turn(&mut twin);
    examples.push(twin);
    let found = session.doubts(&examples);
    let pairs: Vec<(usize, usize)> = found
        .iter()
        .filter_map(|doubt| match doubt.reason {
            DoubtReason::Contradicted { by_idx, cosine } if cosine > 0.95 => {
                Some((doubt.example_idx, by_idx))
            }
            _ => None,
        })
        .collect();
    assert_eq!(pairs, [(1, 4), (4, 1)], "{found:?}");
    // A record that nobody has decided on contradicts nothing.
    examples[4].label = Label::new(0.0).unwrap();
    assert_eq!(session.doubts(&examples), []);
}
