//! The file of an experiment: one row of a csv for each point of each curve.
//!
//! A game is appended whole when it has ended, so that a run that was killed loses the games under
//! way and no other. What it left half written, a row or a game, is cut off when the file is opened.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use csv::{IntoInnerError, ReaderBuilder, StringRecord, WriterBuilder};
use serde::{Deserialize, Serialize};

use super::{
    curve::{Curve, CurvePoint, GameKey},
    laboratory::Budget,
    measure::Quality,
};

/// An open file of curves. Its games may be appended from several threads.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: Mutex<File>,
}

/// A row: which game, and how it stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The concept's name.
    pub concept: String,
    /// The start's name.
    pub start: String,
    /// The player's name.
    pub player: String,
    /// The oracle, as it is shown.
    pub oracle: String,
    /// The seed of the split.
    pub seed: u64,
    /// Records that can be labelled.
    pub n_pool: usize,
    /// Labels given so far, without those of the start.
    pub n_labels: usize,
    /// Relevant records among them.
    pub n_found: usize,
    /// Relevant records that can be found.
    pub n_relevant: usize,
    /// Average precision over the part held out.
    pub held_out_ap: f64,
    /// Average precision over the pool.
    pub pool_ap: f64,
    /// F1 at the classifier's own boundary.
    pub f1: f64,
    /// F1 at the threshold that is best in hindsight.
    pub best_f1: f64,
    /// F1 over the part held out, at the threshold that is best over the pool.
    pub informed_f1: f64,
    /// Average precision of the records in the order in which they were shown, up to the tenth relevant one.
    pub shown_ap: f64,
    /// Relevant records that are expected among those not labelled yet.
    pub n_expected: f64,
    /// Mean squared difference of probability and truth.
    pub brier: f64,
    /// Expected calibration error.
    pub ece: f64,
    /// Milliseconds of the last fit.
    pub fit_ms: f64,
    /// Milliseconds to score the corpus and choose the round.
    pub query_ms: f64,
}

impl Ledger {
    /// Opens or makes a file, and reads the games that were played to their end.
    ///
    /// # Errors
    /// [`LedgerError::Other`] when it is no file of curves or one of games of another length.
    pub fn open(path: &Path, budget: Budget) -> Result<(Self, Vec<Curve>), LedgerError> {
        let failed = |source| LedgerError::Io { path: path.into(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        let text = fs::read(path).map_err(failed)?;
        let (curves, end) = read(&text, budget)
            .map_err(|reason| LedgerError::Other { path: path.into(), reason })?;
        file.set_len(end).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        if end == 0 {
            file.write_all(&header().map_err(|e| failed(e.into()))?).map_err(failed)?;
        }
        Ok((Self { path: path.into(), file: Mutex::new(file) }, curves))
    }

    /// Appends a game.
    ///
    /// # Errors
    /// [`LedgerError::Io`] when the file cannot be written.
    pub fn append(&self, curve: &Curve) -> Result<(), LedgerError> {
        let failed = |source| LedgerError::Io { path: self.path.clone(), source };
        let rows = to_csv(curve.rows()).map_err(|error| failed(error.into()))?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&rows).map_err(failed)
    }
}

impl Curve {
    /// Its rows in the file of an experiment.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.points.iter().map(|point| Row::new(&self.key, point))
    }
}

impl Row {
    fn new(key: &GameKey, point: &CurvePoint) -> Self {
        let GameKey { concept, start, player, oracle, seed } = key.clone();
        let CurvePoint { n_labels, n_found, n_relevant, n_pool, .. } = *point;
        let CurvePoint { held_out, pool_ap, informed_f1, shown_ap, .. } = *point;
        let CurvePoint { n_expected, fit_ms, query_ms, .. } = *point;
        let Quality { ap: held_out_ap, f1, best_f1, brier, ece } = held_out;
        Self {
            concept,
            start,
            player,
            oracle,
            seed,
            n_pool,
            n_labels,
            n_found,
            n_relevant,
            held_out_ap,
            pool_ap,
            f1,
            best_f1,
            informed_f1,
            shown_ap,
            n_expected,
            brier,
            ece,
            fit_ms,
            query_ms,
        }
    }

