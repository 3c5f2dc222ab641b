//! A trial as it is played: choose, label, fit, score, and measure both sides of the split.

use std::time::Instant;

use linprobe_classifier::{Confusion, Example, Label, Method, Scored, Start, fit, from_examples};
use linprobe_core::{Embedding, SplitMix};

use super::{
    Laboratory, Oracle, Trial, TrialError,
    concept::Origin,
    curve::{Curve, CurvePoint, GameKey},
    measure::{Quality, n_expected, rare_ranking},
    player::{Play, Selection},
    select::{Board, Selector},
    shown::Shown,
};
use crate::{StartExample, Strategy};

/// Plays a trial to its end.
pub(crate) fn play(laboratory: &Laboratory<'_>, trial: &Trial<'_>) -> Result<Curve, TrialError> {
    let mut game = Game::new(laboratory, trial)?;
    let points = match trial.player.play() {
        Play::Full(method) => vec![game.label_all(method)?],
        Play::NoFeedback => game.rounds(None, Selection::Strategy(Strategy::Top))?,
        Play::Learn { method, selection } => game.rounds(Some(method), *selection)?,
    };
    let ids = laboratory.corpus().ids();
    let found = game.found.iter().map(|&row| ids[row].clone()).collect();
    Ok(Curve { key: GameKey::new(trial, laboratory.seed()), points, found })
}

struct Game<'a> {
    laboratory: &'a Laboratory<'a>,
    trial: &'a Trial<'a>,
    start: Start,
    /// The scores of the corpus under the fit of no labels.
    start_scores: Vec<f32>,
    examples: Vec<Example>,
    /// Rows of the pool that can be labelled still, in order.
    unseen: Vec<usize>,
    labelled: Vec<(usize, Label)>,
    /// Rows found in the rounds.
    found: Vec<usize>,
    shown: Shown,
    /// Records that could be labelled, and the relevant ones among them.
    n_pool: usize,
    n_relevant: usize,
}

/// What a classifier makes of the corpus.
struct View {
    /// One for each row of the corpus.
    scores: Vec<f32>,
    held_out: Quality,
    pool_ap: f64,
    informed_f1: f64,
    fit_ms: f64,
    scoring_ms: f64,
}

impl<'a> Game<'a> {
    fn new(laboratory: &'a Laboratory<'a>, trial: &'a Trial<'a>) -> Result<Self, TrialError> {
        let Opening { start, examples, labelled } = Opening::new(laboratory, trial)?;
        let unseen: Vec<usize> = laboratory
            .pool()
            .iter()
            .copied()
            .filter(|row| !labelled.iter().any(|(known, _)| known == row))
            .collect();
        let n_pool = unseen.len();
        let n_relevant = unseen.iter().filter(|&&row| trial.concept.is_relevant(row)).count();
        let background = laboratory.background();
        let unlabelled = fit(&start, &[], background, &Method::default())?;
        let start_scores = laboratory.corpus().score(&unlabelled);
        Ok(Self {
            laboratory,
            trial,
            start,
            start_scores,
            examples,
            unseen,
            labelled,
            found: Vec::new(),
            shown: Shown::default(),
            n_pool,
            n_relevant,
        })
    }

    /// Plays round after round, while there is something to label. Without a method nothing is
    /// fitted after the start.
    fn rounds(
        &mut self,
        method: Option<&Method>,
        selection: Selection,
    ) -> Result<Vec<CurvePoint>, TrialError> {
        let mut selector = Selector::new(selection, self.laboratory.pool());
        let mut view = match method {
            Some(method) => self.view(method, &self.examples)?,
            None => self.view(&Method::default(), &[])?,
        };
        let mut points = vec![self.point(&view, 0.0)];
        for round in 1..=self.trial.budget.n_rounds {
            let begun = Instant::now();
            let chosen = selector.choose(self.trial.budget.per_round, &self.board(&view, round));
            let choosing_ms = milliseconds(begun);
            if chosen.is_empty() {
                break;
            }
            self.label(&chosen, round, self.trial.oracle);
            if let Some(method) = method {
                view = self.view(method, &self.examples)?;
            }
            points.push(self.point(&view, choosing_ms));
        }
        Ok(points)
    }

    /// The ceiling: the truth of the whole pool.
    fn label_all(&mut self, method: &Method) -> Result<CurvePoint, TrialError> {
        let all = self.unseen.clone();
        self.label(&all, 1, Oracle::Exact);
        let view = self.view(method, &self.examples)?;
        Ok(self.point(&view, 0.0))
    }

