//! Models by name, against a small server that speaks as the hub does and counts what it is asked.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use linprobe_core::Embedder;
use linprobe_embed::{Engine, LibraryConfig, OpenError, OpenOptions, open};
use linprobe_hub::{
    HubConfig, HubError, Progress,
    fake::{self, COMMIT, HubServer},
};

use crate::hub_server::{Behaviour, start};

const NAME: &str = "org/tiny";

#[test]
fn a_model_is_downloaded_once_and_then_opened_without_a_request() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let first = open(NAME, &options(&server, cache.path())).unwrap();
    assert_eq!(first.model().id, NAME);
    assert_eq!(first.model().revision.as_deref(), Some(COMMIT));
    let n_requests = server.n_requests();
    assert!(n_requests > 0);
    let second = open(NAME, &options(&server, cache.path())).unwrap();
    assert_eq!(second.model(), first.model());
    assert_eq!(server.n_requests(), n_requests);
    assert_eq!(first.model().fingerprint, from_folder().model().fingerprint);
}

#[test]
fn the_cache_is_laid_out_as_huggingface_hub_lays_it_out() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    open(NAME, &options(&server, cache.path())).unwrap();
    let repo = cache.path().join("models--org--tiny");
    assert_eq!(fs::read_to_string(repo.join("refs/main")).unwrap(), COMMIT);
    let snapshot = repo.join("snapshots").join(COMMIT);
    let weights = fs::read_link(snapshot.join("model.safetensors")).unwrap();
    let etag = server.etag("model.safetensors");
    assert_eq!(weights, Path::new("../../blobs").join(&etag));
    let pooling = fs::read_link(snapshot.join("1_Pooling/config.json")).unwrap();
    assert!(pooling.starts_with("../../../blobs"));
    assert_eq!(fs::read(repo.join("blobs").join(etag)).unwrap(), server.file("model.safetensors"));
    let absent = repo.join(".no_exist").join(COMMIT).join("preprocessor_config.json");
    assert!(absent.is_file());
}

#[test]
fn only_what_is_needed_is_downloaded() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    open(NAME, &options(&server, cache.path())).unwrap();
    let asked = server.requests();
    assert!(asked.iter().any(|request| request.ends_with("tokenizer.json")));
    assert!(asked.iter().all(|request| !request.contains("onnx") && !request.contains("README")));
}

#[test]
fn offline_makes_no_request_whatever_is_missing() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let mut offline = options(&server, cache.path());
    offline.hub.offline = true;
    let error = open(NAME, &offline).err().unwrap();
    assert!(matches!(error, OpenError::Hub(HubError::Offline { .. })), "{error}");
    assert!(error.to_string().contains("hint: unset HF_HUB_OFFLINE"), "{error}");
    assert_eq!(server.n_requests(), 0);

    open(NAME, &options(&server, cache.path())).unwrap();
    let n_requests = server.n_requests();
    open(NAME, &offline).unwrap();
    let weights = cache.path().join("models--org--tiny/snapshots").join(COMMIT);
    fs::remove_file(weights.join("model.safetensors")).unwrap();
    assert!(open(NAME, &offline).is_err());
    assert_eq!(server.n_requests(), n_requests);
}

/// Tools that need fewer files leave a snapshot without those that say how to pool.
#[test]
fn a_snapshot_that_lacks_files_is_completed() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let fingerprint =
        open(NAME, &options(&server, cache.path())).unwrap().model().fingerprint.clone();
    let snapshot = cache.path().join("models--org--tiny/snapshots").join(COMMIT);
    for file in ["modules.json", "1_Pooling/config.json", "model.safetensors"] {
        fs::remove_file(snapshot.join(file)).unwrap();
        let completed = open(NAME, &options(&server, cache.path())).unwrap();
        assert_eq!(completed.model().fingerprint, fingerprint, "{file}");
    }
}

