//! The laboratory plays by its own rules: a split that a seed names, players that differ, and
//! games that come out the same however they are run.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use linprobe_classifier::{LinearClassifier, Start};
use linprobe_core::{Embedding, Point, RecordId};
use linprobe_session::simulate::{
    Budget, Concept, Corpus, Curve, Experiment, ExperimentError, Laboratory, Ledger, LedgerError,
    Oracle, Origin, Player, Trial, Watch,
};

const DIMENSION: usize = 16;
const BUDGET: Budget = Budget { n_rounds: 3, per_round: 10 };

/// 1,000 points in a cone, of which 30 share a direction.
fn points() -> Vec<Point> {
    (0..1000)
        .map(|row| {
            let noise = |j: usize| ((row * 31 + j * 17) as f32 * 12.9898).sin() * 43_758.547;
            let value = |j: usize| {
                let cone = if j == 0 { 1.5 } else { 0.0 };
                let concept = if j == 1 && row < 30 { 1.8 } else { 0.0 };
                cone + concept + noise(j).fract()
            };
            let values: Vec<f32> = (0..DIMENSION).map(value).collect();
            let embedding = Embedding::normalize(values).unwrap();
            Point { id: RecordId::from_row(row as u64), embedding }
        })
        .collect()
}

fn corpus() -> Corpus {
    Corpus::new(DIMENSION, points())
}

fn relevant() -> BTreeSet<RecordId> {
    (0..30).map(RecordId::from_row).collect()
}

fn direction() -> Embedding {
    let toward = |j: usize| if j == 1 { 1.0 } else { 0.15 };
    Embedding::normalize((0..DIMENSION).map(toward).collect::<Vec<f32>>()).unwrap()
}

fn concept(corpus: &Corpus) -> Concept {
    let start = Start::from_direction(direction());
    Concept::new("stars", &relevant(), corpus).starting("name", start.into())
}

fn player(name: &str) -> Player {
    name.parse().unwrap()
}

fn play(laboratory: &Laboratory<'_>, concept: &Concept, name: &str, budget: Budget) -> Curve {
    let (start, player) = (&concept.starts()[0], &player(name));
    let trial = Trial { concept, start, player, oracle: Oracle::Exact, budget };
    laboratory.play(&trial).unwrap()
}

#[test]
fn one_point_in_five_is_held_out_and_a_seed_names_the_split() {
    let corpus = corpus();
    let [one, same, other] = [1, 1, 2].map(|seed| Laboratory::new(&corpus, seed));
    assert_eq!((one.pool().len(), one.held_out().len()), (800, 200));
    assert_eq!(one.held_out(), same.held_out());
    assert_ne!(one.held_out(), other.held_out());
    let rows: BTreeSet<_> = one.pool().iter().chain(one.held_out()).collect();
    assert_eq!(rows.len(), 1000);
}

#[test]
fn curves_count_labels_and_finds_round_by_round() {
    let corpus = corpus();
    let (laboratory, concept) = (Laboratory::new(&corpus, 1), concept(&corpus));
    let curve = play(&laboratory, &concept, "linprobe", BUDGET);
    let labels: Vec<usize> = curve.points.iter().map(|point| point.n_labels).collect();
    assert_eq!(labels, [0, 10, 20, 30]);
    assert_eq!(curve.found.len(), curve.points[3].n_found);
    assert!(curve.found.iter().all(|id| relevant().contains(id)));
    let distinct: BTreeSet<_> = curve.found.iter().collect();
    assert_eq!(distinct.len(), curve.found.len());
}

#[test]
fn feedback_beats_none_and_the_top_beats_random_order() {
    let corpus = corpus();
    let (laboratory, concept) = (Laboratory::new(&corpus, 1), concept(&corpus));
    let play = |name| play(&laboratory, &concept, name, BUDGET);
    let (ours, alone) = (play("linprobe"), play("no-feedback"));
    let random = play("rocchio+random");
    let last = |curve: &Curve| *curve.points.last().unwrap();
    assert!(last(&ours).held_out.ap >= last(&alone).held_out.ap);
    assert!(last(&ours).n_found > last(&random).n_found);
    assert!(last(&ours).held_out.f1 > 0.5, "{:?}", last(&ours));
    assert!(last(&ours).held_out.best_f1 >= last(&ours).held_out.f1);
    assert_eq!(last(&alone).held_out, alone.points[0].held_out, "it never learns");
}

