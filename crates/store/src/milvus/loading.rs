//! Waiting for a collection that is being taken into memory.
//!
//! A server that starts again says that it is well long before it answers questions about rows: it takes collections into memory
//! again, by itself, as long as that takes. That passes, so it is waited for while it goes on; a collection that somebody has taken
//! out of memory stays out, which is told at once.

use std::time::{Duration, Instant};

use linprobe_core::StoreError;

use super::{
    Milvus,
    client::RETRIES,
    proto::{GetLoadState, GetLoadingProgress, Load, LoadCollection, Question},
};
use crate::remote::{Access, Retries, sleep};

/// How often it is seen how far a collection is.
const INTERVAL: Duration = Duration::from_millis(200);

impl Milvus {
    /// The answer to a question about rows, after the collection has been loaded where it is being.
    pub(super) async fn tell<Q: Question>(&self, question: Q) -> Result<Q::Answer, StoreError> {
        let mut retries = Retries::new(RETRIES);
        loop {
            let failure = match self.client.ask(question.clone(), RETRIES).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_not_loaded() {
                return Err(self.client.error(failure));
            }
            self.be_loaded(Access::Read).await?;
            // Some of the server's parts know of it a little later than others.
            let Some(wait) = retries.next_wait() else { return Err(self.client.error(failure)) };
            sleep(wait).await.map_err(|error| self.failed(error))?;
        }
    }

    /// Waits until the collection is in memory, as long as it gets on. One that is to be written is loaded where it is not.
    pub(super) async fn be_loaded(&self, access: Access) -> Result<(), StoreError> {
        let mut is_asked_for = false;
        let (mut percent, mut since) = (None, Instant::now());
        loop {
            match self.load_state(access).await? {
                Load::Loaded => return Ok(()),
                Load::Not if access != Access::Read && !is_asked_for => {
                    let collection = self.collection.clone();
                    self.client.tell(LoadCollection { collection, n_replicas: 1 }).await?;
                    is_asked_for = true;
                }
                Load::Not if is_asked_for => {}
                Load::Loading => {}
                state => return Err(self.client.not_loaded(&format!("{state:?}"))),
            }
            let now = self.loaded_percent().await;
            if now != percent {
                (percent, since) = (now, Instant::now());
            } else if since.elapsed() >= self.client.server().timeout {
                return Err(self.client.is_loading(percent.unwrap_or_default()));
            }
            sleep(INTERVAL).await.map_err(|error| self.failed(error))?;
        }
    }

    /// Some servers tell it only to those who may load. Who only reads is told by the next question about rows, then.
    async fn load_state(&self, access: Access) -> Result<Load, StoreError> {
        let question =
            GetLoadState { collection: self.collection.clone(), partitions: self.partitions() };
        match self.client.ask(question, RETRIES).await {
            Ok(answer) => Ok(answer.state()),
            Err(failure) if failure.is_refused() && access == Access::Read => Ok(Load::Loaded),
            Err(failure) => Err(self.client.error(failure)),
        }
    }

    /// How much of the collection is in memory; none where that is not told.
    async fn loaded_percent(&self) -> Option<i64> {
        let question = GetLoadingProgress {
            collection: self.collection.clone(),
            partitions: self.partitions(),
        };
        self.client.ask(question, 0).await.ok().map(|progress| progress.percent)
    }
}
