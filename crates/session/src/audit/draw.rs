//! Which records are judged: of the upper parts, any of the store's list of highest scores; of the
//! lower ones, those of a random sample of the store that fall into them.

use linprobe_classifier::Scored;
use linprobe_core::{Excluded, RecordId, SplitMix};

use super::{
    AuditDraw, AuditPick, AuditPlan, AuditStratum, Corpus,
    belief::Belief,
    estimate::{self, Judged},
    strata::{self, Part, part_of},
};
use crate::{SessionError, View};

/// Points that the lower parts are drawn from. The smallest part that is not listed holds one in
/// some hundreds of the corpus, so some dozens of these.
const N_SAMPLED: usize = 8192;

/// Draws records for a threshold, where the earlier judgements leave most to learn.
pub(super) async fn draw(
    view: &View,
    corpus: &Corpus,
    threshold: f32,
    (judged, plan): (&[Judged], &AuditPlan),
) -> Result<AuditDraw, SessionError> {
    let audited = audited(view);
    let mut drawable = corpus.scores.clone();
    let gone = judged.iter().map(|&Judged { score, relevant, .. }| (score, relevant));
    let n_above = drawable.at(threshold).n_above;
    drawable.split_at(threshold, n_above);
    for (score, relevant) in gone {
        drawable.know(Scored { score, relevant });
    }
    let parts = strata::divide(drawable.groups(), threshold);
    let evidence = estimate::evidence(&parts, judged);
    let looks = strata::allocate(&parts, &Belief::new(&evidence).deviations(), plan.budget as u64);
    let mut random = SplitMix::new(plan.seed);
    let candidates = candidates(view, corpus, &parts, plan.seed).await?;
    let mut draw = AuditDraw { threshold, strata: Vec::new(), picks: Vec::new() };
    for ((part, looks), candidates) in parts.iter().zip(looks).zip(candidates) {
        let fresh = candidates
            .into_iter()
            .filter(|pick| !corpus.known.contains_key(&pick.id) && !audited.contains(&pick.id));
        let mut drawn = random.shuffled(fresh.collect::<Vec<_>>());
        drawn.truncate(usize::try_from(looks).unwrap_or(usize::MAX));
        let n_drawn = drawn.len() as u64;
        draw.strata.push(AuditStratum { low: part.low(), n_points: part.n_unlabelled, n_drawn });
        draw.picks.append(&mut drawn);
    }
    draw.picks = random.shuffled(draw.picks);
    Ok(draw)
}

/// Every record that an audit has drawn, judged or not.
fn audited(view: &View) -> Excluded {
    let records = view.state().audits().iter().flat_map(|audit| &audit.records);
    records.map(|record| record.id.clone()).collect()
}

/// Records of each part that can be drawn, each as likely as the other: all, where the list of highest
/// scores reaches below the part.
async fn candidates(
    view: &View,
    corpus: &Corpus,
    parts: &[Part],
    seed: u64,
) -> Result<Vec<Vec<AuditPick>>, SessionError> {
    let mut candidates: Vec<Vec<AuditPick>> = parts.iter().map(|_| Vec::new()).collect();
    let mut offer = |id: RecordId, score: f32, is_listed: bool| {
        let position = part_of(parts.iter().map(Part::low), score).min(parts.len() - 1);
        if is_listed == corpus.lists(&parts[position]) {
            candidates[position].push(AuditPick { id, score });
        }
    };
    for hit in corpus.top() {
        offer(hit.id.clone(), hit.score, true);
    }
    let classifier = view.classifier().clone();
    for point in view.store().sample(N_SAMPLED, seed).await? {
        let score = classifier.score(&point.embedding);
        offer(point.id, score, false);
    }
    Ok(candidates)
}

impl Corpus {
    /// Whether every record of a part is in the list of highest scores.
    fn lists(&self, part: &Part) -> bool {
        let is_whole = self.top().len() as u64 == self.survey.n_points;
        is_whole || self.top().last().is_some_and(|last| last.score <= part.low())
    }
}
