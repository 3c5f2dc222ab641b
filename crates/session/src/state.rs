//! The state of a session is a fold over its events and nothing else.
//!
//! The live session and the one that is resumed go through the same [`State::apply`], so they
//! cannot differ; and a journal that was cut after any event is an earlier state, never a wrong one.
//! Undo walks back answer by answer, across rounds and restarts; rounds that were shown, fits and
//! resets of what was seen are not undone.

use std::collections::BTreeMap;

use linprobe_classifier::{Label, LinearClassifier, Method};
use linprobe_core::{Excluded, RecordId};

use crate::{Answer, Audit, Event, Opening, Pick, Reason, StartQuery, audit::AuditLog};

/// A session as its events have left it.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    opening: Opening,
    n_events: u64,
    rounds: Vec<Round>,
    /// Where the shown records of `seen` stand: index of the round, then of the record.
    shown: BTreeMap<RecordId, (usize, usize)>,
    seen: Excluded,
    labels: BTreeMap<RecordId, GivenLabel>,
    /// Answers that still stand and can be undone, the last one last.
    answers: Vec<GivenAnswer>,
    fits: Vec<Fit>,
    audits: AuditLog,
}

/// A label and the round that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GivenLabel {
    pub(crate) label: Label,
    pub(crate) round: u32,
}

/// A round of records.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Its number, from 1.
    pub number: u32,
    /// The records, in the order in which they were chosen.
    pub records: Vec<ShownRecord>,
}

/// A record of a round.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownRecord {
    /// The record.
    pub id: RecordId,
    /// What the classifier made of it when it was chosen, a logit.
    pub score: f32,
    /// Why it was chosen.
    pub reason: Reason,
    /// How likely it was to be chosen, before the draw.
    pub probability: f32,
    /// What was said of it in this round.
    pub answer: Option<Answer>,
}

/// A classifier that was fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The last round before it; 0 before the first.
    pub round: u32,
    /// How many labels there were.
    pub counts: LabelCounts,
    /// The classifier.
    pub classifier: LinearClassifier,
}

/// Numbers of labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "n_ says that it is a count")]
pub struct LabelCounts {
    /// All.
    pub n_labels: u64,
    /// Those above 0.
    pub n_positive: u64,
    /// Those below 0.
    pub n_negative: u64,
}

/// An answer that was taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undone {
    /// The record.
    pub id: RecordId,
    /// The answer.
    pub answer: Answer,
    /// The label that the record has now.
    pub label: Option<Label>,
}

/// An answer, and what it replaced.
#[derive(Clone, Debug, PartialEq)]
struct GivenAnswer {
    seq: u64,
    id: RecordId,
    answer: Answer,
    label_before: Option<GivenLabel>,
    /// Where the record was shown and what its answer there was before.
    slot: Option<((usize, usize), Option<Answer>)>,
    first_seen: bool,
}