    fn split(self) -> (GameKey, CurvePoint) {
        let Self { concept, start, player, oracle, seed, n_pool, n_labels, n_found, .. } = self;
        let Self { n_relevant, held_out_ap: ap, pool_ap, f1, best_f1, brier, ece, .. } = self;
        let Self { informed_f1, shown_ap, n_expected, fit_ms, query_ms, .. } = self;
        let held_out = Quality { ap, f1, best_f1, brier, ece };
        let key = GameKey { concept, start, player, oracle, seed };
        let counts = CurvePoint { n_labels, n_found, n_relevant, n_pool, ..CurvePoint::default() };
        let measured = CurvePoint { held_out, pool_ap, informed_f1, shown_ap, ..counts };
        (key, CurvePoint { n_expected, fit_ms, query_ms, ..measured })
    }
}

/// The finished games of a file, and where the last of them ends.
fn read(text: &[u8], budget: Budget) -> Result<(Vec<Curve>, u64), String> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let expected = header().map_err(|error| error.to_string())?;
    if !text.starts_with(&expected) {
        let torn = expected.starts_with(text);
        return if torn { Ok((Vec::new(), 0)) } else { Err("its columns are others".to_owned()) };
    }
    let header = reader.headers().cloned().map_err(|error| error.to_string())?;
    let mut curves: Vec<(Curve, u64)> = Vec::new();
    let mut record = StringRecord::new();
    while let Ok(true) = reader.read_record(&mut record) {
        let end = reader.position().byte();
        let whole = record.len() == header.len() && text[..as_index(end)].ends_with(b"\n");
        let row: Row = match record.deserialize(Some(&header)) {
            Ok(row) if whole => row,
            _ if as_index(end) == text.len() => break,
            _ => return Err(format!("line {} is damaged", reader.position().line() - 1)),
        };
        push(&mut curves, row, end);
    }
    finished(curves, budget, expected.len() as u64)
}

fn push(curves: &mut Vec<(Curve, u64)>, row: Row, end: u64) {
    let (key, point) = row.split();
    match curves.last_mut() {
        Some((curve, curve_end)) if curve.key == key => {
            curve.points.push(point);
            *curve_end = end;
        }
        _ => curves.push((Curve { key, points: vec![point], found: Vec::new() }, end)),
    }
}

/// Only the last game may be unfinished.
fn finished(
    mut curves: Vec<(Curve, u64)>,
    budget: Budget,
    header_end: u64,
) -> Result<(Vec<Curve>, u64), String> {
    let is_other = |curve: &Curve| {
        let second = curve.points.get(1);
        let first_round = second.map(|point| point.n_labels);
        curve.points.len() > budget.n_rounds + 1
            || first_round.is_some_and(|n| n != budget.per_round && n != curve.points[1].n_pool)
    };
    if curves.last().is_some_and(|(curve, _)| !curve.is_finished(budget.n_rounds)) {
        let last = curves.pop();
        if last.is_some_and(|(curve, _)| is_other(&curve)) {
            return Err(OTHER_LENGTH.to_owned());
        }
    }
    let bad = |(curve, _): &(Curve, u64)| is_other(curve) || !curve.is_finished(budget.n_rounds);
    if curves.iter().any(bad) {
        return Err(OTHER_LENGTH.to_owned());
    }
    let end = curves.last().map_or(header_end, |(_, end)| *end);
    Ok((curves.into_iter().map(|(curve, _)| curve).collect(), end))
}

const OTHER_LENGTH: &str = "its games have another number of rounds, or of records to a round";

fn header() -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let nothing = Row::new(
        &GameKey {
            concept: String::new(),
            start: String::new(),
            player: String::new(),
            oracle: String::new(),
            seed: 0,
        },
        &CurvePoint::default(),
    );
    writer.serialize(nothing)?;
    let mut lines = writer.into_inner().map_err(IntoInnerError::into_error)?;
    let end = lines.iter().position(|&byte| byte == b'\n').map_or(0, |position| position + 1);
    lines.truncate(end);
    Ok(lines)
}

fn to_csv(mut rows: impl Iterator<Item = Row>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    rows.try_for_each(|row| writer.serialize(row))?;
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn as_index(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Why a file cannot take curves.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It cannot be read or written.
    #[error("cannot read or write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "{path} is of another experiment: {reason}\nhint: name another file, or delete this one",
        path = path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