#[test]
fn every_baseline_plays_to_the_end() {
    let corpus = corpus();
    let (laboratory, concept) = (Laboratory::new(&corpus, 1), concept(&corpus));
    for name in Player::names() {
        let last = *play(&laboratory, &concept, name, BUDGET).points.last().unwrap();
        let expected = if name == "full" { 800 } else { 30 };
        assert_eq!(last.n_labels, expected, "{name}");
        assert!((0.0..=1.0).contains(&last.held_out.ap) && last.pool_ap.is_finite(), "{name}");
    }
}

#[test]
fn full_supervision_is_the_ceiling_and_finds_everything() {
    let corpus = corpus();
    let (laboratory, concept) = (Laboratory::new(&corpus, 1), concept(&corpus));
    let curve = play(&laboratory, &concept, "full", BUDGET);
    assert_eq!((curve.points.len(), curve.points[0].n_pool), (1, 800));
    assert_eq!(curve.points[0].n_found, curve.points[0].n_relevant);
    assert!(curve.points[0].held_out.ap > 0.9, "{:?}", curve.points[0]);
}

#[test]
fn a_game_ends_when_the_pool_is_empty() {
    let corpus = Corpus::new(DIMENSION, points().split_off(985));
    let (laboratory, concept) = (Laboratory::new(&corpus, 1), concept(&corpus));
    let curve = play(&laboratory, &concept, "linprobe", Budget { n_rounds: 10, per_round: 5 });
    let labels: Vec<usize> = curve.points.iter().map(|point| point.n_labels).collect();
    assert_eq!(labels, [0, 5, 10, 12]);
}

#[test]
fn drawn_examples_are_known_from_the_start_and_not_counted_as_found() {
    let corpus = corpus();
    let laboratory = Laboratory::new(&corpus, 1);
    let concept = Concept::new("stars", &relevant(), &corpus);
    let n_relevant = laboratory.pool().iter().filter(|&&row| row < 30).count();
    let concept = concept.starting("examples:3", Origin::Examples(3));
    let curve = play(&laboratory, &concept, "linprobe", BUDGET);
    assert_eq!((curve.points[0].n_labels, curve.points[0].n_found), (0, 0));
    assert_eq!((curve.points[0].n_pool, curve.points[0].n_relevant), (797, n_relevant - 3));
    assert!(curve.points[0].held_out.ap > 0.3, "{:?}", curve.points[0]);
    let other = play(&laboratory, &concept, "no-feedback", BUDGET);
    assert_eq!(other.points[0].n_relevant, curve.points[0].n_relevant);
}

#[test]
fn an_existing_head_is_where_no_feedback_stays() {
    let corpus = corpus();
    let laboratory = Laboratory::new(&corpus, 1);
    let head = LinearClassifier::new(direction().as_slice(), -0.5).unwrap();
    let start = Start::from_head(head).unwrap();
    let head = Concept::new("stars", &relevant(), &corpus).starting("head", start.into());
    let by_head = play(&laboratory, &head, "no-feedback", BUDGET);
    let by_name = play(&laboratory, &concept(&corpus), "no-feedback", BUDGET);
    let ap = |curve: &Curve| curve.points[0].held_out.ap.to_bits();
    assert_eq!(ap(&by_head), ap(&by_name), "the same direction");
    assert_ne!(by_head.points[0].held_out, by_name.points[0].held_out, "another boundary");
}

/// Counts what it is shown, and keeps the games in a file if there is one.
#[derive(Default)]
struct Counts<'a> {
    n_played: AtomicUsize,
    n_skipped: AtomicUsize,
    ledger: Option<&'a Ledger>,
}

impl Watch for Counts<'_> {
    fn ended(&self, curve: &Curve) -> Result<(), ExperimentError> {
        self.n_played.fetch_add(1, Ordering::Relaxed);
        self.ledger.map_or(Ok(()), |ledger| Ok(ledger.append(curve)?))
    }

    fn skipped(&self) {
        self.n_skipped.fetch_add(1, Ordering::Relaxed);
    }
}

fn experiment(corpus: &Corpus) -> Experiment {
    Experiment {
        concepts: vec![concept(corpus)],
        players: ["linprobe", "no-feedback", "rocchio+boundary", "rocchio+random"]
            .map(player)
            .to_vec(),
        oracles: vec![Oracle::Exact, "noisy:0.15".parse().unwrap()],
        seeds: vec![3, 4],
        budget: BUDGET,
    }
}

/// What does not depend on the clock.
fn results(curves: &[Curve]) -> Vec<String> {
    let result = |curve: &Curve| {
        let timeless = curve.rows().map(|row| {
            let row = linprobe_session::simulate::Row { fit_ms: 0.0, query_ms: 0.0, ..row };
            format!("{row:?}")
        });
        timeless.collect::<Vec<_>>().join("\n")
    };
    curves.iter().map(result).collect()
}

