//! The state of a session is a fold over its events and nothing else.
//!
//! The live session and the one that is resumed go through the same [`State::apply`], so they
//! cannot differ; and a journal that was cut after any event is an earlier state, never a wrong one.
//! Undo walks back answer by answer, across rounds and restarts, each person through their own; rounds
//! that were shown, fits and resets of what was seen are not undone. What a record's label is follows
//! from the answers that still stand, so that it does not matter whose is taken back first.

use std::collections::{BTreeMap, BTreeSet};

use linprobe_classifier::{Label, LinearClassifier, Method};
use linprobe_core::{Excluded, RecordId};

use crate::{
    Annotator, Answer, Audit, Deed, Event, Opening, Pick, Reason, RequestId, StartExample,
    StartQuery, audit::AuditLog, deed::Done,
};

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
    /// How often what was seen was forgotten.
    n_resets: u32,
    /// When everybody was last seen at work: given a round, or answering.
    active_ms: BTreeMap<Option<Annotator>, u64>,
    requests: BTreeMap<RequestId, Done>,
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
    /// Whom it was given to; none where nobody said.
    pub by: Option<Annotator>,
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
    /// Further records that it was chosen from and that are nearly the same.
    pub n_alike: u32,
    /// What was said of it in this round.
    pub answer: Option<Answer>,
    /// Whether it was left open for so long that it may be shown to somebody else.
    pub released: bool,
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

/// An answer that still stands.
#[derive(Clone, Debug, PartialEq)]
struct GivenAnswer {
    seq: u64,
    by: Option<Annotator>,
    id: RecordId,
    answer: Answer,
    /// The round that it belongs to.
    round: u32,
    /// Where the record was shown.
    place: Option<(usize, usize)>,
    /// How often what was seen had been forgotten.
    n_resets: u32,
}

impl State {
    /// Folds all events of a session.
    ///
    /// # Errors
    /// [`BadHistory`] when they cannot have happened in this order.
    pub fn replay<D: Into<Deed>>(deeds: impl IntoIterator<Item = D>) -> Result<Self, BadHistory> {
        let mut deeds = deeds.into_iter().map(D::into);
        let Some(Deed { event: Event::Started(opening), .. }) = deeds.next() else {
            return Err(BadHistory::NotStarted);
        };
        let mut state = Self::new(*opening);
        deeds.try_for_each(|deed| state.apply(deed))?;
        Ok(state)
    }

    /// The state after the first event.
    pub(crate) fn new(opening: Opening) -> Self {
        let labels: BTreeMap<_, _> = opening.query.examples.iter().filter_map(known).collect();
        let seen = labels.keys().cloned().collect();
        Self {
            opening,
            n_events: 1,
            rounds: Vec::new(),
            shown: BTreeMap::new(),
            seen,
            labels,
            answers: Vec::new(),
            n_resets: 0,
            active_ms: BTreeMap::new(),
            requests: BTreeMap::new(),
            fits: Vec::new(),
            audits: AuditLog::default(),
        }
    }

    /// Takes in what happens next.
    ///
    /// # Errors
    /// [`BadHistory`] when it cannot follow; the state is then as it was.
    pub fn apply(&mut self, deed: impl Into<Deed>) -> Result<(), BadHistory> {
        let Deed { event, by, request, at_ms } = deed.into();
        let mut done = Done::Written;
        let worker = event.is_work().then(|| by.clone());
        match event {
            Event::Started(_) => return Err(BadHistory::StartedTwice { seq: self.n_events }),
            Event::Shown { round, records } => self.show(round, by, records)?,
            Event::Labelled { id, label } => self.answer(id, by, Answer::Labelled(label)),
            Event::Skipped { id } => self.answer(id, by, Answer::Skipped),
            Event::Undone { seq } => done = self.undo(seq)?,
            Event::Released { of } => self.release(of.as_ref()),
            Event::SeenReset => self.reset_seen(),
            Event::Fitted { round, classifier } => {
                self.fits.push(Fit { round, counts: self.counts(), classifier });
            }
            Event::AuditDrawn(draw) => self.audits.draw(draw, self.fits.len())?,
            Event::AuditAnswered { id, answer } => {
                self.audits.answer(self.n_events, &id, answer)?;
            }
        }
        self.active_ms.extend(worker.map(|by| (by, at_ms)));
        self.requests.extend(request.map(|request| (request, done)));
        self.n_events += 1;
        Ok(())
    }

