//! Stores in other processes: vector engines that are asked over the network, by their address.
//!
//! A team's index is asked and never written to, unless whoever opens it says so. Addresses are shown and kept
//! without passwords; those come from the variables that the engine's own tools read.

#[cfg(feature = "rest")]
mod http;
#[cfg(feature = "rest")]
mod place;
#[cfg(any(feature = "pgvector", feature = "rest"))]
mod retry;
#[cfg(any(feature = "pgvector", feature = "rest"))]
mod runtime;
#[cfg(feature = "rest")]
mod trust;
mod variables;

use std::collections::BTreeMap;

use async_trait::async_trait;
#[cfg(feature = "rest")]
use futures_util::{StreamExt, TryStreamExt, stream};
use linprobe_core::{Hit, RecordId, StoreError, VectorStore};

#[cfg(any(feature = "pgvector", feature = "grpc"))]
pub(crate) use self::runtime::spawn;
#[cfg(feature = "pgvector")]
pub(crate) use self::runtime::within;
pub use self::variables::Variables;
#[cfg(feature = "grpc")]
pub(crate) use self::{
    http::{CONNECT_TIMEOUT, MAX_ANSWER_BYTES, Server, shortened},
    runtime::inside,
};
#[cfg(feature = "rest")]
pub(crate) use self::{
    http::{Http, Request},
    place::{Form, Place, encoded},
    runtime::spawn_blocking,
};
#[cfg(any(feature = "pgvector", feature = "rest"))]
pub(crate) use self::{
    retry::{RETRIES, RETRIES_TO_OPEN, Retries},
    runtime::sleep,
};
#[cfg(feature = "rest")]
use crate::dimension::check_dimension;

/// A store that an address names.
#[async_trait]
pub trait RemoteStore: VectorStore {
    /// The address, without a password, in the form in which it can be kept.
    fn address(&self) -> &str;

    /// What a person can read of records, where the address names a column of texts. Those without are left out.
    ///
    /// # Errors
    /// A failure of the store.
    async fn texts(&self, ids: &[RecordId]) -> Result<BTreeMap<RecordId, String>, StoreError>;

    /// Makes sure that scores can be written to a column of that name. Nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Unfit`] where they cannot, or a failure of the store.
    async fn check_score_column(&self, column: &str) -> Result<(), StoreError> {
        Err(takes_no_scores(self.address(), column))
    }

    /// Writes the score of each record to a column that [`check_score_column`](Self::check_score_column) lets pass. Records
    /// that are not there are left out. Returns how many were written to.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], [`StoreError::Unfit`] where scores cannot be written, or a failure of the store.
    async fn write_scores(&self, column: &str, _scores: &[Hit]) -> Result<u64, StoreError> {
        self.check_score_column(column).await.map(|()| 0)
    }
}

/// What questions are answered, in their order, when so many are asked at a time.
#[cfg(feature = "rest")]
pub(crate) async fn at_once<T>(
    n_at_once: usize,
    asked: Vec<impl Future<Output = Result<T, StoreError>>>,
) -> Result<Vec<T>, StoreError> {
    stream::iter(asked).buffered(n_at_once).try_collect().await
}

pub(crate) fn takes_no_scores(store: &str, column: &str) -> StoreError {
    StoreError::Unfit {
        store: store.to_owned(),
        reason: format!("scores cannot be written to its {column:?}"),
        hint: "write them to a file".to_owned(),
    }
}

/// Refuses to write where some of what is written would not be seen afterwards.
#[cfg(any(feature = "pgvector", feature = "rest"))]
pub(crate) fn not_seen(store: &str, parameters: &str) -> StoreError {
    StoreError::Unfit {
        store: store.to_owned(),
        reason: "what is written must be seen".to_owned(),
        hint: format!("leave {parameters} out of the address"),
    }
}

/// What may be done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is only asked.
    Read,
    /// Points are written and deleted. Where the table or collection is not there, it is made, for embeddings of
    /// this dimension.
    Write {
        /// The number of coordinates.
        dimension: usize,
    },
}

impl Access {
    /// Refuses to write where that was not asked for.
    #[cfg(any(feature = "pgvector", feature = "rest"))]
    pub(crate) fn check_writable(self, store: &str) -> Result<(), StoreError> {
        match self {
            Self::Write { .. } => Ok(()),
            Self::Read => Err(StoreError::ReadOnly { store: store.to_owned() }),
        }
    }

    /// Refuses to write embeddings of another dimension than the store's.
    #[cfg(feature = "rest")]
    pub(crate) fn check_dimension(self, expected: usize) -> Result<(), StoreError> {
        match self {
            Self::Write { dimension: found } => check_dimension(expected, found),
            Self::Read => Ok(()),
        }
    }
}
