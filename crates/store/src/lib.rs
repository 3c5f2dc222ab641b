//! Vector stores: an exact memory-mapped one, an in-memory oracle, and those of other processes.
//!
//! [`EmbeddedStore`] keeps points in a folder and looks at every one of them in each search, with
//! all cores: to some ten million points that takes less than a person notices, needs no index, and
//! misses nothing. [`MemoryStore`] says what the right answer is. `conformance` (a feature) holds
//! the promises that all keep, as checks that any other store can be put to. [`open`] opens a [`RemoteStore`] by its
//! address: a table of PostgreSQL, where the feature `pgvector` is on; with the feature `rest`, a collection of Qdrant or
//! an index of Pinecone; with `grpc`, a collection of Milvus.
//!
//! ```
//! use linprobe_core::{Embedding, Excluded, Point, Query, RecordId, Survey, VectorStore};
//! use linprobe_store::EmbeddedStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().join("store");
//! let store = EmbeddedStore::create(folder, 2)?;
//! let point = |name: &str, values: [f32; 2]| {
//!     let embedding = Embedding::normalize(values)?;
//!     Ok::<_, Box<dyn std::error::Error>>(Point { id: RecordId::new(name)?, embedding })
//! };
//! let points = [point("cat", [0.9, 0.1])?, point("dog", [0.8, 0.3])?, point("tax", [0.0, 1.0])?];
//! let (weights, exclude) = (&[1.0, 0.0], &Excluded::from([RecordId::new("cat")?]));
//! pollster::block_on(async {
//!     store.upsert(&points).await?;
//!     store.flush().await?;
//!     let hits = store.search(Query { weights, top_k: 1, exclude }).await?;
//!     assert_eq!(hits[0].id.as_str(), "dog");
//!     let survey = Survey { weights, bias: -0.5, top_k: 1, n_boundary: 1, threshold: 0.0, n_bins: 10, exclude };
//!     let report = store.survey(survey).await?;
//!     assert_eq!((report.n_above, report.n_points), (2, 3));
//!     Ok::<(), Box<dyn std::error::Error>>(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(feature = "pgvector", feature = "rest"))]
mod collection;
#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
mod dimension;
mod embedded;
#[cfg(feature = "fake")]
pub mod fake;
mod histogram;
mod memory;
#[cfg(feature = "grpc")]
mod milvus;
mod open;
#[cfg(feature = "pgvector")]
mod pgvector;
#[cfg(feature = "rest")]
mod pinecone;
#[cfg(feature = "rest")]
mod qdrant;
mod remote;
mod sample;
#[cfg(all(unix, feature = "test-server"))]
pub mod test_server;
#[cfg(any(feature = "pgvector", feature = "rest"))]
mod version;

pub use copy::{Copied, CopyProgress, copy};
pub use embedded::{
    CheckReport, Compaction, Damaged, EmbeddedStore, Norms, ScoredPoint, Violation, check, compact,
};
pub use memory::MemoryStore;
#[cfg(feature = "grpc")]
pub use milvus::MilvusStore;
pub use open::open;
#[cfg(feature = "pgvector")]
pub use pgvector::{ApproximatePgvectorStore, PgvectorStore};
#[cfg(feature = "rest")]
pub use pinecone::PineconeStore;
#[cfg(feature = "rest")]
pub use qdrant::QdrantStore;
pub use remote::{Access, RemoteStore, Variables};
