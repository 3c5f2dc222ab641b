//! A whole session as lines of JSON: the first says over which model, each other one is an event.
//!
//! A log gives the same session in another project that has the same records: the same state, the same classifier. It is
//! taken up whole or not at all.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use linprobe_core::RecordId;
use linprobe_session::{Entry, SessionLog, State};
use serde::{Deserialize, Serialize};

use crate::{error::ProjectError, models, project::Project};

/// The version of the lines.
const FORMAT: u32 = 1;

/// The longest log that is read, in bytes.
const MAX_LOG_BYTES: u64 = 1 << 30;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    linprobe_session_log: u32,
    model: String,
    fingerprint: String,
    dimension: usize,
}

impl Project {
    /// The lines of a session's log, without their ends.
    ///
    /// # Errors
    /// [`ProjectError::Unknown`] when there is no session of this name, or the database fails.
    pub fn session_log(&self, name: &str) -> Result<Vec<String>, ProjectError> {
        let model = self.model()?.ok_or(ProjectError::Empty)?;
        let head = Head {
            linprobe_session_log: FORMAT,
            model: model.id,
            fingerprint: model.fingerprint,
            dimension: model.dimension,
        };
        let entries = self.journal()?.events(self.session_id(name)?)?;
        let lines = entries.iter().map(Entry::to_line);
        let lines = std::iter::once(serde_json::to_string(&head)).chain(lines);
        let unwritten = |bad: serde_json::Error| ProjectError::Damaged {
            path: self.database(),
            reason: bad.to_string(),
        };
        lines.collect::<Result<_, _>>().map_err(unwritten)
    }

    /// Takes up the session of a log under a new name. Returns how many events it has.
    ///
    /// # Errors
    /// [`ProjectError::BadLog`] when it is of another model, speaks of records that are not there, or is damaged.
    pub fn restore_session(&self, name: &str, log: &Path) -> Result<u64, ProjectError> {
        let refused = |reason| ProjectError::BadLog { path: log.into(), reason };
        self.check_new_name(name)?;
        let events = self.read_log(log)?;
        let events = SessionLog::check(events).map_err(|bad| refused(bad.to_string()))?;
        let mut unknown = Vec::new();
        for id in records_of(events.state()) {
            match self.record(id) {
                Ok(_) => {}
                Err(ProjectError::UnknownRecord { .. }) => unknown.push(id.as_str()),
                Err(error) => return Err(error),
            }
        }
        if let Some(first) = unknown.first() {
            let n = unknown.len();
            return Err(refused(format!(
                "{n} of its records are not in the project, the first is {first:?}\n\
                 hint: index the dataset that it was labelled on"
            )));
        }
        let n_events = events.state().n_events();
        self.journal()?.restore(name, events)?;
        Ok(n_events)
    }

    fn read_log(&self, log: &Path) -> Result<Vec<Entry>, ProjectError> {
        let failed = |source| ProjectError::Io { path: log.into(), source };
        let refused = |reason| ProjectError::BadLog { path: log.into(), reason };
        let file = File::open(log).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() > MAX_LOG_BYTES {
            return Err(refused(format!("it is longer than {MAX_LOG_BYTES} bytes")));
        }
        let mut lines = BufReader::new(file.take(MAX_LOG_BYTES)).lines();
        let head = lines.next().transpose().map_err(failed)?.unwrap_or_default();
        self.check_head(&head).map_err(refused)?;
        let entries = lines.zip(2..).map(|(line, number)| {
            let entry = Entry::from_line(&line.map_err(failed)?);
            entry.map_err(|bad| refused(format!("line {number}: {bad}")))
        });
        entries.collect()
    }

    fn check_head(&self, line: &str) -> Result<(), String> {
        let head: Head = serde_json::from_str(line).map_err(|bad| {
            format!("its first line is not that of a log: {bad}\nhint: write one with \"linprobe session log\"")
        })?;
        if head.linprobe_session_log > FORMAT {
            return Err("a later version wrote it\nhint: update linprobe".to_owned());
        }
        let model = self.model().ok().flatten().ok_or("the project has no records yet")?;
        if head.fingerprint == model.fingerprint && head.dimension == model.dimension {
            return Ok(());
        }
        let ours = models::shown(&model);
        Err(format!(
            "it is of {} ({} dimensions), the records are embedded with {ours}\n\
             hint: a session goes on only over embeddings of its own model",
            head.model, head.dimension
        ))
    }
}

/// Every record that was shown, labelled or audited.
pub(crate) fn records_of(state: &State) -> BTreeSet<&RecordId> {
    let shown = state.rounds().iter().flat_map(|round| &round.records).map(|record| &record.id);
    let audited = state.audits().iter().flat_map(|audit| &audit.records).map(|record| &record.id);
    shown.chain(audited).chain(state.labels().map(|(id, _)| id)).collect()
}
