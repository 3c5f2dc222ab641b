//! A session: rounds, answers, fits, and the audits that measure it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linprobe::{
    Answer, AuditPlan, Insight, Label, ProjectError, RecordId, ShownRecord, Strategy,
    ThresholdPolicy,
};
use pyo3::prelude::*;

use crate::{
    error::{OrRaise, or_input},
    project::record_id,
    wire,
};

/// A session that is open.
#[pyclass(frozen, module = "linprobe._native")]
pub(crate) struct Session {
    project: Arc<linprobe::Project>,
    session: Mutex<linprobe::Session>,
}

/// What was said of records: a score, or nothing where one is passed over.
type Said = Vec<(String, Option<f32>)>;

#[pymethods]
impl Session {
    /// What the session is called.
    fn name(&self, py: Python<'_>) -> String {
        self.with(py, |session| session.state().name().to_owned())
    }

    /// What it started from, in words.
    fn description(&self, py: Python<'_>) -> String {
        self.with(py, |session| session.state().query().description.clone())
    }

    /// The number of the next round and its records.
    fn next_round(
        &self,
        py: Python<'_>,
        k: usize,
        strategy: &str,
    ) -> PyResult<(u32, Vec<wire::Shown>)> {
        let strategy: Strategy = or_input(strategy.parse())?;
        let next = |session: &mut linprobe::Session| {
            let round = pollster::block_on(session.next_round(k, strategy))?;
            let shown: Result<_, ProjectError> =
                round.records.iter().map(|record| self.shown(record)).collect();
            Ok::<_, ProjectError>((round.number, shown?))
        };
        self.with(py, next).or_raise()
    }

    /// Answers records, and fits. Nothing is written when one of the records or scores is none.
    fn score(&self, py: Python<'_>, said: Said) -> PyResult<wire::Fit> {
        let answers = self.answers(said)?;
        let score = |session: &mut linprobe::Session| {
            for (id, answer) in &answers {
                match answer {
                    Answer::Labelled(label) => pollster::block_on(session.label(id, *label))?,
                    Answer::Skipped => pollster::block_on(session.skip(id))?,
                }
            }
            pollster::block_on(session.fit())
        };
        Ok(self.with(py, score).or_raise()?.into())
    }

