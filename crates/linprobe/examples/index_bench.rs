//! How fast precomputed vectors are indexed, from a file on disk to a searchable project: read,
//! normalized, stored, catalogued, and their background learned. Prints one JSON object.

use std::{
    env,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use linprobe::{Clock, IndexOptions, OpenOptions, Project, Surroundings};

const DIMENSION: usize = 512;
const N_ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let quick = env::var_os("XTASK_BENCH_QUICK").is_some();
    let n_rows: usize = if quick { 20_000 } else { 200_000 };
    let folder = tempfile::tempdir()?;
    let vectors = folder.path().join("vectors.npy");
    write_vectors(&vectors, n_rows)?;
    let mut rates = Vec::new();
    for round in 0..N_ROUNDS {
        let models = OpenOptions::default();
        let surroundings = Surroundings { models, clock: Clock::new(|| 0) };
        let project = Project::create(&folder.path().join(round.to_string()), surroundings)?;
        let started = Instant::now();
        project.index(&vectors, &IndexOptions::default(), &mut |_| ())?;
        rates.push(n_rows as f64 / started.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let line = serde_json::json!({
        "bench": "store/index-rows-per-s",
        "value": rates[N_ROUNDS / 2],
        "unit": "rows/s",
        "peer": null,
        "peer_value": null,
        "ratio": null,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Any numbers will do: a counter, scrambled.
fn write_vectors(path: &Path, n_rows: usize) -> std::io::Result<()> {
    let shape = format!("({n_rows}, {DIMENSION})");
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let padded = format!("{header:<117}\n");
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"\x93NUMPY\x01\x00\x76\x00")?;
    out.write_all(padded.as_bytes())?;
    let mut state = 1_u32;
    for _ in 0..n_rows * DIMENSION {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[expect(clippy::cast_precision_loss, reason = "a random number needs no last bits")]
        let value = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        out.write_all(&value.to_le_bytes())?;
    }
    out.flush()
}