#[test]
fn a_transfer_that_breaks_off_is_taken_up_where_it_ended() {
    let behaviour =
        fake::Behaviour { cut_after: Some(20_000), n_cuts: 2, ..fake::Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let opened = open(NAME, &options(&server, cache.path())).unwrap();
    assert_eq!(opened.model().fingerprint, from_folder().model().fingerprint);
    assert_eq!(server.ranges(), ["bytes=20000-", "bytes=40000-"]);
}

#[test]
fn what_an_earlier_process_left_of_a_transfer_is_taken_up() {
    let behaviour =
        fake::Behaviour { cut_after: Some(20_000), n_cuts: 4, ..fake::Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let error = open(NAME, &options(&server, cache.path())).err().unwrap();
    assert!(matches!(error, OpenError::Hub(HubError::Unreachable { .. })), "{error}");
    open(NAME, &options(&server, cache.path())).unwrap();
    assert_eq!(server.ranges().last().unwrap(), "bytes=80000-");
}

#[test]
fn a_server_that_knows_no_ranges_makes_the_transfer_start_again() {
    let behaviour = fake::Behaviour {
        cut_after: Some(20_000),
        n_cuts: 1,
        ignores_ranges: true,
        ..fake::Behaviour::default()
    };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let opened = open(NAME, &options(&server, cache.path())).unwrap();
    assert_eq!(opened.model().fingerprint, from_folder().model().fingerprint);
}

#[test]
fn weights_that_arrive_damaged_are_not_kept() {
    let behaviour = fake::Behaviour { flips_a_bit: true, ..fake::Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let error = open(NAME, &options(&server, cache.path())).err().unwrap();
    assert!(matches!(error, OpenError::Hub(HubError::Damaged { .. })), "{error}");
    let blobs = fs::read_dir(cache.path().join("models--org--tiny/blobs")).unwrap();
    let etag = server.etag("model.safetensors");
    let names = blobs.map(|blob| blob.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.starts_with(&etag)).count(), 0);
}

#[test]
fn a_model_that_does_not_exist_is_named_with_a_hint() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let error = open("org/absent", &options(&server, cache.path())).err().unwrap();
    let expected = format!(
        "the hub {} has no model org/absent@main\n\
         hint: check the name; for a private model set HF_TOKEN",
        server.endpoint()
    );
    assert_eq!(error.to_string(), expected);
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_gated_model_needs_a_token_which_goes_to_the_hub_alone() {
    let behaviour = fake::Behaviour { token: Some("hf_secret"), ..fake::Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let error = open(NAME, &options(&server, cache.path())).err().unwrap();
    assert!(matches!(error, OpenError::Hub(HubError::Gated { .. })), "{error}");
    let mut with_token = options(&server, cache.path());
    with_token.hub.token = Some("hf_secret".to_owned());
    open(NAME, &with_token).unwrap();
    assert_eq!(server.n_tokens_sent_elsewhere(), 0);
}

#[test]
fn weights_are_not_downloaded_for_an_architecture_that_nothing_here_can_read() {
    let behaviour = Behaviour { model_type: Some("mamba"), ..Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let error = open(NAME, &options(&server, cache.path())).err().unwrap();
    assert!(error.to_string().contains("of type \"mamba\" are not supported"), "{error}");
    assert!(server.requests().iter().all(|request| !request.contains("safetensors")));
}

#[test]
fn weights_of_before_safetensors_are_downloaded_where_there_are_no_others() {
    let behaviour = Behaviour { is_pickled: true, ..Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    open(NAME, &options(&server, cache.path())).unwrap();
    let asked = |file: &str| server.requests().iter().any(|request| request.contains(file));
    assert!(asked("pytorch_model.bin"));
    assert!(!asked("model.safetensors "));
}

#[test]
fn a_graph_is_downloaded_where_an_engine_for_graphs_is_asked_for_and_no_other_weights() {
    let behaviour = Behaviour { has_graphs: true, ..Behaviour::default() };
    let (server, cache) = (start(behaviour), tempfile::tempdir().unwrap());
    let libraries = LibraryConfig::from_variables(|_| None);
    let engine = Engine::OnnxRuntime;
    let options = OpenOptions { engine, libraries, ..options(&server, cache.path()) };
    let error = open(NAME, &options).err().unwrap();
    assert!(matches!(error, OpenError::NoOnnxRuntime(_)), "{error}");
    let asked = |file: &str| server.requests().iter().any(|request| request.contains(file));
    assert!(asked("onnx/model.onnx"));
    assert!(!asked("model_quantized") && !asked("model.safetensors"));
}

#[test]
fn of_a_model_without_graphs_the_weights_are_fetched_of_which_one_is_made() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let libraries = LibraryConfig::from_variables(|_| None);
    let engine = Engine::OnnxRuntime;
    let options = OpenOptions { engine, libraries, ..options(&server, cache.path()) };
    let error = open(NAME, &options).err().unwrap();
    assert!(matches!(error, OpenError::NoOnnxRuntime(_)), "{error}");
    assert!(server.requests().iter().any(|request| request.contains("model.safetensors")));
}

#[test]
fn a_project_of_an_exported_graph_asks_the_hub_for_it() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let options = options(&server, cache.path()).to_reopen("onnx/0123");
    let error = open(NAME, &options).err().unwrap();
    assert!(matches!(error, OpenError::NoGraphOnHub { .. }), "{error}");
}

#[test]
fn progress_is_told_to_the_end_of_every_file() {
    let (server, cache) = (start(Behaviour::default()), tempfile::tempdir().unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let progress = Progress::new(move |transfer| {
        let is_whole = transfer.n_bytes == transfer.n_total;
        teller.lock().unwrap().push((transfer.file.to_owned(), is_whole));
    });
    open(NAME, &OpenOptions { progress, ..options(&server, cache.path()) }).unwrap();
    assert!(told.lock().unwrap().contains(&("model.safetensors".to_owned(), true)));
}

#[test]
fn a_hub_that_cannot_be_reached_is_an_error_with_a_hint() {
    let cache = tempfile::tempdir().unwrap();
    let mut options = options(&start(Behaviour::default()), cache.path());
    // A port on which nothing listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    options.hub.endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = open(NAME, &options).err().unwrap().to_string();
    assert!(error.contains("cannot reach") && error.contains("hint: try again later"), "{error}");
}

fn options(server: &HubServer, cache: &Path) -> OpenOptions {
    let hub = HubConfig {
        cache: cache.to_owned(),
        downloads: cache.join("downloads"),
        endpoint: server.endpoint(),
        token: None,
        offline: false,
        ..HubConfig::from_variables(|_| None)
    };
    OpenOptions { hub, ..OpenOptions::default() }
}

fn from_folder() -> Arc<dyn Embedder> {
    let folder = crate::hub_server::model_folder();
    let hub = HubConfig::from_variables(|_| None);
    open(folder.to_str().unwrap(), &OpenOptions { hub, ..OpenOptions::default() }).unwrap()
}
