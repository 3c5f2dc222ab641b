//! Models that another machine runs: texts go out, vectors come back.
//!
//! `http://host/v1#model` speaks as OpenAI does, `POST http://host/v1/embeddings`; an address without
//! `#model` is a server of text-embeddings-inference, `POST http://host/embed`. The fingerprint is
//! that of the address, of the dimension and of what the server says of its weights, because the
//! weights themselves are not to be seen: of a server that changes its model and does not say so,
//! nobody learns.

mod address;
mod client;
mod error;
mod protocol;

use std::{
    env,
    panic::resume_unwind,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use linprobe_core::{
    BadContent, Content, EmbedError, Embedder, Embedding, Input, Modalities, ModelSpec,
};

pub use self::error::RemoteError;
use self::{
    address::Address,
    client::{Client, Failure},
};
use crate::open::OpenOptions;

/// Texts to a request: what text-embeddings-inference takes at most unless it is told otherwise.
const TEXTS_PER_REQUEST: usize = 32;

/// Requests at a time, so that a server far away is not waited for in vain.
const N_CONNECTIONS: usize = 4;

/// How long a server may take over a request or its answer: it may have to load its model first.
const PATIENCE: Duration = Duration::from_mins(2);

/// A text whose embedding tells the dimension.
const PROBE: &str = "linprobe";

/// How servers that run models are asked.
#[derive(Clone)]
pub struct RemoteConfig {
    /// Proves who asks, to any server that is named.
    pub token: Option<String>,
    /// Proves who asks, to `api.openai.com` alone.
    pub openai_token: Option<String>,
    /// How long to wait before a request is tried again; each time twice as long.
    pub pause: Duration,
    /// How long a server may take to read a request, to answer, or to send its answer.
    pub patience: Duration,
}

impl RemoteConfig {
    /// As environment variables say, looked up by name: `LINPROBE_REMOTE_TOKEN` and
    /// `OPENAI_API_KEY`.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| lookup(name).map(|text| text.trim().to_owned());
        let filled = |name: &str| text(name).filter(|text| !text.is_empty());
        Self {
            token: filled("LINPROBE_REMOTE_TOKEN"),
            openai_token: filled("OPENAI_API_KEY"),
            pause: Duration::from_millis(500),
            patience: PATIENCE,
        }
    }
}

impl Default for RemoteConfig {
    /// As the environment of this process says.
    fn default() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }
}

impl std::fmt::Debug for RemoteConfig {
    /// Says whether there are tokens, not what they are.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteConfig")
            .field("token", &self.token.is_some())
            .field("openai_token", &self.openai_token.is_some())
            .field("pause", &self.pause)
            .field("patience", &self.patience)
            .finish()
    }
}

/// A model on a server.
#[derive(Debug)]
pub(crate) struct RemoteEncoder {
    spec: ModelSpec,
    client: Client,
}

/// Whether a model's name is the address of a server.
pub(crate) fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

impl RemoteEncoder {
    /// Asks the server for one embedding, to learn what it makes.
    pub(crate) fn open(name: &str, options: &OpenOptions) -> Result<Self, RemoteError> {
        let address = Address::parse(name)?;
        if options.hub.offline {
            return Err(RemoteError::Offline { url: address.to_string() });
        }
        let client = Client::new(address, &options.remote);
        let vectors = client.embed(&[PROBE]).map_err(Failure::into_error)?;
        let dimension = vectors.first().map_or(0, Vec::len);
        let spec = ModelSpec {
            id: client.address().to_string(),
            revision: None,
            fingerprint: fingerprint(&client, dimension),
            dimension,
            modalities: Modalities { text: true, image: false },
        };
        Ok(Self { spec, client })
    }

    /// Embeds texts, several requests at a time.
    fn embed_texts(&self, texts: &[&str]) -> Result<Vec<Answer>, RemoteError> {
        let requests: Vec<_> = texts.chunks(TEXTS_PER_REQUEST).collect();
        let mut answers = Vec::with_capacity(texts.len());
        for wave in requests.chunks(N_CONNECTIONS) {
            let answered: Vec<_> = thread::scope(|scope| {
                let ask = |&texts| scope.spawn(move || self.embed_request(texts));
                let asked: Vec<_> = wave.iter().map(ask).collect();
                let joined = asked.into_iter().map(ScopedJoinHandle::join);
                joined.map(|answer| answer.unwrap_or_else(|panic| resume_unwind(panic))).collect()
            });
            for answer in answered {
                answers.extend(answer?);
            }
        }
        Ok(answers)
    }

    /// Embeds the texts of one request. Of texts that are refused together, each half is tried by
    /// itself, down to the one that is at fault.
    fn embed_request(&self, texts: &[&str]) -> Result<Vec<Answer>, RemoteError> {
        match self.client.embed(texts) {
            Ok(vectors) => vectors.into_iter().map(|vector| self.answer(vector)).collect(),
            Err(Failure::Refused(error)) if texts.len() < 2 => {
                Ok(vec![Err(BadContent::Undecodable(error.to_string()))])
            }
            Err(Failure::Refused(_)) => {
                let (left, right) = texts.split_at(texts.len() / 2);
                let mut answers = self.embed_request(left)?;
                answers.extend(self.embed_request(right)?);
                Ok(answers)
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    fn answer(&self, vector: Vec<f32>) -> Result<Answer, RemoteError> {
        let (expected, found) = (self.spec.dimension, vector.len());
        if expected != found {
            return Err(RemoteError::Dimension { url: self.spec.id.clone(), expected, found });
        }
        Ok(Embedding::normalize(vector).map_err(BadContent::from))
    }
}

/// What an embedder answers to one input.
type Answer = Result<Embedding, BadContent>;

fn fingerprint(client: &Client, dimension: usize) -> String {
    let weights = client.weights().unwrap_or_default();
    let identity = format!("remote {} {dimension} {weights}", client.address());
    blake3::hash(identity.as_bytes()).to_hex().to_string()
}

impl Embedder for RemoteEncoder {
    fn model(&self) -> &ModelSpec {
        &self.spec
    }

    fn process(&self, content: &Content) -> Result<Input, BadContent> {
        match content {
            Content::Text(text) => Ok(Input::Text(text.clone())),
            _ => Err(BadContent::Kind { kind: content.kind() }),
        }
    }

    fn embed(&self, batch: &[Input]) -> Result<Vec<Answer>, EmbedError> {
        let texts = batch.iter().map(|input| match input {
            Input::Text(text) => Ok(text.as_str()),
            _ => Err(EmbedError::ForeignInput { model: self.spec.id.clone() }),
        });
        let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
        self.embed_texts(&texts).map_err(|source| EmbedError::Engine {
            model: self.spec.id.clone(),
            source: source.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_shown() {
        let config = RemoteConfig::from_variables(|name| {
            name.ends_with("TOKEN").then(|| "secret-token".to_owned())
        });
        assert_eq!(config.token.as_deref(), Some("secret-token"));
        assert!(!format!("{config:?}").contains("secret"));
    }
}
