//! The laboratory plays by its own rules: a split that a seed names, and players that differ.

use std::collections::BTreeSet;

use linprobe_classifier::{ArticleParams, Method, Start};
use linprobe_core::{Embedding, Point, RecordId};
use linprobe_session::{Laboratory, Player, Trial};

const DIMENSION: usize = 16;

/// 1,000 points in a cone, of which 30 share a direction.
fn points() -> Vec<Point> {
    (0..1000)
        .map(|row| {
            let noise = |j: usize| ((row * 31 + j * 17) as f32 * 12.9898).sin() * 43_758.547;
            let value = |j: usize| {
                let cone = if j == 0 { 1.5 } else { 0.0 };
                let concept = if j == 1 && row < 30 { 1.8 } else { 0.0 };
                cone + concept + noise(j).fract()
            };
            let values: Vec<f32> = (0..DIMENSION).map(value).collect();
            let embedding = Embedding::normalize(values).unwrap();
            Point { id: RecordId::from_row(row as u64), embedding }
        })
        .collect()
}

fn relevant() -> BTreeSet<RecordId> {
    (0..30).map(RecordId::from_row).collect()
}

fn start() -> Start {
    let toward = |j: usize| if j == 1 { 1.0 } else { 0.15 };
    let values: Vec<f32> = (0..DIMENSION).map(toward).collect();
    Start::from_direction(Embedding::normalize(values).unwrap())
}

fn laboratory(seed: u64) -> Laboratory {
    Laboratory::new(DIMENSION, points(), seed)
}

const METHOD: Method = Method::WhitenedRocchio;

#[test]
fn one_point_in_five_is_held_out_and_a_seed_names_the_split() {
    let (one, same, other) = (laboratory(1), laboratory(1), laboratory(2));
    assert_eq!((one.pool().len(), one.held_out().len()), (800, 200));
    assert_eq!(one.held_out(), same.held_out());
    assert_ne!(one.held_out(), other.held_out());
    let ids: BTreeSet<_> = one.pool().iter().chain(one.held_out()).map(|point| &point.id).collect();
    assert_eq!(ids.len(), 1000);
}

#[test]
fn curves_count_labels_and_finds_round_by_round() {
    let (laboratory, start, relevant) = (laboratory(1), start(), relevant());
    let trial = Trial { start: &start, relevant: &relevant, n_rounds: 3, per_round: 10 };
    let curve = laboratory.play(&trial, Player::Method(METHOD)).unwrap();
    let labels: Vec<usize> = curve.points.iter().map(|point| point.n_labels).collect();
    assert_eq!(labels, [0, 10, 20, 30]);
    assert_eq!(curve.found.len(), curve.points[3].n_found);
    assert!(curve.found.iter().all(|id| relevant.contains(id)));
    let distinct: BTreeSet<_> = curve.found.iter().collect();
    assert_eq!(distinct.len(), curve.found.len());
}

#[test]
fn feedback_beats_none_and_the_top_beats_random_order() {
    let (laboratory, start, relevant) = (laboratory(1), start(), relevant());
    let trial = Trial { start: &start, relevant: &relevant, n_rounds: 4, per_round: 10 };
    let players = [
        Player::Method(METHOD),
        Player::RandomOrder(METHOD),
        Player::NoFeedback,
        Player::Method(Method::Article(ArticleParams::default())),
    ];
    let curves = laboratory.compare(&trial, &players).unwrap();
    let players_back: Vec<Player> = curves.iter().map(|curve| curve.player).collect();
    assert_eq!(players_back, players);
    let last = |i: usize| curves[i].points[4];
    assert!(last(0).held_out_ap >= last(2).held_out_ap);
    assert!(last(0).n_found > last(1).n_found);
    assert_eq!(last(2).held_out_ap.to_bits(), curves[2].points[0].held_out_ap.to_bits());
    assert!(last(0).held_out.f1() > 0.5, "{:?}", last(0).held_out);
}

#[test]
fn a_game_ends_when_the_pool_is_empty() {
    let laboratory = Laboratory::new(DIMENSION, points().split_off(985), 1);
    let (start, relevant) = (start(), relevant());
    let trial = Trial { start: &start, relevant: &relevant, n_rounds: 10, per_round: 5 };
    let curve = laboratory.play(&trial, Player::Method(METHOD)).unwrap();
    let labels: Vec<usize> = curve.points.iter().map(|point| point.n_labels).collect();
    assert_eq!(labels, [0, 5, 10, 12]);
}