    fn show(
        &mut self,
        number: u32,
        by: Option<Annotator>,
        records: Vec<Pick>,
    ) -> Result<(), BadHistory> {
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
        self.rounds.push(Round { number, by, records });
        Ok(())
    }

    fn answer(&mut self, id: RecordId, by: Option<Annotator>, answer: Answer) {
        if self.is_vain(&id, answer) {
            return;
        }
        let place = self.shown.get(&id).copied();
        let shown_in = place.and_then(|(round_idx, _)| self.rounds.get(round_idx));
        let round = shown_in.map_or(self.round(), |round| round.number);
        if let Some(slot) = place.and_then(|place| self.slot(place)) {
            *slot = Some(answer);
        }
        if let Answer::Labelled(label) = answer {
            self.labels.insert(id.clone(), GivenLabel { label, round });
        }
        self.seen.insert(id.clone());
        let (seq, n_resets) = (self.n_events, self.n_resets);
        self.answers.push(GivenAnswer { seq, by, id, answer, round, place, n_resets });
    }

    /// Takes an answer back: the record is as if it had never been given.
    fn undo(&mut self, seq: u64) -> Result<Done, BadHistory> {
        if let Some(id) = self.audits.undo(seq) {
            return Ok(Done::UndidJudgement(id));
        }
        let not_last = || BadHistory::NotLast { seq: self.n_events, undone: seq };
        let position = self.answers.binary_search_by_key(&seq, |given| given.seq);
        let Ok(position) = position else { return Err(not_last()) };
        let by = self.answers[position].by.as_ref();
        if self.last_answer(by).is_none_or(|(last, ..)| last != seq) {
            return Err(not_last());
        }
        let taken = self.answers.remove(position);
        let label = self.label_by_answers(&taken.id);
        match label {
            Some(given) => self.labels.insert(taken.id.clone(), given),
            None => self.labels.remove(&taken.id),
        };
        self.reopen(&taken);
        let label = label.map(|given| given.label);
        Ok(Done::Undid(Undone { id: taken.id, answer: taken.answer, label }))
    }

    /// What the answers that stand say of a record, or else the start.
    fn label_by_answers(&self, id: &RecordId) -> Option<GivenLabel> {
        let labels = self.answers.iter().rev().filter(|given| given.id == *id);
        let mut labels = labels.filter_map(|given| {
            let label = given.answer.label()?;
            Some(GivenLabel { label, round: given.round })
        });
        let mut started = self.query().examples.iter().filter_map(known);
        labels.next().or_else(|| started.find(|(known, _)| known == id).map(|(_, given)| given))
    }

    /// What an answer that was taken back leaves where it was shown, and among what was seen.
    fn reopen(&mut self, taken: &GivenAnswer) {
        let others = || self.answers.iter().rev().filter(|given| given.id == taken.id);
        let before = others().find(|given| given.place == taken.place).map(|given| given.answer);
        let is_answered = others().any(|given| given.n_resets == self.n_resets);
        if let Some(slot) = taken.place.and_then(|place| self.slot(place)) {
            *slot = before;
        }
        let is_known = self.n_resets == 0 && self.labels.contains_key(&taken.id);
        if !is_answered && !is_known && !self.shown.contains_key(&taken.id) {
            self.seen.remove(&taken.id);
        }
    }

    /// Lets what is open at a seat be shown again. It stays in its round, unanswered.
    fn release(&mut self, of: Option<&Annotator>) {
        let Self { rounds, shown, seen, .. } = self;
        shown.retain(|id, &mut (round_idx, record_idx)| {
            let own = rounds.get_mut(round_idx).filter(|round| round.by.as_ref() == of);
            let record = own.and_then(|round| round.records.get_mut(record_idx));
            let Some(open) = record.filter(|record| record.is_open()) else { return true };
            open.released = true;
            seen.remove(id);
            false
        });
    }