    /// Passes over all that is open; returns how many records there were.
    fn skip_rest(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, linprobe::Session::skip_rest).or_raise()
    }

    /// Takes back the last answer, and fits; returns its record and the score that it has now.
    fn undo(&self, py: Python<'_>) -> PyResult<Option<(String, Option<f32>)>> {
        let undo = |session: &mut linprobe::Session| {
            let undone = session.undo()?;
            if undone.is_some() {
                pollster::block_on(session.refit())?;
            }
            Ok::<_, linprobe::SessionError>(undone)
        };
        let undone = self.with(py, undo).or_raise()?;
        Ok(undone.map(|undone| (undone.id.to_string(), undone.label.map(Label::value))))
    }

    /// Lets all records be shown again.
    fn reset_seen(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, linprobe::Session::reset_seen).or_raise()
    }

    /// Every label, by id.
    fn labels(&self, py: Python<'_>) -> Vec<(String, f32)> {
        self.with(py, |session| {
            let labels = session.state().labels();
            labels.map(|(id, label)| (id.to_string(), label.value())).collect()
        })
    }

    /// What each round has brought.
    fn history(&self, py: Python<'_>) -> Vec<wire::Round> {
        let reports = self.with(py, |session| session.view().round_reports());
        reports.into_iter().map(wire::Round::from).collect()
    }

    /// What to do next, and what to expect of a threshold.
    fn advice(&self, py: Python<'_>, policy: &str) -> PyResult<(wire::Advised, wire::Expected)> {
        let insight = self.insight(py, policy)?;
        Ok(((&insight.advice).into(), insight.expected.into()))
    }

    /// The session as a drawing, in SVG.
    fn plot(&self, py: Python<'_>, policy: &str) -> PyResult<String> {
        let name = self.name(py);
        Ok(self.insight(py, policy)?.plot(&name))
    }

    /// Labels that the others speak against, with the record, its label and what speaks against it.
    fn look_again(&self, py: Python<'_>, limit: usize) -> PyResult<Vec<(String, f32, String)>> {
        let look =
            |session: &mut linprobe::Session| pollster::block_on(session.view().look_again(limit));
        let doubtful = self.with(py, look).or_raise()?;
        Ok(doubtful.into_iter().map(doubt).collect())
    }

    /// Draws records to judge, or goes on with those that are not judged yet: the number of those drawn, and the open
    /// ones.
    fn draw_audit(
        &self,
        py: Python<'_>,
        budget: usize,
        policy: &str,
        seed: u64,
    ) -> PyResult<(usize, Vec<wire::Record>)> {
        let threshold: ThresholdPolicy = or_input(policy.parse())?;
        let draw = |session: &mut linprobe::Session| {
            // Another audit of the same session draws others.
            let seed = seed.wrapping_add(session.state().audits().len() as u64);
            let plan = AuditPlan { budget, threshold, seed };
            pollster::block_on(session.draw_audit(&plan)).map(drop)
        };
        self.with(py, draw).or_raise()?;
        self.open_audit(py)
    }

    /// How many records the last audit has drawn, and those that are not judged yet.
    fn open_audit(&self, py: Python<'_>) -> PyResult<(usize, Vec<wire::Record>)> {
        let (n_drawn, open) = self.with(py, |session| {
            let Some(audit) = session.state().audits().last() else { return (0, Vec::new()) };
            let open = audit.records.iter().filter(|record| record.answer.is_none());
            (audit.records.len(), open.map(|record| record.id.clone()).collect::<Vec<_>>())
        });
        let records = py.detach(|| {
            let records = open.iter().map(|id| self.project.record(id).map(wire::Record::from));
            records.collect::<Result<Vec<_>, _>>()
        });
        Ok((n_drawn, records.or_raise()?))
    }

    /// Judges records of the last audit.
    fn answer_audit(&self, py: Python<'_>, said: Said) -> PyResult<()> {
        let answers = self.answers(said)?;
        let answer = |session: &mut linprobe::Session| {
            answers.iter().try_for_each(|(id, answer)| session.answer_audit(id, *answer))
        };
        self.with(py, answer).or_raise()
    }

    /// Takes back the last judgement; returns its record.
    fn undo_audit(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let undone = self.with(py, linprobe::Session::undo_audit).or_raise()?;
        Ok(undone.map(|id| id.to_string()))
    }

    /// What the audits say; nothing while nothing is judged.
    fn audit_report(&self, py: Python<'_>, policy: &str) -> PyResult<Option<wire::Audited>> {
        let policy: ThresholdPolicy = or_input(policy.parse())?;
        let report = |session: &mut linprobe::Session| {
            pollster::block_on(session.view().audit_report(policy))
        };
        Ok(self.with(py, report).or_raise()?.map(wire::Audited::from))
    }

    /// Makes labels of all judgements, and fits; returns how many there were.
    fn learn_from_audits(&self, py: Python<'_>) -> PyResult<usize> {
        let learn = |session: &mut linprobe::Session| {
            let n_learned = pollster::block_on(session.learn_from_audits())?;
            pollster::block_on(session.refit())?;
            Ok::<_, linprobe::SessionError>(n_learned)
        };
        self.with(py, learn).or_raise()
    }
}

impl Session {
    pub(crate) fn new(project: Arc<linprobe::Project>, session: linprobe::Session) -> Self {
        Self { project, session: Mutex::new(session) }
    }

    /// Without the interpreter's lock: whoever has the session may be waiting for it.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut linprobe::Session) -> T + Send,
    ) -> T {
        py.detach(|| work(&mut self.lock()))
    }

    fn lock(&self) -> MutexGuard<'_, linprobe::Session> {
        // What is not durable has not happened, so a session is whole even after a panic.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, shown: &ShownRecord) -> Result<wire::Shown, ProjectError> {
        Ok(wire::Shown::new(shown, self.project.record(&shown.id)?))
    }

    /// Checks all that was said before any of it is written.
    fn answers(&self, said: Said) -> PyResult<Vec<(RecordId, Answer)>> {
        let answer = |(name, score): (String, Option<f32>)| {
            let id = record_id(&name).or_raise()?;
            self.project.record(&id).or_raise()?;
            let answer = match score {
                Some(score) => Answer::Labelled(or_input(Label::new(score))?),
                None => Answer::Skipped,
            };
            Ok((id, answer))
        };
        said.into_iter().map(answer).collect()
    }

    fn insight(&self, py: Python<'_>, policy: &str) -> PyResult<Insight> {
        let policy: ThresholdPolicy = or_input(policy.parse())?;
        let insight =
            |session: &mut linprobe::Session| pollster::block_on(session.view().insight(policy));
        self.with(py, insight).or_raise()
    }
}

fn doubt(doubtful: linprobe::DoubtfulLabel) -> (String, f32, String) {
    use linprobe::AgainstLabel;
    let against = match doubtful.reason {
        AgainstLabel::Probability(probability) => {
            format!("the other labels say {:.0} %", 100.0 * probability)
        }
        AgainstLabel::Twin(Some(twin)) => format!("{twin} is nearly the same"),
        AgainstLabel::Twin(None) => "an example is nearly the same".to_owned(),
    };
    (doubtful.id.to_string(), doubtful.label.value(), against)
}
