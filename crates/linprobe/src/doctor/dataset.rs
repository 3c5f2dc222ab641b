//! A dataset before it is indexed: what cannot be read, what is there twice, and how vectors were normalized.

use std::path::Path;

use linprobe_core::{Content, Record, SourceError};
use linprobe_embed::OpenOptions;
use linprobe_source::{SourceOptions, open};

use super::{Finding, Twins};
use crate::{dataset::at_hand, error::ProjectError, picture};

/// Vectors whose lengths differ from 1 by less are of unit length.
const UNIT: f64 = 1e-3;

/// Deviations, as shares of the mean: lengths of columns that differ by less were made equal, and lengths of rows that
/// differ by more were not.
const EQUAL: f64 = 1e-3;
const UNEQUAL: f64 = 1e-2;

/// Rows below which nothing is said of columns.
const FEW: u64 = 50;

/// Reads a dataset as `index` would, and says what is wrong with it. Reports how many records are done.
///
/// # Errors
/// The dataset cannot be opened, or read to its end.
pub fn examine_dataset(
    location: &Path,
    options: &SourceOptions,
    models: &OpenOptions,
    report: &mut dyn FnMut(usize),
) -> Result<Vec<Finding>, ProjectError> {
    let dataset = at_hand(location, options, models)?;
    let source = open(&dataset.location, &dataset.options)?;
    let mut seen = Examined::default();
    for record in source.records() {
        match record {
            Ok(record) => match undecodable(&record.content) {
                Some(reason) => seen.pass_over(format!("{}: {reason}", record.id)),
                None => seen.meet(&record),
            },
            Err(SourceError::Record(bad)) => seen.pass_over(bad.to_string()),
            Err(error) => return Err(error.into()),
        }
        report(seen.n_records + seen.n_bad);
    }
    let notes = dataset.notes.iter().chain(source.notes());
    let meaning = "this takes no record away";
    let notes = notes.map(|note| Finding::notice("dataset", note.clone(), meaning));
    Ok(seen.findings().into_iter().chain(notes).collect())
}

/// Why a picture cannot be seen.
fn undecodable(content: &Content) -> Option<String> {
    match content {
        Content::Image(bytes) => picture::decoded(bytes).err(),
        Content::Text(_) | Content::Vector { .. } => None,
    }
}

#[derive(Default)]
struct Examined {
    n_records: usize,
    n_bad: usize,
    first_bad: Option<String>,
    kind: &'static str,
    twins: Twins,
    lengths: Lengths,
}

impl Examined {
    fn meet(&mut self, record: &Record) {
        self.n_records += 1;
        let bytes = match &record.content {
            Content::Text(text) => text.as_bytes(),
            Content::Image(bytes) => bytes,
            Content::Vector { values, .. } => {
                self.lengths.add(values);
                bytemuck::cast_slice(values)
            }
        };
        self.kind = record.content.kind();
        self.twins.meet(&record.id, bytes);
    }

    fn pass_over(&mut self, what: String) {
        self.n_bad += 1;
        self.first_bad.get_or_insert(what);
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.readable(), self.twins.finding("duplicates", self.kind)];
        findings.extend(self.lengths.findings());
        findings
    }

    fn readable(&self) -> Finding {
        let Self { n_records, n_bad, .. } = self;
        match &self.first_bad {
            None => Finding::fine("records", format!("all {n_records} records can be read")),
            Some(first) => {
                let found = format!(
                    "{n_bad} of {} records cannot be read, the first: {first}",
                    n_records + n_bad
                );
                let meaning = "they are passed over while indexing; the others keep their ids";
                Finding::notice("records", found, meaning)
            }
        }
    }
}

/// Lengths of rows and of columns.
#[derive(Default)]
struct Lengths {
    rows: Spread,
    /// The squared length of each column.
    columns: Vec<f64>,
}

impl Lengths {
    fn add(&mut self, values: &[f32]) {
        if self.columns.is_empty() {
            self.columns = vec![0.0; values.len()];
        }
        let squares = || values.iter().map(|&x| f64::from(x) * f64::from(x));
        self.rows.add(squares().sum::<f64>().sqrt());
        self.columns.iter_mut().zip(squares()).for_each(|(sum, square)| *sum += square);
    }

    fn findings(&self) -> Vec<Finding> {
        if self.rows.n == 0 {
            return Vec::new();
        }
        let mut columns = Spread::default();
        self.columns.iter().for_each(|square| columns.add(square.sqrt()));
        let made_equal = columns.deviation() < EQUAL * columns.mean()
            && self.rows.deviation() > UNEQUAL * self.rows.mean()
            && self.rows.n >= FEW;
        let Spread { low, high, .. } = self.rows;
        let lengths = format!("vectors have lengths from {low:.4} to {high:.4}");
        vec![if made_equal {
            let meaning = "columns were divided by their lengths, and not rows, as with axis=0: directions are bent, and \
                 cosines are others than the model's";
            Finding::wrong(
                "lengths",
                format!("{lengths}, and all columns the same length"),
                meaning,
            )
            .mended_by("embed again, and divide each row by its own length")
        } else if (low - 1.0).abs() < UNIT && (high - 1.0).abs() < UNIT {
            Finding::fine("lengths", "all vectors are of unit length")
        } else {
            let meaning = "they are divided by their lengths while indexing; where a classifier is used on the raw ones, \
                 divide them too, or its threshold means something else";
            Finding::notice("lengths", lengths, meaning)
        }]
    }
}

/// Mean and deviation of numbers, and the least and greatest.
#[derive(Clone, Copy)]
struct Spread {
    n: u64,
    sum: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { n: 0, sum: 0.0, squares: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.squares += value * value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn mean(&self) -> f64 {
        self.sum / self.n.max(1) as f64
    }

    fn deviation(&self) -> f64 {
        (self.squares / self.n.max(1) as f64 - self.mean().powi(2)).max(0.0).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    /// Rows of numbers that are no pattern.
    fn rows(n: usize) -> Vec<Vec<f32>> {
        let value = |i: usize| ((i * 7919 + 13) as f32 * 12.9898).sin() + 0.2;
        (0..n).map(|row| (0..8).map(|column| value(row * 8 + column)).collect()).collect()
    }

    fn finding(rows: &[Vec<f32>]) -> Finding {
        let mut lengths = Lengths::default();
        for row in rows {
            lengths.add(row);
        }
        lengths.findings().remove(0)
    }

    #[test]
    fn columns_that_were_normalized_in_place_of_rows_are_told_from_raw_ones() {
        let mut raw = rows(400);
        assert_eq!(finding(&raw).state, State::Notice);
        for batch in raw.chunks_mut(100) {
            for column in 0..8 {
                let length = batch.iter().map(|row| row[column] * row[column]).sum::<f32>().sqrt();
                for row in batch.iter_mut() {
                    row[column] /= length;
                }
            }
        }
        let bent = finding(&raw);
        assert_eq!((bent.check, bent.state), ("lengths", State::Wrong), "{bent:?}");
        assert!(bent.remedy.is_some());
        for row in &mut raw {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            for x in row {
                *x /= length;
            }
        }
        assert_eq!(finding(&raw).state, State::Fine);
    }
}