impl State {
    /// Folds all events of a session.
    ///
    /// # Errors
    /// [`BadHistory`] when they cannot have happened in this order.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Result<Self, BadHistory> {
        let mut events = events.into_iter();
        let Some(Event::Started(opening)) = events.next() else {
            return Err(BadHistory::NotStarted);
        };
        let mut state = Self::new(*opening);
        events.try_for_each(|event| state.apply(event))?;
        Ok(state)
    }

    /// The state after the first event.
    pub(crate) fn new(opening: Opening) -> Self {
        let labels = opening.query.examples.iter().filter_map(|example| {
            Some((example.id.clone()?, GivenLabel { label: example.label, round: 0 }))
        });
        let labels: BTreeMap<_, _> = labels.collect();
        let seen = labels.keys().cloned().collect();
        let (rounds, shown, answers, fits) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
        let audits = AuditLog::default();
        Self { opening, n_events: 1, rounds, shown, seen, labels, answers, fits, audits }
    }

    /// Takes in the next event.
    ///
    /// # Errors
    /// [`BadHistory`] when it cannot follow; the state is then as it was.
    pub fn apply(&mut self, event: Event) -> Result<(), BadHistory> {
        match event {
            Event::Started(_) => return Err(BadHistory::StartedTwice { seq: self.n_events }),
            Event::Shown { round, records } => self.show(round, records)?,
            Event::Labelled { id, label } => self.answer(id, Answer::Labelled(label)),
            Event::Skipped { id } => self.answer(id, Answer::Skipped),
            Event::Undone { seq } => self.undo(seq)?,
            Event::SeenReset => self.reset_seen(),
            Event::Fitted { round, classifier } => {
                self.fits.push(Fit { round, counts: self.counts(), classifier });
            }
            Event::AuditDrawn(draw) => self.audits.draw(draw, self.fits.len())?,
            Event::AuditAnswered { id, answer } => {
                self.audits.answer(self.n_events, &id, answer)?;
            }
        }
        self.n_events += 1;
        Ok(())
    }

    fn show(&mut self, number: u32, records: Vec<Pick>) -> Result<(), BadHistory> {
        if number != self.round() + 1 {
            return Err(BadHistory::Round { seq: self.n_events, found: number });
        }
        let mut unseen = Excluded::new();
        let mut is_new = |id: &RecordId| !self.seen.contains(id) && unseen.insert(id.clone());
        if let Some(id) = records.iter().map(|pick| &pick.id).find(|id| !is_new(id)) {
            return Err(BadHistory::ShownTwice { seq: self.n_events, id: id.clone() });
        }
        let round_idx = self.rounds.len();
        for (record_idx, pick) in records.iter().enumerate() {
            self.seen.insert(pick.id.clone());
            self.shown.insert(pick.id.clone(), (round_idx, record_idx));
        }
        let records = records.into_iter().map(ShownRecord::unanswered).collect();
        self.rounds.push(Round { number, records });
        Ok(())
    }

    fn answer(&mut self, id: RecordId, answer: Answer) {
        let place = self.shown.get(&id).copied();
        let slot = place.and_then(|place| Some((place, self.slot(place)?.replace(answer))));
        let label_before = self.labels.get(&id).copied();
        if let Answer::Labelled(label) = answer {
            let shown_in = place.and_then(|(round_idx, _)| self.rounds.get(round_idx));
            let round = shown_in.map_or(self.round(), |round| round.number);
            self.labels.insert(id.clone(), GivenLabel { label, round });
        }
        let first_seen = self.seen.insert(id.clone());
        let seq = self.n_events;
        self.answers.push(GivenAnswer { seq, id, answer, label_before, slot, first_seen });
    }

    fn undo(&mut self, seq: u64) -> Result<(), BadHistory> {
        if self.audits.undo(seq) {
            return Ok(());
        }
        let Some(last) = self.answers.pop_if(|last| last.seq == seq) else {
            return Err(BadHistory::NotLast { seq: self.n_events, undone: seq });
        };
        match last.label_before {
            Some(label) => self.labels.insert(last.id.clone(), label),
            None => self.labels.remove(&last.id),
        };
        if let Some((place, before)) = last.slot
            && let Some(slot) = self.slot(place)
        {
            *slot = before;
        }
        if last.first_seen && !self.shown.contains_key(&last.id) {
            self.seen.remove(&last.id);
        }
        Ok(())
    }

    fn reset_seen(&mut self) {
        self.shown.clear();
        self.seen.clear();
    }

    fn slot(&mut self, (round_idx, record_idx): (usize, usize)) -> Option<&mut Option<Answer>> {
        Some(&mut self.rounds.get_mut(round_idx)?.records.get_mut(record_idx)?.answer)
    }
}

/// What can be asked of a state.
impl State {
    /// What the session is called.
    pub fn name(&self) -> &str {
        &self.opening.name
    }

    /// Where it started.
    pub fn query(&self) -> &StartQuery {
        &self.opening.query
    }

    /// How it fits.
    pub fn method(&self) -> &Method {
        &self.opening.method
    }

    /// How many events there were.
    pub fn n_events(&self) -> u64 {
        self.n_events
    }

    /// The number of the last round that was shown; 0 before the first.
    pub fn round(&self) -> u32 {
        self.rounds.last().map_or(0, |round| round.number)
    }

    /// All rounds, in order.
    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    /// The first round, since what was seen was last reset, with a record that has no answer.
    pub fn open_round(&self) -> Option<&Round> {
        let unanswered = |place: &(usize, usize)| self.at(*place).is_some_and(ShownRecord::is_open);
        let first = self.shown.values().filter(|place| unanswered(place)).min()?;
        self.rounds.get(first.0)
    }

