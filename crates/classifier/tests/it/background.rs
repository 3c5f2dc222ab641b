//! Mean and covariance of few and of many records.

use std::collections::HashMap;

use faer::{Mat, Scale};
use linprobe_classifier::{Background, BadBackground, Sample};
use linprobe_core::Embedding;
use safetensors::{Dtype, tensor::TensorView};

use crate::world::{DIMENSION, World};

fn estimate(embeddings: &[Embedding]) -> Background {
    Background::estimate(DIMENSION, embeddings)
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn mean_and_spread_are_those_of_the_corpus() {
    let corpus = World::new(3000, 30).corpus;
    let background = estimate(&corpus);
    let weights: Vec<f64> = (0..DIMENSION).map(|i| (i as f64).sin()).collect();
    let as_f32: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
    let scores: Vec<f64> = corpus.iter().map(|x| f64::from(x.dot(&as_f32))).collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let variance = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / scores.len() as f64;
    let projection = background.project(&weights);
    assert!((projection.mean - mean).abs() < 1e-6);
    assert!((projection.deviation - variance.sqrt()).abs() < 1e-6);
}

#[test]
fn whitening_stretches_the_directions_in_which_records_seldom_differ() {
    let mut noise = crate::world::Noise(1);
    let squeezed: Vec<Embedding> = (0..5000)
        .map(|_| {
            let mut values = noise.vector(1.0);
            values[0] *= 0.1;
            Embedding::normalize(values).unwrap()
        })
        .collect();
    let background = estimate(&squeezed);
    let axis = |i: usize| (0..DIMENSION).map(|j| f64::from(u8::from(i == j))).collect::<Vec<_>>();
    let (seldom, often) = (background.whiten(&axis(0)), background.whiten(&axis(1)));
    assert!(length(&seldom) > 2.0 * length(&often));
}

#[test]
fn any_number_of_records_will_do() {
    let corpus = World::new(60, 3).corpus;
    for n in [0, 1, 2, DIMENSION - 1, DIMENSION, 60] {
        let background = estimate(&corpus[..n]);
        let white = background.whiten(&[1.0; DIMENSION]);
        assert!(white.iter().all(|x| x.is_finite()), "{n}");
        let projection = background.project(&[1.0; DIMENSION]);
        assert!(projection.mean.is_finite() && projection.deviation > 0.0, "{n}");
    }
}

#[test]
fn records_that_are_all_the_same_give_a_ball() {
    let one = World::new(1, 0).corpus.remove(0);
    let background = estimate(&vec![one; 100]);
    let vector: Vec<f64> = (0..DIMENSION).map(|i| i as f64).collect();
    assert_eq!(background.whiten(&vector), vector);
    assert!(background.project(&vector).deviation > 0.0);
}

#[test]
fn a_background_that_is_written_and_read_is_the_same() {
    let background = estimate(&World::new(500, 5).corpus);
    let bytes = background.to_bytes().unwrap();
    let again = Background::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes().unwrap(), bytes);
    assert_eq!(again.n_points(), 500);
    assert_eq!(again.sample(), background.sample());
    let vector = vec![0.5; DIMENSION];
    assert_eq!(again.whiten(&vector), background.whiten(&vector));
}

#[test]
fn a_background_of_no_records_is_written_and_read() {
    let bytes = estimate(&[]).to_bytes().unwrap();
    assert_eq!(Background::from_bytes(&bytes).unwrap().sample().n_rows(), 0);
}

#[test]
fn a_file_without_a_sample_is_refused_so_that_it_is_made_again() {
    let (mean, covariance) = ([0; 8], [0; 8]);
    let tensors = [("mean", vec![1], &mean), ("covariance", vec![1, 1], &covariance)]
        .map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F64, shape, bytes).unwrap()));
    let metadata = HashMap::from([("n_points".to_owned(), "7".to_owned())]);
    let bytes = safetensors::serialize(tensors, Some(metadata)).unwrap();
    let refused = Background::from_bytes(&bytes).unwrap_err();
    assert!(matches!(refused, BadBackground::Format(_)), "{refused:?}");
}

