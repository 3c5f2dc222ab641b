//! The requests that a bucket takes: what an object is, what is below a prefix, and the object.

use std::time::Duration;

use rusty_s3::{
    Bucket, Credentials, S3Action, UrlStyle,
    actions::{ListObjectsV2, list_objects_v2::ListObjectsContent},
};
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use super::BucketConfig;
use crate::{
    HubError,
    line::{Head, agent, header, protocol, ranged, refusal, unreachable},
    patience::patiently,
};

/// How long a signature is good for.
const VALIDITY: Duration = Duration::from_hours(1);

/// The longest part of a listing that is read.
const MAX_LISTING_BYTES: u64 = 16 << 20;

/// What tells elements of a listing, and what Google Cloud Storage has in its place.
const NAMESPACES: [&str; 2] =
    ["http://s3.amazonaws.com/doc/2006-03-01/", "http://doc.s3.amazonaws.com/2006-03-01"];

/// Speaks to a service about the objects of an address.
pub(super) struct Client {
    agent: Agent,
    /// As it was given.
    address: String,
    bucket: Bucket,
    credentials: Option<Credentials>,
    bearer: Option<String>,
    /// What the address says of the object.
    key: String,
    /// What lets a person in.
    hint: &'static str,
}

/// An object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) key: String,
    /// Its name here, below the folder for all of them.
    pub(super) path: String,
    /// Tells it from what it was, or will be.
    version: String,
    pub(super) n_bytes: u64,
}

/// What is at an address.
pub(super) struct Found {
    pub(super) objects: Vec<Object>,
    /// Whether the address names an object, and no prefix of some.
    pub(super) is_one: bool,
}

impl Object {
    /// Another text for another object, or another version of it.
    pub(super) fn identity(&self) -> String {
        format!("{} {} {}", self.version, self.n_bytes, self.key)
    }
}

impl Client {
    pub(super) fn open(address: &str, config: &BucketConfig) -> Result<Self, HubError> {
        let bad = |reason: &str| protocol(address, reason);
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        let (account, hint) = match scheme {
            "gs" => (&config.gcs, GCS_HINT),
            _ => (&config.s3, S3_HINT),
        };
        let agent = agent();
        let region = match (scheme, &account.region, &account.endpoint) {
            ("s3", None, None) => region_of(&agent, name),
            _ => account.region.clone(),
        };
        let endpoint = account.endpoint.clone().unwrap_or_else(|| match scheme {
            "gs" => GCS.to_owned(),
            _ => s3_of(region.as_deref()),
        });
        let endpoint = endpoint.parse().map_err(|_bad_url| bad("its endpoint is no address"))?;
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name.to_owned(), region);
        Ok(Self {
            agent,
            address: address.to_owned(),
            bucket: bucket.map_err(|error| bad(&error.to_string()))?,
            credentials: account.credentials(),
            bearer: account.bearer.clone(),
            key: key.to_owned(),
            hint,
        })
    }

    /// The object, or else all below its name as a folder.
    pub(super) fn find(&self) -> Result<Found, HubError> {
        if !self.key.is_empty()
            && !self.key.ends_with('/')
            && let Some(object) = patiently(|| self.head())?
        {
            return Ok(Found { objects: vec![object], is_one: true });
        }
        let objects = self.list()?;
        if objects.is_empty() {
            return Err(HubError::Nothing { address: self.address.clone() });
        }
        Ok(Found { objects, is_one: false })
    }

    fn head(&self) -> Result<Option<Object>, HubError> {
        let key = &self.key;
        let url = self.bucket.head_object(self.credentials.as_ref(), key).sign(VALIDITY);
        let response = self.send(self.agent.head(url.as_str()))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.check(&response)?;
        let Head { n_bytes, version } = Head::read(&self.address, &response)?;
        let path = path_of(key.rsplit('/').next().unwrap_or(key));
        Ok(Some(Object { key: key.clone(), path, version, n_bytes }))
    }

    /// All objects below the key as a folder.
    fn list(&self) -> Result<Vec<Object>, HubError> {
        let prefix = match self.key.as_str() {
            "" => String::new(),
            key => format!("{}/", key.trim_end_matches('/')),
        };
        let (mut objects, mut token) = (Vec::new(), None);
        loop {
            let text = patiently(|| self.list_part(&prefix, token.as_deref()))?;
            let text = text.replace(NAMESPACES[1], NAMESPACES[0]);
            let part = ListObjectsV2::parse_response(&text)
                .map_err(|error| protocol(&self.address, error.to_string()))?;
            objects.extend(part.contents.into_iter().filter_map(|found| object(found, &prefix)));
            token = part.next_continuation_token;
            if token.is_none() {
                return Ok(objects);
            }
        }
    }

    fn list_part(&self, prefix: &str, token: Option<&str>) -> Result<String, HubError> {
        let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
        action.with_prefix(prefix);
        if let Some(token) = token {
            action.with_continuation_token(token);
        }
        let mut response = self.send(self.agent.get(action.sign(VALIDITY).as_str()))?;
        self.check(&response)?;
        let body = response.body_mut().with_config().limit(MAX_LISTING_BYTES);
        body.read_to_string().map_err(|error| unreachable(&self.address, error))
    }

    /// An object, or the rest of it.
    pub(super) fn get(&self, key: &str, range: Option<String>) -> Result<Response<Body>, HubError> {
        let url = self.bucket.get_object(self.credentials.as_ref(), key).sign(VALIDITY);
        let response = self.send(ranged(self.agent.get(url.as_str()), range))?;
        self.check(&response)?;
        Ok(response)
    }

    /// An object as people call it. Addresses of requests are not shown: they are signed.
    pub(super) fn shown(&self, key: &str) -> String {
        let (scheme, _) = self.address.split_once("://").unwrap_or_default();
        format!("{scheme}://{}/{key}", self.bucket.name())
    }

    fn send(&self, request: RequestBuilder<WithoutBody>) -> Result<Response<Body>, HubError> {
        let request = match &self.bearer {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        request.call().map_err(|error| unreachable(&self.address, error))
    }

    fn check(&self, response: &Response<Body>) -> Result<(), HubError> {
        let address = || self.address.clone();
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND => Err(HubError::Nothing { address: address() }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(HubError::NotGiven { address: address(), hint: self.hint })
            }
            _ => Err(refusal(&self.address, response)),
        }
    }
}

