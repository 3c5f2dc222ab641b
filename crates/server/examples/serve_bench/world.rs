//! The project that is labelled, and what is found in its journal afterwards.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use linprobe::{Clock, IndexOptions, OpenOptions, Project, Surroundings};
use linprobe_core::SplitMix;

use crate::{Result, labeller::Seen};

const N_RECORDS: usize = 100_000;
const N_RECORDS_QUICK: usize = 10_000;
const DIMENSION: usize = 512;
const N_CLUSTERS: usize = 200;

/// Records of the first clusters are relevant.
const N_RELEVANT_CLUSTERS: usize = 4;

/// How far a record lies from the middle of its cluster, which is about 1 from the origin.
const SPREAD: f64 = 0.08;

pub(crate) fn surroundings() -> Surroundings {
    Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 0) }
}

/// Writes vectors to a file and indexes them.
pub(crate) fn make(project: &Path) -> Result<()> {
    let vectors = project.with_extension("npy");
    write_vectors(&vectors)?;
    let made = Project::create(project, surroundings())?;
    made.index(&vectors, &IndexOptions::default(), &mut |_| ())?;
    Ok(fs::remove_file(vectors)?)
}

/// Whether a record is what everybody looks for: its id is its row.
pub(crate) fn is_relevant(id: &str) -> bool {
    id.parse::<usize>().is_ok_and(|row| row % N_CLUSTERS < N_RELEVANT_CLUSTERS)
}

/// How many labels were acknowledged and are not in the journal.
pub(crate) fn count_lost(project: &Path, session: &str, seen: &[Seen]) -> Result<usize> {
    let project = Project::open(project, surroundings())?;
    let session = pollster::block_on(project.resume_session(session))?;
    let kept = |name: &str| {
        let id = linprobe::RecordId::new(name).ok();
        let label = id.and_then(|id| session.state().label(&id));
        label.is_some_and(|label| label.is_positive() == is_relevant(name))
    };
    Ok(seen.iter().flat_map(|seen| &seen.acknowledged).filter(|id| !kept(id)).count())
}

/// An array of f32 as NumPy writes it.
fn write_vectors(path: &Path) -> Result<()> {
    let n_records = if crate::is_quick() { N_RECORDS_QUICK } else { N_RECORDS };
    let header = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_records}, {DIMENSION}), }}"
    );
    // Magic, version and length are 10 bytes; all of it together a multiple of 64.
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(b"\x93NUMPY\x01\x00")?;
    file.write_all(&u16::try_from(length)?.to_le_bytes())?;
    writeln!(file, "{header:<width$}", width = length - 1)?;
    let mut random = SplitMix::new(0);
    let mut vector =
        |scale: f64| -> Vec<f64> { (0..DIMENSION).map(|_| scale * random.normal()).collect() };
    let middles: Vec<Vec<f64>> =
        (0..N_CLUSTERS).map(|_| vector(1.0 / (DIMENSION as f64).sqrt())).collect();
    for row in 0..n_records {
        let away = vector(SPREAD);
        for (middle, away) in middles[row % N_CLUSTERS].iter().zip(away) {
            #[expect(clippy::cast_possible_truncation, reason = "the file holds f32")]
            file.write_all(&((middle + away) as f32).to_le_bytes())?;
        }
    }
    Ok(file.flush()?)
}
