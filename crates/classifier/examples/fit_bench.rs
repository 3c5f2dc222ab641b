//! Measures a fit with 500 labels of 512 dimensions, calibration included, over a background that
//! was estimated before. Prints one JSON object a line: the median, in milliseconds.

#![expect(clippy::print_stdout, reason = "measurements are the output")]

use std::{error::Error, hint::black_box, time::Instant};

use linprobe_classifier::{Background, Example, Label, Method, Start, fit};
use linprobe_core::{Embedding, NotAnEmbedding};
use serde_json::json;

const DIMENSION: usize = 512;
const N_LABELS: usize = 500;
const N_CORPUS: usize = 4000;
const N_RUNS: usize = 21;

fn main() -> Result<(), Box<dyn Error>> {
    let corpus: Vec<Embedding> = (0..N_CORPUS).map(embedding).collect::<Result<_, _>>()?;
    let background = Background::estimate(DIMENSION, &corpus);
    let start = Start::from_direction(embedding(N_CORPUS)?);
    let examples: Vec<Example> = corpus.into_iter().take(N_LABELS).zip(0..).map(example).collect();
    let mut times = Vec::with_capacity(N_RUNS);
    for _ in 0..N_RUNS {
        let begun = Instant::now();
        black_box(fit(&start, black_box(&examples), &background, &Method::default())?);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let line = json!({
        "bench": "learn/fit-500x512-ms", "value": times[N_RUNS / 2], "unit": "ms",
        "peer": "none", "peer_value": null, "ratio": null,
    });
    println!("{line}");
    Ok(())
}

/// One label in five is positive, ten a round.
fn example((embedding, i): (Embedding, u32)) -> Example {
    let label = if i % 5 == 0 { Label::RELEVANT } else { Label::IRRELEVANT };
    Example { embedding, label, round: i / 10 + 1 }
}

/// Spread over the sphere, within a cone.
fn embedding(row: usize) -> Result<Embedding, NotAnEmbedding> {
    let noise = |i: usize| ((row * 131 + i * 17) as f32 * 12.9898).sin() * 43_758.547;
    let value = |i: usize| noise(i).fract() + if i == 0 { 5.0 } else { 0.0 };
    Embedding::normalize((0..DIMENSION).map(value).collect::<Vec<_>>())
}