    fn reset_seen(&mut self) {
        self.shown.clear();
        self.seen.clear();
        self.n_resets += 1;
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

    /// The first round of somebody, since what was seen was last reset, with a record that has no
    /// answer.
    pub fn open_round(&self, by: Option<&Annotator>) -> Option<&Round> {
        let is_open = |&&(round_idx, record_idx): &&(usize, usize)| {
            let own = self.rounds.get(round_idx).filter(|round| round.by.as_ref() == by);
            own.and_then(|round| round.records.get(record_idx)).is_some_and(ShownRecord::is_open)
        };
        let first = self.shown.values().filter(is_open).min()?;
        self.rounds.get(first.0)
    }

    /// Whoever holds open records and has not been at work since a time, in milliseconds since 1970
    /// (UTC), with the number of these records.
    pub(crate) fn idle_since(&self, at_ms: u64) -> BTreeMap<Option<Annotator>, usize> {
        let mut idle = BTreeMap::new();
        for &(round_idx, record_idx) in self.shown.values() {
            let Some(round) = self.rounds.get(round_idx) else { continue };
            let is_idle = self.active_ms.get(&round.by).is_none_or(|&active| active < at_ms);
            if is_idle && round.records.get(record_idx).is_some_and(ShownRecord::is_open) {
                *idle.entry(round.by.clone()).or_default() += 1;
            }
        }
        idle
    }

    /// Everybody who was given a round or has answered, and said who they are.
    pub fn annotators(&self) -> BTreeSet<&Annotator> {
        let rounds = self.rounds.iter().filter_map(|round| round.by.as_ref());
        rounds.chain(self.answers.iter().filter_map(|given| given.by.as_ref())).collect()
    }

    /// Whether an answer says of a record that is not open what its label says: it changes nothing.
    pub(crate) fn is_vain(&self, id: &RecordId, answer: Answer) -> bool {
        let is_open = self.shown(id).is_some_and(|shown| shown.answer.is_none());
        !is_open && answer.label().is_some_and(|label| self.label(id) == Some(label))
    }

    /// Whether a request was done.
    pub fn has_done(&self, request: &RequestId) -> bool {
        self.requests.contains_key(request)
    }

    pub(crate) fn done(&self, request: &RequestId) -> Option<&Done> {
        self.requests.get(request)
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

    /// The round that a record's label belongs to; 0 for one of the start.
    pub fn round_of_label(&self, id: &RecordId) -> Option<u32> {
        self.labels.get(id).map(|given| given.round)
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

    /// The first audit that has records to judge. An earlier one than the last has some again where their
    /// judgements were taken back.
    pub fn open_audit(&self) -> Option<&Audit> {
        self.audits().iter().find(|audit| audit.open().is_some())
    }

    pub(crate) fn audit_log(&self) -> &AuditLog {
        &self.audits
    }

    /// What an undo by somebody would take back: the event, its record and its answer.
    pub(crate) fn last_answer(&self, by: Option<&Annotator>) -> Option<(u64, &RecordId, Answer)> {
        let last = self.answers.iter().rev().find(|given| given.by.as_ref() == by)?;
        Some((last.seq, &last.id, last.answer))
    }

    /// Whether somebody has an answer to take back.
    pub fn can_undo(&self, by: Option<&Annotator>) -> bool {
        self.last_answer(by).is_some()
    }

    fn at(&self, (round_idx, record_idx): (usize, usize)) -> Option<&ShownRecord> {
        self.rounds.get(round_idx)?.records.get(record_idx)
    }
}

/// A record of the start, and what was known of it.
fn known(example: &StartExample) -> Option<(RecordId, GivenLabel)> {
    Some((example.id.clone()?, GivenLabel { label: example.label, round: 0 }))
}

impl Round {
    /// The records that have no answer yet.
    pub fn open(&self) -> impl Iterator<Item = &ShownRecord> {
        self.records.iter().filter(|record| record.is_open())
    }
}

impl ShownRecord {
    fn unanswered(pick: Pick) -> Self {
        let Pick { id, score, reason, probability, n_alike } = pick;
        Self { id, score, reason, probability, n_alike, answer: None, released: false }
    }

    fn is_open(&self) -> bool {
        self.answer.is_none() && !self.released
    }
}

/// Events that cannot have happened in this order. Numbers count from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHistory {
    /// The first event is no start.
    #[error("the session does not begin with its start")]
    NotStarted,
    /// There is a gap.
    #[error("event {seq} is missing")]
    Missing {
        /// The number of the event.
        seq: u64,
    },
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
    /// Something else than somebody's last answer is undone.
    #[error("event {seq} undoes event {undone}, which is nobody's last answer")]
    NotLast {
        /// The number of the event.
        seq: u64,
        /// The number of the event that it undoes.
        undone: u64,
    },
    /// An audit is drawn before a classifier was fitted, or one record twice.
    #[error("an audit is drawn that cannot be")]
    AuditDraw,
    /// A record is judged that no audit has drawn.
    #[error("event {seq} judges {id:?}, which is in no audit", id = id.as_str())]
    NotInAudit {
        /// The number of the event.
        seq: u64,
        /// The record.
        id: RecordId,
    },
}