const S3_HINT: &str = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; a bucket for \
     everyone needs none";
const GCS_HINT: &str = "set GOOGLE_OAUTH_ACCESS_TOKEN to what \"gcloud auth print-access-token\" \
     prints; a bucket for everyone needs none";

/// Where Google keeps its buckets.
const GCS: &str = "https://storage.googleapis.com";

/// Where buckets are that say nothing else.
const DEFAULT_REGION: &str = "us-east-1";

fn s3_of(region: Option<&str>) -> String {
    format!("https://s3.{}.amazonaws.com", region.unwrap_or(DEFAULT_REGION))
}

/// The region of a bucket, which S3 tells everyone.
fn region_of(agent: &Agent, bucket: &str) -> Option<String> {
    let response = agent.head(format!("{}/{bucket}", s3_of(None))).call().ok()?;
    header(&response, "x-amz-bucket-region").map(str::to_owned)
}

/// An object of a listing. What only stands for a folder is none, nor is one whose name no address can have.
fn object(found: ListObjectsContent, prefix: &str) -> Option<Object> {
    let ListObjectsContent { etag, key, last_modified, size, .. } = found;
    if key.ends_with('/') || key.split('/').any(|part| [".", ".."].contains(&part)) {
        return None;
    }
    let path = path_of(key.strip_prefix(prefix)?);
    let version = [etag, last_modified].map(Option::unwrap_or_default).join(" ");
    Some(Object { key, path, version, n_bytes: size? })
}

/// A key as a path below a folder, never out of it.
fn path_of(key: &str) -> String {
    let part = |part: &str| match part {
        "" | "." | ".." => format!("%{part}"),
        part => part.replace('\\', "%5C").replace('\0', "%00"),
    };
    key.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_leads_out_of_its_folder() {
        for (key, path) in [
            ("a/b.csv", "a/b.csv"),
            ("../../etc/passwd", "%../%../etc/passwd"),
            ("/etc/passwd", "%/etc/passwd"),
            ("a//b", "a/%/b"),
            ("..\\x", "..%5Cx"),
            ("a/./b", "a/%./b"),
        ] {
            assert_eq!(path_of(key), path);
        }
    }
}
