//! The int8 copy: what surveys find through it, and what becomes of it when the store changes, a writer
//! is killed, or its file is lost or damaged.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use linprobe_core::{
    Embedding, Excluded, Hit, Point, StoreError, Survey, SurveyReport, VectorStore,
};
use linprobe_store::{Damaged, EmbeddedStore, Violation, check, compact};
use pollster::block_on;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::{assert_sound, contents, filled, id, points};

const DIMENSION: usize = 96;
const N_POINTS: u64 = 20_000;

/// A pseudo-random direction near a common one, with a coordinate that is larger than all others, as
/// embeddings of pretrained models have them.
fn embedding(seed: u64) -> Embedding {
    let mut state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let mut values: Vec<f32> = (0..DIMENSION).map(|_| random() + 0.2).collect();
    values[7] = 20.0 + random();
    Embedding::normalize(values).unwrap()
}

fn point_of(n: u64) -> Point {
    Point { id: id(n), embedding: embedding(n) }
}

fn weights(seed: u64) -> Vec<f32> {
    let (for_it, against) = (embedding(seed + 1_000_000), embedding(seed + 2_000_000));
    let pairs = for_it.as_slice().iter().zip(against.as_slice());
    pairs.map(|(a, b)| (a - b) * 10.0).collect()
}

fn large() -> (TempDir, EmbeddedStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
    block_on(store.upsert(&(0..N_POINTS).map(point_of).collect::<Vec<_>>())).unwrap();
    (folder, store)
}

fn survey<'a>(weights: &'a [f32], exclude: &'a Excluded) -> Survey<'a> {
    Survey { weights, bias: 0.05, top_k: 10, n_boundary: 50, threshold: 0.3, n_bins: 40, exclude }
}

fn length(weights: &[f32]) -> f32 {
    weights.iter().map(|w| w * w).sum::<f32>().sqrt()
}

/// The scores from the copy, by its promise, are wrong by less than this.
const MARGIN: f32 = 0.02;

/// What is promised of a report through the copy, beside that of all rows in half precision.
fn assert_promises(found: &SurveyReport, exact: &SurveyReport, weights: &[f32]) {
    assert_eq!(found.top, exact.top);
    assert_near(&found.boundary, &exact.boundary, 1e-3 * length(weights));
    assert!(found.estimated && !exact.estimated);
    assert_eq!(found.n_points, exact.n_points);
    assert_eq!(found.histogram.counts.iter().sum::<u64>(), exact.n_points);
    let margin = MARGIN * length(weights);
    let (found, exact) = (&found.histogram, &exact.histogram);
    assert!((found.low - exact.low).abs() < margin && (found.high - exact.high).abs() < margin);
}

fn assert_near(found: &[Hit], exact: &[Hit], tolerance: f32) {
    assert_eq!(found.len(), exact.len());
    for (found, exact) in found.iter().zip(exact) {
        let off = (found.score.abs() - exact.score.abs()).abs();
        assert!(off <= tolerance, "{found:?} in the place of {exact:?}");
    }
}

fn report(store: &EmbeddedStore, survey: Survey<'_>) -> SurveyReport {
    block_on(store.survey(survey)).unwrap()
}

#[test]
fn a_hundred_weights_find_the_same_top_ten_and_a_boundary_right_to_a_thousandth() {
    let (_folder, store) = large();
    let all: Vec<Vec<f32>> = (0..100).map(weights).collect();
    let none = Excluded::new();
    let surveys: Vec<Survey<'_>> = all.iter().map(|weights| survey(weights, &none)).collect();
    let exact: Vec<SurveyReport> = surveys.iter().map(|&survey| report(&store, survey)).collect();
    store.keep_int8_copy().unwrap();
    assert!(store.has_int8_copy().unwrap());
    for ((&survey, exact), weights) in surveys.iter().zip(&exact).zip(&all) {
        assert_promises(&report(&store, survey), exact, weights);
    }
    for ((found, exact), weights) in
        block_on(store.survey_all(&surveys)).unwrap().iter().zip(&exact).zip(&all)
    {
        assert_promises(found, exact, weights);
    }
}

#[test]
fn counts_above_the_threshold_are_those_of_a_threshold_within_the_margin() {
    let (_folder, store) = large();
    let none = Excluded::new();
    let weights = weights(5);
    let above =
        |threshold: f32| report(&store, Survey { threshold, ..survey(&weights, &none) }).n_above;
    let margin = MARGIN * length(&weights);
    let thresholds = [-0.5, 0.0, 0.3, 1.0];
    let bounds: Vec<(u64, u64)> =
        thresholds.iter().map(|t| (above(t + margin), above(t - margin))).collect();
    let exact: Vec<u64> = thresholds.iter().map(|&t| above(t)).collect();
    store.keep_int8_copy().unwrap();
    for ((threshold, (low, high)), exact) in thresholds.into_iter().zip(bounds).zip(exact) {
        let found = above(threshold);
        assert!((low..=high).contains(&found), "{found} at {threshold}");
        assert!(found.abs_diff(exact) <= N_POINTS / 200, "{found}, exactly {exact}");
    }
}