    /// The record of an id in the round that shows it, since what was seen was last reset.
    pub fn shown(&self, id: &RecordId) -> Option<&ShownRecord> {
        self.at(*self.shown.get(id)?)
    }

    /// Ids that are not to be shown: those that were shown or answered since the last reset.
    pub fn seen(&self) -> &Excluded {
        &self.seen
    }

    /// Every label, by id.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&RecordId, Label)> {
        self.labels.iter().map(|(id, given)| (id, given.label))
    }

    /// The label of a record.
    pub fn label(&self, id: &RecordId) -> Option<Label> {
        self.labels.get(id).map(|given| given.label)
    }

    pub(crate) fn given_labels(&self) -> &BTreeMap<RecordId, GivenLabel> {
        &self.labels
    }

    /// Numbers of labels, those of the start included.
    pub fn counts(&self) -> LabelCounts {
        let foreign = self.query().examples.iter().filter(|example| example.id.is_none());
        let mut counts = LabelCounts::default();
        for label in foreign.map(|example| example.label).chain(self.labels().map(|(_, l)| l)) {
            counts.n_labels += 1;
            counts.n_positive += u64::from(label.is_positive());
            counts.n_negative += u64::from(label.is_negative());
        }
        counts
    }

    /// All classifiers that were fitted, in order.
    pub fn fits(&self) -> &[Fit] {
        &self.fits
    }

    /// The last classifier that was fitted.
    pub fn classifier(&self) -> Option<&LinearClassifier> {
        self.fits.last().map(|fit| &fit.classifier)
    }

    /// All audits that were drawn, in order.
    pub fn audits(&self) -> &[Audit] {
        self.audits.audits()
    }

    pub(crate) fn audit_log(&self) -> &AuditLog {
        &self.audits
    }

    /// The event that an undo would take back, and what that would change.
    pub(crate) fn last_answer(&self) -> Option<(u64, Undone)> {
        let GivenAnswer { seq, id, answer, label_before, .. } = self.answers.last()?;
        let label = label_before.map(|given| given.label);
        Some((*seq, Undone { id: id.clone(), answer: *answer, label }))
    }

    fn at(&self, (round_idx, record_idx): (usize, usize)) -> Option<&ShownRecord> {
        self.rounds.get(round_idx)?.records.get(record_idx)
    }
}

impl Round {
    /// The records that have no answer yet.
    pub fn open(&self) -> impl Iterator<Item = &ShownRecord> {
        self.records.iter().filter(|record| record.is_open())
    }
}

impl ShownRecord {
    fn unanswered(pick: Pick) -> Self {
        let Pick { id, score, reason, probability } = pick;
        Self { id, score, reason, probability, answer: None }
    }

    fn is_open(&self) -> bool {
        self.answer.is_none()
    }
}

/// Events that cannot have happened in this order. Numbers count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHistory {
    /// The first event is no start.
    #[error("the session does not begin with its start")]
    NotStarted,
    /// A later one is.
    #[error("event {seq} starts the session again")]
    StartedTwice {
        /// The number of the event.
        seq: u64,
    },
    /// A round has the wrong number.
    #[error("event {seq} shows round {found}, another is due")]
    Round {
        /// The number of the event.
        seq: u64,
        /// The number of the round.
        found: u32,
    },
    /// A record is shown that was seen.
    #[error("event {seq} shows {id:?} again", id = id.as_str())]
    ShownTwice {
        /// The number of the event.
        seq: u64,
        /// The record.
        id: RecordId,
    },
    /// Something else than the last answer is undone.
    #[error("event {seq} undoes event {undone}, which is not the last answer")]
    NotLast {
        /// The number of the event.
        seq: u64,
        /// The number of the event that it undoes.
        undone: u64,
    },
    /// An audit is drawn before a classifier was fitted, or one record twice.
    #[error("an audit is drawn that cannot be")]
    AuditDraw,
    /// A record is judged that the last audit has not drawn.
    #[error("event {seq} judges {id:?}, which is not in the audit", id = id.as_str())]
    NotInAudit {
        /// The number of the event.
        seq: u64,
        /// The record.
        id: RecordId,
    },
}
