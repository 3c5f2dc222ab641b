//! Sessions and what they have come to, in the form of the wire.

use linprobe::{
    AgainstLabel, Annotator, DoubtfulLabel, Insight, ProjectError, RequestId, ShownRecord, View,
};

use crate::{
    desk::Desk,
    live::LiveSession,
    problem::{Kind, Problem},
    wire,
};

/// Colours that concepts are told apart by.
const N_COLOURS: u64 = 8;

/// Who asks.
pub(crate) fn annotator(name: Option<&str>) -> Result<Option<Annotator>, Problem> {
    let name = name.filter(|name| !name.is_empty());
    name.map(Annotator::new).transpose().map_err(|bad| Problem::new(Kind::BadRequest, bad))
}

/// The name of a new session or classifier, where one is given.
pub(crate) fn session_name(name: Option<&str>) -> Option<String> {
    name.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The name of a request.
pub(crate) fn request(name: &str) -> Result<RequestId, Problem> {
    RequestId::new(name).map_err(|bad| Problem::new(Kind::BadRequest, bad))
}

/// A session, seen by somebody.
pub(crate) fn session(
    desk: &Desk,
    view: &View,
    by: Option<&Annotator>,
) -> Result<wire::Session, Problem> {
    let state = view.state();
    let sessions = desk.project.sessions()?;
    let place = sessions.iter().position(|session| session.name == state.name());
    let place = place.unwrap_or_default();
    let summary = sessions.into_iter().nth(place).map(wire::SessionSummary::from);
    let missing = || Problem::new(Kind::UnknownSession, format!("no session {:?}", state.name()));
    let n_points = pollster::block_on(view.store().count()).map_err(ProjectError::from)?;
    let n_seen = state.seen().len() as u64;
    let open = state.open_round(by);
    Ok(wire::Session {
        summary: summary.ok_or_else(missing)?,
        version: state.n_events(),
        method: state.method().to_string(),
        strategy: linprobe::Strategy::default().to_string(),
        n_seen,
        n_unseen: n_points.saturating_sub(n_seen),
        start: start(state),
        round_open: open.map(|open| round(desk, open)).transpose()?,
        annotators: state.annotators().into_iter().map(ToString::to_string).collect(),
        concept_colour: place as u64 % N_COLOURS,
        can_undo: state.can_undo(by),
    })
}

fn start(state: &linprobe::State) -> wire::SessionStart {
    let query = state.query();
    let named = |is_positive: bool| {
        let examples = query.examples.iter();
        let examples = examples.filter(move |example| example.label.is_positive() == is_positive);
        examples.filter_map(|example| example.id.as_ref().map(ToString::to_string)).collect()
    };
    wire::SessionStart {
        description: query.description.clone(),
        filter: query.filter.clone(),
        records: named(true),
        not_records: named(false),
    }
}

/// A round, without what was left open for too long.
pub(crate) fn round(desk: &Desk, round: &linprobe::Round) -> Result<wire::Round, Problem> {
    let kept = round.records.iter().filter(|shown| !shown.released);
    desk.read_ahead(kept.clone().map(|shown| &shown.id))?;
    let records = kept.map(|shown| shown_record(desk, shown));
    Ok(wire::Round { number: round.number, records: records.collect::<Result<_, _>>()? })
}

/// A record of a round.
pub(crate) fn shown_record(desk: &Desk, shown: &ShownRecord) -> Result<wire::ShownRecord, Problem> {
    Ok(wire::ShownRecord {
        record: desk.record(&shown.id)?,
        score: shown.score,
        probability: linprobe::probability(shown.score),
        reason: shown.reason.into(),
        reason_words: shown.reason.words().to_owned(),
        odds: shown.probability,
        n_alike: shown.n_alike,
        answer: shown.answer.map(Into::into),
    })
}

/// What a session has come to.
pub(crate) fn insight(
    desk: &Desk,
    live: &LiveSession,
    view: &View,
    insight: &Insight,
) -> Result<wire::Insight, Problem> {
    let counts = view.state().counts();
    let chosen = wire::ChosenThreshold::new(&insight.expected, insight.measured.as_ref());
    let wire::ChosenThreshold { score, n_above, precision, recall, f1, basis } = chosen;
    let histogram = &insight.histogram;
    let rounds = insight.rounds.iter();
    let rounds = rounds.map(|report| wire::RoundReport::new(report, live.n_above(report.round)));
    let doubtful = live.doubtful();
    desk.read_ahead(doubtful.iter().map(|doubtful| &doubtful.id))?;
    let doubtful = doubtful.iter().map(|doubtful| self::doubtful(desk, doubtful));
    Ok(wire::Insight {
        version: insight.n_events,
        n_points: insight.n_points,
        estimated: insight.estimated,
        histogram: wire::Histogram {
            low: histogram.low,
            high: histogram.high,
            counts: histogram.counts.clone(),
        },
        threshold: score,
        n_above,
        precision: Some(precision),
        recall: Some(recall),
        f1: Some(f1),
        basis,
        thresholds: insight.thresholds.iter().map(Into::into).collect(),
        n_positive_found: counts.n_positive,
        n_labels: counts.n_labels,
        n_expected_left: insight.advice.n_left.into(),
        rounds: rounds.collect(),
        trajectory: insight.trajectory.steps.iter().map(Into::into).collect(),
        landmarks: insight.trajectory.landmarks.iter().map(Into::into).collect(),
        advice: (&insight.advice).into(),
        doubtful: doubtful.collect::<Result<_, _>>()?,
        fit_ms: live.fit_time().as_secs_f64() * 1000.0,
    })
}

fn doubtful(desk: &Desk, doubtful: &DoubtfulLabel) -> Result<wire::Doubtful, Problem> {
    let DoubtfulLabel { id, label, reason } = doubtful;
    let (score_without, reason) = match reason {
        AgainstLabel::Probability(probability) => {
            let logit = (probability / (1.0 - probability)).ln().clamp(-40.0, 40.0);
            let percent = 100.0 * probability;
            (logit, format!("the other labels say {percent:.0} % relevant"))
        }
        AgainstLabel::Twin(Some(twin)) => {
            (0.0, format!("{twin} is nearly the same and has the opposite label"))
        }
        AgainstLabel::Twin(None) => {
            (0.0, "an example of the start is nearly the same and says the opposite".to_owned())
        }
    };
    Ok(wire::Doubtful { record: desk.record(id)?, label: label.value(), score_without, reason })
}
