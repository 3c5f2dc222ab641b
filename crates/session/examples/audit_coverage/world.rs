//! Made-up corpora to audit, of which the truth is known.
//!
//! A record's true log odds of being relevant are a Gaussian mixture's; the classifier reports them
//! shifted and stretched, as one does that is not calibrated, and some relevant records are strays
//! that lie among the irrelevant ones, as those of a mode that was never found.

use std::{collections::HashSet, path::Path, sync::Arc};

use linprobe_classifier::{
    Background, Confusion, Label, LinearClassifier, Method, Scored, Start, ThresholdPolicy,
};
use linprobe_core::{Embedding, Point, RecordId, SplitMix, VectorStore};
use linprobe_session::{
    Answer, AuditPlan, AuditReport, Clock, Journal, Opening, Session, StartQuery,
};
use linprobe_store::MemoryStore;
use pollster::FutureExt;

/// The decisions that are audited.
const AT_BOUNDARY: ThresholdPolicy = ThresholdPolicy::Score(0.0);

/// The score of a record that lies along the weights.
const SCALE: f32 = 80.0;

/// How a corpus is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) n_points: u64,
    /// The share of relevant records.
    pub(crate) share: f64,
    /// How far they lie from the others, in deviations.
    pub(crate) separation: f64,
    /// The true log odds where the classifier says 0.
    pub(crate) shift: f64,
    /// How far the true log odds rise with each one of the classifier's.
    pub(crate) slope: f64,
    /// The share of relevant records that lie among the irrelevant ones.
    pub(crate) strays: f64,
}

/// A corpus.
pub(crate) struct Ground {
    store: Arc<dyn VectorStore>,
    background: Arc<Background>,
    points: Vec<Point>,
}

/// A corpus, what is relevant in it, and where the search for that starts.
pub(crate) struct World {
    pub(crate) ground: Arc<Ground>,
    pub(crate) relevant: HashSet<RecordId>,
    pub(crate) start: Start,
}

/// What an audit said, and what is true.
pub(crate) struct Audited {
    pub(crate) report: AuditReport,
    /// Precision, recall, F1 and the number of relevant records: whether each interval holds it.
    pub(crate) holds: [bool; 4],
}

impl Ground {
    pub(crate) fn new(points: Vec<Point>) -> Self {
        let dimension = points.first().map_or(1, |point| point.embedding.dimension());
        let store = MemoryStore::new(dimension);
        store.upsert(&points).block_on().expect("memory takes all");
        let embeddings = points.iter().map(|point| &point.embedding);
        let background = Arc::new(Background::estimate(dimension, embeddings));
        Self { store: Arc::new(store), background, points }
    }
}

impl World {
    /// A session that has only the start.
    pub(crate) fn session(&self) -> Session {
        let (start, examples) = (self.start.clone(), Vec::new());
        let query = StartQuery { description: "made up".to_owned(), start, examples, filter: None };
        let opening = Opening { name: "audit".to_owned(), query, method: Method::default() };
        let journal = Journal::open(Path::new(":memory:"), Clock::new(|| 0)).expect("memory");
        let Ground { store, background, .. } = self.ground.as_ref();
        let (store, background) = (Arc::clone(store), Arc::clone(background));
        Session::start(store, background, journal, opening).block_on().expect("a session")
    }

    /// The true label of a record.
    pub(crate) fn label(&self, id: &RecordId) -> Label {
        if self.relevant.contains(id) { Label::RELEVANT } else { Label::IRRELEVANT }
    }

    /// Judges records of an open audit, at most `limit`, truthfully.
    pub(crate) fn judge(&self, session: &mut Session, limit: usize) {
        for _ in 0..limit {
            let open = session.open_audit().and_then(|audit| audit.open());
            let Some(id) = open.map(|record| record.id.clone()) else { return };
            session.answer_audit(&id, Answer::Labelled(self.label(&id))).expect("it is open");
        }
    }

    /// Audits the decisions at score 0 of the start alone.
    pub(crate) fn audit(&self, budget: usize, seed: u64) -> Audited {
        self.audit_session(&mut self.session(), budget, seed)
    }

    /// Audits the decisions at score 0.
    pub(crate) fn audit_session(&self, session: &mut Session, budget: usize, seed: u64) -> Audited {
        let plan = AuditPlan { budget, threshold: AT_BOUNDARY, seed };
        session.draw_audit(&plan).block_on().expect("a draw");
        self.judge(session, budget);
        self.report(session)
    }

    /// What the audits of a session say now of its decisions at score 0, beside the truth.
    pub(crate) fn report(&self, session: &Session) -> Audited {
        let report = session.view().audit_report(AT_BOUNDARY).block_on().expect("a report");
        self.check(report.expect("records were judged"), session.classifier())
    }

    /// Compares a report on a classifier with the truth.
    pub(crate) fn check(&self, report: AuditReport, classifier: &LinearClassifier) -> Audited {
        let truth = self.confusion(classifier, report.threshold);
        let n_relevant = truth.true_positives + truth.false_negatives;
        let holds = [
            report.precision.holds(truth.precision()),
            report.recall.holds(truth.recall()),
            report.f1.holds(truth.f1()),
            report.n_relevant.holds(n_relevant as f64),
        ];
        Audited { report, holds }
    }

    /// The decisions of a classifier over all records.
    pub(crate) fn confusion(&self, classifier: &LinearClassifier, threshold: f32) -> Confusion {
        let scored = |Point { id, embedding }: &Point| Scored {
            score: classifier.score(embedding),
            relevant: self.relevant.contains(id),
        };
        let scored: Vec<Scored> = self.ground.points.iter().map(scored).collect();
        Confusion::at(threshold, &scored)
    }
}

impl Scenario {
    /// The corpus, with the classifier as its start.
    pub(crate) fn world(&self, seed: u64) -> World {
        let mut noise = SplitMix::new(seed);
        let head = LinearClassifier::new(vec![SCALE, 0.0], 0.0).expect("finite weights");
        let mut relevant = HashSet::new();
        let point = |row| {
            let (score, is_relevant) = self.draw(&mut noise);
            let id = RecordId::from_row(row);
            relevant.extend(is_relevant.then(|| id.clone()));
            let x = (score / f64::from(SCALE)).clamp(-1.0, 1.0);
            #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            let values = vec![x as f32, (1.0 - x * x).sqrt() as f32];
            Point { id, embedding: Embedding::normalize(values).expect("on the circle") }
        };
        let points = (0..self.n_points).map(point).collect();
        let start = Start::from_head(head).expect("weights");
        World { ground: Arc::new(Ground::new(points)), relevant, start }
    }

    /// A score and whether its record is relevant.
    fn draw(&self, noise: &mut SplitMix) -> (f64, bool) {
        let relevant = noise.open_unit() < self.share;
        let found = relevant && noise.open_unit() >= self.strays;
        let place = noise.normal() + if found { self.separation } else { 0.0 };
        let prior = (self.share / (1.0 - self.share)).ln();
        let log_odds = self.separation * (place - self.separation / 2.0) + prior;
        ((log_odds - self.shift) / self.slope, relevant)
    }
}
