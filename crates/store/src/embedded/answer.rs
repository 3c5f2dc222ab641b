//! From rows to points: the answers of a store, read from one snapshot.

use std::ops::{ControlFlow, Range};

use linprobe_core::{Excluded, Histogram, Hit, Point, RecordId, StoreError, Survey, SurveyReport};
use rayon::prelude::*;

use super::{
    bitmap::Bitmap,
    coarse,
    points::STEPS_PER_LOOKUP,
    scan::{self, Findings, Scan, nearness},
    select::Selection,
    snapshot::Snapshot,
};
use crate::sample::Draw;

/// Scores every point in one pass, for all surveys.
pub(crate) fn survey(
    snapshot: &Snapshot<'_>,
    surveys: &[Survey<'_>],
) -> Result<Vec<SurveyReport>, StoreError> {
    let excluded = surveys.iter().map(|survey| rows_of(snapshot, survey.exclude));
    let excluded = excluded.collect::<Result<Vec<_>, StoreError>>()?;
    let scans: Vec<Scan<'_>> = surveys
        .iter()
        .zip(&excluded)
        .map(|(survey, excluded)| Scan {
            weights: survey.weights,
            bias: survey.bias,
            dead: &snapshot.dead,
            excluded,
            top_k: survey.top_k,
            n_boundary: survey.n_boundary,
            threshold: survey.threshold,
        })
        .collect();
    let rows = &snapshot.rows;
    let findings = match snapshot.coarse() {
        Some(coarse) => coarse::run(coarse, &scans),
        None => scan::run(rows.as_slice(), rows.dimension(), &scans),
    };
    let reports = surveys.iter().zip(&scans).zip(findings);
    reports.map(|((survey, scan), findings)| report(snapshot, survey, scan, &findings)).collect()
}

fn report(
    snapshot: &Snapshot<'_>,
    survey: &Survey<'_>,
    scan: &Scan<'_>,
    findings: &Findings,
) -> Result<SurveyReport, StoreError> {
    let (low, high) = findings.range.unwrap_or_default();
    let lists = Lists { snapshot, findings, excluded: scan.excluded };
    Ok(SurveyReport {
        top: lists.hits(&findings.top, |score| score)?,
        boundary: lists.hits(&findings.boundary, nearness)?,
        histogram: Histogram { low, high, counts: findings.counts(survey.n_bins) },
        n_above: findings.n_above,
        n_points: snapshot.n_points(),
        estimated: findings.exact.is_some(),
    })
}

/// A point's id, and what each of several classifiers makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPoint {
    /// The record.
    pub id: RecordId,
    /// `weights . embedding + bias` of each classifier, in their order.
    pub scores: Vec<f32>,
}

/// Scores some rows and tells the points among them, in the order of their rows.
pub(crate) fn score(
    snapshot: &Snapshot<'_>,
    rows: Range<usize>,
    classifiers: &[(&[f32], f32)],
) -> Result<Vec<ScoredPoint>, StoreError> {
    let dimension = snapshot.rows.dimension();
    let coordinates = snapshot.rows.as_slice().get(rows.start * dimension..rows.end * dimension);
    let scans: Vec<Scan<'_>> =
        classifiers.iter().map(|&(weights, bias)| Scan::scores_only(weights, bias)).collect();
    let findings = scan::run(coordinates.unwrap_or_default(), dimension, &scans);
    let page = snapshot.points().page(rows.start, rows.len())?;
    let in_page = page.into_iter().take_while(|(row_idx, _)| *row_idx < rows.end);
    let in_page = in_page.filter(|(row_idx, _)| !snapshot.leaves_out(*row_idx));
    let scored = in_page.map(|(row_idx, id)| {
        let scores = findings.iter().map(|found| found.scores[row_idx - rows.start]).collect();
        ScoredPoint { id, scores }
    });
    Ok(scored.collect())
}

/// Reads points in the order of the ids given, be they in scope or not.
pub(crate) fn fetch(snapshot: &Snapshot<'_>, ids: &[RecordId]) -> Result<Vec<Point>, StoreError> {
    let rows = snapshot.rows_of(ids)?;
    let found = ids.iter().zip(rows).filter_map(|(id, row_idx)| Some((id, row_idx?)));
    let (ids, rows): (Vec<&RecordId>, Vec<usize>) = found.unzip();
    let vectors = &snapshot.rows;
    let embeddings: Vec<_> =
        rows.par_iter().with_min_len(64).map(|&row_idx| vectors.embedding(row_idx)).collect();
    let points = ids.into_iter().zip(rows).zip(embeddings);
    points
        .map(|((id, row_idx), embedding)| snapshot.named(id.clone(), row_idx, embedding))
        .collect()
}

