//! Mean and covariance of few and of many records.

use linprobe_classifier::Background;
use linprobe_core::Embedding;

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
    let vector = vec![0.5; DIMENSION];
    assert_eq!(again.whiten(&vector), background.whiten(&vector));
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
