//! A server over projects in a folder of its own, and requests to it.

use std::path::{Path, PathBuf};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use linprobe::{Clock, IndexOptions, OpenOptions, Project, Surroundings};
use linprobe_server::{Server, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

pub(crate) const HOST: &str = "127.0.0.1:7575";

pub(crate) struct Stage {
    folder: TempDir,
    settings: Settings,
    router: Router,
    runtime: tokio::runtime::Runtime,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the answer is JSON")
    }

    /// The kind of problem that it is.
    pub(crate) fn problem(&self) -> String {
        let form = self.headers.get(header::CONTENT_TYPE).unwrap();
        assert_eq!(form, "application/problem+json", "{self:?}");
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, String::from_utf8_lossy(&self.bytes))
    }
}

impl Stage {
    /// A project `texts` of a table.
    pub(crate) fn with_texts() -> Self {
        Self::new(|folder| {
            let table = folder.join("data/texts.csv");
            write(&table, texts().as_bytes());
            index(&folder.join("projects/texts"), &table);
        })
    }

    /// Prepares folders, then serves `projects`, from the data root `data`.
    pub(crate) fn new(prepare: impl FnOnce(&Path)) -> Self {
        Self::with_settings(prepare, |settings| settings)
    }

    pub(crate) fn with_settings(
        prepare: impl FnOnce(&Path),
        change: impl FnOnce(Settings) -> Settings,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("projects")).unwrap();
        std::fs::create_dir_all(folder.path().join("data")).unwrap();
        prepare(folder.path());
        let settings = change(Settings {
            projects: vec![folder.path().join("projects")],
            host: "127.0.0.1".to_owned(),
            port: 0,
            token: None,
            allowed_hosts: Vec::new(),
            data_roots: vec![folder.path().join("data")],
            patience: linprobe_server::PATIENCE,
            surroundings: surroundings(),
        });
        let router = Server::bind(&settings).unwrap().router();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        Self { folder, settings, router, runtime }
    }

    /// Serves the same folders at a port of this machine as well, until the test ends. The address.
    pub(crate) fn listen(&self) -> String {
        self.listen_with(|server| server)
    }

    pub(crate) fn listen_with(&self, change: impl FnOnce(Server) -> Server) -> String {
        let server = change(Server::bind(&self.settings).unwrap());
        let url = server.url();
        std::thread::spawn(|| server.run().unwrap());
        url
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same folders, served anew: what is only in memory is gone.
    pub(crate) fn restart(self) -> Self {
        let router = Server::bind(&self.settings).unwrap().router();
        Self { router, ..self }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::HOST, HOST), Body::empty())
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let request = change(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request, body.to_string())
    }

    /// A request that went well; its JSON.
    pub(crate) fn did(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, body);
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) fn got(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) fn send(
        &self,
        request: axum::http::request::Builder,
        body: impl Into<Body>,
    ) -> Answer {
        let request = request.body(body.into()).unwrap();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
            Answer { status: parts.status, headers: parts.headers, bytes }
        })
    }

    /// Begins a request whose body never ends; it goes on until what is returned is dropped.
    pub(crate) fn begin(&self, path: &str) -> impl Future + use<> {
        let endless = tokio_stream::pending::<Result<Vec<u8>, std::convert::Infallible>>();
        let request = change(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        let request = request.body(Body::from_stream(endless)).unwrap();
        let mut call = Box::pin(self.router.clone().oneshot(request));
        self.runtime.block_on(std::future::poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        }));
        call
    }
}

/// A request as the page makes it.
pub(crate) fn change(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, HOST).header("x-linprobe", "1")
}

pub(crate) fn surroundings() -> Surroundings {
    Surroundings { models: OpenOptions::default(), clock: Clock::new(|| 1_700_000_000_000) }
}

/// Makes a project of a dataset.
pub(crate) fn index(project: &Path, dataset: &Path) {
    let project = Project::create(project, surroundings()).unwrap();
    project.index(dataset, &IndexOptions::default(), &mut |_| ()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test's input need not be atomic")]
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Sixty texts of three kinds.
pub(crate) fn texts() -> String {
    let kinds = [
        ("animals", "the dog plays with a cat in the garden"),
        ("space", "a telescope shows the stars and planets"),
        ("food", "bread and cheese for a cold supper"),
    ];
    let row = |i: usize| {
        let (label, text) = kinds[i % kinds.len()];
        format!("r/{i},{text} number {i},{label}\n")
    };
    "id,text,label\n".to_owned() + &(0..60).map(row).collect::<String>()
}
