//! As much of a server of embeddings as is asked for: text-embeddings-inference at `/embed` and
//! `/info`, OpenAI at `/v1/embeddings`. The vector of a text tells its length and its first letter.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

/// A text that the server refuses, and any request with it.
pub(crate) const REFUSED: &str = "refuse me";

/// What the server does beside what it should.
#[derive(Default)]
pub(crate) struct Behaviour {
    /// Answers the first requests with these statuses.
    pub(crate) failures: VecDeque<&'static str>,
    /// Gives embeddings only to who knows the token.
    pub(crate) token: Option<&'static str>,
    /// Makes vectors with so many coordinates more after the first request.
    pub(crate) n_grown: usize,
    /// Leaves out the last vector of every answer.
    pub(crate) forgets_one: bool,
    /// Answers the first request, and reads no other to its end.
    pub(crate) stalls: bool,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

/// A server on a port of its own, for as long as the test runs.
pub(crate) struct RemoteServer {
    address: String,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Mutex<Behaviour>,
    asked: Mutex<Vec<Asked>>,
}

impl RemoteServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { behaviour: Mutex::new(behaviour), asked: Mutex::default() });
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let server = Arc::clone(&server);
                thread::spawn(move || server.serve(connection.unwrap()));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn openai(&self) -> String {
        format!("{}/v1#tiny", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Shared {
    fn serve(&self, mut connection: TcpStream) {
        if self.behaviour.lock().unwrap().stalls && !self.asked.lock().unwrap().is_empty() {
            self.asked.lock().unwrap().push(Asked::default());
            #[expect(clippy::infinite_loop, reason = "the connection is to stay open")]
            loop {
                thread::park();
            }
        }
        let asked = read(&connection);
        self.asked.lock().unwrap().push(asked.clone());
        let (status, body) = self.answer(&asked);
        let (body, n_bytes) = (body.to_string(), body.to_string().len());
        write!(
            connection,
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {n_bytes}\r\n\r\n{body}"
        )
        .unwrap();
    }

    fn answer(&self, asked: &Asked) -> (&'static str, Value) {
        let mut behaviour = self.behaviour.lock().unwrap();
        if asked.path == "/info" {
            return ("200 OK", json!({ "model_id": "org/tiny", "model_sha": "abc" }));
        }
        if let Some(status) = behaviour.failures.pop_front() {
            return (status, json!({ "error": "the server said so" }));
        }
        if let Some(token) = behaviour.token
            && asked.authorization.as_deref() != Some(&format!("Bearer {token}"))
        {
            return ("401 Unauthorized", json!({ "error": { "message": "who are you" } }));
        }
        let n_earlier = self.asked.lock().unwrap().iter().filter(|it| it.path != "/info").count();
        let n_grown = if n_earlier > 1 { behaviour.n_grown } else { 0 };
        let field = if asked.path == "/embed" { "inputs" } else { "input" };
        let texts = asked.body[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap());
        let texts: Vec<_> = texts.collect();
        if texts.contains(&REFUSED) {
            return ("422 Unprocessable Entity", json!({ "error": "it is not for us" }));
        }
        let mut vectors: Vec<_> = texts.into_iter().map(|text| vector(text, n_grown)).collect();
        if behaviour.forgets_one {
            vectors.pop();
        }
        ("200 OK", as_asked(&asked.path, &vectors))
    }
}

fn as_asked(path: &str, vectors: &[Vec<f32>]) -> Value {
    if path == "/embed" {
        return json!(vectors);
    }
    // The order is not promised.
    let row = |(index, embedding)| json!({ "index": index, "embedding": embedding });
    json!({ "data": vectors.iter().enumerate().map(row).rev().collect::<Vec<_>>() })
}

fn vector(text: &str, n_grown: usize) -> Vec<f32> {
    let first = text.bytes().next().unwrap_or_default();
    let mut vector = vec![text.len() as f32, f32::from(first), 1.0];
    vector.resize(3 + n_grown, 0.0);
    vector
}

fn read(connection: &TcpStream) -> Asked {
    let mut reader = BufReader::new(connection);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let field = |name: &str| {
        let mut fields = head.iter().filter_map(|line| line.split_once(": "));
        Some(fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?.1.to_owned())
    };
    let path = head[0].split(' ').nth(1).unwrap().to_owned();
    let mut body = vec![0; field("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Asked { path, authorization: field("authorization"), body }
}
