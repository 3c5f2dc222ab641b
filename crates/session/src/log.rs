//! The log of a session: all of its events, of which it is known that they are one session's.

use crate::{BadHistory, Entry, Event, Opening, State};

/// Every event of a session, from its start on.
#[derive(Clone, Debug)]
pub struct SessionLog {
    pub(crate) opening: Opening,
    /// In milliseconds since 1970 (UTC).
    pub(crate) opened_ms: u64,
    /// What happened after the start.
    pub(crate) later: Vec<Entry>,
    state: State,
}

impl SessionLog {
    /// Checks that events are those of a session, all of them and in order.
    ///
    /// # Errors
    /// [`BadHistory`] when one is missing, or they cannot have happened so.
    pub fn check(entries: Vec<Entry>) -> Result<Self, BadHistory> {
        let mut numbered = (0..).zip(&entries);
        if let Some((seq, _)) = numbered.find(|(seq, entry)| entry.seq != *seq) {
            return Err(BadHistory::Missing { seq });
        }
        let state = State::replay(entries.iter().cloned())?;
        let mut later = entries.into_iter();
        let Some(Entry { event: Event::Started(opening), at_ms, .. }) = later.next() else {
            return Err(BadHistory::NotStarted);
        };
        Ok(Self { opening: *opening, opened_ms: at_ms, later: later.collect(), state })
    }

    /// What has come of the events.
    pub fn state(&self) -> &State {
        &self.state
    }
}
