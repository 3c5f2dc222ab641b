//! The three requests that a repository takes: what is in it, what is a file, and the file.

use std::path::Path;

use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use crate::{
    HubConfig, HubError, Listing, Progress, RepoKind, RepoName, Transfer,
    blob::PartialBlob,
    cache::RepoCache,
    line::{agent, header, protocol, ranged, refusal, transfer, unreachable},
    patience::patiently,
};

/// How many renamings are followed.
const MAX_REDIRECTS: usize = 5;

/// The longest list of files that is read.
const MAX_LISTING_BYTES: u64 = 128 << 20;

/// Speaks to the hub about one repository.
#[derive(Debug)]
pub(super) struct Client<'a> {
    agent: Agent,
    config: &'a HubConfig,
    name: &'a RepoName,
    progress: Progress,
}

/// What the hub says of a file.
#[derive(Debug)]
struct FileHead {
    etag: String,
    n_bytes: u64,
}

impl<'a> Client<'a> {
    pub(super) fn new(config: &'a HubConfig, name: &'a RepoName, progress: Progress) -> Self {
        Self { agent: agent(), config, name, progress }
    }

    pub(super) fn list(&self) -> Result<Listing, HubError> {
        let RepoName { kind, id, revision } = self.name;
        let (plural, revision) = (kind.plural(), revision.replace('/', "%2F"));
        let url = format!("{}/api/{plural}/{id}/revision/{revision}", self.config.endpoint);
        let mut response = patiently(|| self.get(&url))?;
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

    fn get(&self, url: &str) -> Result<Response<Body>, HubError> {
        let response = self.send(self.agent.get(url), url)?;
        self.check(url, &response)?;
        Ok(response)
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
        let url = self.address_of(commit, file);
        let head = patiently(|| self.head(&url))?;
        let blob = cache.blob(&head.etag);
        let lock = cache.lock(&head.etag)?;
        if !blob.is_file() {
            self.fetch_blob(&url, file, &head, &blob)?;
        }
        drop(lock);
        cache.link(commit, file, &head.etag)
    }

    fn address_of(&self, commit: &str, file: &str) -> String {
        let HubConfig { endpoint, .. } = self.config;
        let (id, file) = (&self.name.id, encoded(file));
        match self.name.kind {
            RepoKind::Model => format!("{endpoint}/{id}/resolve/{commit}/{file}"),
            RepoKind::Dataset => format!("{endpoint}/datasets/{id}/resolve/{commit}/{file}"),
        }
    }

    fn head(&self, url: &str) -> Result<FileHead, HubError> {
        let mut at = url.to_owned();
        for _ in 0..MAX_REDIRECTS {
            let request = self.agent.head(&at).config().max_redirects(0);
            let request = request.max_redirects_will_error(false).build();
            let response = self.send(request, &at)?;
            match header(&response, header::LOCATION.as_str()) {
                // It was renamed. Any other address is that of the file's contents.
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
        let get = |range: Option<String>| {
            let response = self.send(ranged(self.agent.get(url), range), url)?;
            self.check(url, &response)?;
            Ok(response)
        };
        let tell = |n_bytes, n_total| self.progress.tell(&Transfer { file, n_bytes, n_total });
        transfer(url, &mut partial, &get, &tell)?;
        partial.finish(blob, &head.etag, file)
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
            (_, Some("GatedRepo")) => Err(HubError::Gated { name: self.name.clone() }),
            // Strangers are not told whether it is private or does not exist.
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => {
                let endpoint = self.config.endpoint.clone();
                Err(HubError::NotFound { name: self.name.clone(), endpoint })
            }
            _ => Err(refusal(url, response)),
        }
    }
}

/// A path as it stands in an address.
fn encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let encode = |byte: u8| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    path.bytes().map(encode).collect()
}

/// Whether a text from the hub can be the name of a file here.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
