//! Plays the loop over real CLIP vectors, from named and from coarse starts, and prints mean average
//! precision, and F1 at the decision boundary, on held-out vectors.
//!
//! `cargo run --release --package linprobe-session --example first_measurements -- FOLDER`, where
//! FOLDER holds `clip_vitb32/*.f16.npy` with `*.labels.npy` beside them, and `clip_text_vitb32/`.

#![expect(clippy::print_stdout, reason = "the table is the output")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use half::f16;
use linprobe_classifier::{ArticleParams, Method, Start};
use linprobe_core::{Embedding, Point, RecordId};
use linprobe_session::{Curve, CurvePoint, Laboratory, Player, Trial};
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const DIMENSION: usize = 512;
const N_ROUNDS: usize = 10;
const PER_ROUND: usize = 10;
const MIN_RECORDS: usize = 25;

/// The budgets that are printed.
const LABELS: [usize; 4] = [0, 20, 50, 100];

const PLAYERS: [(&str, Player); 5] = [
    ("no feedback", Player::NoFeedback),
    ("the article's loop", Player::Method(Method::Article(ArticleParams::PUBLISHED))),
    ("whitened, random order", Player::RandomOrder(Method::WhitenedRocchio)),
    ("Rocchio", Player::Method(Method::Rocchio)),
    ("Rocchio, whitened (default)", Player::Method(Method::WhitenedRocchio)),
];

/// Broader words for the classes of two datasets.
const COARSE: [(&str, &str); 2] = [("fgvc", "airplane"), ("oxford_flowers", "flower")];

/// A class of one dataset, and a phrase to look for it with.
struct Concept {
    start: Start,
    relevant: BTreeSet<RecordId>,
}

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    let (points, classes) = read_classes(&folder.join("clip_vitb32"))?;
    let phrases = read_phrases(&folder.join("clip_text_vitb32"))?;
    let laboratory = Laboratory::new(DIMENSION, points, 0);
    println!("{} in the pool, {} held out", laboratory.pool().len(), laboratory.held_out().len());
    measure("named", &laboratory, &named(&classes, &phrases))?;
    measure("coarse", &laboratory, &coarse(&classes, &phrases)?)
}

fn measure(title: &str, laboratory: &Laboratory, concepts: &[Concept]) -> Outcome<()> {
    println!("\n{title}: {} concepts; AP, then F1, at {LABELS:?} labels", concepts.len());
    for (name, player) in PLAYERS {
        let play = |concept: &Concept| {
            let Concept { start, relevant } = concept;
            let trial = Trial { start, relevant, n_rounds: N_ROUNDS, per_round: PER_ROUND };
            Ok(Game {
                n_relevant: n_relevant(laboratory, concept),
                curve: laboratory.play(&trial, player)?,
            })
        };
        let games = concepts.par_iter().map(play).collect::<Outcome<Vec<_>>>()?;
        print_row(name, &games);
    }
    Ok(())
}

/// A curve, and how many records could have been found.
struct Game {
    n_relevant: usize,
    curve: Curve,
}

impl Game {
    fn at(&self, n_labels: usize) -> &CurvePoint {
        &self.curve.points[n_labels / PER_ROUND]
    }

    /// Whether it ends more than .1 below where it began.
    fn is_harmed(&self) -> bool {
        self.at(0).held_out_ap - self.at(N_ROUNDS * PER_ROUND).held_out_ap > 0.1
    }

    fn share_found(&self) -> f64 {
        self.curve.found.len() as f64 / self.n_relevant.min(N_ROUNDS * PER_ROUND) as f64
    }
}

fn n_relevant(laboratory: &Laboratory, concept: &Concept) -> usize {
    laboratory.pool().iter().filter(|point| concept.relevant.contains(&point.id)).count()
}

