//! `linprobe model`: what is here, what it is, and whether it is whole.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::support::Bench;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

#[test]
fn the_list_names_the_model_inside_and_those_of_the_cache() {
    let bench = Bench::new();
    cache(&bench);
    let lines = bench.ok(&["model", "list"]);
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0].starts_with("builtin  static, 256 dimensions, texts, "), "{lines:?}");
    assert!(lines[1].starts_with("org/tiny  bert, ") && lines.len() == 2, "{lines:?}");
    let listed = bench.json(&["model", "list"]);
    assert_eq!(listed[1]["id"], "org/tiny");
    assert_eq!(listed[1]["supported"], true);
}

#[test]
fn a_model_of_a_folder_is_described() {
    let shown = &Bench::new().json(&["model", "show", &fixture().display().to_string()])[0];
    assert_eq!(shown["architecture"], "bert");
    assert_eq!(shown["dimension"], 32);
    assert_eq!((&shown["text"], &shown["image"]), (&true.into(), &false.into()));
    assert_eq!(shown["fingerprint"].as_str().unwrap().len(), 64);
    assert!(shown["n_bytes"].as_u64().unwrap() > 10_000);
}

#[test]
fn the_model_inside_is_described_for_people() {
    let shown = Bench::new().ok(&["model", "show", "builtin"]);
    let fields: Vec<&str> = shown.lines().filter_map(|line| line.split(' ').next()).collect();
    let expected =
        ["model", "architecture", "engine", "dimension", "takes", "size", "fingerprint", "where"];
    assert_eq!(fields, expected);
    assert!(shown.contains("where         in this program"), "{shown}");
}

#[test]
fn a_model_that_is_whole_passes_the_check() {
    let bench = Bench::new();
    cache(&bench);
    assert_eq!(bench.ok(&["model", "check", "org/tiny"]), "org/tiny is whole\n");
    assert_eq!(bench.ok(&["model", "check", "builtin"]), "builtin is whole\n");
}

#[test]
fn a_file_that_was_damaged_in_the_cache_is_found() {
    let bench = Bench::new();
    let weights = cache(&bench).join("model.safetensors");
    let blob = fs::canonicalize(weights).unwrap();
    let mut contents = fs::read(&blob).unwrap();
    *contents.last_mut().unwrap() ^= 1;
    put(&blob, &contents);
    let output = bench.run(&["model", "check", "org/tiny", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("model.safetensors is not what was downloaded"), "{said}");
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed/bert-mean")
}

/// Lays the fixture into the cache as the hub's clients do; gives its snapshot.
fn cache(bench: &Bench) -> PathBuf {
    let root = bench.path(".cache/huggingface/hub/models--org--tiny");
    let snapshot = root.join("snapshots").join(COMMIT);
    for folder in [root.join("refs"), root.join("blobs"), snapshot.clone()] {
        fs::create_dir_all(folder).unwrap();
    }
    put(&root.join("refs/main"), COMMIT.as_bytes());
    lay(&fixture(), &snapshot, &root.join("blobs"));
    snapshot
}

fn lay(from: &Path, to: &Path, blobs: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            lay(&entry.path(), &target, blobs);
            continue;
        }
        let contents = fs::read(entry.path()).unwrap();
        let digest = Sha256::digest(&contents);
        let name = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        put(&blobs.join(&name), &contents);
        symlink(blobs.join(&name), target).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
fn put(path: &Path, contents: &[u8]) {
    fs::write(path, contents).unwrap();
}
