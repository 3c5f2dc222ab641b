//! Measures a fit with the default method over a background that was estimated before, on one
//! core. Prints one JSON object a line: the median, in milliseconds.

#![expect(clippy::print_stdout, reason = "measurements are the output")]

use std::{error::Error, hint::black_box, time::Instant};

use linprobe_classifier::{Background, Example, Label, Method, Start, fit};
use linprobe_core::{Embedding, NotAnEmbedding};
use serde_json::json;

const DIMENSION: usize = 768;
const N_CORPUS: usize = 4000;
const N_RUNS: usize = 21;

/// The numbers of labels that are timed.
const N_LABELS: [usize; 3] = [100, 500, 1000];

fn main() -> Result<(), Box<dyn Error>> {
    let corpus: Vec<Embedding> = (0..N_CORPUS).map(embedding).collect::<Result<_, _>>()?;
    let background = Background::estimate(DIMENSION, &corpus);
    let start = Start::from_direction(embedding(N_CORPUS)?);
    let examples: Vec<Example> = corpus.into_iter().zip(0..).map(example).collect();
    for n_labels in N_LABELS {
        let milliseconds = median_fit(&start, &examples[..n_labels], &background)?;
        let line = json!({
            "bench": format!("learn/fit-{n_labels}x{DIMENSION}-ms"), "value": milliseconds, "unit": "ms",
            "peer": null, "peer_value": null, "ratio": null,
        });
        println!("{line}");
    }
    Ok(())
}

fn median_fit(
    start: &Start,
    examples: &[Example],
    background: &Background,
) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::with_capacity(N_RUNS);
    for _ in 0..N_RUNS {
        let begun = Instant::now();
        black_box(fit(start, black_box(examples), background, &Method::default())?);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[N_RUNS / 2])
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
