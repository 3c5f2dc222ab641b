//! The three requests that a model takes: what is in it, what is a file, and the file.

use std::{error::Error, io, path::Path, time::Duration};

use serde::Deserialize;
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use super::{
    HubConfig, HubError, Progress, RepoName, Transfer, blob::PartialBlob, cache::RepoCache,
};

/// How often a transfer that breaks off is taken up again.
const MAX_ATTEMPTS: usize = 4;

/// How long nothing may come before a transfer counts as broken off.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many renamings of a model are followed.
const MAX_REDIRECTS: usize = 5;

/// The longest list of files that is read.
const MAX_LISTING_BYTES: u64 = 32 << 20;

/// Speaks to the hub about one model.
#[derive(Debug)]
pub(super) struct Client<'a> {
    agent: Agent,
    config: &'a HubConfig,
    name: &'a RepoName,
    progress: Progress,
}

/// What a model consists of.
#[derive(Debug, Deserialize)]
pub(super) struct Listing {
    /// The commit that the revision stands for now.
    pub(super) sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Listing {
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.siblings.iter().map(|sibling| sibling.rfilename.as_str())
    }

    pub(super) fn has(&self, file: &str) -> bool {
        self.files().any(|listed| listed == file)
    }
}

/// What the hub says of a file.
#[derive(Debug)]
struct FileHead {
    etag: String,
    n_bytes: u64,
}

impl<'a> Client<'a> {
    pub(super) fn new(config: &'a HubConfig, name: &'a RepoName, progress: Progress) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("linprobe/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build()
            .into();
        Self { agent, config, name, progress }
    }

    pub(super) fn list(&self) -> Result<Listing, HubError> {
        let RepoName { id, revision } = self.name;
        let revision = revision.replace('/', "%2F");
        let url = format!("{}/api/models/{id}/revision/{revision}", self.config.endpoint);
        let mut response = self.send(self.agent.get(&url), &url)?;
        self.check(&url, &response)?;
        let listing: Listing = response
            .body_mut()
            .with_config()
            .limit(MAX_LISTING_BYTES)
            .read_json()
            .map_err(|error| protocol(&url, error.to_string()))?;
        if is_plain(&listing.sha) {
            Ok(listing)
        } else {
            Err(protocol(&url, format!("the commit {:?}", listing.sha)))
        }
    }

    /// Brings a file into the cache, unless it is there.
    pub(super) fn fetch(
        &self,
        cache: &RepoCache,
        commit: &str,
        file: &str,
    ) -> Result<(), HubError> {
        if cache.folder(commit).join(file).is_file() {
            return Ok(());
        }
        let url = format!("{}/{}/resolve/{commit}/{file}", self.config.endpoint, self.name.id);
        let head = self.head(&url)?;
        let blob = cache.blob(&head.etag);
        let lock = cache.lock(&head.etag)?;
        if !blob.is_file() {
            self.fetch_blob(&url, file, &head, &blob)?;
        }
        drop(lock);
        cache.link(commit, file, &head.etag)
    }

    fn head(&self, url: &str) -> Result<FileHead, HubError> {
        let mut at = url.to_owned();
        for _ in 0..MAX_REDIRECTS {
            let request = self.agent.head(&at).config().max_redirects(0);
            let request = request.max_redirects_will_error(false).build();
            let response = self.send(request, &at)?;
            match header(&response, header::LOCATION.as_str()) {
                // A model that was renamed. Any other address is that of the file's contents.
                Some(location) if location.starts_with('/') => {
                    at = format!("{}{location}", self.config.endpoint);
                }
                _ => return self.file_head(url, &response),
            }
        }
        Err(protocol(url, "it redirects for ever"))
    }

    fn file_head(&self, url: &str, response: &Response<Body>) -> Result<FileHead, HubError> {
        if !response.status().is_redirection() {
            self.check(url, response)?;
        }
        let etag = header(response, "x-linked-etag").or_else(|| header(response, "etag"));
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
        let size = header(response, "x-linked-size").or_else(|| header(response, "content-length"));
        let etag = etag.filter(|etag| is_plain(etag));
        match (etag, size.and_then(|size| size.parse().ok())) {
            (Some(etag), Some(n_bytes)) => Ok(FileHead { etag, n_bytes }),
            _ => Err(protocol(url, "neither an etag nor a length")),
        }
    }

    /// Fetches a blob, however often the line breaks.
    fn fetch_blob(
        &self,
        url: &str,
        file: &str,
        head: &FileHead,
        blob: &Path,
    ) -> Result<(), HubError> {
        let mut partial = PartialBlob::open(blob, head.n_bytes)?;
        for attempt in 1..=MAX_ATTEMPTS {
            match self.resume(url, file, &mut partial) {
                Err(HubError::Unreachable { .. }) if attempt < MAX_ATTEMPTS => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        partial.finish(blob, &head.etag, file)
    }

    fn resume(&self, url: &str, file: &str, partial: &mut PartialBlob) -> Result<(), HubError> {
        if partial.is_whole() {
            return Ok(());
        }
        let range = format!("bytes={}-", partial.n_bytes());
        let request = self.agent.get(url);
        let request = match partial.n_bytes() {
            0 => request,
            _ => request.header(header::RANGE, range),
        };
        let response = self.send(request, url)?;
        self.check(url, &response)?;
        if response.status() != StatusCode::PARTIAL_CONTENT {
            partial.restart()?;
        }
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let broken = |error: io::Error| unreachable(url, error);
        partial.append(body, broken, |n_bytes, n_total| {
            self.progress.tell(&Transfer { file, n_bytes, n_total });
        })
    }

    fn send(
        &self,
        request: RequestBuilder<WithoutBody>,
        url: &str,
    ) -> Result<Response<Body>, HubError> {
        let request = match &self.config.token {
            // It is sent to the hub alone: a redirection to another host goes without.
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        request.call().map_err(|error| unreachable(url, error))
    }

    /// Sorts out what the hub refuses.
    fn check(&self, url: &str, response: &Response<Body>) -> Result<(), HubError> {
        let status = response.status();
        let code = header(response, "x-error-code");
        match (status, code) {
            _ if status.is_success() => Ok(()),
            (_, Some("GatedRepo")) => Err(HubError::Gated { name: self.name.to_string() }),
            // Strangers are not told whether a model is private or does not exist.
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => {
                let endpoint = self.config.endpoint.clone();
                Err(HubError::NotFound { name: self.name.to_string(), endpoint })
            }
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(unreachable(url, format!("it answers {status}")))
            }
            _ => Err(protocol(url, format!("it answers {status}"))),
        }
    }
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Whether a text from the hub can be the name of a file here.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn unreachable(url: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> HubError {
    HubError::Unreachable { url: url.to_owned(), source: error.into() }
}

fn protocol(url: &str, reason: impl Into<String>) -> HubError {
    HubError::Protocol { url: url.to_owned(), reason: reason.into() }
}
