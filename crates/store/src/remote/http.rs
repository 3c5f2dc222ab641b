//! Asking a vector engine over REST: a request, its repetitions, and what went wrong with it.
//!
//! Whatever is asked does no harm when it is asked twice, so that a connection which breaks before the answer has
//! come lets the same be asked again.

use std::{fmt, io, sync::Arc, time::Duration};

use linprobe_core::StoreError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
    tls::TlsConfig,
};

use super::{
    Form, Place, RETRIES, RETRIES_TO_OPEN, Retries, Variables, place::is_this_machine, sleep,
    spawn_blocking, trust::trust,
};

/// How long a connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest wait that a server can ask for.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// The longest answer that is read.
pub(crate) const MAX_ANSWER_BYTES: usize = 512 << 20;

/// How much of a server's words is shown.
const MAX_WORDS: usize = 300;

/// The server of an engine.
pub(crate) struct Server {
    /// The store's address, as it is shown.
    pub(crate) shown: String,
    /// `http://host:port`.
    pub(crate) base: String,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// Goes along with every request.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// Proves who asks.
    pub(crate) key: Option<Key>,
    /// The variable that the key comes from.
    pub(crate) variable: &'static str,
}

/// A key, and the header in which it is sent.
pub(crate) struct Key {
    pub(crate) header: &'static str,
    /// What stands before it: `Bearer `, or nothing.
    pub(crate) prefix: &'static str,
    pub(crate) secret: String,
}

impl Server {
    /// That of an address, with the key that the environment has.
    pub(crate) fn of(place: &Place, form: &Form, variables: &Variables) -> Self {
        let secret = variables.get(form.variable).map(|key| key.trim().to_owned());
        let [header, prefix] = form.key;
        Self {
            shown: place.shown.clone(),
            base: place.base(form),
            timeout: place.timeout,
            headers: form.headers,
            key: secret.map(|secret| Key { header, prefix, secret }),
            variable: form.variable,
        }
    }

    /// An error about what the store is.
    pub(crate) fn unfit(&self, reason: impl Into<String>, hint: impl Into<String>) -> StoreError {
        let store = self.shown.clone();
        StoreError::Unfit { store, reason: reason.into(), hint: hint.into() }
    }

    /// An error in the server's words: it does not know who asks, or does not let him.
    pub(crate) fn refused(&self, reason: String) -> StoreError {
        let variable = self.variable;
        let hint = match &self.key {
            None => format!("give the key in {variable}; it is not kept in the project"),
            Some(_) => format!("see whether the key in {variable} is right, and may do this"),
        };
        StoreError::Refused { store: self.shown.clone(), reason, hint }
    }

    /// Nothing came back for so long.
    pub(crate) fn silent(&self) -> StoreError {
        let seconds = self.timeout.as_secs();
        let words =
            format!("no answer within {seconds} s; &timeout=seconds in the address allows more");
        StoreError::Unreachable { store: self.shown.clone(), source: words.into() }
    }

    /// A server may repeat what it was sent.
    pub(crate) fn without_key(&self, said: &str) -> String {
        match &self.key {
            Some(key) => said.replace(&key.secret, "..."),
            None => said.to_owned(),
        }
    }
}

/// Speaks to one server.
#[derive(Clone)]
pub(crate) struct Http {
    agent: Agent,
    server: Arc<Server>,
}

/// What is asked.
pub(crate) struct Request {
    method: Method,
    path: String,
    body: Vec<u8>,
    n_retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Put,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), body: Vec::new(), n_retries: RETRIES }
    }

    pub(crate) fn post(path: impl Into<String>, body: &impl Serialize) -> Self {
        Self { method: Method::Post, body: json(body), ..Self::get(path) }
    }

    pub(crate) fn put(path: impl Into<String>, body: &impl Serialize) -> Self {
        Self { method: Method::Put, body: json(body), ..Self::get(path) }
    }

    /// The same, of a store that was never reached yet.
    pub(crate) fn first(self) -> Self {
        Self { n_retries: RETRIES_TO_OPEN, ..self }
    }
}

fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("numbers, texts and lists of them are JSON")
}