#[test]
fn what_is_excluded_deleted_replaced_or_added_is_as_without_the_copy() {
    let (folder, store) = large();
    let weights = weights(3);
    let none = Excluded::new();
    let best = report(&store, survey(&weights, &none)).top;
    store.keep_int8_copy().unwrap();
    block_on(store.delete(&[best[0].id.clone(), best[3].id.clone()])).unwrap();
    let replaced = Point { id: best[1].id.clone(), embedding: embedding(77_777) };
    block_on(store.upsert(&[replaced])).unwrap();
    block_on(store.upsert(&(N_POINTS..N_POINTS + 3_000).map(point_of).collect::<Vec<_>>()))
        .unwrap();
    assert_sound(folder.path());
    let excluded: Excluded = [best[2].id.clone(), id(N_POINTS + 7)].into();
    let found = report(&store, survey(&weights, &excluded));
    drop(store);
    let exact = without_copy(folder.path());
    assert_promises(&found, &report(&exact, survey(&weights, &excluded)), &weights);
}

/// Opens a store whose copy is lost, to be read only, so that it is not made again.
fn without_copy(folder: &Path) -> EmbeddedStore {
    fs::remove_file(copy_in(folder)).unwrap();
    let store = EmbeddedStore::open_read_only(folder).unwrap();
    assert!(!store.has_int8_copy().unwrap());
    store
}

fn copies_in(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "i8")).collect()
}

fn copy_in(folder: &Path) -> PathBuf {
    let [copy] = &copies_in(folder)[..] else { panic!("not one copy") };
    copy.clone()
}

#[test]
fn equal_points_are_listed_by_their_ids() {
    let (_folder, store) = large();
    let same = |n: u64| Point { id: id(n), embedding: embedding(42) };
    block_on(store.upsert(&(N_POINTS..N_POINTS + 300).map(same).collect::<Vec<_>>())).unwrap();
    let weights: Vec<f32> = embedding(42).as_slice().to_vec();
    let none = Excluded::new();
    let all = Survey { bias: 0.0, top_k: 100, ..survey(&weights, &none) };
    let exact = report(&store, all);
    store.keep_int8_copy().unwrap();
    assert_eq!(report(&store, all).top, exact.top);
    let at_zero = Survey { bias: -exact.top[0].score, ..all };
    let boundary = report(&store, at_zero).boundary;
    assert!(boundary.iter().all(|hit| hit.score.abs() < 1e-6));
    assert!(boundary.is_sorted_by_key(|hit| hit.id.clone()));
}

/// Crowds of equal scores, lists of nearly everything and weights that point nowhere.
#[test]
fn what_the_copy_is_of_no_use_for_is_answered_without_it() {
    let (_folder, store) = large();
    let same = |n: u64| Point { id: id(n), embedding: embedding(42) };
    block_on(store.upsert(&(0..12_000).map(same).collect::<Vec<_>>())).unwrap();
    let none = Excluded::new();
    let (crowd, zero) = (embedding(42).as_slice().to_vec(), vec![0.0; DIMENSION]);
    let some = weights(1);
    let surveys = [
        survey(&crowd, &none),
        Survey { top_k: 15_000, ..survey(&some, &none) },
        survey(&zero, &none),
        survey(&some, &none),
    ];
    let exact = block_on(store.survey_all(&surveys)).unwrap();
    store.keep_int8_copy().unwrap();
    let found = block_on(store.survey_all(&surveys)).unwrap();
    assert_eq!(found[..3], exact[..3]);
    assert_promises(&found[3], &exact[3], &some);
}

#[test]
fn a_copy_survives_compaction_and_readers_go_over() {
    let (folder, store) = large();
    store.keep_int8_copy().unwrap();
    block_on(store.delete(&(0..N_POINTS).step_by(2).map(id).collect::<Vec<_>>())).unwrap();
    drop(store);
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert!(reader.has_int8_copy().unwrap());
    let before = copy_in(folder.path()).metadata().unwrap().len();
    compact(folder.path(), Damaged::Refuse).unwrap();
    assert!(reader.has_int8_copy().unwrap());
    assert_eq!(copy_in(folder.path()).metadata().unwrap().len(), before / 2);
    assert_sound(folder.path());
    let weights = weights(9);
    let none = Excluded::new();
    let found = report(&reader, survey(&weights, &none));
    drop(reader);
    let exact = without_copy(folder.path());
    assert_promises(&found, &report(&exact, survey(&weights, &none)), &weights);
}

