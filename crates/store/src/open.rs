//! From an address to the store that it names.

use std::sync::Arc;

use linprobe_core::StoreError;

#[cfg(feature = "grpc")]
use crate::milvus::MilvusStore;
#[cfg(feature = "pgvector")]
use crate::pgvector;
use crate::remote::{Access, RemoteStore, Variables};
#[cfg(feature = "rest")]
use crate::{pinecone::PineconeStore, qdrant::QdrantStore};

/// The addresses that there are.
const HINT: &str = "postgres://user@host/database?table=schema.name, qdrant://host/collection, pinecone://host or \
     milvus://host/collection";

/// Opens the store of an address: `postgres://user@host/database?table=schema.name`, `qdrant://host/collection`,
/// `pinecone://host`, `milvus://host/collection`.
///
/// # Errors
/// [`StoreError::Address`], [`StoreError::Unreachable`], [`StoreError::Refused`] or [`StoreError::Unfit`].
#[cfg_attr(
    not(any(feature = "pgvector", feature = "rest")),
    expect(unused_variables, reason = "no kind of store is built in")
)]
pub async fn open(
    address: &str,
    access: Access,
    variables: &Variables,
) -> Result<Arc<dyn RemoteStore>, StoreError> {
    match address.split_once("://").map(|(scheme, _)| scheme) {
        #[cfg(feature = "pgvector")]
        Some("postgres" | "postgresql") => pgvector::open(address, access, variables).await,
        #[cfg(feature = "rest")]
        Some("qdrant") => Ok(Arc::new(QdrantStore::open(address, access, variables).await?)),
        #[cfg(feature = "rest")]
        Some("pinecone") => Ok(Arc::new(PineconeStore::open(address, access, variables).await?)),
        #[cfg(feature = "grpc")]
        Some("milvus") => Ok(Arc::new(MilvusStore::open(address, access, variables).await?)),
        // Nothing is known of where a password would stand, so the rest is not shown.
        scheme => Err(StoreError::Address {
            address: format!("{}://...", scheme.unwrap_or_default()),
            reason: "no store of this kind is known".to_owned(),
            hint: HINT.to_owned(),
        }),
    }
}
