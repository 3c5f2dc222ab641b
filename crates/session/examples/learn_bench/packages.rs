//! The dataset of the demo, which is always there: packages with a line about each, to be found by
//! the team that looks after them, starting from the team's name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::Path,
};

use flate2::read::GzDecoder;
use linprobe_classifier::Start;
use linprobe_core::{Content, Embedder, Embedding, Point, RecordId};
use linprobe_embed::StaticEncoder;
use linprobe_session::simulate::{Concept, Corpus};

use crate::{
    PACKAGES,
    classes::{MIN_RECORDS, Outcome},
};

/// Columns of the table.
const ID: usize = 0;
const TEXT: usize = 1;
const TEAM: usize = 3;

/// The packages of each team, and how the encoder reads the team's name.
pub(crate) fn read() -> Outcome<(Corpus, Vec<Concept>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/assets/debian-packages.csv.gz");
    let mut table = csv::Reader::from_reader(GzDecoder::new(File::open(path)?));
    let encoder = StaticEncoder::builtin()?;
    let (mut points, mut teams) = (Vec::new(), BTreeMap::<String, BTreeSet<RecordId>>::new());
    for row in table.records() {
        let row = row?;
        let Some(embedding) = embed(&encoder, &row[TEXT])? else { continue };
        let id = RecordId::new(&row[ID])?;
        teams.entry(row[TEAM].to_owned()).or_default().insert(id.clone());
        points.push(Point { id, embedding });
    }
    let corpus = Corpus::new(encoder.model().dimension, points);
    let mut concepts = Vec::new();
    for (team, ids) in teams.iter().filter(|(_, ids)| ids.len() >= MIN_RECORDS) {
        let Some(name) = embed(&encoder, team)? else { continue };
        let start = Start::from_direction(name);
        concepts.push(Concept::new(team, ids, &corpus).starting(PACKAGES, start.into()));
    }
    Ok((corpus, concepts))
}

/// None of a text of unknown words, which has no direction.
fn embed(encoder: &StaticEncoder, text: &str) -> Outcome<Option<Embedding>> {
    let Ok(input) = encoder.process(&Content::Text(text.to_owned())) else { return Ok(None) };
    Ok(encoder.embed(&[input])?.pop().and_then(Result::ok))
}
