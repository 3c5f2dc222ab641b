//! The looks at every point that a session takes.
//!
//! After a fit somebody asks what it makes of the store, and then for the next round, or the other way round. In
//! a large store a look at every point is what takes longest of that. So whichever is asked for first asks for the
//! other as well: all scores with the choice of a round, and with all scores what the next round is chosen from, if
//! it is asked for as the last one was.

use std::{borrow::Cow, sync::Arc};

use linprobe_classifier::{Example, LinearClassifier, fit};
use linprobe_core::{Excluded, Survey, SurveyReport};

use crate::{
    Pick, SessionError, Strategy, View,
    strategy::{Choice, Lists, Plan, Questions},
    surveys::Shortlist,
};

/// How many of the highest scores are listed one by one, of small corpora.
const N_LISTED: usize = 4096;

/// And of large ones.
const MAX_LISTED: usize = 65_536;

/// One record in so many is listed, in between.
const PER_LISTED: u64 = 256;

/// Bins of the histogram of all the others.
const N_BINS: usize = 4096;

/// Nothing is left out when all scores are wanted.
static NOTHING: Excluded = Excluded::new();

/// What a look has told.
struct Look {
    /// All scores.
    scores: Arc<SurveyReport>,
    /// What the round that was asked about is chosen from; without a question, nothing.
    lists: Arc<Lists>,
}

/// What a choice goes by, besides the view.
struct Material<'a> {
    examples: Vec<Example>,
    start: LinearClassifier,
    hidden: Cow<'a, Excluded>,
}

/// Records to a round from which on it is asked how many there are.
const MANY: usize = 10_000;

impl View {
    /// Chooses `k` records that nobody has seen, or as many as there are, for a
    /// [`Seat`](crate::Seat) to give out. Two who choose from one view choose the same.
    ///
    /// # Errors
    /// [`SessionError`] when the store fails.
    pub async fn choose(&self, k: usize, strategy: Strategy) -> Result<Vec<Pick>, SessionError> {
        let k = self.at_most(k).await?;
        self.surveys.keep_habit(k, strategy);
        let material = self.material().await?;
        let choice = self.choice(&material);
        let plan = choice.plan(k, strategy);
        let lists = self.lists(&choice, plan).await?;
        let mut picks = choice.choose(&plan, &lists).await?;
        self.groups.keep_first(&mut picks, |pick| &pick.id);
        Ok(picks)
    }

    /// No more than there are, where that is more than anybody looks at.
    async fn at_most(&self, k: usize) -> Result<usize, SessionError> {
        if k <= MANY {
            return Ok(k);
        }
        Ok(k.min(usize::try_from(self.store().count().await?).unwrap_or(usize::MAX)))
    }

    /// All scores under the last classifier: finely enough to choose any threshold, and exactly how many reach
    /// this one.
    pub(crate) async fn survey(&self, threshold: f32) -> Result<Arc<SurveyReport>, SessionError> {
        if threshold != 0.0 {
            return Ok(Arc::new(self.store().survey(self.all_scores(threshold).await?).await?));
        }
        let version = self.store().version().await?;
        if let Some(known) = self.surveys.find(self.classifier(), version) {
            return Ok(known);
        }
        let Some((k, strategy)) = self.surveys.habit() else {
            return Ok(self.look(None).await?.scores);
        };
        let material = self.material().await?;
        let choice = self.choice(&material);
        Ok(self.look(Some(&choice.questions(choice.plan(k, strategy)))).await?.scores)
    }

    async fn lists(&self, choice: &Choice<'_>, plan: Plan) -> Result<Arc<Lists>, SessionError> {
        let (n_events, version) = (self.state().n_events(), self.store().version().await?);
        let is_same = |kept: &Shortlist| {
            (kept.n_events, kept.version, kept.plan) == (n_events, version, plan)
        };
        match self.surveys.shortlist().filter(is_same) {
            Some(kept) => Ok(kept.lists),
            None => Ok(self.look(Some(&choice.questions(plan))).await?.lists),
        }
    }

    /// Looks at every point, for these questions and for all scores at the boundary, if those are not known.
    async fn look(&self, questions: Option<&Questions<'_>>) -> Result<Look, SessionError> {
        let version = self.store().version().await?;
        let known = self.surveys.find(self.classifier(), version);
        let mut surveys = questions.map_or_else(Vec::new, Questions::surveys);
        if known.is_none() {
            surveys.push(self.all_scores(0.0).await?);
        }
        let mut reports = self.store().survey_all(&surveys).await?;
        let scores = known.unwrap_or_else(|| {
            let report = Arc::new(reports.pop().expect("a store answers every survey"));
            self.surveys.keep(self.classifier(), version, &report);
            report
        });
        let Some(questions) = questions else { return Ok(Look { scores, lists: Arc::default() }) };
        let lists = Arc::new(questions.lists(&mut reports).await?);
        let (n_events, plan) = (self.state().n_events(), questions.plan());
        let shortlist = Shortlist { n_events, version, plan, lists: Arc::clone(&lists) };
        self.surveys.keep_shortlist(shortlist);
        Ok(Look { scores, lists })
    }

    async fn all_scores(&self, threshold: f32) -> Result<Survey<'_>, SessionError> {
        let classifier = self.classifier();
        Ok(Survey {
            weights: classifier.weights(),
            bias: classifier.bias(),
            top_k: n_listed(self.store().count().await?),
            n_boundary: 0,
            threshold,
            n_bins: N_BINS,
            exclude: &NOTHING,
        })
    }

    async fn material(&self) -> Result<Material<'_>, SessionError> {
        let examples = self.examples().await?.examples;
        let state = self.state();
        let start = fit(&state.query().start, &[], self.background(), state.method())?;
        Ok(Material { examples, start, hidden: self.hidden() })
    }

    fn choice<'a>(&'a self, material: &'a Material<'_>) -> Choice<'a> {
        Choice {
            store: self.store().as_ref(),
            background: self.background(),
            classifier: self.classifier(),
            start: &material.start,
            examples: &material.examples,
            seen: &material.hidden,
            lottery: &self.lottery,
        }
    }
}

fn n_listed(n_points: u64) -> usize {
    let share = usize::try_from(n_points / PER_LISTED).unwrap_or(MAX_LISTED);
    share.clamp(N_LISTED, MAX_LISTED)
}
