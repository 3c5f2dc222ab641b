//! The audits of a session, as its events have left them.

use linprobe_classifier::Label;
use linprobe_core::RecordId;

use crate::{Answer, BadHistory};

/// Records that were drawn, and with what odds.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditDraw {
    /// The score at or above which the classifier was to call a record relevant.
    pub threshold: f32,
    /// The strata, highest first.
    pub strata: Vec<AuditStratum>,
    /// The records, in the random order in which they are shown.
    pub picks: Vec<AuditPick>,
}

/// A part of the corpus, by score, from which records were drawn, each as likely as the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AuditStratum {
    /// The lowest score that belongs to it.
    pub low: f32,
    /// Its records that could be drawn: those without a label and not in an earlier audit.
    pub n_points: u64,
    /// Those that were.
    pub n_drawn: u64,
}

/// A record that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPick {
    /// The record.
    pub id: RecordId,
    /// What the classifier made of it then, a logit. Not for the eyes of the person who judges.
    pub score: f32,
}

/// An audit and its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// Which classifier it was drawn for: its index among the session's fits.
    pub fit_idx: usize,
    /// The score at or above which that classifier was to call a record relevant.
    pub threshold: f32,
    /// The strata, highest first.
    pub strata: Vec<AuditStratum>,
    /// The records, in the random order in which they are shown.
    pub records: Vec<AuditedRecord>,
}

/// A record of an audit.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditedRecord {
    /// The record.
    pub id: RecordId,
    /// What the classifier made of it when it was drawn, a logit. Not for the eyes of the person.
    pub score: f32,
    /// What was said of it.
    pub answer: Option<Answer>,
}

impl Audit {
    fn new(draw: AuditDraw, fit_idx: usize) -> Self {
        let AuditDraw { threshold, strata, picks } = draw;
        let unanswered = |AuditPick { id, score }| AuditedRecord { id, score, answer: None };
        let records = picks.into_iter().map(unanswered).collect();
        Self { fit_idx, threshold, strata, records }
    }

    /// The first record that was neither judged nor skipped.
    pub fn open(&self) -> Option<&AuditedRecord> {
        self.records.iter().find(|record| record.answer.is_none())
    }

    /// Records that were judged or skipped.
    pub fn n_answered(&self) -> usize {
        self.records.iter().filter(|record| record.answer.is_some()).count()
    }

    /// The records that were judged.
    pub(super) fn judged(&self) -> impl Iterator<Item = (&AuditedRecord, Label)> {
        self.records.iter().filter_map(|record| Some((record, record.answer?.label()?)))
    }

    /// What the classifier made of a record when it was drawn; none where it was not.
    pub(super) fn score_of(&self, id: &RecordId) -> Option<f32> {
        self.records.iter().find(|record| record.id == *id).map(|record| record.score)
    }

    /// The probability with which a record of this score has come to be judged. Those skipped, and
    /// those still open, count as not drawn: the order is random.
    pub(super) fn odds(&self, score: f32) -> f64 {
        let own = self.stratum_of(score);
        let is_own = |record: &AuditedRecord| self.stratum_of(record.score) == own;
        let n_judged = self.judged().filter(|(record, _)| is_own(record)).count();
        let n_points = self.strata.get(own).map_or(1, |stratum| stratum.n_points.max(1));
        n_judged as f64 / n_points as f64
    }

    /// A score that was rounded otherwise may lie below the lowest that there was: it is of the last.
    fn stratum_of(&self, score: f32) -> usize {
        let last = self.strata.len().saturating_sub(1);
        self.strata.iter().position(|stratum| stratum.low <= score).unwrap_or(last)
    }
}

/// All audits of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AuditLog {
    audits: Vec<Audit>,
    /// Answers that still stand and can be undone, the last one last.
    given: Vec<GivenJudgement>,
}

/// An answer, where it stands, and what it replaced.
#[derive(Clone, Debug, PartialEq)]
struct GivenJudgement {
    seq: u64,
    audit_idx: usize,
    record_idx: usize,
    before: Option<Answer>,
}

impl AuditLog {
    pub(crate) fn audits(&self) -> &[Audit] {
        &self.audits
    }

    pub(crate) fn draw(&mut self, draw: AuditDraw, n_fits: usize) -> Result<(), BadHistory> {
        let mut ids: Vec<&RecordId> = draw.picks.iter().map(|pick| &pick.id).collect();
        ids.sort_unstable();
        let twice = ids.windows(2).any(|pair| pair[0] == pair[1]);
        let fit_idx = n_fits.checked_sub(1).filter(|_| !twice).ok_or(BadHistory::AuditDraw)?;
        self.audits.push(Audit::new(draw, fit_idx));
        Ok(())
    }

    pub(crate) fn answer(
        &mut self,
        seq: u64,
        id: &RecordId,
        answer: Answer,
    ) -> Result<(), BadHistory> {
        let place = self.place_of(id);
        let (audit_idx, record_idx) =
            place.ok_or_else(|| BadHistory::NotInAudit { seq, id: id.clone() })?;
        let before = self.audits[audit_idx].records[record_idx].answer.replace(answer);
        self.given.push(GivenJudgement { seq, audit_idx, record_idx, before });
        Ok(())
    }

    /// Takes the last answer back if the event of this number gave it; says of which record it was.
    pub(crate) fn undo(&mut self, seq: u64) -> Option<RecordId> {
        let last = self.given.pop_if(|last| last.seq == seq)?;
        let record = self.audits.get_mut(last.audit_idx)?.records.get_mut(last.record_idx)?;
        record.answer = last.before;
        Some(record.id.clone())
    }

    /// Where a record stands: no two audits draw the same one.
    fn place_of(&self, id: &RecordId) -> Option<(usize, usize)> {
        self.audits.iter().enumerate().rev().find_map(|(audit_idx, audit)| {
            let record_idx = audit.records.iter().position(|record| record.id == *id)?;
            Some((audit_idx, record_idx))
        })
    }

    /// Whether an audit has drawn a record.
    pub(crate) fn has_drawn(&self, id: &RecordId) -> bool {
        self.place_of(id).is_some()
    }

    /// The event that gave the last answer, and the record.
    pub(crate) fn last_answer(&self) -> Option<(u64, &RecordId)> {
        let last = self.given.last()?;
        let record = self.audits.get(last.audit_idx)?.records.get(last.record_idx)?;
        Some((last.seq, &record.id))
    }
}
