//! Files by their addresses.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use linprobe_hub::{
    HubConfig, HubError, Progress, RepoKind,
    fake::{Behaviour, COMMIT, FakeRepo, HubServer},
    fetch_address,
};
use tempfile::TempDir;

/// A server with a small file, and a large one to which it redirects; and a folder for what is fetched.
fn stage(behaviour: Behaviour) -> (HubServer, TempDir) {
    let files = [("train set.csv", b"text\none\n".to_vec()), ("large.parquet", vec![7; 1000])];
    let files: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, content)| (name.to_owned(), content)).collect();
    let repo = FakeRepo::new(RepoKind::Dataset, "org/data", files);
    (HubServer::start(vec![repo], behaviour), tempfile::tempdir().unwrap())
}

fn url(server: &HubServer, file: &str) -> String {
    format!("{}/datasets/org/data/resolve/{COMMIT}/{file}", server.endpoint())
}

fn config(folder: &Path) -> HubConfig {
    let hub = HubConfig::from_variables(|_| None);
    HubConfig { downloads: folder.to_owned(), ..hub }
}

#[test]
fn a_file_is_fetched_once_and_then_read_without_a_request() {
    let (server, folder) = stage(Behaviour::default());
    let url = url(&server, "train%20set.csv");
    let hub = config(folder.path());
    let offline = HubConfig { offline: true, ..hub.clone() };
    let refused = fetch_address(&url, &offline, &Progress::default()).unwrap_err();
    assert!(matches!(refused, HubError::OfflineAddress { .. }), "{refused}");
    assert_eq!(server.n_requests(), 0);
    let told = Arc::new(Mutex::new(Vec::new()));
    let progress = Progress::new({
        let told = Arc::clone(&told);
        move |transfer| told.lock().unwrap().push((transfer.n_bytes, transfer.n_total))
    });
    let file = fetch_address(&url, &hub, &progress).unwrap();
    assert!(file.ends_with("train_20set.csv"), "{file:?}");
    assert_eq!(fs::read(&file).unwrap(), b"text\none\n");
    assert_eq!(*told.lock().unwrap(), [(9, 9)]);
    let n_requests = server.n_requests();
    for hub in [&hub, &offline] {
        assert_eq!(fetch_address(&url, hub, &Progress::default()).unwrap(), file);
    }
    assert_eq!(server.n_requests(), n_requests);
}

#[test]
fn what_was_cut_short_is_gone_on_with() {
    let (server, folder) =
        stage(Behaviour { cut_after: Some(300), n_cuts: 2, ..Behaviour::default() });
    let file =
        fetch_address(&url(&server, "large.parquet"), &config(folder.path()), &Progress::default());
    assert_eq!(fs::read(file.unwrap()).unwrap(), [7; 1000]);
    assert_eq!(server.ranges(), ["bytes=300-", "bytes=600-"]);
}

#[test]
fn a_file_that_is_not_there_leaves_nothing_behind() {
    let (server, folder) = stage(Behaviour::default());
    let refused =
        fetch_address(&url(&server, "nothing.csv"), &config(folder.path()), &Progress::default());
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("nothing.csv gives nothing that can be used: it answers 404"),
        "{refused}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
