//! A session: rounds, answers, fits, and the audits that measure it.
//!
//! Sessions live on the desk of their project, where the cards of a notebook find them, too: so both see every answer at once.

use std::sync::Arc;

use linprobe::{
    Answer, AuditPlan, Insight, Label, ProjectError, RecordId, ShownRecord, Strategy,
    ThresholdPolicy, View,
};
use linprobe_server::Desk;
use pyo3::prelude::*;

use crate::{
    error::{OrRaise, or_input},
    project::record_id,
    wire,
};

/// A session that is open.
#[pyclass(frozen, module = "linprobe._native")]
pub(crate) struct Session {
    desk: Arc<Desk>,
    name: String,
}

/// What was said of records: a score, or nothing where one is passed over.
type Said = Vec<(String, Option<f32>)>;

#[pymethods]
impl Session {
    /// What the session is called.
    fn name(&self) -> &str {
        &self.name
    }

    /// What it started from, in words.
    fn description(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.view(py)?.state().query().description.clone())
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
            Ok((round.number, shown?))
        };
        self.work(py, next)
    }

    /// Answers records, and fits. Nothing is written when one of the records or scores is none.
    fn score(&self, py: Python<'_>, said: Said) -> PyResult<wire::Fit> {
        for (id, answer) in self.answers(said)? {
            self.work(py, |session| match answer {
                Answer::Labelled(label) => Ok(pollster::block_on(session.label(&id, label))?),
                Answer::Skipped => Ok(pollster::block_on(session.skip(&id))?),
            })?;
        }
        let fit = self.work(py, |session| Ok(pollster::block_on(session.fit())?))?;
        Ok(fit.into())
    }

    /// Passes over all that is open; returns how many records there were.
    fn skip_rest(&self, py: Python<'_>) -> PyResult<usize> {
        self.work(py, |session| Ok(session.skip_rest()?))
    }

    /// Takes back the last answer, and fits; returns its record and the score that it has now.
    fn undo(&self, py: Python<'_>) -> PyResult<Option<(String, Option<f32>)>> {
        let undone = self.work(py, |session| {
            let undone = session.undo()?;
            if undone.is_some() {
                pollster::block_on(session.refit())?;
            }
            Ok(undone)
        })?;
        Ok(undone.map(|undone| (undone.id.to_string(), undone.label.map(Label::value))))
    }

    /// Lets all records be shown again.
    fn reset_seen(&self, py: Python<'_>) -> PyResult<()> {
        self.work(py, |session| Ok(session.reset_seen()?))
    }

    /// Every label, by id.
    fn labels(&self, py: Python<'_>) -> PyResult<Vec<(String, f32)>> {
        let view = self.view(py)?;
        let labels = view.state().labels();
        Ok(labels.map(|(id, label)| (id.to_string(), label.value())).collect())
    }

    /// What each round has brought.
    fn history(&self, py: Python<'_>) -> PyResult<Vec<wire::Round>> {
        let view = self.view(py)?;
        let reports = py.detach(|| view.round_reports());
        Ok(reports.into_iter().map(wire::Round::from).collect())
    }

    /// What to do next, and what to expect of a threshold.
    fn advice(&self, py: Python<'_>, policy: &str) -> PyResult<(wire::Advised, wire::Expected)> {
        let insight = self.insight(py, policy)?;
        Ok(((&insight.advice).into(), insight.expected.into()))
    }

    /// The session as a drawing, in SVG.
    fn plot(&self, py: Python<'_>, policy: &str) -> PyResult<String> {
        Ok(self.insight(py, policy)?.plot(&self.name))
    }

    /// Labels that the others speak against, with the record, its label and what speaks against it.
    fn look_again(&self, py: Python<'_>, limit: usize) -> PyResult<Vec<(String, f32, String)>> {
        let view = self.view(py)?;
        let doubtful = py.detach(|| pollster::block_on(view.look_again(limit))).or_raise()?;
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
        self.work(py, |session| {
            // Another audit of the same session draws others.
            let seed = seed.wrapping_add(session.state().audits().len() as u64);
            let plan = AuditPlan { budget, threshold, seed };
            Ok(pollster::block_on(session.draw_audit(&plan)).map(drop)?)
        })?;
        self.open_audit(py)
    }

    /// How many records the last audit has drawn, and those that are not judged yet.
    fn open_audit(&self, py: Python<'_>) -> PyResult<(usize, Vec<wire::Record>)> {
        let view = self.view(py)?;
        let state = view.state();
        let Some(audit) = state.open_audit().or(state.audits().last()) else {
            return Ok((0, Vec::new()));
        };
        let open = audit.records.iter().filter(|record| record.answer.is_none());
        let records = py.detach(|| {
            let records = open.map(|record| self.desk.project().record(&record.id));
            records.map(|record| record.map(wire::Record::from)).collect::<Result<Vec<_>, _>>()
        });
        Ok((audit.records.len(), records.or_raise()?))
    }

    /// Judges records of the last audit.
    fn answer_audit(&self, py: Python<'_>, said: Said) -> PyResult<()> {
        let answers = self.answers(said)?;
        self.work(py, |session| {
            answers.iter().try_for_each(|(id, _)| session.expect_drawn(id))?;
            for (id, answer) in &answers {
                session.answer_audit(id, *answer)?;
            }
            Ok(())
        })
    }

    /// Takes back the last judgement; returns its record.
    fn undo_audit(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let undone = self.work(py, |session| Ok(session.undo_audit()?))?;
        Ok(undone.map(|id| id.to_string()))
    }

    /// What the audits say; nothing while nothing is judged.
    fn audit_report(&self, py: Python<'_>, policy: &str) -> PyResult<Option<wire::Audited>> {
        let policy: ThresholdPolicy = or_input(policy.parse())?;
        let view = self.view(py)?;
        let report = py.detach(|| pollster::block_on(view.audit_report(policy))).or_raise()?;
        Ok(report.map(wire::Audited::from))
    }

    /// Makes labels of all judgements, and fits; returns how many there were.
    fn learn_from_audits(&self, py: Python<'_>) -> PyResult<usize> {
        self.work(py, |session| {
            let n_learned = pollster::block_on(session.learn_from_audits())?;
            pollster::block_on(session.refit())?;
            Ok(n_learned)
        })
    }
}

impl Session {
    /// Of a session that is on the desk.
    pub(crate) fn new(desk: Arc<Desk>, name: String) -> Self {
        Self { desk, name }
    }

    /// Without the interpreter's lock: whoever has the session may be waiting for it. Done once more, if another process
    /// has written to the session meanwhile.
    fn work<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnMut(&mut linprobe::Session) -> Result<T, ProjectError> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.desk.work(&self.name, work)).or_raise()
    }

    /// The session as it is now.
    fn view(&self, py: Python<'_>) -> PyResult<View> {
        py.detach(|| self.desk.view(&self.name)).or_raise()
    }

    fn shown(&self, shown: &ShownRecord) -> Result<wire::Shown, ProjectError> {
        Ok(wire::Shown::new(shown, self.desk.project().record(&shown.id)?))
    }

    /// Checks all that was said before any of it is written.
    fn answers(&self, said: Said) -> PyResult<Vec<(RecordId, Answer)>> {
        let answer = |(name, score): (String, Option<f32>)| {
            let id = record_id(&name).or_raise()?;
            self.desk.project().record(&id).or_raise()?;
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
        let view = self.view(py)?;
        py.detach(|| pollster::block_on(view.insight(policy))).or_raise()
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
