//! Embeds the lines of standard input with the built-in encoder: writes f32 rows, little-endian, to
//! standard output. A line without an embedding is a row of zeros.
//!
//! `scripts/static_quality.py` measures the encoder through this program.

use std::{
    error::Error,
    io::{self, BufRead, BufWriter, Write},
};

use linprobe_core::{Content, Embedder};
use linprobe_embed::StaticEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let encoder = StaticEncoder::builtin()?;
    let mut output = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        for value in row(&encoder, line?)? {
            output.write_all(&value.to_le_bytes())?;
        }
    }
    output.flush()?;
    Ok(())
}

fn row(encoder: &StaticEncoder, line: String) -> Result<Vec<f32>, Box<dyn Error>> {
    let zeros = vec![0.0; encoder.model().dimension];
    let Ok(input) = encoder.process(&Content::Text(line)) else { return Ok(zeros) };
    let embedding = encoder.embed(&[input])?.pop().and_then(Result::ok);
    Ok(embedding.map_or(zeros, |embedding| embedding.as_slice().to_vec()))
}
