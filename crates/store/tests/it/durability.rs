//! Writers that are killed. The child processes are this test binary, told to run a test that is
//! otherwise ignored.

use std::{
    env,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use linprobe_core::{StoreError, VectorStore};
use linprobe_store::EmbeddedStore;
use pollster::block_on;

use crate::support::{DIMENSION, assert_sound, contents, points};

const FOLDER: &str = "LINPROBE_STORE_TEST_FOLDER";
const N_POINTS: u64 = 4_000;
const BATCH: u64 = 20;

/// Writes all points, batch by batch, and says so after each.
fn index(folder: &Path) -> EmbeddedStore {
    let store = EmbeddedStore::open_or_create(folder, DIMENSION).unwrap();
    for start in (0..N_POINTS).step_by(usize::try_from(BATCH).unwrap()) {
        block_on(store.upsert(&points(start..start + BATCH))).unwrap();
        println!("written {}", start + BATCH);
    }
    store
}

#[test]
#[ignore = "it is the child that the tests below start and kill"]
fn child_that_indexes() {
    if let Some(folder) = env::var_os(FOLDER) {
        let _open_to_the_end = index(Path::new(&folder));
        io::stdin().read_line(&mut String::new()).unwrap();
    }
}

/// Starts a child, and waits until it has written so many points.
fn start_child(folder: &Path, n_written: u64) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "durability::child_that_indexes", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_written = |line: String| line.ends_with(&format!("written {n_written}"));
    assert!(lines.any(|line| is_written(line.unwrap())), "the child ended too early");
    // The rest of its words go nowhere, but must not stop it.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_index_killed_after_any_batch_and_run_again_ends_as_one_run_does() {
    let whole = tempfile::tempdir().unwrap();
    let expected = contents(&index(whole.path()));

    let folder = tempfile::tempdir().unwrap();
    let mut n_before = 0;
    for n_written in [BATCH, 15 * BATCH, 40 * BATCH, 90 * BATCH] {
        kill(start_child(folder.path(), n_written));
        let store = EmbeddedStore::open(folder.path()).unwrap();
        assert_sound(folder.path());
        let found = contents(&store);
        assert!(found.len() >= n_before.max(usize::try_from(n_written).unwrap()), "rows were lost");
        assert_eq!(found, expected[..found.len()]);
        n_before = found.len();
    }
    let store = index(folder.path());
    assert_sound(folder.path());
    assert_eq!(contents(&store), expected);
    let length = |folder: &Path| folder.join("vectors.npy").metadata().unwrap().len();
    assert_eq!(length(folder.path()), length(whole.path()));
}

#[test]
fn the_lock_of_a_process_holds_while_it_lives_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let child = start_child(folder.path(), BATCH);
    let refused = EmbeddedStore::open(folder.path());
    kill(child);
    assert!(matches!(refused, Err(StoreError::Locked { .. })), "{refused:?}");
    assert!(EmbeddedStore::open(folder.path()).is_ok());
}

/// The power fails: the last pages of the log of the database are lost, at any place in it. What is
/// left is an earlier state, and the vectors beyond it are cut off.
#[test]
fn a_log_cut_at_any_place_leaves_an_earlier_state() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::create(folder.path(), DIMENSION).unwrap();
    for start in 0..12 {
        block_on(store.upsert(&points(start * 5..start * 5 + 5))).unwrap();
    }
    let expected = contents(&store);
    let length = folder.path().join("points.db-wal").metadata().unwrap().len();
    let page = 4_096 + 24;
    let cuts = (0..=length).step_by(page).flat_map(|cut| [cut, cut + 13, cut + 2_048]);
    for cut in cuts.filter(|&cut| cut <= length) {
        let crashed = copy(folder.path());
        truncate(&crashed.path().join("points.db-wal"), cut);
        let Ok(store) = EmbeddedStore::open_or_create(crashed.path(), DIMENSION) else {
            panic!("{cut} bytes of the log do not open")
        };
        assert_sound(crashed.path());
        let found = contents(&store);
        assert_eq!((found.len() % 5, &found[..]), (0, &expected[..found.len()]), "cut at {cut}");
    }
}

/// The files as another process would find them now.
fn copy(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["vectors.npy", "points.db", "points.db-wal"] {
        std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
    }
    copy
}

fn truncate(path: &Path, n_bytes: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(n_bytes).unwrap();
}