fn print_row(name: &str, games: &[Game]) {
    let mean =
        |value: &dyn Fn(&Game) -> f64| games.iter().map(value).sum::<f64>() / games.len() as f64;
    let per_budget = |value: fn(&CurvePoint) -> f64| {
        LABELS.map(|n| format!("{:.3}", mean(&|game| value(game.at(n))))).join(" / ")
    };
    let ap = per_budget(|point| point.held_out_ap);
    let f1 = per_budget(|point| point.held_out.f1());
    let harm = 100.0 * mean(&|game| f64::from(u8::from(game.is_harmed())));
    let found = 100.0 * mean(&Game::share_found);
    println!("{name:<28} {ap}   {f1}   harm {harm:.0} %, found {found:.0} %");
}

type Classes = BTreeMap<(String, String), BTreeSet<RecordId>>;

/// Classes whose own name is a phrase.
fn named(classes: &Classes, phrases: &BTreeMap<String, Embedding>) -> Vec<Concept> {
    let concept = |((_, name), relevant): (&(String, String), &BTreeSet<RecordId>)| {
        let start = Start::from_direction(phrases.get(&plain(name))?.clone());
        (relevant.len() >= MIN_RECORDS).then(|| Concept { start, relevant: relevant.clone() })
    };
    classes.iter().filter_map(concept).collect()
}

/// Classes under a broader word.
fn coarse(classes: &Classes, phrases: &BTreeMap<String, Embedding>) -> Outcome<Vec<Concept>> {
    let mut concepts = Vec::new();
    for (dataset, word) in COARSE {
        let start = Start::from_direction(phrases.get(word).ok_or("no such phrase")?.clone());
        let own = classes.iter().filter(|((of, _), ids)| of == dataset && ids.len() >= MIN_RECORDS);
        concepts
            .extend(own.map(|(_, ids)| Concept { start: start.clone(), relevant: ids.clone() }));
    }
    Ok(concepts)
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace('_', " ")
}

fn read_phrases(folder: &Path) -> Outcome<BTreeMap<String, Embedding>> {
    let listed: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("text.json"))?)?;
    let listed = listed.as_array().ok_or("text.json is no list")?;
    let vectors = read_vectors(&folder.join("text.f16.npy"))?;
    let names = listed.iter().map(|entry| plain(entry["name"].as_str().unwrap_or_default()));
    Ok(names.zip(vectors).collect())
}

fn read_classes(folder: &Path) -> Outcome<(Vec<Point>, Classes)> {
    let names: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("class_names.json"))?)?;
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let (mut points, mut classes) = (Vec::new(), Classes::new());
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".f16.npy") else { continue };
        let dataset = stem.split('.').next().unwrap_or_default();
        let labels = read_labels(&path.with_file_name(format!("{stem}.labels.npy")))?;
        for (row, (embedding, label)) in read_vectors(&path)?.into_iter().zip(labels).enumerate() {
            let id = RecordId::new(format!("{stem}/{row}"))?;
            let class = names[dataset][label].as_str().ok_or("a label without a name")?;
            let key = (dataset.to_owned(), class.to_owned());
            classes.entry(key).or_default().insert(id.clone());
            points.push(Point { id, embedding });
        }
    }
    Ok((points, classes))
}

fn read_vectors(path: &Path) -> Outcome<Vec<Embedding>> {
    let bytes = fs::read(path)?;
    let (words, _) = body(&bytes)?.as_chunks();
    let values: Vec<f32> = words.iter().map(|&word| f16::from_le_bytes(word).to_f32()).collect();
    Ok(values.chunks_exact(DIMENSION).map(Embedding::normalize).collect::<Result<_, _>>()?)
}

fn read_labels(path: &Path) -> Outcome<Vec<usize>> {
    let bytes = fs::read(path)?;
    let (words, _) = body(&bytes)?.as_chunks();
    words.iter().map(|&word| Ok(usize::try_from(i32::from_le_bytes(word))?)).collect()
}

/// What follows the header of an npy file of version 1.
fn body(bytes: &[u8]) -> Outcome<&[u8]> {
    let length = bytes.get(8..10).ok_or("not an npy file")?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    Ok(bytes.get(10 + length..).ok_or("not an npy file")?)
}
