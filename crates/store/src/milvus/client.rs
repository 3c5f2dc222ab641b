//! Asking a server of Milvus over gRPC: a question, its repetitions, and what went wrong with it.
//!
//! Whatever is asked does no harm when it is asked twice, so that a connection which breaks before the answer has
//! come lets the same be asked again.

use std::{
    error::Error,
    fmt, fs, io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use linprobe_core::StoreError;
use tokio::time;
use tonic::{
    Code, Request,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    metadata::{Ascii, MetadataMap, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_prost::ProstCodec;

use super::proto::{Answer, Question, Status};
use crate::remote::{
    CONNECT_TIMEOUT, Form, MAX_ANSWER_BYTES, Place, Retries, Server, Variables, inside, shortened,
    sleep, spawn,
};

/// How often a server that was open before is asked again: in some fifty seconds it has started.
pub(super) const RETRIES: u32 = 9;

/// There is no such collection, in the words of 2.3 and of before.
const MISSING: [i32; 2] = [100, 4];

/// There is no such collection, partition or database.
const GONE: [i32; 4] = [100, 4, 200, 800];

/// There is no such index.
const NO_INDEX: [i32; 2] = [700, 25];

/// The collection, or its partition, is not in memory, or not all of it.
const NOT_LOADED: [i32; 4] = [101, 103, 201, 202];

/// Not ready, not there, asked too often: what newer servers call retriable.
const BUSY: [i32; 5] = [1, 2, 4, 8, 106];

/// The same of servers before 2.3.
const BUSY_BEFORE: [i32; 7] = [45, 46, 49, 50, 55, 56, 57];

/// Speaks to one server.
pub(super) struct Client {
    server: Server,
    endpoint: Endpoint,
    channel: Mutex<Channel>,
    headers: MetadataMap,
    /// The key, as it is sent.
    encoded: Option<String>,
}

impl Client {
    /// For the server of an address, with the key that the environment has.
    pub(super) fn of(
        place: &Place,
        form: &Form,
        variables: &Variables,
    ) -> Result<Self, StoreError> {
        let server = Server::of(place, form, variables);
        let bad = |reason: String| form.bad(&place.host, reason);
        let endpoint = Endpoint::from_shared(server.base.clone())
            .and_then(|endpoint| {
                endpoint.user_agent(concat!("linprobe/", env!("CARGO_PKG_VERSION")))
            })
            .map_err(|error| bad(words(&error)))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        let endpoint = if server.base.starts_with("https") {
            let tls = trust(place.text("ca").map(Path::new)).map_err(bad)?;
            endpoint.tls_config(tls).map_err(|error| bad(words(&error)))?
        } else {
            endpoint
        };
        let encoded = server.key.as_ref().map(|key| BASE64_STANDARD.encode(&key.secret));
        let headers = headers(encoded.as_deref(), place.text("database")).map_err(bad)?;
        let channel = inside(|| endpoint.connect_lazy());
        let channel = channel.map_err(|error| StoreError::Failed {
            store: server.shown.clone(),
            source: error.into(),
        })?;
        Ok(Self { server, endpoint, channel: Mutex::new(channel), headers, encoded })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// The answer, or why there is none after so many repetitions.
    pub(super) async fn ask<Q: Question>(
        &self,
        question: Q,
        n_retries: u32,
    ) -> Result<Q::Answer, Failure> {
        let mut retries = Retries::new(n_retries);
        loop {
            let failure = match self.exchange(question.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = if failure.is_transient() { retries.next_wait() } else { None };
            let Some(wait) = wait else { return Err(failure) };
            sleep(wait).await.map_err(Failure::System)?;
        }
    }

    /// As [`Self::ask`], of a store that was open before, with what went wrong in the words of stores.
    pub(super) async fn tell<Q: Question>(&self, question: Q) -> Result<Q::Answer, StoreError> {
        self.ask(question, RETRIES).await.map_err(|failure| self.error(failure))
    }

    async fn exchange<Q: Question>(&self, question: Q) -> Result<Q::Answer, Failure> {
        let mut request = Request::new(question);
        *request.metadata_mut() = self.headers.clone();
        let exchange = exchange(self.channel().clone(), request);
        let limit = self.server.timeout;
        let exchanging = spawn(async move { time::timeout(limit, exchange).await });
        let exchanged = exchanging.map_err(Failure::System)?.await;
        let exchanged = exchanged.map_err(|bad| Failure::System(io::Error::other(bad)))?;
        let Ok(answer) = exchanged else {
            // The next question takes another connection: this one may be dead, and nobody has said so.
            let renewed = inside(|| self.endpoint.connect_lazy()).map_err(Failure::System)?;
            *self.channel() = renewed;
            return Err(Failure::Silent);
        };
        let answer = answer.map_err(Failure::Line)?;
        match answer.status() {
            Some(status) if status.error_code != 0 || status.code != 0 => {
                Err(Failure::Said(status.clone()))
            }
            _ => Ok(answer),
        }
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What went wrong, for a person.
    pub(super) fn error(&self, failure: Failure) -> StoreError {
        let is_unreachable = failure.is_transient();
        let store = self.server.shown.clone();
        match failure {
            Failure::Line(status) => {
                let said = self.without_key(&line_words(&status));
                match status.code() {
                    Code::Unauthenticated | Code::PermissionDenied => self.server.refused(said),
                    Code::Unimplemented => {
                        let hint = "linprobe speaks to Milvus 2.3 and later";
                        self.server.unfit(format!("it does not know what was asked: {said}"), hint)
                    }
                    _ if is_unreachable || is_of_the_line(&status) => {
                        StoreError::Unreachable { store, source: said.into() }
                    }
                    _ => StoreError::Failed { store, source: said.into() },
                }
            }
            Failure::Said(status) => self.said(&status, is_unreachable),
            Failure::Silent => self.server.silent(),
            Failure::System(error) => StoreError::Failed { store, source: error.into() },
        }
    }

    fn said(&self, status: &Status, is_unreachable: bool) -> StoreError {
        let said = format!("code {}: {}", status.any_code(), self.without_key(&status.reason));
        let store = self.server.shown.clone();
        if NOT_LOADED.contains(&status.code) {
            return self.not_loaded(&said);
        }
        if GONE.contains(&status.any_code()) {
            return self.server.unfit(said, "see whether it is still there");
        }
        if is_unreachable {
            return StoreError::Unreachable { store, source: said.into() };
        }
        StoreError::Failed { store, source: said.into() }
    }

    pub(super) fn not_loaded(&self, said: &str) -> StoreError {
        let hint = "load it, such as by pymilvus' client.load_collection(name); linprobe loads what it may write to";
        self.server.unfit(format!("it is not loaded ({said})"), hint)
    }

    /// That nothing more has come into memory for as long as an answer may take.
    pub(super) fn is_loading(&self, percent: i64) -> StoreError {
        let seconds = self.server.timeout.as_secs();
        let words = format!(
            "the collection is being loaded, {percent} % of it is, and no more since {seconds} s; \
             &timeout=seconds in the address allows more"
        );
        StoreError::Unreachable { store: self.server.shown.clone(), source: words.into() }
    }

    fn without_key(&self, said: &str) -> String {
        let said = shortened(&self.server.without_key(said));
        match &self.encoded {
            Some(encoded) => said.replace(encoded, "..."),
            None => said,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server.shown).finish_non_exhaustive()
    }
}

/// Who is believed to be the server: whom Mozilla's list trusts, or an authority of a file in PEM.
fn trust(file: Option<&Path>) -> Result<ClientTlsConfig, String> {
    let tls = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
    let Some(file) = file else { return Ok(tls.with_webpki_roots()) };
    let certificates = fs::read(file).map_err(|bad| format!("ca={}: {bad}", file.display()))?;
    Ok(tls.ca_certificate(Certificate::from_pem(certificates)))
}

/// What goes along with every question: who asks, and of which database.
fn headers(encoded: Option<&str>, database: Option<&str>) -> Result<MetadataMap, String> {
    let mut headers = MetadataMap::new();
    if let Some(encoded) = encoded {
        let mut value = MetadataValue::<Ascii>::try_from(encoded).map_err(|bad| bad.to_string())?;
        value.set_sensitive(true);
        headers.insert("authorization", value);
    }
    if let Some(database) = database {
        let value = MetadataValue::<Ascii>::try_from(database);
        headers.insert("dbname", value.map_err(|bad| format!("database={database}: {bad}"))?);
    }
    Ok(headers)
}

async fn exchange<Q: Question>(
    channel: Channel,
    request: Request<Q>,
) -> Result<Q::Answer, Box<tonic::Status>> {
    let mut grpc = Grpc::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES);
    grpc.ready().await.map_err(|error| Box::new(tonic::Status::from_error(error.into())))?;
    let path = PathAndQuery::from_static(Q::METHOD);
    let answered = grpc.unary(request, path, ProstCodec::default()).await;
    answered.map(tonic::Response::into_inner).map_err(Box::new)
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The way to the server, or who asks.
    Line(Box<tonic::Status>),
    /// The server does not do it.
    Said(Status),
    /// Nothing came back for as long as an answer may take.
    Silent,
    /// This machine.
    System(io::Error),
}

impl Failure {
    /// Whether the server says that there is no such collection.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Said(status) if MISSING.contains(&status.any_code()))
    }

    /// Whether whoever asks may not know it.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Line(status) if status.code() == Code::PermissionDenied)
    }

    /// Whether the server says that there is no index.
    pub(super) fn is_without_index(&self) -> bool {
        matches!(self, Self::Said(status) if NO_INDEX.contains(&status.any_code()))
    }

    /// Whether the server says that the collection is not in memory, or not yet.
    pub(super) fn is_not_loaded(&self) -> bool {
        matches!(self, Self::Said(status) if NOT_LOADED.contains(&status.code))
    }

    /// Whether the same may go well a little later. A server that says nothing was waited for long enough.
    fn is_transient(&self) -> bool {
        match self {
            Self::Line(status) => {
                is_of_the_line(status) && !is_distrust(status.as_ref())
                    || matches!(status.code(), Code::Unavailable | Code::Aborted)
            }
            Self::Said(status) => status.is_transient(),
            Self::Silent | Self::System(_) => false,
        }
    }
}

impl Status {
    /// The code, also of a server before 2.3.
    fn any_code(&self) -> i32 {
        if self.code == 0 { self.error_code } else { self.code }
    }

    fn is_transient(&self) -> bool {
        let is_busy = self.retriable
            || BUSY.contains(&self.code)
            || self.code == 0 && BUSY_BEFORE.contains(&self.error_code);
        is_busy && !NOT_LOADED.contains(&self.code)
    }
}

/// Whether it is not the server's word, but what became of the connection.
fn is_of_the_line(status: &tonic::Status) -> bool {
    status.source().is_some()
}

/// Whether the connection was given up because the other side has not proven who it is, or does not speak TLS.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        kind == Some(io::ErrorKind::InvalidData)
    })
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source())
}

/// The last cause, which says the most.
fn words(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn line_words(status: &tonic::Status) -> String {
    match status.source() {
        Some(cause) => words(cause),
        None if status.message().is_empty() => status.code().description().to_owned(),
        None => status.message().to_owned(),
    }
}
