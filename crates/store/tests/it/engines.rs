//! Vector engines that speak REST, each against a server in this process that takes nothing but what the engine's own
//! documentation has.

mod fake_milvus;
mod fake_pinecone;
mod milvus;
mod pinecone;
mod qdrant;
mod qdrant_faults;
