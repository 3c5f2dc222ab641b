//! What a plan needs to know of every point, and the picks that are made of what the store answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
};

use linprobe_classifier::{Background, Example, LinearClassifier, from_examples};
use linprobe_core::{
    Embedding, Excluded, Hit, Point, RecordId, StoreError, Survey, SurveyReport, VectorStore,
};
use rayon::prelude::*;

use super::{
    Candidate, Found, Known, Lottery, Plan, Strategy, choose,
    choose::{Chosen, n_alike},
};
use crate::Pick;

/// The length of the list of what is like an anchor.
pub(crate) const N_LIKE_ANCHOR: usize = 50;

/// The length of the list of what is near the boundary, for each record of a round.
pub(crate) const N_BOUNDARY: usize = 3;

/// Where the records of a round come from.
pub(crate) struct Choice<'a> {
    pub(crate) store: &'a dyn VectorStore,
    pub(crate) background: &'a Background,
    pub(crate) classifier: &'a LinearClassifier,
    /// The fit of no labels.
    pub(crate) start: &'a LinearClassifier,
    pub(crate) examples: &'a [Example],
    pub(crate) seen: &'a Excluded,
    /// Decides what is drawn at random.
    pub(crate) lottery: &'a Lottery,
}

/// Ids in the order of the lists that they were found in.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    top: Vec<RecordId>,
    boundary: Vec<RecordId>,
    anchor: Vec<RecordId>,
    random: Vec<RecordId>,
}

/// What a plan asks of every point.
pub(crate) struct Questions<'a> {
    choice: &'a Choice<'a>,
    plan: Plan,
    /// Scores highest what is most like the example whose neighbours are asked for.
    anchor: Option<LinearClassifier>,
}

impl<'a> Choice<'a> {
    /// What `k` records are chosen by.
    pub(crate) fn plan(&self, k: usize, strategy: Strategy) -> Plan {
        strategy.plan(k, self.examples.iter().map(|example| example.label))
    }

    pub(crate) fn questions(&'a self, plan: Plan) -> Questions<'a> {
        let anchor = if plan.slots.anchor > 0 { self.anchor() } else { None };
        Questions { choice: self, plan, anchor }
    }

    /// Chooses as many records as are planned, or as are unseen.
    pub(crate) async fn choose(&self, plan: &Plan, lists: &Lists) -> Result<Vec<Pick>, StoreError> {
        let all = [&lists.top, &lists.boundary, &lists.anchor, &lists.random];
        let ids: BTreeSet<RecordId> = all.into_iter().flatten().cloned().collect();
        let points = self.store.fetch(&ids.into_iter().collect::<Vec<_>>()).await?;
        let n_unseen = self.store.count().await?.saturating_sub(self.seen.len() as u64);
        Ok(self.pick(plan, lists, &points, n_unseen))
    }

    /// A record that has left the store since it was listed is left out.
    fn pick(&self, plan: &Plan, lists: &Lists, points: &[Point], n_unseen: u64) -> Vec<Pick> {
        let asked = self.asked(plan);
        let candidates = points.iter().map(|point| Candidate {
            embedding: point.embedding.as_slice(),
            asked: asked.score(&point.embedding),
        });
        let places: BTreeMap<&RecordId, usize> =
            points.iter().enumerate().map(|(place, point)| (&point.id, place)).collect();
        let indices =
            |ids: &[RecordId]| ids.iter().filter_map(|id| places.get(id).copied()).collect();
        let found = Found {
            candidates: candidates.collect(),
            top: indices(&lists.top),
            boundary: indices(&lists.boundary),
            anchor: indices(&lists.anchor),
            random: indices(&lists.random),
        };
        let labelled = self.examples.iter().map(|e| (e.embedding.as_slice(), e.label)).collect();
        let known = Known { background: self.background, labelled, n_unseen };
        let pick = |chosen: Chosen| {
            let point = &points[chosen.index];
            let score = self.classifier.score(&point.embedding);
            let Chosen { index, reason, probability } = chosen;
            Pick {
                id: point.id.clone(),
                score,
                reason,
                probability,
                n_alike: n_alike(&found, index),
            }
        };
        choose(plan, &found, &known).into_par_iter().map(pick).collect()
    }

    fn asked(&self, plan: &Plan) -> &LinearClassifier {
        if plan.asks_start { self.start } else { self.classifier }
    }

    /// The direction of the relevant example that the classifier scores lowest: the part of the
    /// concept that the hyperplane covers least.
    fn anchor(&self) -> Option<LinearClassifier> {
        let relevant = self.examples.iter().filter(|example| example.label.is_positive());
        let score = |example: &Example| self.classifier.score(&example.embedding);
        let lowest = relevant.min_by(|a, b| score(a).total_cmp(&score(b)))?;
        toward(&lowest.embedding, self.background)
    }
}

impl Questions<'_> {
    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    /// What the store is asked, all of which takes one look at every point.
    pub(crate) fn surveys(&self) -> Vec<Survey<'_>> {
        let Plan { k, slots, n_top, .. } = self.plan;
        // Some of them may be chosen for another reason, or be near-duplicates.
        let n_boundary = if slots.boundary > 0 { N_BOUNDARY * k } else { 0 };
        let asked = self.choice.asked(&self.plan);
        let of_plan = (n_top + n_boundary > 0).then(|| self.survey(asked, (n_top, n_boundary)));
        let of_anchor = self.anchor.as_ref().map(|anchor| self.survey(anchor, (N_LIKE_ANCHOR, 0)));
        of_plan.into_iter().chain(of_anchor).collect()
    }

    fn survey<'a>(
        &'a self,
        asked: &'a LinearClassifier,
        (top_k, n_boundary): (usize, usize),
    ) -> Survey<'a> {
        Survey {
            weights: asked.weights(),
            bias: asked.bias(),
            top_k,
            n_boundary,
            threshold: f32::INFINITY,
            n_bins: 0,
            exclude: self.choice.seen,
        }
    }

    /// What the plan chooses from, made of what the store has answered, which is used up.
    pub(crate) async fn lists(&self, reports: &mut Vec<SurveyReport>) -> Result<Lists, StoreError> {
        let mut lists = Lists::default();
        if let Some(report) = self.anchor.as_ref().and_then(|_| reports.pop()) {
            lists.anchor = ids(report.top);
        }
        if let Some(report) = reports.pop() {
            (lists.top, lists.boundary) = (ids(report.top), ids(report.boundary));
        }
        let Choice { store, lottery, seen, .. } = self.choice;
        if self.plan.slots.random > 0 || lists.top.len() < self.plan.k {
            lists.random = lottery.draw(*store, self.plan.k, seen).await?;
        }
        Ok(lists)
    }
}

/// Scores highest what is most like an example, in the whitened metric.
pub(crate) fn toward(example: &Embedding, background: &Background) -> Option<LinearClassifier> {
    let direction = from_examples(slice::from_ref(example), background).ok()?;
    LinearClassifier::new(direction.as_slice(), 0.0).ok()
}

fn ids(hits: Vec<Hit>) -> Vec<RecordId> {
    hits.into_iter().map(|hit| hit.id).collect()
}