#[test]
fn an_empty_store_and_a_reader_make_no_copy() {
    let folder = filled(0);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.keep_int8_copy().unwrap();
    assert!(!store.has_int8_copy().unwrap());
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert!(matches!(reader.keep_int8_copy(), Err(StoreError::Io { .. })));
}

#[test]
fn asking_again_makes_no_other_copy() {
    let folder = filled(100);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.keep_int8_copy().unwrap();
    let copy = copy_in(folder.path());
    store.keep_int8_copy().unwrap();
    drop(store);
    drop(EmbeddedStore::open(folder.path()).unwrap());
    assert_eq!(copy_in(folder.path()), copy);
}

fn with_copy(n_points: u64) -> TempDir {
    let folder = filled(n_points);
    EmbeddedStore::open(folder.path()).unwrap().keep_int8_copy().unwrap();
    folder
}

/// A store is the same with any copy, or none.
#[track_caller]
fn assert_mended(folder: &Path, n_points: u64) {
    let store = EmbeddedStore::open(folder).unwrap();
    assert!(store.has_int8_copy().unwrap());
    assert_eq!(contents(&store), contents(&EmbeddedStore::open(filled(n_points).path()).unwrap()));
    drop(store);
    assert_sound(folder);
    assert_eq!(copies_in(folder).len(), 1);
}

#[test]
fn a_lost_short_or_torn_copy_is_read_by_nobody_and_mended_by_the_next_writer() {
    for n_bytes in [None, Some(0), Some(35), Some(2_000 * 36 - 1), Some(2_000 * 36 + 50)] {
        let folder = with_copy(2_000);
        let copy = copy_in(folder.path());
        match n_bytes {
            None => fs::remove_file(&copy).unwrap(),
            Some(n) => OpenOptions::new().write(true).open(&copy).unwrap().set_len(n).unwrap(),
        }
        let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
        let is_whole = n_bytes.is_some_and(|n| n >= 2_000 * 36);
        assert_eq!(reader.has_int8_copy().unwrap(), is_whole, "{n_bytes:?}");
        let lost = Violation::CodeChecksum { first_row: 0, last_row: 1_999 };
        let expected = if is_whole { vec![] } else { vec![lost] };
        assert_eq!(check(folder.path()).unwrap().violations, expected, "{n_bytes:?}");
        assert_mended(folder.path(), 2_000);
    }
}

#[test]
fn a_flipped_bit_is_found_by_its_block_and_compaction_makes_the_copy_again() {
    let folder = with_copy(3_500);
    let path = copy_in(folder.path());
    let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(1_500 * 36)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(1_500 * 36)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
    let found = check(folder.path()).unwrap().violations;
    assert_eq!(found, [Violation::CodeChecksum { first_row: 1_024, last_row: 2_047 }]);
    compact(folder.path(), Damaged::Refuse).unwrap();
    assert_mended(folder.path(), 3_500);
}

/// Killed before the commit: the file belongs to nothing.
#[test]
fn a_copy_that_was_not_committed_is_removed() {
    let folder = filled(50);
    fs::copy(folder.path().join("vectors.npy"), folder.path().join("codes.1.i8")).unwrap();
    drop(EmbeddedStore::open(folder.path()).unwrap());
    assert_eq!(copies_in(folder.path()), Vec::<PathBuf>::new());
}

/// As a version leaves it that does not know the copy: more rows, or another generation.
#[test]
fn a_copy_that_was_left_behind_is_read_as_far_as_it_goes_and_brought_up() {
    let folder = with_copy(2_000);
    let sql = |statement: &str| {
        Connection::open(folder.path().join("points.db"))
            .unwrap()
            .execute_batch(statement)
            .unwrap();
    };
    let weights = vec![0.4; crate::support::DIMENSION];
    let none = Excluded::new();
    let exact = {
        let other = filled(2_000);
        report(&EmbeddedStore::open(other.path()).unwrap(), survey(&weights, &none))
    };
    sql("UPDATE codes SET n_rows = 1024; DELETE FROM code_checksums WHERE block_idx > 0");
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert!(reader.has_int8_copy().unwrap());
    assert_eq!(report(&reader, survey(&weights, &none)).top, exact.top);
    drop(reader);
    sql("UPDATE codes SET generation = 7");
    let reader = EmbeddedStore::open_read_only(folder.path()).unwrap();
    assert!(!reader.has_int8_copy().unwrap());
    assert_eq!(report(&reader, survey(&weights, &none)), exact);
    drop(reader);
    assert_mended(folder.path(), 2_000);
}

#[test]
fn a_copy_grows_with_its_store_row_by_row() {
    let folder = with_copy(1_000);
    let store = EmbeddedStore::open(folder.path()).unwrap();
    for n in [1_000..1_023, 1_023..1_024, 1_024..1_030, 1_030..3_000] {
        block_on(store.upsert(&points(n))).unwrap();
        assert_sound(folder.path());
    }
    drop(store);
    assert_mended(folder.path(), 3_000);
}