    fn label(&mut self, rows: &[usize], round: usize, oracle: Oracle) {
        let (corpus, concept) = (self.laboratory.corpus(), self.trial.concept);
        let round = u32::try_from(round).unwrap_or(u32::MAX);
        for &row in rows {
            let game = (concept.name(), self.laboratory.seed());
            let label = oracle.label(concept.truth(row), &corpus.ids()[row], game);
            self.examples.push(Example { embedding: corpus.embedding(row), label, round });
            self.labelled.push((row, label));
            self.shown.show(concept.is_relevant(row));
        }
        self.found.extend(rows.iter().copied().filter(|&row| concept.is_relevant(row)));
        // Rows of a round are few, or all that are left.
        let n_left = self.unseen.len() - rows.len();
        self.unseen.retain(|row| n_left > 0 && !rows.contains(row));
    }

    fn view(&self, method: &Method, examples: &[Example]) -> Result<View, TrialError> {
        let begun = Instant::now();
        let classifier = fit(&self.start, examples, self.laboratory.background(), method)?;
        let fit_ms = milliseconds(begun);
        let begun = Instant::now();
        let scores = self.laboratory.corpus().score(&classifier);
        let scoring_ms = milliseconds(begun);
        let scored = |rows: &[usize]| -> Vec<Scored> {
            let scored = |&row: &usize| Scored {
                score: scores[row],
                relevant: self.trial.concept.is_relevant(row),
            };
            rows.iter().map(scored).collect()
        };
        let held_out = scored(self.laboratory.held_out());
        let (pool_ap, threshold) = rare_ranking(&scored(self.laboratory.pool()));
        let informed_f1 = Confusion::at(threshold, &held_out).f1();
        let held_out = Quality::of(&held_out);
        Ok(View { scores, held_out, pool_ap, informed_f1, fit_ms, scoring_ms })
    }

    fn board<'b>(&'b self, view: &'b View, round: usize) -> Board<'b> {
        let name = [self.trial.concept.name(), &round.to_string()];
        Board {
            corpus: self.laboratory.corpus(),
            background: self.laboratory.background(),
            unseen: &self.unseen,
            scores: &view.scores,
            start_scores: &self.start_scores,
            labelled: &self.labelled,
            seed: SplitMix::named(self.laboratory.seed(), &name).next_u64(),
        }
    }

    fn point(&self, view: &View, choosing_ms: f64) -> CurvePoint {
        CurvePoint {
            n_labels: self.n_pool - self.unseen.len(),
            n_found: self.found.len(),
            n_relevant: self.n_relevant,
            n_pool: self.n_pool,
            held_out: view.held_out,
            pool_ap: view.pool_ap,
            informed_f1: view.informed_f1,
            shown_ap: self.shown.average_precision(self.n_relevant),
            n_expected: n_expected(self.unseen.iter().map(|&row| view.scores[row])),
            fit_ms: view.fit_ms,
            query_ms: view.scoring_ms + choosing_ms,
        }
    }
}

/// What is known before the first round.
struct Opening {
    start: Start,
    examples: Vec<Example>,
    /// Rows of the corpus that are labelled.
    labelled: Vec<(usize, Label)>,
}

impl Opening {
    fn new(laboratory: &Laboratory<'_>, trial: &Trial<'_>) -> Result<Self, TrialError> {
        match &trial.start.from {
            Origin::Given { start, examples } => Ok(Self::given(laboratory, start, examples)),
            Origin::Examples(n) => Self::drawn(laboratory, trial, *n),
        }
    }

    fn given(laboratory: &Laboratory<'_>, start: &Start, examples: &[StartExample]) -> Self {
        let ids = laboratory.corpus().ids();
        let row = |example: &StartExample| {
            let id = example.id.as_ref()?;
            Some((ids.iter().position(|own| own == id)?, example.label))
        };
        Self {
            start: start.clone(),
            examples: examples.iter().map(StartExample::to_example).collect(),
            labelled: examples.iter().filter_map(row).collect(),
        }
    }

    /// Starts from relevant records of the pool, the same ones for all players of a seed.
    fn drawn(laboratory: &Laboratory<'_>, trial: &Trial<'_>, n: usize) -> Result<Self, TrialError> {
        let concept = trial.concept;
        let relevant = laboratory.pool().iter().copied().filter(|&row| concept.is_relevant(row));
        let mut rng = SplitMix::named(laboratory.seed(), &["examples", concept.name()]);
        let rows: Vec<usize> = rng.shuffled(relevant).into_iter().take(n).collect();
        let embeddings: Vec<Embedding> =
            rows.iter().map(|&row| laboratory.corpus().embedding(row)).collect();
        let direction = from_examples(&embeddings, laboratory.background())?;
        let example = |embedding| Example { embedding, label: Label::RELEVANT, round: 0 };
        Ok(Self {
            start: Start::from_direction(direction),
            examples: embeddings.into_iter().map(example).collect(),
            labelled: rows.into_iter().map(|row| (row, Label::RELEVANT)).collect(),
        })
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}