/// Reads points in the order of their rows.
pub(crate) fn scan(
    snapshot: &Snapshot<'_>,
    after: Option<&RecordId>,
    limit: usize,
) -> Result<Vec<Point>, StoreError> {
    let mut next_row = match after {
        None => 0,
        Some(id) => match snapshot.points().row_of(id)? {
            Some(row_idx) => row_idx + 1,
            None => return Err(StoreError::UnknownPoint { id: id.clone() }),
        },
    };
    let mut points = Vec::new();
    while points.len() < limit {
        let n_wanted = limit - points.len();
        let page = snapshot.points().page(next_row, n_wanted)?;
        let is_last = page.len() < n_wanted;
        for (row_idx, id) in page {
            next_row = row_idx + 1;
            if !snapshot.leaves_out(row_idx) {
                points.push(snapshot.point(id, row_idx)?);
            }
        }
        if is_last {
            break;
        }
    }
    Ok(points)
}

/// Draws points by the pseudo-random rank of their ids.
pub(crate) fn sample(
    snapshot: &Snapshot<'_>,
    n_points: usize,
    seed: u64,
) -> Result<Vec<Point>, StoreError> {
    let mut draw = Draw::new(n_points, seed);
    snapshot.points().each_by_id(|id, row_idx| {
        if !snapshot.leaves_out(row_idx) {
            draw.offer(id, row_idx);
        }
        ControlFlow::Continue(())
    })?;
    let rows: Vec<usize> = draw.finish();
    let ids = snapshot.ids_of(&rows)?;
    ids.into_iter().zip(rows).map(|(id, row_idx)| snapshot.point(id, row_idx)).collect()
}

fn rows_of(snapshot: &Snapshot<'_>, ids: &Excluded) -> Result<Bitmap, StoreError> {
    Ok(snapshot.rows_of(ids)?.into_iter().flatten().collect())
}

/// Makes lists of hits out of what a scan found.
struct Lists<'a> {
    snapshot: &'a Snapshot<'a>,
    findings: &'a Findings,
    excluded: &'a Bitmap,
}

impl Lists<'_> {
    /// The hits of a selection by a key of the score, in their order.
    fn hits(
        &self,
        selection: &Selection,
        key: impl Fn(f32) -> f32 + Sync,
    ) -> Result<Vec<Hit>, StoreError> {
        let mut rows: Vec<usize> = selection.above.iter().map(|above| above.row_idx).collect();
        rows.extend(self.first_by_id(selection, &key)?);
        let ids = self.snapshot.ids_of(&rows)?.into_iter();
        let hit = |(id, row_idx)| Hit { id, score: self.findings.score(row_idx) };
        let mut hits: Vec<Hit> = ids.zip(rows).map(hit).collect();
        let by_key = |a: &Hit, b: &Hit| key(b.score).total_cmp(&key(a.score));
        hits.sort_by(|a, b| by_key(a, b).then_with(|| a.id.cmp(&b.id)));
        Ok(hits)
    }

    /// The rows at the cut whose ids come first, as many as there are places left.
    fn first_by_id(
        &self,
        selection: &Selection,
        key: impl Fn(f32) -> f32 + Sync,
    ) -> Result<Vec<usize>, StoreError> {
        if selection.n_left == 0 {
            return Ok(Vec::new());
        }
        let tied = self.findings.rows_with(selection.cut, key).without(self.excluded);
        let n_tied = tied.count();
        if n_tied <= selection.n_left {
            Ok(tied.rows().collect())
        } else if n_tied < self.snapshot.n_rows() / STEPS_PER_LOOKUP {
            self.look_up_ties(&tied, selection.n_left)
        } else {
            self.walk_to_ties(&tied, selection.n_left)
        }
    }

    /// For few ties: reads the id of each.
    fn look_up_ties(&self, tied: &Bitmap, n_wanted: usize) -> Result<Vec<usize>, StoreError> {
        let rows: Vec<usize> = tied.rows().collect();
        let ids = self.snapshot.ids_of(&rows)?;
        let mut ties: Vec<(RecordId, usize)> = ids.into_iter().zip(rows).collect();
        ties.sort_unstable();
        ties.truncate(n_wanted);
        Ok(ties.into_iter().map(|(_, row_idx)| row_idx).collect())
    }

    /// For many ties: goes through all ids in their order until enough are met.
    fn walk_to_ties(&self, tied: &Bitmap, n_wanted: usize) -> Result<Vec<usize>, StoreError> {
        let mut met = Vec::new();
        self.snapshot.points().each_by_id(|_, row_idx| {
            if tied.contains(row_idx) {
                met.push(row_idx);
            }
            if met.len() < n_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(met)
    }
}
