//! What is lost where an index finds the highest scores and a sample stands for the rest: sessions of a hundred labels
//! over one table, looked at whole and through its index, and how much average precision lies between them.
//!
//! The records are the packages of the demo, whose teams are the concepts, amid a bulk that belongs to nobody: blends of
//! two packages of different teams, with noise.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use linprobe::{
    IndexOptions, Label, LinearClassifier, Method, Project, RecordId, SourceOptions, StartFrom,
    Strategy,
};
use linprobe_classifier::{Scored, average_precision};
use linprobe_core::{Embedding, Point, SplitMix, VectorStore};
use linprobe_store::MemoryStore;
use pollster::block_on;

use crate::{
    pgvector::{self, Server},
    rounds::{Outcome, surroundings},
    unix::{Figure, Scale, print},
};

const DATASET: &str = "../cli/assets/debian-packages.csv.gz";
const N_ROUNDS: usize = 10;
const PER_ROUND: usize = 10;

/// Packages of a team: a rare concept, and not too rare to be measured.
const N_RELEVANT: std::ops::Range<u64> = 30..600;

/// How much less average precision a session through an index may have.
const BAR: f64 = 0.01;

/// The packages of each team.
type Teams = BTreeMap<String, BTreeSet<RecordId>>;

pub(crate) fn measure(server: &Server, scale: Scale) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (mut points, teams) = packages(folder.path())?;
    // The bulk is a fifth of what rounds are measured over, so that all sessions take minutes.
    let n_rows = scale.n_rows / 5 + points.len();
    points.extend(bulk(&points, &teams, n_rows - points.len())?);
    let dimension = points.first().map_or(0, |point| point.embedding.dimension());
    let store = MemoryStore::new(dimension);
    block_on(store.upsert(&points))?;
    let address = pgvector::table(server, "packages", &store)?;
    pgvector::index(server, "packages");
    let over = |name: &str, address: &str| {
        Project::create_over(&folder.path().join(name), address, Some("builtin"), surroundings())
    };
    let exact = over("exact", &address)?;
    let approximate = over("approximate", &format!("{address}&search=approximate"))?;
    let (mut n_played, mut of_exact, mut of_approximate) = (0_u32, 0.0, 0.0);
    for (team, relevant) in chosen(&teams, scale.n_concepts) {
        let played = [play(&exact, team, relevant)?, play(&approximate, team, relevant)?];
        let [one, other] = played.each_ref().map(|game| game.precision(&points, relevant, &played));
        n_played += 1;
        of_exact += one;
        of_approximate += other;
    }
    let [exact, approximate] = [of_exact, of_approximate].map(|sum| sum / f64::from(n_played));
    let unit = format!(
        "average precision less than {exact:.3} at 100 labels, {n_played} concepts, {n_rows} rows"
    );
    let gap = exact - approximate;
    let peer = Some(("the bar", BAR, BAR / gap.max(1e-4)));
    print(&Figure { bench: "engines/ap-gap-approximate", value: gap, unit: &unit, peer })
}

/// The packages of the demo, and those of each team.
fn packages(folder: &Path) -> Outcome<(Vec<Point>, Teams)> {
    let project = Project::create(&folder.join("packages"), surroundings())?;
    let source = SourceOptions { label: Some("team".to_owned()), ..SourceOptions::default() };
    let options = IndexOptions { source, ..IndexOptions::default() };
    let dataset = Path::new(env!("CARGO_MANIFEST_DIR")).join(DATASET);
    project.index(&dataset, &options, &mut |_| ())?;
    let points = block_on(project.store()?.scan(None, usize::MAX))?;
    let mut teams = Teams::new();
    for point in &points {
        if let Some(team) = project.record(&point.id)?.label {
            teams.entry(team).or_default().insert(point.id.clone());
        }
    }
    Ok((points, teams))
}

/// Some of the teams that are neither tiny nor large.
fn chosen(teams: &Teams, n_concepts: usize) -> Vec<(&String, &BTreeSet<RecordId>)> {
    let fit = teams.iter().filter(|(_, ids)| N_RELEVANT.contains(&(ids.len() as u64)));
    SplitMix::new(1).shuffled(fit).into_iter().take(n_concepts).collect()
}

/// Records between two of different teams, which are of none.
fn bulk(points: &[Point], teams: &Teams, n_rows: usize) -> Outcome<Vec<Point>> {
    let mut team_of = BTreeMap::new();
    for (team, ids) in teams {
        team_of.extend(ids.iter().map(|id| (id, team)));
    }
    let mut random = SplitMix::new(2);
    let mut made = Vec::with_capacity(n_rows);
    while made.len() < n_rows {
        let [one, other] = [(); 2].map(|()| &points[random.below(points.len())]);
        if team_of.get(&one.id) == team_of.get(&other.id) {
            continue;
        }
        let values = one.embedding.as_slice().iter().zip(other.embedding.as_slice());
        #[expect(clippy::cast_possible_truncation, reason = "noise needs no last bits")]
        let blend = values.map(|(a, b)| 0.6 * a + 0.4 * b + 0.03 * random.normal() as f32);
        let embedding = Embedding::normalize(blend.collect::<Vec<_>>())?;
        made.push(Point { id: RecordId::new(format!("bulk/{}", made.len()))?, embedding });
    }
    Ok(made)
}

/// What a session came to.
struct Game {
    classifier: LinearClassifier,
    labelled: BTreeSet<RecordId>,
}

/// A session that starts from a team's name, and is answered by the truth.
fn play(project: &Project, team: &str, relevant: &BTreeSet<RecordId>) -> Outcome<Game> {
    let from = StartFrom { phrases: vec![team.to_owned()], ..StartFrom::default() };
    let mut session = block_on(project.start_session(team, &from, Method::default()))?;
    let mut labelled = BTreeSet::new();
    for _ in 0..N_ROUNDS {
        let round = block_on(session.next_round(PER_ROUND, Strategy::Auto))?;
        for record in round.records {
            let is_relevant = relevant.contains(&record.id);
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
    fn precision(&self, points: &[Point], relevant: &BTreeSet<RecordId>, games: &[Self]) -> f64 {
        let is_open = |id| !games.iter().any(|game| game.labelled.contains(id));
        let open = points.iter().filter(|point| is_open(&point.id));
        let scored = open.map(|point| Scored {
            score: self.classifier.score(&point.embedding),
            relevant: relevant.contains(&point.id),
        });
        average_precision(&scored.collect::<Vec<_>>())
    }
}
