//! An embedder is a pretrained model with all that stands before and after it.

use std::error::Error;

use crate::{Content, Embedding, NotAnEmbedding};

/// Turns contents into embeddings, in two steps so that the first can run on many threads beside
/// the second: [`process`](Self::process) decodes, resizes or tokenizes one content,
/// [`embed`](Self::embed) runs the model over a batch.
pub trait Embedder: Send + Sync {
    /// What this model is.
    fn model(&self) -> &ModelSpec;

    /// Prepares one content for the model.
    ///
    /// # Errors
    /// [`BadContent`] when this model cannot take it; the next content is not concerned.
    fn process(&self, content: &Content) -> Result<Input, BadContent>;

    /// Prepares a text that records are to be searched for by. Some models were trained to tell it
    /// from a record.
    ///
    /// # Errors
    /// [`BadContent`] when this model takes no texts.
    fn process_query(&self, text: &str) -> Result<Input, BadContent> {
        self.process(&Content::Text(text.to_owned()))
    }

    /// Embeds a batch: exactly one answer for each input, in their order.
    ///
    /// # Errors
    /// [`EmbedError`] when the model failed as a whole. An input without an embedding, such as a
    /// text of unknown words, is an error in its own place.
    fn embed(&self, batch: &[Input]) -> Result<Vec<Result<Embedding, BadContent>>, EmbedError>;
}

/// A content prepared for a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Token ids of a text, special tokens included.
    Tokens(Vec<u32>),
    /// Normalized pixels, channel first: 3 x height x width.
    Pixels(Vec<f32>),
    /// A text as it is, for a model that somebody else runs.
    Text(String),
    /// A vector that needs no model.
    Vector(Vec<f32>),
}

/// What a model is, as far as its embeddings are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSpec {
    /// Its name: a hub name, a folder, `builtin/...` or `precomputed`.
    pub id: String,
    /// The revision of a model from a hub.
    pub revision: Option<String>,
    /// A digest of weights and processing: equal fingerprints give equal embeddings.
    pub fingerprint: String,
    /// The number of coordinates of its embeddings.
    pub dimension: usize,
    /// What it takes.
    pub modalities: Modalities,
}

/// The kinds of content that a model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modalities {
    /// It embeds texts.
    pub text: bool,
    /// It embeds pictures.
    pub image: bool,
}

/// Why one content has no embedding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    /// The model does not take this kind of content.
    #[error("the model takes no {kind}")]
    Kind {
        /// The kind of content.
        kind: &'static str,
    },
    /// It cannot be decoded.
    #[error("{0}")]
    Undecodable(String),
    /// The vector has another length than the model promises.
    #[error("the vector has {found} dimensions, {expected} are expected")]
    Dimension {
        /// The model's dimension.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// What came out has no direction.
    #[error(transparent)]
    NoDirection(#[from] NotAnEmbedding),
}

/// Why a model failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The inference engine failed.
    #[error("the model {model} failed")]
    Engine {
        /// The model's id.
        model: String,
        /// What the engine said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An input was not prepared by this model.
    #[error("the model {model} was given an input that it did not prepare")]
    ForeignInput {
        /// The model's id.
        model: String,
    },
}
