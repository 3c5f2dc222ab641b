//! Rounds over vectors in clusters, of which a few are relevant.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use linprobe::{
    Clock, Exemplar, Label, Method, OpenOptions, Project, RecordId, Session, StartFrom, Strategy,
    Surroundings,
};

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The milliseconds of each part of a round: the next round is chosen, its ten records are labelled one by one, and the
/// classifier is fitted and the store surveyed with it.
pub(crate) type Parts = [f64; 3];

const DIMENSION: usize = 512;
const N_CLUSTERS: usize = 200;
const N_RELEVANT_CLUSTERS: usize = 4;
const PER_ROUND: usize = 10;

pub(crate) fn surroundings() -> Surroundings {
    Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) }
}

/// Begins a session and plays some rounds of it.
pub(crate) fn play(project: &Project, n_rounds: usize) -> Outcome<Vec<Parts>> {
    let mut session = begin(project, "round")?;
    (0..n_rounds).map(|_| round(&mut session)).collect()
}

/// Begins a session of that name.
pub(crate) fn begin(project: &Project, name: &str) -> Outcome<Session> {
    let like = ["0", "1"].map(RecordId::new).into_iter().collect::<Result<Vec<_>, _>>()?;
    let like = like.into_iter().map(Exemplar::Record).collect();
    let from = StartFrom { like, ..StartFrom::default() };
    let session = project.start_session(name, &from, Method::default());
    Ok(pollster::block_on(session)?)
}

/// Plays a round.
pub(crate) fn round(session: &mut Session) -> Outcome<Parts> {
    let mut since = Instant::now();
    let round = pollster::block_on(session.next_round(PER_ROUND, Strategy::Auto))?;
    let choosing = lap(&mut since);
    for record in &round.records {
        let label = if is_relevant(&record.id) { Label::RELEVANT } else { Label::IRRELEVANT };
        pollster::block_on(session.label(&record.id, label))?;
    }
    let labelling = lap(&mut since);
    pollster::block_on(session.fit())?;
    Ok([choosing, labelling, lap(&mut since)])
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

/// What such a share of the rounds takes at most.
pub(crate) fn share(rounds: &[Parts], share: f64, of: impl Fn(&Parts) -> f64) -> f64 {
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

/// The whole of a round.
pub(crate) fn whole(round: &Parts) -> f64 {
    round.iter().sum()
}

/// Clusters of counters, scrambled.
pub(crate) fn write_vectors(path: &Path, n_rows: usize) -> std::io::Result<()> {
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
