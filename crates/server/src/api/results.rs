//! What comes of a session: predictions by page, thresholds, and comparisons.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use linprobe::{Annotator, Ranked, RankingPage, State as SessionState};

use super::{Answer, Failures};
use crate::{
    blocking::blocking,
    desk::Desk,
    extract::{Asked, Body, In},
    problem::Problem,
    served::Shared,
    show, wire,
};

/// The longest page.
const MAX_PAGE: usize = 500;

/// The most records that are compared.
const MAX_COMPARED: usize = 1000;

/// Lists predictions.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/predictions",
    operation_id = "list_predictions", tag = "results",
    params(("project" = String, Path), ("session" = String, Path), wire::PageOfPredictions),
    responses((status = 200, body = wire::Predictions), Failures)
)]
pub(super) async fn predictions(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Asked(asked): Asked<wire::PageOfPredictions>,
) -> Answer<wire::Predictions> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let live = desk.session(&session)?;
        let view = live.view();
        let ranking = live.ranking(&view)?;
        let page = RankingPage {
            order: asked.order.unwrap_or_default().into(),
            min_score: asked.min_score,
            offset: asked.offset.unwrap_or_default(),
            limit: asked.limit.unwrap_or(50).clamp(1, MAX_PAGE),
        };
        let page = match asked.fold_duplicates {
            Some(true) => pollster::block_on(ranking.folded_page(&page))?,
            _ => ranking.page(&page),
        };
        desk.read_ahead(page.records.iter().map(|ranked| &ranked.id))?;
        let records = page.records.into_iter();
        let predictions = records.map(|ranked| prediction(&desk, view.state(), ranked));
        Ok(Json(wire::Predictions {
            total: page.n_all,
            predictions: predictions.collect::<Result<_, _>>()?,
            version: view.state().n_events(),
        }))
    })
    .await
}

fn prediction(
    desk: &Desk,
    state: &SessionState,
    ranked: Ranked,
) -> Result<wire::Prediction, Problem> {
    let Ranked { rank, id, score, folded } = ranked;
    Ok(wire::Prediction {
        rank,
        score,
        probability: linprobe::probability(score),
        record: desk.record(&id)?,
        label: state.label(&id).map(linprobe::Label::value),
        seen: state.seen().contains(&id),
        n_folded: folded.len(),
        folded: folded.iter().map(ToString::to_string).collect(),
    })
}

/// Chooses a threshold by what is wanted of it.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/threshold",
    operation_id = "choose_threshold", tag = "results",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::Policy,
    responses((status = 200, body = wire::ChosenThreshold), Failures)
)]
pub(super) async fn threshold(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(asked): Body<wire::Policy>,
) -> Answer<wire::ChosenThreshold> {
    blocking(move || {
        let policy = asked.parse()?;
        let view = served.desk(&project)?.session(&session)?.view();
        let chosen = pollster::block_on(linprobe::choose_threshold(&view, policy))?;
        Ok(Json(chosen.into()))
    })
    .await
}

/// Lists all rounds with their records and answers.
#[utoipa::path(
    get, path = "/projects/{project}/sessions/{session}/history",
    operation_id = "get_history", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path)),
    responses((status = 200, body = wire::History), Failures)
)]
pub(super) async fn history(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
) -> Answer<wire::History> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let live = desk.session(&session)?;
        let view = live.view();
        let reports = view.round_reports();
        let rounds = view.state().rounds().iter().zip(&reports).map(|(round, report)| {
            let report = wire::RoundReport::new(report, live.n_above(report.round));
            Ok(wire::PastRound { report, records: show::round(&desk, round)?.records })
        });
        Ok(Json(wire::History { rounds: rounds.collect::<Result<_, Problem>>()? }))
    })
    .await
}

/// Opens a new session with what had happened in this one until the next round was given out.
#[utoipa::path(
    post, path = "/projects/{project}/sessions/{session}/branch",
    operation_id = "branch_session", tag = "sessions",
    params(("project" = String, Path), ("session" = String, Path)),
    request_body = wire::Branch,
    responses((status = 200, body = wire::Session), Failures)
)]
pub(super) async fn branch(
    State(served): State<Shared>,
    In((project, session)): In<(String, String)>,
    Body(asked): Body<wire::Branch>,
) -> Answer<wire::Session> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let name = match show::session_name(asked.name.as_deref()) {
            Some(name) => name,
            None => desk.project.name_for(&session)?,
        };
        let branched = desk.project.branch_session(&session, asked.round, &name);
        let view = desk.keep(pollster::block_on(branched)?).view();
        let nobody: Option<&Annotator> = None;
        Ok(Json(show::session(&desk, &view, nobody)?))
    })
    .await
}

/// Compares two classifiers on the records that each ranks highest.
#[utoipa::path(
    get, path = "/projects/{project}/compare",
    operation_id = "compare", tag = "results",
    params(("project" = String, Path), wire::Compare),
    responses((status = 200, body = wire::Comparison), Failures)
)]
pub(super) async fn compare(
    State(served): State<Shared>,
    In(project): In<String>,
    Asked(asked): Asked<wire::Compare>,
) -> Answer<wire::Comparison> {
    blocking(move || {
        let desk = served.desk(&project)?;
        let (a, b) = (side(&desk, &asked.a)?, side(&desk, &asked.b)?);
        let classifier = |side: &wire::Side| desk.project.classifier_at(&side.name, side.round);
        let k = asked.k.unwrap_or(100).clamp(1, MAX_COMPARED);
        let (first, second) = (classifier(&a)?, classifier(&b)?);
        let found = pollster::block_on(desk.project.compare(&first, &second, k))?;
        let linprobe::Comparison { n_both: both, n_only_a: only_a, n_only_b: only_b, .. } = found;
        desk.read_ahead(found.moved.iter().map(|moved| &moved.id))?;
        let moved = found.moved.into_iter().map(|moved| {
            let linprobe::Moved { id, rank_a, rank_b, score_a, score_b } = moved;
            Ok(wire::Moved { record: desk.record(&id)?, rank_a, rank_b, score_a, score_b })
        });
        Ok(Json(wire::Comparison {
            a,
            b,
            agreement: wire::Agreement { both, only_a, only_b },
            cosine: found.cosine,
            moved: moved.collect::<Result<_, Problem>>()?,
        }))
    })
    .await
}

/// Takes `name@round` apart, unless that is a name itself.
fn side(desk: &Desk, name: &str) -> Result<wire::Side, Problem> {
    let sessions = desk.project.sessions()?.into_iter().map(|session| session.name);
    let known: BTreeSet<String> = sessions.chain(desk.project.imported_classifiers()?).collect();
    let parts = name.rsplit_once('@').filter(|_| !known.contains(name));
    let round = parts.and_then(|(name, round)| Some((name, round.parse().ok()?)));
    let (name, round) = round.map_or((name, None), |(name, round)| (name, Some(round)));
    Ok(wire::Side { name: name.to_owned(), round })
}