#[test]
fn an_experiment_comes_out_the_same_on_any_number_of_threads() {
    let corpus = corpus();
    let experiment = experiment(&corpus);
    let run = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| experiment.run(&corpus, Vec::new(), &Counts::default())).unwrap()
    };
    let (alone, together) = (run(1), run(4));
    assert_eq!(alone.len(), experiment.n_games());
    assert_eq!(results(&alone), results(&together));
    let flipped = |curve: &Curve| curve.key.oracle == "noisy:0.15";
    assert!(alone.iter().any(flipped), "every oracle answers");
}

#[test]
fn games_that_a_split_leaves_nothing_for_are_skipped() {
    let corpus = corpus();
    let one: BTreeSet<RecordId> = [RecordId::from_row(5)].into();
    let start = Start::from_direction(direction());
    let lonely = Concept::new("lonely", &one, &corpus).starting("name", start.into());
    let experiment = Experiment { concepts: vec![lonely], ..experiment(&corpus) };
    let watch = Counts::default();
    assert!(experiment.run(&corpus, Vec::new(), &watch).unwrap().is_empty());
    assert_eq!(watch.n_skipped.into_inner(), experiment.n_games());
}

fn run_with_ledger(
    experiment: &Experiment,
    corpus: &Corpus,
    path: &Path,
) -> Result<(Vec<Curve>, usize), ExperimentError> {
    let (ledger, known) = Ledger::open(path, experiment.budget)?;
    let watch = Counts { ledger: Some(&ledger), ..Counts::default() };
    let curves = experiment.run(corpus, known, &watch)?;
    Ok((curves, watch.n_played.into_inner()))
}

#[test]
fn an_experiment_cut_short_anywhere_goes_on_with_what_is_missing() {
    let corpus = corpus();
    let experiment = experiment(&corpus);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.csv");
    let (whole, n_played) = run_with_ledger(&experiment, &corpus, &path).unwrap();
    assert_eq!(n_played, experiment.n_games());
    let text = std::fs::read(&path).unwrap();
    let n_lines = |text: &[u8]| String::from_utf8_lossy(text).matches('\n').count();
    for cut in [0, 10, n_first_line(&text), text.len() / 2, text.len() - 7, text.len()] {
        File::create(&path).unwrap().write_all(&text[..cut]).unwrap();
        let (again, n_played) = run_with_ledger(&experiment, &corpus, &path).unwrap();
        assert_eq!(results(&again), results(&whole), "cut at {cut}");
        let n_lost = experiment.n_games() - n_lines(&text[..cut]).saturating_sub(1) / 4;
        assert_eq!(n_played, n_lost, "cut at {cut}");
        assert_eq!(n_lines(&std::fs::read(&path).unwrap()), n_lines(&text), "cut at {cut}");
    }
}

fn n_first_line(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').unwrap() + 1
}

#[test]
fn a_file_of_another_experiment_is_refused_and_left_alone() {
    let corpus = corpus();
    let experiment = experiment(&corpus);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.csv");
    run_with_ledger(&experiment, &corpus, &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    for (n_rounds, per_round) in [(4, 10), (2, 10), (3, 5)] {
        let refused = Ledger::open(&path, Budget { n_rounds, per_round }).unwrap_err();
        assert!(matches!(refused, LedgerError::Other { .. }), "{refused}");
        assert!(refused.to_string().contains("\nhint: "));
    }
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"x\ny,z\n").unwrap();
    assert!(Ledger::open(&path, BUDGET).is_err(), "a damaged line in the middle");
    assert!(std::fs::read(&path).unwrap().starts_with(&before));
    let other = folder.path().join("other.csv");
    File::create(&other).unwrap().write_all(b"id,text\n1,hello\n").unwrap();
    assert!(Ledger::open(&other, BUDGET).is_err());
    assert_eq!(std::fs::read(&other).unwrap(), b"id,text\n1,hello\n");
}

#[test]
fn games_of_another_corpus_are_not_gone_on_with() {
    let (corpus, other) = (corpus(), Corpus::new(DIMENSION, points().split_off(500)));
    let experiment = experiment(&corpus);
    let known = experiment.run(&corpus, Vec::new(), &Counts::default()).unwrap();
    let again = experiment.run(&corpus, known.clone(), &Counts::default()).unwrap();
    assert_eq!(again, known, "nothing is played twice");
    let smaller = Experiment { concepts: vec![concept(&other)], ..experiment };
    let refused = smaller.run(&other, known, &Counts::default()).unwrap_err();
    assert!(matches!(refused, ExperimentError::OtherCorpus { .. }), "{refused}");
}
