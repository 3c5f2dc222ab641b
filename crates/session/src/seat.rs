//! A seat at a session: everybody who labels has one, with a round of their own.
//!
//! Nobody is given a record that was given to somebody else, unless they have left it open for long, and
//! an undo takes back one's own last answer. A request with a name is done once, however often it is sent.

use std::time::Duration;

use linprobe_core::RecordId;

use crate::{
    Annotator, Answer, Deed, Event, Pick, RequestId, Round, Session, SessionError, Strategy,
    Undone, deed::Done,
};

/// Somebody at a session.
#[derive(Debug)]
pub struct Seat<'a> {
    session: &'a mut Session,
    by: Option<Annotator>,
}

/// Whether something was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was, and is durable.
    Now,
    /// Nothing was: the same request had been done, or nothing changes.
    Before,
}

impl<'a> Seat<'a> {
    pub(crate) fn new(session: &'a mut Session, by: Option<Annotator>) -> Self {
        Self { session, by }
    }

    /// The next records to label: what is left open of an earlier round of this seat, in the whole of
    /// that round, or else a new round of at most `k` records that nobody has seen. Without records,
    /// when all were seen.
    ///
    /// # Errors
    /// [`SessionError`] when the store or the journal fails.
    pub async fn next_round(
        &mut self,
        k: usize,
        strategy: Strategy,
    ) -> Result<Round, SessionError> {
        let view = self.session.view().clone();
        if let Some(round) = view.state().open_round(self.by.as_ref()) {
            return Ok(round.clone());
        }
        let picks = view.choose(k, strategy).await?;
        drop(view);
        self.give_out(picks)
    }

