//! Datasets by name, against a server that speaks as the hub does and counts what it is asked.

use std::{collections::BTreeMap, fs, path::Path};

use linprobe_core::{Content, Source};
use linprobe_hub::{
    HubConfig, HubError, Progress, RepoKind,
    fake::{Behaviour, COMMIT, FakeRepo, HubServer},
};
use linprobe_source::{FetchError, Fetched, HubDataset, Kind, SourceOptions, open};
use serde_json::json;
use tempfile::TempDir;

use crate::files::{Outcome, read};

const NAME: &str = "org/data";
const ADDRESS: &str = "hf://datasets/org/data";

/// Files of a repository, from a folder of fixtures or by their contents.
fn files(files: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    files.iter().map(|&(name, content)| (name.to_owned(), content.to_vec())).collect()
}

fn shards() -> BTreeMap<String, Vec<u8>> {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/source/columnar/hub/data"));
    let mut found = files(&[("README.md", b"---\n---\n")]);
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("data/{}", entry.file_name().to_str().unwrap());
        found.insert(name, fs::read(entry.path()).unwrap());
    }
    found
}

fn repo(files: BTreeMap<String, Vec<u8>>) -> FakeRepo {
    FakeRepo::new(RepoKind::Dataset, NAME, files)
}

/// A hub, and a cache that begins empty.
struct Stage {
    server: HubServer,
    cache: TempDir,
}

impl Stage {
    fn new(repos: Vec<FakeRepo>) -> Self {
        Self::with(repos, Behaviour::default())
    }