impl Http {
    /// For the server of an address, with the key that the environment has.
    pub(crate) fn of(
        place: &Place,
        form: &Form,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        Self::at(place.base(form), place, form, variables)
    }

    /// For another server that belongs to that of an address, `http://host:port`.
    pub(crate) fn at(
        base: String,
        place: &Place,
        form: &Form,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let tls =
            if base.starts_with("https") { trust(place, form)? } else { TlsConfig::default() };
        let is_direct =
            is_this_machine(base.split_once("://").map_or(base.as_str(), |(_, host)| host));
        Ok(Self::new(Server { base, ..Server::of(place, form, variables) }, tls, is_direct))
    }

    /// An error about what the store is.
    pub(crate) fn unfit(&self, reason: impl Into<String>, hint: impl Into<String>) -> StoreError {
        self.server.unfit(reason, hint)
    }

    fn new(server: Server, tls: TlsConfig, is_direct: bool) -> Self {
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // A key must not go where the address does not say.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("linprobe/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_send_request(Some(server.timeout))
            .timeout_send_body(Some(server.timeout))
            .timeout_recv_response(Some(server.timeout))
            .timeout_recv_body(Some(server.timeout));
        let config = if is_direct { config.proxy(None) } else { config };
        Self { agent: config.build().into(), server: Arc::new(server) }
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The answer, read as JSON.
    pub(crate) async fn ask<T>(&self, request: Request) -> Result<T, Failure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let mut retries = Retries::new(request.n_retries);
        let request = Arc::new(request);
        loop {
            let failure = match self.attempt(&request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = if failure.is_transient() { retries.next_wait() } else { None };
            let Some(wait) = wait else { return Err(failure) };
            sleep(wait.max(failure.asked_wait())).await.map_err(Failure::System)?;
        }
    }

    /// As [`Self::ask`], with what went wrong in the words of stores.
    pub(crate) async fn tell<T>(&self, request: Request) -> Result<T, StoreError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.ask(request).await.map_err(|failure| failure.into_error(&self.server))
    }

    async fn attempt<T>(&self, request: &Arc<Request>) -> Result<T, Failure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let (http, request) = (self.clone(), Arc::clone(request));
        let exchanging = spawn_blocking(move || http.exchange(&request));
        let exchanged = exchanging.map_err(Failure::System)?.await;
        exchanged.map_err(|bad| Failure::System(io::Error::other(bad)))?
    }

    fn exchange<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        let mut response = self.send(request).map_err(Failure::of)?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES as u64).read_to_vec();
        let body = body.map_err(Failure::of)?;
        if !response.status().is_success() {
            return Err(Failure::Status {
                status: response.status(),
                said: self.server.without_key(&words(&body)),
                retry_after: retry_after(&response),
            });
        }
        serde_json::from_slice(&body).map_err(|bad| {
            Failure::Strange(format!("the answer to {} is not understood: {bad}", request.path))
        })
    }

    fn send(&self, request: &Request) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{}{}", self.server.base, request.path);
        let key = self.server.key.iter();
        let key = key.map(|Key { header, prefix, secret }| (*header, format!("{prefix}{secret}")));
        let others = self.server.headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let headers = others.chain(key);
        if request.method == Method::Get {
            let get =
                headers.fold(self.agent.get(url), |get, (name, value)| get.header(name, value));
            return get.call();
        }
        let post = match request.method {
            Method::Put => self.agent.put(url),
            Method::Get | Method::Post => self.agent.post(url),
        };
        let post = post.header(header::CONTENT_TYPE, "application/json");
        headers.fold(post, |post, (name, value)| post.header(name, value)).send(&request.body[..])
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("server", &self.server.shown).finish_non_exhaustive()
    }
}

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server does not do it.
    Status {
        status: StatusCode,
        /// Its own words, where it has any.
        said: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The way to the server.
    Broken(ureq::Error),
    /// Nothing was read, or came back, for as long as an answer may take.
    Silent,
    /// The answer makes no sense.
    Strange(String),
    /// This machine.
    System(io::Error),
}