    /// Gives out records that were chosen by a [`View::choose`](crate::View::choose) of this session, but for those that
    /// somebody has seen since. Without records, when all were.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn give_out(&mut self, picks: Vec<Pick>) -> Result<Round, SessionError> {
        let view = self.session.view();
        let number = view.state().round() + 1;
        let records = {
            let hidden = view.hidden();
            let unseen = picks.into_iter().filter(|pick| !hidden.contains(&pick.id));
            unseen.collect::<Vec<Pick>>()
        };
        if records.is_empty() {
            return Ok(Round { number, by: self.by.clone(), records: Vec::new() });
        }
        self.record(Event::Shown { round: number, records }, None)?;
        Ok(self.session.state().rounds().last().cloned().expect("a round was just shown"))
    }

    /// Answers a record, shown or not. A label that it has is replaced by another, and kept by one who
    /// passes it over. The same label once more changes nothing, and is written down only for the sake of a
    /// request with a name, which sent again must change nothing either, whatever the label is then.
    ///
    /// # Errors
    /// [`SessionError::UnknownRecord`] when the store has no such record, or store or journal fail.
    pub async fn answer(
        &mut self,
        id: &RecordId,
        answer: Answer,
        request: Option<RequestId>,
    ) -> Result<Recorded, SessionError> {
        let is_vain = request.is_none() && self.session.state().is_vain(id, answer);
        if is_vain || self.has_done(request.as_ref()) {
            return Ok(Recorded::Before);
        }
        self.session.check_known(id).await?;
        self.record(given(id, answer), request)?;
        Ok(Recorded::Now)
    }

    /// Gives one answer to all that is open at this seat, so that its next round is a new one.
    /// Returns how many records there were.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn answer_rest(&mut self, answer: Answer) -> Result<usize, SessionError> {
        let mut n_answered = 0;
        while let Some(round) = self.session.state().open_round(self.by.as_ref()) {
            let deeds = round.open().map(|record| self.deed(given(&record.id, answer), None));
            let deeds: Vec<Deed> = deeds.collect();
            n_answered += deeds.len();
            self.session.record(deeds)?;
        }
        Ok(n_answered)
    }

    /// Frees what others have left open without an answer for longer than `patience`, so that the next
    /// round may show it. What they answer after all counts nevertheless. Returns how many records
    /// there were.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn release_idle(&mut self, patience: Duration) -> Result<usize, SessionError> {
        let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let since = self.session.now_ms().saturating_sub(patience);
        let mut idle = self.session.state().idle_since(since);
        idle.remove(&self.by);
        let n_released = idle.values().sum();
        if n_released > 0 {
            let deeds = idle.into_keys().map(|of| self.deed(Event::Released { of }, None));
            self.session.record(deeds.collect())?;
        }
        Ok(n_released)
    }

    /// Takes back the last answer of this seat that still stands, and says which. Its record is open
    /// again, and a label that it replaced is back. The classifier stays until the next fit. The same
    /// request once more says the same; one that found nothing to take back is not remembered.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn undo(&mut self, request: Option<RequestId>) -> Result<Option<Undone>, SessionError> {
        let done = request.as_ref().and_then(|request| self.session.state().done(request));
        if let Some(Done::Undid(undone)) = done {
            return Ok(Some(undone.clone()));
        }
        let last = self.session.state().last_answer(self.by.as_ref());
        let Some((seq, id, answer)) = last.filter(|_| done.is_none()) else { return Ok(None) };
        let (id, answer) = (id.clone(), answer);
        self.record(Event::Undone { seq }, request)?;
        let label = self.session.state().label(&id);
        Ok(Some(Undone { id, answer, label }))
    }

    /// Lets all records be shown again, the labelled ones too. Labels stay.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn reset_seen(&mut self, request: Option<RequestId>) -> Result<Recorded, SessionError> {
        self.record_once(Event::SeenReset, request)
    }

    /// Judges or passes over a record that an audit has drawn; durable when this returns.
    ///
    /// # Errors
    /// [`SessionError::NotInAudit`] when none has, or the journal fails.
    pub fn answer_audit(
        &mut self,
        id: &RecordId,
        answer: Answer,
        request: Option<RequestId>,
    ) -> Result<Recorded, SessionError> {
        self.session.expect_drawn(id)?;
        self.record_once(Event::AuditAnswered { id: id.clone(), answer }, request)
    }

    /// Takes back the last judgement that still stands, and says of which record it was.
    ///
    /// # Errors
    /// [`SessionError::Journal`].
    pub fn undo_audit(
        &mut self,
        request: Option<RequestId>,
    ) -> Result<Option<RecordId>, SessionError> {
        let state = self.session.state();
        match request.as_ref().and_then(|request| state.done(request)) {
            Some(Done::UndidJudgement(id)) => return Ok(Some(id.clone())),
            Some(_) => return Ok(None),
            None => {}
        }
        let last = state.audit_log().last_answer();
        let Some((seq, id)) = last.map(|(seq, id)| (seq, id.clone())) else { return Ok(None) };
        self.record(Event::Undone { seq }, request)?;
        Ok(Some(id))
    }

    fn record_once(
        &mut self,
        event: Event,
        request: Option<RequestId>,
    ) -> Result<Recorded, SessionError> {
        if self.has_done(request.as_ref()) {
            return Ok(Recorded::Before);
        }
        self.record(event, request)?;
        Ok(Recorded::Now)
    }

    fn has_done(&self, request: Option<&RequestId>) -> bool {
        request.is_some_and(|request| self.session.state().has_done(request))
    }

    fn record(&mut self, event: Event, request: Option<RequestId>) -> Result<(), SessionError> {
        let deed = self.deed(event, request);
        self.session.record(vec![deed])
    }

    fn deed(&self, event: Event, request: Option<RequestId>) -> Deed {
        Deed { event, by: self.by.clone(), request, at_ms: 0 }
    }
}

fn given(id: &RecordId, answer: Answer) -> Event {
    let id = id.clone();
    match answer {
        Answer::Labelled(label) => Event::Labelled { id, label },
        Answer::Skipped => Event::Skipped { id },
    }
}
