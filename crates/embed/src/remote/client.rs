//! One request and its repetitions.

use std::{io::ErrorKind, thread, time::Duration};

use serde_json::Value;
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, header},
};

use super::{
    RemoteConfig, RemoteError,
    address::Address,
    protocol::{self, ServerInfo},
};

/// How often a request is made before the server counts as down.
const MAX_ATTEMPTS: u32 = 6;

/// The longest wait before a request is tried again, whatever the server asks for.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How long a connection may take.
const PATIENCE_TO_CONNECT: Duration = Duration::from_secs(10);

/// The longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// Speaks to one server.
pub(super) struct Client {
    agent: Agent,
    address: Address,
    token: Option<String>,
    pause: Duration,
    patience: Duration,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server does not take these texts; others may do.
    Refused(RemoteError),
    /// It takes none.
    Whole(RemoteError),
    /// It may take them later, after so long a wait where it says so.
    Passing(RemoteError, Option<Duration>),
}

impl Failure {
    pub(super) fn into_error(self) -> RemoteError {
        match self {
            Self::Refused(error) | Self::Whole(error) | Self::Passing(error, _) => error,
        }
    }
}

impl Client {
    pub(super) fn new(address: Address, config: &RemoteConfig) -> Self {
        let RemoteConfig { pause, patience, .. } = *config;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("linprobe/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(PATIENCE_TO_CONNECT))
            .timeout_send_request(Some(patience))
            .timeout_send_body(Some(patience))
            .timeout_recv_response(Some(patience))
            .timeout_recv_body(Some(patience))
            .build()
            .into();
        let openai_token = config.openai_token.as_ref().filter(|_| address.is_openai());
        let token = config.token.as_ref().or(openai_token).cloned();
        Self { agent, address, token, pause, patience }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// Embeds texts with one request, which is made again while the server has too much to do.
    pub(super) fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Failure> {
        let url = protocol::url(&self.address);
        let request = protocol::request(&self.address, texts);
        let answer = self.persist(&url, &request)?;
        protocol::vectors(&self.address, texts.len(), &answer)
            .map_err(|reason| Failure::Whole(RemoteError::Protocol { url, reason }))
    }

    /// What the server says of its weights, where it says anything.
    pub(super) fn weights(&self) -> Option<String> {
        if self.address.model.is_some() {
            return None;
        }
        let request = self.agent.get(format!("{}/info", self.address.base));
        let mut response =
            self.authorized(request).call().ok().filter(|it| it.status().is_success())?;
        Some(response.body_mut().read_json::<ServerInfo>().ok()?.weights())
    }

    /// Makes a request again for as long as that makes sense.
    fn persist(&self, url: &str, request: &Value) -> Result<Vec<u8>, Failure> {
        let mut pause = self.pause;
        for _ in 1..MAX_ATTEMPTS {
            match self.post(url, request) {
                Err(Failure::Passing(_, asked)) => {
                    // Woken early, it only asks early.
                    thread::park_timeout(asked.unwrap_or(pause).min(MAX_PAUSE));
                    pause *= 2;
                }
                answered => return answered,
            }
        }
        self.post(url, request)
    }

    fn post(&self, url: &str, request: &Value) -> Result<Vec<u8>, Failure> {
        let post = self.authorized(self.agent.post(url));
        let mut response = post.send_json(request).map_err(|error| self.unanswered(url, error))?;
        let answer = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec();
        let answer = answer.map_err(|error| self.unanswered(url, error))?;
        if response.status().is_success() {
            Ok(answer)
        } else {
            Err(self.sort(url, &response, &answer))
        }
    }

    /// With the token; a redirection to another host goes without it.
    fn authorized<Kind>(&self, request: RequestBuilder<Kind>) -> RequestBuilder<Kind> {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sorts out a refusal.
    fn sort(&self, url: &str, response: &Response<Body>, answer: &[u8]) -> Failure {
        let (url, message) = (url.to_owned(), protocol::message(answer));
        let status = response.status();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Failure::Whole(RemoteError::Unauthorized { url, variable: self.variable() })
            }
            StatusCode::NOT_FOUND => Failure::Whole(RemoteError::NotFound { url, message }),
            _ if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() => {
                let error = RemoteError::Busy { url, status: status.as_u16(), message };
                Failure::Passing(error, retry_after(response))
            }
            _ => Failure::Refused(RemoteError::Refused { url, status: status.as_u16(), message }),
        }
    }

    /// Sorts out why there is no answer. A server that says nothing was waited for long enough.
    fn unanswered(&self, url: &str, error: ureq::Error) -> Failure {
        let url = url.to_owned();
        if is_silence(&error) {
            return Failure::Whole(RemoteError::Silent { url, seconds: self.patience.as_secs() });
        }
        let is_passing = is_passing(&error);
        let error = RemoteError::Unreachable { url, source: error.into() };
        if is_passing { Failure::Passing(error, None) } else { Failure::Whole(error) }
    }

    /// The environment variable to take the token from.
    fn variable(&self) -> &'static str {
        if self.address.is_openai() { "OPENAI_API_KEY" } else { "LINPROBE_REMOTE_TOKEN" }
    }
}

impl std::fmt::Debug for Client {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The seconds that a server asks to be left alone for.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Whether a server took nothing more, or gave nothing more, for as long as it may.
fn is_silence(error: &ureq::Error) -> bool {
    use ureq::Timeout::{RecvBody, RecvResponse, SendBody, SendRequest};
    matches!(error, ureq::Error::Timeout(SendRequest | SendBody | RecvResponse | RecvBody))
}

/// Whether the same may go well a little later. A certificate that is not trusted stays so: TLS tells of it as of
/// data that make no sense.
fn is_passing(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Io(error) => error.kind() != ErrorKind::InvalidData,
        other => matches!(
            other,
            ureq::Error::Protocol(_)
                | ureq::Error::Timeout(_)
                | ureq::Error::ConnectionFailed
                | ureq::Error::HostNotFound
        ),
    }
}