    fn with(repos: Vec<FakeRepo>, behaviour: Behaviour) -> Self {
        Self { server: HubServer::start(repos, behaviour), cache: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> HubConfig {
        HubConfig {
            cache: self.cache.path().to_owned(),
            downloads: self.cache.path().join("downloads"),
            endpoint: self.server.endpoint(),
            token: None,
            offline: false,
            ..HubConfig::from_variables(|_| None)
        }
    }

    fn fetch(&self, options: &SourceOptions) -> Result<Fetched, FetchError> {
        fetch_by(&self.config(), options)
    }

    fn offline(&self, options: &SourceOptions) -> Result<Fetched, FetchError> {
        fetch_by(&HubConfig { offline: true, ..self.config() }, options)
    }

    /// The files that were asked for.
    fn asked(&self) -> Vec<String> {
        let requests = self.server.requests().into_iter();
        requests.filter_map(|path| Some(path.split_once(COMMIT)?.1.to_owned())).collect()
    }
}

fn fetch_by(hub: &HubConfig, options: &SourceOptions) -> Result<Fetched, FetchError> {
    let dataset = HubDataset::named(Path::new(ADDRESS), options).unwrap();
    dataset.fetch(options, hub, &Progress::default())
}

fn split(split: &str) -> SourceOptions {
    SourceOptions { split: Some(split.into()), ..SourceOptions::default() }
}

fn opened(fetched: &Fetched) -> Box<dyn Source> {
    open(&fetched.location, &fetched.options).unwrap()
}

fn texts(fetched: &Fetched) -> Vec<String> {
    let text = |content: Content| content.text().unwrap().to_owned();
    read(&*opened(fetched)).into_iter().map(|record| text(record.content)).collect()
}

#[test]
fn a_dataset_of_parquet_files_is_fetched_once_and_read_by_its_splits() {
    let stage = Stage::new(vec![repo(shards())]);
    let all = stage.fetch(&SourceOptions::default()).unwrap();
    let source = opened(&all);
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["0", "2", "4", "5"]);
    let splits: Vec<&str> = outcome.records.iter().map(|r| r.metadata["split"].as_str()).collect();
    assert_eq!(splits, ["test", "train", "train", "train"]);
    let n_requests = stage.server.n_requests();
    stage.fetch(&split("test")).unwrap();
    assert_eq!(stage.server.n_requests(), n_requests + 1, "it asks whether anything is new");
}

#[test]
fn only_the_files_of_the_split_are_fetched() {
    let stage = Stage::new(vec![repo(shards())]);
    let train = stage.fetch(&split("train")).unwrap();
    assert!(stage.asked().iter().all(|file| file.contains("train")), "{:?}", stage.asked());
    let records = Outcome::of(&*opened(&train)).records;
    assert!(!records.is_empty() && records.iter().all(|r| r.metadata["split"] == "train"));
}

#[test]
fn the_cache_is_laid_out_as_huggingface_hub_lays_it_out() {
    let stage = Stage::new(vec![repo(shards())]);
    let fetched = stage.fetch(&split("test")).unwrap();
    let repo = stage.cache.path().join("datasets--org--data");
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    assert_eq!(fetched.location, repo.join("snapshots").join(COMMIT));
    let [file] = &fs::read_dir(fetched.location.join("data")).unwrap().collect::<Vec<_>>()[..]
    else {
        panic!("one file was asked for");
    };
    let link = fs::read_link(file.as_ref().unwrap().path()).unwrap();
    assert!(link.starts_with("../../../blobs"), "{link:?}");
}

#[test]
fn offline_there_is_no_request_and_what_is_cached_is_read() {
    let stage = Stage::new(vec![repo(shards())]);
    let refused = stage.offline(&split("train")).unwrap_err();
    assert!(matches!(refused, FetchError::Hub(HubError::Offline { .. })), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("org/data@main") && said.contains("the dataset's folder"), "{said}");
    assert_eq!(stage.server.n_requests(), 0);
    let online = stage.fetch(&split("train")).unwrap();
    let n_requests = stage.server.n_requests();
    let offline = stage.offline(&split("train")).unwrap();
    assert_eq!((offline.location, offline.options), (online.location, online.options));
    let missing = stage.offline(&split("test")).unwrap_err();
    assert!(matches!(missing, FetchError::Hub(HubError::Offline { .. })), "{missing}");
    assert_eq!(stage.server.n_requests(), n_requests);
}

#[test]
fn what_another_tool_has_cached_is_read_offline() {
    let stage = Stage::new(vec![repo(shards())]);
    stage.fetch(&SourceOptions::default()).unwrap();
    fs::remove_dir_all(stage.cache.path().join("datasets--org--data/.listings")).unwrap();
    let train = stage.offline(&split("train")).unwrap();
    assert!(!Outcome::of(&*opened(&train)).records.is_empty());
}

#[test]
fn a_hub_that_cannot_be_reached_is_noted_and_the_cache_is_read() {
    let stage = Stage::new(vec![repo(shards())]);
    stage.fetch(&split("train")).unwrap();
    let nowhere = HubConfig { endpoint: "http://127.0.0.1:1".into(), ..stage.config() };
    let fetched = fetch_by(&nowhere, &split("train")).unwrap();
    let [note] = &fetched.notes[..] else { panic!("{:?}", fetched.notes) };
    assert!(note.starts_with("the cache is read: cannot reach http://127.0.0.1:1/"), "{note}");
    let refused = fetch_by(&nowhere, &split("test")).unwrap_err();
    assert!(matches!(refused, FetchError::Hub(HubError::Unreachable { .. })), "{refused}");
}

#[test]
fn a_new_commit_is_the_same_dataset() {
    let stage = Stage::new(vec![repo(files(&[("train.csv", b"text\none\n")]))]);
    let before = stage.fetch(&SourceOptions::default()).unwrap();
    let files = files(&[("train.csv", b"text\none\ntwo\n")]);
    let newer = HubServer::start(
        vec![FakeRepo { commit: "1".repeat(40), ..repo(files) }],
        Behaviour::default(),
    );
    let hub = HubConfig { endpoint: newer.endpoint(), ..stage.config() };
    let after = fetch_by(&hub, &SourceOptions::default()).unwrap();
    assert_eq!(texts(&after), ["one", "two"]);
    assert_ne!(after.location, before.location);
    assert_eq!(opened(&after).fingerprint(), opened(&before).fingerprint());
}

#[test]
fn a_transfer_that_breaks_off_is_taken_up_and_a_damaged_one_is_refused() {
    let behaviour = Behaviour { cut_after: Some(300), n_cuts: 2, ..Behaviour::default() };
    let stage = Stage::with(vec![repo(shards())], behaviour);
    let fetched = stage.fetch(&split("test")).unwrap();
    assert_eq!(stage.server.ranges(), ["bytes=300-", "bytes=600-"]);
    assert!(!Outcome::of(&*opened(&fetched)).records.is_empty());
    let behaviour = Behaviour { flips_a_bit: true, ..Behaviour::default() };
    let stage = Stage::with(vec![repo(shards())], behaviour);
    let refused = stage.fetch(&split("test")).unwrap_err();
    assert!(matches!(refused, FetchError::Hub(HubError::Damaged { .. })), "{refused}");
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let stage = Stage::with(vec![repo(shards())], Behaviour { n_busy: 3, ..Behaviour::default() });
    stage.fetch(&split("test")).unwrap();
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let behaviour = Behaviour { token: Some("hf_secret"), ..Behaviour::default() };
    let stage = Stage::with(vec![repo(shards())], behaviour);
    let refused = stage.fetch(&split("test")).unwrap_err();
    assert!(matches!(refused, FetchError::Hub(HubError::Gated { .. })), "{refused}");
    let hub = HubConfig { token: Some("hf_secret".into()), ..stage.config() };
    fetch_by(&hub, &split("test")).unwrap();
    assert_eq!(stage.server.n_tokens_sent_elsewhere(), 0);
}

#[test]
fn what_the_hub_has_converted_is_read_where_the_dataset_itself_cannot_be() {
    let script = files(&[("data.py", b"import datasets"), ("data.zip", b"PK")]);
    let parquet = shards().into_iter().filter(|(name, _)| name.contains("test"));
    let parquet: Vec<u8> = parquet.map(|(_, content)| content).next().unwrap();
    let converted =
        files(&[("full/test/0000.parquet", &parquet), ("small/test/0000.parquet", &parquet)]);
    let converted = FakeRepo { revision: "refs/convert/parquet".into(), ..repo(converted) };
    let stage = Stage::new(vec![repo(script.clone()), converted]);
    let refused = stage.fetch(&SourceOptions::default()).unwrap_err().to_string();
    assert!(
        refused.contains("several configurations\nhint: choose one with --config: full and small"),
        "{refused}"
    );
    let options = SourceOptions { config: Some("small".into()), ..split("test") };
    let fetched = stage.fetch(&options).unwrap();
    assert!(
        stage.asked().iter().all(|file| file == "/small/test/0000.parquet"),
        "{:?}",
        stage.asked()
    );
    assert_eq!(Outcome::of(&*opened(&fetched)).records[0].metadata["split"], "test");
    let offline = stage.offline(&options).unwrap();
    assert_eq!(offline.options, fetched.options);

    let alone = Stage::new(vec![repo(script)]);
    let refused = alone.fetch(&SourceOptions::default()).unwrap_err().to_string();
    assert!(
        refused.contains("hf://datasets/org/data@main: there is nothing in it that can be read"),
        "{refused}"
    );
}

#[test]
fn a_card_says_which_files_are_of_which_split() {
    let files = files(&[("a.jsonl", br#"{"text": "one"}"#), ("b.jsonl", br#"{"text": "two"}"#)]);
    let configs = json!([{ "config_name": "default", "data_files": [
        { "split": "train", "path": "b.jsonl" }, { "split": "held_out", "path": "a.jsonl" },
    ] }]);
    let stage = Stage::new(vec![FakeRepo { card: json!({ "configs": configs }), ..repo(files) }]);
    let all = stage.fetch(&SourceOptions::default()).unwrap();
    let records = read(&*opened(&all));
    let splits: Vec<&str> =
        records.iter().map(|record| record.metadata["split"].as_str()).collect();
    assert_eq!(splits, ["held_out", "train"]);
    assert_eq!(texts(&stage.fetch(&split("held_out")).unwrap()), ["one"]);
}

#[test]
fn pictures_are_read_through_the_links_of_the_cache_with_what_tells_of_them() {
    let stage = Stage::new(vec![repo(files(&[
        ("train/cat 1.jpg", b"picture"),
        ("train/metadata.csv", b"file_name,caption\ncat 1.jpg,a cat\n"),
        ("test/1.jpg", b"other"),
    ]))]);
    let fetched = stage.fetch(&split("train")).unwrap();
    assert_eq!(fetched.options.kind, Some(Kind::Images));
    let records = read(&*opened(&fetched));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].content, Content::Image(b"picture".to_vec()));
    assert_eq!(records[0].id.as_str(), "train/cat 1.jpg");
    assert_eq!(
        (&*records[0].metadata["caption"], &*records[0].metadata["split"]),
        ("a cat", "train")
    );
}

#[test]
fn tables_of_one_dataset_are_numbered_through() {
    let stage = Stage::new(vec![repo(files(&[
        ("test.csv", b"text,label\none,x\n"),
        ("train.csv", b"text,label\ntwo,y\nthree,z\n"),
        ("README.md", b"# data"),
    ]))]);
    let fetched = stage.fetch(&SourceOptions::default()).unwrap();
    let source = opened(&fetched);
    let outcome = Outcome::of(&*source);
    assert_eq!(outcome.ids(), ["0", "1", "2"]);
    assert_eq!(outcome.texts(), ["one", "two", "three"]);
    assert_eq!(outcome.records[2].metadata["split"], "train");
    for record in outcome.records {
        assert_eq!(source.record(&record.id).unwrap(), record);
    }
}

#[test]
fn a_path_behind_the_name_chooses_files() {
    let stage =
        Stage::new(vec![repo(files(&[("a/x.csv", b"text\none\n"), ("b/x.csv", b"text\ntwo\n")]))]);
    let options = SourceOptions::default();
    for location in ["hf://datasets/org/data/b", "hf://datasets/org/data@main/b/*.csv"] {
        let dataset = HubDataset::named(Path::new(location), &options).unwrap();
        let fetched = dataset.fetch(&options, &stage.config(), &Progress::default()).unwrap();
        assert_eq!(texts(&fetched), ["two"], "{location}");
    }
}

#[test]
fn a_name_that_the_hub_does_not_know_is_told() {
    let stage = Stage::new(vec![]);
    let refused = stage.fetch(&SourceOptions::default()).unwrap_err().to_string();
    assert!(refused.contains("has no dataset org/data@main"), "{refused}");
    let bare = HubDataset::named(Path::new(NAME), &SourceOptions::default()).unwrap();
    let refused = bare.fetch(&SourceOptions::default(), &stage.config(), &Progress::default());
    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("there is no file or folder org/data, and the hub "), "{refused}");
    let options = SourceOptions { revision: Some("../x".into()), ..SourceOptions::default() };
    let refused = stage.fetch(&options).unwrap_err().to_string();
    assert!(refused.contains("\"../x\" is no revision"), "{refused}");
}
