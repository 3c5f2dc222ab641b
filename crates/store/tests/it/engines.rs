//! Vector engines, each against a server in this process that takes nothing but what the engine's own
//! documentation has.

mod fake_pinecone;
mod filters;
mod milvus;
mod pinecone;
mod qdrant;
mod qdrant_faults;
mod samples;
mod scores;
mod settled;
mod surveys;
mod trust;

pub(crate) use qdrant::{id, new_name};
