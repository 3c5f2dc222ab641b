//! Made-up corpora to audit, of which the truth is known.
//!
//! A record's true log odds of being relevant are a Gaussian mixture's; the classifier reports them
//! shifted and stretched, as one does that is not calibrated, and some relevant records are strays
//! that lie among the irrelevant ones, as those of a mode that was never found.

use std::{path::Path, sync::Arc};

use linprobe_classifier::{
    Background, Confusion, Label, LinearClassifier, Method, Scored, Start, ThresholdPolicy,
};
use linprobe_core::{Embedding, Point, RecordId, SplitMix, VectorStore};
use linprobe_session::{
    Answer, AuditPlan, AuditReport, Clock, Journal, Opening, Session, StartQuery,
};
use linprobe_store::MemoryStore;
use pollster::FutureExt;

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

/// A corpus and its truth.
pub(crate) struct World {
    store: Arc<dyn VectorStore>,
    background: Arc<Background>,
    head: LinearClassifier,
    /// By the number of the record.
    truth: Vec<Scored>,
}

/// What an audit said, and what is true.
pub(crate) struct Audited {
    pub(crate) report: AuditReport,
    /// Precision, recall, F1 and the number of relevant records: whether each interval holds it.
    pub(crate) holds: [bool; 4],
}

impl World {
    pub(crate) fn new(scenario: &Scenario, seed: u64) -> Self {
        let mut noise = SplitMix::new(seed);
        let head = LinearClassifier::new(vec![SCALE, 0.0], 0.0).expect("finite weights");
        let records = (0..scenario.n_points).map(|row| {
            let (score, relevant) = scenario.draw(&mut noise);
            let x = (score / f64::from(SCALE)).clamp(-1.0, 1.0);
            #[expect(clippy::cast_possible_truncation, reason = "embeddings are f32")]
            let values = vec![x as f32, (1.0 - x * x).sqrt() as f32];
            let embedding = Embedding::normalize(values).expect("on the circle");
            let score = head.score(&embedding);
            (Point { id: RecordId::from_row(row), embedding }, Scored { score, relevant })
        });
        let (points, truth): (Vec<Point>, Vec<Scored>) = records.unzip();
        let store = MemoryStore::new(2);
        store.upsert(&points).block_on().expect("memory takes all");
        let embeddings = points.iter().map(|point| &point.embedding);
        let background = Arc::new(Background::estimate(2, embeddings));
        Self { store: Arc::new(store), background, head, truth }
    }

    /// A session that has only the classifier.
    pub(crate) fn session(&self) -> Session {
        let start = Start::from_head(self.head.clone()).expect("weights");
        let query = StartQuery { description: "made up".to_owned(), start, examples: Vec::new() };
        let opening = Opening { name: "audit".to_owned(), query, method: Method::default() };
        let journal = Journal::open(Path::new(":memory:"), Clock::new(|| 0)).expect("memory");
        let (store, background) = (Arc::clone(&self.store), Arc::clone(&self.background));
        Session::start(store, background, journal, opening).block_on().expect("a session")
    }

    /// Whether a record is relevant.
    pub(crate) fn is_relevant(&self, id: &RecordId) -> bool {
        self.row(id).is_some_and(|scored| scored.relevant)
    }

    fn row(&self, id: &RecordId) -> Option<&Scored> {
        self.truth.get(id.as_str().parse::<usize>().ok()?)
    }

    /// Judges records of an open audit, at most `limit`, truthfully.
    pub(crate) fn judge(&self, session: &mut Session, limit: usize) {
        for _ in 0..limit {
            let open = session.open_audit().and_then(|audit| audit.open());
            let Some(id) = open.map(|record| record.id.clone()) else { return };
            let label = if self.is_relevant(&id) { Label::RELEVANT } else { Label::IRRELEVANT };
            session.answer_audit(&id, Answer::Labelled(label)).expect("the record is open");
        }
    }

    /// Audits the decisions at score 0.
    pub(crate) fn audit(&self, budget: usize, seed: u64) -> Audited {
        let mut session = self.session();
        let threshold = ThresholdPolicy::Score(0.0);
        let plan = AuditPlan { budget, threshold, seed };
        session.draw_audit(&plan).block_on().expect("a draw");
        self.judge(&mut session, budget);
        let report = session.view().audit_report(threshold).block_on().expect("a report");
        self.check(report.expect("records were judged"))
    }

    /// Compares a report with the truth.
    pub(crate) fn check(&self, report: AuditReport) -> Audited {
        let truth = Confusion::at(report.threshold, &self.truth);
        let n_relevant = truth.true_positives + truth.false_negatives;
        let holds = [
            report.precision.holds(truth.precision()),
            report.recall.holds(truth.recall()),
            report.f1.holds(truth.f1()),
            report.n_relevant.holds(n_relevant as f64),
        ];
        Audited { report, holds }
    }
}

impl Scenario {
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
