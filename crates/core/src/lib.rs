//! The nouns and the three seams of linprobe.
//!
//! A [`Source`] yields [`Record`]s; an [`Embedder`] turns their [`Content`] into [`Embedding`]s; a
//! [`VectorStore`] keeps them as [`Point`]s and answers a [`Query`] with [`Hit`]s. This crate says
//! what these words mean and nothing else: it does no I/O, knows no runtime and serializes nothing,
//! so every other crate may lean on it at no cost.
//!
//! ```
//! use linprobe_core::{Embedding, Point, RecordId};
//!
//! let id = RecordId::new("n02/img_17.jpg")?;
//! let embedding = Embedding::normalize(vec![3.0, 4.0])?;
//! assert_eq!(embedding.as_slice(), [0.6, 0.8]);
//! let point = Point { id, embedding };
//! # assert_eq!(point.embedding.dimension(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dot;
mod embedder;
mod embedding;
mod random;
mod record;
mod source;
mod store;

pub use dot::dot;
pub use embedder::{BadContent, EmbedError, Embedder, Input, Modalities, ModelSpec};
pub use embedding::{Embedding, NotAnEmbedding};
pub use random::SplitMix;
pub use record::{BadId, Content, Metadata, Record, RecordId};
pub use source::{BadRecord, Records, Source, SourceError};
pub use store::{
    Excluded, Histogram, Hit, Point, Precision, Query, StoreError, StoreSpec, Survey, SurveyReport,
    VectorStore,
};
