//! Locks that outlive a panic: it fails its own request, and none of those that come after.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Waits for what is locked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is locked, unless somebody has it.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(locked) => Some(locked),
        Err(TryLockError::Poisoned(left)) => Some(left.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_somebody_has_is_not_had_twice_and_a_panic_gives_it_back() {
        let mutex = Mutex::new(7);
        let held = try_lock(&mutex).unwrap();
        assert!(try_lock(&mutex).is_none());
        drop(held);
        let panicked = thread::scope(|scope| {
            let holder = || {
                let _held = lock(&mutex);
                panic!("a bug");
            };
            scope.spawn(holder).join().is_err()
        });
        assert!(panicked && mutex.is_poisoned());
        assert_eq!(try_lock(&mutex).map(|value| *value), Some(7));
        assert_eq!(*lock(&mutex), 7);
    }
}
