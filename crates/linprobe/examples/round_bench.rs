//! What a round costs from one answer to the next, through the library: the next round is chosen, its
//! ten records are labelled one by one, the classifier is fitted, and the store is surveyed with it.
//! Prints one JSON object for the whole and one for each part.
//!
//! Vectors lie in clusters, of which a few are relevant. `XTASK_BENCH_QUICK=1` takes a tenth of the
//! records under the same name, and the units say so. `LINPROBE_BENCH_INT8=1` keeps the int8 copy.

use std::{
    env,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use linprobe::{
    Clock, Exemplar, IndexOptions, Label, Method, OpenOptions, Project, RecordId, Session,
    StartFrom, Strategy, Surroundings,
};

const DIMENSION: usize = 512;
const N_CLUSTERS: usize = 200;
const N_RELEVANT_CLUSTERS: usize = 4;
const N_ROUNDS: usize = 60;
const PER_ROUND: usize = 10;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| value == "1")
}

fn main() -> Outcome<()> {
    let quick = is_set("XTASK_BENCH_QUICK");
    let (n_rows, note) = if quick { (100_000, ", only 100,000 rows") } else { (1_000_000, "") };
    let folder = tempfile::tempdir()?;
    let vectors = folder.path().join("vectors.npy");
    write_vectors(&vectors, n_rows)?;
    let surroundings = Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) };
    let project = Project::create(&folder.path().join("project"), surroundings)?;
    let options = IndexOptions { int8_copy: is_set("LINPROBE_BENCH_INT8"), ..Default::default() };
    project.index(&vectors, &options, &mut |_| ())?;
    fs::remove_file(vectors)?;

    let like = ["0", "1"].map(RecordId::new).into_iter().collect::<Result<Vec<_>, _>>()?;
    let like = like.into_iter().map(Exemplar::Record).collect();
    let from = StartFrom { like, ..StartFrom::default() };
    let session = project.start_session("round", &from, Method::default());
    let mut session = pollster::block_on(session)?;
    let rounds = (0..N_ROUNDS).map(|_| round(&mut session)).collect::<Outcome<Vec<_>>>()?;
    let name = if options.int8_copy { "round-1m-i8" } else { "round-1m" };
    let whole = |round: &[f64; 4]| round.iter().sum::<f64>();
    print(&format!("{name}/p95-ms"), share(&rounds, 0.95, whole), note)?;
    print(&format!("{name}/median-ms"), share(&rounds, 0.5, whole), note)?;
    for (part, what) in ["next-round", "ten-labels", "refit", "survey"].into_iter().enumerate() {
        let of_part = |round: &[f64; 4]| round[part];
        print(&format!("{name}/{what}-median-ms"), share(&rounds, 0.5, of_part), note)?;
    }
    Ok(())
}

/// The milliseconds of each part of a round.
fn round(session: &mut Session) -> Outcome<[f64; 4]> {
    let mut since = Instant::now();
    let round = pollster::block_on(session.next_round(PER_ROUND, Strategy::Auto))?;
    let choosing = lap(&mut since);
    for record in &round.records {
        let label = if is_relevant(&record.id) { Label::RELEVANT } else { Label::IRRELEVANT };
        pollster::block_on(session.label(&record.id, label))?;
    }
    let labelling = lap(&mut since);
    pollster::block_on(session.refit())?;
    let fitting = lap(&mut since);
    // The fit is done, so this is the survey alone.
    pollster::block_on(session.fit())?;
    Ok([choosing, labelling, fitting, lap(&mut since)])
}

/// The milliseconds since then, which is now from here on.
fn lap(since: &mut Instant) -> f64 {
    let milliseconds = since.elapsed().as_secs_f64() * 1e3;
    *since = Instant::now();
    milliseconds
}

fn is_relevant(id: &RecordId) -> bool {
    let row = id.as_str().parse::<usize>();
    row.is_ok_and(|row| row % N_CLUSTERS < N_RELEVANT_CLUSTERS)
}

fn share(rounds: &[[f64; 4]], share: f64, of: impl Fn(&[f64; 4]) -> f64) -> f64 {
    let mut values: Vec<f64> = rounds.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short list"
    )]
    let place = (values.len() as f64 * share) as usize;
    values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

fn print(name: &str, value: f64, note: &str) -> Outcome<()> {
    let line = serde_json::json!({
        "bench": format!("store/{name}"),
        "value": value,
        "unit": format!("ms{note}"),
        "peer": null,
        "peer_value": null,
        "ratio": null,
    });
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// Clusters of counters, scrambled.
fn write_vectors(path: &Path, n_rows: usize) -> std::io::Result<()> {
    let shape = format!("({n_rows}, {DIMENSION})");
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"\x93NUMPY\x01\x00\x76\x00")?;
    out.write_all(format!("{header:<117}\n").as_bytes())?;
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        #[expect(clippy::cast_precision_loss, reason = "a random number needs no last bits")]
        let value = (state >> 8) as f32 / 8_388_608.0 - 1.0;
        value
    };
    let middles: Vec<Vec<f32>> =
        (0..N_CLUSTERS).map(|_| (0..DIMENSION).map(|_| random()).collect()).collect();
    for row in 0..n_rows {
        for middle in &middles[row % N_CLUSTERS] {
            out.write_all(&(middle + 2.0 * random()).to_le_bytes())?;
        }
    }
    out.flush()
}
