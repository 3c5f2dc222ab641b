//! Vector stores: an exact memory-mapped one, an in-memory oracle, and those of other processes.
//!
//! [`EmbeddedStore`] keeps points in a folder and looks at every one of them in each search, with
//! all cores: to some ten million points that takes less than a person notices, needs no index, and
//! misses nothing. [`MemoryStore`] says what the right answer is. `conformance` (a feature) holds
//! the promises that all keep, as checks that any other store can be put to. [`open`] opens a [`RemoteStore`] by its
//! address: a table of PostgreSQL, where the feature `pgvector` is on; with the feature `rest`, a collection of Qdrant or
//! Milvus, or an index of Pinecone.

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
#[cfg(feature = "rest")]
mod milvus;
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

pub use copy::{Copied, CopyProgress, copy};
pub use embedded::{
    CheckReport, Compaction, Damaged, EmbeddedStore, Norms, ScoredPoint, Violation, check, compact,
};
pub use memory::MemoryStore;
#[cfg(feature = "rest")]
pub use milvus::MilvusStore;
#[cfg(feature = "pgvector")]
pub use pgvector::{ApproximatePgvectorStore, PgvectorStore};
#[cfg(feature = "rest")]
pub use pinecone::PineconeStore;
#[cfg(feature = "rest")]
pub use qdrant::QdrantStore;
pub use remote::{Access, RemoteStore, Variables, open};
