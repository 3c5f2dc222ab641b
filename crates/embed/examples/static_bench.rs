//! Measures the built-in encoder, tokenizer included, on two threads: the texts are the descriptions
//! of the demo's dataset. Prints one JSON line.

use std::{
    error::Error,
    hint::black_box,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use flate2::read::GzDecoder;
use linprobe_core::{Content, Embedder};
use linprobe_embed::StaticEncoder;

const N_THREADS: usize = 2;
const N_PASSES: usize = 20;

#[expect(clippy::print_stdout, reason = "the measurement is the output")]
fn main() -> Result<(), Box<dyn Error>> {
    let contents = contents(&dataset())?;
    let encoder = StaticEncoder::builtin()?;
    let mut times: Vec<Duration> = (0..N_PASSES).map(|_| pass(&encoder, &contents)).collect();
    times.sort_unstable();
    let median = times.get(N_PASSES / 2).ok_or("no pass was made")?;
    let rate = contents.len() as f64 / median.as_secs_f64();
    println!(
        r#"{{"bench":"embed/static-texts-per-s","value":{rate:.0},"unit":"texts/s","peer":null,"peer_value":null,"ratio":null}}"#
    );
    Ok(())
}

fn dataset() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/assets/debian-packages.csv.gz")
}

fn contents(path: &Path) -> Result<Vec<Content>, Box<dyn Error>> {
    let mut table = csv::Reader::from_reader(GzDecoder::new(std::fs::File::open(path)?));
    let texts = table.records().map(|row| Ok(row?.get(1).unwrap_or_default().to_owned()));
    texts.map(|text| text.map(Content::Text)).collect()
}

/// The time in which all contents are embedded, half on each thread.
fn pass(encoder: &StaticEncoder, contents: &[Content]) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for half in contents.chunks(contents.len().div_ceil(N_THREADS)) {
            scope.spawn(|| half.iter().for_each(|content| embed(encoder, content)));
        }
    });
    start.elapsed()
}

fn embed(encoder: &StaticEncoder, content: &Content) {
    if let Ok(input) = encoder.process(content) {
        black_box(encoder.embed(&[input]).is_ok());
    }
}
