//! Measures a model from the bytes of contents to their embeddings: `model_bench BENCH MODEL CONTENTS
//! N_PASSES ENGINE`, CONTENTS being a folder of pictures or a JSON list of texts. Prints JSON lines: the
//! median rate, the time that all cores computed for a content, the share of the time that the model alone takes, the
//! memory beyond the weights, the least cosine to what the built-in engine gives in single precision, and how fast this
//! machine multiplies matrices, which is the floor of it all.

use std::{convert::Infallible, env, error::Error, fs, path::Path, time::Instant};

use candle_core::{Device, Tensor};
use linprobe_core::{Content, Embedder, Embedding, Input};
use linprobe_embed::{Engine, OpenOptions, StreamOptions, describe, embed_stream, open};

type Failure = Box<dyn Error + Send + Sync>;

/// Linux counts the time of processes in these, whatever the clock of its kernel.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [bench, model, contents, n_passes, engine] = arguments.as_slice() else {
        return Err("usage: model_bench BENCH MODEL CONTENTS N_PASSES ENGINE".into());
    };
    let contents = read(Path::new(contents))?;
    let options = OpenOptions { engine: engine.parse()?, ..OpenOptions::default() };
    let weights = describe(model, &options)?.n_bytes;
    let embedder = open(model, &options)?;
    let mut passes = Vec::new();
    for _ in 0..n_passes.parse()? {
        passes.push(Pass::run(embedder.as_ref(), &contents)?);
    }
    passes.sort_unstable_by(|a, b| a.rate.total_cmp(&b.rate));
    let median = passes.get(passes.len() / 2).ok_or("no pass was made")?;
    let highest = passes.iter().map(|pass| pass.n_bytes).max().unwrap_or_default();
    line(bench, median.rate, "per s");
    let forward = forward_rate(embedder.as_ref(), &contents)?;
    line(&format!("{bench}/forward-share"), median.rate / forward, "share");
    line(&format!("{bench}/cpu-ms"), median.cpu_ms, "ms");
    let beyond = highest.saturating_sub(weights) as f64 / f64::from(1 << 20);
    line(&format!("{bench}/rss-over-weights-mib"), beyond, "MiB");
    if options.engine != Engine::BuiltIn {
        line(&format!("{bench}/min-cosine"), min_cosine(model, embedder.as_ref(), &contents)?, "");
    }
    line(&format!("{bench}/matrix-products"), matrix_products()?, "GFLOP/s");
    Ok(())
}

/// Contents a second that the model embeds of those that are decoded or tokenized already.
fn forward_rate(embedder: &dyn Embedder, contents: &[Content]) -> Result<f64, Failure> {
    let inputs = process(embedder, contents)?;
    let started = Instant::now();
    for chunk in inputs.chunks(StreamOptions::default().batch_size.get()) {
        embedder.embed(chunk)?;
    }
    Ok(contents.len() as f64 / started.elapsed().as_secs_f64())
}

/// The least cosine of an embedding to what is built in gives for the same content.
fn min_cosine(model: &str, embedder: &dyn Embedder, contents: &[Content]) -> Result<f64, Failure> {
    let options = OpenOptions { engine: Engine::BuiltIn, ..OpenOptions::default() };
    let exact = embed(open(model, &options)?.as_ref(), contents)?;
    let cosines = embed(embedder, contents)?.into_iter().zip(exact).map(|(found, exact)| {
        let products = found.as_slice().iter().zip(exact.as_slice());
        products.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
    });
    Ok(cosines.fold(f64::INFINITY, f64::min))
}

fn embed(embedder: &dyn Embedder, contents: &[Content]) -> Result<Vec<Embedding>, Failure> {
    let inputs = process(embedder, contents)?;
    Ok(embedder.embed(&inputs)?.into_iter().collect::<Result<_, _>>()?)
}

fn process(embedder: &dyn Embedder, contents: &[Content]) -> Result<Vec<Input>, Failure> {
    Ok(contents.iter().map(|content| embedder.process(content)).collect::<Result<_, _>>()?)
}

#[expect(clippy::print_stdout, reason = "the measurements are the output")]
fn line(bench: &str, value: f64, unit: &str) {
    println!(
        r#"{{"bench":"{bench}","value":{value:.6},"unit":"{unit}","peer":null,"peer_value":null,"ratio":null}}"#
    );
}

fn read(path: &Path) -> Result<Vec<Content>, Failure> {
    if path.is_file() {
        let texts: Vec<String> = serde_json::from_slice(&fs::read(path)?)?;
        return Ok(texts.into_iter().map(Content::Text).collect());
    }
    let files = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut files: Vec<_> = files.collect::<Result<_, Failure>>()?;
    files.sort_unstable();
    files.iter().map(|file| Ok(Content::Image(fs::read(file)?))).collect()
}

/// All contents, once.
struct Pass {
    /// Contents a second.
    rate: f64,
    /// Milliseconds that all cores computed for a content.
    cpu_ms: f64,
    /// The most memory that was seen.
    n_bytes: u64,
}

impl Pass {
    fn run(embedder: &dyn Embedder, contents: &[Content]) -> Result<Self, Failure> {
        let (started, cpu, mut n_bytes) = (Instant::now(), cpu_seconds(), 0);
        let stream = contents.iter().cloned().enumerate();
        embed_stream(embedder, stream, &StreamOptions::default(), |_| {
            n_bytes = n_bytes.max(resident_bytes());
            Ok::<_, Infallible>(())
        })?;
        let n = contents.len() as f64;
        let cpu_ms = (cpu_seconds() - cpu) * 1000.0 / n;
        Ok(Self { rate: n / started.elapsed().as_secs_f64(), cpu_ms, n_bytes })
    }
}

/// Seconds that all threads of this process have computed.
fn cpu_seconds() -> f64 {
    // Behind the name of the program, user and system time are fields 11 and 12.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    fields.take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// The highest rate of products of large matrices on all cores, in GFLOP/s.
fn matrix_products() -> Result<f64, Failure> {
    const SIZE: usize = 2048;
    let random = || Tensor::randn(0_f32, 1.0, (SIZE, SIZE), &Device::Cpu);
    let (left, right) = (random()?, random()?);
    let mut seconds = f64::INFINITY;
    for _ in 0..8 {
        let started = Instant::now();
        left.matmul(&right)?;
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    Ok(2.0 * (SIZE as f64).powi(3) / seconds / 1e9)
}
