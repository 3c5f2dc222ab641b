//! As much of the Hugging Face hub as a model takes: the list of its files, their heads, and their
//! contents, which for large files lie on another host.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

use sha2::{Digest, Sha256};

/// The commit that `main` stands for.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What the server does beside what it should.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behaviour {
    /// Breaks off after so many bytes of the weights ...
    pub(crate) cut_after: Option<usize>,
    /// ... so many times.
    pub(crate) n_cuts: usize,
    /// Answers with the whole file whatever range is asked for.
    pub(crate) ignores_ranges: bool,
    /// Sends other weights than it promises.
    pub(crate) flips_a_bit: bool,
    /// Gives the model only to who knows the token.
    pub(crate) token: Option<&'static str>,
    /// Says that the model is of this type.
    pub(crate) model_type: Option<&'static str>,
    /// Has weights as they were written before safetensors.
    pub(crate) is_pickled: bool,
    /// Has exported graphs as well.
    pub(crate) has_graphs: bool,
}

/// A server on a port of its own, for as long as the test runs.
pub(crate) struct HubServer {
    hub: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: BTreeMap<String, Vec<u8>>,
    behaviour: Behaviour,
    /// The host of large files.
    store: String,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    ranges: Vec<String>,
    n_cuts: usize,
    n_tokens_sent_elsewhere: usize,
}

struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
}

struct Answer {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// How much of the body is sent before the connection ends.
    n_sent: usize,
}

pub(crate) fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/embed/bert-mean")
}

impl HubServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let (hub, store) = (listener(), listener());
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (hub_address, store_address) = (address(&hub), address(&store));
        let shared = Arc::new(Shared {
            files: files(&behaviour),
            behaviour,
            store: store_address,
            seen: Mutex::default(),
        });
        serve(hub, Arc::clone(&shared), Shared::answer_as_hub);
        serve(store, Arc::clone(&shared), Shared::answer_as_store);
        Self { hub: hub_address, shared }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.hub.clone()
    }

    pub(crate) fn n_requests(&self) -> usize {
        self.requests().len()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().requests.clone()
    }

    pub(crate) fn ranges(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().ranges.clone()
    }

    pub(crate) fn n_tokens_sent_elsewhere(&self) -> usize {
        self.shared.seen.lock().unwrap().n_tokens_sent_elsewhere
    }

    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        self.shared.files[name].clone()
    }

    pub(crate) fn etag(&self, name: &str) -> String {
        sha256(&self.shared.files[name])
    }
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn files(behaviour: &Behaviour) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in ["", "1_Pooling/", "2_Normalize/"] {
        for file in fs::read_dir(model_folder().join(folder)).unwrap().map(Result::unwrap) {
            if file.path().is_file() {
                let name = format!("{folder}{}", file.file_name().to_str().unwrap());
                files.insert(name, fs::read(file.path()).unwrap());
            }
        }
    }
    for unwanted in ["README.md", "onnx/config.json", "onnx/model.safetensors"] {
        files.insert(unwanted.to_owned(), b"unwanted".to_vec());
    }
    if behaviour.has_graphs {
        let graph = fs::read(model_folder().join("onnx/model.onnx")).unwrap();
        files.insert("onnx/model_quantized.onnx".to_owned(), graph.clone());
        files.insert("onnx/model.onnx".to_owned(), graph);
    }
    if behaviour.is_pickled {
        let pickled = model_folder().join("../bert-pickled/pytorch_model.bin");
        files.remove("model.safetensors");
        files.insert("pytorch_model.bin".to_owned(), fs::read(pickled).unwrap());
    }
    if let Some(model_type) = behaviour.model_type {
        let config = format!("{{\"model_type\": {model_type:?}}}").into_bytes();
        files.insert("config.json".to_owned(), config);
    }
    files
}

fn serve(listener: TcpListener, shared: Arc<Shared>, answer: fn(&Shared, &Request) -> Answer) {
    thread::spawn(move || {
        for connection in listener.incoming() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let connection = connection.unwrap();
                if let Some(request) = read_request(&connection) {
                    send(connection, &request, &answer(&shared, &request));
                }
            });
        }
    });
}

fn read_request(connection: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(connection).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_lowercase(), value.to_owned()))
    });
    Some(Request { method, path, headers: headers.collect() })
}

fn send(mut connection: TcpStream, request: &Request, answer: &Answer) {
    let (status, n_bytes) = (answer.status, answer.body.len());
    write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\n").unwrap();
    for (name, value) in &answer.headers {
        write!(connection, "{name}: {value}\r\n").unwrap();
    }
    write!(connection, "content-length: {n_bytes}\r\n\r\n").unwrap();
    if request.method == "GET" {
        connection.write_all(&answer.body[..answer.n_sent]).unwrap();
    }
}

impl Answer {
    fn new(status: &'static str, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), n_sent: body.len(), body }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Shared {
    fn answer_as_hub(&self, request: &Request) -> Answer {
        self.seen.lock().unwrap().requests.push(request.path.clone());
        if let Some(token) = self.behaviour.token
            && request.headers.get("authorization") != Some(&format!("Bearer {token}"))
        {
            return Answer::new("401 Unauthorized", vec![]).with("x-error-code", "GatedRepo");
        }
        if request.path == "/api/models/org/tiny/revision/main" {
            return Answer::new("200 OK", self.listing());
        }
        let prefix = format!("/org/tiny/resolve/{COMMIT}/");
        match request.path.strip_prefix(&prefix).and_then(|file| self.files.get_key_value(file)) {
            Some((name, contents)) if name.ends_with(".safetensors") => {
                Answer::new("302 Found", b"elsewhere".to_vec())
                    .with("location", format!("{}/{name}", self.store))
                    .with("x-repo-commit", COMMIT)
                    .with("x-linked-size", contents.len().to_string())
                    .with("x-linked-etag", format!("\"{}\"", sha256(contents)))
            }
            Some((_, contents)) => Answer::new("200 OK", contents.clone())
                .with("x-repo-commit", COMMIT)
                .with("etag", format!("W/\"{}\"", git_like_digest(contents))),
            None => Answer::new("404 Not Found", vec![]).with("x-error-code", "RepoNotFound"),
        }
    }

    fn listing(&self) -> Vec<u8> {
        let siblings: Vec<_> =
            self.files.keys().map(|name| serde_json::json!({ "rfilename": name })).collect();
        let listing = serde_json::json!({ "id": "org/tiny", "sha": COMMIT, "siblings": siblings });
        listing.to_string().into_bytes()
    }

    fn answer_as_store(&self, request: &Request) -> Answer {
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push(request.path.clone());
        seen.n_tokens_sent_elsewhere += usize::from(request.headers.contains_key("authorization"));
        let mut contents = self.files[request.path.trim_start_matches('/')].clone();
        if self.behaviour.flips_a_bit {
            *contents.last_mut().unwrap() ^= 1;
        }
        let range = request.headers.get("range").cloned();
        seen.ranges.extend(range.clone());
        let start = match range {
            Some(range) if !self.behaviour.ignores_ranges => {
                range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
            }
            _ => 0,
        };
        let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
        let mut answer = Answer::new(status, contents.split_off(start));
        if let Some(n_sent) = self.behaviour.cut_after
            && seen.n_cuts < self.behaviour.n_cuts
        {
            seen.n_cuts += 1;
            answer.n_sent = n_sent;
        }
        answer
    }
}

/// As long as git's digests are.
fn git_like_digest(bytes: &[u8]) -> String {
    sha256(bytes).chars().take(40).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
