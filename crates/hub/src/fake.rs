//! A hub for tests, on a port of this machine: as much of the API as repositories take, with the faults that
//! networks have. Large files lie on another host, as they do on the real one.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its server has failed")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::RepoKind;

/// The commit of repositories that name none.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Endings of files that lie on the other host.
const LARGE: [&str; 3] = [".safetensors", ".parquet", ".tar"];

/// A revision of a repository.
#[derive(Clone, Debug)]
pub struct FakeRepo {
    /// What it is.
    pub kind: RepoKind,
    /// Its name.
    pub id: String,
    /// The branch.
    pub revision: String,
    /// The commit that it stands for.
    pub commit: String,
    /// Its files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The head of its card.
    pub card: Value,
}

/// What the server does beside what it should.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// Breaks off after so many bytes of a large file ...
    pub cut_after: Option<usize>,
    /// ... so many times.
    pub n_cuts: usize,
    /// Answers with the whole file whatever range is asked for.
    pub ignores_ranges: bool,
    /// Sends other large files than it promises.
    pub flips_a_bit: bool,
    /// Gives anything only to who knows the token.
    pub token: Option<&'static str>,
    /// Says so many times that it is busy.
    pub n_busy: usize,
}

/// A server on a port of its own, for as long as the process runs.
#[derive(Debug)]
pub struct HubServer {
    hub: String,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    repos: Vec<FakeRepo>,
    behaviour: Behaviour,
    /// The host of large files.
    store: String,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<String>,
    ranges: Vec<String>,
    n_cuts: usize,
    n_busy: usize,
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

impl FakeRepo {
    /// The main branch of a repository.
    pub fn new(kind: RepoKind, id: &str, files: BTreeMap<String, Vec<u8>>) -> Self {
        let (id, revision) = (id.to_owned(), "main".to_owned());
        Self { kind, id, revision, commit: COMMIT.to_owned(), files, card: Value::Null }
    }

    fn listing(&self) -> Vec<u8> {
        let siblings: Vec<Value> =
            self.files.keys().map(|name| json!({ "rfilename": name })).collect();
        let listing = json!({
            "id": self.id, "sha": self.commit, "siblings": siblings, "cardData": self.card,
        });
        listing.to_string().into_bytes()
    }

    fn listing_path(&self) -> String {
        let revision = self.revision.replace('/', "%2F");
        format!("/api/{}/{}/revision/{revision}", self.kind.plural(), self.id)
    }

    /// Where its files are.
    fn prefix(&self) -> String {
        let folder = if self.kind == RepoKind::Dataset { "/datasets" } else { "" };
        format!("{folder}/{}/resolve/{}/", self.id, self.commit)
    }
}

impl HubServer {
    /// Serves repositories.
    pub fn start(repos: Vec<FakeRepo>, behaviour: Behaviour) -> Self {
        let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (hub, store) = (listener(), listener());
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (hub_address, store_address) = (address(&hub), address(&store));
        let seen = Mutex::default();
        let shared = Arc::new(Shared { repos, behaviour, store: store_address, seen });
        serve(hub, Arc::clone(&shared), Shared::answer_as_hub);
        serve(store, Arc::clone(&shared), Shared::answer_as_store);
        Self { hub: hub_address, shared }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        self.hub.clone()
    }

    /// How often it was asked.
    pub fn n_requests(&self) -> usize {
        self.requests().len()
    }

    /// The paths that it was asked for.
    pub fn requests(&self) -> Vec<String> {
        self.shared.seen().requests.clone()
    }

    /// The ranges of large files that it was asked for.
    pub fn ranges(&self) -> Vec<String> {
        self.shared.seen().ranges.clone()
    }

    /// How often the token was sent to the host of large files.
    pub fn n_tokens_sent_elsewhere(&self) -> usize {
        self.shared.seen().n_tokens_sent_elsewhere
    }

    /// A file of the first repository.
    pub fn file(&self, name: &str) -> Vec<u8> {
        self.shared.repos[0].files[name].clone()
    }

    /// The name of its blob, where it is large.
    pub fn etag(&self, name: &str) -> String {
        sha256(&self.file(name))
    }
}

fn serve(listener: TcpListener, shared: Arc<Shared>, answer: fn(&Shared, &Request) -> Answer) {
    thread::spawn(move || {
        for connection in listener.incoming() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let connection = connection.unwrap();
                if let Some(request) = read_request(&connection) {
                    // Who has gone does not wait for an answer.
                    drop(send(connection, &request, &answer(&shared, &request)));
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

fn send(mut connection: TcpStream, request: &Request, answer: &Answer) -> std::io::Result<()> {
    let (status, n_bytes) = (answer.status, answer.body.len());
    write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\n")?;
    for (name, value) in &answer.headers {
        write!(connection, "{name}: {value}\r\n")?;
    }
    write!(connection, "content-length: {n_bytes}\r\n\r\n")?;
    if request.method == "GET" {
        connection.write_all(answer.body.get(..answer.n_sent).unwrap_or(&answer.body))?;
    }
    Ok(())
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
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer_as_hub(&self, request: &Request) -> Answer {
        let mut seen = self.seen();
        seen.requests.push(request.path.clone());
        if seen.n_busy < self.behaviour.n_busy {
            seen.n_busy += 1;
            return Answer::new("429 Too Many Requests", vec![]).with("retry-after", "0");
        }
        drop(seen);
        if let Some(token) = self.behaviour.token
            && request.headers.get("authorization") != Some(&format!("Bearer {token}"))
        {
            return Answer::new("401 Unauthorized", vec![]).with("x-error-code", "GatedRepo");
        }
        if let Some(repo) = self.repos.iter().find(|repo| repo.listing_path() == request.path) {
            return Answer::new("200 OK", repo.listing());
        }
        match self.find(&request.path) {
            Some((name, contents)) if LARGE.iter().any(|ending| name.ends_with(ending)) => {
                Answer::new("302 Found", b"elsewhere".to_vec())
                    .with("location", format!("{}{}", self.store, request.path))
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

    fn find(&self, path: &str) -> Option<(&String, &Vec<u8>)> {
        self.repos.iter().find_map(|repo| {
            let file = path.strip_prefix(&repo.prefix())?.replace("%20", " ");
            repo.files.get_key_value(&file)
        })
    }

    fn answer_as_store(&self, request: &Request) -> Answer {
        let mut seen = self.seen();
        seen.requests.push(request.path.clone());
        seen.n_tokens_sent_elsewhere += usize::from(request.headers.contains_key("authorization"));
        let mut contents = self.find(&request.path).unwrap().1.clone();
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
            && request.method == "GET"
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
