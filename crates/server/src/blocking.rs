//! The one bridge from requests, which wait, to the library, which computes and reads.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::problem::{Kind, Problem};

/// A place among the requests that are served at once. It is free again when the last who holds it has ended.
pub(crate) type Place = Arc<OwnedSemaphorePermit>;

tokio::task_local! {
    /// The place of the request that is being answered.
    static PLACE: Place;
}

/// Answers a request that has a place. Work that blocks holds it to its own end, though nobody waits for
/// the answer any longer: so there is never more of it than there are places.
pub(crate) async fn at_place<F: Future>(place: Place, answer: F) -> F::Output {
    PLACE.scope(place, answer).await
}

/// Runs work that blocks its thread, away from the threads that serve connections. A panic of the
/// work fails its request and nothing else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    // Within a process requests have none.
    let place = PLACE.try_with(Arc::clone).ok();
    let placed = move || {
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(placed).await {
        Ok(done) => done,
        Err(_) => Err(Problem::new(Kind::Internal, "a bug of linprobe ended this request")),
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, sync::mpsc::channel, task::Poll};

    use tokio::{runtime::Builder, sync::Semaphore};

    use super::*;

    #[test]
    fn a_place_is_taken_until_the_work_ends_though_nobody_waits_for_it() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::new(Arc::clone(&places).try_acquire_owned().unwrap());
        let (finish, finished) = channel::<()>();
        let work = move || {
            finished.recv().expect("the test says when");
            Ok(())
        };
        let mut answer = Box::pin(at_place(place, blocking(work)));
        runtime.block_on(poll_fn(|context| {
            assert!(answer.as_mut().poll(context).is_pending());
            Poll::Ready(())
        }));
        drop(answer);
        assert_eq!(places.available_permits(), 0, "the work goes on");
        finish.send(()).unwrap();
        drop(runtime.block_on(places.acquire()).unwrap());
    }
}
