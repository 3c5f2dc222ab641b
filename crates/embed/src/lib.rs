//! Pretrained models that turn contents into embeddings.
//!
//! [`open`] takes a name, a folder, a hub name or the address of a server and gives an [`Embedder`](linprobe_core::Embedder);
//! [`embed_stream`] runs it over any number of contents, decoding and tokenizing beside the model,
//! in bounded memory. This is the only crate that knows an inference engine: whoever uses it sees
//! contents go in and unit vectors come out.

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