#[test]
fn bytes_that_are_no_background_are_refused() {
    let bytes = estimate(&World::new(50, 5).corpus).to_bytes().unwrap();
    assert!(Background::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Background::from_bytes(b"").is_err());
    let mut nan = bytes;
    let end = nan.len();
    nan[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    assert!(Background::from_bytes(&nan).is_err());
}

/// Made of one number each, so that thousands are cheap.
fn numbered(n: usize) -> Vec<Embedding> {
    (0..n).map(|i| Embedding::normalize([1.0, i as f32]).unwrap()).collect()
}

#[test]
fn a_small_corpus_is_its_own_sample() {
    let corpus = World::new(100, 5).corpus;
    let background = estimate(&corpus);
    let rows: Vec<&[f32]> = background.sample().rows().collect();
    assert_eq!(rows, corpus.iter().map(Embedding::as_slice).collect::<Vec<_>>());
}

#[test]
fn a_large_corpus_is_sampled_evenly_and_in_the_same_way_each_time() {
    let corpus = numbered(4 * Sample::CAPACITY);
    let sample = |n: usize| Background::estimate(2, &corpus[..n]).sample().clone();
    let drawn = sample(corpus.len());
    assert_eq!(drawn.n_rows(), Sample::CAPACITY);
    assert_eq!(drawn, sample(corpus.len()));
    let number = |row: &[f32]| f64::from(row[1] / row[0]);
    for quarter in 0..4_u8 {
        let own = f64::from(quarter)..f64::from(quarter) + 1.0 - 1e-6;
        let share = |row: &&[f32]| (number(row) + 1e-3) / Sample::CAPACITY as f64;
        let count = drawn.rows().filter(|row| own.contains(&share(row))).count();
        assert!((900..1150).contains(&count), "quarter {quarter} has {count}");
    }
}

#[test]
fn the_scores_of_the_sample_are_dot_products() {
    let background = estimate(&World::new(50, 5).corpus);
    let weights: Vec<f64> = (0..DIMENSION).map(|i| (i as f64).cos()).collect();
    let scores = background.sample().project(&weights);
    for (row, score) in background.sample().rows().zip(scores) {
        let sum: f64 = row.iter().zip(&weights).map(|(&x, w)| f64::from(x) * w).sum();
        assert!((score - sum).abs() < 1e-12);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn centered(background: &Background, embedding: &Embedding) -> Vec<f64> {
    let pairs = embedding.as_slice().iter().zip(background.mean());
    pairs.map(|(&x, mu)| f64::from(x) - mu).collect()
}

#[test]
fn directions_have_the_cosines_of_the_whitened_metric() {
    let corpus = World::new(400, 20).corpus;
    for background in [estimate(&corpus), estimate(&[])] {
        let rows: Vec<&[f32]> = corpus[..7].iter().map(Embedding::as_slice).collect();
        let directions = background.directions(&rows);
        let white = |i: usize, j: usize| {
            let [a, b] = [i, j].map(|row| centered(&background, &corpus[row]));
            dot(&a, &background.whiten(&b))
        };
        for (j, cosines) in directions.cosines(&directions).iter().enumerate() {
            for (i, &cosine) in cosines.iter().enumerate() {
                let expected = white(i, j) / (white(i, i) * white(j, j)).sqrt();
                assert!((f64::from(cosine) - expected).abs() < 1e-4, "{cosine} is {expected}");
            }
        }
    }
}

/// By the definition: all pairs, of which one is among the ten nearest of the other.
fn neighbour_covariance_of(corpus: &[Embedding]) -> Mat<f64> {
    let n = corpus.len();
    let cosines = Mat::from_fn(n, n, |i, j| f64::from(corpus[i].dot(corpus[j].as_slice())));
    let cosine = |i: usize, j: usize| cosines[(i, j)];
    let is_near =
        |i: usize, j: usize| (0..n).filter(|&k| k != i && cosine(i, k) > cosine(i, j)).count() < 10;
    let (mut sum, mut strengths) = (Mat::zeros(DIMENSION, DIMENSION), 0.0);
    for (i, a) in corpus.iter().enumerate() {
        for (j, b) in corpus.iter().enumerate().skip(i + 1) {
            if !is_near(i, j) && !is_near(j, i) {
                continue;
            }
            let strength = ((cosine(i, j) - 1.0) / 0.03).exp();
            let difference = |k: usize| f64::from(a.as_slice()[k]) - f64::from(b.as_slice()[k]);
            sum +=
                Mat::from_fn(DIMENSION, DIMENSION, |k, l| strength * difference(k) * difference(l));
            strengths += strength;
        }
    }
    Scale(1.0 / strengths) * sum
}

#[test]
fn neighbours_differ_as_the_definition_says() {
    let corpus = World::new(300, 30).corpus;
    let background = estimate(&corpus);
    let (ours, expected) = (background.neighbour_covariance(), neighbour_covariance_of(&corpus));
    let size = expected.norm_max();
    assert!((ours - &expected).norm_max() < 1e-5 * size, "{}", (ours - &expected).norm_max());
}

#[test]
fn fewer_than_two_records_have_no_neighbours() {
    let corpus = World::new(2, 1).corpus;
    for n in [0, 1] {
        let covariance = estimate(&corpus[..n]).neighbour_covariance().clone();
        assert_eq!(covariance, Mat::<f64>::zeros(DIMENSION, DIMENSION), "{n}");
    }
    assert!(estimate(&corpus).neighbour_covariance().norm_max() > 0.0);
}