impl Failure {
    fn of(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(
                ureq::Timeout::SendRequest
                | ureq::Timeout::SendBody
                | ureq::Timeout::RecvResponse
                | ureq::Timeout::RecvBody,
            ) => Self::Silent,
            error => Self::Broken(error),
        }
    }

    /// Whether the server says that there is no such thing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::NOT_FOUND, .. })
    }

    /// Whether the server does not know what it was asked for.
    pub(crate) fn is_unknown(&self) -> bool {
        let unknown =
            [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY];
        matches!(self, Self::Status { status, .. } if unknown.contains(status))
    }

    /// Whether the same may go well a little later. A server that says nothing was waited for long enough.
    fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => is_busy(*status),
            Self::Broken(ureq::Error::Io(error)) => error.kind() != io::ErrorKind::InvalidData,
            Self::Broken(error) => matches!(
                error,
                ureq::Error::Protocol(_)
                    | ureq::Error::Timeout(_)
                    | ureq::Error::ConnectionFailed
                    | ureq::Error::HostNotFound
            ),
            Self::Silent | Self::Strange(_) | Self::System(_) => false,
        }
    }

    fn asked_wait(&self) -> Duration {
        match self {
            Self::Status { retry_after: Some(wait), .. } => (*wait).min(MAX_WAIT),
            _ => Duration::ZERO,
        }
    }

    /// The same for a person.
    pub(crate) fn into_error(self, server: &Server) -> StoreError {
        let store = server.shown.clone();
        match self {
            Self::Status { status, said, .. } => of_status(status, &said, server),
            Self::Broken(error) => StoreError::Unreachable { store, source: error.into() },
            Self::Silent => server.silent(),
            Self::Strange(words) => StoreError::Failed { store, source: words.into() },
            Self::System(error) => StoreError::Failed { store, source: error.into() },
        }
    }
}

fn of_status(status: StatusCode, said: &str, server: &Server) -> StoreError {
    let store = server.shown.clone();
    let reason = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => server.refused(reason),
        status if is_busy(status) => StoreError::Unreachable { store, source: reason.into() },
        _ => StoreError::Failed { store, source: reason.into() },
    }
}

/// Whether a server, or what stands before it, only cannot answer at present.
fn is_busy(status: StatusCode) -> bool {
    [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

/// The seconds that a server asks to be left alone for.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// What a refusal says in words: each engine has another place for it.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let found = serde_json::from_slice::<Value>(body).ok().and_then(|answer| {
        ["/status/error", "/message", "/error/message", "/error"]
            .iter()
            .find_map(|place| answer.pointer(place)?.as_str().map(str::to_owned))
    });
    let said = found.unwrap_or_else(|| text.trim().to_owned());
    shortened(&said)
}

/// A server's words in one line.
pub(crate) fn shortened(said: &str) -> String {
    said.chars().filter(|letter| !letter.is_control()).take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// More than connections hold for a server that does not read.
    const LARGE: usize = 64 << 20;

    #[test]
    fn a_server_that_stops_reading_is_given_up_and_not_tried_again() {
        let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            shown: "engine://deaf".to_owned(),
            base: format!("http://{}", deaf.local_addr().unwrap()),
            timeout: Duration::from_secs(1),
            headers: &[],
            key: None,
            variable: "ENGINE_API_KEY",
        };
        let request = Request::put("/points", &"x".repeat(LARGE));
        let given_up =
            pollster::block_on(Http::new(server, TlsConfig::default(), true).ask::<Value>(request));
        assert!(matches!(given_up, Err(Failure::Silent)), "{given_up:?}");
        deaf.set_nonblocking(true).unwrap();
        assert_eq!(deaf.incoming().take_while(Result::is_ok).count(), 1);
    }

    #[test]
    fn each_engine_is_heard_in_its_own_words() {
        for (body, expected) in [
            (r#"{"status":{"error":"Not found"},"time":0.1}"#, "Not found"),
            (r#"{"code":3,"message":"Bad vector","details":[]}"#, "Bad vector"),
            (r#"{"error":{"code":"X","message":"No index"},"status":404}"#, "No index"),
            ("<html>\ngone", "<html>gone"),
            ("", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected);
        }
    }
}
