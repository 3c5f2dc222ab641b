//! Somebody who labels over HTTP.

use std::{
    thread,
    time::{Duration, Instant},
};

use linprobe_core::SplitMix;
use serde_json::{Value, json};
use ureq::Agent;

use crate::{Result, world::is_relevant};

/// One of many.
pub(crate) struct Labeller {
    agent: Agent,
    session: String,
    number: u64,
    random: SplitMix,
    seen: Seen,
}

/// What a labeller has gone through.
#[derive(Default)]
pub(crate) struct Seen {
    /// How long each round took to come, in milliseconds.
    pub(crate) rounds: Vec<f64>,
    /// How long each label took to be acknowledged.
    pub(crate) answers: Vec<f64>,
    /// Records whose label was acknowledged.
    pub(crate) acknowledged: Vec<String>,
}

/// Opens a session from records of two of the relevant clusters.
pub(crate) fn open_session(url: &str, name: &str) -> Result<()> {
    let start = json!({ "records": ["0", "1"] });
    let body = json!({ "name": name, "start": start });
    send(&Agent::new_with_defaults(), &format!("{url}api/projects/world/sessions"), &body)?;
    Ok(())
}

impl Labeller {
    pub(crate) fn new(url: &str, session: &str, number: u64) -> Self {
        Self {
            agent: Agent::new_with_defaults(),
            session: format!("{url}api/projects/world/sessions/{session}"),
            number,
            random: SplitMix::new(number),
            seen: Seen::default(),
        }
    }

    /// Labels some rounds, after a pause of their own.
    pub(crate) fn label(mut self, n_rounds: usize, per_round: usize) -> Result<Seen> {
        let pause = 10.0 * self.random.unit();
        rest(pause);
        for _ in 0..n_rounds {
            for id in self.round(per_round)? {
                let thought = 0.5 + self.random.unit();
                rest(thought);
                self.answer(id)?;
            }
        }
        Ok(self.seen)
    }

    /// Labels some rounds without a pause.
    pub(crate) fn label_at_once(mut self, n_rounds: usize, per_round: usize) -> Result<Seen> {
        for _ in 0..n_rounds {
            for id in self.round(per_round)? {
                self.answer(id)?;
            }
        }
        Ok(self.seen)
    }

    fn round(&mut self, k: usize) -> Result<Vec<String>> {
        let body = json!({ "annotator": self.name(), "k": k });
        let started = Instant::now();
        let answer = send(&self.agent, &format!("{}/rounds", self.session), &body)?;
        self.seen.rounds.push(milliseconds(started));
        let records = answer["round"]["records"].as_array().cloned().unwrap_or_default();
        let id = |shown: &Value| shown["record"]["id"].as_str().map(str::to_owned);
        Ok(records.iter().filter_map(id).collect())
    }

    fn answer(&mut self, id: String) -> Result<()> {
        let label = if is_relevant(&id) { 1.0 } else { -1.0 };
        let request = format!("{}/{}", self.number, self.seen.answers.len());
        let answers = json!([{ "request": request, "id": id, "label": label }]);
        let body = json!({ "annotator": self.name(), "answers": answers });
        let started = Instant::now();
        let done = send(&self.agent, &format!("{}/answers", self.session), &body)?;
        self.seen.answers.push(milliseconds(started));
        if done["answers"][0]["status"] != "recorded" {
            return Err(format!("a label was not taken: {done}").into());
        }
        self.seen.acknowledged.push(id);
        Ok(())
    }

    fn name(&self) -> String {
        format!("labeller {}", self.number)
    }
}

fn send(agent: &Agent, url: &str, body: &Value) -> Result<Value> {
    let request = agent.post(url).header("x-linprobe", "1");
    Ok(request.send_json(body)?.body_mut().read_json()?)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn rest(seconds: f64) {
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
}
