//! A small HTTP server for tests: it answers by a function, and does wrong what it is told to.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is asked.
#[derive(Debug)]
pub struct Asked {
    /// `GET` and so on.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// By name, in small letters.
    pub headers: BTreeMap<String, String>,
    /// The bytes that were sent.
    pub body: Vec<u8>,
}

/// A status, and what is said.
pub type Answer = (u16, Value);

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// A status, and the seconds after which it should be asked again.
    Status(u16, Option<u32>),
    /// The connection ends in the middle of the answer, after the request was carried out.
    Cut,
    /// The connection ends before anything is said.
    Gone,
}

/// A server on a port of its own, for as long as the process runs.
pub struct HttpServer {
    /// The host and the port.
    pub host: String,
    shared: Arc<Shared>,
}

type Handler = dyn Fn(&Asked) -> Result<Value, Answer> + Send + Sync;

struct Shared {
    answer: Box<Handler>,
    faults: Mutex<VecDeque<Fault>>,
    paths: Mutex<Vec<String>>,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("host", &self.host).finish_non_exhaustive()
    }
}

impl HttpServer {
    /// Starts a server that answers by a function.
    ///
    /// # Panics
    /// No port is free.
    pub fn start(answer: impl Fn(&Asked) -> Result<Value, Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            answer: Box::new(answer),
            faults: Mutex::default(),
            paths: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || shared.serve(&connection.unwrap()));
            }
        });
        Self { host, shared }
    }

    /// The next requests fail in this way.
    pub fn fail(&self, faults: &[Fault]) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    /// What was asked so far, such as `POST /collections/c/points/query`.
    pub fn paths(&self) -> Vec<String> {
        self.shared.paths.lock().unwrap().clone()
    }
}

impl Shared {
    /// Answers until the client goes.
    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        while let Some(asked) = read(&mut reader) {
            self.paths.lock().unwrap().push(format!("{} {}", asked.method, asked.path));
            let fault = self.faults.lock().unwrap().pop_front();
            let (status, said) = match fault {
                Some(Fault::Gone) => return,
                Some(Fault::Status(status, _)) => (status, Value::from("as it was told")),
                Some(Fault::Cut) | None => {
                    (self.answer)(&asked).map_or_else(|refused| refused, |said| (200, said))
                }
            };
            let body = said.to_string();
            let wait = match fault {
                Some(Fault::Status(_, Some(seconds))) => format!("retry-after: {seconds}\r\n"),
                _ => String::new(),
            };
            let length = body.len();
            let mut whole = format!(
                "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n{wait}\r\n{body}"
            )
            .into_bytes();
            if matches!(fault, Some(Fault::Cut)) {
                whole.truncate(whole.len() - length / 2 - 1);
            }
            let mut writer = connection;
            if writer.write_all(&whole).is_err() || matches!(fault, Some(Fault::Cut)) {
                return;
            }
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&n| n > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

impl Asked {
    /// The body, which must be JSON of just these fields.
    ///
    /// # Errors
    /// The answer that refuses it.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Answer> {
        if self.headers.get("content-type").map(String::as_str) != Some("application/json") {
            return Err((415, Value::from("the content is not said to be JSON")));
        }
        serde_json::from_slice(&self.body)
            .map_err(|bad| (400, Value::from(format!("{} {}: {bad}", self.method, self.path))))
    }
}
