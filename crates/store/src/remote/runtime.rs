//! The one thread that connections of remote stores live on.
//!
//! The library drives a store's futures wherever it awaits them, in a command as in a server. What moves bytes must
//! go on meanwhile, so it has a runtime of its own, for the whole process; who asks only waits on channels.

#[cfg(any(feature = "pgvector", feature = "grpc"))]
use std::future::Future;
use std::{io, sync::OnceLock, time::Duration};

#[cfg(feature = "pgvector")]
use tokio::time::error::Elapsed;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time,
};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Makes something that belongs to the thread.
#[cfg(feature = "grpc")]
pub(crate) fn inside<T>(make: impl FnOnce() -> T) -> io::Result<T> {
    let _runtime = runtime()?.enter();
    Ok(make())
}

/// Lets a future run on the thread.
#[cfg(any(feature = "pgvector", feature = "grpc"))]
pub(crate) fn spawn<F>(future: F) -> io::Result<JoinHandle<F::Output>>
where
    F: Future<Output: Send> + Send + 'static,
{
    Ok(runtime()?.spawn(future))
}

/// Lets something that blocks run on a thread of its own.
#[cfg(feature = "rest")]
pub(crate) fn spawn_blocking<T, F>(work: F) -> io::Result<JoinHandle<T>>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    Ok(runtime()?.spawn_blocking(work))
}

/// Waits for a future, but no longer than this.
#[cfg(feature = "pgvector")]
pub(crate) async fn within<F: Future>(
    limit: Duration,
    future: F,
) -> io::Result<Result<F::Output, Elapsed>> {
    let limited = {
        let _clock = runtime()?.enter();
        time::timeout(limit, future)
    };
    Ok(limited.await)
}

/// Waits.
pub(crate) async fn sleep(duration: Duration) -> io::Result<()> {
    let sleeping = {
        let _clock = runtime()?.enter();
        time::sleep(duration)
    };
    sleeping.await;
    Ok(())
}

fn runtime() -> io::Result<&'static Runtime> {
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let made = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("linprobe-stores")
        .enable_all()
        .build()?;
    // Another thread may have been faster; a runtime must not be dropped where futures run.
    if let Err(second) = RUNTIME.set(made) {
        second.shutdown_background();
    }
    RUNTIME.get().ok_or_else(|| io::Error::other("the runtime of remote stores is gone"))
}
