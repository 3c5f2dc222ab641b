//! Pretrained models that turn contents into embeddings.
//!
//! [`open`] takes a name, a folder, a hub name or the address of a server and gives an [`Embedder`](linprobe_core::Embedder);
//! [`embed_stream`] runs it over any number of contents, decoding and tokenizing beside the model,
//! in bounded memory. This is the only crate that knows an inference engine: whoever uses it sees
//! contents go in and unit vectors come out.
//!
//! ```
//! use linprobe_core::Content;
//! use linprobe_embed::{BUILTIN, Embedded, OpenOptions, StreamOptions, embed_stream, open};
//!
//! let embedder = open(BUILTIN, &OpenOptions::default())?;
//! let texts = ["the parcel never came", "where is my parcel?", "stock prices fell"];
//! let contents = texts.into_iter().map(|text| (text, Content::Text(text.to_owned())));
//! let mut embedded: Vec<Embedded<&str>> = Vec::new();
//! embed_stream(embedder.as_ref(), contents, &StreamOptions::default(), |chunk| {
//!     embedded.extend(chunk);
//!     Ok::<(), std::io::Error>(())
//! })?;
//! let rows: Vec<_> = embedded.into_iter().filter_map(|embedded| embedded.embedding.ok()).collect();
//! assert!(rows[0].dot(rows[1].as_slice()) > rows[0].dot(rows[2].as_slice()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A name on the hub in the place of [`BUILTIN`], such as `openai/clip-vit-base-patch32`, brings a model for pictures, which are [`Content::Image`](linprobe_core::Content::Image)
//! with the bytes of their files. [`describe`] says what a model is without running it, [`check`](fn@check) tries it.

mod check;
mod engine;
#[cfg(feature = "fake")]
pub mod fake;
mod folder;
mod hub;
mod image;
mod model;
mod onnx;
mod open;
mod pool;
mod remote;
mod shelf;
mod tokenize;
mod weights;
mod worker;

pub use check::{Finding, check};
pub use engine::{Engine, UnknownEngine};
pub use image::{Resizing, UnknownResizing};
pub use model::{
    encoder::GraphInput,
    static_::{BadTable, StaticEncoder},
};
pub use onnx::{LibraryConfig, NoOnnxRuntime, NoOpenVino};
pub use open::{BUILTIN, OpenError, OpenOptions, digest_of, encoder_graph, open, precomputed};
pub use remote::{RemoteConfig, RemoteError};
pub use shelf::{CachedModel, Description, Place, cached_models, describe};
pub use worker::{Embedded, StreamError, StreamOptions, embed_stream};
