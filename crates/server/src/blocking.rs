//! The one bridge from requests, which wait, to the library, which computes and reads.

use crate::problem::{Kind, Problem};

/// Runs work that blocks its thread, away from the threads that serve connections. A panic of the
/// work fails its request and nothing else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Problem::new(Kind::Internal, "a bug of linprobe ended this request")),
    }
}
