//! What is lost where an index finds the highest scores and a sample stands for the rest: sessions of a hundred labels
//! over the same records, looked at whole and through indexes, and how much average precision lies between them.
//!
//! The records lie in many clusters, of which some are near each other. A concept is three of them, far apart: one record
//! in a hundred and thirty.

use std::{collections::BTreeSet, path::Path};

use linprobe::{Exemplar, Label, LinearClassifier, Method, Project, RecordId, StartFrom, Strategy};
use linprobe_classifier::{Scored, average_precision};
use linprobe_core::{Embedding, Point, SplitMix, VectorStore};
use linprobe_store::MemoryStore;
use pollster::block_on;

use crate::{
    milvus, pgvector,
    rounds::{Outcome, surroundings},
    unix::{Figure, Scale, Servers, print},
};

const DIMENSION: usize = 256;
const N_FAMILIES: usize = 40;
const N_CLUSTERS: usize = 400;

/// How far clusters lie from the middle of their family, and records from that of their cluster.
const OF_CLUSTER: f64 = 0.6;
const OF_RECORD: f64 = 0.8;

/// Clusters of a concept.
const N_OF_CONCEPT: usize = 3;

const N_ROUNDS: usize = 10;
const PER_ROUND: usize = 10;

/// How much less average precision a session through an index may have.
const BAR: f64 = 0.01;

/// Stores whose sessions stand beside those of the first, which looks at every record.
const NAMES: [&str; 4] = ["exact", "pgvector-hnsw", "milvus-hnsw", "milvus-ivf"];

pub(crate) fn measure(servers: &Servers, scale: Scale) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let n_rows = scale.session_rows;
    let points = points(n_rows)?;
    let store = MemoryStore::new(DIMENSION);
    block_on(store.upsert(&points))?;
    let projects = projects(servers, &store, folder.path())?;
    let mut sums = [0.0; NAMES.len()];
    for seed in 0..scale.n_concepts {
        let concept = Concept::new(&points, seed);
        let games = projects.each_ref().map(|project| play(project, &concept, seed));
        let games: Vec<Game> = games.into_iter().collect::<Outcome<_>>()?;
        for (sum, game) in sums.iter_mut().zip(&games) {
            *sum += game.precision(&points, &concept, &games);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let precisions = sums.map(|sum| sum / scale.n_concepts as f64);
    for (name, precision) in NAMES.iter().zip(precisions).skip(1) {
        let exact = precisions[0];
        let unit = format!(
            "average precision less than {exact:.3} at 100 labels, {} concepts, {n_rows} rows",
            scale.n_concepts
        );
        let (bench, gap) = (format!("engines/ap-gap-approximate/{name}"), exact - precision);
        let peer = Some(("the bar", BAR, BAR / gap.max(1e-4)));
        print(&Figure { bench: &bench, value: gap, unit: &unit, peer })?;
    }
    Ok(())
}

/// A project over each of the stores, in the order of their names.
fn projects(
    servers: &Servers,
    points: &dyn VectorStore,
    folder: &Path,
) -> Outcome<[Project; NAMES.len()]> {
    let exact = pgvector::table(&servers.postgres, "gap", points)?;
    pgvector::index(&servers.postgres, "gap");
    let hnsw = milvus::collection(&servers.milvus, ("gap_hnsw", "HNSW"), points)?;
    let ivf = milvus::collection(&servers.milvus, ("gap_ivf", "IVF_FLAT"), points)?;
    let approximate = format!("{exact}&search=approximate");
    let over = |name: &str, address: &str| {
        Project::create_over(&folder.join(name), address, None, surroundings())
    };
    let [first, second, third, fourth] = NAMES;
    Ok([
        over(first, &exact)?,
        over(second, &approximate)?,
        over(third, &hnsw)?,
        over(fourth, &ivf)?,
    ])
}

#[expect(clippy::cast_possible_truncation, reason = "noise needs no last bits")]
fn points(n_rows: usize) -> Outcome<Vec<Point>> {
    let mut random = SplitMix::new(2);
    let mut around = |middle: &[f32], far: f64| -> Vec<f32> {
        middle.iter().map(|x| x + (far * random.normal()) as f32).collect()
    };
    let nowhere = vec![0.0; DIMENSION];
    let families: Vec<Vec<f32>> = (0..N_FAMILIES).map(|_| around(&nowhere, 1.0)).collect();
    let clusters: Vec<Vec<f32>> =
        (0..N_CLUSTERS).map(|n| around(&families[n % N_FAMILIES], OF_CLUSTER)).collect();
    (0..n_rows)
        .map(|n| {
            let embedding = Embedding::normalize(around(&clusters[n % N_CLUSTERS], OF_RECORD))?;
            Ok(Point { id: RecordId::new(n.to_string())?, embedding })
        })
        .collect()
}

/// Records that are wanted, and one of each of their clusters.
struct Concept {
    relevant: BTreeSet<RecordId>,
    examples: Vec<RecordId>,
}

impl Concept {
    fn new(points: &[Point], seed: usize) -> Self {
        let clusters = SplitMix::new(seed as u64).shuffled(0..N_CLUSTERS);
        let wanted = &clusters[..N_OF_CONCEPT];
        let ids = |cluster: &usize| points.iter().skip(*cluster).step_by(N_CLUSTERS).map(|p| &p.id);
        Self {
            relevant: wanted.iter().flat_map(ids).cloned().collect(),
            examples: wanted.iter().filter_map(|cluster| ids(cluster).next()).cloned().collect(),
        }
    }
}

/// What a session came to.
struct Game {
    classifier: LinearClassifier,
    labelled: BTreeSet<RecordId>,
}

/// A session that starts from a record of each cluster, and is answered by the truth.
fn play(project: &Project, concept: &Concept, seed: usize) -> Outcome<Game> {
    let like = concept.examples.iter().cloned().map(Exemplar::Record).collect();
    let from = StartFrom { like, ..StartFrom::default() };
    let name = format!("concept-{seed}");
    let mut session = block_on(project.start_session(&name, &from, Method::default()))?;
    let mut labelled: BTreeSet<RecordId> = concept.examples.iter().cloned().collect();
    for _ in 0..N_ROUNDS {
        let round = block_on(session.next_round(PER_ROUND, Strategy::Auto))?;
        for record in round.records {
            let is_relevant = concept.relevant.contains(&record.id);
            let label = if is_relevant { Label::RELEVANT } else { Label::IRRELEVANT };
            block_on(session.label(&record.id, label))?;
            labelled.insert(record.id);
        }
        block_on(session.fit())?;
    }
    Ok(Game { classifier: session.classifier().clone(), labelled })
}

impl Game {
    /// Its average precision over the records that none of the games has labelled.
    fn precision(&self, points: &[Point], concept: &Concept, games: &[Self]) -> f64 {
        let is_open = |id| !games.iter().any(|game| game.labelled.contains(id));
        let open = points.iter().filter(|point| is_open(&point.id));
        let scored = open.map(|point| Scored {
            score: self.classifier.score(&point.embedding),
            relevant: concept.relevant.contains(&point.id),
        });
        average_precision(&scored.collect::<Vec<_>>())
    }
}
